"""The action log behind a connection pooler: locks keep two tasks apart in transaction mode, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting, held
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.errors import LockedError
from airflow_provider_okta_ure.plugin.store import Store
from tests.support.pgbouncer import pooled

if TYPE_CHECKING:
    from tests.support.postgres import Server

MOMENT = datetime(2026, 11, 20, tzinfo=timezone.utc)
AT_ONCE = Waiting(seconds=0)


@pytest.fixture(scope="module", params=["session", "transaction"])
def url(request: pytest.FixtureRequest, postgres: Server) -> Iterator[str]:
    with pooled(postgres.new_database(), request.param) as through:
        yield through


@pytest.fixture
def databases(url: str) -> Iterator[list[Database]]:
    """The same database as three tasks have it open."""
    opened = [Database(url) for _ in range(3)]
    yield opened
    for one in opened:
        one.close()


def test_a_lock_is_held_by_one_at_a_time(databases: list[Database]) -> None:
    first, second, busy = databases
    with held(first, "group 00g1", AT_ONCE):
        # Somebody works meanwhile, so that the pooler hands its connections round.
        for _ in range(3):
            with busy.reading() as connection:
                connection.execute(text("SELECT 1"))
        with pytest.raises(LockedError), held(second, "group 00g1", AT_ONCE):
            pass
        with held(second, "group 00g2", AT_ONCE):
            pass


def test_a_lock_that_was_given_back_is_free(databases: list[Database]) -> None:
    for _ in range(3):
        for database in databases:
            with held(database, "group 00g1", AT_ONCE):
                pass


def test_a_failure_gives_the_lock_back(databases: list[Database]) -> None:
    first, second, _ = databases
    with pytest.raises(ValueError, match="work"), held(first, "group 00g1", AT_ONCE):
        raise ValueError("work")
    with held(second, "group 00g1", AT_ONCE):
        pass


def test_a_server_that_ends_idle_transactions_does_not_end_a_lock(databases: list[Database]) -> None:
    first, second, busy = databases
    with busy.reading() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar()
    with busy.writing() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '50ms'"))
    fresh = Database(first.engine.url)
    with held(fresh, "group 00g1", AT_ONCE):
        with busy.reading() as connection:
            connection.execute(text("SELECT pg_sleep(0.3)"))
        with pytest.raises(LockedError), held(second, "group 00g1", AT_ONCE):
            pass
    fresh.close()


def test_what_a_page_reads_leaves_nothing_behind_for_the_tasks(url: str) -> None:
    """The page's connection is read-only; behind a pooler a task may get the same one next."""
    entry = Entry(
        org="o",
        action="push_risk",
        user_key="ann",
        as_of=MOMENT,
        started_at=MOMENT,
        recorded_at=MOMENT,
        status="done",
    )
    log = ActionLog.open(url)
    page = Store(lambda: url).open()
    try:
        for number in range(4):
            page.count(Filter())
            log.finish([entry])
            assert page.count(Filter()) == 1, number
        with log.database.reading() as connection:
            assert connection.execute(text("SHOW default_transaction_read_only")).scalar() == "off"
            assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
        with pytest.raises(Exception, match="read-only transaction"):
            page.finish([entry])
    finally:
        page.close()
        log.close()
