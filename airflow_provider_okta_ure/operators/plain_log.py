# SPDX-License-Identifier: Apache-2.0
"""The log of our tasks, in which no text from outside can look like a line, a group or an end of the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_okta_ure.core.plain_text import in_one_line

_LEVELS = frozenset(("debug", "info", "warning", "error", "critical", "exception"))


class PlainLogMixin:
    """
    An operator whose ``self.log`` changes every value that is filled in, but not the sentence around it.

    Names of people and groups, and what services say, come from outside. Airflow's page folds a log from
    ``::group::`` on and leaves out the line with ``::endgroup::``, wherever it stands in a line.
    """

    @property
    def log(self) -> Any:
        # Of Airflow's own mixin, which comes after this one.
        log: Any = super().log  # type: ignore[misc]
        return _PlainLog(log)


class _PlainLog:
    def __init__(self, log: Any) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._log, name)
        return _plainly(found) if name in _LEVELS else found


def _plainly(say: Callable[..., Any]) -> Callable[..., Any]:
    def say_plainly(event: str, *args: Any, **fields: Any) -> Any:
        return say(event, *map(_plain, args), **{name: _plain(value) for name, value in fields.items()})

    return say_plainly


def _plain(value: Any) -> Any:
    return in_one_line(value) if isinstance(value, str) else value
