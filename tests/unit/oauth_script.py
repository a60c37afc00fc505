# SPDX-License-Identifier: Apache-2.0
"""What the tests of signing in share: an app, what the token endpoint says, and what was sent to it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from airflow_provider_okta_ure.clients.access_tokens import SignIns
from airflow_provider_okta_ure.clients.client_assertion import DpopUse, ServiceApp
from airflow_provider_okta_ure.clients.dpop import ProofKey
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth
from tests.unit.http_script import ORG, SERVER_NOW, Clock, Said, client

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from airflow_provider_okta_ure.clients.http import ApiClient

CLIENT_ID = "0oa1gjh63g214q0Hq0g4"
TOKEN_URL = f"{ORG}/oauth2/v1/token"
SCOPES = ("okta.users.read", "okta.groups.manage")
DATE = ("Date", formatdate(SERVER_NOW, usegmt=True))


@functools.cache
def rsa_key(number: int) -> RSAPrivateKey:
    """Return the same key for the same number within a test run."""
    return generate_private_key(65537, 2048)


def app(*, dpop: DpopUse = "auto", scopes: tuple[str, ...] = SCOPES, number: int = 0) -> ServiceApp:
    return ServiceApp(CLIENT_ID, SigningKey(rsa_key(number), "key-1"), scopes, dpop=dpop)


@dataclass
class World:
    """A service app's way to a pretend org, with nothing remembered."""

    app: ServiceApp = field(default_factory=app)
    clock: Clock = field(default_factory=Clock)
    sign_ins: SignIns = field(default_factory=SignIns)
    told: list[str] = field(default_factory=list)
    wall: float = SERVER_NOW

    def auth(self, app: ServiceApp | None = None, **transport: Any) -> ServiceAppAuth:
        timing = self.clock.timing
        object.__setattr__(timing, "now", lambda: self.wall)
        return ServiceAppAuth.connect(
            ORG,
            app or self.app,
            on_secret=self.told.append,
            sign_ins=self.sign_ins,
            proof_key=proof_key,
            timing=timing,
            **transport,
        )

    def client(self, app: ServiceApp | None = None, **transport: Any) -> ApiClient:
        return client(self.clock, auth=self.auth(app), **transport)


@functools.cache
def proof_key() -> ProofKey:
    return ProofKey(rsa_key(9))


def granted(
    token: str = "access-token-1",  # noqa: S107  # of a test
    *,
    kind: str = "Bearer",
    expires_in: int = 3600,
    scope: str = " ".join(SCOPES),
    nonce: str = "",
) -> Said:
    body = {"token_type": kind, "expires_in": expires_in, "access_token": token, "scope": scope}
    return Said(body=body, headers=[DATE, *([("DPoP-Nonce", nonce)] if nonce else [])])


def denied(status: int, error: str, description: str = "", *headers: tuple[str, str]) -> Said:
    return Said(status, {"error": error, "error_description": description}, [DATE, *headers])


WANTS_PROOF = denied(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")


def wants_nonce(nonce: str) -> Said:
    text = "Authorization server requires nonce in DPoP proof."
    return denied(400, "use_dpop_nonce", text, ("DPoP-Nonce", nonce))


def form_of(request: requests.PreparedRequest) -> dict[str, str]:
    body = request.body
    assert isinstance(body, bytes)
    assert request.headers["Content-Length"] == str(len(body))
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(body.decode(), strict_parsing=True))


def assertion_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the claims of the assertion in a token request; its signature is checked."""
    claims: dict[str, Any] = jwt.decode(
        form_of(request)["client_assertion"],
        rsa_key(0).public_key(),
        ["RS256"],
        options={"verify_exp": False, "verify_aud": False},
    )
    return claims


def proof_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the claims of the DPoP proof of a request, checked with the key in its own header."""
    proof = request.headers["DPoP"]
    header = jwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "RS256")
    assert set(header["jwk"]) == {"kty", "n", "e"}, "the private half stays here"
    claims: dict[str, Any] = jwt.decode(
        proof, jwt.PyJWK(header["jwk"], "RS256").key, ["RS256"], options={"verify_iat": False}
    )
    return claims


def paths(sent: list[requests.PreparedRequest]) -> list[str]:
    return [str(request.url).removeprefix(ORG).partition("?")[0] for request in sent]


def secrets_in(request: requests.PreparedRequest) -> set[str]:
    """Return everything in a request that must not be seen elsewhere."""
    headers: Mapping[str, str] = request.headers
    found = {headers[name].rpartition(" ")[2] for name in ("Authorization", "DPoP") if name in headers}
    if str(request.url) == TOKEN_URL:
        found.add(form_of(request)["client_assertion"])
    return found
