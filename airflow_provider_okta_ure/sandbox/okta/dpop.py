"""Checks DPoP proofs (RFC 9449) step by step, and says in Okta's words what is wrong."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_okta_ure.sandbox.clock import SECONDS_PER_DAY
from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.okta.jose import (
    ALGORITHMS,
    PRIVATE_MEMBERS,
    JoseError,
    Jws,
    encode,
    read,
    thumbprint,
    verify,
)
from airflow_provider_okta_ure.sandbox.okta.oauth_errors import OAuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox.okta.callers import Callers

_OLDEST_SECONDS = 300
_NONCE_DAYS = 3


def check_proof(
    proof: str | None,
    callers: Callers,
    *,
    method: str,
    url: str,
    now: float,
    tolerance: float,
    is_good_nonce: Callable[[object], bool] | None = None,
    access_token: str | None = None,
) -> str:
    """
    Return the thumbprint of the key that made a proof; the proof is used up from now on.

    :param url: the address the proof has to be for, without a query.
    :param now: the sandbox's time.
    :param tolerance: by how many seconds ``iat`` may be ahead of it.
    :param is_good_nonce: says whether a nonce is good; None: none is needed.
    :param access_token: the token the proof has to be for; None: there is none yet.
    :raises OAuthError: saying what is wrong, or that a nonce is needed.
    """
    if proof is None:
        raise _refusal("The DPoP proof JWT header is missing.")
    if "," in proof:
        raise _refusal("Multiple DPoP proof JWT headers are not allowed.")
    try:
        jws = read(proof)
    except JoseError as error:
        raise _refusal("The DPoP proof JWT cannot be parsed.") from error
    jkt = _check_signature(jws)
    _check_target(jws.claims, method, url)
    _check_age(jws.claims, now, tolerance)
    if is_good_nonce is not None and not is_good_nonce(jws.claims.get("nonce")):
        raise OAuthError(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
    if access_token is not None and jws.claims.get("ath") != _digest(access_token):
        raise _refusal("'ath' claim in the DPoP proof does not match the presented access_token.")
    _use_up(jws.claims, jkt, callers, now)
    return jkt


def current_nonce(callers: Callers, now: float) -> str:
    """Return the nonce of the present day; it is renewed every 24 hours of sandbox time."""
    return _nonce(callers, int(now // SECONDS_PER_DAY))


def is_good_nonce(nonce: object, callers: Callers, now: float) -> bool:
    """Say whether a nonce is the present one or one of the last three days."""
    today = int(now // SECONDS_PER_DAY)
    return any(nonce == _nonce(callers, today - age) for age in range(_NONCE_DAYS + 1))


def _nonce(callers: Callers, day: int) -> str:
    return text_of(32, callers.seed, "dpop nonce", callers.nonces_renewed, day)


def _check_signature(jws: Jws) -> str:
    if jws.header.get("typ") != "dpop+jwt":
        raise _refusal("'typ' must be 'dpop+jwt' in the DPoP proof JWT.")
    if jws.header.get("alg") not in ALGORITHMS:
        raise _refusal("The DPoP proof JWT signature algorithm is invalid.")
    key = jws.header.get("jwk")
    # RFC 9449 section 4.3: the key is there, and it is not a private one.
    if not isinstance(key, dict) or key.keys() & PRIVATE_MEMBERS:
        raise _refusal("The DPoP proof JWT is invalid.")
    try:
        verify(jws, key)
    except JoseError as error:
        raise _refusal("The DPoP proof JWT signature is invalid.") from error
    return thumbprint(key)


def _check_target(claims: dict[str, Any], method: str, url: str) -> None:
    address = claims.get("htu")
    # Percent signs are what two sides may write differently and mean the same (RFC 9449 section 4.3).
    if not isinstance(address, str) or unquote(address) != unquote(url):
        raise _refusal("'htu' claim in the DPoP proof JWT is invalid.")
    if claims.get("htm") != method:
        raise _refusal("'htm' claim in the DPoP proof JWT is invalid.")


def _check_age(claims: dict[str, Any], now: float, tolerance: float) -> None:
    issued_at = claims.get("iat")
    if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):
        raise _refusal("'iat' claim in the DPoP proof JWT is invalid.")
    if issued_at < now - _OLDEST_SECONDS:
        raise _refusal("The DPoP proof JWT is issued more than five minutes in the past.")
    if issued_at > now + tolerance:
        raise _refusal("The DPoP proof JWT is issued in the future.")


def _use_up(claims: dict[str, Any], jkt: str, callers: Callers, now: float) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise _refusal("'jti' claim in the DPoP proof JWT is invalid.")
    if not callers.use_up_proof(jkt, jti, claims["iat"] + _OLDEST_SECONDS, now):
        raise _refusal("The DPoP proof JWT has already been used.")


def _digest(access_token: str) -> str:
    return encode(hashlib.sha256(access_token.encode("utf-8", "surrogateescape")).digest())


def _refusal(description: str) -> OAuthError:
    return OAuthError(400, "invalid_dpop_proof", description)
