"""Checks a client assertion (``private_key_jwt``) step by step, and says in Okta's words what is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.okta.jose import ALGORITHMS, JoseError, Jws, read, verify
from airflow_provider_okta_ure.sandbox.okta.oauth_errors import OAuthError, invalid_client

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.callers import Callers, ServiceApp

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_SECONDS = 3600


def authenticate(
    form: dict[str, str], callers: Callers, *, endpoint: str, now: float, tolerance: float, used_secret: bool
) -> tuple[ServiceApp, str | None]:
    """
    Return the app that sent a token request, and the ``jti`` of its assertion, which is used up from now on.

    :param form: the fields of the request.
    :param endpoint: the address of the token endpoint, which must be the audience.
    :param now: the sandbox's time.
    :param tolerance: by how many seconds ``iat`` may be ahead of it.
    :param used_secret: whether the request tried to sign in with a client secret.
    :raises OAuthError: saying what is wrong.
    """
    assertion = _presented(form, used_secret=used_secret)
    try:
        jws = read(assertion)
    except JoseError as error:
        raise invalid_client("The parsing of the client_assertion failed.") from error
    if jws.header.get("alg") not in ALGORITHMS:
        raise invalid_client("The client_assertion JWT signature algorithm is invalid.")
    app = _sender(jws.claims, form, callers)
    _check_audience(jws.claims, endpoint)
    _check_times(jws.claims, now, tolerance)
    try:
        verify(jws, _key(jws, app))
    except JoseError as error:
        raise invalid_client("The client_assertion signature is invalid.") from error
    return app, _use_up(jws.claims, app, callers)


def _presented(form: dict[str, str], *, used_secret: bool) -> str:
    if used_secret:
        raise invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt "
            "token_endpoint_auth_method."
        )
    kind = form.get("client_assertion_type")
    if not form.get("client_assertion") and kind in (None, _JWT_BEARER):
        raise invalid_client("No client credentials found.")
    if kind != _JWT_BEARER:
        raise OAuthError(400, "invalid_request", "The client_assertion_type is invalid.")
    return form["client_assertion"]


def _sender(claims: dict[str, Any], form: dict[str, str], callers: Callers) -> ServiceApp:
    issuer = claims.get("iss")
    app = callers.apps.get(issuer) if isinstance(issuer, str) else None
    if app is None or app.status != "ACTIVE":
        raise invalid_client("The issuer claim for client_assertion is not a valid client_id.")
    if claims.get("sub") != issuer:
        raise invalid_client("The subject claim for client_assertion is not a valid client_id.")
    if form.get("client_id", issuer) != issuer:
        raise invalid_client("Invalid value for 'client_id' parameter.")
    return app


def _check_audience(claims: dict[str, Any], endpoint: str) -> None:
    audience = claims.get("aud")
    if audience != endpoint and audience != [endpoint]:
        raise invalid_client(
            "The audience claim for client_assertion must be the endpoint invoked for the request."
        )


def _check_times(claims: dict[str, Any], now: float, tolerance: float) -> None:
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        raise invalid_client("The client_assertion must contain the 'exp' claim as seconds since epoch.")
    if expires_at <= now:
        raise invalid_client("The client_assertion token is expired.")
    # Rounded up, so that a client that counts in whole seconds can use the whole hour.
    if expires_at > math.ceil(now) + _LONGEST_SECONDS:
        raise invalid_client("The client_assertion token has an expiration too far into the future.")
    issued_at = claims.get("iat")
    if isinstance(issued_at, int | float) and issued_at > now + tolerance:
        raise invalid_client("The client_assertion token must be issued before the current time.")


def _key(jws: Jws, app: ServiceApp) -> dict[str, Any]:
    """Return the key a header names; without a ``kid`` an app's only key is meant."""
    keys, kid = app.keys(), jws.header.get("kid")
    fitting = [key for key in keys if key.get("kid") == kid] if "kid" in jws.header else list(keys)
    if len(fitting) != 1:
        raise invalid_client("The client_assertion JWT kid is invalid.")
    if fitting[0].get("use") not in (None, "sig"):
        raise invalid_client("The client_assertion JWT needs to be signed using a signing key.")
    return fitting[0]


def _use_up(claims: dict[str, Any], app: ServiceApp, callers: Callers) -> str | None:
    """Remember the jti: a request that fails later, say for want of a DPoP nonce, has used it up too."""
    jti = claims.get("jti")
    if not isinstance(jti, str):
        return None
    if (app.client_id, jti) in callers.used_assertions:
        raise invalid_client("The client_assertion token has already been used.")
    callers.used_assertions.add((app.client_id, jti))
    return jti
