"""Reading Okta's users: each once, in order, with their risk on request, and fit for the other operators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.rows import to_rows
from airflow_provider_okta_ure.operators.okta import OktaFetchUsersOperator, OktaUpsertUserRiskOperator
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator
from tests.integration.conftest import context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


def run(operator: Any) -> Any:
    return operator.execute(context_of())


def fetch(**arguments: Any) -> list[dict[str, Any]]:
    context: Any = context_of()
    rows: list[dict[str, Any]] = OktaFetchUsersOperator(task_id="fetch", **arguments).execute(context)
    assert json.loads(json.dumps(rows)) == rows
    return rows


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["user"] for row in rows]


def refusal(code: str, summary: str = "no") -> str:
    return json.dumps({"errorCode": code, "errorSummary": summary, "errorCauses": []})


@pytest.fixture
def team(okta: Sandbox) -> Sandbox:
    """A group of four: one locked out, one deprovisioned, in no particular order."""
    group = okta.okta.add_group("Team")
    for login, status in (
        ("Zoe@new.example", "ACTIVE"),
        ("bob@new.example", "LOCKED_OUT"),
        ("ann@new.example", "ACTIVE"),
        ("gone@new.example", "DEPROVISIONED"),
    ):
        user = okta.okta.add_user(login=login, email=f"mail.{login}", status=status)
        if status != "DEPROVISIONED":
            okta.okta.add_member(group.id, user.id)
    okta.clear_requests()
    return okta


def test_everybody_is_listed_once_sorted_and_without_the_deprovisioned(team):
    rows = fetch()
    logins = sorted(
        (user.login for user in team.okta.users if user.status != "DEPROVISIONED"), key=str.casefold
    )
    assert names(rows) == logins
    assert "gone@new.example" not in logins
    assert all(set(row) == {"user", "user_id", "email", "status"} for row in rows)
    assert len(team.requests_to("okta")) == 1


@pytest.mark.parametrize("by_name", [True, False])
def test_a_group_has_its_members(team, by_name):
    group = team.okta.find_group("Team")
    rows = fetch(**({"group_name": "Team"} if by_name else {"group_id": group.id}))
    assert names(rows) == ["ann@new.example", "bob@new.example", "Zoe@new.example"]
    assert rows[0]["email"] == "mail.ann@new.example"


def test_logins_and_addresses_find_their_users_whatever_their_case(team):
    rows = fetch(logins=["ANN@new.example", "Mail.Bob@new.example", "ann@new.example", "nobody@new.example"])
    assert names(rows) == ["ann@new.example", "bob@new.example"]


def test_logins_may_come_as_rows_of_another_task(team):
    assert names(fetch(logins=[{"user": "ann@new.example", "score": 100}])) == ["ann@new.example"]
    assert fetch(logins=[]) == []


def test_a_search_finds_deprovisioned_users_too_and_the_status_narrows_it(team):
    search = 'profile.login sw "gone" or profile.login sw "ann@"'
    assert "gone@new.example" in names(fetch(search=search))
    assert "gone@new.example" not in names(fetch(search=search, statuses=["ACTIVE"]))


def test_statuses_alone_are_searched_for(team):
    rows = fetch(statuses=["locked_out", "DEPROVISIONED"])
    assert {row["status"] for row in rows} == {"LOCKED_OUT", "DEPROVISIONED"}
    assert {"bob@new.example", "gone@new.example"} <= set(names(rows))


def test_a_user_of_two_pages_is_one_row(team, monkeypatch):
    from airflow_provider_okta_ure.clients.okta import OktaClient

    listed = OktaClient.list_users
    monkeypatch.setattr(OktaClient, "list_users", lambda client: [*listed(client), *listed(client)])
    rows = fetch()
    assert len({row["user_id"] for row in rows}) == len(rows)


# --- with the risk


def test_the_risk_is_read_with_one_call_for_each_user(team):
    ids = {user.login: user.id for user in team.okta.users}
    risks = [{"user": "ann@new.example", "risk_level": "high", "score": 1}]
    run(OktaUpsertUserRiskOperator(task_id="u", rows=risks, reason="Low confidence"))
    team.clear_requests()
    rows = fetch(logins=["ann@new.example", "bob@new.example", "gone@new.example"], with_risk="True")
    assert [(row["user"], row["risk_level"], row.get("risk_reason")) for row in rows] == [
        ("ann@new.example", "high", "Low confidence"),
        ("bob@new.example", "none", None),
        ("gone@new.example", None, None),
    ]
    calls = sorted(one.path for one in team.requests_to("okta") if one.path.endswith("/risk"))
    assert calls == sorted(
        f"/api/v1/users/{ids[name]}/risk" for name in ("ann@new.example", "bob@new.example")
    )


def test_the_rows_are_rows_for_the_other_operators(team):
    risks = [{"user": "ann@new.example", "risk_level": "high", "score": 1}]
    run(OktaUpsertUserRiskOperator(task_id="u", rows=risks))
    rows = fetch(group_name="Team", with_risk=True)
    assert [row.risk_level for row in to_rows(rows)] == ["high", "none", "none"]
    kept = run(RiskFilterOperator(task_id="f", rows=rows, rule='risk_level == "high"'))
    assert names(kept) == ["ann@new.example"]
    report = run(OktaUpsertUserRiskOperator(task_id="u", rows=kept))
    assert report["reasons"] == {"unchanged:same_level": 1}


def test_an_org_without_user_risk_is_told_so_once(team):
    team.options.has_itp = False
    with pytest.raises(AirflowFailException, match="needs Identity Engine with Identity Threat Protection"):
        fetch(with_risk=True)
    assert len([one for one in team.requests_to("okta") if one.path.endswith("/risk")]) <= 32
    assert fetch(group_name="Team")


def test_whoever_vanishes_meanwhile_is_left_out(team):
    user = team.okta.find_user("bob@new.example")
    gone = refusal("E0000007", f"Not found: Resource not found: {user.id} (User)")
    team.fail_next(service="okta", status=404, path_prefix=f"/api/v1/users/{user.id}/risk", body=gone)
    assert names(fetch(group_name="Team", with_risk=True)) == ["ann@new.example", "Zoe@new.example"]


def test_half_a_list_is_never_returned(team):
    user = team.okta.find_user("bob@new.example")
    team.fail_next(
        service="okta", status=403, path_prefix=f"/api/v1/users/{user.id}/risk", body=refusal("E0000006")
    )
    with pytest.raises(AirflowFailException, match="E0000006"):
        fetch(group_name="Team", with_risk=True)


# --- what is wrong is said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logins": ["a"], "search": "x"}, "logins and search are set"),
        ({"group_id": "a", "group_name": "b"}, "group_id and group_name are set"),
        ({"logins": "ann lee"}, "logins is not a list of names"),
        ({"logins": " "}, "logins is ' '"),
        ({"logins": {"user": "ann"}}, "logins is not a list of names"),
        ({"logins": [" "]}, "logins is not a list of names"),
        ({"logins": [{"score": 1}]}, "logins is not a list of names"),
        ({"statuses": ["ACTIV"]}, r"names 'ACTIV'.*Did you mean 'ACTIVE'\?"),
        ({"statuses": ["?"]}, "The statuses are STAGED"),
        ({"statuses": "ACTIVE"}, "Use a list such as"),
        ({"statuses": []}, "Use a list such as"),
        ({"with_risk": "perhaps"}, "with_risk is 'perhaps'"),
        ({"search": 7.5}, "search is 7.5, which is no text"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_the_first_call(team, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        fetch(**arguments)
    assert team.requests_to("okta") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_name": "Nobody"}, "There is no group named 'Nobody'.*explain group-not-found`"),
        ({"group_id": "00gnone"}, "no group with the id '00gnone'"),
        ({"search": "profile.login eq"}, "E0000031.*explain okta-search`"),
    ],
)
def test_what_okta_does_not_have_or_understand_fails_the_task_for_good(team, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        fetch(**arguments)
