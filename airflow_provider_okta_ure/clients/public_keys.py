# SPDX-License-Identifier: Apache-2.0
"""Public keys as they are published (RFC 7517): read, checked, and never a private part among them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from airflow_provider_okta_ure.clients.public_members import is_key_id, not_publishable
from airflow_provider_okta_ure.errors import ConfigurationError

PublicJwk: TypeAlias = dict[str, Any]
"""One member of ``keys`` in a JWKS."""

PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
"""What makes a JWK a secret: RFC 7518 sections 6.2.2, 6.3.2 and 6.4."""

PUBLIC_MEMBERS = ("kty", "use", "key_ops", "alg", "kid", "n", "e", "x5c", "x5t", "x5t#S256")
"""What we publish of an RSA key; a later standard's private member cannot be among it."""

SMALLEST_KEY = 2048
LARGEST_KEY = 8192
"""Bits; larger ones are not safer in any way that matters, and slow to make and to sign with."""

LONGEST_EXPONENT = 64
"""Bits; what OpenSSL takes of large keys. Nearly all have the exponent 65537."""


def private_members(keys: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the private members of any of these keys."""
    return sorted({name for key in keys for name in key if name in PRIVATE_MEMBERS})


def keys_of(document: Mapping[str, Any]) -> list[PublicJwk]:
    """
    Return the keys of a JWKS.

    :raises ValueError: it is none, in words that continue a sentence.
    """
    keys = document.get("keys")
    if isinstance(keys, list) and all(isinstance(key, dict) for key in keys):
        return keys
    raise ValueError("has something in `keys` that is no key" if isinstance(keys, list) else "has no `keys`")


def check_published(document: Mapping[str, Any]) -> dict[str, list[PublicJwk]]:
    """
    Return a JWKS as it may be shown to everybody, with the known public members only.

    :raises ConfigurationError: it is no JWKS, holds a private part, or a key that Okta cannot use.
    """
    try:
        keys = keys_of(document)
    except ValueError as error:
        raise ConfigurationError(f"The JWKS {error}.", remedy=_REMEDY) from None
    private = private_members(keys)
    if private:
        raise ConfigurationError(
            f"The JWKS holds a private key: {', '.join(private)}. It is not published.",
            remedy="Make the JWKS with `airflow okta-ure keys jwks`. If it was public anywhere, "
            "make a new key: whoever has read it can sign in your name.",
        )
    if not keys:
        raise ConfigurationError("The JWKS holds no key.", remedy=_REMEDY)
    return {"keys": [_checked(key) for key in keys]}


def find_key(keys: Sequence[PublicJwk], key_id: str) -> PublicJwk | None:
    """Return the key with this ``kid``; None when there is none."""
    return next((key for key in keys if key.get("kid") == key_id), None)


def is_same_key(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are the same RSA key: modulus and exponent, however their base64 is spelled."""
    numbers = [number_in(key, name) for key in (one, other) for name in ("n", "e")]
    return None not in numbers and numbers[:2] == numbers[2:]


def base64url_of(number: int) -> str:
    """Return a number of a key as RFC 7518 section 2 writes it."""
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the thumbprint of an RSA key (RFC 7638, SHA-256), which is our ``kid`` for it."""
    # The required members only, in the order of their names, without white space.
    required = msgspec.json.encode({name: key[name] for name in ("e", "kty", "n")})
    return base64.urlsafe_b64encode(hashlib.sha256(required).digest()).rstrip(b"=").decode()


def number_in(key: Mapping[str, Any], name: str) -> int | None:
    """Return a number of a key (RFC 7518 section 2); None when there is none."""
    text = key.get(name)
    if not isinstance(text, str) or not text.isascii():
        return None
    text = text.rstrip("=")
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(octets, "big") if octets else None


_REMEDY = "Make the JWKS with `airflow okta-ure keys jwks`."


def _checked(key: PublicJwk) -> PublicJwk:
    kid = key.get("kid")
    # Anything else is not quoted: it can be a part of a private key.
    name = repr(kid) if is_key_id(kid) else "with another kid" if kid else "without kid"
    if key.get("kty") != "RSA":
        raise ConfigurationError(f"The key {name} in the JWKS is not an RSA key.", remedy=_REMEDY)
    modulus, exponent = number_in(key, "n"), number_in(key, "e")
    if modulus is None or exponent is None or not exponent & 1:
        raise ConfigurationError(f"The key {name} in the JWKS is damaged.", remedy=_REMEDY)
    # A private exponent is about as long as the modulus; a public one never is.
    if exponent.bit_length() > LONGEST_EXPONENT or modulus.bit_length() > LARGEST_KEY:
        raise ConfigurationError(
            f"The key {name} in the JWKS has numbers that no public key has. It is not published.",
            remedy=_REMEDY,
        )
    if modulus.bit_length() < SMALLEST_KEY:
        raise ConfigurationError(
            f"The key {name} in the JWKS has {modulus.bit_length()} bits, which is too weak.",
            remedy=f"Make a new one of {SMALLEST_KEY} bits or more.",
        )
    if not isinstance(kid, str) or not kid:
        raise ConfigurationError("A key in the JWKS has no kid, so Okta cannot find it.", remedy=_REMEDY)
    wrong = not_publishable(key)
    if wrong:
        # Their values are not quoted: they can be anything, also a private key.
        raise ConfigurationError(
            f"The key {name} in the JWKS has {', '.join(wrong)} of a form that no public key has. It is not "
            "published.",
            remedy=f"{_REMEDY} A kid has letters, digits and . _ ~ : / @ = - only, at most 128.",
        )
    public = {member: key[member] for member in PUBLIC_MEMBERS if member in key}
    # Spelled anew, so that nothing but the two numbers is in them.
    return {**public, "n": base64url_of(modulus), "e": base64url_of(exponent)}
