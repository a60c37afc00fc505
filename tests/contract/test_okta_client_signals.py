# SPDX-License-Identifier: Apache-2.0
"""Risk signals: who may send them, sending them, and finding them in the System Log."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.security_event import build_risk_change, derive_jti
from airflow_provider_okta_ure.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OktaUreError,
)
from tests.contract.client_support import NOW, okta, okta_of, sandbox
from tests.contract.sandbox_support import private_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["okta", "sandbox"]

ISSUER = "https://airflow.example"
NAME = "Netskope User Risk (Airflow)"
KEY = SigningKey(private_key(0))
OTHER_KEY = SigningKey(private_key(1))


def _token(sandbox: Sandbox, key: SigningKey = KEY, **changes: Any) -> str:
    login = changes.pop("subject", sandbox.okta.users[0].login)
    current = changes.get("current_level", "high")
    jti = derive_jti(
        issuer=ISSUER, audience=sandbox.okta_url, user=login, as_of=NOW, previous="none", current=current
    )
    event: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": sandbox.okta_url,
        "subject": login,
        "current_level": current,
        "previous_level": "none",
        "event_timestamp": int(NOW.timestamp()),
        "issued_at": int(NOW.timestamp()),
        "reason_admin": "Netskope score 200",
        "jti": jti,
    }
    return build_risk_change(key, **{**event, **changes})


@pytest.fixture
def registered(okta: OktaClient, sandbox: Sandbox) -> Sandbox:
    for name in ("set_audience_strict", "set_reason_required", "set_timestamp_strict"):
        setattr(sandbox.options, name, True)
    sandbox.options.set_iat_max_future_seconds = 0
    okta.ensure_security_events_provider(NAME, issuer=ISSUER, jwks_url=sandbox.publish_jwks(KEY.jwks()))
    sandbox.clear_requests()
    return sandbox


# --- pushing


def test_a_signal_is_accepted_by_an_okta_that_is_strict_in_every_point(
    okta: OktaClient, registered: Sandbox
) -> None:
    token = _token(registered)
    answer = okta.publish_security_event(token)
    (entry,) = registered.requests_to(path_prefix="/security")
    assert (answer.status, bool(answer.request_id)) == (202, True)
    assert entry.body == token.encode()
    assert (entry.content_type, entry.has_authorization) == ("application/secevent+jwt", False)
    (accepted,) = registered.okta.accepted_events
    assert accepted["user_id"] == registered.okta.users[0].id
    assert accepted["remarks"] == []
    assert okta.get_user_risk(registered.okta.users[0].id) == "high"


def test_a_signal_whose_answer_was_lost_is_sent_again_byte_for_byte_and_counts_once(
    okta: OktaClient, registered: Sandbox
) -> None:
    registered.fail_next(kind="lost_answer", path_prefix="/security")
    registered.fail_next(status=503, path_prefix="/security")
    okta.publish_security_event(_token(registered))
    bodies = {entry.body for entry in registered.requests_to(path_prefix="/security")}
    assert len(registered.requests_to(path_prefix="/security")) == 3
    assert len(bodies) == 1
    assert len(registered.okta.accepted_events) == 1


def test_the_same_change_pushed_again_has_no_second_effect(okta: OktaClient, registered: Sandbox) -> None:
    for _ in range(2):
        assert okta.publish_security_event(_token(registered)).status == 202
    assert len(registered.okta.accepted_events) == 1
    (ignored,) = registered.okta.ignored_events
    assert "seen before" in ignored["why"]


REFUSED = [
    pytest.param({"issuer": "https://other.example"}, "invalid_issuer", "letter by letter", id="issuer"),
    pytest.param({"audience": "https://other.okta.com"}, "invalid_audience", "own URL", id="audience"),
    pytest.param({"key": OTHER_KEY}, "invalid_key", "JWKS URL", id="key-not-published"),
    pytest.param(
        {"key": SigningKey(private_key(1), KEY.key_id)}, "authentication_failed", "signature", id="signature"
    ),
]


@pytest.mark.parametrize(("changes", "code", "remedy"), REFUSED)
def test_a_refused_signal_says_why_and_is_not_repeated(
    okta: OktaClient, registered: Sandbox, changes: dict[str, Any], code: str, remedy: str
) -> None:
    token = _token(registered, **changes)
    with pytest.raises(InvalidRequestError) as caught:
        okta.publish_security_event(token)
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (400, code, False)
    assert remedy in caught.value.remedy
    assert len(registered.requests_to(path_prefix="/security")) == 1
    assert token not in str(caught.value)


@pytest.mark.parametrize("token", ["", "abc", "a.b", "a.b.c.d", '"a.b.c"', "a.b.ç", "a.b.c\n"])
def test_what_is_no_token_is_not_sent(okta: OktaClient, sandbox: Sandbox, token: str) -> None:
    with pytest.raises(ConfigurationError):
        okta.publish_security_event(token)
    assert sandbox.requests == []


def test_a_new_key_is_accepted_while_the_old_one_is_still_published(
    okta: OktaClient, registered: Sandbox
) -> None:
    okta.publish_security_event(_token(registered))
    registered.publish_jwks({"keys": KEY.jwks()["keys"] + OTHER_KEY.jwks()["keys"]})
    registered.clock.advance(31)
    for key, user in ((OTHER_KEY, 1), (KEY, 2)):
        okta.publish_security_event(_token(registered, key, subject=registered.okta.users[user].login))
    assert len(registered.okta.accepted_events) == 3


def test_signals_are_pushed_from_many_threads(registered: Sandbox) -> None:
    client = okta_of(registered)
    logins = [user.login for user in registered.okta.users if user.status == "ACTIVE"][:40]
    tokens = [_token(registered, subject=login) for login in logins]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.publish_security_event, tokens))
    assert {answer.status for answer in answers} == {202}
    assert len(registered.okta.accepted_events) == len(logins)


# --- security events providers


def test_a_security_events_provider_is_made_changed_paused_and_deleted(okta: OktaClient) -> None:
    made = okta.create_security_events_provider("A", issuer=ISSUER, jwks_url="https://x.example/jwks")
    assert (made.is_active, made.type, made.issuer) == (True, "Netskope", ISSUER)
    assert okta.get_security_events_provider(made.provider_id) == made
    assert list(okta.list_security_events_providers()) == [made]
    assert okta.find_security_events_provider(name="A") == made
    assert okta.find_security_events_provider(issuer=ISSUER) == made
    assert okta.find_security_events_provider(name="B", issuer="https://b.example") is None
    changed = okta.update_security_events_provider(
        made.provider_id, "B", issuer=ISSUER, jwks_url="https://y.example/jwks"
    )
    assert (changed.name, changed.jwks_url) == ("B", "https://y.example/jwks")
    for _ in range(2):
        assert not okta.deactivate_security_events_provider(made.provider_id).is_active
    for _ in range(2):
        assert okta.activate_security_events_provider(made.provider_id).is_active
    assert okta.delete_security_events_provider(made.provider_id).status == 204
    with pytest.raises(NotFoundError):
        okta.get_security_events_provider(made.provider_id)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"issuer": ISSUER},
        {"jwks_url": "https://x.example"},
        {"issuer": ISSUER, "jwks_url": "https://x.example", "well_known_url": "https://x.example"},
        {"jwks_url": "https://x.example", "well_known_url": "https://x.example"},
    ],
)
def test_half_of_the_settings_or_both_kinds_are_refused(
    okta: OktaClient, sandbox: Sandbox, settings: dict[str, Any]
) -> None:
    for call in (okta.create_security_events_provider, okta.ensure_security_events_provider):
        with pytest.raises(ConfigurationError):
            call("A", **settings)
    assert sandbox.requests == []


def _ensure(client: OktaClient, **changes: Any) -> Any:
    settings: dict[str, Any] = {"issuer": ISSUER, "jwks_url": "https://x.example/jwks", **changes}
    name = settings.pop("name", NAME)
    return client.ensure_security_events_provider(name, **settings)


def test_ensuring_twice_writes_once(okta: OktaClient, sandbox: Sandbox) -> None:
    first = _ensure(okta)
    sandbox.clear_requests()
    assert _ensure(okta) == first
    assert [entry.method for entry in sandbox.requests] == ["GET"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"jwks_url": "https://new.example/jwks"}, id="new-jwks-url"),
        pytest.param({"issuer": "https://new.example", "take_over": True}, id="new-issuer"),
        pytest.param({"name": "New name"}, id="new-name"),
        pytest.param(
            {"issuer": "https://new.example", "jwks_url": "https://new.example/j", "take_over": True},
            id="both",
        ),
    ],
)
def test_our_provider_with_other_settings_is_updated_and_not_left_for_a_person_to_delete(
    okta: OktaClient, sandbox: Sandbox, changes: dict[str, Any]
) -> None:
    before = _ensure(okta)
    after = _ensure(okta, **changes)
    assert after.provider_id == before.provider_id
    assert len(sandbox.okta.providers) == 1
    stored = sandbox.okta.providers[0]
    expected = {"name": NAME, "issuer": ISSUER, "jwks_url": "https://x.example/jwks", **changes}
    expected.pop("take_over", None)
    assert {name: getattr(stored, name) for name in expected} == expected


@pytest.mark.parametrize("name", [NAME, "Netskope Security Events Provider"])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        pytest.param({"issuer": "https://a.example"}, {"issuer": ISSUER}, id="another-environment"),
        pytest.param(
            {"issuer": f"{ISSUER}/", "jwks_url": "https://x.example/jwks"}, {}, id="a-slash-is-another-issuer"
        ),
        pytest.param(
            {"issuer": "https://a.example", "jwks_url": "https://x.example/jwks"}, {}, id="same-jwks-url"
        ),
    ],
)
def test_a_provider_that_only_has_our_name_is_left_alone_and_both_issuers_are_named(
    okta: OktaClient, sandbox: Sandbox, name: str, theirs: dict[str, str], ours: dict[str, str]
) -> None:
    okta.create_security_events_provider(name, **{"jwks_url": "https://a.example/j", **theirs})
    before = [vars_of(one) for one in sandbox.okta.providers]
    with pytest.raises(ConfigurationError, match="belongs to another transmitter") as caught:
        _ensure(okta, name=name, **ours)
    assert theirs["issuer"] in str(caught.value)
    assert ISSUER in str(caught.value)
    assert "take_over" in str(caught.value)
    assert [vars_of(one) for one in sandbox.okta.providers] == before


def test_a_provider_of_another_tool_with_our_issuer_is_ours(okta: OktaClient, sandbox: Sandbox) -> None:
    name = "Netskope Security Events Provider"
    made = okta.create_security_events_provider(name, issuer=ISSUER, jwks_url="https://ce.example/j")
    assert _ensure(okta, name=name).provider_id == made.provider_id
    assert _ensure(okta).provider_id == made.provider_id
    assert [(one.name, one.jwks_url) for one in sandbox.okta.providers] == [(NAME, "https://x.example/jwks")]


def test_a_provider_with_our_well_known_url_is_ours(okta: OktaClient, sandbox: Sandbox) -> None:
    url = sandbox.publish(
        "ssf.json", f'{{"issuer": "{ISSUER}", "jwks_uri": "{sandbox.publish_jwks(KEY.jwks())}"}}'
    )
    made = okta.create_security_events_provider("Old name", well_known_url=url)
    assert okta.ensure_security_events_provider(NAME, well_known_url=url).provider_id == made.provider_id


def test_a_provider_with_our_name_and_another_well_known_url_is_left_alone(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    jwks_url = sandbox.publish_jwks(KEY.jwks())
    theirs, ours = (
        sandbox.publish(f"{name}.json", f'{{"issuer": "https://{name}.example", "jwks_uri": "{jwks_url}"}}')
        for name in ("theirs", "ours")
    )
    okta.create_security_events_provider(NAME, well_known_url=theirs)
    before = [vars_of(one) for one in sandbox.okta.providers]
    with pytest.raises(ConfigurationError, match="belongs to another transmitter"):
        okta.ensure_security_events_provider(NAME, well_known_url=ours)
    assert [vars_of(one) for one in sandbox.okta.providers] == before


def test_a_paused_provider_is_made_active_again(okta: OktaClient) -> None:
    made = _ensure(okta)
    okta.deactivate_security_events_provider(made.provider_id)
    assert _ensure(okta).is_active


def test_name_and_issuer_of_two_different_providers_are_not_guessed_about(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    okta.create_security_events_provider(NAME, issuer="https://a.example", jwks_url="https://a.example/j")
    okta.create_security_events_provider("Other", issuer=ISSUER, jwks_url="https://b.example/j")
    before = [vars_of(one) for one in sandbox.okta.providers]
    with pytest.raises(ConfigurationError, match="different security events providers"):
        _ensure(okta)
    assert [vars_of(one) for one in sandbox.okta.providers] == before


def vars_of(provider: Any) -> tuple[str, ...]:
    return (provider.id, provider.name, provider.issuer, provider.jwks_url, provider.status)


def test_somebody_elses_provider_is_left_alone(okta: OktaClient, sandbox: Sandbox) -> None:
    other = okta.create_security_events_provider(
        "Other", issuer="https://o.example", jwks_url="https://o.example/j"
    )
    _ensure(okta)
    assert len(sandbox.okta.providers) == 2
    assert okta.get_security_events_provider(other.provider_id) == other


def test_two_who_make_the_provider_at_the_same_time_make_one(sandbox: Sandbox) -> None:
    clients = [okta_of(sandbox) for _ in range(6)]
    together = threading.Barrier(len(clients))

    def ensure(client: OktaClient) -> str:
        together.wait()
        return str(_ensure(client).provider_id)

    with ThreadPoolExecutor(len(clients)) as pool:
        ids = set(pool.map(ensure, clients))
    assert len(ids) == 1
    assert len(sandbox.okta.providers) == 1


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "truncate"])
def test_a_provider_whose_making_lost_its_answer_is_made_once(
    okta: OktaClient, sandbox: Sandbox, kind: str
) -> None:
    sandbox.fail_next(kind=kind, method="POST")
    made = _ensure(okta)
    assert [one.id for one in sandbox.okta.providers] == [made.provider_id]


def test_a_well_known_url_is_enough(okta: OktaClient, sandbox: Sandbox) -> None:
    url = sandbox.publish(
        "ssf.json", f'{{"issuer": "{ISSUER}", "jwks_uri": "{sandbox.publish_jwks(KEY.jwks())}"}}'
    )
    first = okta.ensure_security_events_provider(NAME, well_known_url=url)
    assert first.issuer == ISSUER
    assert okta.ensure_security_events_provider(NAME, well_known_url=url) == first
    okta.publish_security_event(_token(sandbox))
    assert len(sandbox.okta.accepted_events) == 1


def test_a_feature_that_the_org_has_not_bought_is_named(okta: OktaClient, sandbox: Sandbox) -> None:
    body = '{"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature"}'
    sandbox.fail_next(status=401, path_prefix="/api/v1/security-events-providers", body=body)
    with pytest.raises(OktaUreError, match="Identity Threat Protection"):
        _ensure(okta)


# --- the System Log


def test_a_pushed_signal_is_found_in_the_system_log(okta: OktaClient, registered: Sandbox) -> None:
    user = registered.okta.users[0]
    okta.publish_security_event(_token(registered))
    events = list(
        okta.list_log_events(
            NOW - timedelta(seconds=60),
            filter=f'eventType eq "security.events.provider.receive_event" and target.id eq "{user.id}"',
        )
    )
    assert [event["eventType"] for event in events] == ["security.events.provider.receive_event"]
    assert events[0]["target"][0]["id"] == user.id


def test_polling_the_log_ends_at_the_first_empty_page_and_misses_nothing(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    for user in sandbox.okta.users[:30]:
        if user.status == "ACTIVE":
            okta.remove_member(group.id, user.id)
            okta.add_member(group.id, user.id)
    expected = [event["uuid"] for event in sandbox.okta.system_log]
    assert len(expected) > 10
    assert [event["uuid"] for event in okta.list_log_events(NOW - timedelta(hours=1), limit=7)] == expected
    bounded = okta.list_log_events(NOW - timedelta(hours=1), until=NOW + timedelta(hours=1), limit=7)
    assert sorted(event["uuid"] for event in bounded) == sorted(expected)


def test_an_empty_log_is_an_empty_list(okta: OktaClient, sandbox: Sandbox) -> None:
    assert list(okta.list_log_events(NOW - timedelta(minutes=1))) == []


def test_a_moment_without_offset_is_not_sent_to_the_log(okta: OktaClient, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="no UTC offset"):
        list(okta.list_log_events(datetime(2026, 11, 23)))  # noqa: DTZ001
    assert sandbox.requests == []


def test_a_wrong_filter_is_explained_by_okta(okta: OktaClient) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        list(okta.list_log_events(NOW - timedelta(hours=1), filter="published eq nonsense"))
    assert caught.value.code == "E0000053"


@pytest.mark.parametrize(
    "change", ["activate_security_events_provider", "deactivate_security_events_provider"]
)
def test_pausing_and_going_on_survive_a_lost_answer(okta: OktaClient, sandbox: Sandbox, change: str) -> None:
    made = _ensure(okta)
    sandbox.fail_next(kind="lost_answer", method="POST")
    assert getattr(okta, change)(made.provider_id).provider_id == made.provider_id
