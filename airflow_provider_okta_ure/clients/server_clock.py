# SPDX-License-Identifier: Apache-2.0
"""What a server's clock shows, more exactly than the whole seconds that its answers name."""

from __future__ import annotations

DRIFT = 1e-4
"""How much two clocks may go apart, seconds in a second."""

VAGUE = 0.5
"""Not worth much when it is not known to half a second; then a whole one is added, as Okta's clients do."""


class ServerClock:
    """
    How far a server's clock is ahead of our monotonic one; each answer narrows it down.

    The ``Date`` of an answer is cut to whole seconds. So when it says ``d``, the server's clock was between
    ``d`` and ``d + 1`` at some moment between our sending and our receiving.
    """

    def __init__(self) -> None:
        self._least = float("-inf")
        self._most = float("inf")
        self._seen = 0.0

    def learn(self, date: float, sent: float, received: float) -> None:
        """
        Take in an answer.

        :param date: its ``Date``, seconds since 1970.
        :param sent: when the request was sent, by our monotonic clock.
        :param received: when the answer was there, by the same.
        """
        least, most = date - received, date + 1 - sent
        apart = DRIFT * max(0.0, received - self._seen)
        self._seen = received
        self._least, self._most = max(least, self._least - apart), min(most, self._most + apart)
        if self._least > self._most:
            # Several machines whose clocks differ answer under one name, or ours was set.
            self._least, self._most = least, most

    def passes(self, moment: float) -> float:
        """Return when the server's clock has passed a moment for sure, by our monotonic clock."""
        doubt = self._most - self._least
        return moment - self._least + (min(1.0, doubt) if doubt > VAGUE else 0.0)
