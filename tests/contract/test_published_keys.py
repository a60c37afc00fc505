# SPDX-License-Identifier: Apache-2.0
"""Whether the published JWKS holds the very key that signs, as the sandbox's Okta would find it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.documents import DocumentReader
from airflow_provider_okta_ure.clients.jwks import check_published_key, fetch_configuration, fetch_jwks
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.errors import ConfigurationError, JwksError
from tests.contract.client_support import sandbox
from tests.contract.sandbox_support import private_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["sandbox"]

ISSUER = "https://airflow.example"
READER = DocumentReader(allow_private=True, retry=RetryPolicy(attempts=1))
KEY = SigningKey(private_key(0))
OTHER = SigningKey(private_key(1))
OURS = dict(KEY.public_jwk())
THEIRS = dict(OTHER.public_jwk())


def check(sandbox: Sandbox, *keys: dict[str, Any], key: SigningKey = KEY) -> Any:
    url = sandbox.publish_jwks({"keys": list(keys)})
    return check_published_key(READER, key, issuer=ISSUER, jwks_url=url)


def test_a_published_key_is_found_among_others(sandbox: Sandbox) -> None:
    published = check(sandbox, THEIRS, OURS)
    assert published.keys == [THEIRS, OURS]
    assert published.url == sandbox.publish_jwks(KEY.jwks())


@pytest.mark.parametrize(
    ("keys", "reason", "says", "remedy"),
    [
        pytest.param([THEIRS], "key_missing", OTHER.key_id, "--okta-conn-id", id="another-key"),
        pytest.param([], "key_missing", "none", "--okta-conn-id", id="no-key"),
        pytest.param(
            [{**OURS, "kid": "other"}],
            "key_missing",
            "other",
            "'other': set `signing_key_id`",
            id="another-name",
        ),
        pytest.param(
            [{name: value for name, value in OURS.items() if name != "kid"}],
            "key_missing",
            "(no kid)",
            f"publish it with kid {KEY.key_id!r}",
            id="without-name",
        ),
        pytest.param(
            [{**THEIRS, "kid": KEY.key_id}], "key_differs", "another modulus", "private key", id="same-name"
        ),
        pytest.param(
            [OURS, {**THEIRS, "kid": KEY.key_id}],
            "key_differs",
            "another modulus",
            "private",
            id="name-twice",
        ),
        pytest.param([{**OURS, "n": "!"}], "key_differs", "another modulus", "private key", id="damaged"),
        pytest.param([{**OURS, "use": "enc"}], "key_differs", "use=enc, not sig", "Publish", id="use"),
        pytest.param([{**OURS, "alg": "PS256"}], "key_differs", "alg=PS256, not RS256", "Publish", id="alg"),
        pytest.param([{**OURS, "kty": 7}], "key_differs", "kty=(no text)", "Publish", id="kty"),
    ],
)
def test_a_key_that_okta_would_not_find_is_said_so(
    sandbox: Sandbox, keys: list[dict[str, Any]], reason: str, says: str, remedy: str
) -> None:
    with pytest.raises(JwksError) as caught:
        check(sandbox, *keys)
    error = caught.value
    assert (error.reason, error.retryable) == (reason, False)
    assert says in error.message
    assert remedy in error.remedy


def test_use_and_alg_may_be_left_out(sandbox: Sandbox) -> None:
    assert check(sandbox, {name: OURS[name] for name in ("kty", "kid", "n", "e")})


def test_a_private_key_that_everybody_can_read_is_an_alarm(sandbox: Sandbox) -> None:
    # The sandbox refuses to publish one as a JWKS, as it should.
    url = sandbox.publish("oops.json", json.dumps({"keys": [{**OURS, "d": "CANARY"}]}))
    with pytest.raises(JwksError, match="shows a private key") as caught:
        fetch_jwks(READER, url)
    assert caught.value.reason == "private_key_published"
    assert "Take it down now" in caught.value.remedy
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("document", ["{}", '{"keys": {}}', '{"keys": ["a"]}', '{"kty": "RSA"}'])
def test_what_is_no_jwks_is_said_so(sandbox: Sandbox, document: str) -> None:
    url = sandbox.publish("odd.json", document)
    with pytest.raises(JwksError, match="no JWKS") as caught:
        fetch_jwks(READER, url + "?token=x")
    assert (caught.value.reason, caught.value.url) == ("malformed", url)


def well_known(sandbox: Sandbox, **changes: Any) -> str:
    document = {"issuer": ISSUER, "jwks_uri": sandbox.publish_jwks(KEY.jwks()), **changes}
    return sandbox.publish("ssf.json", json.dumps(document))


def test_the_address_of_the_keys_is_read_from_the_well_known_document(sandbox: Sandbox) -> None:
    url = well_known(sandbox)
    # What the document says counts, as it does for Okta.
    published = check_published_key(
        READER, KEY, issuer=ISSUER, well_known_url=url, jwks_url="https://x.example"
    )
    assert published.keys == [OURS]
    assert fetch_configuration(READER, url).issuer == ISSUER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": ISSUER + "/"}, "issuer_differs"),
        ({"issuer": None}, "malformed"),
        ({"issuer": ""}, "malformed"),
        ({"jwks_uri": None}, "malformed"),
        ({"jwks_uri": ["a"]}, "malformed"),
        ({"jwks_uri": "http://169.254.169.254/latest"}, "not_https"),
        ({"jwks_uri": "https://169.254.169.254/latest"}, "address_forbidden"),
    ],
)
def test_a_well_known_document_that_misleads_is_refused(
    sandbox: Sandbox, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(JwksError) as caught:
        check_published_key(READER, KEY, issuer=ISSUER, well_known_url=well_known(sandbox, **changes))
    assert caught.value.reason == reason


def test_without_an_address_there_is_nothing_to_look_at() -> None:
    with pytest.raises(ConfigurationError, match="check_jwks=False"):
        check_published_key(READER, KEY, issuer=ISSUER)


def test_a_private_address_is_not_looked_at_unless_it_is_allowed(sandbox: Sandbox) -> None:
    url = sandbox.publish_jwks(KEY.jwks())
    careful = DocumentReader(retry=RetryPolicy(attempts=1))
    with pytest.raises(JwksError) as caught:
        check_published_key(careful, KEY, issuer=ISSUER, jwks_url=url)
    assert "allow_private_jwks_url" in caught.value.remedy
    assert not sandbox.requests
