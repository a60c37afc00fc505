# SPDX-License-Identifier: Apache-2.0
"""How a service app proves who it is at the token endpoint: ``private_key_jwt`` (RFC 7523), DPoP if asked."""

from __future__ import annotations

import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlencode

import msgspec

from airflow_provider_okta_ure.clients.auth import OriginAuth
from airflow_provider_okta_ure.clients.dialects import server_time
from airflow_provider_okta_ure.clients.dpop import process_key
from airflow_provider_okta_ure.errors import ApiError, AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_okta_ure.clients.access_tokens import SignIn
    from airflow_provider_okta_ure.clients.dpop import ProofKey
    from airflow_provider_okta_ure.clients.keys import SigningKey

log = logging.getLogger(__name__)

DpopUse: TypeAlias = Literal["auto", "always", "never"]
"""``auto`` = when Okta asks for it."""

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105  # a path
LIFETIME = 300
"""Seconds that an assertion holds; Okta allows an hour."""

SMALL_OFFSET = 30.0
"""Clocks that differ by fewer seconds count as equal: ``Date`` has whole ones, and answers take time."""

_WANTS_PROOF = ("invalid_dpop_proof", "use_dpop_nonce")
_TIME_MATTERS = ("invalid_client", "invalid_dpop_proof")


def _is_plain(text: str) -> bool:
    """Whether a text has only the characters of a scope or client id (RFC 6749 appendix A)."""
    return bool(re.fullmatch(r"[!#-\[\]-~]+", text))


def refused_sign_in(error: ApiError, topic: str, remedy: str = "") -> AuthenticationError:
    """
    Return a refusal as one of the credential.

    :param topic: the entry of the catalogue that explains it.
    :param remedy: what to do; empty = what the catalogue says.
    """
    return AuthenticationError(
        error.message,
        service=error.service,
        status=error.status,
        code=error.code,
        summary=error.summary,
        request_id=error.request_id,
        remedy=remedy,
        topic=topic,
    )


class ServiceApp:
    """
    Who signs in, and for what.

    :param client_id: the client id of the Okta app.
    :param key: its private key; the public half is known to Okta.
    :param scopes: what to ask for.
    :param dpop: whether access tokens are to be bound to a key of this process.
    :raises ConfigurationError: client id or scopes cannot be right.
    """

    def __init__(
        self, client_id: str, key: SigningKey, scopes: tuple[str, ...], *, dpop: DpopUse = "auto"
    ) -> None:
        self.client_id = client_id.strip()
        self.key = key
        self.scopes = tuple(sorted(set(scopes)))
        self.dpop: DpopUse = dpop
        if not _is_plain(self.client_id):
            raise ConfigurationError(
                "The client id of the Okta app is empty or has characters that none has.",
                remedy="Copy it from the app's page in Okta; it looks like 0oa1gjh63g214q0Hq0g4.",
            )
        if not self.scopes:
            raise ConfigurationError("There is no scope to ask for.", remedy="Name at least one.")
        for scope in self.scopes:
            if not _is_plain(scope):
                raise ConfigurationError(
                    f"{scope!r} is not a scope.", remedy="Write scopes like okta.users.read, between spaces."
                )

    def __repr__(self) -> str:
        return f"ServiceApp({self.client_id!r}, {' '.join(self.scopes)!r})"


class ClientAssertionAuth(OriginAuth):
    """
    Fill in a token request: a fresh assertion each time it is sent, and a fresh DPoP proof where wanted.

    Okta refuses an assertion or a proof that it has seen, so a request that is repeated needs new ones.

    :param app: who signs in.
    :param sign_in: what is known already, and where to put what is learned.
    :param now: seconds since 1970 by our own clock.
    :param on_secret: is told each secret before it is sent.
    :param proof_key: the key for DPoP; made when it is needed.
    :param new_id: makes a ``jti`` that was never used before.
    """

    def __init__(
        self,
        app: ServiceApp,
        sign_in: SignIn,
        *,
        now: Callable[[], float],
        on_secret: Callable[[str], None],
        proof_key: Callable[[], ProofKey] = process_key,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._app = app
        self._sign_in = sign_in
        self._now = now
        self._on_secret = on_secret
        self._proof_key = proof_key
        self._new_id = new_id
        self._offset_used = 0.0
        sign_in.is_proving = sign_in.is_proving or app.dpop == "always"

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._sign_in.secrets

    def authorise(self, request: requests.PreparedRequest) -> None:
        url = request.url or ""
        self._offset_used = self._sign_in.clock_offset
        now = int(self._now() + self._offset_used)
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(self._app.scopes),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._assertion(url, now),
        }
        # ``requests`` counts the length of the body after this.
        request.body = urlencode(form).encode("ascii")
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._sign_in.is_proving:
            key = self._proof_key()
            self._keep(key.secret)
            request.headers["DPoP"] = key.proof(
                request.method or "POST", url, issued_at=now, nonce=self._sign_in.token_nonce
            )

    def learn(self, response: requests.Response) -> None:
        self._sign_in.token_nonce = response.headers.get("DPoP-Nonce", "") or self._sign_in.token_nonce
        date = server_time(response.headers)
        if date is not None:
            offset = date - self._now()
            self._sign_in.clock_offset = offset if abs(offset) > SMALL_OFFSET else 0.0

    def mend(self, error: ApiError, response: requests.Response, tried: set[str]) -> bool:
        cure = self._cure(error, response)
        if not cure or cure in tried:
            return False
        tried.add(cure)
        if cure == "proof":
            log.debug("Okta asks for DPoP")
            self._sign_in.is_proving = True
        if cure == "clock":
            log.warning(
                "This machine's clock is %.0f s %s Okta's; set it right. Okta's is used to sign in.",
                abs(self._sign_in.clock_offset),
                "behind" if self._sign_in.clock_offset > 0 else "ahead of",
            )
        return True

    def _cure(self, error: ApiError, response: requests.Response) -> str:
        """Return the name of what may help, empty if nothing does."""
        if error.code in _WANTS_PROOF and self._app.dpop == "auto" and not self._sign_in.is_proving:
            return "proof"
        if error.code == "use_dpop_nonce" and self._sign_in.is_proving and "DPoP-Nonce" in response.headers:
            return "nonce"
        moved = abs(self._sign_in.clock_offset - self._offset_used) > SMALL_OFFSET
        return "clock" if moved and error.code in _TIME_MATTERS else ""

    def explained(self, error: ApiError) -> ApiError:
        if error.retryable:
            return error
        # Whatever its status: who cannot sign in can do nothing else, for any user.
        if error.code in _WANTS_PROOF and self._app.dpop == "never":
            return refused_sign_in(
                error,
                error.topic,
                "The app requires DPoP, which the connection rules out: set `dpop` to auto.",
            )
        if error.code in ("invalid_scope", "consent_required"):
            asked = f"Asked for: {', '.join(self._app.scopes)}."
            return refused_sign_in(error, error.topic, f"{error.remedy} {asked}".lstrip())
        if error.topic in ("", "okta-api-token"):
            return refused_sign_in(error, "oauth-client-unknown")
        return refused_sign_in(error, error.topic, error.remedy)

    def _assertion(self, audience: str, now: int) -> str:
        # No iat: it is optional, and a clock that is a little ahead would make it look issued in the future.
        claims: dict[str, Any] = {
            "iss": self._app.client_id,
            "sub": self._app.client_id,
            "aud": audience,
            "exp": now + LIFETIME,
            "jti": self._new_id(),
        }
        return self._keep(self._app.key.sign(msgspec.json.encode(claims), typ="JWT"))

    def _keep(self, secret: str) -> str:
        self._sign_in.remember(secret)
        self._on_secret(secret)
        return secret
