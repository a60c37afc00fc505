# SPDX-License-Identifier: Apache-2.0
"""Signals that stop the demo: the first one ends it in order, a second one ends it at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """
    The first signal has arrived; no ``Exception``, so that nothing which handles errors swallows it.

    :param number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class StopSignals:
    """Turns the first signal into :class:`Interrupted`, and remembers that there was another."""

    def __init__(self) -> None:
        self.is_second = False
        """Whether a signal arrived after stopping had begun: no more time for an orderly end."""
        self._is_stopping = False
        self._shields = 0
        self._deferred: int | None = None

    def install(self) -> None:
        """Handle the signals of this process from now on."""
        for number in _SIGNALS:
            signal.signal(number, self._receive)

    def begin_stopping(self) -> None:
        """Raise nothing from now on: what stops the processes must not be interrupted itself."""
        self._is_stopping = True

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """
        Hold a signal back until the block is done.

        :raises Interrupted: at the end of the block, when a signal arrived in it.
        """
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
            if self._deferred is not None and not self._shields:
                number, self._deferred = self._deferred, None
                raise Interrupted(number)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            self.is_second = True
            return
        self._is_stopping = True
        if self._shields:
            self._deferred = number
            return
        raise Interrupted(number)


STOP_SIGNALS = StopSignals()
"""Those of this process; without ``install`` they do nothing."""
