"""A few bytes that become many, answers without an end and lists without one cost an error, not the worker."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import logging
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.retries import RetryPolicy, Timing
from airflow_provider_okta_ure.clients.unpacking import MIB
from airflow_provider_okta_ure.errors import OktaUreError, TransportError, UnexpectedAnswerError
from tests.contract.odd_server import OddServer, serving

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
ONCE = RetryPolicy(attempts=1)
LIMIT = 4 * MIB


def packed(mebibytes: int, wbits: int = 31) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    parts = [
        packer.compress(b"["),
        *(packer.compress(b" " * MIB) for _ in range(mebibytes)),
        packer.compress(b"]"),
    ]
    return b"".join([*parts, packer.flush()])


def saying(
    body: bytes, encoding: str, status: str = "200 OK", *more: str
) -> Callable[[socket.socket, bytes], None]:
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        *more,
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    lines += [f"Content-Encoding: {encoding}"] if encoding else []
    head = "\r\n".join([*lines, "", ""]).encode()
    return lambda connection, _head: connection.sendall(head + body)


def okta(server: OddServer, **how: Any) -> OktaClient:
    how = {"largest_answer": LIMIT, "retry": ONCE, **how}
    return OktaClient.connect(f"http://127.0.0.1:{server.port}", SswsAuth("00token"), **how)


def refusal(script: Callable[[socket.socket, bytes], None], **how: Any) -> UnexpectedAnswerError:
    """Return what a list of users ends with, and see that it took no more memory than it may."""
    with serving(script) as server:
        client = okta(server, **how)
        tracemalloc.start()
        try:
            with pytest.raises(UnexpectedAnswerError) as caught:
                list(client.list_users())
            assert tracemalloc.get_traced_memory()[1] < 4 * LIMIT
        finally:
            tracemalloc.stop()
            client.close()
    assert "GET /api/v1/users" in str(caught.value)
    return caught.value


TWICE = gzip.compress(packed(64))


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "403 Forbidden", "503 Unavailable"])
@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        pytest.param(packed(64), "gzip", "more than 4 MiB after unpacking", id="one-layer"),
        pytest.param(TWICE, "gzip, gzip", "compressed 2 times", id="two-layers"),
        pytest.param(TWICE, "GZIP,identity , x-gzip", "compressed 2 times", id="two-layers-in-disguise"),
        pytest.param(packed(64, 15), "deflate", "not asked for", id="deflate"),
        pytest.param(packed(64, -15), "deflate", "not asked for", id="raw-deflate"),
        pytest.param(b"\x1b" * 99, "br", "not asked for", id="brotli"),
        pytest.param(b"(\xb5/\xfd" * 9, "zstd", "not asked for", id="zstd"),
        pytest.param(packed(64), "compress", "not asked for", id="compress"),
        pytest.param(b"x", ", ".join(["gzip"] * 500), "compressed 500 times", id="many-layers"),
        pytest.param(b" " * (LIMIT + 1), "", "more than 4 MiB on the wire", id="not-packed"),
        pytest.param(packed(3) + packed(3), "gzip", "after unpacking", id="two-members"),
    ],
)
def test_what_unpacks_to_more_than_is_taken_is_refused(
    body: bytes, encoding: str, said: str, status: str
) -> None:
    more = ("Location: /elsewhere",) if status.startswith("302") else ()
    error = refusal(saying(body, encoding, status, *more))
    assert said in str(error)
    assert error.topic == "answer-too-large"
    assert "max_answer_mib" in error.remedy


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="until-closed"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", id="one-chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", id="a-chunk-of-less-than-nothing"
        ),
    ],
)
def test_an_answer_without_an_end_ends(start: bytes) -> None:
    def endless(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(start)
        for _ in range(64):
            connection.sendall(b" " * MIB)

    assert "more than 4 MiB on the wire" in str(refusal(endless))


def test_headers_without_an_end_end() -> None:
    def endless(connection: socket.socket, _head: bytes) -> None:
        for _ in range(200_000):
            connection.sendall(b"HTTP/1.1 100 Continue\r\nX: " + b"y" * 1000 + b"\r\n\r\n")

    assert "more than 4 MiB on the wire" in str(refusal(endless))


def test_unpacking_counts_as_time() -> None:
    ticks = itertools.count(step=0.25)
    timing = Timing(monotonic=lambda: float(next(ticks)), sleep=lambda _seconds: None)
    with serving(saying(packed(400), "gzip")) as server:
        client = okta(server, largest_answer=1024 * MIB, answer_timeout=20.0, timing=timing)
        with pytest.raises(TransportError, match="did not answer completely in time"):
            list(client.list_users())
        client.close()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "gzip, identity", "identity, gzip", "gzip,"])
def test_one_layer_of_the_usual_kind_is_read(encoding: str) -> None:
    body = gzip.compress(b'[{"id": "00u1",') + gzip.compress(b' "status": "ACTIVE"}]') + b"\0\0"
    with serving(saying(body, encoding)) as server:
        client = okta(server)
        assert [user.user_id for user in client.list_users()] == ["00u1"]
        client.close()


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_packed_data_that_break_off_are_no_answer(cut: int) -> None:
    with serving(saying(gzip.compress(b"[]" + b" " * 50)[:-cut], "gzip")) as server:
        client = okta(server)
        with pytest.raises(TransportError, match="cut off or garbled"):
            list(client.list_users())
        client.close()


@pytest.mark.parametrize(
    "body", [b"[" * 65 + b"]" * 65, b'{"a":' * 100_000, b"[" + b"{}," * 2_100_000 + b"{}]"]
)
def test_json_of_more_levels_or_values_than_any_service_sends_is_refused(body: bytes) -> None:
    with serving(saying(body, "")) as server:
        client = okta(server, largest_answer=64 * MIB)
        with pytest.raises(UnexpectedAnswerError, match="64 levels or 2,000,000 values"):
            list(client.list_users())
        client.close()


@pytest.mark.parametrize("filling", [rb"\ud800", rb"\udfff\ud800", b"\xff\xfe", b"\\u0041 \x01"])
def test_mending_a_large_answer_is_not_tried(filling: bytes) -> None:
    body = gzip.compress(b'[{"id": "' + filling * (12 * MIB // len(filling)) + b'"}]')
    with serving(saying(body, "gzip")) as server:
        client = okta(server, largest_answer=64 * MIB)
        tracemalloc.start()
        try:
            with pytest.raises(TransportError, match="is not JSON"):
                list(client.list_users())
            assert tracemalloc.get_traced_memory()[1] < 48 * MIB
        finally:
            tracemalloc.stop()
            client.close()


@pytest.mark.parametrize(
    "header",
    [b": no name", b"no colon", b"\xff", b" folded", b"X: \x00", b"Set-Cookie: a=b; max-age=" + b"9" * 400],
)
def test_odd_headers_are_not_logged_with_the_names_of_people(header: bytes) -> None:
    said: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: said.append(f"{record.getMessage()} {record.exc_info}")  # type: ignore[method-assign]
    answer = (
        b"HTTP/1.1 200 OK\r\n" + header + b"\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[]"
    )
    logging.getLogger().addHandler(handler)
    try:
        with serving(lambda connection, _head: connection.sendall(answer)) as server:
            client = okta(server)
            with contextlib.suppress(OktaUreError):
                list(client.find_users(["ann@corp.example"]))
            client.close()
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [one for one in said if "ann" in one]


def _lists(urls: Iterator[str]) -> Callable[[socket.socket, bytes], None]:
    """Return a script whose every page names a next one."""

    def script(connection: socket.socket, _head: bytes) -> None:
        saying(b'[{"id": "00u1"}]', "", "200 OK", f'Link: <{next(urls)}>; rel="next"')(connection, b"")

    return script


@pytest.mark.parametrize(
    "urls",
    [
        pytest.param(itertools.repeat("/api/v1/users?after=a"), id="the-same"),
        pytest.param(itertools.repeat("/api/v1/users?after=%"), id="sent-in-another-spelling"),
        pytest.param((f"/api/v1/users?after=a#{n}" for n in itertools.count()), id="another-fragment"),
        pytest.param(itertools.cycle(["/api/v1/users?after=a", "/api/v1/users?after=b"]), id="two-in-turn"),
        pytest.param(itertools.repeat(""), id="itself"),
        pytest.param(itertools.repeat("?"), id="itself-without-a-query"),
    ],
)
def test_a_list_that_leads_back_into_itself_is_not_read_again(urls: Iterator[str]) -> None:
    with serving(_lists(urls)) as server:
        client = okta(server)
        with contextlib.suppress(UnexpectedAnswerError):
            list(client.list_users())
        assert len(server.heads) <= 4
        client.close()


@pytest.mark.parametrize(
    ("body", "read"),
    [
        pytest.param(
            b'{"totalResults": 4000000, "Resources": [{"userName": "ann@corp.example"}]}',
            lambda client: list(client.list_users()),
            id="users",
        ),
        pytest.param(
            b'{"totalCount": 4000000, "results": [{"user": "a@corp.example", "start": 1, "confidenceScore": 5}]}',
            lambda client: client.listed_scores(NOW, now=NOW),
            id="scores",
        ),
    ],
)
def test_a_list_that_gives_the_same_page_again_and_again_is_refused(
    body: bytes, read: Callable[[Any], Any]
) -> None:
    with serving(saying(body, "")) as server:
        url, auth = f"http://127.0.0.1:{server.port}", NetskopeTokenAuth("token")
        clock = itertools.count()
        timing = Timing(monotonic=lambda: float(next(clock)), sleep=lambda _seconds: None)
        client = NetskopeClient.connect(url, auth, retry=ONCE, timing=timing)
        with pytest.raises(UnexpectedAnswerError, match="the same page") as caught:
            read(client)
        assert caught.value.topic == "list-without-end"
        assert len(server.heads) == 2
        client.close()
