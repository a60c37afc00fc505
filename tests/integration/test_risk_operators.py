"""Risk operators against the sandbox: a signal per change, for users that Okta knows, once."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.operators.okta import (
    OktaNoActionOperator,
    OktaPushRiskOperator,
    OktaSecurityEventsProviderOperator,
    OktaUpsertUserRiskOperator,
)
from tests.integration.conftest import NOW, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

RECEIVED = "security.events.provider.receive_event"


def run(
    operator: type[Any], rows: Any, context: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    result: dict[str, Any] = operator(task_id="act", rows=rows, **arguments).execute(context or context_of())
    return result


def row(name: str, current: str = "high", previous: str = "none", **more: Any) -> dict[str, Any]:
    return {
        "user": f"{name}@new.example",
        "score": 100,
        "risk_level": current,
        "previous_risk_level": previous,
        **more,
    }


def events(okta: Sandbox) -> list[dict[str, Any]]:
    return [one for one in okta.okta.system_log if one["eventType"] == RECEIVED]


@pytest.fixture
def ann(okta: Sandbox) -> str:
    return okta.okta.add_user(login="ann@new.example").id


def test_a_change_of_level_becomes_one_signal_in_oktas_system_log(okta, ann):
    report = run(OktaPushRiskOperator, [row("Ann", "high", "low")], ensure_provider=True)
    assert report["counts"]["done"] == 1
    assert [one["target"][0]["id"] for one in events(okta)] == [ann]
    assert okta.okta.risk(ann).lower() == "high"
    assert report["examples"][0]["jti"]
    assert report["target"]["audience"] == okta.okta_url


def test_the_same_change_again_has_no_second_effect(okta, ann):
    for _ in range(2):
        run(OktaPushRiskOperator, [row("ann")], ensure_provider=True)
    assert len(events(okta)) == 1
    assert len(okta.requests_to("okta", "POST", "/security/api/v1/security-events")) == 2
    assert len(okta.okta.providers) == 1


def test_another_moment_is_another_signal(okta, ann):
    later = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
    run(OktaPushRiskOperator, [row("ann")], ensure_provider=True)
    run(OktaPushRiskOperator, [row("ann")], context_of(later), ensure_provider=True)
    assert len(events(okta)) == 2


def test_a_manual_run_speaks_for_the_moment_it_was_due_and_stays_the_same_when_cleared(okta, ann):
    for _ in range(2):
        run(OktaPushRiskOperator, [row("ann")], context_of(None, run_after=NOW), ensure_provider=True)
    assert len(events(okta)) == 1


@pytest.mark.parametrize(
    ("only_changes", "pushed"), [pytest.param(True, 0, id="only-changes"), pytest.param("False", 1, id="all")]
)
def test_an_unchanged_level_is_pushed_only_on_request(okta, ann, only_changes, pushed):
    rows = [row("ann", "high", "high")]
    report = run(OktaPushRiskOperator, rows, ensure_provider=True, only_changes=only_changes)
    assert report["counts"]["done"] == pushed
    assert len(events(okta)) == pushed


def test_whom_okta_does_not_know_is_skipped_and_not_pushed(okta, ann):
    okta.okta.add_user(login="gone@new.example", status="DEPROVISIONED")
    report = run(OktaPushRiskOperator, [row("ann"), row("nobody"), row("gone")], ensure_provider=True)
    assert report["reasons"] == {"skipped:user_deprovisioned": 1, "skipped:user_not_in_okta": 1}
    assert len(okta.requests_to("okta", "POST", "/security/api/v1/security-events")) == 1


def test_the_subject_is_the_login_even_when_the_row_names_the_email(okta):
    user = okta.okta.add_user(login="bob.login@new.example", email="bob@new.example")
    run(OktaPushRiskOperator, [row("bob")], ensure_provider=True)
    assert [one["target"][0]["id"] for one in events(okta)] == [user.id]


def test_a_missing_score_is_neither_low_nor_high(okta, ann):
    report = run(OktaPushRiskOperator, [row("ann", "none", "high", score=None)], ensure_provider=True)
    assert report["reasons"] == {"skipped:no_score": 1}
    assert events(okta) == []


def test_a_dry_run_pushes_nothing_and_registers_nothing(okta, ann):
    report = run(OktaPushRiskOperator, [row("ann")], ensure_provider=True, dry_run=True)
    assert report["counts"]["planned"] == 1
    assert not okta.okta.providers
    assert events(okta) == []


def test_without_a_registration_the_refusal_ends_the_task_and_is_explained(okta, ann):
    with pytest.raises(AirflowFailException, match="invalid_issuer"):
        run(OktaPushRiskOperator, [row("ann")])


def test_the_key_is_not_in_the_error_when_it_is_wrong(okta, connect, ann):
    connect(
        "broken",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra={"issuer": "https://i.example", "signing_private_key": "-----BEGIN CANARY-----"},
    )
    with pytest.raises(AirflowFailException) as caught:
        run(OktaPushRiskOperator, [row("ann")], okta_conn_id="broken")
    assert "CANARY" not in str(caught.value)


def test_a_connection_that_cannot_sign_says_which_field_is_missing(okta, connect, ann):
    connect("plain", conn_type="okta", host=okta.okta_url, password=okta.okta_token)
    with pytest.raises(AirflowFailException, match="has no issuer, which pushing risk needs"):
        run(OktaPushRiskOperator, [row("ann")], okta_conn_id="plain")


def test_rows_without_levels_are_refused(okta):
    with pytest.raises(AirflowFailException, match=r"Row 0 .* has no risk_level.*RiskMapLevelsOperator"):
        run(OktaPushRiskOperator, [{"user": "ann@new.example", "score": 100}])


def test_a_reason_with_an_unknown_field_is_refused_before_any_call(okta):
    with pytest.raises(AirflowFailException, match=r"reason_admin: \{scor\}"):
        run(OktaPushRiskOperator, [row("ann")], reason_admin="{scor}")
    assert okta.requests_to("okta") == []


def test_the_risk_is_set_once_and_left_alone_when_it_is_right(okta, ann):
    first = run(OktaUpsertUserRiskOperator, [row("ann", "medium")])
    second = run(OktaUpsertUserRiskOperator, [row("ann", "medium")])
    assert okta.okta.risk(ann).lower() == "medium"
    assert first["counts"]["done"] == 1
    assert second["reasons"] == {"unchanged:same_level": 1}
    assert len(okta.requests_to("okta", "PUT")) == 1


def test_a_dry_run_of_setting_the_risk_knows_who_has_it_already(okta, ann):
    run(OktaUpsertUserRiskOperator, [row("ann", "medium")])
    okta.okta.add_user(login="bob@new.example")
    report = run(OktaUpsertUserRiskOperator, [row("ann", "medium"), row("bob")], dry_run=True)
    assert report["counts"]["planned"] == 1
    assert report["counts"]["unchanged"] == 1
    assert len(okta.requests_to("okta", "PUT")) == 1


def test_the_risk_none_is_not_set(okta, ann):
    report = run(OktaUpsertUserRiskOperator, [row("ann", "none")])
    assert report["reasons"] == {"skipped:level_not_settable": 1}


def test_no_action_reports_everybody_and_calls_nobody(okta):
    report = run(OktaNoActionOperator, [row("ann"), row("bob")])
    assert report["reasons"] == {"done:recorded": 2}
    assert okta.requests_to("okta") == []


def provider(okta: Sandbox, **arguments: Any) -> dict[str, Any]:
    context_of()
    context: Any = context_of()
    result: dict[str, Any] = OktaSecurityEventsProviderOperator(task_id="p", **arguments).execute(context)
    return result


def test_the_registration_is_made_once_and_kept_up_to_date(okta):
    first = provider(okta)
    again = provider(okta)
    moved = provider(okta, jwks_url="https://risk.corp.example/keys.json")
    assert first["provider_id"] == again["provider_id"] == moved["provider_id"]
    assert moved["jwks_url"] == "https://risk.corp.example/keys.json"
    assert moved["status"] == "ACTIVE"
    assert len(okta.okta.providers) == 1


def test_a_registration_without_an_address_for_the_key_is_refused(okta, connect):
    connect("plain", conn_type="okta", host=okta.okta_url, password=okta.okta_token)
    with pytest.raises(AirflowFailException, match="address for our public key"):
        provider(okta, okta_conn_id="plain")
