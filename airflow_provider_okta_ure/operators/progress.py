# SPDX-License-Identifier: Apache-2.0
"""How far a task has come, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

EVERY = 10.0
"""Seconds between two lines in the task log."""


class Progress:
    """
    Says in the task log how far an action has come, at most every ten seconds.

    :param log: the task log.
    :param action: what is done.
    :param per_minute: how many users a minute our share of the rate limit allows; None = not known yet.
    :param monotonic: the clock.
    """

    def __init__(
        self,
        log: Any,
        action: str,
        per_minute: Callable[[], float | None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._action = action
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._said_at = monotonic()
        self._last = (0, 0)

    def __call__(self, done: int, total: int) -> None:
        """
        Take in how far it has come.

        :param done: users that are done, of ``total``.
        """
        self._last = done, total
        now = self._monotonic()
        if now - self._said_at >= EVERY and done < total:
            self._said_at = now
            self._log.info("%s: %s.", self._action, self.in_words())

    def in_words(self) -> str:
        """
        Return how far it has come, and how long the rest takes.

        >>> progress = Progress(None, "add_to_group", lambda: 250.0, monotonic=lambda: 0.0)
        >>> progress(1250, 5000)
        >>> progress.in_words()
        '1,250 of 5,000, about 15 min left'
        """
        done, total = self._last
        said = f"{done:,} of {total:,}"
        per_minute = self._per_minute()
        return f"{said}, about {max(1, round((total - done) / per_minute))} min left" if per_minute else said
