# SPDX-License-Identifier: Apache-2.0
"""Signing in to Okta as a service app: OAuth 2.0 client credentials on the org authorization server."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from airflow_provider_okta_ure.clients.access_tokens import PROCESS, AccessToken, Scheme, SignIn, SignIns
from airflow_provider_okta_ure.clients.auth import OriginAuth
from airflow_provider_okta_ure.clients.client_assertion import (
    TOKEN_PATH,
    ClientAssertionAuth,
    ServiceApp,
    refused_sign_in,
)
from airflow_provider_okta_ure.clients.dpop import process_key
from airflow_provider_okta_ure.clients.http import ApiClient, Transport
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.errors import ApiError, AuthenticationError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.dpop import ProofKey

log = logging.getLogger(__name__)

REFRESH_AHEAD = 300.0
"""Seconds before its end that a token is replaced; but never more than a quarter of its life."""

LONGEST_LIFE = 24 * 3600
"""Seconds that an access token is used at most, whatever its end; Okta's last an hour."""

_TOKEN = re.compile(r"[!-~]+")
_SCHEMES: dict[str, Scheme] = {"bearer": "Bearer", "dpop": "DPoP"}

SelfT = TypeVar("SelfT", bound="ServiceAppAuth")


class WireToken(msgspec.Struct, frozen=True):
    """A token as the token endpoint gives it (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str = ""

    def __repr__(self) -> str:
        return "WireToken(***)"


class ServiceAppAuth(OriginAuth):
    """
    Requests authorised by an access token, which is requested, kept, renewed and proven as needed.

    Access tokens are shared in the process; of many threads that need a new one, one requests it. A token
    that Okta refuses is replaced once per call.

    :param api: the way to the token endpoint.
    :param app: who signs in.
    :param sign_in: what the process knows of this sign-in.
    :param on_secret: is told each secret before it is sent.
    :param proof_key: the key for DPoP; made when it is needed.
    """

    def __init__(
        self,
        api: ApiClient,
        app: ServiceApp,
        sign_in: SignIn,
        *,
        on_secret: Callable[[str], None],
        proof_key: Callable[[], ProofKey],
    ) -> None:
        self._api = api
        self._app = app
        self._sign_in = sign_in
        self._on_secret = on_secret
        self._proof_key = proof_key
        self._told = ""

    @classmethod
    def connect(
        cls: type[SelfT],
        base_url: str,
        app: ServiceApp,
        *,
        on_secret: Callable[[str], None] = lambda secret: None,
        sign_ins: SignIns = PROCESS,
        proof_key: Callable[[], ProofKey] = process_key,
        **transport: Unpack[Transport],
    ) -> SelfT:
        """
        Return the authorisation of an app; nothing is sent yet.

        :param base_url: the org's URL, from :func:`hosts.okta_base_url`.
        :param on_secret: is told each secret (assertion, access token, the head of proofs) before it is sent.
        :param sign_ins: where access tokens are kept.
        :param transport: how to reach the org; see :class:`http.ApiClient`.
        """
        key = app.key.public_jwk()
        same = (base_url, app.client_id, key["kid"], key["n"], app.scopes, app.dpop)
        sign_in = sign_ins.get(same)
        timing = transport.get("timing") or Timing()
        transport["timing"] = timing
        auth = ClientAssertionAuth(app, sign_in, now=timing.now, on_secret=on_secret, proof_key=proof_key)
        api = ApiClient(base_url, auth, OktaDialect(), **transport)
        return cls(api, app, sign_in, on_secret=on_secret, proof_key=proof_key)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._sign_in.secrets

    @property
    def counted_as(self) -> str:
        return self._app.client_id

    def granted_scopes(self) -> tuple[str, ...]:
        """
        Return the scopes that Okta granted of those that were asked for; requests a token if there is none.

        :raises OktaUreError: there is no token to be had.
        """
        return self._token().scopes

    def authorise(self, request: requests.PreparedRequest) -> None:
        token = self._token()
        request.headers["Authorization"] = f"{token.scheme} {token.text}"
        if token.scheme == "DPoP":
            request.headers["DPoP"] = self._proof_key().proof(
                request.method or "",
                request.url or "",
                issued_at=int(self._api.timing.now() + self._sign_in.clock_offset),
                nonce=self._sign_in.resource_nonce,
                access_token=token.text,
            )

    def learn(self, response: requests.Response) -> None:
        nonce = response.headers.get("DPoP-Nonce", "")
        self._sign_in.resource_nonce = nonce or self._sign_in.resource_nonce

    def mend(self, error: ApiError, response: requests.Response, tried: set[str]) -> bool:
        if _asks_for_nonce(error, response):
            cure = "nonce"
        elif isinstance(error, AuthenticationError):
            cure = "token"
        else:
            return False
        if cure in tried:
            return False
        tried.add(cure)
        if cure == "token":
            self._sign_in.forget(_token_in(response.request))
        return True

    def explained(self, error: ApiError) -> ApiError:
        if not isinstance(error, AuthenticationError):
            return error
        # Okta's code is the one for API tokens, too.
        refused = refused_sign_in(error, "okta-access-token")
        refused.remedy = f"It was a fresh access token. {refused.remedy}"
        return refused

    def close(self) -> None:
        self._api.close()

    def _token(self) -> AccessToken:
        token = self._sign_in.token(self._api.timing.monotonic(), self._request_token)
        if token.text != self._told:
            # Also when another client of this process requested it.
            self._on_secret(token.text)
            if token.scheme == "DPoP":
                self._on_secret(self._proof_key().secret)
            self._told = token.text
        return token

    def _request_token(self) -> AccessToken:
        started = self._api.timing.monotonic()
        # Safe to repeat: each try has an assertion of its own, and a second token takes nothing away.
        reply = self._api.call("POST", TOKEN_PATH, bucket=TOKEN_PATH, expect=WireToken, repeatable=True)
        said = reply.body
        # A number of JSON can be larger than any float.
        lasts = min(said.expires_in, LONGEST_LIFE)
        token = AccessToken(
            text=said.access_token,
            scheme=self._scheme_of(said),
            scopes=tuple(said.scope.split()) or self._app.scopes,
            fresh_until=started + lasts - min(REFRESH_AHEAD, lasts / 4),
        )
        self._sign_in.remember(token.text)
        missing = set(self._app.scopes) - set(token.scopes)
        if missing:
            log.warning(
                "Okta did not grant %s to the app %s", ", ".join(sorted(missing)), self._app.client_id
            )
        log.debug("Signed in to %s, %s token, %d s", self._api.base_url, token.scheme, lasts)
        return token

    def _scheme_of(self, said: WireToken) -> Scheme:
        scheme = _SCHEMES.get(said.token_type.lower())
        if scheme is None or not _TOKEN.fullmatch(said.access_token) or said.expires_in <= 0:
            raise UnexpectedAnswerError("Okta's answer to a token request is not a token that can be used.")
        if scheme == "DPoP" and not self._sign_in.is_proving:
            raise UnexpectedAnswerError("Okta bound an access token to a key that it was not shown.")
        if scheme == "Bearer" and self._app.dpop == "always":
            raise UnexpectedAnswerError(
                "Okta gave an access token that is not bound to our key, though the connection demands DPoP.",
                remedy="Switch on DPoP in the app's settings in Okta, or set `dpop` to auto.",
            )
        return scheme


def _asks_for_nonce(error: ApiError, response: requests.Response) -> bool:
    challenge = response.headers.get("WWW-Authenticate", "")
    asks = error.code == "use_dpop_nonce" or "use_dpop_nonce" in challenge
    return asks and "DPoP-Nonce" in response.headers and "DPoP" in response.request.headers


def _token_in(request: requests.PreparedRequest) -> str:
    return str(request.headers.get("Authorization", "")).rpartition(" ")[2]
