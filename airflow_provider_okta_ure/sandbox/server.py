"""Serves both pretend services from one event loop in a background thread, on sockets bound beforehand."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import socket
import ssl
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOPBACK = "127.0.0.1"
_BACKLOG = 2048


class PortBusyError(OSError):
    """The port cannot be bound; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files to serve https with."""

    certificate: str
    private_key: str


def bind(port: int, purpose: str) -> socket.socket:
    """
    Return a socket that listens on a loopback port; 0 picks a free one.

    :raises PortBusyError: when somebody else has the port.
    """
    # asyncio switches off the delay of small packets only for sockets that name their protocol.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((_LOOPBACK, port))
        # At once: until one of them listens, two sockets can be bound to the same port.
        bound.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        raise PortBusyError(
            f"Port {port} for the pretend {purpose} cannot be used on {_LOOPBACK} ({_reason(error)}). "
            f"Choose another with --{purpose.lower()}-port, or 0 for any free one."
        ) from error
    return bound


class Server:
    """
    A background thread with an event loop that serves ASGI applications.

    :param listeners: pairs of a bound socket and the application behind it.
    :param tls: serve https with these files.
    """

    def __init__(self, listeners: list[tuple[socket.socket, Callable[..., Any]]], tls: Tls | None) -> None:
        self._listeners = listeners
        self._tls = tls
        self._loop = _new_event_loop()
        self._states: list[ServerState] = []
        self._servers: list[asyncio.AbstractServer] = []
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, for work that has to happen in it."""
        return self._loop

    def start(self) -> None:
        """Listen on all sockets and return; clients can connect from here on."""
        # In the thread from the first moment: whoever starts us may have an event loop of his own running.
        listening: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(listening,), name="okta-ure-sandbox", daemon=True
        )
        self._thread.start()
        try:
            listening.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    def stop(self) -> None:
        """Close the ports and every connection, whatever is going on in them."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for bound, application in self._listeners:
            config = uvicorn.Config(
                application,
                http=_protocol_name(),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=300,
                interface="asgi3",
            )
            config.load()
            state = ServerState()
            server = await loop.create_server(
                _protocol_factory(config, state), sock=bound, ssl=self._context(), backlog=_BACKLOG
            )
            self._states.append(state)
            self._servers.append(server)

    def _context(self) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._tls.certificate, self._tls.private_key)
        return context

    def _run(self, listening: Future[None]) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            try:
                self._loop.run_until_complete(self._listen())
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
                listening.set_exception(error)
                return
            listening.set_result(None)
            self._loop.run_forever()
            self._loop.run_until_complete(self._shut_down())
        finally:
            self._close()

    async def _shut_down(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for state in self._states:
            for connection in list(state.connections):
                connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _close(self) -> None:
        for bound, _ in self._listeners:
            bound.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def _protocol_factory(config: uvicorn.Config, state: ServerState) -> Callable[[], asyncio.Protocol]:
    def create() -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = config.http_protocol_class
        return make(config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop())

    return create


def _protocol_name() -> str:
    return "httptools" if _is_installed("httptools") else "h11"


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if _is_installed("uvloop"):
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
        return loop
    return asyncio.new_event_loop()


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
