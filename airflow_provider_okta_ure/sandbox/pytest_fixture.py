"""
A pytest fixture for your own DAG tests.

Load it in a ``conftest.py`` with ``pytest_plugins = ["airflow_provider_okta_ure.sandbox.pytest_fixture"]``.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def okta_ure_sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox with 200 people, whose clock is frozen on 2026-11-23 at 03:00 UTC."""
    now = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
    with Sandbox(users=200, seed=7, now=now, frozen=True) as sandbox:
        yield sandbox
