"""Airflow's libraries without its database: connections come from the environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.sandbox import Sandbox
from demo.keys import SigningKeyPair, new_signing_key
from tests.support.masking import begin_without_secrets

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
CLOCK = NOW + timedelta(days=45)
"""What the clock of the machine says: later than every run of a test, whenever the test is run."""


@pytest.fixture(autouse=True, scope="session")
def _airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        yield


@pytest.fixture(autouse=True)
def _no_run_is_in_the_future(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are about runs of fixed days, some after the day on which they are run."""
    for module in ("run", "netskope"):
        monkeypatch.setattr(f"airflow_provider_okta_ure.operators.{module}.utc_now", lambda: CLOCK)


@pytest.fixture(autouse=True)
def _nothing_masked_from_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the secrets of other tests."""
    from airflow._shared.secrets_masker import secrets_masker as of_core
    from airflow.sdk._shared.secrets_masker import secrets_masker as of_sdk

    for module in (of_core, of_sdk):
        begin_without_secrets(module, monkeypatch)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Store a connection in the environment."""

    def connect(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return connect


@pytest.fixture(autouse=True)
def _action_log(connect: Callable[..., None], tmp_path: Path) -> None:
    """Every test begins without a memory."""
    connect("okta_ure_action_log", conn_type="sqlite", host=str(tmp_path / "action_log.db"))


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
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A small pretend world; its clock starts at a fixed moment, and the clients take it for the time."""
    with Sandbox(users=60, seed=7, now=NOW) as running:
        for module in ("http", "oauth"):
            monkeypatch.setattr(
                f"airflow_provider_okta_ure.clients.{module}.Timing",
                lambda: Timing(now=running.clock.timestamp, sleep=running.clock.advance),
            )
        yield running


@pytest.fixture(scope="session")
def signing_key() -> SigningKeyPair:
    """A key pair that signs risk signals."""
    return new_signing_key()


@pytest.fixture
def okta(sandbox: Sandbox, connect: Callable[..., None], signing_key: SigningKeyPair) -> Sandbox:
    """The sandbox, connected as ``okta_default`` with everything that pushing risk needs."""
    connect(
        "okta_default",
        conn_type="okta",
        host=sandbox.okta_url,
        password=sandbox.okta_token,
        extra={
            "issuer": "https://risk.corp.example",
            "jwks_url": sandbox.publish_jwks(signing_key.jwks),
            "signing_private_key": signing_key.pem,
            "allow_private_jwks_url": True,
        },
    )
    return sandbox


@pytest.fixture
def netskope(sandbox: Sandbox, connect: Callable[..., None]) -> Sandbox:
    """The sandbox, connected as ``netskope_default``."""
    connect(
        "netskope_default", conn_type="netskope", host=sandbox.netskope_url, password=sandbox.netskope_token
    )
    return sandbox
