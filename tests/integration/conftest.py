"""Airflow's libraries without its database: connections come from the environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_okta_ure.sandbox import Sandbox

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)


@pytest.fixture(autouse=True, scope="session")
def _airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        yield


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Store a connection in the environment."""

    def connect(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return connect


class FakeTaskInstance:
    """What an operator asks of its task instance."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))


def context_of(
    as_of: datetime | None = NOW, *, run_after: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """Return the context of a run; ``as_of=None`` is a manual run without a data interval."""
    return {
        "ti": FakeTaskInstance(),
        "data_interval_end": as_of,
        "logical_date": as_of,
        "dag_run": SimpleNamespace(run_after=run_after or as_of),
        **more,
    }


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small pretend world whose time stands still."""
    with Sandbox(users=60, seed=7, now=NOW, frozen=True) as running:
        yield running
