"""A real web server before an application, for tests about readers who are slow or go away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import tenacity
import uvicorn

if TYPE_CHECKING:
    from fastapi import FastAPI

TRIES = 1000


@contextmanager
def serving(app: FastAPI) -> Iterator[int]:
    """Yield the port on loopback where the application is served."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def until(holds: Callable[[], bool]) -> None:
    """Return as soon as something holds; raise when it does not for very long."""
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda result: not result),
        wait=tenacity.wait_fixed(0.02),
        stop=tenacity.stop_after_attempt(TRIES),
    )
    tries(holds)


class SlowReader:
    """
    Somebody who asks for something and reads no more of it than the first line.

    :param port: of the server.
    :param path: what to ask for.
    :param token: the login.
    """

    def __init__(self, port: int, path: str, token: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: airflow\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )

    def status(self) -> int:
        """Return the status, and read nothing else."""
        line = b""
        while len(line) < len(b"HTTP/1.1 200"):
            line += self._socket.recv(len(b"HTTP/1.1 200") - len(line))
        return int(line.split()[1])

    def abort(self) -> None:
        """Go away without a word."""
        self._socket.close()
