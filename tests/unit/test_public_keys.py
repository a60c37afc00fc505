# SPDX-License-Identifier: Apache-2.0
"""Public keys: taken from whatever form a key comes in, never with a private part, compared as numbers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.public_halves import public_halves
from airflow_provider_okta_ure.clients.public_keys import (
    PRIVATE_MEMBERS,
    check_published,
    find_key,
    is_same_key,
    thumbprint,
)
from airflow_provider_okta_ure.errors import ConfigurationError
from tests.unit.test_keys import JWK, PKCS1, PKCS8, PRIVATE_KEY, PUBLIC, PUBLIC_PKCS1, WEAK_KEY, _pem

KEY = SigningKey.load(PKCS8)
EXPECTED = [dict(KEY.public_jwk())]


def _certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime(2026, 11, 23, tzinfo=timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(PRIVATE_KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(PRIVATE_KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PKCS8, id="pkcs8"),
        pytest.param(PKCS1, id="pkcs1"),
        pytest.param(PKCS8.replace("\n", "\\n"), id="line-ends-spelled-out"),
        pytest.param(PUBLIC, id="public"),
        pytest.param(PUBLIC.replace("\n", " "), id="public-on-one-line"),
        pytest.param(PUBLIC_PKCS1, id="public-pkcs1"),
        pytest.param(_certificate(), id="certificate"),
        pytest.param(_certificate() + PKCS8, id="certificate-and-key"),
        pytest.param(json.dumps(JWK), id="private-jwk"),
        pytest.param(json.dumps({"keys": [JWK]}), id="private-jwks"),
        pytest.param(json.dumps(KEY.jwks()), id="jwks"),
        pytest.param(json.dumps({name: JWK[name] for name in ("kty", "n", "e")}), id="bare-public-jwk"),
    ],
)
def test_the_public_half_is_the_same_in_whatever_form_the_key_comes(text: str) -> None:
    assert public_halves(text) == EXPECTED


def test_an_encrypted_key_opens_with_its_password() -> None:
    assert public_halves(_pem(password="open sesame"), password="open sesame") == EXPECTED
    with pytest.raises(ConfigurationError, match="no password"):
        public_halves(_pem(password="open sesame"))


def test_the_kid_is_the_one_given_then_the_jwks_own_then_the_thumbprint() -> None:
    named = json.dumps({**JWK, "kid": "own"})
    assert [one["kid"] for one in public_halves(named)] == ["own"]
    assert [one["kid"] for one in public_halves(named, key_id="given")] == ["given"]
    assert public_halves(PUBLIC)[0]["kid"] == KEY.key_id == thumbprint(JWK)


def test_all_keys_of_a_set_come_out_with_their_own_names() -> None:
    both = json.dumps({"keys": [{**JWK, "kid": "a"}, {**JWK, "kid": "b"}]})
    assert [one["kid"] for one in public_halves(both)] == ["a", "b"]
    with pytest.raises(ConfigurationError, match="One kid was given for 2 keys"):
        public_halves(both, key_id="c")


REFUSED = [
    pytest.param("", "empty", id="empty"),
    pytest.param("garbage", "neither PEM nor JWK", id="garbage"),
    pytest.param("{garbage", "not JSON", id="not-json"),
    pytest.param('{"keys": 7}', "has no `keys`", id="keys-are-no-list"),
    pytest.param('{"keys": [7]}', "no key", id="a-key-is-a-number"),
    pytest.param('{"keys": []}', "holds no key", id="no-keys"),
    pytest.param('{"kty": "oct", "k": "c2VjcmV0"}', "not an RSA key", id="symmetric"),
    pytest.param('{"kty": "RSA", "n": "!", "e": "AQAB"}', "damaged", id="damaged-jwk"),
    pytest.param(PUBLIC.replace(PUBLIC[40:60], "A" * 20), "damaged", id="damaged-pem"),
    pytest.param(_pem(WEAK_KEY), "1024 bits", id="weak"),
    pytest.param(json.dumps({**JWK, "n": "AQAB" * 43}), "bits, which is too weak", id="weak-jwk"),
    pytest.param(_pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key", id="elliptic-curve"),
    pytest.param(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "not an RSA key",
        id="public-elliptic-curve",
    ),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_okta_cannot_use_is_refused_with_its_own_message(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        public_halves(text)
    assert caught.value.remedy
    assert "c2VjcmV0" not in str(caught.value)


# --- what may be shown to everybody


def test_a_set_is_shown_with_its_public_members_only() -> None:
    shown = check_published({"keys": [{**EXPECTED[0], "future": "secret"}], "other": 1})
    assert shown == {"keys": EXPECTED}


@pytest.mark.parametrize("member", PRIVATE_MEMBERS)
def test_a_set_with_a_private_part_is_not_shown_and_not_quoted(member: str) -> None:
    with pytest.raises(ConfigurationError, match=f"private key: {member}") as caught:
        check_published({"keys": [EXPECTED[0], {**EXPECTED[0], member: "CANARY"}]})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kid": ""}, "has no kid"),
        ({"kid": 7}, "has no kid"),
        ({"kty": "EC"}, "not an RSA key"),
        ({"n": "AQAB"}, "17 bits"),
        ({"e": None}, "damaged"),
    ],
)
def test_a_set_that_okta_cannot_use_is_not_shown(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        check_published({"keys": [{**EXPECTED[0], **changes}]})


def test_keys_are_compared_as_numbers() -> None:
    ours = EXPECTED[0]
    assert is_same_key(ours, {**ours, "kid": "other"})
    assert is_same_key(ours, {**ours, "e": "AAEAAQ=="})  # a zero before, and padding
    assert not is_same_key(ours, {**ours, "n": "AQAB"})
    assert not is_same_key(ours, {**ours, "e": "Aw"})
    assert not is_same_key({}, {})
    assert not is_same_key({"n": "é", "e": "AQAB"}, {"n": "é", "e": "AQAB"})


def test_a_key_is_found_by_its_kid_or_not_at_all() -> None:
    assert find_key(EXPECTED, KEY.key_id) is EXPECTED[0]
    assert find_key(EXPECTED, "other") is None
    assert find_key([], "") is None


# --- making one


def test_a_new_key_signs_and_is_read_again_as_the_same() -> None:
    made = SigningKey.generate()
    again = SigningKey.load(made.private_pem())
    assert again.jwks() == made.jwks()
    assert made.private_pem().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert made.key_id == thumbprint(made.public_jwk())


@pytest.mark.parametrize("bits", [0, -1, 1024, 2047, 2049, 8200, 100_000])
def test_a_key_of_an_unsafe_or_useless_size_is_not_made(bits: int) -> None:
    with pytest.raises(ConfigurationError, match="is not made"):
        SigningKey.generate(bits)
