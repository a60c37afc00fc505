# SPDX-License-Identifier: Apache-2.0
"""A throw-away key to sign risk signals with."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class SigningKeyPair(NamedTuple):
    """A private key as PEM text, and the key set with its public half."""

    pem: str
    jwks: dict[str, Any]


def new_signing_key() -> SigningKeyPair:
    """Return a new RSA key of 2048 bits; its ``kid`` is the RFC 7638 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    public = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
    kid = _text(hashlib.sha256(canonical).digest())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return SigningKeyPair(pem, {"keys": [{**public, "kid": kid, "use": "sig", "alg": "RS256"}]})


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
