"""No proxy sees a token in clear text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, OriginAuth, SswsAuth
from airflow_provider_okta_ure.clients.http import ApiClient
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError
from tests.contract.odd_server import answer, certificate_for, serving, tunnel

TOKEN = "00canarycanarycanarycanary"  # made up
ONCE = RetryPolicy(attempts=1)


def ask(url: str, auth: OriginAuth, proxy: str | None, verify: bool | str = True) -> None:
    client = ApiClient(url, auth, OktaDialect(), proxy=proxy, verify=verify, retry=ONCE)
    with contextlib.closing(client):
        client.call("GET", "/api/v1/org", bucket="b")


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy.corp.example:3128",
        "proxy.corp.example:3128",
        "https://proxy.corp.example",
        "socks5h://proxy.corp.example:1080",
        "http://user:word@10.0.0.1:3128",
        "http://127.0.0.1.evil.example:1",
        "http://127.0.0.1@10.0.0.1:1",
        "http://[2001:db8::1]:3128",
        "http://[::1",
        "//proxy.corp.example",
    ],
)
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_plain_http_does_not_go_through_a_proxy_of_another_machine(url: str, proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="would see the token") as caught:
        ask(url, SswsAuth(TOKEN), proxy)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http://", "HTTP://", ""])
@pytest.mark.parametrize("make", [SswsAuth, NetskopeTokenAuth])
def test_a_proxy_sees_of_https_only_where_it_leads(
    tmp_path: Path, scheme: str, make: Callable[[str], OriginAuth]
) -> None:
    certificate = certificate_for(tmp_path, "localhost")
    seen: list[bytes] = []
    with serving(answer(b"{}"), certificate.server) as server, serving(tunnel(seen)) as proxy:
        url = f"https://localhost:{server.port}"
        ask(url, make(TOKEN), f"{scheme}127.0.0.1:{proxy.port}", certificate.bundle)
        assert TOKEN.encode() in server.heads[0]
    assert [head.split()[0] for head in seen] == [b"CONNECT"]
    assert TOKEN.encode() not in b"".join(seen)


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "407 Proxy Authentication Required", "503 Busy"])
def test_a_proxy_that_does_not_connect_us_gets_no_token_either(status: str) -> None:
    script = answer(b"{}", status=status.replace("200 OK", "403 Forbidden"), Location="http://127.0.0.1/")
    with serving(script) as proxy:
        with pytest.raises(OktaUreError):
            ask("https://acme.okta.com", SswsAuth(TOKEN), f"http://127.0.0.1:{proxy.port}")
        assert proxy.heads
        assert all(head.startswith(b"CONNECT acme.okta.com:443 ") for head in proxy.heads)
        assert TOKEN.encode() not in b"".join(proxy.heads)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"])
def test_the_proxies_of_the_environment_are_not_asked_for_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with serving(answer(b"{}")) as proxy, serving(answer(b"{}")) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        ask(f"http://127.0.0.1:{server.port}", SswsAuth(TOKEN), None)
        assert (len(proxy.heads), len(server.heads)) == (0, 1)
