# SPDX-License-Identifier: Apache-2.0
"""Staying inside our share of a service's rate limits, as its headers tell, before it has to refuse us."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_okta_ure.clients.per_second import PerSecond
from airflow_provider_okta_ure.clients.retries import WORTH_SAYING
from airflow_provider_okta_ure.clients.server_clock import ServerClock
from airflow_provider_okta_ure.errors import WindowUsedUpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_okta_ure.clients.retries import Patience, Timing

log = logging.getLogger(__name__)


FEW = 10
PART_AT_ONCE = 8
"""So many requests, or this part of our share of a window, may go at once after a pause."""

LATER = 0.25
LEAST_WAIT = 0.05
"""Seconds: by how much more a window is taken to end late, once it did; the least time to ask again in."""


class Window(NamedTuple):
    """
    A rate limit as an answer describes it.

    :param limit: how many requests the window allows; more than 0.
    :param remaining: how many are left.
    :param seconds: until the next window for sure: one more than the whole seconds of the server's clock say.
    :param number: tells one window from the next; a larger number is a later window.
    """

    limit: int
    remaining: int
    seconds: float
    number: float


@dataclass
class _Bucket:
    """A window that is known: what is left of it, and when it ends by our monotonic clock."""

    limit: int
    remaining: int
    ends: float
    number: float
    first_remaining: int
    late: float = 0.0
    answers: int = -1  # the one that begins it is counted besides
    not_before: float = float("-inf")


@dataclass
class _Pace:
    """
    How fast one rate limit is used, across its windows.

    :param tokens: how many requests may be sent at once; less than 0 = so many wait for their turn.
    :param filled: when they were counted.
    :param rate: requests a second that our share of a whole window allows; 0 = no window was seen yet.
    :param length: the longest window seen, in seconds.
    :param ended: the number of the last window that is over.
    :param late: how many seconds after their time windows end.
    :param shared: whether others were seen using the limit.
    :param blocked: whether somebody waits for the end of the window.
    """

    tokens: float = 0.0
    filled: float = 0.0
    rate: float = 0.0
    length: float = 1.0
    ended: float = float("-inf")
    late: float = 0.0
    shared: bool = False
    blocked: bool = False

    def fill(self, now: float, rate: float, most: float) -> None:
        self.tokens = min(most, self.tokens + max(0.0, now - self.filled) * rate)
        self.filled = now


class _Turn(NamedTuple):
    """
    How long to wait before a request.

    :param number: the window whose end is waited for; None = only for a turn within it.
    """

    seconds: float
    number: float | None


class Gate:
    """
    Holds requests back while sending them would take more than our share; safe for many threads.

    What is left of a window is spread over what is left of its time; a few requests may go at once.
    Each process does so by itself: the service's headers tell it what all of them together have left, so
    several processes slow down together, have equal shares, and reach the end of a window together.

    :param service: whose limits these are, for the log.
    :param share: how much of each window we may use, more than 0, at most 1.
    :param timing: the clock and the sleep to use.
    :param per_second: the most requests per second, whatever the headers say; None = no such limit.
    :param limited: what that is a limit of, such as the address of a tenant: all processes of this machine
        together keep it.
    :param give_back_after: a window that begins later than in so many seconds is not waited for, and our
        share of one is used at once instead of evenly, to be done with it soon; None = wait.
    """

    def __init__(
        self,
        service: str,
        share: float,
        timing: Timing,
        *,
        per_second: float | None = None,
        limited: str = "",
        give_back_after: float | None = None,
    ) -> None:
        self._service = service
        self._share = share
        self._give_back_after = give_back_after
        self._timing = timing
        self._per_second = PerSecond(per_second, timing, limited) if per_second else None
        self._clock = ServerClock()
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._paces: dict[str, _Pace] = {}
        self._pending: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._sent: dict[str, int] = {}

    @property
    def share(self) -> float:
        """How much of each window we use at most."""
        return self._share

    @property
    def limits(self) -> dict[str, int]:
        """The newest limit of each bucket, as answers described it: requests per window."""
        with self._lock:
            return dict(self._limits)

    @property
    def sent(self) -> dict[str, int]:
        """How many requests of each bucket were sent so far."""
        with self._lock:
            return dict(self._sent)

    @contextmanager
    def slot(self, bucket: str, patience: Patience) -> Iterator[Callable[[Window | None], None]]:
        """
        Wait until a request may be sent, and keep its place while it is under way.

        :param bucket: the name of the rate limit.
        :param patience: how long the whole call may wait; asked before each wait.
        :return: a function that takes the window of the answer.
        :raises WindowUsedUpError: the next window is further away than we are to wait in place.
        """
        has_turn = False
        while turn := self._reserve(bucket, has_turn=has_turn):
            has_turn = has_turn or turn.number is None
            self._wait(bucket, turn, patience)
        window: Window | None = None

        def note(seen: Window | None) -> None:
            nonlocal window
            window = seen

        sent = self._timing.monotonic()
        try:
            self._keep_interval(patience)
            sent = self._timing.monotonic()
            yield note
        finally:
            self._release(bucket, window, sent)

    def hold(self, bucket: str, seconds: float) -> None:
        """Send nothing for a while, because the service asked for that without describing a window."""
        with self._lock:
            ends = self._timing.monotonic() + seconds
            state = self._buckets.setdefault(bucket, _Bucket(1, 0, ends, float("-inf"), 0))
            state.remaining, state.ends = 0, max(ends, state.ends)

    def check_wait(self, bucket: str, seconds: float) -> None:
        """
        Do nothing if so long a wait for a window is to be waited in place.

        :raises WindowUsedUpError: it is longer.
        """
        if self._give_back_after is not None and seconds > self._give_back_after:
            raise WindowUsedUpError(seconds, bucket, service=self._service)

    def slow_down(self) -> None:
        """Take in that a request was refused because of a limit of a few requests a second."""
        with self._lock:
            if self._per_second is not None:
                self._per_second.slow_down()

    def _reserve(self, bucket: str, *, has_turn: bool) -> _Turn | None:
        """Keep a place for one request and return None, or return what to wait for."""
        with self._lock:
            now, pending = self._timing.monotonic(), self._pending.get(bucket, 0)
            pace = self._paces.setdefault(bucket, _Pace(filled=now))
            state = self._buckets.get(bucket)
            if state is not None and now >= state.ends:
                self._end(bucket, state, now)
                state = None
            left = state.ends - now if state else float("inf")
            free = state.remaining - pending - self._reserved(bucket, state.limit) if state else 0
            if state is not None and free < 1:
                pace.blocked = True
                return _Turn(left, state.number)
            # The one before was sent at the beginning of what is left: one pause more than requests fits.
            rate = (free + 1) / left if state else pace.rate
            if rate and self._is_even and not has_turn:
                pace.fill(now, rate, self._at_once(bucket))
                pace.tokens -= 1
                if pace.tokens < 0:
                    return _Turn(min(-pace.tokens / rate, left), None)
            self._pending[bucket] = pending + 1
            self._sent[bucket] = self._sent.get(bucket, 0) + 1
            return None

    @property
    def _is_even(self) -> bool:
        """Whether what is left of a window is spread over what is left of its time."""
        return self._per_second is None and self._give_back_after is None

    def _reserved(self, bucket: str, limit: int) -> int:
        """Return how many requests of a window are left to others; at least one is ours."""
        if self._per_second is not None:
            return 0  # the rate leaves them free already
        reserved = limit - max(1, int(limit * self._share))
        # Who shares a limit reads of the last places a little late.
        at_least = 1 + limit // 100 if self._paces[bucket].shared else 0
        return min(limit - 1, max(reserved, at_least))

    def _at_once(self, bucket: str) -> float:
        """Return how many requests may go at once after a pause, so that little work is done at once."""
        return max(FEW, int(self._limits.get(bucket, 0) * self._share) / PART_AT_ONCE)

    def _wait(self, bucket: str, turn: _Turn, patience: Patience) -> None:
        if turn.number is not None:
            self.check_wait(bucket, turn.seconds)
        try:
            patience.spend(turn.seconds)
        except BaseException:
            with self._lock:
                self._paces[bucket].tokens += turn.number is None
            raise
        if turn.seconds > WORTH_SAYING and turn.number is not None:
            log.info(
                "%s: waiting %.0f s for the next window of %s, because our share of %.0f %% is used",
                self._service,
                turn.seconds,
                bucket,
                self._share * 100,
            )
        self._timing.sleep(turn.seconds)
        if turn.number is None:
            return
        with self._lock:
            # The window is over because we waited for it, whatever the clock says.
            state = self._buckets.get(bucket)
            if state and state.number == turn.number:
                self._end(bucket, state, self._timing.monotonic())

    def _end(self, bucket: str, state: _Bucket, now: float) -> None:
        """Forget a window that is over; the next request finds out about the one that follows."""
        del self._buckets[bucket]
        pace = self._paces[bucket]
        pace.ended = state.number
        if not pace.blocked:
            pace.fill(now, pace.rate, self._at_once(bucket))
        # Nothing was saved up while nothing could be sent.
        pace.tokens, pace.filled, pace.blocked = max(pace.tokens, 1.0), now, False

    def _keep_interval(self, patience: Patience) -> None:
        if self._per_second is None:
            return
        with self._lock:
            seconds = self._per_second.wait()
        if seconds > 0:
            patience.spend(seconds)
            self._timing.sleep(seconds)

    def _release(self, bucket: str, window: Window | None, sent: float) -> None:
        with self._lock:
            pending = self._pending[bucket] = max(0, self._pending.get(bucket, 0) - 1)
            if window is None:
                return
            received, pace = self._timing.monotonic(), self._paces[bucket]
            self._clock.learn(window.number - window.seconds + 1, sent, received)
            if self._per_second is not None:
                self._per_second.allow_at_most(max(1, int(window.limit * self._share)))
            state = self._buckets.get(bucket)
            if state is None or window.number > state.number:
                state = self._begin(bucket, window, received)
            if window.number == state.number:
                # Answers overtake each other; within a window the remainder only falls.
                state.remaining = min(state.remaining, window.remaining)
                state.answers += 1
                state.ends = max(self._ends(window, received, state.late), state.not_before)
                ours = state.answers + pending
                pace.shared = pace.shared or state.first_remaining - state.remaining > ours

    def _begin(self, bucket: str, window: Window, received: float) -> _Bucket:
        pace = self._paces[bucket]
        is_first = bucket not in self._limits
        self._limits[bucket] = window.limit
        if is_first:
            pace.tokens = self._at_once(bucket) - self._sent.get(bucket, 0)
        pace.length = max(pace.length, window.seconds - 1)
        pace.rate = max(1, int(window.limit * self._share)) / pace.length
        ends = self._ends(window, received, pace.late)
        state = _Bucket(window.limit, window.remaining, ends, window.number, window.remaining, pace.late)
        if window.number == pace.ended:
            # It was not over: the service's windows end a little after the moment that it names.
            pace.late = min(1.0, pace.late + LATER)
            state.not_before = received + (LATER if window.remaining else LEAST_WAIT)
        self._buckets[bucket] = state
        return state

    def _ends(self, window: Window, received: float, late: float) -> float:
        """Return when a window is over, by our monotonic clock."""
        if self._per_second is not None:
            return received + window.seconds
        return max(self._clock.passes(window.number) + late, received + LEAST_WAIT)
