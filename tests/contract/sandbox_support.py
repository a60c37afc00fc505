"""What the sandbox's own tests share: plain HTTP clients, and tokens that can be made wrong in every way."""

from __future__ import annotations

import base64
import functools
import json
from datetime import datetime, timezone
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from airflow_provider_okta_ure.sandbox import Sandbox

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
ISSUER = "https://issuer.example"
USER_RISK = "https://schemas.okta.com/secevent/okta/event-type/user-risk-change"
PUSH = "/security/api/v1/security-events"
PROVIDERS = "/api/v1/security-events-providers"


def make_sandbox(users: int = 60, **arguments: Any) -> Sandbox:
    """Return a sandbox, not yet started, whose clock stands still."""
    return Sandbox(
        users=users, now=arguments.pop("now", NOW), frozen=arguments.pop("frozen", True), **arguments
    )


class Api(requests.Session):
    """A plain client of one service; paths instead of addresses, and no redirects, retries or proxies."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        super().__init__()
        self.trust_env = False
        self.base_url = base_url
        self.headers.update(headers)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 10)
        kwargs.setdefault("allow_redirects", False)
        address = url if url.startswith("http") else self.base_url + url
        return super().request(method, address, *args, **kwargs)


def okta_api(sandbox: Sandbox) -> Api:
    return Api(sandbox.okta_url, {"Authorization": f"SSWS {sandbox.okta_token}"})


def netskope_api(sandbox: Sandbox) -> Api:
    return Api(sandbox.netskope_url, {"Netskope-Api-Token": sandbox.netskope_token})


def all_pages(api: Api, path: str, **parameters: Any) -> list[Any]:
    """Return the items of all pages of an Okta list."""
    items: list[Any] = []
    answer = api.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        items += answer.json()
        if "next" not in answer.links:
            return items
        answer = api.get(answer.links["next"]["url"])


@functools.cache
def private_key(number: int = 0, bits: int = 2048) -> RSAPrivateKey:
    """Return the same key for the same number within a test run."""
    return generate_private_key(65537, bits)


def jwk(kid: str, number: int = 0, bits: int = 2048, **changes: Any) -> dict[str, Any]:
    """Return the public part of a key."""
    numbers = private_key(number, bits).public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
        "e": b64(numbers.e.to_bytes(3, "big")),
        **changes,
    }


def group_id(sandbox: Sandbox, name: str) -> str:
    """Return the id of the group with this name."""
    group = sandbox.okta.find_group(name)
    assert group is not None
    return group.id


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: dict[str, Any], claims: Any, number: int = 0, bits: int = 2048) -> str:
    """Return a compact JWS with an RS256 signature, whatever the header says."""
    parts = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    signature = private_key(number, bits).sign(parts.encode(), PKCS1v15(), SHA256())
    return f"{parts}.{b64(signature)}"


class Transmitter:
    """Registers as a security events provider and sends tokens, right ones unless told otherwise."""

    def __init__(self, sandbox: Sandbox, verify: str | bool = True) -> None:
        self.sandbox = sandbox
        self.okta = okta_api(sandbox)
        self.okta.verify = verify
        self.jwks_url = sandbox.publish_jwks({"keys": [jwk("key-1")]})
        settings = {"issuer": ISSUER, "jwks_url": self.jwks_url}
        body = {"name": "Netskope", "type": "Netskope", "settings": settings}
        self.provider = self.okta.post(PROVIDERS, json=body).json()
        self.email = sandbox.okta.users[0].login
        self._sent = 0

    def header(self, **changes: Any) -> dict[str, Any]:
        return _changed({"typ": "secevent+jwt", "alg": "RS256", "kid": "key-1"}, changes)

    def event(self, **changes: Any) -> dict[str, Any]:
        event = {
            "subject": {"user": {"format": "email", "email": self.email}},
            "event_timestamp": int(NOW.timestamp()),
            "current_level": "high",
            "previous_level": "low",
            "initiating_entity": "policy",
            "reason_admin": {"en": "Score fell below 500"},
        }
        return _changed(event, changes)

    def claims(self, event: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        self._sent += 1
        claims = {
            "iss": ISSUER,
            "aud": self.sandbox.okta_url,
            "iat": int(NOW.timestamp()),
            "jti": f"token-{self._sent}",
            "events": {USER_RISK: self.event() if event is None else event},
        }
        return _changed(claims, changes)

    def token(
        self, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, number: int = 0
    ) -> str:
        return signed(
            self.header() if header is None else header, self.claims() if claims is None else claims, number
        )

    def push(self, token: str | bytes, content_type: str = "application/secevent+jwt") -> requests.Response:
        api = Api(self.sandbox.okta_url, {})
        api.verify = self.okta.verify
        data = token.encode() if isinstance(token, str) else token
        return api.post(PUSH, data=data, headers={"Content-Type": content_type})

    def left_no_trace(self) -> bool:
        """Whether no event was accepted, no risk set and nothing logged about received events."""
        okta = self.sandbox.okta
        types = {event["eventType"] for event in okta.system_log}
        return not okta.accepted_events and not okta.risks and types <= {"security.events.provider.create"}


DROP = object()


def _changed(original: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**original, **changes}
    return {name: value for name, value in merged.items() if value is not DROP}
