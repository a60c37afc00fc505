# SPDX-License-Identifier: Apache-2.0
"""Proof of possession (DPoP, RFC 9449): each request shows that its sender holds the access token's key."""

from __future__ import annotations

import base64
import functools
import hashlib
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHM = "RS256"
_JWS = jwt.PyJWS()


class ProofKey:
    """
    The key pair that access tokens are bound to; made in memory, never stored, never the app's own key.

    :param private_key: the key.
    :param new_id: makes a ``jti`` that was never used before.
    """

    def __init__(
        self, private_key: rsa.RSAPrivateKey, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    ) -> None:
        self._private_key = private_key
        self._new_id = new_id
        public = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        self._header: dict[str, Any] = {
            "typ": "dpop+jwt",
            "jwk": {name: public[name] for name in ("kty", "n", "e")},
        }

    @classmethod
    def generate(cls) -> ProofKey:
        """Return a new key."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def secret(self) -> str:
        """
        The part that all proofs of this key begin with, and without which none of them can be used.

        A proof is made for each request; hiding each of thousands would cost more than the requests.
        """
        return self._signed({}).partition(".")[0]

    def proof(self, method: str, url: str, *, issued_at: int, nonce: str = "", access_token: str = "") -> str:
        """
        Return a proof for one request, as a compact JWS.

        :param method: the HTTP method.
        :param url: where the request goes; query and fragment are no part of a proof (section 4.2).
        :param issued_at: seconds since 1970 by the server's clock.
        :param nonce: what the server wants to see in it; empty = nothing.
        :param access_token: the token that goes with the request; empty = none, as at the token endpoint.
        """
        claims: dict[str, Any] = {
            "htm": method,
            "htu": urlsplit(url)._replace(query="", fragment="").geturl(),
            "iat": issued_at,
            "jti": self._new_id(),
        }
        if nonce:
            claims["nonce"] = nonce
        if access_token:
            digest = hashlib.sha256(access_token.encode("ascii")).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return self._signed(claims)

    def _signed(self, claims: dict[str, Any]) -> str:
        return _JWS.encode(msgspec.json.encode(claims), self._private_key, ALGORITHM, self._header)

    def __repr__(self) -> str:
        return "ProofKey(***)"


@functools.cache
def process_key() -> ProofKey:
    """Return the key of this process; made when it is needed first."""
    return ProofKey.generate()
