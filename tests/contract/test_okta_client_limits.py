# SPDX-License-Identifier: Apache-2.0
"""Living with Okta's rate limits and with a bad network, over real HTTP."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.retries import RetryPolicy, Timing
from airflow_provider_okta_ure.errors import (
    RateLimitedError,
    ServerError,
    TransportError,
    UnexpectedAnswerError,
)
from tests.contract.client_support import NOW, okta, okta_of, sandbox, timing_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["okta", "sandbox"]


def _statuses(sandbox: Sandbox) -> dict[int | None, int]:
    counted: dict[int | None, int] = {}
    for entry in sandbox.requests:
        counted[entry.status] = counted.get(entry.status, 0) + 1
    return counted


def _windows(sandbox: Sandbox) -> list[list[float]]:
    """Return when the requests of each window of the sandbox came."""
    windows: list[list[float]] = []
    ends = 0.0
    for entry in sandbox.requests:
        if entry.at >= ends:
            ends = math.floor(entry.at) + 60
            windows.append([])
        windows[-1].append(entry.at)
    return windows


@pytest.mark.parametrize(("share", "most"), [(1.0, 100), (0.8, 80), (0.5, 50)])
def test_we_alone_never_meet_a_429_and_leave_the_rest_of_each_window_to_others(
    sandbox: Sandbox, share: float, most: int
) -> None:
    sandbox.set_bucket("/api/v1/groups", 100)
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    client = okta_of(sandbox, rate_limit_share=share)
    started = sandbox.clock.timestamp()
    for _ in range(350):
        client.add_member(group.id, sandbox.okta.users[0].id)
    assert _statuses(sandbox) == {204: 350}
    windows = _windows(sandbox)
    assert max(map(len, windows)) <= most
    # No second is lost at the end of a window: that would be 1.017 and more.
    assert sandbox.clock.timestamp() - started <= 350 / most * 60 * 1.005


def test_a_window_is_used_evenly_and_not_at_its_start(sandbox: Sandbox) -> None:
    sandbox.set_bucket("/api/v1/groups", 100)
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    client = okta_of(sandbox, rate_limit_share=0.8)
    for _ in range(300):
        client.add_member(group.id, sandbox.okta.users[0].id)
    first, *others = _windows(sandbox)
    # A little at once is allowed to whoever begins, so that small tasks are quick.
    assert 10 <= sum(1 for at in first if at < first[0] + 1) <= 12
    for window in others[:-1]:
        for third in range(3):
            begin = window[0] + 20 * third
            assert 24 <= sum(1 for at in window if begin <= at < begin + 20) <= 29


def test_many_threads_meet_no_429_either(sandbox: Sandbox) -> None:
    sandbox.set_bucket("/api/v1/groups", 100)
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    client = okta_of(sandbox, rate_limit_share=0.8)
    users = [user.id for user in sandbox.okta.users if user.status == "ACTIVE"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: client.add_member(group.id, users[n % len(users)]), range(300)))
    assert _statuses(sandbox) == {204: 300}


def test_a_window_that_others_used_up_is_waited_out(sandbox: Sandbox, okta: OktaClient) -> None:
    sandbox.use_bucket("/api/v1/groups", 250)
    started = sandbox.clock.timestamp()
    assert list(okta.list_groups())
    assert _statuses(sandbox) == {429: 1, 200: 1}
    assert 60 <= sandbox.clock.timestamp() - started <= 62


def test_a_wrong_clock_on_our_side_changes_nothing(sandbox: Sandbox) -> None:
    clock = sandbox.clock
    timing = Timing(
        sleep=clock.advance,
        monotonic=clock.timestamp,
        now=lambda: clock.timestamp() - 86_400,
        random=lambda: 1.0,
    )
    client = okta_of(sandbox, timing=timing)
    sandbox.use_bucket("/api/v1/groups", 250)
    started = clock.timestamp()
    assert list(client.list_groups())
    assert 60 <= clock.timestamp() - started <= 62


def test_too_many_at_once_is_over_soon_and_not_at_the_reset(sandbox: Sandbox, okta: OktaClient) -> None:
    sandbox.fail_next(kind="concurrency_429", times=2)
    started = sandbox.clock.timestamp()
    assert list(okta.list_groups())
    assert sandbox.clock.timestamp() - started == 3


def test_a_window_longer_than_we_may_wait_is_an_error_at_once(sandbox: Sandbox) -> None:
    client = okta_of(sandbox, retry=RetryPolicy(longest_wait=10))
    sandbox.use_bucket("/api/v1/groups", 250)
    with pytest.raises(RateLimitedError) as caught:
        list(client.list_groups())
    assert 60 <= caught.value.retry_after <= 62
    assert sandbox.clock.now() == NOW


def test_okta_hears_that_a_request_is_a_repetition(sandbox: Sandbox, okta: OktaClient) -> None:
    sandbox.fail_next(status=503, times=2)
    okta.get_org()
    assert [entry.retry_count for entry in sandbox.requests] == [None, "1", "2"]


@pytest.mark.parametrize("kind", ["reset", "truncate", "lost_answer"])
def test_a_list_survives_a_bad_network(sandbox: Sandbox, okta: OktaClient, kind: str) -> None:
    sandbox.fail_next(kind=kind, times=3)
    assert len(list(okta.list_groups())) == len(sandbox.okta.groups)


@pytest.mark.parametrize("kind", ["reset", "truncate", "lost_answer"])
def test_a_post_that_may_have_arrived_is_not_sent_again(
    sandbox: Sandbox, okta: OktaClient, kind: str
) -> None:
    sandbox.fail_next(kind=kind, method="POST")
    with pytest.raises(TransportError):
        okta.create_group("At Risk")
    assert len(sandbox.requests_to(method="POST")) == 1


def test_an_answer_that_never_comes_is_not_waited_for(sandbox: Sandbox) -> None:
    sandbox.fail_next(kind="hold", times=9)
    client = okta_of(sandbox, read_timeout=0.05, retry=RetryPolicy(attempts=2))
    started = time.monotonic()
    try:
        with pytest.raises(TransportError, match="did not answer in time"):
            client.get_org()
    finally:
        sandbox.release_held()
    assert time.monotonic() - started < 5


def test_memberships_are_right_after_any_number_of_faults(sandbox: Sandbox) -> None:
    client = okta_of(sandbox, retry=RetryPolicy(attempts=15))
    group = client.ensure_group("At Risk")
    sandbox.set_fault_rates({"503": 0.1, "reset": 0.1, "lost_answer": 0.1, "concurrency_429": 0.05}, "okta")
    users = [user.id for user in sandbox.okta.users if user.status == "ACTIVE"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda user: client.add_member(group.group_id, user), users))
        list(pool.map(lambda user: client.remove_member(group.group_id, user), users[:20]))
    assert sandbox.okta.members(group.group_id) == set(users[20:])


def test_a_service_that_stays_down_is_given_up(sandbox: Sandbox, okta: OktaClient) -> None:
    sandbox.fail_next(status=503, times=99)
    with pytest.raises(ServerError) as caught:
        okta.get_org()
    assert caught.value.retryable
    assert len(sandbox.requests) == 5


def test_a_client_can_be_closed_and_used_again(sandbox: Sandbox, okta: OktaClient) -> None:
    okta.get_org()
    okta.close()
    assert okta.get_org()["id"]


def test_a_redirect_never_carries_the_token_away(sandbox: Sandbox) -> None:
    sandbox.fail_next(status=302, body="", path_prefix="/api/v1/org")
    with pytest.raises(UnexpectedAnswerError, match="HTTP 302"):
        okta_of(sandbox).get_org()
    assert len(sandbox.requests) == 1


def test_connections_are_kept_open_and_few(sandbox: Sandbox) -> None:
    import urllib3.connectionpool

    made: list[Any] = []
    original = urllib3.connectionpool.HTTPConnectionPool._new_conn

    def counted(pool: Any) -> Any:
        made.append(pool)
        return original(pool)

    patch = pytest.MonkeyPatch()
    patch.setattr(urllib3.connectionpool.HTTPConnectionPool, "_new_conn", counted)
    client = OktaClient.connect(sandbox.okta_url, SswsAuth(sandbox.okta_token), timing=timing_of(sandbox))
    for _ in range(20):
        client.get_org()
    patch.undo()
    assert len(made) == 1
