"""Airflow's masker of secrets, for thousands of tests in one process."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    import pytest


class _LazyExpressions:
    """
    The module ``re`` for the masker, which compiles an expression when it is used.

    Airflow makes one of all secrets anew for each secret that it is told, and a test has hundreds.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(re, name)

    def compile(self, pattern: str) -> Any:
        return _LazyPattern(pattern)


class _LazyPattern:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    def sub(self, replacement: Any, text: str) -> str:
        return self._compiled.sub(replacement, text)


def begin_without_secrets(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let a masker forget what it was told, until the test is over.

    :param module: Airflow's ``secrets_masker``, of the core or of the task SDK.
    """
    masker = module._secrets_masker()
    monkeypatch.setattr(masker, "patterns", set())
    monkeypatch.setattr(masker, "replacer", None)
    monkeypatch.setattr(module, "re", _LazyExpressions())
