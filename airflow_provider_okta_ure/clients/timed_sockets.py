# SPDX-License-Identifier: Apache-2.0
"""Sockets that count time and bytes at each read, so that no server can keep us or fill the memory."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_okta_ure.clients.unpacking import LARGEST_ANSWER, check_size


@dataclass(frozen=True)
class Deadline:
    """
    The moment when something is over, however little it was that kept us waiting each time.

    :param at: that moment, on the clock ``monotonic``.
    """

    monotonic: Callable[[], float]
    at: float

    @classmethod
    def after(cls, seconds: float, monotonic: Callable[[], float]) -> Deadline:
        return cls(monotonic, monotonic() + seconds)

    def left(self) -> float:
        """
        Return the seconds that are left.

        :raises TimeoutError: there are none.
        """
        seconds = self.at - self.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time is over")
        return seconds


class TimedSocket:
    """
    What ``http.client`` needs of a socket; each read and write gets the time that is left, and no more.

    :param real: the socket; whoever made it closes it.
    :param buffer_size: how many bytes may be read ahead.
    :param most: how many bytes may be read in all.
    """

    def __init__(
        self,
        real: socket.socket,
        deadline: Deadline,
        *,
        buffer_size: int = io.DEFAULT_BUFFER_SIZE,
        most: int = LARGEST_ANSWER,
    ) -> None:
        self._real = real
        self._deadline = deadline
        self._buffer_size = buffer_size
        self._most = most

    def sendall(self, data: Any) -> None:
        self._real.settimeout(self._deadline.left())
        self._real.sendall(data)

    def makefile(self, *_mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReads(self._real, self._deadline, self._most), self._buffer_size)

    def close(self) -> None:
        """Do nothing: ``http.client`` closes its socket before the answer is read."""


class _TimedReads(io.RawIOBase):
    """:raises AnswerLimitError: more bytes come than may be read."""

    def __init__(self, real: socket.socket, deadline: Deadline, most: int) -> None:
        super().__init__()
        self._real = real
        self._deadline = deadline
        self._most = most
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._real.settimeout(self._deadline.left())
        count = self._real.recv_into(buffer)
        self._taken += count
        check_size(self._taken, self._most, "on the wire")
        return count
