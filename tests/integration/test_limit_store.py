"""Where the clients of hooks count rate limits: with all machines when the action log is in PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from airflow_provider_okta_ure.clients import http
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.hooks import pacing
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from demo.processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Server


@pytest.fixture(autouse=True)
def _as_in_a_new_process(okta, netskope, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept from before, and the clock is the machine's: of another one no other process knows."""
    pacing._of_database.cache_clear()
    monkeypatch.setattr(http, "Timing", Timing)


def _action_log_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at = make_url(url)
    fields = {
        "conn_type": "postgres",
        "host": at.host,
        "port": at.port,
        "login": at.username,
        "schema": at.database,
    }
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_URE_ACTION_LOG", json.dumps(fields))


def test_with_postgresql_all_machines_count_together(
    postgres: Server, monkeypatch: pytest.MonkeyPatch, limits_of_its_own: Path
) -> None:
    url = postgres.new_database()
    _action_log_at(url, monkeypatch)
    list(OktaHook().client.list_groups())
    next(iter(NetskopeHook().client.list_users()))
    with create_engine(url).connect() as connection:
        # Okta's groups, and the turns of the tenant.
        assert connection.execute(text("SELECT count(*) FROM okta_ure_limits")).scalar() == 2
    assert not limits_of_its_own.exists()


def test_with_sqlite_the_machine_counts_together(limits_of_its_own: Path) -> None:
    list(OktaHook().client.list_groups())
    assert len(list(limits_of_its_own.iterdir())) == 1


@pytest.mark.parametrize("trouble", ["away", "unreadable"])
def test_no_call_fails_because_of_where_requests_are_counted(
    monkeypatch: pytest.MonkeyPatch, limits_of_its_own: Path, trouble: str
) -> None:
    if trouble == "away":
        _action_log_at(f"postgresql+psycopg2://x@127.0.0.1:{free_port()}/x", monkeypatch)
    else:
        monkeypatch.setenv("AIRFLOW_CONN_OKTA_URE_ACTION_LOG", "{")
    assert list(OktaHook().client.list_groups())
    assert len(list(limits_of_its_own.iterdir())) == 1
