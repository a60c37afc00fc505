# SPDX-License-Identifier: Apache-2.0
"""How many requests work at the same time, so that the page leaves threads to Airflow."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from fastapi.routing import APIRoute

from airflow_provider_okta_ure.errors import BusyError

if TYPE_CHECKING:
    from fastapi import Request, Response

REQUESTS = 8
"""At the same time in this process. Airflow's API has 40 threads for everything, the pool 15 connections."""

REQUESTS_OF_ONE = 4
"""Of one login; a view of the page sends three at a time."""

LONGEST_WAIT = 3.0
"""Seconds that a request waits for its turn, without a thread or a connection."""

_LOOK_AGAIN = 0.05


class Places:
    """
    A number of places, some of which each person may take.

    :param total: how many there are.
    :param each: how many one person may have at the same time.
    """

    def __init__(self, *, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> bool:
        """
        Return whether there was a place, which is taken now.

        :param who: empty = not known; then only ``total`` counts.
        """
        with self._lock:
            if self._taken.total() >= self._total or (who and self._taken[who] >= self._each):
                return False
            self._taken[who] += 1
            return True

    def leave(self, who: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[who] -= 1
            # Not one entry for everybody who ever came.
            self._taken += Counter()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        with self._lock:
            return self._taken.total()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """
        Wait for a place, without a thread, and keep it.

        :raises BusyError: there was none within ``LONGEST_WAIT`` seconds.
        """
        end = time.monotonic() + LONGEST_WAIT
        while not self.take(who):
            if time.monotonic() > end:
                raise BusyError(
                    "The page is busy: other requests are being answered.",
                    remedy="Try again in a few seconds.",
                )
            await anyio.sleep(_LOOK_AGAIN)
        try:
            yield
        finally:
            self.leave(who)


working = Places(total=REQUESTS, each=REQUESTS_OF_ONE)


class InTurn(APIRoute):
    """A route whose requests wait for their turn; what is sent afterwards, such as an export, needs none."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_in_turn(request: Request) -> Response:
            async with working.turn(_login_of(request)):
                response: Response = await answer(request)
                return response

        return answer_in_turn


def _login_of(request: Request) -> str:
    """Return what stands for a login, not yet checked; the login itself is not kept."""
    login = request.headers.get("authorization") or request.cookies.get("_token") or ""
    return str(hash(login)) if login else ""
