"""Reads, checks and signs compact JWS, from RFC 7515, 7517, 7518 and 7638 and plain cryptography alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES: dict[str, EllipticCurve] = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}
#: The curve each ES algorithm is tied to (RFC 7518 section 3.4).
_CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

#: The algorithms that Okta takes for client assertions.
ALGORITHMS = ("RS256", "RS384", "RS512", *_CURVE_OF)
#: Members of a JWK that only a private key has.
PRIVATE_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))


class JoseError(ValueError):
    """Something that is no JWS, no usable key, or no signature of that key."""


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS taken apart but not yet trusted."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """
    Return the bytes of base64url text, which must be without padding, white space or other alphabets.

    :raises JoseError: when it is not.
    """
    if not _BASE64URL.fullmatch(text):
        raise JoseError("this is not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise JoseError("this is not base64url") from error


def read(text: str) -> Jws:
    """
    Return the parts of a compact JWS whose payload is a JSON object.

    :raises JoseError: when it is none.
    """
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise JoseError("a JWS has three parts")
    header, claims = _object(parts[0]), _object(parts[1])
    if "crit" in header:
        raise JoseError("no critical header is understood (RFC 7515 section 4.1.11)")
    return Jws(header, claims, f"{parts[0]}.{parts[1]}".encode(), decode(parts[2]))


def verify(jws: Jws, jwk: dict[str, Any]) -> None:
    """
    Check the signature with a public key, by the algorithm of the header; the key has to fit that.

    :raises JoseError: when the key cannot be used for it, or did not make the signature.
    """
    algorithm = jws.header.get("alg")
    if algorithm not in ALGORITHMS or jwk.get("alg") not in (None, algorithm):
        raise JoseError("the algorithm does not fit")
    key = public_key(jwk)
    digest = _HASHES[algorithm[2:]]
    try:
        if isinstance(key, RSAPublicKey) and algorithm.startswith("RS"):
            key.verify(jws.signature, jws.signed, PKCS1v15(), digest)
        elif isinstance(key, EllipticCurvePublicKey) and jwk.get("crv") == _CURVE_OF.get(algorithm):
            key.verify(_der(jws.signature, key), jws.signed, ECDSA(digest))
        else:
            raise JoseError("the key is of another kind than the algorithm")
    except InvalidSignature as error:
        raise JoseError("the key did not make this signature") from error


def public_key(jwk: dict[str, Any]) -> RSAPublicKey | EllipticCurvePublicKey:
    """
    Return the RSA or elliptic curve key of a JWK.

    :raises JoseError: when it is neither.
    """
    members = {name: jwk.get(name) for name in ("kty", "crv", "n", "e", "x", "y")}
    if not all(isinstance(value, str | None) for value in members.values()):
        raise JoseError("the members of a key are texts")
    return _public_key(*members.values())


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public key (RFC 7638)."""
    names = ("e", "kty", "n") if jwk.get("kty") == "RSA" else ("crv", "kty", "x", "y")
    needed = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return encode(hashlib.sha256(needed.encode()).digest())


def jwk_of(key: RSAPublicKey) -> dict[str, str]:
    """Return an RSA key as a signing JWK, whose ``kid`` is its thumbprint."""
    numbers = key.public_numbers()
    jwk = {"kty": "RSA", "n": _text(numbers.n), "e": _text(numbers.e)}
    return {**jwk, "kid": thumbprint(jwk), "use": "sig", "alg": "RS256"}


def sign(header: dict[str, Any], claims: dict[str, Any], key: RSAPrivateKey) -> str:
    """Return a compact JWS signed with RS256."""
    parts = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{parts}.{encode(key.sign(parts.encode(), PKCS1v15(), SHA256()))}"


@lru_cache(maxsize=256)
def _public_key(
    kty: str | None, crv: str | None, n: str | None, e: str | None, x: str | None, y: str | None
) -> RSAPublicKey | EllipticCurvePublicKey:
    try:
        if kty == "RSA" and n and e:
            return RSAPublicNumbers(_number(e), _number(n)).public_key()
        if kty == "EC" and crv in _CURVES and x and y:
            return EllipticCurvePublicNumbers(_number(x), _number(y), _CURVES[crv]).public_key()
    except ValueError as error:
        raise JoseError("the key cannot be read") from error
    raise JoseError("the key is neither RSA nor on a known curve")


def _der(signature: bytes, key: EllipticCurvePublicKey) -> bytes:
    """Return an ES signature, which is two numbers of fixed size one after the other, as ASN.1."""
    size = (key.key_size + 7) // 8
    if len(signature) != 2 * size:
        raise JoseError("the signature has the wrong size")
    return encode_dss_signature(
        int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    )


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(part))
    except (ValueError, RecursionError) as error:
        raise JoseError("this is not JSON") from error
    if not isinstance(value, dict):
        raise JoseError("this is no JSON object")
    return value


def _number(text: str) -> int:
    return int.from_bytes(decode(text), "big")


def _text(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
