# SPDX-License-Identifier: Apache-2.0
"""The public half of a key, in whatever form the key comes: PEM, certificate, JWK or JWKS."""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from airflow_provider_okta_ure.clients.keys import ALGORITHM, SigningKey
from airflow_provider_okta_ure.clients.pem import PemBlock, pem_blocks
from airflow_provider_okta_ure.clients.public_keys import (
    PUBLIC_MEMBERS,
    PublicJwk,
    base64url_of,
    check_published,
    keys_of,
    number_in,
    thumbprint,
)
from airflow_provider_okta_ure.errors import ConfigurationError

_HOW = "Give an RSA key as PEM, JWK or JWKS."


def public_halves(text: str, *, key_id: str | None = None, password: str | None = None) -> list[PublicJwk]:
    """
    Return the public keys in a text, ready to be published.

    :param text: PEM (private, public or a certificate), a JWK or a JWKS, private or public.
    :param key_id: the ``kid``; None = the one in the JWK, else the RFC 7638 thumbprint.
    :param password: opens an encrypted PEM.
    :raises ConfigurationError: there is no key that Okta could use; the text is never quoted.
    """
    text = text.strip(" \t\r\n\"'\ufeff")
    if not text:
        raise ConfigurationError("There is no key: the text is empty.", remedy=_HOW)
    keys = _from_json(text) if text.startswith("{") else [_from_pem(text, password)]
    if key_id is not None:
        if len(keys) != 1:
            raise ConfigurationError(
                f"One kid was given for {len(keys)} keys.", remedy="Leave it out; each key has its own."
            )
        keys = [{**keys[0], "kid": key_id}]
    return check_published({"keys": keys})["keys"]


def _from_json(text: str) -> list[PublicJwk]:
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
        keys = keys_of(document) if "keys" in document else [document]
    except (msgspec.DecodeError, RecursionError):
        raise ConfigurationError("The key looks like a JWK but is not JSON.", remedy=_HOW) from None
    except ValueError as error:
        raise ConfigurationError(f"The JWKS {error}.", remedy=_HOW) from None
    return [_public_half(key) for key in keys]


def _public_half(key: PublicJwk) -> PublicJwk:
    half: PublicJwk = {name: key[name] for name in PUBLIC_MEMBERS if name in key}
    # RFC 7517 section 4.3: `use` and `key_ops` should not stand together, and ours signs elsewhere.
    half.pop("key_ops", None)
    if half.get("kty") == "RSA" and number_in(half, "n") and number_in(half, "e"):
        half.setdefault("kid", thumbprint(half))
    return {**half, "use": half.get("use", "sig"), "alg": half.get("alg", ALGORITHM)}


def _from_pem(text: str, password: str | None) -> PublicJwk:
    block = next(iter(pem_blocks(text)), None)
    if block is None:
        raise ConfigurationError("The key is neither PEM nor JWK.", remedy=_HOW)
    if block.is_private:
        return dict(SigningKey.load(text, password=password).public_jwk())
    numbers = _public_key(block).public_numbers()
    half = {"kty": "RSA", "n": base64url_of(numbers.n), "e": base64url_of(numbers.e)}
    return {**half, "kid": thumbprint(half), "use": "sig", "alg": ALGORITHM}


def _public_key(block: PemBlock) -> RSAPublicKey:
    try:
        if "CERTIFICATE" in block.label and "REQUEST" not in block.label:
            key: object = x509.load_pem_x509_certificate(block.text).public_key()
        else:
            key = load_pem_public_key(block.text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "The key is damaged: what is inside the PEM is not a key.", remedy=_HOW
        ) from None
    if not isinstance(key, RSAPublicKey):
        raise ConfigurationError("The key is not an RSA key, which RS256 needs.", remedy=_HOW)
    return key
