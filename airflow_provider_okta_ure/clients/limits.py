# SPDX-License-Identifier: Apache-2.0
"""Staying inside our share of a service's rate limits, as its headers tell, before it has to refuse us."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_okta_ure.clients.limit_records import FEW, LEAST_WAIT, NEVER, Seen, WindowRecord
from airflow_provider_okta_ure.clients.limit_stores import FileStore, LimitStore, PrivateStore
from airflow_provider_okta_ure.clients.per_second import PerSecond
from airflow_provider_okta_ure.clients.retries import WORTH_SAYING
from airflow_provider_okta_ure.clients.server_clock import ServerClock
from airflow_provider_okta_ure.errors import WindowUsedUpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_okta_ure.clients.retries import Patience, Timing

log = logging.getLogger(__name__)


PART_AT_ONCE = 8
"""A few requests, or this part of our share of a window, may go at once after a pause."""

LOOK_AGAIN = 0.1
"""Seconds until it is asked again whether something is known of the window that just began."""

MOST_LEASED = 8
LEASES_OF_FREE = 8
REPORT_EVERY = 1.0
"""
Of a store that is far away so many places at most, and this part of what is free, are taken at once; ended
requests are reported every so many seconds.
"""


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


class _Place(NamedTuple):
    """
    A place of a window.

    :param epoch: of the record when it was taken.
    :param until: after that, by our clock, it is taken in a window that is over.
    """

    epoch: int
    until: float


class _Turn(NamedTuple):
    """
    How long to wait before a request.

    :param number: the window whose end is waited for; None = only for a turn within it.
    """

    seconds: float
    number: float | None


@dataclass
class _Bucket:
    """
    What this process knows of one rate limit, and how fast it uses it.

    :param record: as all processes together see it, as it was when it was last looked at.
    :param ahead: by how much the clock of the record is ahead of ours.
    :param leased: places that were taken and wait for a request.
    :param ended: how many requests ended for which the place is still taken, by epoch.
    :param seen: what their answers said of the window.
    :param silent: whether they said nothing of it.
    :param looked: when the record was last looked at.
    :param starts: when the last requests were started, as many as may be leased.
    :param tokens: how many requests may be sent at once; less than 0 = so many wait for their turn.
    :param filled: when they were counted.
    :param number: the window that they are for; None = no window is known.
    :param is_new: whether no window was seen yet.
    :param blocked: whether somebody waits for the end of the window.
    """

    filled: float
    record: WindowRecord = field(default_factory=WindowRecord)
    ahead: float = 0.0
    leased: deque[_Place] = field(default_factory=deque)
    ended: Counter[int] = field(default_factory=Counter)
    seen: Seen | None = None
    silent: bool = False
    looked: float = NEVER
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_LEASED))
    sent: int = 0
    tokens: float = 0.0
    number: float | None = None
    is_new: bool = True
    blocked: bool = False

    def left(self, now: float) -> float:
        """Return how many seconds of the window are left; 0 or less = none is known."""
        return self.record.ends - self.ahead - now if self.record.is_known else 0.0

    def at_once(self, share: float | None) -> float:
        """Return how many requests may go at once after a pause, so that little work is done at once."""
        record = self.record
        return max(FEW, record.ours(share) / PART_AT_ONCE if record.limit else 0)

    def pace(self, share: float | None, now: float) -> float:
        """Return how long the next request waits for its turn, which is taken."""
        record, left = self.record, self.left(now)
        self._follow(share, now, record.number if left > 0 else None)
        if left > 0:
            free = record.free(share, now + self.ahead)
            if free < 1:
                return 0.0  # it waits for the window, and then for its turn in the next one
            # The one before was sent at the beginning of what is left: one pause more than requests fits.
            rate = (free + 1) / left
        elif record.limit:
            rate, left = record.ours(share) / record.length, float("inf")
        else:
            return 0.0
        self._fill(share, now, rate)
        self.tokens -= 1
        return min(max(0.0, -self.tokens) / rate, left)

    def _follow(self, share: float | None, now: float, number: float | None) -> None:
        """Take in that one window is over, or that another has begun."""
        if self.is_new and self.record.limit:
            self.is_new = False
            self.tokens = self.at_once(share) - self.sent
        if self.number is not None and number != self.number:
            if not self.blocked:
                self._fill(share, now, self.record.ours(share) / self.record.length)
            # Nothing was saved up while nothing could be sent.
            self.tokens, self.filled, self.blocked = max(self.tokens, 1.0), now, False
        self.number = number

    def _fill(self, share: float | None, now: float, rate: float) -> None:
        self.tokens = min(self.at_once(share), self.tokens + max(0.0, now - self.filled) * rate)
        self.filled = now

    def lease(self, now: float) -> _Place | None:
        """Return a place that was taken before; those of windows that are over are given up."""
        while self.leased:
            place = self.leased.popleft()
            if now < place.until:
                return place
            self.ended[place.epoch] += 1
        return None

    def wanted(self, now: float) -> int:
        """Return how many places will be used soon: as many as were in the last second."""
        return 1 + sum(1 for start in self.starts if now - start < 1.0)

    def report(self, record: WindowRecord, ahead: float, now: float) -> None:
        """
        Put into the record what is not in it yet, and keep it as it is seen now.

        :param now: by the clock of the record.
        """
        for epoch, count in self.ended.items():
            record.settle(epoch, count)
        if self.seen:
            record.take_in(self.seen._replace(ends=self.seen.ends + ahead), now)
        elif self.silent:
            record.take_in(None, now)
        self.record, self.ahead = record, ahead

    def hear(self, seen: Seen | None) -> None:
        """Keep what an answer said of the window until it is reported."""
        known = self.seen
        if seen is None:
            self.silent = True
        elif known is None or seen.number > known.number:
            self.seen = seen
        elif seen.number == known.number:
            self.seen = seen._replace(
                remaining=min(seen.remaining, known.remaining),
                ends=min(seen.ends, known.ends),
                answers=known.answers + 1,
            )


class Gate:
    """
    Holds requests back while sending them would take more than our share; safe for many threads.

    What is left of a window is spread over what is left of its time; a few requests may go at once. The
    service's headers tell what is left; what is taken and not answered yet is counted by all processes
    together, in the store. Each process keeps an even pace by itself: all see the same window, so they slow
    down together, have equal shares, and reach its end together.

    :param service: whose limits these are, for the log.
    :param share: how much of each window we may use, more than 0, at most 1.
    :param timing: the clock and the sleep to use.
    :param per_second: the most requests per second, whatever the headers say; None = no such limit.
    :param limited: what that is a limit of, such as the address of a tenant: all processes that use the
        store keep it together.
    :param give_back_after: a window that begins later than in so many seconds is not waited for, and our
        share of one is used at once instead of evenly, to be done with it soon; None = wait.
    :param store: where processes count together; None = on this machine.
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
        store: LimitStore | None = None,
    ) -> None:
        self._service = service
        self._share = share
        self._give_back_after = give_back_after
        self._timing = timing
        self._limited = limited
        is_real = timing.monotonic is time.monotonic and timing.sleep is time.sleep
        private = PrivateStore(timing.monotonic)
        # Only the machine's own clock is shared with other processes.
        shared = (store or FileStore()) if limited and is_real else private
        # Windows of a second are over before anybody else could know of them; their turns are shared.
        self._store: LimitStore = private if per_second else shared
        self._is_private = self._store is private
        self._per_second = PerSecond(per_second, timing, limited, shared) if per_second else None
        # A rate leaves the others' part free already.
        self._part = None if per_second else share
        self._clock = ServerClock()
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._limits: dict[str, int] = {}

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
            return {name: bucket.sent for name, bucket in self._buckets.items() if bucket.sent}

    @contextmanager
    def slot(self, bucket: str, patience: Patience) -> Iterator[Callable[[Window | None], None]]:
        """
        Wait until a request may be sent, and keep its place while it is under way.

        :param bucket: the name of the rate limit.
        :param patience: how long the whole call may wait; asked before each wait.
        :return: a function that takes the window of the answer.
        :raises WindowUsedUpError: the next window is further away than we are to wait in place.
        """
        turn: _Turn | None = None
        while isinstance(found := self._reserve(bucket, turn), _Turn):
            turn = found
            self._wait(bucket, turn, patience)
        answers: list[Window | None] = []
        sent = self._timing.monotonic()
        try:
            self._keep_interval(patience)
            sent = self._timing.monotonic()
            yield answers.append
        finally:
            self._release(bucket, found, answers, sent)

    def hold(self, bucket: str, seconds: float) -> None:
        """Send nothing for a while, because the service asked for that without describing a window."""
        with self._lock:
            self._look(bucket, self._bucket(bucket), hold=seconds)

    def give_back_after(self, seconds: float | None) -> None:
        """Take in how long a window may be waited for from now on; None = as long as it takes."""
        with self._lock:
            self._give_back_after = seconds

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

    def close(self) -> None:
        """Give back the places that were taken and are not needed."""
        with self._lock:
            for name, bucket in self._buckets.items():
                bucket.ended.update(place.epoch for place in bucket.leased)
                bucket.leased.clear()
                if bucket.ended:
                    self._look(name, bucket)

    @property
    def _is_even(self) -> bool:
        """Whether what is left of a window is spread over what is left of its time."""
        return self._per_second is None and self._give_back_after is None

    def _bucket(self, name: str) -> _Bucket:
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = _Bucket(filled=self._timing.monotonic())
        return found

    def _reserve(self, name: str, waited: _Turn | None) -> _Place | _Turn:
        """
        Take a place for one request, or return what to wait for.

        :param waited: what was waited for before, for the same request.
        """
        with self._lock:
            now, bucket = self._timing.monotonic(), self._bucket(name)
            if self._is_even and (waited is None or waited.number is not None):
                seconds = bucket.pace(self._part, now)
                if seconds > 0:
                    return _Turn(seconds, None)
            found = bucket.lease(now) or self._take(name, bucket, waited, now)
            if isinstance(found, _Place):
                bucket.sent += 1
                bucket.starts.append(now)
            return found

    def _take(self, name: str, bucket: _Bucket, waited: _Turn | None, now: float) -> _Place | _Turn:
        """Take a place, and some more if that saves round trips; or return what to wait for."""
        over = waited.number if waited and self._is_private else None
        count = self._look(name, bucket, want=bucket.wanted(now) if self._store.is_far else 1, over=over)
        left = bucket.left(now)
        if count:
            until = now + (left if left > 0 else bucket.record.length)
            bucket.leased.extend(_Place(bucket.record.epoch, until) for _ in range(count - 1))
            return _Place(bucket.record.epoch, until)
        if left <= 0:
            return _Turn(LOOK_AGAIN, None)
        bucket.blocked = True
        if waited is not None and waited.number is None:
            bucket.tokens += 1  # its turn was in vain
        return _Turn(left, bucket.record.number)

    def _look(
        self,
        name: str,
        bucket: _Bucket,
        *,
        want: int = 0,
        over: float | None = None,
        hold: float | None = None,
    ) -> int:
        """
        Report what is new to the record all processes share, and return how many places were taken of it.

        :param want: how many to take at most; one if there is room, more if there is much.
        :param over: a window that is over because we waited for it, whatever the clock says.
        :param hold: seconds in which nothing may be sent.
        """

        def change(stored: bytes, then: float) -> tuple[bytes, int]:
            record = WindowRecord.read(stored, then)
            bucket.report(record, then - self._timing.monotonic(), then)
            if hold is not None:
                record.hold(then + hold)
            if record.is_known and (then >= record.ends or record.number == over):
                record.end()
            free = record.free(self._part, then)
            count = min(want, max(1, free // LEASES_OF_FREE)) if free >= 1 else 0
            record.take(count, then)
            return record.written(), count

        taken = self._store.change(f"{self._limited} {name}", change)
        bucket.ended.clear()
        bucket.seen, bucket.silent, bucket.looked = None, False, self._timing.monotonic()
        return taken

    def _wait(self, name: str, turn: _Turn, patience: Patience) -> None:
        try:
            if turn.number is not None:
                self.check_wait(name, turn.seconds)
            patience.spend(turn.seconds)
        except BaseException:
            with self._lock:
                self._buckets[name].tokens += turn.number is None
            raise
        if turn.seconds > WORTH_SAYING and turn.number is not None:
            log.info(
                "%s: waiting %.0f s for the next window of %s, because our share of %.0f %% is used",
                self._service,
                turn.seconds,
                name,
                self._share * 100,
            )
        self._timing.sleep(turn.seconds)

    def _keep_interval(self, patience: Patience) -> None:
        if self._per_second is None:
            return
        with self._lock:
            seconds = self._per_second.wait()
        if seconds > 0:
            patience.spend(seconds)
            self._timing.sleep(seconds)

    def _release(self, name: str, place: _Place, answers: list[Window | None], sent: float) -> None:
        """Take in that a request ended, and what its answer, if there was one, says of the window."""
        with self._lock:
            bucket, received = self._buckets[name], self._timing.monotonic()
            bucket.ended[place.epoch] += 1
            for window in answers:
                bucket.hear(self._described(name, window, sent, received) if window else None)
            is_news = bucket.seen is not None and bucket.seen.number != bucket.record.number
            if not self._store.is_far or is_news or received - bucket.looked > REPORT_EVERY:
                self._look(name, bucket)

    def _described(self, name: str, window: Window, sent: float, received: float) -> Seen:
        self._clock.learn(window.number - window.seconds + 1, sent, received)
        self._limits[name] = window.limit
        ends = received + window.seconds
        if self._per_second is not None:
            self._per_second.allow_at_most(max(1, int(window.limit * self._share)))
        else:
            ends = max(self._clock.passes(window.number), received + LEAST_WAIT)
        return Seen(window.limit, window.remaining, window.number, ends, window.seconds - 1)
