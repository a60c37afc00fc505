# SPDX-License-Identifier: Apache-2.0
"""Staying inside our share of the rate limits, so that other programs keep working."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.limit_stores import PrivateStore
from airflow_provider_okta_ure.clients.limits import Gate, Window, _Turn
from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import Patience, RetryPolicy, Timing
from airflow_provider_okta_ure.clients.server_clock import ServerClock
from airflow_provider_okta_ure.errors import ConfigurationError, RateLimitedError, WindowUsedUpError
from tests.unit.http_script import SERVER_NOW, Clock, Said, Script, Step, client, limits, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ResultT = TypeVar("ResultT")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*steps: Step) -> Script:
        script = Script(*steps)
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        return script

    return start


def _ask(api: Any, times: int, bucket: str = "/api/v1/groups") -> None:
    for _ in range(times):
        api.call("GET", "/api/v1/groups", bucket=bucket)


@pytest.mark.parametrize(("share", "sent_at_once"), [(1.0, 10), (0.8, 8), (0.5, 5), (0.01, 1)])
def test_no_more_than_our_share_of_a_window_is_used(play: Any, share: float, sent_at_once: int) -> None:
    clock = Clock()
    play(*[Said(200, {}, limits(10, 10 - number, 30)) for number in range(1, sent_at_once + 1)], Said())
    api = client(clock, share=share)
    _ask(api, sent_at_once)
    assert clock.waits == []
    _ask(api, 1)
    assert clock.waits == [31]


def test_what_others_used_counts_as_well(play: Any) -> None:
    clock = Clock()
    play(Said(200, {}, limits(10, 3, 30)), Said())
    _ask(client(clock, share=0.5), 2)
    assert clock.waits == [31]


def test_a_new_window_starts_afresh(play: Any) -> None:
    clock = Clock()
    play(Said(200, {}, limits(10, 5, 30)), Said(200, {}, limits(10, 9, 91)), Said())
    _ask(client(clock, share=0.5), 3)
    assert clock.waits == [31]


def test_buckets_do_not_hold_each_other_up(play: Any) -> None:
    clock = Clock()
    play(Said(200, {}, limits(10, 0, 30)), Said())
    api = client(clock)
    _ask(api, 1, "/api/v1/groups")
    _ask(api, 1, "/api/v1/users")
    assert clock.waits == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param(limits(0, 0, 300), id="the-concurrency-kind"),
        pytest.param(limits(10, 0, 30, date=False), id="no-date"),
        pytest.param(limits(10, 0, -30), id="window-long-over"),
    ],
)
def test_headers_that_say_nothing_about_the_window_hold_nobody_back(play: Any, headers: Any) -> None:
    clock = Clock()
    play(Said(200, {}, headers), Said())
    _ask(client(clock, share=0.5), 2)
    assert clock.waits == []


def test_a_window_further_away_than_we_may_wait_is_an_error_before_anything_is_sent(play: Any) -> None:
    clock = Clock()
    script = play(Said(200, {}, limits(10, 0, 600)))
    api = client(clock)
    _ask(api, 1)
    with pytest.raises(RateLimitedError, match="/api/v1/groups") as caught:
        _ask(api, 1)
    assert (caught.value.retry_after, clock.waits, len(script.sent)) == (601, [], 1)


def test_waiting_for_the_window_counts_as_waiting(play: Any) -> None:
    clock = Clock()
    play(Said(200, {}, limits(10, 0, 59)), *[Said(503)] * 3)
    api = client(clock, retry=RetryPolicy(total_wait=62))
    _ask(api, 1)
    with pytest.raises(Exception, match="503"):
        _ask(api, 1)
    assert clock.waits == [60, 1]


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
def test_a_share_that_makes_no_sense_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError):
        client(share=share)


def test_netskope_is_asked_at_most_three_times_a_second(play: Any) -> None:
    clock = Clock()
    play(*[Said()] * 7)
    _ask(client(clock, dialect=NetskopeDialect(), per_second=3), 7)
    assert clock.passed == pytest.approx(2.0)


def test_netskopes_headers_are_seconds_and_not_a_moment(play: Any) -> None:
    date = limits(1, 1, 1)[3]
    headers = [("RateLimit-Limit", "4"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "2"), date]
    clock = Clock()
    play(Said(200, {}, headers), Said())
    _ask(client(clock, dialect=NetskopeDialect()), 2)
    assert clock.waits == [2]


def test_many_threads_together_stay_inside_the_share() -> None:
    """A pretend server counts windows of its own; whatever the threads do, none holds more than the share."""
    clock, lock = Clock(), threading.Lock()
    window_of: dict[int, int] = {}

    def sleep(seconds: float) -> None:
        with lock:
            # All threads that wait for the same window wake when it is over.
            clock.passed = max(clock.passed, (clock.passed // 60 + 1) * 60 + 1)

    timing = Timing(sleep=sleep, monotonic=lambda: clock.passed, random=lambda: 1.0)
    gate = Gate("Okta", 0.5, timing)
    policy = RetryPolicy(longest_wait=1000, total_wait=1e9)

    def work() -> None:
        for _ in range(25):
            with gate.slot(
                "b", Patience(policy, lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
            ) as note:
                with lock:
                    number = int(clock.passed // 60)
                    window_of[number] = window_of.get(number, 0) + 1
                    remaining = 40 - window_of[number]
                    ends = (number + 1) * 60
                    window = Window(40, remaining, ends - clock.passed + 1, SERVER_NOW + ends)
                note(window)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(window_of.values()) == 200
    # At the start of a window nothing is known of it: each of the 8 threads may have one request under way.
    assert max(window_of.values()) <= 20 + 8


def test_an_answer_that_was_overtaken_does_not_give_room_back() -> None:
    clock = Clock()
    gate = Gate("Okta", 1.0, clock.timing)
    patience = Patience(RetryPolicy(), lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
    for remaining in (1, 0, 5):
        with gate.slot("b", patience) as note:
            note(Window(10, remaining, 30, 1))
        if remaining == 0:
            assert clock.waits == []
    assert clock.waits == [30]


def test_a_failed_request_gives_its_place_back() -> None:
    clock = Clock()
    gate = Gate("Okta", 1.0, clock.timing)
    patience = Patience(RetryPolicy(), lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
    with gate.slot("b", patience) as note:
        note(Window(10, 1, 30, 1))
    with pytest.raises(OSError, match="cut"), gate.slot("b", patience):
        raise OSError("cut")
    with gate.slot("b", patience):
        pass
    assert clock.waits == []


def test_okta_windows_are_told_apart_by_their_reset() -> None:
    headers = dict(limits(600, 599, 59))
    assert OktaDialect().window(headers) == Window(600, 599, 60, SERVER_NOW + 59)


def _gate(share: float = 1.0) -> tuple[Gate, Clock, Patience]:
    clock = Clock()
    patience = Patience(RetryPolicy(), lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
    return Gate("Okta", share, clock.timing), clock, patience


def test_requests_under_way_hold_their_place() -> None:
    gate, clock, patience = _gate()
    with gate.slot("b", patience) as note:
        note(Window(10, 2, 30, 1))
    with gate.slot("b", patience), gate.slot("b", patience):
        assert clock.waits == []
        with gate.slot("b", patience):
            assert clock.waits == [30]


def test_a_window_that_was_waited_for_is_over_whatever_the_clock_says() -> None:
    waits: list[float] = []
    gate = Gate("Okta", 1.0, Timing(sleep=waits.append, monotonic=lambda: 0.0))
    patience = Patience(RetryPolicy(), lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
    with gate.slot("b", patience) as note:
        note(Window(10, 0, 30, 1))
    for _ in range(3):
        with gate.slot("b", patience):
            pass
    assert waits == [30]


def test_a_window_that_is_over_holds_nobody_back() -> None:
    gate, clock, patience = _gate()
    with gate.slot("b", patience) as note:
        note(Window(10, 0, 30, 1))
    clock.passed += 30
    with gate.slot("b", patience):
        pass
    assert clock.waits == []


def test_keeping_pace_counts_as_waiting(play: Any) -> None:
    clock = Clock()
    script = play(Said(), Said())
    api = client(clock, dialect=NetskopeDialect(), per_second=1, retry=RetryPolicy(total_wait=0.5))
    _ask(api, 1)
    with pytest.raises(RateLimitedError):
        _ask(api, 1)
    assert (len(script.sent), clock.waits) == (1, [])


def test_a_window_that_ends_this_second_is_waited_for(play: Any) -> None:
    clock = Clock()
    play(Said(200, {}, limits(10, 0, reset_in=0)), Said())
    _ask(client(clock), 2)
    assert clock.waits == [1]


def test_netskopes_windows_are_told_apart_by_their_end() -> None:
    headers = {
        "RateLimit-Limit": "4",
        "RateLimit-Remaining": "3",
        "RateLimit-Reset": "2",
        **dict(limits(1, 1, 1)[3:]),
    }
    assert NetskopeDialect().window(headers) == Window(4, 3, 2, SERVER_NOW + 2)
    assert NetskopeDialect().window({**headers, "RateLimit-Reset": "0"}) is None


# --- pacing


def test_a_service_that_only_says_how_long_to_wait_is_left_alone_by_everybody(play: Any) -> None:
    """A gateway's 429 describes no window; who did not get it must not run into the next one."""
    clock = Clock()
    play(Said(429, b"", [("Retry-After", "40")]), Said(), Said())
    api = client(clock, retry=RetryPolicy(attempts=1))
    with pytest.raises(RateLimitedError):
        _ask(api, 1)
    _ask(api, 1, "/api/v1/users")
    assert clock.waits == []
    _ask(api, 1)
    assert clock.waits == [40]


class _Server:
    """Counts windows of a minute as Okta does; its clock is ours, shown in whole seconds."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self.clock, self.limit = clock, limit
        self.ends = self.used = 0
        self.windows: list[list[float]] = []

    def ask(self) -> Window:
        now = self.clock.passed
        if now >= self.ends:
            self.ends, self.used = int(now) + 60, 0
            self.windows.append([])
        self.used += 1
        self.windows[-1].append(now)
        assert self.used <= self.limit, "a 429 of our own making"
        return Window(self.limit, self.limit - self.used, self.ends - int(now) + 1, self.ends)


def _run(gates: list[Gate], server: _Server, clock: Clock, calls: int) -> list[float]:
    """Let processes, each with a gate of its own, make calls; return when each of them was done."""
    ends: list[float] = []

    def process(gate: Gate) -> Iterator[float]:
        for _ in range(calls):
            turn: _Turn | None = None
            while isinstance(found := gate._reserve("b", turn), _Turn):
                turn = found
                yield turn.seconds
            gate._release("b", found, [server.ask()], clock.passed)
            yield 0.05
        ends.append(clock.passed)

    waiting = [(0.0, number, process(gate)) for number, gate in enumerate(gates)]
    while waiting:
        waiting.sort(key=lambda one: one[:2])
        at, number, running = waiting.pop(0)
        clock.passed = max(clock.passed, at)
        seconds = next(running, None)
        if seconds is not None:
            waiting.append((clock.passed + seconds, number, running))
    return ends


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_processes_share_a_limit_evenly_and_waste_nothing(processes: int, share: float) -> None:
    clock = Clock()
    server = _Server(clock, 300)
    gates = [Gate("Okta", share, clock.timing) for _ in range(processes)]
    ends = _run(gates, server, clock, 600 // processes)
    floor = 600 // processes * processes / (300 * share) * 60
    assert ends[-1] <= 1.05 * floor
    assert ends[0] >= 0.8 * ends[-1]
    # As in one process: what is reserved for others stays theirs, but for the places of requests under way.
    assert max(map(len, server.windows)) <= 300 * share + (processes if processes > 1 else 0)


# --- counting together


class _Store(PrivateStore):
    """A store of several processes that counts how often it is asked."""

    def __init__(self, clock: Clock, *, is_far: bool) -> None:
        super().__init__(clock.timing.monotonic)
        self.is_far = is_far
        self.asked = 0

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        self.asked += 1
        return super().change(name, change)


def _together(clock: Clock, count: int, share: float, *, is_far: bool = False, **settings: Any) -> list[Gate]:
    """Return gates of several processes that use one store."""
    gates = [Gate("Okta", share, clock.timing, **settings) for _ in range(count)]
    store = _Store(clock, is_far=is_far)
    for gate in gates:
        gate._store, gate._is_private = store, False
    return gates


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("limit", [30, 300])
@pytest.mark.parametrize("is_far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize("settings", [{}, {"give_back_after": 1e9}], ids=["even", "at-once"])
def test_who_counts_together_takes_not_one_request_too_many(
    limit: int, share: float, settings: dict[str, Any], is_far: bool
) -> None:
    clock = Clock()
    server = _Server(clock, limit)
    gates = _together(clock, 4, share, is_far=is_far, **settings)
    # 16 requests under way: four processes with four threads each.
    ends = _run(gates * 4, server, clock, limit // 4)
    assert max(map(len, server.windows)) <= limit * share
    assert ends[-1] <= 1.05 * (limit // 4 * 16) / (limit * share) * 60


def test_a_store_that_is_far_is_asked_less_often_than_requests_are_sent() -> None:
    clock = Clock()
    gates = _together(clock, 2, 0.8, is_far=True)
    _run(gates * 2, _Server(clock, 600), clock, 240)
    store: Any = gates[0]._store
    assert store.asked <= 960 / 3


def test_places_taken_ahead_of_need_are_given_back_at_the_end() -> None:
    clock = Clock()
    server = _Server(clock, 100)
    one, other = _together(clock, 2, 1.0, is_far=True, give_back_after=1e9)
    _run([one], server, clock, 30)
    assert one._buckets["b"].leased
    one.close()
    _run([other], server, clock, 70)
    assert len(server.windows) == 1


def test_each_by_itself_would_take_more_than_there_is() -> None:
    clock = Clock()
    with pytest.raises(AssertionError, match="a 429 of our own making"):
        _run([Gate("Okta", 1.0, clock.timing) for _ in range(16)], _Server(clock, 10), clock, 2)


def test_a_process_that_begins_in_the_middle_knows_the_window(play: Any) -> None:
    clock = Clock()
    server = _Server(clock, 100)
    early, late = _together(clock, 2, 0.8)
    _run([early], server, clock, 80)
    found = late._reserve("b", None)
    assert isinstance(found, _Turn)
    assert found.number == server.ends
    assert len(server.windows[-1]) == 80


def test_others_outside_are_counted_as_the_headers_say() -> None:
    clock = Clock()
    server = _Server(clock, 100)
    one, other = _together(clock, 2, 0.8)
    _run([one, other], server, clock, 10)
    server.used += 55
    _run([one], server, clock, 1)
    assert server.used == 76
    _run([one, other], server, clock, 2)
    assert server.used == 80
    assert isinstance(other._reserve("b", None), _Turn)


def test_places_of_a_process_that_was_killed_come_back() -> None:
    clock = Clock()
    server = _Server(clock, 100)
    killed, other = _together(clock, 2, 0.8, give_back_after=1e9)
    _run([killed], server, clock, 1)
    for _ in range(20):
        assert not isinstance(killed._reserve("b", None), _Turn)
    _run([other], server, clock, 300)
    # Whether they were sent is not known until the window after theirs is over.
    assert [len(window) for window in server.windows] == [60, 60, 80, 80, 21]


def test_a_request_that_ends_in_the_next_window_counts_in_one_of_the_two() -> None:
    clock = Clock()
    server = _Server(clock, 10)
    one, other = _together(clock, 2, 1.0, give_back_after=1e9)
    _run([one], server, clock, 8)
    under_way = one._reserve("b", None)
    assert not isinstance(under_way, _Turn)
    clock.passed += 61
    _run([other], server, clock, 1)
    taken = 0
    while not isinstance(place := other._reserve("b", None), _Turn):
        taken += 1
    assert (place.number, taken) == (server.ends, 8)
    one._release("b", under_way, [server.ask()], clock.passed)
    assert isinstance(one._reserve("b", None), _Turn)


def test_a_new_window_is_not_rushed_into_before_anything_is_known_of_it() -> None:
    clock = Clock()
    gates = _together(clock, 4, 1.0)
    found = [gate._reserve("b", None) for gate in gates for _ in range(5)]
    assert sum(not isinstance(one, _Turn) for one in found) == 10


def test_a_service_that_never_names_a_limit_holds_nobody_back() -> None:
    clock = Clock()
    gates = _together(clock, 4, 1.0)
    first = gates[0]._reserve("b", None)
    assert not isinstance(first, _Turn)
    gates[0]._release("b", first, [None], clock.passed)
    assert not any(isinstance(gate._reserve("b", None), _Turn) for gate in gates for _ in range(20))


def test_requests_without_an_answer_hold_nobody_back_for_long() -> None:
    clock = Clock()
    gates = _together(clock, 2, 1.0)
    for _ in range(10):
        gates[0]._reserve("b", None)
    assert isinstance(gates[1]._reserve("b", None), _Turn)
    clock.passed += 5.1
    assert not isinstance(gates[1]._reserve("b", None), _Turn)


def test_a_refusal_without_a_window_is_known_to_everybody() -> None:
    clock = Clock()
    one, other = _together(clock, 2, 1.0)
    one._reserve("b", None)
    one.hold("b", 40)
    found = other._reserve("b", None)
    assert isinstance(found, _Turn)
    assert (found.seconds, isinstance(other._reserve("c", None), _Turn)) == (40, False)


def test_who_comes_later_gets_their_share(play: Any) -> None:
    clock = Clock()
    server = _Server(clock, 300)
    early, late = Gate("Okta", 0.8, clock.timing), Gate("Okta", 0.8, clock.timing)
    _run([early], server, clock, 60)
    ends = _run([early, late], server, clock, 300)
    assert ends[0] >= 0.8 * ends[-1]


def test_in_later_windows_nobody_bursts() -> None:
    clock = Clock()
    server = _Server(clock, 300)
    _run([Gate("Okta", 0.8, clock.timing) for _ in range(2)], server, clock, 400)
    for window in server.windows[1:-1]:
        first_seconds = sum(1 for at in window if at < window[0] + 3)
        # An even pace would be 12 in three seconds; two who do not know of each other begin at twice that.
        assert first_seconds <= 30


def test_a_pause_gives_a_few_requests_back_and_not_a_whole_window() -> None:
    clock = Clock()
    server = _Server(clock, 300)
    gate = Gate("Okta", 0.8, clock.timing)
    _run([gate], server, clock, 40)
    clock.passed += 600
    began = clock.passed
    _run([gate], server, clock, 100)
    window = [at for at in server.windows[-1] if at >= began]
    at_once = sum(1 for at in window if at < began + 2)
    assert 28 <= at_once <= 45
    assert clock.passed > began + 10


def test_a_turn_that_would_take_too_long_is_given_back() -> None:
    gate, clock, _ = _gate()
    brief = Patience(
        RetryPolicy(longest_wait=0.01), lambda s: RateLimitedError("x", retry_after=s, service="Okta")
    )
    patience = Patience(RetryPolicy(), lambda s: RateLimitedError("x", retry_after=s, service="Okta"))
    for sent in range(1, 13):
        with gate.slot("b", patience) as note:
            note(Window(40, 40 - sent, 30, 1))
    for _ in range(50):
        with pytest.raises(RateLimitedError), gate.slot("b", brief):
            pass
    clock.waits.clear()
    with gate.slot("b", patience):
        pass
    assert sum(clock.waits) < 2


def test_a_window_that_goes_on_is_not_hammered() -> None:
    """A service may end its windows a little after the moment that it names; that is learned."""
    gate, clock, patience = _gate(0.5)
    with gate.slot("b", patience) as note:
        note(Window(10, 5, 31, 30))
    for _ in range(4):
        with gate.slot("b", patience) as note:
            note(Window(10, 5, 1, 30))
    assert sum(clock.waits[1:]) >= 0.75


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, 0.9])
def test_the_servers_clock_is_known_to_a_part_of_a_second_after_a_few_answers(offset: float) -> None:
    known = ServerClock()
    for sent in (0.1, 0.85, 1.6, 2.35, 3.1, 4.85, 6.0):
        received = sent + 0.05
        known.learn(int(1000 + offset + received - 0.02), sent, received)
    true = 1060 - 1000 - offset
    assert true <= known.passes(1060) <= true + 0.35


def test_of_a_servers_clock_that_was_seen_once_the_whole_second_is_waited() -> None:
    known = ServerClock()
    known.learn(1000, 5.0, 5.0)
    assert known.passes(1060) == 66


def test_machines_with_different_clocks_do_not_make_us_early() -> None:
    known = ServerClock()
    for number in range(20):
        known.learn(1000 + number + number % 2 * 2, float(number), float(number))
    # The last answer came from the machine that is ahead, and says 1021 at 19.
    assert known.passes(1060) >= 58


# --- giving a worker back


def _limited(play: Any, *steps: Step, give_back_after: float | None = 30, share: float = 1.0) -> Any:
    clock = Clock()
    script = play(*steps)
    return client(clock, share=share, give_back_after=give_back_after), script, clock


@pytest.mark.parametrize(("used", "share"), [(10, 1.0), (5, 0.5)])
def test_a_window_too_far_away_is_not_waited_for(play: Any, used: int, share: float) -> None:
    api, script, clock = _limited(play, Said(200, {}, limits(10, 10 - used, 40)), share=share)
    _ask(api, 1)
    with pytest.raises(WindowUsedUpError, match=r"/api/v1/groups.* in 41 s") as caught:
        _ask(api, 1)
    assert (caught.value.seconds, caught.value.bucket) == (41, "/api/v1/groups")
    assert (caught.value.retry_after, caught.value.retryable) == (41, True)
    assert (len(script.sent), clock.waits) == (1, [])


def test_a_window_that_begins_soon_is_waited_for(play: Any) -> None:
    api, script, clock = _limited(play, Said(200, {}, limits(10, 0, 29)), Said())
    _ask(api, 2)
    assert (len(script.sent), clock.waits) == (2, [30])


def test_by_default_the_next_window_is_waited_for(play: Any) -> None:
    api, script, clock = _limited(play, Said(200, {}, limits(10, 0, 59)), Said(), give_back_after=None)
    _ask(api, 2)
    assert (len(script.sent), clock.waits) == (2, [60])


def test_other_limits_go_on(play: Any) -> None:
    api, script, clock = _limited(play, Said(200, {}, limits(10, 0, 40)), Said())
    _ask(api, 1)
    _ask(api, 1, "/api/v1/users")
    assert (len(script.sent), clock.waits) == (2, [])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(limits(10, 0, 40), id="window"),
        pytest.param([("Retry-After", "41")], id="retry-after-alone"),
    ],
)
def test_a_refusal_that_asks_for_a_long_wait_is_not_repeated_in_place(play: Any, headers: Any) -> None:
    api, script, clock = _limited(play, Said(429, refused(), headers), Said())
    for _ in range(2):
        with pytest.raises(WindowUsedUpError, match=r"in 41 s"):
            _ask(api, 1)
    assert (len(script.sent), clock.waits) == (1, [])


def test_a_refusal_that_asks_for_a_short_wait_is_repeated_in_place(play: Any) -> None:
    api, script, clock = _limited(play, Said(429, refused(), [("Retry-After", "20")]), Said())
    _ask(api, 1)
    assert (len(script.sent), clock.waits) == (2, [20])


def test_an_outage_is_not_a_used_up_window(play: Any) -> None:
    api, script, clock = _limited(play, Said(503, {}, [("Retry-After", "40")]), Said())
    _ask(api, 1)
    assert (len(script.sent), clock.waits) == (2, [40])


def test_after_the_break_the_call_goes_through(play: Any) -> None:
    api, script, clock = _limited(play, Said(200, {}, limits(10, 0, 40)), Said(200, {}, limits(10, 9, 101)))
    _ask(api, 1)
    with pytest.raises(WindowUsedUpError) as caught:
        _ask(api, 1)
    clock.passed += caught.value.seconds
    _ask(api, 1)
    assert (len(script.sent), clock.waits) == (2, [])


def test_our_share_is_used_at_once_when_the_worker_is_given_back_after_it(play: Any) -> None:
    """Spread over the window, it would hold the worker for the whole of it."""
    steps = [Said(200, {}, limits(300, 300 - number, 59)) for number in range(1, 241)]
    api, script, clock = _limited(play, *steps, share=0.8)
    _ask(api, 240)
    with pytest.raises(WindowUsedUpError):
        _ask(api, 1)
    assert (len(script.sent), clock.waits) == (240, [])
