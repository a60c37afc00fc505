# SPDX-License-Identifier: Apache-2.0
"""The signing key: taken as people paste it, checked, never shown."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import RSAAlgorithm

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.errors import ConfigurationError

PRIVATE_KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505  # to be refused


def _pem(
    key: Any = PRIVATE_KEY,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: str | None = None,
) -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return str(key.private_bytes(serialization.Encoding.PEM, form, encryption).decode())


PKCS8 = _pem()
PKCS1 = _pem(form=serialization.PrivateFormat.TraditionalOpenSSL)
PUBLIC = (
    PRIVATE_KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
PUBLIC_PKCS1 = (
    PRIVATE_KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    .decode()
)
JWK: dict[str, Any] = RSAAlgorithm.to_jwk(PRIVATE_KEY, as_dict=True)


def _works(key: SigningKey) -> None:
    token = key.sign(b'{"a":1}', typ="x")
    assert jwt.PyJWS().decode(token, PRIVATE_KEY.public_key(), algorithms=["RS256"]) == b'{"a":1}'


@pytest.mark.parametrize("pem", [PKCS8, PKCS1], ids=["pkcs8", "pkcs1"])
@pytest.mark.parametrize(
    "paste",
    [
        pytest.param(lambda pem: pem, id="as-it-is"),
        pytest.param(lambda pem: pem.replace("\n", "\\n"), id="line-ends-spelled-out"),
        pytest.param(lambda pem: pem.replace("\n", "\\r\\n"), id="windows-line-ends-spelled-out"),
        pytest.param(lambda pem: pem.replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param(lambda pem: f'\n  "{pem}"  \n', id="quotes-around"),
        pytest.param(lambda pem: pem.replace("\n", " "), id="on-one-line"),
        pytest.param(lambda pem: pem.replace("\n", "\n    "), id="indented"),
        pytest.param(lambda pem: f"Bag Attributes\n  friendlyName: x\n{pem}", id="text-before"),
        pytest.param(lambda pem: f"{PUBLIC}{pem}", id="public-key-before"),
        pytest.param(lambda pem: f"\ufeff{pem}", id="byte-order-mark"),
    ],
)
def test_a_pem_key_is_taken_as_people_paste_it(pem: str, paste: Any) -> None:
    _works(SigningKey.load(paste(pem)))


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(JWK, id="jwk"),
        pytest.param({**JWK, "use": "sig", "alg": "RS256"}, id="with-use-and-alg"),
        pytest.param({"keys": [JWK]}, id="set-of-one"),
        pytest.param({name: JWK[name] for name in ("kty", "n", "e", "d")}, id="without-primes"),
    ],
)
def test_a_jwk_is_taken(jwk: dict[str, Any]) -> None:
    _works(SigningKey.load(json.dumps(jwk)))


def test_an_encrypted_key_opens_with_its_password() -> None:
    _works(SigningKey.load(_pem(password="open sesame"), password="open sesame"))
    _works(
        SigningKey.load(
            _pem(form=serialization.PrivateFormat.TraditionalOpenSSL, password="open"), password="open"
        )
    )


def test_a_password_for_a_key_that_needs_none_does_no_harm() -> None:
    _works(SigningKey.load(PKCS8, password="unused"))


REFUSED = [
    pytest.param("", "empty", id="empty"),
    pytest.param("  \n", "empty", id="blank"),
    pytest.param("garbage", "neither PEM nor JWK", id="garbage"),
    pytest.param(PKCS8[:200], "neither PEM nor JWK", id="cut-off"),
    pytest.param(PKCS8.replace(PKCS8[40:70], "A" * 30), "damaged", id="damaged"),
    pytest.param("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "damaged", id="nothing-inside"),
    pytest.param(PUBLIC, "public key", id="public-key"),
    pytest.param(PUBLIC_PKCS1, "public key", id="public-key-pkcs1"),
    pytest.param(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate", id="certificate"
    ),
    pytest.param(_pem(form=serialization.PrivateFormat.OpenSSH), "OPENSSH", id="openssh"),
    pytest.param(_pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key", id="elliptic-curve"),
    pytest.param(
        _pem(ec.generate_private_key(ec.SECP256R1()), serialization.PrivateFormat.TraditionalOpenSSL),
        "not an RSA key",
        id="elliptic-curve-sec1",
    ),
    pytest.param(_pem(ed25519.Ed25519PrivateKey.generate()), "not an RSA key", id="ed25519"),
    pytest.param(_pem(WEAK_KEY), "1024 bits", id="too-weak"),
    pytest.param(_pem(password="open sesame"), "encrypted", id="encrypted"),
    pytest.param(json.dumps({"kty": "RSA", "n": JWK["n"], "e": JWK["e"]}), "public key", id="public-jwk"),
    pytest.param(json.dumps({"kty": "EC", "d": "x"}), "not an RSA key", id="elliptic-curve-jwk"),
    pytest.param(json.dumps({**JWK, "n": "!!"}), "damaged", id="damaged-jwk"),
    pytest.param(json.dumps({**JWK, "d": 7}), "damaged", id="jwk-of-another-type"),
    pytest.param(json.dumps({**JWK, "use": "enc"}), "something else", id="jwk-for-encryption"),
    pytest.param(json.dumps({**JWK, "alg": "RS512"}), "something else", id="jwk-for-another-algorithm"),
    pytest.param(json.dumps({"keys": []}), "exactly one key", id="empty-set"),
    pytest.param(json.dumps({"keys": [JWK, JWK]}), "exactly one key", id="set-of-two"),
    pytest.param("{not json", "not JSON", id="not-json"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_cannot_sign_is_refused_with_its_own_message_and_never_quoted(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        SigningKey.load(text)
    error = caught.value
    shown = f"{error} {error!r} {error.remedy} {error.__cause__}"
    secrets = [line for line in text.splitlines() if len(line) > 30 and "-----" not in line]
    assert not [line for line in secrets if line in shown]
    assert error.__suppress_context__ or error.__context__ is None
    assert error.remedy


def test_a_wrong_password_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="does not open") as caught:
        SigningKey.load(_pem(password="open sesame"), password="hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", [None, 7, b"x"])
def test_a_key_that_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(ConfigurationError):
        SigningKey.load(text)  # type: ignore[arg-type]


def test_a_weak_key_is_refused_however_it_comes() -> None:
    with pytest.raises(ConfigurationError, match="too weak"):
        SigningKey(WEAK_KEY)


# --- the key id


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    # RFC 7638 section 3.1 has this public key, and this thumbprint.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5haj"
        "rn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    public = RSAAlgorithm.from_jwk({"kty": "RSA", "n": modulus, "e": "AQAB"})

    class Key:
        key_size = 2048

        def public_key(self) -> Any:
            return public

    assert SigningKey(Key()).key_id == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # type: ignore[arg-type]


def test_the_key_id_is_the_one_given_then_the_jwks_own_then_the_thumbprint() -> None:
    jwk = json.dumps({**JWK, "kid": "own"})
    thumbprint = SigningKey.load(PKCS8).key_id
    assert SigningKey.load(jwk, key_id="given").key_id == "given"
    assert SigningKey.load(jwk).key_id == "own"
    assert SigningKey.load(json.dumps(JWK)).key_id == thumbprint == SigningKey.load(PKCS1).key_id


def test_the_published_key_is_public_and_has_the_id_of_the_key_that_signs() -> None:
    key = SigningKey.load(PKCS8, key_id="k1")
    (published,) = key.jwks()["keys"]
    assert published.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert (published["kid"], published["use"], published["alg"]) == ("k1", "sig", "RS256")
    token = key.sign(b"{}", typ="secevent+jwt")
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "k1", "typ": "secevent+jwt"}
    public: Any = RSAAlgorithm.from_jwk(published)
    assert jwt.PyJWS().decode(token, public, algorithms=["RS256"]) == b"{}"


def test_the_key_is_never_shown() -> None:
    key = SigningKey.load(PKCS8, key_id="k1")
    assert repr(key) == str(key) == "SigningKey(key_id='k1')"
