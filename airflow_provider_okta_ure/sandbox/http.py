"""The small HTTP layer of both pretend services: request, answer, router, ASGI application."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.faults import Fault
    from airflow_provider_okta_ure.sandbox.journal import JournalEntry

_DRIPS = 20

#: Kinds of fault that are not the service's own: see :mod:`faults`.
GATEWAYS = ("block_page", "retry_after")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Request:
    """One request, fully read."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes
    client_host: str
    arguments: tuple[str, ...] = ()
    request_id: str = ""
    at: float = 0.0
    in_flight: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        """The query string, decoded; of a repeated parameter the last value."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True)) if self.raw_query else {}

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """
        Return the body as JSON.

        :raises ValueError: when it is none (NaN and Infinity are none either).
        """
        return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)


@dataclass(slots=True)
class Answer:
    """
    One answer; the service adds its standing headers when it is sent.

    ``drip`` spreads the body over so many real seconds; its length is not announced then. ``is_foreign``: it
    comes from somebody in front of the service, so the service's standing headers are not added.
    """

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    drip: float = 0.0
    is_foreign: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, media_type: str = "application/json") -> Answer:
        """Return an answer with a JSON body."""
        return cls(status, msgspec.json.encode(value), [("Content-Type", media_type)])


class HttpError(Exception):
    """Raised by a handler that refuses a request; it carries the whole answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with status {answer.status}")
        self.answer = answer


Handler = Callable[[Request], Answer]
AsyncHandler = Callable[[Request], Awaitable[Answer]]


@dataclass(slots=True)
class Route:
    """A method and path with the handler for it; exactly one of the two handlers is set."""

    method: str
    template: tuple[str, ...]
    handler: Handler | None = None
    async_handler: AsyncHandler | None = None
    label: str = ""

    def run(self, request: Request) -> Answer:
        """Let the handler that is not asynchronous answer."""
        if self.handler is None:
            raise TypeError(f"{self.label} has no such handler")
        return self.handler(request)


class Router:
    """Finds the route of a request; path parameters are decoded after the path is split."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[Route]] = {}

    def add(
        self,
        method: str,
        path: str,
        handler: Handler | None = None,
        async_handler: AsyncHandler | None = None,
    ) -> None:
        """Add a route; ``{name}`` in the path stands for one segment."""
        template = tuple(path.strip("/").split("/"))
        route = Route(method, template, handler, async_handler, path)
        self._by_length.setdefault(len(template), []).append(route)

    def find(self, method: str, path: str) -> tuple[Route | None, tuple[str, ...], list[str]]:
        """Return the route, its path parameters, and the methods the path knows (empty: unknown path)."""
        segments = path.strip("/").split("/")
        allowed: list[str] = []
        for route in self._by_length.get(len(segments), ()):
            arguments = _matched(route.template, segments)
            if arguments is None:
                continue
            if route.method == method:
                return route, arguments, [method]
            allowed.append(route.method)
        return None, (), allowed


class Service(Protocol):
    """What the ASGI application needs to know about a pretend service."""

    name: str

    def receive(self, request: Request) -> JournalEntry:
        """Write a request into the journal and give it its number and time."""

    def take_fault(self, request: Request) -> Fault | None:
        """Return the fault this request is to suffer."""

    async def wait(self, fault: Fault | None) -> None:
        """Wait as the latency switch and the fault say."""

    async def answer(self, request: Request, entry: JournalEntry) -> Answer:
        """Check, execute and answer a request; never raises."""

    def faulty_answer(self, request: Request, entry: JournalEntry, fault: Fault) -> Answer:
        """Return the service's own error answer for a fault, without executing the request."""

    def finish(self, request: Request, entry: JournalEntry, answer: Answer) -> None:
        """Add the standing headers and complete the journal entry."""

    def done(self, entry: JournalEntry) -> None:
        """Say that nothing more happens for this request."""


class Application:
    """
    The ASGI application in front of one pretend service.

    :param service: who answers.
    :param control: who answers ``/sandbox/*``; those requests see no limits, faults or journal.
    """

    def __init__(self, service: Service, control: Callable[[Request], Awaitable[Answer]]) -> None:
        self._service = service
        self._control = control
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        if request is None:
            return
        if request.path.startswith("/sandbox/"):
            await _send(send, await self._control(request), head=request.method == "HEAD")
            return
        self._in_flight += 1
        try:
            request.in_flight = self._in_flight
            await self._serve(request, receive, send)
        finally:
            self._in_flight -= 1

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        service = self._service
        entry = service.receive(request)
        fault = service.take_fault(request)
        entry.fault = fault.label if fault else None
        try:
            await service.wait(fault)
            if fault and fault.kind == "reset":
                await _abort(send, receive)
            elif fault and fault.kind in GATEWAYS:
                await self._finish(request, entry, gateways_answer(fault), send)
            elif fault and fault.kind in ("status", "concurrency_429", "rate_limit_429", "ok_with_error"):
                await self._finish(request, entry, service.faulty_answer(request, entry, fault), send)
            else:
                answer = await service.answer(request, entry)
                await self._deliver(request, entry, answer, fault, receive, send)
        finally:
            service.done(entry)

    async def _deliver(
        self,
        request: Request,
        entry: JournalEntry,
        answer: Answer,
        fault: Fault | None,
        receive: Receive,
        send: Send,
    ) -> None:
        if fault and fault.kind == "lost_answer":
            await _abort(send, receive)
        elif fault and fault.kind == "truncate":
            self._service.finish(request, entry, answer)
            await _send_half(send, receive, answer)
        else:
            await self._finish(request, entry, answer, send)

    async def _finish(self, request: Request, entry: JournalEntry, answer: Answer, send: Send) -> None:
        self._service.finish(request, entry, answer)
        await _send(send, answer, head=request.method == "HEAD")


def gateways_answer(fault: Fault) -> Answer:
    """Return the answer of a web filter or gateway in front of the service."""
    if fault.kind == "retry_after":
        return Answer(fault.status, b"", [("Retry-After", fault.retry_after)], is_foreign=True)
    body = "Blocked by policy" if fault.body is None else fault.body
    return Answer(200, body.encode(), [("Content-Type", fault.content_type)], is_foreign=True)


async def _read(scope: Scope, receive: Receive) -> Request | None:
    if scope["type"] != "http":
        return None
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    client = scope.get("client")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        raw_query=scope["query_string"].decode("latin-1"),
        headers=_headers(scope["headers"]),
        body=bytes(body),
        client_host=client[0] if client else "127.0.0.1",
    )


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined with a comma (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _send(send: Send, answer: Answer, *, head: bool = False) -> None:
    await send(_start(answer))
    if answer.drip and not head:
        size = max(1, math.ceil(len(answer.body) / _DRIPS))
        for start in range(0, len(answer.body), size):
            part = answer.body[start : start + size]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(answer.drip / _DRIPS)
    await send({"type": "http.response.body", "body": b"" if head or answer.drip else answer.body})


async def _send_half(send: Send, receive: Receive, answer: Answer) -> None:
    """Promise the whole body, send half of it and hang up."""
    await send(_start(answer))
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    _transport(send).close()
    await _gone(receive)


async def _abort(send: Send, receive: Receive) -> None:
    """Cut the connection with a TCP reset, without a byte of an answer."""
    transport = _transport(send)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Wait until the server has noticed that the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


def _transport(send: Send) -> asyncio.Transport:
    """Return the connection behind an ASGI ``send``: in uvicorn a method of the object that has it."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


def _start(answer: Answer) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status not in (204, 304) and not answer.drip:
        headers.append((b"Content-Length", str(len(answer.body)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


def _matched(template: tuple[str, ...], segments: list[str]) -> tuple[str, ...] | None:
    arguments = []
    for expected, segment in zip(template, segments, strict=True):
        if expected[:1] == "{":
            if not segment:
                return None
            arguments.append(unquote(segment))
        elif expected != segment:
            return None
    return tuple(arguments)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
