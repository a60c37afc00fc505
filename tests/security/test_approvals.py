# SPDX-License-Identifier: Apache-2.0
"""Somebody who may edit XComs, mark tasks, trigger runs or write tables cannot add anybody to what was approved."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import insert, select, update

from airflow_provider_okta_ure.action_log.approvals import write_approval
from airflow_provider_okta_ure.action_log.tables import approvals, plans
from airflow_provider_okta_ure.core.plans import Change, ChangePlan
from airflow_provider_okta_ure.core.seals import derive_key
from airflow_provider_okta_ure.errors import BlastRadiusError, NotApprovedError, PlanChangedError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from tests.integration.approving import (
    RUN_ID,
    answer,
    ask,
    carry_out,
    in_task,
    plan,
    planned,
    question,
    questions,
    recorded,
)
from tests.integration.conftest import NOW
from tests.integration.judging_support import ADD, REMOVE, UPSERT, logged, people, row, rows, run, writes

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["questions"]

VICTIM = "victim@new.example"


class World:
    """A group that one person is to be added to, and somebody who must not get there."""

    def __init__(self, okta: Sandbox) -> None:
        self.okta = okta
        self.group = str(okta.okta.add_group("At risk").id)
        (self.risky,) = people(okta, 1)
        self.victim = okta.okta.add_user(login=VICTIM).id
        self.rows = rows(1)
        self.with_victim = [*self.rows, row(VICTIM)]
        # What is done stays so in the action log, also when somebody has undone it.
        self.done: set[str] = set()

    def plan(self, **where: Any) -> Any:
        return plan(ADD, self.rows, in_task("plan", **where), group_id=self.group)

    def refused(self, given: Sequence[Any], kind: type[Exception], said: str, **where: Any) -> str:
        """Act, be refused for this reason, and change nothing."""
        before = self.okta.okta.members(self.group)
        self.okta.clear_requests()
        arguments = where.pop("arguments", {})
        with pytest.raises(AirflowFailException, match=said) as caught:
            carry_out(ADD, given, in_task("act", **where), group_id=self.group, **arguments)
        assert isinstance(caught.value.__cause__, kind)
        assert writes(self.okta) == []
        assert self.okta.okta.members(self.group) == before
        assert self.victim not in before
        names = {one.user_name for one in logged(reason="not_approved", status="planned")}
        assert names >= {one["user"] for one in given} - self.done, "the refusal is on the page"
        return str(caught.value)


@pytest.fixture
def world(okta: Sandbox) -> World:
    return World(okta)


@pytest.fixture
def approved(world: World) -> World:
    """The addition of one person was planned, asked about, and approved."""
    world.plan()
    ask()
    answer()
    return world


def in_tables(change: Any) -> None:
    """Do something that needs the right to write the database of the action log."""
    with closing(open_action_log()) as log, log.database.writing() as connection:
        connection.execute(change)


def edit_plan(change: Callable[[ChangePlan], ChangePlan], task_id: str = "plan") -> None:
    (record,) = planned(task_id)
    text = msgspec.json.encode(change(record.planned.plan), order="sorted").decode()
    in_tables(update(plans).where(plans.c.task_id == task_id).values(plan=text))


def with_victim(world: World) -> Callable[[ChangePlan], ChangePlan]:
    def change(found: ChangePlan) -> ChangePlan:
        one = Change(
            user=VICTIM,
            user_id=world.victim,
            login=VICTIM,
            score=100,
            risk_level="high",
            row_digest=found.changes[0].row_digest,
        )
        return msgspec.structs.replace(found, changes=[*found.changes, one])

    return change


# --- editing XComs


def test_rows_and_plan_that_are_swapped_after_the_question(approved: World, questions: list[dict[str, Any]]):
    assert VICTIM not in questions[0]["body"]
    approved.refused(approved.with_victim, PlanChangedError, f"not the plan that was approved: new: {VICTIM}")


@pytest.mark.parametrize("as_text", [True, False])
def test_a_forged_plan_is_not_even_read(approved: World, as_text: bool):
    """What a plan in an XCom says, and the digest that anybody can compute, count for nothing."""
    report = run(ADD, approved.with_victim, in_task("elsewhere"), group_id=approved.group, dry_run=True)
    forged = json.dumps(report) if as_text else report
    for arguments in ({}, {"approval": "approve"}):
        with pytest.raises(AirflowFailException, match="takes ids of plans and no plans"):
            run(
                ADD,
                approved.with_victim,
                in_task("act"),
                group_id=approved.group,
                approved_plan=forged,
                **arguments,
            )
    assert approved.okta.okta.members(approved.group) == set()


def test_an_id_lifts_the_limit_of_size_and_replaces_no_approval(approved: World):
    report = run(ADD, approved.with_victim, in_task("elsewhere"), group_id=approved.group, dry_run=True)
    named = {"approved_plan": report["plan"]["plan_id"]}
    approved.refused(approved.with_victim, PlanChangedError, f"new: {VICTIM}", arguments=named)


def test_somebody_else_in_the_place_of_whom_was_approved(approved: World):
    approved.refused([row(VICTIM)], PlanChangedError, f"new: {VICTIM}; no longer: p0@new")


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param({"score": 0}, id="score"),
        pytest.param({"risk_level": "low"}, id="level"),
        pytest.param({"previous_risk_level": "high"}, id="level-before"),
        pytest.param({"as_of": (NOW - timedelta(days=9)).isoformat()}, id="time"),
        pytest.param({"rule": "user == 'p0@new.example'"}, id="rule"),
        pytest.param({"source": "another"}, id="source"),
        pytest.param({"score_level": "low"}, id="band"),
        pytest.param({"previous_score": 1000}, id="score-before"),
    ],
)
def test_anything_else_in_a_row(approved: World, edited: dict[str, Any]):
    approved.refused([{**approved.rows[0], **edited}], PlanChangedError, "another (score or level|row): p0@")


def test_the_plan_of_another_action_or_target_of_the_same_question(world: World):
    """Everything was approved, but not this."""
    other = world.okta.okta.add_group("Other").id
    world.okta.okta.add_member(other, world.victim)
    plan(REMOVE, [row(VICTIM)], in_task("plan"), group_id=other, only_added_by_us=False)
    plan(ADD, world.rows, in_task("plan_add"), group_id=other)
    ask(question(["plan", "plan_add"]))
    answer(operator=question(["plan", "plan_add"]))
    world.refused([row(VICTIM)], PlanChangedError, f"new: {VICTIM}")
    world.refused(world.rows, PlanChangedError, "the approved one is add_to_group as of .* for .*Other")
    assert world.victim in world.okta.okta.members(other)


def test_an_answer_in_an_xcom_is_nobodys_answer(world: World):
    """The answer is edited, and the task that asks is marked as successful before it has run."""
    world.plan()
    said = "Nobody has approved this: the action log has no question of the task approve"
    message = world.refused(world.rows, NotApprovedError, said)
    assert "Clear the task that asks" in message
    with pytest.raises(TypeError, match="approved_by"):
        ADD(task_id="act", rows=world.rows, group_id=world.group, approved_by="The CISO")


def test_a_question_that_is_marked_as_answered(world: World):
    world.plan()
    ask()
    world.refused(world.rows, NotApprovedError, "the task approve asked, and nobody has answered")


def test_another_task_that_is_named_in_the_place_of_the_question(approved: World):
    for wrong in ("plan", "act", "approve2"):
        arguments = {"approval": wrong}
        approved.refused(approved.rows, NotApprovedError, "has no question of the task", arguments=arguments)


def test_rows_that_are_taken_away_do_not_let_an_approved_change_pass_in_silence(approved: World):
    with pytest.raises(AirflowFailException, match="no longer: p0@"):
        carry_out(ADD, [], group_id=approved.group, planned_by="plan")
    with pytest.raises(AirflowFailException, match="no longer: p0@"):
        carry_out(ADD, [], group_id=approved.group)


# --- marking, clearing and triggering


def test_a_rejection_or_silence_that_is_marked_as_successful(world: World):
    world.plan()
    ask()
    answer("Reject")
    world.refused(world.rows, NotApprovedError, "Eve rejected it")


def test_a_plan_that_is_made_again_before_the_answer(world: World):
    """The person looks at one plan, and another one takes its place."""
    world.plan()
    ask()
    plan(ADD, world.with_victim, in_task("plan", try_number=2), group_id=world.group)
    with pytest.raises(
        AirflowFailException, match="plan of plan was made again or changed since it was shown"
    ):
        answer()
    assert recorded().answer == "refused"
    world.refused(world.with_victim, NotApprovedError, "the approval of Eve did not count")


def test_a_plan_that_is_made_again_after_the_answer(approved: World):
    plan(ADD, approved.with_victim, in_task("plan", try_number=2), group_id=approved.group)
    approved.refused(approved.with_victim, PlanChangedError, "plan of plan was made again or changed")


def test_the_same_plan_that_is_made_again_after_the_answer(approved: World):
    approved.plan(try_number=2)
    approved.refused(approved.rows, PlanChangedError, "plan of plan was made again or changed")


@pytest.mark.parametrize("is_planned", [True, False], ids=["planned-anew", "plan-marked-as-successful"])
def test_a_run_that_is_deleted_and_made_anew_under_its_old_id(approved: World, is_planned: bool):
    """The answer of the first run is still in the action log, and the question is marked as successful."""
    carry_out(ADD, approved.rows, group_id=approved.group)
    approved.done = {"p0@new.example"}
    approved.okta.okta.group(approved.group).members.clear()
    if is_planned:
        approved.plan(triggered_by="Mallory", try_number=7)
        approved.refused(approved.rows, PlanChangedError, "was made again or changed")
    else:
        approved.refused(
            approved.rows, NotApprovedError, "done for p0@.* already, and somebody has undone it"
        )
    later = NOW + timedelta(days=1)
    kind = PlanChangedError
    approved.refused(approved.rows, kind, "was made again|as of 2026-11-23 03:00", as_of=later)


def test_the_answer_of_another_run(approved: World):
    approved.plan(run_id="other")
    with pytest.raises(AirflowFailException, match="has no question of the task approve in this run"):
        carry_out(ADD, approved.rows, in_task("act", run_id="other"), group_id=approved.group)
    assert approved.okta.okta.members(approved.group) == set()


def test_whoever_triggers_a_run_cannot_approve_it(world: World):
    here = in_task("approve", triggered_by="mallory")
    world.plan(triggered_by="mallory")
    ask(where=here)
    with pytest.raises(AirflowFailException, match="somebody else has to approve it"):
        answer(by="Mallory", where=here)
    world.refused(world.rows, NotApprovedError, "the approval of Mallory did not count")


def test_whoever_made_the_plan_cannot_approve_it_in_a_run_that_somebody_else_seems_to_have_triggered(
    world: World,
):
    world.plan(triggered_by="Mallory")
    here = in_task("approve", triggered_by="Ann")
    ask(where=here)
    with pytest.raises(AirflowFailException, match="somebody else has to approve it"):
        answer(by="Mallory", where=here)


@pytest.mark.parametrize("first", [None, "Ann"])
def test_a_backfill_that_does_a_run_again_with_other_parameters(world: World, first: str | None):
    """Airflow gives such a run the parameters of the backfill, and keeps the name of who was first."""
    world.plan(triggered_by=first)
    here = in_task("approve", triggered_by=first)
    here["dag_run"].run_type = "backfill"
    ask(where=here)
    with pytest.raises(AirflowFailException, match="does not tell who has started it"):
        answer(by="Mallory", where=here)
    world.refused(world.rows, NotApprovedError, "the approval of Mallory did not count")
    ask(where=here)
    answer(where=here, operator=question(allow_own_runs=True))
    assert recorded().answer == "approved"


def test_a_run_that_a_backfill_has_made_is_approved_by_somebody_else(world: World):
    made: dict[str, Any] = {"run_id": "backfill__2026-11-23", "triggered_by": "Mallory"}
    world.plan(**made)
    here = in_task("approve", **made)
    here["dag_run"].run_type = "backfill"
    ask(where=here)
    with pytest.raises(AirflowFailException, match="somebody else has to approve it"):
        answer(by="Mallory", where=here)
    ask(where=here)
    answer(where=here)
    assert recorded(made["run_id"]).answer == "approved"


# --- ids that collide


def test_plans_with_the_same_id_are_compared_by_what_they_change(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """An id has 64 bits: two plans with the same id can be looked for, and found."""
    monkeypatch.setattr("airflow_provider_okta_ure.core.plans._digest", lambda *_: "0123456789abcdef")
    world.plan()
    ask()
    answer()
    world.refused(world.with_victim, PlanChangedError, f"new: {VICTIM}")
    with pytest.raises(AirflowFailException, match="would change 2 of 2") as caught:
        run(
            ADD,
            world.with_victim,
            in_task("large"),
            group_id=world.group,
            max_changes=1,
            approved_plan="0123456789abcdef",
        )
    assert isinstance(caught.value.__cause__, BlastRadiusError)
    assert world.okta.okta.members(world.group) == set()


# --- writing the tables of the action log, without the secret of the Okta connection


def test_a_plan_that_is_edited_in_its_table(approved: World):
    edit_plan(with_victim(approved))
    approved.refused(approved.with_victim, PlanChangedError, "plan of plan was made again or changed")


def test_a_plan_that_is_edited_between_question_and_answer(world: World):
    world.plan()
    ask()
    edit_plan(with_victim(world))
    with pytest.raises(AirflowFailException, match="was made again or changed since it was shown"):
        answer()
    world.refused(world.with_victim, NotApprovedError, "did not count")


def test_a_plan_that_is_edited_together_with_what_the_question_remembers_of_it(world: World):
    world.plan()
    ask()
    edit_plan(with_victim(world))
    (record,) = planned()
    shown = [{**msgspec.to_builtins(one), "digest": record.digest} for one in recorded().plans]
    in_tables(update(approvals).values(plans=json.dumps(shown)))
    with pytest.raises(AirflowFailException, match="not in the action log as this task wrote it"):
        answer()
    world.refused(world.with_victim, NotApprovedError, "nobody has answered")


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param({"answered_by": "The CISO"}, id="answerer"),
        pytest.param({"answered_by_id": "1"}, id="answerers-id"),
        pytest.param({"answered_at": NOW}, id="time"),
        pytest.param({"subject": "Okta: nothing"}, id="subject"),
        pytest.param({"org": "https://other.okta.com"}, id="org"),
        pytest.param({"seal": ""}, id="no-seal"),
        pytest.param({"seal": "1:" + 64 * "0"}, id="another-seal"),
        pytest.param({"seal": "\u00e9"}, id="no-text-of-a-seal"),
        pytest.param({"plans": "[]"}, id="no-plans"),
        pytest.param({"plans": "{"}, id="no-json"),
    ],
)
def test_an_answer_that_is_edited_in_its_table(approved: World, edited: dict[str, Any]):
    in_tables(update(approvals).values(**edited))
    approved.refused(
        approved.rows, NotApprovedError, "does not have the seal of the connection 'okta_default'"
    )


@pytest.mark.parametrize("reply", ["Reject", ""])
def test_a_rejection_or_an_open_question_that_is_edited_into_an_approval(world: World, reply: str):
    world.plan()
    ask()
    if reply:
        answer(reply)
    in_tables(
        update(approvals).values(
            answer="approved", answered_by="The CISO", answered_by_id="1", answered_at=NOW
        )
    )
    world.refused(world.rows, NotApprovedError, "does not have the seal")


@pytest.mark.parametrize(
    ("moved", "where"),
    [
        pytest.param({"run_id": "other"}, {"run_id": "other"}, id="run"),
        pytest.param({"dag_id": "other"}, {}, id="dag"),
        pytest.param({"task_id": "approve2"}, {}, id="task"),
        pytest.param({"map_index": 0}, {}, id="part"),
    ],
)
def test_a_sealed_answer_that_is_copied_to_where_it_was_not_given(
    approved: World, moved: dict[str, Any], where: dict[str, Any]
):
    with closing(open_action_log()) as log, log.database.writing() as connection:
        for table in (plans, approvals):
            (found,) = connection.execute(select(table)).mappings()
            changed = {name: value for name, value in moved.items() if name in ("run_id", "dag_id")}
            if table is approvals:
                changed = moved
            if changed:
                connection.execute(insert(table).values({**found, **changed}))
    here = in_task("act", **where)
    here["ti"].dag_id = moved.get("dag_id", "dag")
    asking = moved.get("task_id", "approve")
    with pytest.raises(AirflowFailException, match="does not have the seal"):
        carry_out(ADD, approved.rows, here, group_id=approved.group, approval=asking)
    assert approved.okta.okta.members(approved.group) == set()


def test_an_answer_with_the_seal_of_another_secret(approved: World):
    forged = msgspec.structs.replace(recorded(), answered_by="The CISO").sealed(derive_key("a guess"))
    with closing(open_action_log()) as log, log.database.writing() as connection:
        write_approval(connection, forged)
    approved.refused(approved.rows, NotApprovedError, "does not have the seal")


def test_a_task_that_asks_with_a_connection_of_somebody_elses_seals_nothing_for_this_one(
    world: World, connect: Callable[..., None]
):
    """Whoever can make connections knows their secrets, but not that of the one that acts."""
    connect("mine", conn_type="okta", host=world.okta.okta_url, password="00" + "m" * 40)
    world.plan()
    mine = question(okta_conn_id="mine")
    ask(mine)
    answer(operator=question(okta_conn_id="mine"))
    world.refused(world.rows, NotApprovedError, "does not have the seal of the connection 'okta_default'")


def test_a_rotated_token_makes_open_approvals_unreadable_and_asking_again_is_enough(
    approved: World, connect: Callable[..., None]
):
    new = approved.okta.okta.rotate_token()
    connect("okta_default", conn_type="okta", host=approved.okta.okta_url, password=new)
    approved.refused(approved.rows, NotApprovedError, "credential of the connection is another one")
    ask()
    answer()
    assert carry_out(ADD, approved.rows, group_id=approved.group)["counts"]["done"] == 1


def test_plans_of_another_org_with_the_same_group_id(world: World):
    world.plan()
    in_tables(update(plans).values(org="https://other.okta.com"))
    with pytest.raises(AirflowFailException, match=r"is for the Okta org https://other\.okta\.com"):
        ask_expecting_an_error()


def ask_expecting_an_error() -> None:
    question().execute(in_task("approve"))


# --- what held before and still holds


def test_what_was_approved_is_done_by_whom_it_was_approved_for(approved: World):
    assert carry_out(ADD, approved.rows, group_id=approved.group)["counts"]["done"] == 1
    assert approved.okta.okta.members(approved.group) == {approved.risky}
    (done,) = logged(status="done")
    assert (done.user_name, done.approved_by, done.run_id) == ("p0@new.example", "Eve", RUN_ID)


def test_the_seal_and_the_key_are_nowhere_to_be_read(
    approved: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    seal = recorded().seal
    assert len(seal) == len("1:") + 64
    report = carry_out(ADD, approved.rows, group_id=approved.group)
    everything = json.dumps(report) + capfd.readouterr().out + caplog.text
    assert seal not in everything
    assert derive_key(approved.okta.okta_token).hex() not in everything


def test_a_change_of_the_world_is_named(approved: World):
    approved.okta.okta.change_user(approved.risky, status="DEPROVISIONED")
    with pytest.raises(AirflowFailException, match="no longer: p0@"):
        carry_out(ADD, approved.rows, group_id=approved.group)
    assert run(UPSERT, [], in_task("other"))["total"] == 0
