"""Whoever reads slowly, stops reading, goes away or asks too much keeps nobody else from the page or the tasks."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

from airflow_provider_okta_ure.action_log import facets
from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ActionLogError, BusyError
from airflow_provider_okta_ure.plugin import api_routes, exports, places, store
from airflow_provider_okta_ure.plugin.exports import CsvExport, ExportStoppedError, TooManyExportsError
from airflow_provider_okta_ure.plugin.places import Places
from airflow_provider_okta_ure.plugin.store import Store
from tests.support.page import SYNC, app, log, security, viewer
from tests.support.pgbouncer import pooled
from tests.support.web_server import SlowReader, serving, until

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from tests.support.airflow_security import Security, Visitor
    from tests.support.postgres import Server

__all__ = ["app", "log", "security", "viewer"]

MOMENT = datetime(2026, 11, 23, tzinfo=timezone.utc)
EXPORT, FILTERS = "/okta-ure/api/actions.csv", "/okta-ure/api/filters"
READERS = 20
# More than fits into the buffers between a server and somebody who does not read.
ENTRIES, MESSAGE = 8000, "m" * 1000


def entry(number: int, **more: Any) -> Entry:
    user = f"user{number}@corp.example"
    fields: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "push_risk",
        "target": "https://risk.corp.example",
        "user_key": fold(user),
        "user_name": user,
        "as_of": MOMENT,
        "started_at": MOMENT,
        "recorded_at": MOMENT,
        "dag_id": SYNC,
        "run_id": "scheduled__1",
        "task_id": "push_risk",
        "status": "done",
    }
    return Entry(**{**fields, **more})


@pytest.fixture(autouse=True)
def _all_places_are_free_again() -> Iterator[None]:
    yield
    until(lambda: exports.running.taken == places.working.taken == 0)


@pytest.fixture(scope="module")
def long_log(postgres: Server) -> Iterator[ActionLog]:
    """An action log that no reader takes in at once, in PostgreSQL."""
    log = ActionLog.open(postgres.new_database())
    log.finish([entry(number, message=MESSAGE) for number in range(ENTRIES)])
    log.summarise()
    yield log
    log.close()


@pytest.fixture
def page(app: FastAPI, long_log: ActionLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The page with that log, behind a middleware of the kind that Airflow has; the port it is at."""
    monkeypatch.setattr(api_routes, "store", Store(lambda: long_log.database.engine.url))

    async def passed_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passed_on)
    with serving(app) as port:
        yield port


@pytest.fixture
def readers() -> Iterator[list[SlowReader]]:
    some: list[SlowReader] = []
    yield some
    for one in some:
        one.abort()


def connections_in_use() -> int:
    in_use: int = api_routes.store.open().database.engine.pool.checkedout()  # type: ignore[attr-defined]  # of a QueuePool
    return in_use


def ask(port: int, path: str, token: str) -> httpx.Response:
    return httpx.get(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )


# --- readers of exports


def test_many_readers_who_stopped_keep_nobody_from_the_page(
    page: int, security: Security, readers: list[SlowReader]
) -> None:
    rude, healthy = security.token("viewer", "rude"), security.token("viewer", "healthy")
    readers += [SlowReader(page, EXPORT, rude) for _ in range(READERS)]
    states = [one.status() for one in readers]
    assert sorted(states) == [200] * exports.EXPORTS_OF_ONE + [429] * (READERS - exports.EXPORTS_OF_ONE)
    until(lambda: connections_in_use() == 0)
    for _ in range(3):
        assert ask(page, FILTERS, healthy).status_code == 200
        until(lambda: connections_in_use() == 0)
    refused = ask(page, EXPORT, rude)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert "Try again" in refused.json()["remedy"]
    # Somebody else still gets an export, and all of it.
    assert ask(page, EXPORT, healthy).text.count("\n") == 1 + ENTRIES


def test_all_persons_together_run_few_exports(
    page: int, security: Security, readers: list[SlowReader]
) -> None:
    for name in ("ann", "bob", "cid"):
        token = security.token("viewer", name)
        readers += [SlowReader(page, EXPORT, token) for _ in range(exports.EXPORTS_OF_ONE)]
    states = sorted(one.status() for one in readers)
    assert states == [200] * exports.EXPORTS + [429] * (len(states) - exports.EXPORTS)


def test_a_reader_who_goes_away_gives_place_and_connection_back(
    page: int, security: Security, long_log: ActionLog, readers: list[SlowReader]
) -> None:
    token = security.token("viewer", "rude")
    for _ in range(3):
        some = [SlowReader(page, EXPORT, token) for _ in range(exports.EXPORTS_OF_ONE)]
        assert [one.status() for one in some] == [200] * exports.EXPORTS_OF_ONE
        for one in some:
            one.abort()
        until(lambda: exports.running.taken == 0)
    until(lambda: connections_in_use() == 0)
    with long_log.database.reading() as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND pid <> pg_backend_pid()"
        assert connection.execute(text(left)).scalar() == 0


class Reader:
    """
    A reader below the server, who takes a few pieces and waits.

    :param takes: how many pieces before that.
    """

    def __init__(self, takes: int) -> None:
        self.body = b""
        self.is_ended = False
        self.waits, self.reads_on, self.goes = anyio.Event(), anyio.Event(), anyio.Event()
        self._takes = takes

    async def receive(self) -> dict[str, Any]:
        await self.goes.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            return
        if self._takes == 0:
            self.waits.set()
            await self.reads_on.wait()
        else:
            self._takes -= 1
        self.body += message["body"]
        self.is_ended = not message["more_body"]


class Pieces:
    """
    Text without end, which knows whether it was closed.

    :param error: what ends it after three pieces.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.is_closed = False
        self._error = error

    def generate(self) -> Generator[str, None, None]:
        try:
            for number in count():
                if self._error and number == 3:
                    raise self._error
                yield f"{number},"
        finally:
            self.is_closed = True


async def read(reader: Reader, pieces: Pieces, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Send an export to a reader; ``then`` happens when the reader waits."""

    async def act() -> None:
        await reader.waits.wait()
        if then is not None:
            await then()

    acting = asyncio.create_task(act())
    try:
        export = CsvExport(pieces.generate(), person="ann", filename="a.csv")
        await export({}, reader.receive, reader.send)
    finally:
        acting.cancel()


@pytest.mark.parametrize("limit", ["LONGEST_STALL", "LONGEST_EXPORT"])
def test_a_reader_who_stops_loses_the_place_and_the_file_says_so(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(exports, limit, 0.01)
    pieces = Pieces()

    async def scenario() -> Reader:
        reader = Reader(takes=3)

        async def read_on() -> None:
            while exports.running.taken:
                await anyio.sleep(0)
            assert pieces.is_closed
            reader.reads_on.set()

        with pytest.raises(ExportStoppedError, match="slowly"):
            await read(reader, pieces, read_on)
        return reader

    reader = asyncio.run(scenario())
    assert reader.body.decode() == '0,1,2,"This export is not complete: It was read too slowly."\n'
    assert not reader.is_ended


def test_a_reader_who_goes_away_closes_what_is_read() -> None:
    pieces = Pieces()

    async def scenario() -> None:
        reader = Reader(takes=1)

        async def go() -> None:
            assert exports.running.taken == 1
            reader.goes.set()
            await anyio.sleep_forever()

        await read(reader, pieces, go)

    asyncio.run(scenario())
    assert pieces.is_closed
    assert exports.running.taken == 0


def test_a_database_that_fails_in_the_middle_does_not_end_a_file_as_if_it_were_whole() -> None:
    pieces = Pieces(BusyError("busy"))
    reader = Reader(takes=100)
    with pytest.raises(ExportStoppedError):
        asyncio.run(read(reader, pieces))
    assert reader.body.decode().startswith(
        '0,1,2,"This export is not complete: The action log could not be read'
    )
    assert not reader.is_ended
    assert exports.running.taken == 0


def test_a_place_that_is_not_there_costs_nothing() -> None:
    taken = [exports.running.take(who) for who in ("ann", "ann", "ann", "bob", "cid", "dan")]
    assert taken == [True, True, False, True, True, False]
    reader = Reader(takes=100)
    with pytest.raises(TooManyExportsError):
        asyncio.run(read(reader, Pieces()))
    assert reader.body == b""
    for who in ("ann", "ann", "bob", "cid"):
        exports.running.leave(who)


def test_whoever_is_not_known_is_bound_by_the_total_alone() -> None:
    some = Places(total=3, each=1)
    assert [some.take("") for _ in range(4)] == [True, True, True, False]
    some.leave("")
    assert some.take("ann")


# --- readers of the page


def test_slow_questions_of_one_login_leave_threads_and_turns_to_others(
    app: FastAPI, security: Security, log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One login asks forty questions that the database does not answer: Airflow has forty threads."""
    log.finish([entry(1)])
    answers = threading.Event()
    waiting: list[str] = []
    dags_in_log = facets.dags_in_log

    def slow_for_one(connection: Any) -> list[str]:
        if threading.current_thread().name in waiting or not answers.is_set():
            waiting.append(threading.current_thread().name)
            answers.wait(60)
        return dags_in_log(connection)

    monkeypatch.setattr(places, "LONGEST_WAIT", 0.1)
    rude, healthy = security.token("viewer", "rude"), security.token("viewer", "healthy")

    async def scenario() -> tuple[list[int], list[int]]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://airflow.example") as client:

            async def asked(token: str) -> int:
                answer = await client.get(FILTERS, headers={"Authorization": f"Bearer {token}"})
                if answer.status_code == 503:
                    assert answer.headers["retry-after"] == "5"
                    assert answer.json()["state"] == "busy"
                return answer.status_code

            monkeypatch.setattr(facets, "dags_in_log", slow_for_one)
            slow = [asyncio.create_task(asked(rude)) for _ in range(40)]
            while len(waiting) < places.REQUESTS_OF_ONE:
                await anyio.sleep(0.01)
            monkeypatch.setattr(facets, "dags_in_log", dags_in_log)
            others = [await asked(healthy) for _ in range(3)]
            assert len(waiting) == places.REQUESTS_OF_ONE
            await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
            while sum(one.done() for one in slow) < 40 - places.REQUESTS_OF_ONE:
                await anyio.sleep(0.01)
            answers.set()
            return [await one for one in slow], others

    slow, others = asyncio.run(scenario())
    assert others == [200, 200, 200]
    assert sorted(slow) == [200] * places.REQUESTS_OF_ONE + [503] * (40 - places.REQUESTS_OF_ONE)


def test_a_pool_without_a_connection_to_spare_is_answered_soon_and_plainly(
    page: int, security: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    token = security.token("viewer", "ann")
    engine = api_routes.store.open().database.engine
    taken = [engine.connect() for _ in range(15)]
    try:
        answer = ask(page, FILTERS, token)
    finally:
        for one in taken:
            one.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["state"] == "busy"
    assert answer.json()["remedy"] == "Try again in a few seconds."
    assert ask(page, FILTERS, token).status_code == 200


@pytest.fixture(params=["direct", "session", "transaction"])
def url(request: pytest.FixtureRequest, postgres: Server) -> Iterator[str]:
    """A database as it is, and behind a connection pooler of each kind."""
    database = postgres.new_database()
    ActionLog.open(database).close()
    if request.param == "direct":
        yield database
    else:
        with pooled(database, request.param) as through:
            yield through


def test_queries_and_pauses_of_the_page_have_an_end_and_those_of_tasks_keep_theirs(url: str) -> None:
    page, task = Store(lambda: url).open(), ActionLog.open(url)
    settings = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_read_only",
    )

    def settings_of(log: ActionLog) -> list[str]:
        with log.database.reading() as connection:
            return [str(connection.execute(text(f"SHOW {name}")).scalar()) for name in settings]

    try:
        for _ in range(3):
            assert settings_of(page) == ["20s", "3s", "10s", "on"]
            assert settings_of(task) == ["0", "0", "0", "off"]
    finally:
        page.close()
        task.close()


def test_a_query_that_takes_too_long_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LONGEST_QUERY", 1)
    log = Store(lambda: url).open()
    try:
        with pytest.raises(BusyError, match="in time"), log.database.reading() as connection:
            connection.execute(text("SELECT pg_sleep(600)"))
        assert list(log.iterate(Filter())) == []
    finally:
        log.close()


def test_a_transaction_in_which_nothing_happens_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LONGEST_PAUSE", 1)
    log, observer = Store(lambda: url).open(), ActionLog.open(url)

    def idle() -> int:
        with observer.database.reading() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
            return int(connection.execute(text(query)).scalar_one())

    try:
        with log.database.reading() as connection:
            connection.execute(text("SELECT 1"))
            assert idle() == 1
            until(lambda: idle() == 0)
            with pytest.raises(DBAPIError):
                connection.execute(text("SELECT 1"))
        assert list(log.iterate(Filter())) == []
    finally:
        log.close()
        observer.close()


def test_a_table_that_somebody_changes_is_not_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    page, task = Store(lambda: url).open(), ActionLog.open(url)
    try:
        with task.database.writing() as connection:
            connection.execute(text("LOCK TABLE okta_ure_action_log IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(BusyError):
                page.count(Filter())
        assert page.count(Filter()) == 0
    finally:
        page.close()
        task.close()


def test_a_secrets_backend_that_does_not_answer_keeps_one_thread_and_not_all(
    log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    is_asked, answers = threading.Event(), threading.Event()

    def find_url() -> Any:
        is_asked.set()
        answers.wait(60)
        return log.database.engine.url

    page = Store(find_url)
    first = threading.Thread(target=page.open)
    first.start()
    assert is_asked.wait(60)
    with pytest.raises(BusyError):
        page.open()
    answers.set()
    first.join(60)
    assert page.open().count(Filter()) == 0


def test_a_database_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql+psycopg2://joe@127.0.0.1:{silent.getsockname()[1]}/riskdb"
        with pytest.raises(ActionLogError), Database(url, patience=1).reading():
            pass


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


def test_a_query_that_takes_too_long_is_given_up_by_sqlite_too(
    log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Store(lambda: log.database.engine.url).open()
    with page.database.reading() as connection:
        monkeypatch.setattr(store, "LONGEST_QUERY", 0)
    with pytest.raises(BusyError), page.database.reading() as connection:
        connection.execute(text(ENDLESS))


def test_a_transaction_of_many_queries_has_an_end(log: ActionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Store(lambda: log.database.engine.url).open()
    with page.database.reading() as connection:
        connection.execute(text("SELECT 1"))
        monkeypatch.setattr(store, "LONGEST_QUERY", -1)
        with pytest.raises(BusyError):
            connection.execute(text("SELECT 1"))


@pytest.mark.parametrize(
    "path", ["filters", "overview", "actions", "actions.csv", "people", "person?user_name=ann"]
)
def test_a_query_given_up_is_answered_with_what_to_do(
    viewer: Visitor, log: ActionLog, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    log.finish([entry(1)])
    assert viewer.get(FILTERS).status_code == 200
    monkeypatch.setattr(store, "LONGEST_QUERY", -1)
    answer = viewer.get(f"/okta-ure/api/{path}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "shorter period" in answer.json()["remedy"]
