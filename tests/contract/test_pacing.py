"""Several processes use one limit at the same time, on one machine or on several, and none is ever refused."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from airflow_provider_okta_ure.action_log.pacing import PacingStore
from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.limit_stores import FileStore, StoreWithFallback
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import ActionLogError
from airflow_provider_okta_ure.sandbox import Sandbox
from demo.processes import free_port
from tests.support.pgbouncer import pooled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess

    from airflow_provider_okta_ure.clients.limit_stores import LimitStore
    from tests.support.postgres import Server

BUCKET = "/api/v1/groups"
LIMIT, WINDOW = 24, 3
PROCESSES, THREADS = 4, 4


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=20) as running:
        running.options.rate_limit_window_seconds = WINDOW
        running.set_bucket(BUCKET, LIMIT)
        yield running


@pytest.fixture(params=["file", "postgresql", "pgbouncer"])
def make_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], LimitStore]]:
    """What makes the store of one process; with a database there are no files in common."""
    if request.param == "file":
        yield FileStore
        return
    with ExitStack() as stack:
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
        if request.param == "pgbouncer":
            url = stack.enter_context(pooled(url, "transaction"))
        yield lambda: PacingStore(make_url(url))


def _started(work: Callable[[], None], count: int = PROCESSES) -> list[BaseProcess]:
    context = multiprocessing.get_context("fork")
    processes: list[BaseProcess] = [context.Process(target=work) for _ in range(count)]
    for one in processes:
        one.start()
    return processes


def _writing(
    sandbox: Sandbox, make_store: Callable[[], LimitStore], calls: int, share: float = 1.0
) -> Callable[[], None]:
    """Return what writes memberships, some at the same time."""
    group = sandbox.okta.add_group("Limited")
    user = sandbox.okta.users[0]

    def work() -> None:
        auth = SswsAuth(sandbox.okta_token)
        client = OktaClient.connect(sandbox.okta_url, auth, rate_limit_share=share, limit_store=make_store())
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: client.add_member(group.id, user.id), range(calls)))

    return work


def _by_status(sandbox: Sandbox) -> Counter[int | None]:
    return Counter(entry.status for entry in sandbox.requests)


def test_four_processes_at_once_are_never_refused(
    sandbox: Sandbox, make_store: Callable[[], LimitStore]
) -> None:
    """With 16 requests under way at a limit of 24, nobody can go by what the last answer said."""
    for one in _started(_writing(sandbox, make_store, calls=12)):
        one.join()
    assert _by_status(sandbox) == {204: 48}


def test_a_process_that_is_killed_costs_the_others_no_refusal(sandbox: Sandbox) -> None:
    work = _writing(sandbox, FileStore, calls=12)
    killed, *others = _started(work)
    while len(sandbox.requests) < 10:
        time.sleep(0.001)  # until they are in the middle of it
    os.kill(killed.pid or 0, signal.SIGKILL)
    late = _started(work, 1)
    for one in [killed, *others, *late]:
        one.join()
    statuses = _by_status(sandbox)
    # What the killed one had under way may have arrived, without anybody to take the answer.
    assert set(statuses) <= {204, None}
    assert 48 <= statuses[204] <= 60


def test_what_others_use_is_left_to_them(sandbox: Sandbox) -> None:
    """Half of the window is ours, of which others have used a part before anybody asks."""
    sandbox.use_bucket(BUCKET, LIMIT // 3)
    ends = sandbox.buckets()[BUCKET]["reset"]
    write_once = _writing(sandbox, FileStore, calls=1, share=0.5)
    write_once()
    for one in _started(write_once, 8):
        one.join()
    assert _by_status(sandbox) == {204: 9}
    assert len([entry for entry in sandbox.requests if entry.at < ends]) <= LIMIT // 2 - LIMIT // 3


def test_four_readers_of_a_tenant_are_never_refused(
    sandbox: Sandbox, make_store: Callable[[], LimitStore]
) -> None:
    def work() -> None:
        auth = NetskopeTokenAuth(sandbox.netskope_token)
        client = NetskopeClient.connect(sandbox.netskope_url, auth, limit_store=make_store())
        for _ in range(3):
            list(client.list_users())

    for one in _started(work):
        one.join()
    assert _by_status(sandbox) == {200: 12}
    moments = sorted(entry.at for entry in sandbox.requests)
    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[4:], strict=False))


def _count(stored: bytes, _now: float) -> tuple[bytes, int]:
    number = int(stored or b"0") + 1
    return str(number).encode(), number


def test_a_record_is_changed_by_one_at_a_time(make_store: Callable[[], LimitStore]) -> None:
    stores = [make_store() for _ in range(3)]

    def work(store: LimitStore) -> None:
        for _ in range(20):
            store.change("limit", _count)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [stores[0].change("limit", _count), stores[1].change("another", _count)] == [61, 1]


def test_without_its_database_a_call_goes_through_and_it_is_said_once(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    away = PacingStore(make_url(f"postgresql+psycopg2://x@127.0.0.1:{free_port()}/x"))
    with pytest.raises(ActionLogError):
        away.change("limit", _count)
    for _ in range(2):
        client = NetskopeClient.connect(
            sandbox.netskope_url,
            NetskopeTokenAuth(sandbox.netskope_token),
            limit_store=StoreWithFallback(away, FileStore()),
        )
        assert list(client.list_users())
        assert list(client.list_users())
    said = [one for one in caplog.records if "rate limits are shared" in one.getMessage().lower()]
    assert len(said) == 2
