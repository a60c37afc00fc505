"""What is published as a public key holds nothing else, whatever somebody put into its members."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.public_halves import public_halves
from airflow_provider_okta_ure.clients.public_keys import check_published
from airflow_provider_okta_ure.errors import ConfigurationError

KEY = SigningKey.generate()
PUBLIC: dict[str, Any] = KEY.public_jwk()
PEM = KEY.private_pem()
LINE = PEM.splitlines()[3]
BODY = "".join(PEM.splitlines()[1:-1])


def certificate() -> str:
    key: Any = serialization.load_pem_private_key(PEM.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "risk.corp.example")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


ODD: list[Any] = [
    PEM, BODY, [PEM], [BODY], [LINE], {"d": LINE}, [{"d": LINE}], [[PEM]], {"a": {"b": [LINE]}}, f"risk {PEM}", f"sig\n{LINE}",
    "", " ", "a\nb", "x" * 129, 7, True, None, 1.5, "<script>", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
]  # fmt: skip


@pytest.mark.parametrize("member", ["kid", "use", "key_ops", "alg", "x5c", "x5t", "x5t#S256"])
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_a_member_of_another_form_is_not_published(member: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_published({"keys": [{**PUBLIC, member: value}]})
    assert LINE not in str(caught.value)
    assert BODY not in str(caught.value)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("member", ["x5u", "ext", "iat", "private", "D", "d\u200b", "nbf"])
def test_members_that_are_not_known_are_left_out(member: str, value: Any) -> None:
    published = check_published({"keys": [{**PUBLIC, member: value}], member: value})
    assert published == {"keys": [PUBLIC]}


@pytest.mark.parametrize("member", ["n", "e", "kty"])
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_the_numbers_of_a_key_are_numbers_of_a_public_key(member: str, value: Any) -> None:
    with pytest.raises(ConfigurationError):
        check_published({"keys": [{**PUBLIC, member: value}]})


def test_a_private_exponent_in_the_place_of_the_public_one_is_not_published() -> None:
    key: Any = serialization.load_pem_private_key(PEM.encode(), None)
    numbers = key.private_numbers()
    d = base64.urlsafe_b64encode(numbers.d.to_bytes(256, "big")).rstrip(b"=").decode()
    with pytest.raises(ConfigurationError, match="no public key has"):
        check_published({"keys": [{**PUBLIC, "e": d}]})


@pytest.mark.parametrize("member", ["use", "alg", "x5c", "kid"])
def test_the_command_that_makes_a_key_set_publishes_no_such_member_either(member: str) -> None:
    with pytest.raises(ConfigurationError):
        public_halves(json.dumps({**PUBLIC, member: [PEM]}))


@pytest.mark.parametrize(
    "text", ['{"keys":' + "[" * 50_000, '{"a":' * 50_000, '{"kty":' + "[" * 5000 + "]" * 5000 + "}"]
)
def test_a_key_that_is_nested_without_end_is_no_key(text: str) -> None:
    for load in (SigningKey.load, public_halves):
        with pytest.raises(ConfigurationError):
            load(text)


def test_what_the_standard_gives_a_public_key_is_published_as_it_is() -> None:
    key = {
        **PUBLIC,
        "kid": "https://risk.corp.example/keys/2026-11_a~b",
        "key_ops": ["verify"],
        "x5c": [certificate()],
        "x5t": "a" * 27,
        "x5t#S256": "b" * 43,
    }
    assert check_published({"keys": [key]}) == {"keys": [key]}
    assert check_published({"keys": [{**key, "use": "enc", "alg": "RSA-OAEP-256"}]})


def test_a_certificate_with_something_behind_it_is_not_published() -> None:
    der = base64.b64decode(certificate())
    with pytest.raises(ConfigurationError, match="x5c"):
        check_published({"keys": [{**PUBLIC, "x5c": [base64.b64encode(der + PEM.encode()).decode()]}]})
