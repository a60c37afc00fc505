"""The canaries themselves: secrets that are put somewhere, and those that come into being while something runs."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from airflow_provider_okta_ure.clients.sessions import Session

if TYPE_CHECKING:
    import requests

SHORTEST = 5
"""Airflow masks nothing shorter; the last line of a PEM block can be."""

PRIVATE_PARTS = ("d", "p", "q", "dp", "dq", "qi")


class Birds:
    """Secrets by what they are; a text is clean when none of them is in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.texts: dict[str, set[str]] = {}

    def add(self, kind: str, *texts: str) -> None:
        with self._lock:
            self.texts.setdefault(kind, set()).update(text for text in texts if len(text) >= SHORTEST)

    def add_pem(self, kind: str, pem: str) -> None:
        self.add(kind, *(line for line in pem.splitlines() if not line.startswith("-----")))

    def add_jwk(self, kind: str, jwk: str) -> None:
        said = json.loads(jwk)
        self.add(kind, *(said[part] for part in PRIVATE_PARTS))

    def add_login(self, kind: str, name: str, password: str) -> None:
        """A password as a person wrote it, as an URL has it, and as it goes over the wire."""
        basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        self.add(kind, password, quote(password, safe=""), basic)

    def found_in(self, text: str) -> set[str]:
        """Return the kinds of secrets that a text shows."""
        return {kind for kind, texts in self.texts.items() if any(one in text for one in texts)}


def watch(birds: Birds) -> Callable[..., tuple[requests.Response, bytes]]:
    """Return what takes the place of ``Session.exchange`` and learns every secret that goes over the wire."""
    exchange = Session.exchange

    def watching(
        session: Session, request: requests.PreparedRequest, **settings: Any
    ) -> tuple[requests.Response, bytes]:
        learn_from(birds, request)
        response, content = exchange(session, request, **settings)
        if (request.url or "").endswith("/oauth2/v1/token") and response.ok:
            birds.add("access token", *_token(json.loads(content)["access_token"]))
        return response, content

    return watching


def learn_from(birds: Birds, request: requests.PreparedRequest) -> None:
    if "DPoP" in request.headers:
        birds.add("DPoP proof", str(request.headers["DPoP"]))
    if request.headers.get("Content-Type") == "application/secevent+jwt":
        assert isinstance(request.body, bytes)
        birds.add("SET", *_token(request.body.decode()))
    for assertion in parse_qs(body_of(request)).get("client_assertion", []):
        birds.add("client assertion", *_token(assertion))


def _token(compact: str) -> Iterator[str]:
    """Yield a token, and its signature, without which it is worth nothing."""
    yield compact
    yield compact.rpartition(".")[2]


def body_of(request: requests.PreparedRequest) -> str:
    return request.body.decode() if isinstance(request.body, bytes) else request.body or ""
