# SPDX-License-Identifier: Apache-2.0
"""Requests at an even rate of a few a second; slower for a while after the service refused one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.shared_slots import SharedSlots

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.retries import Timing

SLOWER = 0.7
RECOVERY = 0.05
"""By which factor a refusal slows us down; which part of the highest rate comes back in a second."""


class PerSecond:
    """
    When the next request may be sent; whoever calls this sees to it that one thread does at a time.

    :param most: the highest rate, requests a second.
    :param timing: the clock to use; only the machine's own is shared with other processes.
    :param limit: what is limited, such as the address of a tenant; empty = nothing that others use.
    """

    def __init__(self, most: float, timing: Timing, limit: str = "") -> None:
        self._most = self._rate = most
        self._timing = timing
        is_real = timing.monotonic is time.monotonic and timing.sleep is time.sleep
        self._shared = SharedSlots(limit) if limit and is_real else None
        self._next = float("-inf")
        self._seen = timing.monotonic()

    def wait(self) -> float:
        """Return how many seconds the next request waits, and count it."""
        now = self._timing.monotonic()
        self._rate = min(self._most, self._rate + self._most * RECOVERY * max(0.0, now - self._seen))
        self._seen = now
        if self._shared is not None:
            return self._shared.take(1 / self._rate)
        turn = max(now, self._next)
        self._next = turn + 1 / self._rate
        return turn - now

    def allow_at_most(self, rate: float) -> None:
        """Take in that the service allows no more than so many requests a second."""
        self._most = min(self._most, rate)

    def slow_down(self) -> None:
        """Take in that the service refused a request because of its limit."""
        self._rate = max(self._most / 16, self._rate * SLOWER)
