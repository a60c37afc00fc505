"""Group operators against the sandbox: only the difference is written, and never to the wrong person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.errors import OutcomeError
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaRemoveFromGroupOperator
from tests.integration.conftest import context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

ADD, REMOVE = OktaAddToGroupOperator, OktaRemoveFromGroupOperator


def people(okta: Sandbox, *names: str) -> dict[str, str]:
    """Add active users and return their ids by name."""
    return {name: okta.okta.add_user(login=f"{name}@new.example").id for name in names}


def rows(*names: str) -> list[dict[str, Any]]:
    return [{"user": f"{name}@new.example", "score": 100} for name in names]


def run(
    operator: type[Any], rows: Any, context: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    result: dict[str, Any] = operator(task_id="act", rows=rows, **arguments).execute(context or context_of())
    return result


def writes(okta: Sandbox) -> list[str]:
    return [one.line() for one in okta.requests_to("okta") if one.method in ("PUT", "DELETE", "POST")]


def test_users_are_added_to_a_group_that_is_created_on_the_way(okta):
    ids = people(okta, "ann", "bob")
    report = run(ADD, rows("ann", "bob", "nobody"), group_name="At risk", create_group=True)
    group = okta.okta.find_group("At risk")
    assert group is not None
    assert okta.okta.members(group.id) == set(ids.values())
    assert report["counts"] == {"done": 2, "planned": 0, "unchanged": 0, "skipped": 1, "failed": 0}
    assert report["reasons"] == {"skipped:user_not_in_okta": 1}
    assert report["target"] == {"group_id": group.id, "group_name": "At risk"}


def test_the_second_time_nothing_is_written(okta):
    people(okta, "ann", "bob")
    group = okta.okta.add_group("At risk")
    run(ADD, rows("ann", "bob"), group_id=group.id)
    okta.clear_requests()
    report = run(ADD, rows("ann", "bob"), group_id=group.id)
    assert report["reasons"] == {"unchanged:already_member": 2}
    assert writes(okta) == []


def test_removing_takes_out_members_only(okta):
    ids = people(okta, "ann", "bob", "carl")
    group = okta.okta.add_group("At risk")
    for name in ("ann", "bob"):
        okta.okta.add_member(group.id, ids[name])
    report = run(REMOVE, rows("ann", "carl", "nobody"), group_name="At risk", only_added_by_us=False)
    assert okta.okta.members(group.id) == {ids["bob"]}
    assert report["counts"]["done"] == 1
    assert report["reasons"] == {"unchanged:not_a_member": 2}
    assert len(writes(okta)) == 1


def test_names_are_matched_whatever_their_case(okta):
    ids = people(okta, "ann")
    group = okta.okta.add_group("At risk")
    run(ADD, [{"user": "ANN@New.Example"}], group_id=group.id)
    assert okta.okta.members(group.id) == {ids["ann"]}


def test_an_email_of_two_users_moves_neither(okta):
    for login in ("one@new.example", "two@new.example"):
        okta.okta.add_user(login=login, email="shared@new.example")
    group = okta.okta.add_group("At risk")
    report = run(ADD, [{"user": "shared@new.example"}], group_id=group.id)
    assert report["reasons"] == {"skipped:ambiguous_user": 1}
    assert okta.okta.members(group.id) == set()


def test_a_deprovisioned_user_is_skipped_with_the_reason(okta):
    okta.okta.add_user(login="gone@new.example", status="DEPROVISIONED")
    report = run(ADD, rows("gone"), group_name="At risk", create_group=True)
    assert report["reasons"] == {"skipped:user_deprovisioned": 1}


@pytest.mark.parametrize("empty", [[], (), iter([])], ids=["list", "tuple", "lazy"])
def test_no_rows_are_success_and_not_one_call(okta, empty):
    report = run(ADD, empty, group_name="There is no such group")
    assert report["total"] == 0
    assert okta.requests_to("okta") == []


@pytest.mark.parametrize("empty", [[], (), iter([])], ids=["list", "tuple", "lazy"])
def test_no_rows_to_remove_are_success_and_not_one_write(okta, empty):
    """The time of a member can be over without any row about him, so the group is looked at."""
    report = run(REMOVE, empty, group_name="There is no such group")
    assert report["total"] == 0
    assert writes(okta) == []


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(okta):
    people(okta, "ann", "bob")
    report = run(ADD, rows("ann", "bob", "nobody"), group_name="At risk", create_group=True, dry_run=True)
    assert report["dry_run"] is True
    assert report["counts"]["planned"] == 2
    assert report["counts"]["skipped"] == 1
    assert okta.okta.find_group("At risk") is None
    assert writes(okta) == []


def test_a_dry_run_from_a_template_is_a_dry_run(okta):
    people(okta, "ann")
    group = okta.okta.add_group("At risk")
    report = run(ADD, rows("ann"), group_id=group.id, dry_run="True")
    assert report["counts"]["planned"] == 1
    with pytest.raises(AirflowFailException, match="dry_run is 'yes'"):
        run(ADD, rows("ann"), group_id=group.id, dry_run="yes")


@pytest.mark.parametrize("kind", ["APP_GROUP", "BUILT_IN"])
@pytest.mark.parametrize("operator", [ADD, REMOVE])
def test_a_group_that_is_not_ours_to_write_is_refused_before_the_first_write(okta, operator, kind):
    people(okta, "ann")
    group = okta.okta.add_group("Imported", type=kind)
    with pytest.raises(AirflowFailException, match=r"'Imported' .* alone decides about its members"):
        run(operator, rows("ann"), group_id=group.id)
    assert writes(okta) == []


@pytest.mark.parametrize("operator", [ADD, REMOVE])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"group_name": "Nothing"}, "There is no group named 'Nothing'", id="unknown-name"),
        pytest.param({"group_id": "00gnothing"}, "no group with the id '00gnothing'", id="unknown-id"),
        pytest.param({}, "Neither group_id nor group_name is set", id="neither"),
        pytest.param({"group_id": "x", "group_name": "y"}, "Both group_id and group_name are set", id="both"),
        pytest.param({"group_name": 1.5}, "group_name is 1.5, which is no text", id="native-rendering"),
    ],
)
def test_a_group_that_cannot_be_told_fails_the_task_for_good(okta, operator, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        run(operator, rows("ann"), **arguments)


def test_a_missing_group_has_nobody_to_remove_when_that_is_allowed(okta):
    report = run(REMOVE, rows("ann"), group_name="Nothing", missing_group_ok=True)
    assert report["reasons"] == {"unchanged:not_a_member": 1}


def test_two_groups_of_one_name_are_ambiguous(okta):
    okta.okta.add_group("Twins")
    okta.okta.add_group("Twins", type="APP_GROUP")
    with pytest.raises(AirflowFailException, match="Twins"):
        run(ADD, rows("ann"), group_name="Twins")


def test_one_users_failure_does_not_stop_the_others_and_fails_the_task(okta):
    ids = people(okta, "ann", "bob", "carl")
    group = okta.okta.add_group("At risk")
    okta.fail_next(
        service="okta", status=400, method="PUT", path_prefix=f"/api/v1/groups/{group.id}/users/{ids['bob']}"
    )
    context = context_of()
    with pytest.raises(AirflowFailException, match="1 of 3 users failed") as caught:
        run(ADD, rows("ann", "bob", "carl"), context, group_id=group.id)
    assert isinstance(caught.value.__cause__, OutcomeError)
    assert okta.okta.members(group.id) == {ids["ann"], ids["carl"]}
    assert context["ti"].pushed["report"]["counts"]["done"] == 2
    assert context["ti"].pushed["report"]["failures"][0]["user"] == "bob@new.example"


def test_failures_below_fail_on_are_reported_and_forgiven(okta):
    ids = people(okta, "ann", "bob", "carl")
    group = okta.okta.add_group("At risk")
    okta.fail_next(
        service="okta", status=400, method="PUT", path_prefix=f"/api/v1/groups/{group.id}/users/{ids['bob']}"
    )
    report = run(ADD, rows("ann", "bob", "carl"), group_id=group.id, fail_on="50%")
    assert report["counts"]["failed"] == 1


def test_a_revoked_token_ends_the_task_at_once(okta):
    people(okta, "ann")
    okta.okta.rotate_token()
    with pytest.raises(AirflowFailException, match=r"HTTP 401.*E0000011") as caught:
        run(ADD, rows("ann"), group_name="At risk")
    assert "token" in str(caught.value)
    assert len(okta.requests_to("okta", path_prefix="/api/")) == 1


def test_a_token_revoked_in_the_middle_stops_the_rest(okta):
    names = [f"u{index}" for index in range(60)]
    people(okta, *names)
    group = okta.okta.add_group("At risk")
    okta.fail_next(service="okta", status=401, method="PUT", times=1000)
    context = context_of()
    with pytest.raises(AirflowFailException, match="401"):
        run(ADD, rows(*names), context, group_id=group.id, max_change_percent=100)
    report = context["ti"].pushed["report"]
    assert report["counts"]["failed"] == 60
    assert report["reasons"]["failed:not_attempted"] >= 28
    assert len(okta.requests_to("okta", "PUT")) < 60


def test_an_unmatched_row_names_row_and_field(okta):
    with pytest.raises(AirflowFailException, match=r"(?i)row 1.*score"):
        run(
            ADD,
            [{"user": "ann@new.example"}, {"user": "bob@new.example", "score": "low"}],
            group_name="At risk",
        )
