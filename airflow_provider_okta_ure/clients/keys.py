# SPDX-License-Identifier: Apache-2.0
"""The key that signs risk signals: read once from PEM or JWK, checked, and never shown."""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from airflow_provider_okta_ure.clients.pem import PemBlock, pem_blocks
from airflow_provider_okta_ure.clients.public_keys import LARGEST_KEY, SMALLEST_KEY, base64url_of, thumbprint
from airflow_provider_okta_ure.errors import ConfigurationError

ALGORITHM = "RS256"
_HOW = "Give an RSA private key of 2048 bits or more, as PEM (BEGIN PRIVATE KEY) or as a private JWK."
_TOPIC = "private-key"
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
                topic=_TOPIC,
            )
        self._private_key = private_key
        numbers = private_key.public_key().public_numbers()
        self._public = {"e": base64url_of(numbers.e), "kty": "RSA", "n": base64url_of(numbers.n)}
        self.key_id = key_id or thumbprint(self._public)

    @classmethod
    def generate(cls, bits: int = SMALLEST_KEY) -> SigningKey:
        """
        Return a new key; its ``kid`` is its RFC 7638 thumbprint.

        :raises ConfigurationError: ``bits`` is too small to be safe, or of no use.
        """
        if not SMALLEST_KEY <= bits <= LARGEST_KEY or bits % 8:
            raise ConfigurationError(
                f"A key of {bits} bits is not made.",
                remedy=f"Use {SMALLEST_KEY}, 3072 or 4096; at most {LARGEST_KEY}.",
            )
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=bits))

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
            raise ConfigurationError("The signing key is empty.", remedy=_HOW, topic=_TOPIC)
        if text.startswith("{"):
            private_key, jwk_id = _from_jwk(text)
            return cls(private_key, key_id or jwk_id)
        return cls(_from_pem(text, password), key_id)

    def private_pem(self) -> str:
        """Return the key itself (PEM, PKCS#8, not encrypted), for its owner's eyes only."""
        return self._private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

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


def _from_pem(text: str, password: str | None) -> RSAPrivateKey:
    block = next(iter(pem_blocks(text)), None)
    if block is None:
        raise ConfigurationError("The signing key is neither PEM nor JWK.", remedy=_HOW, topic=_TOPIC)
    _check_label(block.label)
    if block.is_encrypted and not password:
        raise ConfigurationError(
            "The signing key is encrypted, and no password was given.",
            remedy="Decrypt it first: openssl pkey -in key.pem -out plain.pem",
            topic=_TOPIC,
        )
    return _loaded(block, password)


def _loaded(block: PemBlock, password: str | None) -> RSAPrivateKey:
    secret = password.encode() if password and block.is_encrypted else None
    try:
        key = serialization.load_pem_private_key(block.text, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: it can quote what it could not read.
        raise _unreadable(encrypted=block.is_encrypted) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(
            "The signing key is not an RSA key, which RS256 needs.", remedy=_HOW, topic=_TOPIC
        )
    return key


def _unreadable(*, encrypted: bool) -> ConfigurationError:
    if encrypted:
        return ConfigurationError(
            "The signing key does not open with the password.", remedy="Check the password.", topic=_TOPIC
        )
    return ConfigurationError(
        "The signing key is damaged: what is inside the PEM is not a key.", remedy=_HOW, topic=_TOPIC
    )


def _check_label(label: str) -> None:
    if "PUBLIC KEY" in label or "CERTIFICATE" in label:
        raise ConfigurationError(f"This is a {label.lower()}, which cannot sign.", remedy=_HOW, topic=_TOPIC)
    if "PRIVATE KEY" not in label or "OPENSSH" in label:
        raise ConfigurationError(f"PEM of the kind {label} is not read here.", remedy=_HOW, topic=_TOPIC)


def _from_jwk(text: str) -> tuple[RSAPrivateKey, str | None]:
    jwk = _one_jwk(text)
    if jwk.get("kty") != "RSA":
        raise ConfigurationError(
            "The signing key (JWK) is not an RSA key, which RS256 needs.", remedy=_HOW, topic=_TOPIC
        )
    if "d" not in jwk:
        raise ConfigurationError("This JWK is a public key, which cannot sign.", remedy=_HOW, topic=_TOPIC)
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise ConfigurationError(
            "This JWK is meant for something else than signing with RS256.",
            remedy="Make a key for use=sig, alg=RS256.",
            topic=_TOPIC,
        )
    try:
        key = RSAAlgorithm.from_jwk(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
        raise ConfigurationError("The signing key (JWK) is damaged.", remedy=_HOW, topic=_TOPIC) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("This JWK is a public key, which cannot sign.", remedy=_HOW, topic=_TOPIC)
    key_id = jwk.get("kid")
    return key, key_id if isinstance(key_id, str) else None


def _one_jwk(text: str) -> dict[str, Any]:
    try:
        jwk: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise ConfigurationError(
            "The signing key looks like a JWK but is not JSON.", remedy=_HOW, topic=_TOPIC
        ) from None
    keys = jwk.get("keys")
    if isinstance(keys, list):
        if len(keys) != 1 or not isinstance(keys[0], dict):
            raise ConfigurationError(
                "The key set has not exactly one key.", remedy="Give the one that is to sign.", topic=_TOPIC
            )
        return dict(keys[0])
    return dict(jwk)
