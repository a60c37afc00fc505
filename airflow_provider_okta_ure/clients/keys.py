# SPDX-License-Identifier: Apache-2.0
"""The key that signs risk signals: read once from PEM or JWK, checked, and never shown."""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
from typing import Any

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from airflow_provider_okta_ure.errors import ConfigurationError

ALGORITHM = "RS256"
SMALLEST_KEY = 2048

_HOW = "Give an RSA private key of 2048 bits or more, as PEM (BEGIN PRIVATE KEY) or as a private JWK."
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_JWS = jwt.PyJWS()


class SigningKey:
    """
    An RSA private key, loaded once; :meth:`load` makes one.

    :param private_key: the key itself.
    :param key_id: the ``kid`` under which its public half is published.
    """

    def __init__(self, private_key: RSAPrivateKey, key_id: str | None = None) -> None:
        if private_key.key_size < SMALLEST_KEY:
            raise ConfigurationError(
                f"The signing key has {private_key.key_size} bits, which is too weak (RFC 7518 section 3.3).",
                remedy=f"Make a new one of {SMALLEST_KEY} bits or more.",
            )
        self._private_key = private_key
        numbers = private_key.public_key().public_numbers()
        self._public = {"e": _base64url_of(numbers.e), "kty": "RSA", "n": _base64url_of(numbers.n)}
        self.key_id = key_id or self._thumbprint()

    @classmethod
    def load(cls, text: str, *, key_id: str | None = None, password: str | None = None) -> SigningKey:
        """
        Return the key in a text.

        :param text: PEM (PKCS#1 or PKCS#8; line ends may be spelled out or lost), or a JWK.
        :param key_id: the ``kid``; None = the one in the JWK, else the RFC 7638 thumbprint.
        :param password: opens an encrypted PEM.
        :raises ConfigurationError: it is not a key that can sign for Okta; the text is never quoted.
        """
        text = text.strip(" \t\r\n\"'\ufeff") if isinstance(text, str) else ""
        if not text:
            raise ConfigurationError("The signing key is empty.", remedy=_HOW)
        if text.startswith("{"):
            private_key, jwk_id = _from_jwk(text)
            return cls(private_key, key_id or jwk_id)
        return cls(_from_pem(text, password), key_id)

    def public_jwk(self) -> dict[str, str]:
        """Return the public half, to be published at the JWKS URL."""
        return {**self._public, "kid": self.key_id, "use": "sig", "alg": ALGORITHM}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the key set to publish."""
        return {"keys": [self.public_jwk()]}

    def sign(self, payload: bytes, *, typ: str) -> str:
        """
        Return a compact JWS (RFC 7515) of the payload, signed with RS256.

        :param typ: the ``typ`` of its header.
        """
        return _JWS.encode(payload, self._private_key, ALGORITHM, {"typ": typ, "kid": self.key_id})

    def __repr__(self) -> str:
        return f"SigningKey(key_id={self.key_id!r})"

    def _thumbprint(self) -> str:
        # RFC 7638: the required members only, in the order of their names, without white space.
        digest = hashlib.sha256(msgspec.json.encode(self._public)).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base64url_of(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _from_pem(text: str, password: str | None) -> RSAPrivateKey:
    blocks = _PEM.findall(text.replace("\\r", "").replace("\\n", "\n").replace("\r", ""))
    if not blocks:
        raise ConfigurationError("The signing key is neither PEM nor JWK.", remedy=_HOW)
    # A file can hold the certificate next to the key.
    label, inside = next((block for block in blocks if "PRIVATE KEY" in block[0]), blocks[0])
    _check_label(label)
    encrypted = "ENCRYPTED" in label or "ENCRYPTED" in inside
    if encrypted and not password:
        raise ConfigurationError(
            "The signing key is encrypted, and no password was given.",
            remedy="Decrypt it first: openssl pkey -in key.pem -out plain.pem",
        )
    pem = _with_lines(label, inside).encode()
    secret = password.encode() if password and encrypted else None
    try:
        key = load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: it can quote what it could not read.
        raise _unreadable(encrypted=encrypted) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("The signing key is not an RSA key, which RS256 needs.", remedy=_HOW)
    return key


def _unreadable(*, encrypted: bool) -> ConfigurationError:
    if encrypted:
        return ConfigurationError(
            "The signing key does not open with the password.", remedy="Check the password."
        )
    return ConfigurationError("The signing key is damaged: what is inside the PEM is not a key.", remedy=_HOW)


def _check_label(label: str) -> None:
    if "PUBLIC KEY" in label or "CERTIFICATE" in label:
        raise ConfigurationError(f"This is a {label.lower()}, which cannot sign.", remedy=_HOW)
    if "PRIVATE KEY" not in label or "OPENSSH" in label:
        raise ConfigurationError(f"PEM of the kind {label} is not read here.", remedy=_HOW)


def _with_lines(label: str, inside: str) -> str:
    """Return the PEM with its line ends, which a one-line form field turns into spaces."""
    packed = "".join(inside.split())
    lines = "\n".join(textwrap.wrap(packed, 64)) if _BASE64.fullmatch(packed) else inside.strip("\n")
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _from_jwk(text: str) -> tuple[RSAPrivateKey, str | None]:
    jwk = _one_jwk(text)
    if jwk.get("kty") != "RSA":
        raise ConfigurationError("The signing key (JWK) is not an RSA key, which RS256 needs.", remedy=_HOW)
    if "d" not in jwk:
        raise ConfigurationError("This JWK is a public key, which cannot sign.", remedy=_HOW)
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise ConfigurationError(
            "This JWK is meant for something else than signing with RS256.",
            remedy="Make a key for use=sig, alg=RS256.",
        )
    try:
        key = RSAAlgorithm.from_jwk(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
        raise ConfigurationError("The signing key (JWK) is damaged.", remedy=_HOW) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("This JWK is a public key, which cannot sign.", remedy=_HOW)
    key_id = jwk.get("kid")
    return key, key_id if isinstance(key_id, str) else None


def _one_jwk(text: str) -> dict[str, Any]:
    try:
        jwk: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise ConfigurationError("The signing key looks like a JWK but is not JSON.", remedy=_HOW) from None
    keys = jwk.get("keys")
    if isinstance(keys, list):
        if len(keys) != 1 or not isinstance(keys[0], dict):
            raise ConfigurationError(
                "The key set has not exactly one key.", remedy="Give the one that is to sign."
            )
        return dict(keys[0])
    return dict(jwk)
