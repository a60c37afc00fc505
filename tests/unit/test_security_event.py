# SPDX-License-Identifier: Apache-2.0
"""Security event tokens: what is in them, and what their id is derived from."""

from __future__ import annotations

import inspect
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.security_event import EVENT_TYPE, build_risk_change, derive_jti
from airflow_provider_okta_ure.errors import ConfigurationError

PRIVATE_KEY = rsa.generate_private_key(65537, 2048)
KEY = SigningKey(PRIVATE_KEY, "k1")
AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)
SECONDS = int(AS_OF.timestamp())
CHANGE: dict[str, Any] = {
    "issuer": "https://airflow.example",
    "audience": "https://acme.okta.com",
    "user": "ann@corp.example",
    "as_of": AS_OF,
    "previous": "low",
    "current": "high",
}
EVENT: dict[str, Any] = {
    "issuer": "https://airflow.example",
    "audience": "https://acme.okta.com",
    "subject": "Ann@corp.example",
    "current_level": "high",
    "previous_level": "low",
    "event_timestamp": SECONDS,
    "issued_at": SECONDS + 60,
    "reason_admin": "score 200",
    "jti": "abc",
}


def _claims(**changes: Any) -> dict[str, Any]:
    token = build_risk_change(KEY, **{**EVENT, **changes})
    claims: dict[str, Any] = json.loads(
        jwt.PyJWS().decode(token, PRIVATE_KEY.public_key(), algorithms=["RS256"])
    )
    return claims


def test_the_token_has_what_okta_asks_for_and_nothing_more() -> None:
    assert _claims() == {
        "iss": "https://airflow.example",
        "jti": "abc",
        "iat": SECONDS + 60,
        "aud": "https://acme.okta.com",
        "events": {
            EVENT_TYPE: {
                "subject": {"user": {"format": "email", "email": "Ann@corp.example"}},
                "event_timestamp": SECONDS,
                "current_level": "high",
                "previous_level": "low",
                "initiating_entity": "policy",
                "reason_admin": {"en": "score 200"},
            }
        },
    }


def test_the_header_names_type_algorithm_and_the_key_that_signs() -> None:
    header = jwt.get_unverified_header(build_risk_change(KEY, **EVENT))
    assert header == {"typ": "secevent+jwt", "alg": "RS256", "kid": "k1"}


def test_times_are_whole_seconds_and_not_floats() -> None:
    claims = _claims()
    assert type(claims["iat"]) is int
    assert type(claims["events"][EVENT_TYPE]["event_timestamp"]) is int


def test_the_same_event_gives_the_same_bytes() -> None:
    assert build_risk_change(KEY, **EVENT) == build_risk_change(KEY, **EVENT)


def test_a_reason_for_the_user_is_sent_only_when_given() -> None:
    event = _claims(reason_user="Your risk rose")["events"][EVENT_TYPE]
    assert event["reason_user"] == {"en": "Your risk rose"}
    assert "reason_user" not in _claims()["events"][EVENT_TYPE]


def test_none_is_a_level_before_the_first_one() -> None:
    assert _claims(previous_level="none")["events"][EVENT_TYPE]["previous_level"] == "none"


@pytest.mark.parametrize("subject", ["o'brien@x.io", "a+b@corp.example", "ann@corp", "Jürgen@corp.example"])
def test_unusual_addresses_are_addresses(subject: str) -> None:
    assert _claims(subject=subject)["events"][EVENT_TYPE]["subject"]["user"]["email"] == subject


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_timestamp", float(SECONDS)),
        ("event_timestamp", True),
        ("event_timestamp", str(SECONDS)),
        ("event_timestamp", SECONDS * 1000),
        ("event_timestamp", -1),
        ("event_timestamp", None),
        ("event_timestamp", AS_OF),
        ("issued_at", float(SECONDS)),
        ("issued_at", datetime(2026, 11, 23)),  # noqa: DTZ001
        ("issued_at", SECONDS * 1000),
        ("current_level", "HIGH"),
        ("current_level", "critical"),
        ("current_level", ""),
        ("current_level", None),
        ("previous_level", "secure"),
        ("initiating_entity", "robot"),
        ("subject", ""),
        ("subject", "ann"),
        ("subject", "@corp.example"),
        ("subject", "ann@"),
        ("subject", "ann@corp.example\n"),
        ("subject", "ann smith@corp.example"),
        ("audience", "https://acme.okta.com/"),
        ("audience", "https://acme-admin.okta.com"),
        ("audience", "http://acme.okta.com"),
        ("audience", "acme.okta.com"),
        ("audience", ""),
        ("issuer", ""),
        ("jti", ""),
        ("reason_admin", ""),
        ("reason_admin", " \n "),
        ("reason_user", ""),
    ],
)
def test_a_part_that_cannot_be_right_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_risk_change(KEY, **{**EVENT, name: value})
    assert caught.value.remedy


def test_custom_domains_and_this_machine_are_audiences() -> None:
    for audience in ("https://login.acme.example", "http://127.0.0.1:8091"):
        assert _claims(audience=audience)["aud"] == audience


# --- the id


def test_the_id_depends_on_every_part_of_the_change() -> None:
    other: dict[str, Any] = {
        "issuer": "https://other.example",
        "audience": "https://other.okta.com",
        "user": "bob@corp.example",
        "as_of": AS_OF + timedelta(microseconds=1),
        "previous": "none",
        "current": "medium",
    }
    ids = {derive_jti(**CHANGE), *(derive_jti(**{**CHANGE, name: value}) for name, value in other.items())}
    assert len(ids) == 1 + len(other)


def test_the_id_is_derived_from_the_change_alone_and_not_from_clock_or_try_number() -> None:
    assert set(inspect.signature(derive_jti).parameters) == {*CHANGE, "after", "revision"}
    assert derive_jti(**CHANGE) == derive_jti(**CHANGE)
    # A fixed value, because a release that changes it would push every change once more.
    assert derive_jti(**CHANGE) == "204234e31d4c30150d6c48805157020f97eabf164475793350e0bd8bd106f1a7"


def test_a_level_that_is_sent_anew_for_the_same_time_is_a_token_of_its_own() -> None:
    """Okta ignores a token whose id it has seen."""
    assert derive_jti(**CHANGE, revision=0) == derive_jti(**CHANGE)
    assert len({derive_jti(**CHANGE, revision=number) for number in range(4)}) == 4


def test_putting_the_newest_level_back_is_a_token_of_its_own_for_each_old_change() -> None:
    first, second = (derive_jti(**CHANGE, after=AS_OF - timedelta(days=days)) for days in (1, 2))
    assert len({derive_jti(**CHANGE), first, second}) == 3
    assert first == derive_jti(**CHANGE, after=AS_OF - timedelta(days=1))


def test_case_and_time_zone_do_not_make_another_change() -> None:
    elsewhere = AS_OF.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert derive_jti(**{**CHANGE, "user": "ANN@Corp.Example", "as_of": elsewhere}) == derive_jti(**CHANGE)


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no UTC offset"):
        derive_jti(**{**CHANGE, "as_of": datetime(2026, 11, 23)})  # noqa: DTZ001


@given(st.text(), st.text(), st.text(), st.text())
def test_parts_never_run_into_each_other(issuer: str, audience: str, issuer_2: str, audience_2: str) -> None:
    one = derive_jti(**{**CHANGE, "issuer": issuer, "audience": audience})
    two = derive_jti(**{**CHANGE, "issuer": issuer_2, "audience": audience_2})
    assert (one == two) is ((issuer, audience) == (issuer_2, audience_2))


def test_the_first_second_is_a_time_and_the_first_that_must_be_milliseconds_is_not() -> None:
    assert _claims(event_timestamp=0)["events"][EVENT_TYPE]["event_timestamp"] == 0
    assert _claims(issued_at=10**11 - 1)["iat"] == 10**11 - 1
    with pytest.raises(ConfigurationError):
        _claims(issued_at=10**11)
