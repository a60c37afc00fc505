# SPDX-License-Identifier: Apache-2.0
"""Requests at an even rate of a few a second; slower for a while after the service refused one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.shared_slots import SharedSlots

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.limit_stores import LimitStore
    from airflow_provider_okta_ure.clients.retries import Timing

SLOWER = 0.7
RECOVERY = 0.05
"""By which factor a refusal slows us down; which part of the highest rate comes back in a second."""


class PerSecond:
    """
    When the next request may be sent; whoever calls this sees to it that one thread does at a time.

    :param most: the highest rate, requests a second.
    :param timing: the clock that a refusal is forgotten by.
    :param limit: what is limited, such as the address of a tenant.
    :param store: where all who use the limit take turns.
    """

    def __init__(self, most: float, timing: Timing, limit: str, store: LimitStore) -> None:
        self._most = self._rate = most
        self._timing = timing
        self._turns = SharedSlots(limit, store)
        self._seen = timing.monotonic()

    def wait(self) -> float:
        """Return how many seconds the next request waits, and count it."""
        now = self._timing.monotonic()
        self._rate = min(self._most, self._rate + self._most * RECOVERY * max(0.0, now - self._seen))
        self._seen = now
        return self._turns.take(1 / self._rate)

    def allow_at_most(self, rate: float) -> None:
        """Take in that the service allows no more than so many requests a second."""
        self._most = min(self._most, rate)

    def slow_down(self) -> None:
        """Take in that the service refused a request because of its limit."""
        self._rate = max(self._most / 16, self._rate * SLOWER)
