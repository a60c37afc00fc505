# SPDX-License-Identifier: Apache-2.0
"""Staying inside our share of a service's rate limits, as its headers tell, before it has to refuse us."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_okta_ure.clients.retries import WORTH_SAYING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_okta_ure.clients.retries import Patience, Timing

log = logging.getLogger(__name__)


class Window(NamedTuple):
    """
    A rate limit as an answer describes it.

    :param limit: how many requests the window allows; more than 0.
    :param remaining: how many are left.
    :param seconds: until the next window, by the server's clock.
    :param number: tells one window from the next; a larger number is a later window.
    """

    limit: int
    remaining: int
    seconds: float
    number: float


@dataclass
class _Bucket:
    limit: int
    remaining: int
    ends: float
    number: float


class Gate:
    """
    Holds requests back while sending them would take more than our share; safe for many threads.

    :param service: whose limits these are, for the log.
    :param share: how much of each window we may use, more than 0, at most 1.
    :param timing: the clock and the sleep to use.
    :param per_second: the most requests per second, whatever the headers say; None = no such limit.
    """

    def __init__(
        self, service: str, share: float, timing: Timing, *, per_second: float | None = None
    ) -> None:
        self._service = service
        self._share = share
        self._timing = timing
        self._interval = 1 / per_second if per_second else 0.0
        self._next_slot = float("-inf")
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
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
        """
        while blocked := self._reserve(bucket):
            self._wait(bucket, *blocked, patience)
        window: Window | None = None

        def note(seen: Window | None) -> None:
            nonlocal window
            window = seen

        try:
            self._pace(patience)
            yield note
        finally:
            self._release(bucket, window)

    def _reserve(self, bucket: str) -> tuple[float, float] | None:
        """Keep a place for one request and return None, or return how long to wait for which window's end."""
        with self._lock:
            pending = self._pending.get(bucket, 0)
            state = self._buckets.get(bucket)
            wait = state.ends - self._timing.monotonic() if state else 0.0
            if state is None or wait <= 0:
                self._buckets.pop(bucket, None)
            elif state.remaining - pending - 1 < self._reserved(state.limit):
                return wait, state.number
            self._pending[bucket] = pending + 1
            self._sent[bucket] = self._sent.get(bucket, 0) + 1
            return None

    def _reserved(self, limit: int) -> int:
        """Return how many requests of a window are left to others; at least one is ours."""
        return limit - max(1, int(limit * self._share))

    def _wait(self, bucket: str, seconds: float, number: float, patience: Patience) -> None:
        patience.spend(seconds)
        if seconds > WORTH_SAYING:
            log.info(
                "%s: waiting %.0f s for the next window of %s, because our share of %.0f %% is used",
                self._service,
                seconds,
                bucket,
                self._share * 100,
            )
        self._timing.sleep(seconds)
        with self._lock:
            # The window is over because we waited for it, whatever the clock says.
            state = self._buckets.get(bucket)
            if state and state.number == number:
                del self._buckets[bucket]

    def _pace(self, patience: Patience) -> None:
        if not self._interval:
            return
        with self._lock:
            now = self._timing.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + self._interval
        if slot > now:
            patience.spend(slot - now)
            self._timing.sleep(slot - now)

    def _release(self, bucket: str, window: Window | None) -> None:
        with self._lock:
            self._pending[bucket] = max(0, self._pending.get(bucket, 0) - 1)
            if window is None:
                return
            self._limits[bucket] = window.limit
            state = self._buckets.get(bucket)
            if state is None or window.number > state.number:
                ends = self._timing.monotonic() + window.seconds
                self._buckets[bucket] = _Bucket(window.limit, window.remaining, ends, window.number)
            elif window.number == state.number:
                # Answers overtake each other; within a window the remainder only falls.
                state.remaining = min(state.remaining, window.remaining)
