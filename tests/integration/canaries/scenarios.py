"""What can happen to a task, each time with as much noise as possible: answers and errors that repeat secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.http import ApiClient
from tests.integration.canaries.birds import body_of, learn_from
from tests.integration.canaries.world import PROXY_PASSWORD, World

Scenario = Callable[[World, pytest.MonkeyPatch], None]

EVER = 100_000
BEFORE = ("/oauth2", "/.well-known")
"""What is asked before the first call that carries credentials: the token, and the public id of the org."""


def success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes wrong."""


def refusing(status: int, *prefixes: str) -> Scenario:
    """The services refuse, and repeat in their answers what they must not repeat."""

    def scenario(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        for service in ("okta", "netskope"):
            said = f"not with {world.shown_to(service)}"
            body = {"errorCode": "E0000011", "errorSummary": said, "errorId": said, "message": said}
            body |= {"error": "invalid_client", "error_description": said}
            answer = json.dumps({**body, "errorCauses": [{"errorSummary": said}]})
            for prefix in prefixes:
                world.sandbox.fail_next(
                    service=service, status=status, times=EVER, path_prefix=prefix, body=answer
                )

    return scenario


def timeout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer comes, and the library's own error repeats the whole request."""

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        learn_from(world.birds, request)
        raise requests.exceptions.ReadTimeout(noise(world, request), request=request)

    monkeypatch.setattr(HTTPAdapter, "send", send)


def quiet_crash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of our own code in the middle of an answer."""

    def judge(self: ApiClient, call: Any, response: requests.Response, content: bytes) -> Any:
        if call.path.startswith(BEFORE):
            return original(self, call, response, content)
        raise KeyError(f"a bug at {call!r}")

    original = ApiClient._judge
    monkeypatch.setattr(ApiClient, "_judge", judge)


def noisy_crash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error whose text shows the request with its credentials, and the connections."""

    def judge(self: ApiClient, call: Any, response: requests.Response, content: bytes) -> Any:
        if call.path.startswith(BEFORE):
            requests_so_far.append(response.request)
            return original(self, call, response, content)
        text = "; ".join(noise(world, one) for one in (*requests_so_far, response.request))
        raise RuntimeError(f"a bug: {text}") from ValueError(text)

    original = ApiClient._judge
    requests_so_far: list[requests.PreparedRequest] = []
    monkeypatch.setattr(ApiClient, "_judge", judge)


def noise(world: World, request: requests.PreparedRequest) -> str:
    """Return what a careless library could put into its error; of a risk signal not the body."""
    is_signal = request.headers.get("Content-Type") == "application/secevent+jwt"
    shown = {name: str(value).split() for name, value in request.headers.items()}
    proxied = [PROXY_PASSWORD, *shown.pop("Proxy-Authorization", [])]
    body = "" if is_signal else body_of(request)
    # Airflow hides what was asked of it, so only of the connection that is in use.
    is_netskope = (request.url or "").startswith(world.sandbox.netskope_url)
    stored = world.stored["netskope_default" if is_netskope else "okta_default"]
    spelled_anew = [json.loads(text) for text in stored["extra"].values() if str(text).startswith("{")]
    return f"{shown} {body} {proxied} {stored} {spelled_anew}"


SCENARIOS: dict[str, Scenario] = {
    "success": success,
    "401": refusing(401, "/api", "/security"),
    "403": refusing(403, "/api", "/security"),
    "500": refusing(500, "/api", "/security"),
    "sign-in-401": refusing(401, "/oauth2"),
    "timeout": timeout,
    "quiet-crash": quiet_crash,
    "noisy-crash": noisy_crash,
}
