# SPDX-License-Identifier: Apache-2.0
"""A pretend network for the HTTP layer's tests: it plays the answers of a script, on a clock that only waits move."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import requests
from urllib3 import HTTPHeaderDict, HTTPResponse

from airflow_provider_okta_ure.clients.auth import OriginAuth, SswsAuth
from airflow_provider_okta_ure.clients.http import ApiClient
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import RetryPolicy, Timing

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from airflow_provider_okta_ure.clients.dialects import Dialect

ORG = "https://acme.okta.com"
TOKEN = "00secretsecretsecretsecret"
SERVER_NOW = 1_700_000_000
"""The time on the service's clock; the client's own is years away from it."""


class Clock:
    """Time that passes only while somebody waits; refuses to wait a negative time, as ``time.sleep`` does."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.waits.append(seconds)
        self.passed += seconds

    @property
    def timing(self) -> Timing:
        return Timing(sleep=self.sleep, monotonic=lambda: self.passed, now=lambda: 5.0, random=lambda: 1.0)


@dataclass
class Said:
    """One scripted answer; ``headers`` may name the same header several times."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Iterable[tuple[str, str]] = ()


Step = Said | Exception | Callable[[requests.PreparedRequest], Said]


class Script:
    """Plays one step per request, and keeps what was sent."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[requests.PreparedRequest] = []
        self.settings: list[dict[str, Any]] = []

    def send(
        self, adapter: HTTPAdapter, request: requests.PreparedRequest, **settings: Any
    ) -> requests.Response:
        self.sent.append(request)
        self.settings.append(settings)
        if not self.steps:
            raise AssertionError(f"{request.method} {request.url} was not expected")
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        said = step if isinstance(step, Said) else step(request)
        return _response(adapter, request, said)


def _response(adapter: HTTPAdapter, request: requests.PreparedRequest, said: Said) -> requests.Response:
    headers = HTTPHeaderDict()
    for name, value in said.headers:
        headers.add(name, value)
    content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
    answer = HTTPResponse(
        io.BytesIO(content),
        headers=headers,
        status=said.status,
        preload_content=False,
        request_method=request.method,
    )
    return adapter.build_response(request, answer)


def client(
    clock: Clock | None = None,
    *,
    base_url: str = ORG,
    auth: OriginAuth | None = None,
    dialect: Dialect | None = None,
    share: float = 1.0,
    retry: RetryPolicy | None = None,
    **transport: Any,
) -> ApiClient:
    """Return a client on the pretend network."""
    return ApiClient(
        base_url,
        auth or SswsAuth(TOKEN),
        dialect or OktaDialect(),
        rate_limit_share=share,
        retry=retry,
        timing=(clock or Clock()).timing,
        **transport,
    )


def limits(limit: int, remaining: int, reset_in: int, *, date: bool = True) -> list[tuple[str, str]]:
    """Return Okta's rate limit headers, by the service's own clock."""
    headers = [
        ("X-Rate-Limit-Limit", str(limit)),
        ("X-Rate-Limit-Remaining", str(remaining)),
        ("X-Rate-Limit-Reset", str(SERVER_NOW + reset_in)),
    ]
    return [*headers, ("Date", formatdate(SERVER_NOW, usegmt=True))] if date else headers


def refused(
    code: str = "E0000047", summary: str = "API call exceeded rate limit due to too many requests."
) -> Any:
    """Return the body of an Okta refusal."""
    return {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oae1",
        "errorCauses": [],
    }
