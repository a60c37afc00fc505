# SPDX-License-Identifier: Apache-2.0
"""What all processes together know of one rate limit: its window, and how many places of it are taken."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import msgspec

FEW = 10
"""So many requests may be under way when nothing is known of the window that they will count in."""

LATER = 0.25
LEAST_WAIT = 0.05
"""Seconds: by how much more a window is taken to end late, once it did; the least time to ask again in."""

LONGEST_SILENCE = 5.0
"""Seconds: requests that are under way for longer are those of a process that is gone, or get no answer."""

NEVER = float("-inf")
LONGEST_WINDOW = 3600.0


class Seen(NamedTuple):
    """
    What answers said of a window.

    :param limit: how many requests it allows.
    :param remaining: the fewest that were left.
    :param number: tells one window from the next; a larger number is a later window.
    :param ends: when it is over for sure, by the clock of the record.
    :param length: how long it lasts at least, in seconds.
    :param answers: how many answers said so.
    """

    limit: int
    remaining: int
    number: float
    ends: float
    length: float
    answers: int = 1


class WindowRecord(msgspec.Struct, array_like=True):
    """
    A rate limit, as its users see it together; moments are by the clock of whoever keeps the record.

    A place is taken before a request is sent and settled when it ended. What is left of a window is what the
    headers say less the places that are taken: a request counts in one of the two at every moment, so all
    processes together never send more than there is room for. The places of a process that was killed are
    lost until the end of the window after that.

    :param epoch: tells apart in which window a place was taken; another one in every new record.
    :param is_known: whether there is a window now.
    :param ended: the number of the last window that is over.
    :param late: how many seconds after their time windows end.
    :param late_now: the same, as it was when this window began.
    :param is_shared: whether others were seen using the limit.
    :param is_silent: whether the last answer described no window, so that none can be waited for.
    :param pending: places taken since the last window ended.
    :param carried: places taken before that; their requests may count in this window.
    :param taken_at: when the last place was taken.
    """

    epoch: int = msgspec.field(default_factory=lambda: secrets.randbits(48))
    is_known: bool = False
    limit: int = 0
    remaining: int = 0
    number: float = NEVER
    ends_by_name: float = NEVER
    ends: float = NEVER
    length: float = 1.0
    ended: float = NEVER
    late: float = 0.0
    late_now: float = 0.0
    not_before: float = NEVER
    first_remaining: int = 0
    answers: int = 0
    is_shared: bool = False
    is_silent: bool = False
    pending: int = 0
    carried: int = 0
    taken_at: float = NEVER

    @classmethod
    def read(cls, stored: bytes, now: float) -> WindowRecord:
        """Return the record of these bytes; a new one if they hold none, or one of another clock."""
        try:
            record = msgspec.msgpack.decode(stored, type=cls)
        except msgspec.DecodeError:
            return cls()
        return cls() if max(record.ends, record.taken_at) > now + LONGEST_WINDOW else record

    def written(self) -> bytes:
        return msgspec.msgpack.encode(self)

    def settle(self, epoch: int, count: int) -> None:
        """Give places back whose requests ended, or were not sent at all."""
        if epoch == self.epoch:
            self.pending = max(0, self.pending - count)
        elif epoch == self.epoch - 1:
            self.carried = max(0, self.carried - count)

    def take_in(self, seen: Seen | None, now: float) -> None:
        """
        Learn from answers.

        :param seen: None = they described no window.
        """
        self.is_silent = seen is None
        if seen is None:
            return
        if not self.is_known or seen.number > self.number:
            self._begin(seen, now)
        if seen.number != self.number:
            return
        # Answers overtake each other; within a window the remainder only falls.
        self.remaining = min(self.remaining, seen.remaining)
        self.ends_by_name = min(self.ends_by_name, seen.ends)
        self.ends = max(self.ends_by_name + self.late_now, now + LEAST_WAIT, self.not_before)
        self.answers += seen.answers
        ours = self.answers - 1 + self.pending + self.carried
        self.is_shared = self.is_shared or self.first_remaining - self.remaining > ours

    def hold(self, ends: float) -> None:
        """Send nothing until then, because the service asked for that without describing a window."""
        if not self.is_known:
            self.is_known, self.limit, self.number, self.ends = True, self.limit or 1, NEVER, ends
        self.remaining, self.ends = 0, max(ends, self.ends)
        self.ends_by_name = max(self.ends_by_name, ends)

    def end(self) -> None:
        """Forget the window, which is over; the next answer tells of the one that follows."""
        self.is_known, self.ended = False, self.number
        self.epoch, self.carried, self.pending = self.epoch + 1, self.pending, 0

    def free(self, share: float | None, now: float) -> int:
        """
        Return how many places may be taken now.

        :param share: how much of each window is ours; None = all of it, because a rate keeps the rest free.
        """
        taken = self.pending + self.carried
        if self.is_known:
            return self.remaining - taken - self._reserved(share)
        if self.is_silent or share is None:
            return FEW
        most = self.ours(share) if self.limit else FEW
        return max(most - taken, 1 if now - self.taken_at > LONGEST_SILENCE else 0)

    def take(self, count: int, now: float) -> None:
        """Take places."""
        if count:
            self.pending += count
            self.taken_at = now

    def ours(self, share: float | None) -> int:
        """Return how many requests of a whole window are ours."""
        return max(1, int(self.limit * (1 if share is None else share)))

    def _reserved(self, share: float | None) -> int:
        """Return how many requests of a window are left to others; at least one is ours."""
        if share is None:
            return 0
        # Others take the last places while we hear of it a little late.
        at_least = 1 + self.limit // 100 if self.is_shared else 0
        return min(self.limit - 1, max(self.limit - self.ours(share), at_least))

    def _begin(self, seen: Seen, now: float) -> None:
        if self.is_known:
            self.end()
        self.is_known, self.number = True, seen.number
        self.limit, self.remaining, self.first_remaining = seen.limit, seen.remaining, seen.remaining
        self.length = max(self.length, seen.length)
        self.ends_by_name, self.late_now, self.not_before, self.answers = seen.ends, self.late, NEVER, 0
        if seen.number == self.ended:
            # It was not over: the service's windows end a little after the moment that it names.
            self.late = min(1.0, self.late + LATER)
            self.not_before = now + (LATER if seen.remaining else LEAST_WAIT)
