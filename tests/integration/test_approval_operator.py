# SPDX-License-Identifier: Apache-2.0
"""What is asked, and who answered what and when: made from the action log, written to it, and sealed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.errors import ActionLogError, ConfigurationError, NotApprovedError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.hooks.sealing import sealing_key_of
from airflow_provider_okta_ure.operators.approval import OktaApprovalOperator
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.identity import RunIdentity
from tests.integration.approving import (
    ANSWERED,
    answer,
    ask,
    carry_out,
    event,
    in_task,
    plan,
    planned,
    question,
    questions,
    recorded,
)
from tests.integration.conftest import NOW
from tests.integration.judging_support import (
    ADD,
    PUSH,
    REMOVE,
    UPSERT,
    logged,
    people,
    row,
    rows,
    run,
    writes,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["questions"]


@pytest.fixture
def group(okta: Sandbox) -> str:
    """A group, and three people for whom their addition to it is planned."""
    people(okta, 3)
    found = str(okta.okta.add_group("At risk").id)
    plan(ADD, rows(3), group_id=found)
    okta.clear_requests()
    return found


# --- the question


def test_the_question_is_made_from_the_plans_in_the_action_log(okta, group, questions):
    plan(UPSERT, rows(1), in_task("plan_more"))
    ask(question(["plan", "plan_more"]))
    (asked,) = questions
    assert asked["subject"] == "Okta: 4 changes as of 2026-11-23 03:00 UTC"
    assert "### Add 3 users to the group `At risk`" in asked["body"]
    assert "### Set the risk of 1 user in Okta" in asked["body"]
    for number in range(3):
        assert f"`p{number}@new.example`" in asked["body"]


def test_all_parts_of_a_mapped_task_that_planned_are_asked_about(okta, questions):
    people(okta, 4)
    group = okta.okta.add_group("At risk").id
    for part in (0, 1):
        plan(ADD, rows(4)[2 * part : 2 * part + 2], in_task("plan", map_index=part), group_id=group)
    ask()
    assert questions[0]["subject"].startswith("Okta: 4 changes")
    assert questions[0]["body"].count("### Add 2 users") == 2


def test_what_the_dag_says_is_only_added(group, questions):
    ask(question(subject="Runbook 7", body="Call the help desk first."))
    (asked,) = questions
    assert asked["subject"] == "Okta: 3 changes as of 2026-11-23 03:00 UTC. Runbook 7"
    assert asked["body"].startswith("### Add 3 users")
    assert asked["body"].endswith("\n\nCall the help desk first.")


def test_plans_without_changes_are_not_shown_and_alone_ask_nobody(okta, group, questions):
    nobody = okta.okta.add_group("Nobody").id
    plan(REMOVE, rows(3), in_task("plan_remove"), group_id=nobody)
    plan(PUSH, [], in_task("plan_push"))
    ask(question(["plan", "plan_remove", "plan_push"]))
    assert questions[0]["body"].count("###") == 1
    with pytest.raises(AirflowSkipException, match="Nothing is to be changed"):
        question(["plan_remove", "plan_push"]).execute(in_task("approve"))
    assert len(questions) == 1


def test_a_task_that_left_no_plan_in_this_run_is_an_error_and_no_reason_to_ask_less(group, questions):
    plan(ADD, rows(3), in_task("plan_more", run_id="another"), group_id=group)
    with pytest.raises(AirflowFailException, match="no plan of the task plan_more in this run"):
        question(["plan", "plan_more"]).execute(in_task("approve"))
    assert questions == []


def test_signals_that_are_off_are_a_plan_of_nothing(okta, group, questions):
    plan(PUSH, rows(3), in_task("plan_push"), signals="off")
    ask(question(["plan", "plan_push"]))
    assert questions[0]["subject"].startswith("Okta: 3 changes")


def test_plans_for_two_orgs_are_not_asked_about_with_the_secret_of_one(okta, group, connect):
    connect("other", conn_type="okta", host="https://other.okta.com", password="00" + "b" * 40)
    # As if an alias of the other org had been seen before.
    other = question(okta_conn_id="other")
    other_org = pytest.MonkeyPatch()
    with other_org.context() as patch:
        patch.setattr(
            "airflow_provider_okta_ure.action_log.log.ActionLog.org_at", lambda self, url, find: url
        )
        with pytest.raises(AirflowFailException, match="is for the Okta org"):
            other.execute(in_task("approve"))


@pytest.mark.parametrize("plans", [[], "plan", [1]])
def test_a_question_names_the_tasks_that_planned(plans):
    with pytest.raises(ConfigurationError, match="plans is"):
        question(plans)


@pytest.mark.parametrize("defaults", ["Approve", ["Approve"]])
def test_silence_cannot_be_an_approval(defaults):
    with pytest.raises(ConfigurationError, match="no answer would be an approval"):
        question(defaults=defaults)
    assert question(defaults="Reject").defaults == ["Reject"]


def test_who_may_answer_is_left_to_airflow(group, questions):
    approvers = [{"id": "7", "name": "Eve"}]
    ask(question(assigned_users=approvers))
    assert questions[0]["assigned_users"] == approvers


# --- the record


def test_a_question_is_recorded_before_anybody_answers(group):
    ask(question(response_timeout=timedelta(hours=23)))
    record = recorded()
    assert (record.answer, record.answered_by, record.answered_at) == ("", "", None)
    assert record.subject == "Okta: 3 changes as of 2026-11-23 03:00 UTC"
    assert (record.task_id, record.as_of) == ("approve", NOW)
    assert record.due_at is not None
    assert record.due_at - record.asked_at == timedelta(hours=23)
    (shown,) = record.plans
    assert shown.digest == planned()[0].digest
    assert len(shown.digest) == 64


@pytest.mark.parametrize(("chosen", "expected"), [("Approve", "approved"), ("Reject", "rejected")])
def test_an_answer_is_recorded_with_who_gave_it_and_when(group, chosen, expected):
    ask()
    asked = recorded()
    answer(chosen)
    record = recorded()
    assert (record.answer, record.answered_by, record.answered_by_id) == (expected, "Eve", "7")
    assert record.answered_at == ANSWERED
    assert (record.asked_at, record.subject, record.plans) == (asked.asked_at, asked.subject, asked.plans)


def test_the_seal_is_for_the_whole_record_and_made_with_the_secret_of_the_connection(group, connect, okta):
    import msgspec

    key = sealing_key_of(OktaHook("okta_default"))
    ask()
    assert recorded().is_sealed(key)
    answer()
    record = recorded()
    assert record.is_sealed(key)
    changes: dict[str, Any] = {
        "dag_id": "x",
        "run_id": "x",
        "task_id": "x",
        "map_index": 3,
        "org": "x",
        "answer": "rejected",
        "answered_by": "x",
        "answered_by_id": "x",
        "answered_at": NOW,
        "asked_at": NOW,
        "as_of": ANSWERED,
        "due_at": NOW,
        "subject": "x",
        "plans": (),
    }
    assert {*changes, "seal"} == set(record.__struct_fields__)
    for name, value in changes.items():
        assert not msgspec.structs.replace(record, **{name: value}).is_sealed(key), name
    connect("rotated", conn_type="okta", host=okta.okta_url, password="00" + "c" * 40)
    assert not record.is_sealed(sealing_key_of(OktaHook("rotated")))


def test_the_key_of_a_service_app_seals_too_and_a_connection_without_a_secret_seals_nothing(
    okta, connect, signing_key
):
    app: dict[str, Any] = {"conn_type": "okta", "host": okta.okta_url, "login": "0oaAPP"}
    connect("app", **app, extra={"auth_method": "private_key_jwt", "client_private_key": signing_key.pem})
    connect("bare", **app, extra={"auth_method": "private_key_jwt"})
    assert sealing_key_of(OktaHook("app")) != sealing_key_of(OktaHook("okta_default"))
    with pytest.raises(ConfigurationError, match="no client_private_key"):
        sealing_key_of(OktaHook("bare"))


def test_no_answer_in_time_is_recorded_and_fails_as_airflow_does(group):
    ask()
    operator = question()
    with pytest.raises(HITLTimeoutError):
        operator.execute_complete(in_task("approve"), {"error": "late", "error_type": "timeout"})
    record = recorded()
    assert (record.answer, record.answered_by) == ("unanswered", "")
    assert record.answered_at is not None


def test_a_default_rejection_is_no_answer_of_a_person(group):
    ask(question(defaults="Reject"))
    silent = event("Reject", responded_by_user=None, responded_at=None, timedout=True)
    silent["responded_at"] = ANSWERED
    operator = question(defaults="Reject")
    operator.execute_complete(in_task("approve"), silent)
    assert (recorded().answer, recorded().answered_by) == ("unanswered", "")


def test_a_question_that_is_asked_again_has_no_answer_yet(group):
    ask()
    answer()
    ask()
    assert (recorded().answer, recorded().answered_by, recorded().answered_at) == ("", "", None)
    with pytest.raises(AirflowFailException, match="nobody has answered"):
        carry_out(ADD, rows(3), group_id=group)


def test_an_action_log_that_cannot_be_written_is_no_approval(group, connect: Callable[..., None]):
    connect("okta_ure_action_log", conn_type="mysql", host="db")
    with pytest.raises(AirflowFailException, match="okta_ure_action_log"):
        question().execute(in_task("approve"))
    with pytest.raises(AirflowFailException, match="okta_ure_action_log"):
        answer()


def test_an_action_log_that_fails_for_a_while_is_tried_again(group, monkeypatch):
    ask()

    def fail(*_: Any) -> None:
        raise ActionLogError("The database is away.")

    monkeypatch.setattr("airflow_provider_okta_ure.operators.approval.write_approval", fail)
    with pytest.raises(ActionLogError):
        answer()


# --- whose run it is


@pytest.mark.parametrize(
    ("trigger", "name", "user_id"),
    [
        pytest.param("Eve", "Eve", "7", id="same-name"),
        pytest.param("eve", "EVE", "7", id="whatever-the-case"),
        pytest.param("7", "Eve", "7", id="id"),
    ],
)
def test_whoever_triggered_the_run_cannot_approve_it(okta, group, trigger, name, user_id):
    here = in_task("approve", triggered_by=trigger)
    ask(where=here)
    with pytest.raises(
        AirflowFailException, match=r"somebody else has to approve it.*Clear this task"
    ) as said:
        answer(by=name, user_id=user_id, where=here)
    assert name in str(said.value)
    assert (recorded().answer, recorded().answered_by) == ("refused", name)
    with pytest.raises(AirflowFailException, match=f"the approval of {name} did not count"):
        carry_out(ADD, rows(3), group_id=group)
    # Asked again, and answered by somebody else.
    ask(where=here)
    answer(by="Bob", user_id="8", where=here)
    assert carry_out(ADD, rows(3), group_id=group)["counts"]["done"] == 3


def test_whoever_triggered_the_run_can_reject_it_and_approve_where_the_dag_allows_it(group):
    here = in_task("approve", triggered_by="Eve")
    ask(where=here)
    answer("Reject", where=here)
    assert recorded().answer == "rejected"
    ask(where=here)
    answer(operator=question(allow_own_runs=True), where=here)
    assert recorded().answer == "approved"


def test_who_triggered_is_also_known_from_when_it_was_planned(okta):
    people(okta, 1)
    group = okta.okta.add_group("At risk").id
    plan(ADD, rows(1), in_task("plan", triggered_by="Eve"), group_id=group)
    ask()
    with pytest.raises(AirflowFailException, match="somebody else has to approve it"):
        answer()


def test_an_approval_without_a_person_does_not_count(group):
    ask()
    with pytest.raises(AirflowFailException, match="does not tell who approved"):
        answer(responded_by_user=None)
    assert recorded().answer == "refused"


# --- what is done then


def test_only_what_was_approved_is_done_and_the_approver_is_recorded(okta, group):
    ask()
    answer()
    assert carry_out(ADD, rows(3), group_id=group)["counts"]["done"] == 3
    assert {one.approved_by for one in logged(status="done")} == {"Eve"}
    assert len(okta.okta.members(group)) == 3


def test_an_approved_plan_may_be_of_any_size(okta):
    people(okta, 40)
    group = okta.okta.add_group("At risk").id
    plan(ADD, rows(40), group_id=group)
    ask()
    answer()
    assert carry_out(ADD, rows(40), group_id=group, max_changes=0)["counts"]["done"] == 40


def test_an_interrupted_task_is_finished_under_the_same_approval(okta):
    people(okta, 30)
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    plan(ADD, rows(30), **arguments)
    ask()
    answer()
    okta.fail_next(service="okta", status=400, method="PUT", times=12)
    with pytest.raises(AirflowFailException, match="12 of 30 users failed"):
        carry_out(ADD, rows(30), **arguments)
    assert carry_out(ADD, rows(30), in_task("act", try_number=2), **arguments)["counts"]["done"] == 12
    third = carry_out(ADD, rows(30), in_task("act", try_number=3), **arguments)
    assert third["counts"]["unchanged"] == 30


def test_the_rest_can_be_planned_and_approved_anew_after_a_part_was_done(okta, group):
    ask()
    answer()
    okta.fail_next(service="okta", status=400, method="PUT", times=1)
    with pytest.raises(AirflowFailException, match="1 of 3 users failed"):
        carry_out(ADD, rows(3), group_id=group)
    again = plan(ADD, rows(3), in_task("plan", try_number=2), group_id=group)
    assert len(again["changes"]) == 1
    ask(where=in_task("approve", try_number=2))
    answer(by="Bob")
    assert carry_out(ADD, rows(3), in_task("act", try_number=2), group_id=group)["counts"]["done"] == 1
    assert len(okta.okta.members(group)) == 3


def test_what_was_done_and_undone_since_is_not_done_again_under_the_same_approval(okta, group):
    ask()
    answer()
    carry_out(ADD, rows(3), group_id=group)
    first = okta.okta.find_user("p0@new.example").id
    okta.okta.group(group).members.discard(okta.okta.find_user("p0@new.example").number)
    with pytest.raises(AirflowFailException, match=r"for p0@new\.example already, and somebody has undone"):
        carry_out(ADD, rows(3), in_task("act", try_number=2), group_id=group)
    assert first not in okta.okta.members(group)
    # Planned and approved anew, it is.
    plan(ADD, rows(3), in_task("plan", try_number=2), group_id=group)
    ask()
    answer()
    carry_out(ADD, rows(3), in_task("act", try_number=3), group_id=group)
    assert first in okta.okta.members(group)


def test_what_one_part_did_and_somebody_undid_is_not_done_again_by_another_part(okta, group):
    """Whoever may edit XComs can hand the rows of one part to another one."""
    parts = [[row("p0")], [row("p1")]]
    for number, some in enumerate(parts):
        plan(ADD, some, in_task("plan", map_index=number), group_id=group)
    ask()
    answer()
    for number, some in enumerate(parts):
        carry_out(ADD, some, in_task("act", map_index=number), group_id=group)
    undone = okta.okta.find_user("p1@new.example")
    okta.okta.group(group).members.discard(undone.number)
    with pytest.raises(AirflowFailException, match=r"for p1@new\.example already, and somebody has undone"):
        carry_out(ADD, parts[1], in_task("act", map_index=0, try_number=2), group_id=group)
    assert undone.id not in okta.okta.members(group)


def test_a_group_that_was_made_and_deleted_since_is_not_made_again_under_the_same_approval(okta):
    people(okta, 2)
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    plan(ADD, rows(2), **arguments)
    ask()
    answer()
    carry_out(ADD, rows(2), **arguments)
    okta.okta.groups.remove(okta.okta.find_group("Risky"))
    okta.okta._groups_by_id.clear()
    with pytest.raises(AirflowFailException, match="already, and somebody has undone it since"):
        carry_out(ADD, rows(2), in_task("act", try_number=2), **arguments)
    assert okta.okta.find_group("Risky") is None


def test_a_signal_that_never_arrived_is_sent_again_under_the_same_approval(okta):
    people(okta, 1)
    plan(PUSH, rows(1))
    ask()
    answer()
    carry_out(PUSH, rows(1), ensure_provider=True)
    (sent,) = logged(action="push_risk", status="done")
    with closing(open_action_log()) as log:
        log.confirm([Found(entry_id=sent.id or 0, confirmation="missing")])
    again = carry_out(PUSH, rows(1), in_task("act", try_number=2), ensure_provider=True)
    assert again["counts"]["done"] == 1


def test_an_approval_for_another_org_proves_nothing_even_with_the_same_secret(group):
    ask()
    answer()
    here = RunIdentity.of(in_task("act"))
    where: dict[str, Any] = {"key": sealing_key_of(OktaHook("okta_default")), "conn_id": "okta_default"}
    consent = Consent.of(None, "approve", "")
    with closing(open_action_log()) as log:
        assert consent.read_approved(log, here, org=recorded().org, **where).by == "Eve"
        with pytest.raises(NotApprovedError, match="is for the Okta org"):
            consent.read_approved(log, here, org="https://other.okta.com", **where)


def test_each_task_carries_out_the_plan_that_it_names(okta, questions):
    """Two plans for the same target, one of them of nothing."""
    people(okta, 2)
    plan(PUSH, rows(2), in_task("plan_push"))
    plan(PUSH, [], in_task("plan_improved"))
    asking = ["plan_push", "plan_improved"]
    ask(question(asking))
    answer(operator=question(asking))
    empty = carry_out(PUSH, [], in_task("improved"), planned_by="plan_improved")
    assert empty["total"] == 0
    with pytest.raises(AirflowFailException, match="is not the plan that was approved: new: p0"):
        carry_out(PUSH, rows(2), in_task("improved"), planned_by="plan_improved")
    with pytest.raises(AirflowFailException, match="no longer: p0"):
        carry_out(PUSH, [], in_task("push"), planned_by="plan_push")
    okta_knows_us: dict[str, Any] = {"ensure_provider": True, "planned_by": "plan_push"}
    assert carry_out(PUSH, rows(2), in_task("push"), **okta_knows_us)["counts"]["done"] == 2
    with pytest.raises(AirflowFailException, match="not about a plan of the task other"):
        carry_out(PUSH, rows(2), in_task("push"), planned_by="other")


def test_mapped_tasks_carry_out_the_plans_of_their_parts(okta):
    people(okta, 4)
    group = okta.okta.add_group("At risk").id
    parts = [rows(4)[:2], rows(4)[2:]]
    for number, some in enumerate(parts):
        plan(ADD, some, in_task("plan", map_index=number), group_id=group)
    ask()
    answer()
    for number, some in enumerate(parts):
        here = in_task("act", map_index=number)
        assert carry_out(ADD, some, here, group_id=group, planned_by="plan")["counts"]["done"] == 2
    with pytest.raises(AirflowFailException, match="is not the plan that was approved"):
        carry_out(ADD, parts[1], in_task("act2", map_index=0), group_id=group, planned_by="plan")


def test_signals_that_are_off_now_and_were_approved_are_an_error(okta):
    people(okta, 1)
    plan(PUSH, rows(1))
    ask()
    answer()
    with pytest.raises(AirflowFailException, match="a plan with risk signals was approved"):
        carry_out(PUSH, rows(1), signals="off")


def test_an_empty_approval_is_an_error_and_not_no_approval(okta, group):
    for wrong in ("", "  "):
        with pytest.raises(AirflowFailException, match="approval is empty"):
            run(ADD, rows(3), in_task("act"), group_id=group, approval=wrong)
    with pytest.raises(AirflowFailException, match="planned_by is set, and approval is not"):
        run(ADD, rows(3), in_task("act"), group_id=group, planned_by="plan")
    assert writes(okta) == []


def test_the_operator_renders_its_connection_and_nothing_that_decides():
    assert set(OktaApprovalOperator.template_fields) == {"subject", "body", "okta_conn_id"}
