# SPDX-License-Identifier: Apache-2.0
"""Reading what is published: only where it is safe, only what is right, never for long."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_okta_ure.clients import documents
from airflow_provider_okta_ure.clients.documents import LONGEST_DOCUMENT, DocumentReader
from airflow_provider_okta_ure.clients.retries import RetryPolicy, Timing
from airflow_provider_okta_ure.errors import ConfigurationError, JwksError
from tests.contract.odd_server import Certificate, answer, certificate_for, serving, tunnel

ONCE = RetryPolicy(attempts=1)
NAME = "keys.corp.example"
DOCUMENT = b'{"keys": []}'


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return certificate_for(tmp_path, NAME)


def reader(**changes: Any) -> DocumentReader:
    return DocumentReader(**{"allow_private": True, "retry": ONCE, **changes})


def read_from(script: Any, **changes: Any) -> dict[str, Any]:
    with serving(script) as server:
        return reader(**changes).read(f"http://127.0.0.1:{server.port}/jwks.json")


def resolver(*addresses: str) -> Any:
    return lambda _host, _port, _seconds: list(addresses)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where connections would have gone; none is made."""
    seen: list[Any] = []

    def dial(address: Any, **_: Any) -> socket.socket:
        seen.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    return seen


def refused(url: str, **changes: Any) -> JwksError:
    with pytest.raises(JwksError) as caught:
        reader(**changes).read(url)
    return caught.value


# --- what is read


def test_a_document_is_read_as_a_stranger_would() -> None:
    with serving(answer(DOCUMENT, "application/json; charset=utf-8")) as server:
        assert reader().read(f"http://127.0.0.1:{server.port}/a/jwks?x=1") == {"keys": []}
    (head,) = server.heads
    assert head.startswith(b"GET /a/jwks?x=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in head
    assert not [name for name in (b"authorization", b"cookie", b"proxy") if name in head.lower()]


def test_a_document_in_chunks_is_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'4\r\n{"ke\r\n8\r\nys": []}\r\n0\r\n\r\n'
    assert read_from(lambda connection, _: connection.sendall(chunked + body)) == {"keys": []}


REFUSALS = [
    pytest.param(answer(DOCUMENT, "text/plain"), "content_type", "'text/plain'", id="text"),
    pytest.param(answer(DOCUMENT, "application/jwk-set+json"), "content_type", "jwk-set", id="another-json"),
    pytest.param(answer(DOCUMENT, ""), "content_type", "(none)", id="no-content-type"),
    pytest.param(answer(b"<html>", "text/html"), "content_type", "text/html", id="page"),
    pytest.param(answer(b"[]"), "malformed", "not a JSON object", id="list"),
    pytest.param(answer(b"{"), "malformed", "not a JSON object", id="broken"),
    pytest.param(answer(b'{"a":"\xff"}'), "malformed", "not a JSON object", id="not-utf-8"),
    pytest.param(answer(b"", status="200 OK"), "malformed", "not a JSON object", id="empty"),
    pytest.param(answer(b"x" * 9, Content_Encoding="gzip"), "malformed", "'gzip'", id="encoded"),
    pytest.param(answer(b" " * (LONGEST_DOCUMENT + 1)), "too_large", "64 KiB", id="too-large"),
    pytest.param(
        answer(b"", status="302 Found", Location="https://o.example/k?token=x"),
        "redirected",
        "https://o.example ",
        id="redirect",
    ),
    pytest.param(
        answer(b"", status="301 Moved", Location="file:///etc"), "redirected", "no sense", id="odd-redirect"
    ),
    pytest.param(answer(b"", status="404 Not Found"), "refused", "HTTP 404", id="missing"),
    pytest.param(answer(b"", status="401 Unauthorized"), "refused", "HTTP 401", id="needs-a-password"),
]


@pytest.mark.parametrize(("script", "reason", "says"), REFUSALS)
def test_what_okta_could_not_read_is_refused_and_named(script: Any, reason: str, says: str) -> None:
    with pytest.raises(JwksError) as caught:
        read_from(script)
    error = caught.value
    assert (error.reason, error.retryable) == (reason, False)
    assert says in error.message
    assert error.remedy
    assert "token=x" not in str(error)


def test_a_document_without_end_is_not_read_to_its_end() -> None:
    sent = 0

    def pour(connection: socket.socket, _head: bytes) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while sent < 100_000_000:
            connection.sendall(b" " * 65_536)
            sent += 65_536

    with pytest.raises(JwksError) as caught:
        read_from(pour)
    assert caught.value.reason == "too_large"
    assert sent < 50_000_000


def test_a_document_of_just_the_longest_length_is_read() -> None:
    body = b'{"a":"' + b"x" * (LONGEST_DOCUMENT - 8) + b'"}'
    assert len(body) == LONGEST_DOCUMENT
    assert read_from(answer(body))["a"]


PASSING = [
    pytest.param(answer(b"", status="503 Busy"), "refused", id="busy"),
    pytest.param(answer(b"", status="429 Slow down"), "refused", id="too-many"),
    pytest.param(lambda connection, _: connection.close(), "no_answer", id="closed"),
    pytest.param(lambda connection, _: connection.sendall(b"nonsense\r\n\r\n"), "no_answer", id="not-http"),
    pytest.param(
        lambda connection, _: connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}"
        ),
        "no_answer",
        id="cut-off",
    ),
]


@pytest.mark.parametrize(("script", "reason"), PASSING)
def test_what_may_pass_is_tried_again_and_then_left_to_airflows_retries(script: Any, reason: str) -> None:
    waits: list[float] = []
    timing = Timing(sleep=waits.append, random=lambda: 1.0)
    with serving(script) as server, pytest.raises(JwksError) as caught:
        reader(timing=timing, retry=documents._PATIENCE).read(f"http://127.0.0.1:{server.port}/k")
    assert (caught.value.reason, caught.value.retryable) == (reason, True)
    assert (server.connections, waits) == (3, [1.0, 2.0])


def test_a_host_that_recovers_is_read() -> None:
    scripts = iter([answer(b"", status="503 Busy"), answer(DOCUMENT)])
    timing = Timing(sleep=lambda _seconds: None)
    with serving(lambda connection, head: next(scripts)(connection, head)) as server:
        url = f"http://127.0.0.1:{server.port}/k"
        assert reader(timing=timing, retry=documents._PATIENCE).read(url) == {"keys": []}


# --- how long it takes


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="status-line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", id="header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n", id="body"
        ),
    ],
)
def test_a_server_that_sends_byte_after_byte_is_cut_off(start: bytes) -> None:
    ticks = itertools.count()
    over = threading.Event()

    def trickle(connection: socket.socket, _head: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(start)
        for _ in range(60_000):
            if over.wait(0.001):
                return
            connection.sendall(b" ")

    with pytest.raises(JwksError, match="within 20 s") as caught:
        # This clock goes on by a second each time somebody looks at it.
        read_from(trickle, seconds=20.0, timing=Timing(monotonic=lambda: float(next(ticks))))
    over.set()
    assert (caught.value.reason, caught.value.retryable) == ("no_answer", True)
    assert next(ticks) < 40


def test_a_server_that_says_nothing_is_cut_off() -> None:
    over = threading.Event()

    def say_nothing(_connection: socket.socket, _head: bytes) -> None:
        over.wait(5)

    with serving(say_nothing) as server:
        error = refused(f"http://127.0.0.1:{server.port}/k", seconds=0.05)
        over.set()
    assert error.reason == "no_answer"


def test_the_name_service_has_to_answer_in_time() -> None:
    def slow(_host: str, _port: int, seconds: float) -> list[str]:
        assert 0 < seconds <= 10
        raise TimeoutError

    assert refused(f"https://{NAME}/k", resolve=slow).reason == "no_answer"


# --- where it is read from


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", "::ffff:192.168.0.1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_inside_is_not_followed(dialled: list[Any], address: str) -> None:
    error = refused(f"https://{NAME}/k?token=x", allow_private=False, resolve=resolver(address))
    assert (error.reason, error.retryable, dialled) == ("address_forbidden", False, [])
    assert address in error.message
    assert "allow_private_jwks_url" in error.remedy
    assert "token" not in str(error)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "fe80::1%2", "224.0.0.1", "0.0.0.0"])  # noqa: S104
def test_nothing_leads_to_metadata_and_the_like(dialled: list[Any], address: str) -> None:
    error = refused(f"https://{NAME}/k", resolve=resolver(address))
    assert (error.reason, dialled) == ("address_forbidden", [])
    assert "allow_private_jwks_url" not in error.remedy


def test_one_bad_address_among_good_ones_is_enough(dialled: list[Any]) -> None:
    error = refused(f"https://{NAME}/k", allow_private=False, resolve=resolver("93.184.215.14", "10.0.0.1"))
    assert (error.reason, dialled) == ("address_forbidden", [])


def test_a_name_that_changes_its_meaning_gains_nothing(dialled: list[Any]) -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    error = refused(f"https://{NAME}/k", allow_private=False, resolve=lambda *_: next(answers))
    assert (error.reason, dialled) == ("no_answer", [("93.184.215.14", 443)])
    assert next(answers)


def test_each_attempt_checks_anew(dialled: list[Any]) -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    error = refused(
        f"https://{NAME}/k",
        allow_private=False,
        resolve=lambda *_: next(answers),
        retry=documents._PATIENCE,
        timing=Timing(sleep=lambda _seconds: None),
    )
    assert (error.reason, dialled) == ("address_forbidden", [("93.184.215.14", 443)])


def test_the_next_address_is_tried(dialled: list[Any]) -> None:
    refused(f"https://{NAME}/k", resolve=resolver("2606:2800:21f::1", "93.184.215.14"))
    assert dialled == [("2606:2800:21f::1", 443), ("93.184.215.14", 443)]


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/k",
        "https://0x7f000001/k",
        "https://0177.0.0.1/k",
        "https://127.1/k",
        "https://127.0.0.1@corp.example/k",
        "https://user:hunter2@corp.example/k",
        "https://corp.example\\@127.0.0.1/k",
        "https://\uff11\uff12\uff17.0.0.1/k",
        "https://cor p.example/k",
        "ftp://corp.example/k",
        "file:///etc/passwd",
        "jwks.json",
        "",
    ],
)
def test_a_url_that_leaves_doubt_is_refused(dialled: list[Any], url: str) -> None:
    with pytest.raises(ConfigurationError, match="leaves doubt") as caught:
        reader().read(url)
    assert dialled == []
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (f"http://{NAME}/k", True),
        ("http://127.0.0.1:1/k", False),
        ("http://localhost:1/k", False),
        ("http://10.0.0.1/k", True),
    ],
)
def test_plain_http_is_for_this_machine_and_only_when_allowed(
    dialled: list[Any], url: str, allowed: bool
) -> None:
    error = refused(url, allow_private=allowed)
    assert (error.reason, dialled) == ("not_https", [])


def test_a_localhost_that_leads_elsewhere_is_not_followed(dialled: list[Any]) -> None:
    error = refused("http://localhost/k", resolve=resolver("10.0.0.1"))
    assert (error.reason, dialled) == ("address_forbidden", [])


def test_a_name_that_is_not_known_is_said_so() -> None:
    def unknown(*_: Any) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    error = refused(f"https://{NAME}/k", resolve=unknown)
    assert "name of the host is not known" in error.message


# --- TLS


def test_the_certificate_is_that_of_the_name_although_an_address_is_dialled(certificate: Certificate) -> None:
    with serving(answer(DOCUMENT), certificate.server) as server:
        url = f"https://{NAME}:{server.port}/k"
        found = reader(verify=certificate.bundle, resolve=resolver("127.0.0.1")).read(url)
    assert found == {"keys": []}
    assert f"Host: {NAME}:{server.port}\r\n".encode() in server.heads[0]


@pytest.mark.parametrize("name", [NAME, "other.example"], ids=["unknown-authority", "other-name"])
def test_a_certificate_that_okta_would_not_trust_is_refused(certificate: Certificate, name: str) -> None:
    verify: Any = True if name == NAME else certificate.bundle
    with serving(answer(DOCUMENT), certificate.server) as server:
        error = refused(f"https://{name}:{server.port}/k", verify=verify, resolve=resolver("127.0.0.1"))
    assert (error.reason, error.retryable) == ("not_trusted", False)
    assert server.heads == []


def test_a_connection_that_does_not_verify_does_not_here_either(certificate: Certificate) -> None:
    with serving(answer(DOCUMENT), certificate.server) as server:
        url = f"https://{NAME}:{server.port}/k"
        assert reader(verify=False, resolve=resolver("127.0.0.1")).read(url) == {"keys": []}


def test_a_bundle_that_is_missing_is_named_by_its_setting() -> None:
    careless = reader(verify="/nowhere/ca.pem", resolve=resolver("127.0.0.1"))
    with serving(answer(DOCUMENT)) as server, pytest.raises(ConfigurationError, match="ca_bundle"):
        careless.read(f"https://{NAME}:{server.port}/k")


def test_the_environments_bundle_is_used(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate.bundle)
    with serving(answer(DOCUMENT), certificate.server) as server:
        url = f"https://{NAME}:{server.port}/k"
        assert reader(resolve=resolver("127.0.0.1")).read(url) == {"keys": []}


# --- proxies


def never(*_: Any) -> list[str]:
    raise AssertionError("the proxy resolves names")


@pytest.mark.parametrize("way", ["connection", "environment"])
def test_a_proxy_resolves_the_name_and_is_told_nothing_else(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    seen: list[bytes] = []
    with serving(answer(DOCUMENT), certificate.server) as server, serving(tunnel(seen)) as proxy:
        url = f"http://ann:open%20sesame@127.0.0.1:{proxy.port}"
        chosen: dict[str, Any] = {"proxy": url} if way == "connection" else {}
        if way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
        found = reader(verify=certificate.bundle, resolve=never, allow_private=False, **chosen).read(
            f"https://{NAME}:{server.port}/k?a=b"
        )
    assert found == {"keys": []}
    assert seen[0].startswith(f"CONNECT {NAME}:{server.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic YW5uOm9wZW4gc2VzYW1l\r\n" in seen[0]
    assert b"proxy" not in server.heads[0].lower()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "x.localhost",
        "127.0.0.1",
        "10.0.0.1",
        "[::1]",
        "169.254.169.254",
        "169.254.169.254.",
        "[fe80::1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "metadata.google.internal",
        "METADATA.google.internal.",
    ],
)
def test_a_proxy_is_not_asked_for_what_is_evidently_inside(dialled: list[Any], host: str) -> None:
    error = refused(f"https://{host}/k", allow_private=False, proxy="http://proxy.example:3128")
    assert (error.reason, dialled) == ("address_forbidden", [])


def test_a_proxy_that_refuses_is_named_and_its_password_is_not() -> None:
    with serving(tunnel([], "407 Proxy Authentication Required")) as proxy:
        error = refused(f"https://{NAME}/k", proxy=f"http://ann:hunter2@127.0.0.1:{proxy.port}")
    assert (error.reason, error.retryable) == ("no_answer", True)
    assert "the proxy answered HTTP 407" in error.message
    assert "hunter2" not in str(error)


def test_a_proxy_that_is_not_there_is_named(dialled: list[Any]) -> None:
    error = refused(f"https://{NAME}/k", proxy="http://proxy.example:3128")
    assert "the proxy cannot be reached" in error.message
    assert dialled == [("proxy.example", 3128)]


@pytest.mark.parametrize(
    "proxy", ["https://ann:hunter2@proxy.example", "socks5://hunter2@p.example", "http://"]
)
def test_a_proxy_of_another_kind_is_refused(dialled: list[Any], proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="not an http proxy") as caught:
        reader(proxy=proxy).read(f"https://{NAME}/k")
    assert dialled == []
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(reader(proxy=proxy))


def test_the_sandbox_is_not_looked_for_behind_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert read_from(answer(json.dumps({"keys": []}).encode())) == {"keys": []}
