"""Risk operators against the sandbox: a signal per change, for users that Okta knows, once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
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
    # How many may be changed at once is the subject of other tests.
    arguments = {"max_change_percent": 100, **arguments}
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
    assert len(okta.requests_to("okta", "POST", "/security/api/v1/security-events")) == 1
    assert len(okta.okta.providers) == 1


def test_another_moment_is_another_signal(okta, ann):
    later = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
    run(OktaPushRiskOperator, [row("ann")], ensure_provider=True)
    run(OktaPushRiskOperator, [row("ann", "low")], context_of(later), ensure_provider=True)
    assert len(events(okta)) == 2


def test_a_manual_run_speaks_for_the_moment_it_was_due_and_stays_the_same_when_cleared(okta, ann):
    for _ in range(2):
        run(OktaPushRiskOperator, [row("ann")], context_of(None, run_after=NOW), ensure_provider=True)
    assert len(events(okta)) == 1


@pytest.mark.parametrize(
    ("only_changes", "pushed"), [pytest.param(True, 0, id="only-changes"), pytest.param("False", 1, id="all")]
)
def test_a_level_that_was_delivered_is_pushed_again_only_on_request(okta, ann, only_changes, pushed):
    run(OktaPushRiskOperator, [row("ann", "high", "high")], ensure_provider=True)
    assert len(events(okta)) == 1
    later = context_of(NOW + timedelta(days=1))
    report = run(OktaPushRiskOperator, [row("ann", "high", "high")], later, only_changes=only_changes)
    assert report["counts"]["done"] == pushed
    assert len(events(okta)) == 1 + pushed


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
    assert okta.requests_to("okta", path_prefix="/api/") == []


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


# --- setting the risk: few calls, and one clear message


RISK_PATH = "/api/v1/users/"


def refusal(code: str, summary: str = "no", *causes: str) -> str:
    """Return the body of an Okta refusal."""
    body = {"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1"}
    return json.dumps({**body, "errorCauses": [{"errorSummary": cause} for cause in causes]})


def people(okta: Sandbox, count: int, level: str = "low") -> list[dict[str, Any]]:
    """Add users and return a row for each."""
    for index in range(count):
        okta.okta.add_user(login=f"u{index:03}@new.example")
    return [row(f"u{index:03}", level) for index in range(count)]


def test_everybodys_risk_is_read_before_the_first_one_is_set(okta):
    rows = people(okta, 40, "high")
    report = run(OktaUpsertUserRiskOperator, rows)
    calls = [one.method for one in okta.requests_to("okta") if one.path.endswith("/risk")]
    assert report["counts"]["done"] == 40
    assert calls == ["GET"] * 40 + ["PUT"] * 40


def test_who_has_the_level_already_costs_one_reading_and_no_more(okta):
    rows = people(okta, 10, "high")
    run(OktaUpsertUserRiskOperator, rows[:7])
    okta.clear_requests()
    report = run(OktaUpsertUserRiskOperator, rows)
    assert report["reasons"] == {"unchanged:same_level": 7}
    assert len(okta.requests_to("okta", "PUT")) == 3
    # Whoever is right already is not announced as somebody to act on, and is no failure.
    assert report["counts"] == {"done": 3, "planned": 0, "unchanged": 7, "skipped": 0, "failed": 0}


@pytest.mark.parametrize("level", ["high", "medium", "low"])
def test_each_level_arrives_with_a_reason_that_okta_can_take(okta, ann, level):
    reason = "Score {score}: <b>ä</b> see https://x.example/?u={user} " + "x" * 600
    run(OktaUpsertUserRiskOperator, [row("ann", level)], reason=reason)
    (put,) = okta.requests_to("okta", "PUT")
    said = json.loads(put.body)
    assert said["riskLevel"] == level.upper()
    assert said["riskReason"].startswith(
        "Score 100- -b---/b- see https---x.example--u-ann-new.example x".replace("/", "-")
    )
    assert said["riskReason"].endswith("xxx...")
    assert len(said["riskReason"]) == 500
    assert okta.okta.risk(ann).lower() == level


def test_an_empty_reason_is_not_sent(okta, ann):
    run(OktaUpsertUserRiskOperator, [row("ann")], reason="")
    (put,) = okta.requests_to("okta", "PUT")
    assert json.loads(put.body) == {"riskLevel": "HIGH"}


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        pytest.param(401, "E0000015", "needs Identity Engine with Identity Threat Protection", id="no-licence"),
        pytest.param(403, "E0000015", "needs Identity Engine with Identity Threat Protection", id="no-licence-403"),
        pytest.param(403, "E0000006", "has Identity Threat Protection, and that the admin role", id="no-role"),
        pytest.param(404, "E0000008", "needs Identity Engine", id="classic-engine"),
        pytest.param(403, "E0000005", "2025.10.1", id="old-release-with-oauth"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_org_without_user_risk_is_told_so_once_and_nothing_is_written(
    okta, status, code, message, dry_run
):
    rows = people(okta, 150)
    okta.fail_next(service="okta", status=status, path_prefix=RISK_PATH, times=1000, body=refusal(code))
    with pytest.raises(AirflowFailException, match=message) as caught:
        run(OktaUpsertUserRiskOperator, rows, fail_on="never", dry_run=dry_run)
    assert str(caught.value).count("HTTP") == 1
    assert "More: `airflow okta-ure explain okta-" in str(caught.value)
    risk_calls = [one for one in okta.requests_to("okta") if one.path.endswith("/risk")]
    assert {one.method for one in risk_calls} == {"GET"}
    assert len(risk_calls) <= 4 * 8


def test_a_user_that_the_role_does_not_cover_does_not_stop_the_others(okta):
    rows = people(okta, 50)
    hidden = next(user for user in okta.okta.users if user.login == "u007@new.example")
    okta.fail_next(
        service="okta", status=403, path_prefix=f"/api/v1/users/{hidden.id}/risk", body=refusal("E0000006")
    )
    report = run(OktaUpsertUserRiskOperator, rows, fail_on=2)
    assert report["counts"]["done"] == 49
    assert report["reasons"] == {"failed:not_permitted": 1}
    assert okta.okta.risk(hidden.id).lower() == "none"


def test_a_credential_that_may_read_and_not_set_is_stopped_after_one_round(okta):
    rows = people(okta, 150)
    okta.fail_next(service="okta", status=403, method="PUT", times=1000, body=refusal("E0000006"))
    with pytest.raises(AirflowFailException, match="the admin role of the credential covers"):
        run(OktaUpsertUserRiskOperator, rows, fail_on="never")
    assert len(okta.requests_to("okta", "PUT")) == 32


def test_an_org_that_does_not_know_medium_yet_is_asked_once_and_the_others_are_set(okta):
    rows = people(okta, 60, "medium")
    for one in rows[::2]:
        one["risk_level"] = "high"
    okta.fail_next(
        service="okta",
        status=400,
        method="PUT",
        path_prefix=f"/api/v1/users/{okta.okta.users[-59].id}/risk",
        body=refusal("E0000001", "Api validation failed: riskLevel", "riskLevel: Not one of the allowed values."),
    )  # fmt: skip
    context = context_of()
    with pytest.raises(
        AirflowFailException, match=r"Orgs before release 2026\.04\.2 take only HIGH and LOW"
    ) as caught:
        run(OktaUpsertUserRiskOperator, rows, context, workers=1)
    assert str(caught.value).endswith("More: `airflow okta-ure explain okta-risk-level`")
    report = context["ti"].pushed["report"]
    assert report["counts"] == {"done": 30, "planned": 0, "unchanged": 0, "skipped": 0, "failed": 30}
    assert len(okta.requests_to("okta", "PUT")) == 31


def test_the_sandbox_without_identity_threat_protection_agrees(okta):
    rows = people(okta, 3)
    okta.options.has_itp = False
    with pytest.raises(AirflowFailException, match="needs Identity Engine with Identity Threat Protection"):
        run(OktaUpsertUserRiskOperator, rows)


def test_whoever_vanishes_between_search_and_reading_fails_alone(okta):
    rows = people(okta, 5)
    gone = next(user for user in okta.okta.users if user.login == "u002@new.example")
    okta.fail_next(
        service="okta",
        status=404,
        path_prefix=f"/api/v1/users/{gone.id}/risk",
        body=refusal("E0000007", f"Not found: Resource not found: {gone.id} (User)"),
    )
    report = run(OktaUpsertUserRiskOperator, rows, fail_on="never")
    assert report["reasons"] == {"failed:user_not_in_okta": 1}
    assert report["counts"]["done"] == 4


def test_no_action_hands_over_all_matches_as_rows_when_it_is_asked_to(okta):
    rows = [row(f"user{number}") for number in range(30)]
    context = context_of()
    returned: Any = run(OktaNoActionOperator, [rows, rows[:1]], context, return_rows="true")
    assert [one["user"] for one in returned] == [one["user"] for one in rows]
    assert {one["risk_level"] for one in returned} == {"high"}
    report = context["ti"].pushed["report"]
    assert report["reasons"] == {"done:recorded": 30}
    assert len(report["examples"]) == 10
    nobody: Any = run(OktaNoActionOperator, [], context_of(), return_rows=True)
    assert nobody == []
