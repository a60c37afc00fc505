# SPDX-License-Identifier: Apache-2.0
"""An answer that comes byte after byte is given up in time, wherever it trickles, with and without TLS or a proxy."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.http import ApiClient
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import RetryPolicy, Timing
from airflow_provider_okta_ure.errors import TransportError
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.odd_server import answer, certificate_for, serving, tunnel

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
STARTS = [
    pytest.param(b"", id="status-line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: ", id="header"),
    pytest.param(HEAD + b"Content-Length: 60000\r\n\r\n", id="body"),
    pytest.param(HEAD + b"Connection: close\r\n\r\n", id="body-until-closed"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", id="chunk-size"),
]


class Trickle:
    """Sends a start, and then byte after byte until the test is over."""

    def __init__(self, start: bytes) -> None:
        self._start = start
        self.over = threading.Event()

    def __call__(self, connection: socket.socket, _head: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(self._start)
        for _ in range(20_000):
            if self.over.wait(0.001):
                return
            connection.sendall(b"0")


@pytest.fixture
def trickle() -> Iterator[Callable[[bytes], Trickle]]:
    made: list[Trickle] = []

    def make(start: bytes) -> Trickle:
        made.append(Trickle(start))
        return made[-1]

    yield make
    for one in made:
        one.over.set()


class Ticks:
    """A clock that goes on by a second each time somebody looks at it."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self.seen = 0

    def __call__(self) -> float:
        self.seen = next(self._ticks)
        return float(self.seen)


def client(url: str, ticks: Callable[[], float], **transport: Any) -> ApiClient:
    transport.setdefault("retry", RetryPolicy(attempts=1))
    timing = Timing(monotonic=ticks, sleep=lambda _seconds: None)
    auth = transport.pop("auth", None) or SswsAuth("00token-for-the-trickle")
    return ApiClient(url, auth, OktaDialect(), answer_timeout=20.0, timing=timing, **transport)


def get(one: ApiClient) -> Any:
    try:
        return one.call("GET", "/api/v1/org", bucket="b", expect=dict).body
    finally:
        one.close()


@pytest.mark.parametrize("start", STARTS)
def test_an_answer_that_trickles_is_given_up(trickle, start: bytes) -> None:
    ticks = Ticks()
    with serving(trickle(start)) as server, pytest.raises(TransportError, match="in time") as caught:
        get(client(f"http://127.0.0.1:{server.port}", ticks))
    assert caught.value.retryable
    assert caught.value.sent
    assert ticks.seen < 60


@pytest.mark.parametrize("start", STARTS)
def test_also_inside_tls(trickle, tmp_path: Path, start: bytes) -> None:
    ticks = Ticks()
    certificate = certificate_for(tmp_path, "localhost")
    with (
        serving(trickle(start), certificate.server) as server,
        pytest.raises(TransportError, match="in time"),
    ):
        get(client(f"https://localhost:{server.port}", ticks, verify=certificate.bundle))
    assert ticks.seen < 60


def test_also_when_it_is_the_proxy_that_trickles(trickle) -> None:
    ticks = Ticks()
    with serving(trickle(b"HTTP/1.1 200 ")) as proxy, pytest.raises(TransportError):
        get(client("https://acme.okta.com", ticks, proxy=f"http://127.0.0.1:{proxy.port}"))
    assert ticks.seen < 60


def test_an_answer_that_is_merely_long_is_read(tmp_path: Path) -> None:
    body = b'{"text": "' + b"x" * 2_000_000 + b'"}'
    with serving(answer(body, Connection="close")) as server:
        frozen = client(f"http://127.0.0.1:{server.port}", lambda: 0.0)
        assert len(get(frozen)["text"]) == 2_000_000
    certificate = certificate_for(tmp_path, "localhost")
    with serving(answer(body), certificate.server) as server:
        frozen = client(f"https://localhost:{server.port}", lambda: 0.0, verify=certificate.bundle)
        assert len(get(frozen)["text"]) == 2_000_000


def test_through_a_proxy_too(tmp_path: Path) -> None:
    certificate = certificate_for(tmp_path, "localhost")
    seen: list[bytes] = []
    with serving(answer(b'{"a": 1}'), certificate.server) as server, serving(tunnel(seen)) as proxy:
        through = client(
            f"https://localhost:{server.port}",
            lambda: 0.0,
            verify=certificate.bundle,
            proxy=f"http://127.0.0.1:{proxy.port}",
        )
        assert get(through) == {"a": 1}
    assert seen[0].startswith(b"CONNECT ")


def test_a_silence_is_still_no_longer_than_the_read_timeout() -> None:
    over = threading.Event()

    def say_nothing(_connection: socket.socket, _head: bytes) -> None:
        over.wait(5)

    with serving(say_nothing) as server:
        quiet = client(f"http://127.0.0.1:{server.port}", lambda: 0.0, read_timeout=0.05)
        with pytest.raises(TransportError, match="did not answer in time"):
            get(quiet)
        over.set()


def test_the_next_request_on_the_same_connection_has_the_whole_time_again() -> None:
    now = [0.0]
    with Sandbox(users=3) as sandbox:
        one = client(sandbox.okta_url, lambda: now[0], auth=SswsAuth(sandbox.okta_token))
        for _ in range(3):
            assert one.call("GET", "/api/v1/users", bucket="b", expect=list[dict[str, Any]]).status == 200
            now[0] += 1000
        one.close()
