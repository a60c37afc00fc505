# SPDX-License-Identifier: Apache-2.0
"""
Answers that end, after some time and after some bytes: ``requests`` limits only the wait for the next bytes.

A server, or a proxy on the way, that sends one byte a minute would hold a call for ever, and one that sends
headers or chunks without an end would fill the memory.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from airflow_provider_okta_ure.clients.timed_sockets import Deadline
from airflow_provider_okta_ure.clients.unpacking import check_size

if TYPE_CHECKING:
    import socket

    from urllib3.connectionpool import HTTPConnectionPool


_COOKIES = ("Set-Cookie", "Set-Cookie2")


class TimedAnswerAdapter(HTTPAdapter):
    """
    Sends requests as ``requests`` does; each answer has to be there, to its last byte, in time.

    A late one raises what a slow one raises: a timeout of ``requests``. One that is too large raises
    :class:`unpacking.AnswerLimitError`.

    :param seconds: from the end of the request to the end of the answer.
    :param size: how many bytes of an answer are taken from the wire, its headers included.
    :param monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, seconds: float, size: int, monotonic: Callable[[], float], **settings: Any) -> None:
        self._connection_classes = {
            "http": _timed(HTTPConnection, seconds, size, monotonic),
            "https": _timed(HTTPSConnection, seconds, size, monotonic),
        }
        super().__init__(**settings)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))
        pool.ConnectionCls = self._connection_classes[pool.scheme or ""]
        return pool


def _timed(
    base: type[HTTPConnection], seconds: float, size: int, monotonic: Callable[[], float]
) -> type[Any]:
    """Return a kind of connection whose answers, also those of a proxy to ``CONNECT``, end."""

    class TimedAnswer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            # Unbuffered, what http.client opened is the socket's own file, which keeps the socket open.
            file = self.fp.detach()
            self.fp = io.BufferedReader(_TimedReads(file, sock, Deadline.after(seconds, monotonic), size))

        def begin(self) -> None:
            super().begin()
            # Nobody reads them, and what parses them can fail.
            for name in _COOKIES:
                del self.headers[name]
            # Of headers that are none, urllib3 would log the text, and the URL, which can name people.
            self.headers.defects.clear()
            self.headers.set_payload("")

    return type(f"Timed{base.__name__}", (base,), {"response_class": TimedAnswer})


class _TimedReads(io.RawIOBase):
    """
    A socket's file, each read of which gets the time that is left, or that a read gets anyway.

    :param file: the socket's own file, without a buffer.
    :param sock: the socket; its timeout is that of each read.
    :param size: how many bytes may be read in all.
    """

    def __init__(self, file: io.RawIOBase, sock: socket.socket, deadline: Deadline, size: int) -> None:
        super().__init__()
        self._file = file
        self._sock = sock
        self._deadline = deadline
        self._patience = sock.gettimeout()
        self._size = size
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left()
        self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        count = self._file.readinto(buffer)
        self._taken += count or 0
        check_size(self._taken, self._size, "on the wire")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
