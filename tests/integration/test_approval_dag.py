# SPDX-License-Identifier: Apache-2.0
"""The DAG with a person in the middle: asks only when there is something to do, does just what was approved."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from tests.integration.approving import Asked, event, questions, recorded
from tests.integration.conftest import NOW
from tests.integration.judging_support import Task, context, logged, writes
from tests.integration.test_dags import Run

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = ["questions"]

MIDNIGHT = NOW.replace(hour=0)
PLANS = ("plan_add", "plan_remove", "plan_push", "plan_push_improved")
EFFECTS = ("add_to_group", "remove_from_group", "push_risk", "push_improved")


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = DagBag(str(Path(__file__).parents[2] / "dags"))
    assert bag.import_errors == {}
    found: DAG = bag.dags["okta_risk_sync_with_approval"]
    return found


class AskedRun(Run):
    """A run whose question is answered by the test; what is skipped stays without a result."""

    def __init__(
        self, dag: Any, day: Any = MIDNIGHT, answer: str = "Approve", by: str = "Eve", **params: Any
    ) -> None:
        self.answer, self.by = answer, by
        self.question: dict[str, str] = {}
        self.before_effects: Any = lambda: None
        self.skipped: set[str] = set()
        task = Task("", run_id=f"run {day}")
        task.xcom_pull = lambda task_ids: self.xcom.get(task_ids)  # type: ignore[attr-defined]
        task.get_task_states = self._states  # type: ignore[attr-defined]
        dag_run = SimpleNamespace(run_after=day, triggering_user_name="Ann")
        found = context(day, task=task, run_id=task.run_id, dag_run=dag_run, task_instance=task)
        super().__init__(dag, found, **params)

    def _states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, dict[str, str]]:
        assert dag_id == self._dag.dag_id
        states = {one: "success" if one in self.xcom and self.question else "skipped" for one in task_ids}
        return dict.fromkeys(run_ids, states)

    def _execute(self, task: Any) -> Any:
        self._context["ti"].task_id = task.task_id
        # Another one for each try, as Airflow has it.
        self._context["ti"].id = uuid4()
        waits_for_success = task.trigger_rule != TriggerRule.ALL_DONE
        if waits_for_success and {task.task_id, *task.upstream_task_ids} & self.skipped:
            self.skipped.add(task.task_id)
            return None
        try:
            return super()._execute(task)
        except AirflowSkipException:
            self.skipped.add(task.task_id)
            return None
        except Asked:
            return self._respond(task.prepare_for_execution())

    def _respond(self, task: Any) -> Any:
        task.render_template_fields(self._context)
        record = recorded(self._context["ti"].run_id)
        self.question = {"subject": record.subject}
        task.skip = lambda ti, tasks: self.skipped.update(one.task_id for one in tasks)
        self.before_effects()
        found = task.execute_complete({**self._context, "task": task}, event(self.answer, self.by))
        # A rejection is a success, and Airflow keeps no XCom of a task that has skipped others.
        return json.loads(json.dumps(found, default=str)) if self.answer == "Approve" else None


def test_the_person_stands_between_every_plan_and_every_effect(dag):
    downstream = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    for effect in EFFECTS:
        assert effect in downstream["approve"]
        assert dag.get_task(effect).approval == "approve"
    # A rejection skips what comes right after it, so the report must not.
    assert "report" not in downstream["approve"]
    approve = dag.get_task("approve")
    assert approve.retries == 0
    assert set(approve.plans) == approve.upstream_task_ids == set(PLANS)
    assert not approve.allow_own_runs
    assert [task.task_id for task in dag.leaves] == ["report"]


def test_what_is_planned_and_what_is_carried_out_have_the_same_arguments(dag):
    pairs = zip(PLANS, EFFECTS, strict=True)
    for plan, effect in ((dag.get_task(one), dag.get_task(other)) for one, other in pairs):
        assert (plan.dry_run, effect.dry_run) == (True, False)
        assert effect.planned_by == plan.task_id
        names = set(plan.template_fields) - {"dry_run", "approval", "planned_by", "rows"}
        assert {name: getattr(plan, name) for name in names} == {
            name: getattr(effect, name) for name in names
        }
        assert plan.rows.operator.task_id == effect.rows.operator.task_id


def test_the_approved_plan_is_carried_out_whole_and_the_approver_is_recorded(dag, okta, netskope, questions):
    run = AskedRun(dag, group="Risky")
    xcom = run.all_tasks()
    group = okta.okta.find_group("Risky")
    planned = {task: xcom[task]["counts"]["planned"] for task in xcom if task.startswith("plan_")}
    assert planned["plan_add"] == len(okta.okta.members(group.id)) > 0
    assert planned["plan_push"] == len(okta.okta.accepted_events) > 0
    assert run.question["subject"] == f"Okta: {sum(planned.values())} changes as of 2026-11-23 00:00 UTC"
    for change in xcom["plan_add"]["plan"]["changes"]:
        assert change["login"] in questions[0]["body"]
    assert {one.approved_by for one in logged(status="done") if one.action != "fetch_scores"} == {"Eve"}
    assert xcom["report"]["answer"] == "Approve"
    assert xcom["report"]["confirm_ingested"]["counts"]["confirmed"] == planned["plan_push"]
    assert xcom["report"]["add_to_group"]["counts"]["done"] == planned["plan_add"]


def test_nothing_is_written_before_the_answer_and_nothing_at_all_after_a_rejection(dag, okta, netskope):
    run = AskedRun(dag, answer="Reject", group="Risky")
    xcom = run.all_tasks()
    assert run.question
    assert set(EFFECTS) <= run.skipped
    assert writes(okta) == []
    assert xcom["report"]["answer"] == "Reject"


def test_nobody_is_asked_when_there_is_nothing_to_do(dag, okta, netskope):
    AskedRun(dag, group="Risky").all_tasks()
    okta.clear_requests()
    again = AskedRun(dag, group="Risky")
    xcom = again.all_tasks()
    assert again.question == {}
    assert xcom["report"]["answer"] == "nobody was asked"
    assert writes(okta) == []


def test_the_next_day_adds_removes_and_pushes_what_is_different(dag, okta, netskope, questions):
    getting_better, getting_worse = (user.login for user in okta.okta.users[:2])
    for days_ago, better, worse in ((3, 900, 900), (2, 50, 900), (1, 950, 50)):
        netskope.netskope.set_score(getting_better, MIDNIGHT - timedelta(days=days_ago), better)
        netskope.netskope.set_score(getting_worse, MIDNIGHT - timedelta(days=days_ago), worse)
    AskedRun(dag, MIDNIGHT - timedelta(days=1), group="Risky").all_tasks()
    run = AskedRun(dag, group="Risky")
    xcom = run.all_tasks()
    for plan, effect in zip(PLANS, EFFECTS, strict=True):
        assert xcom[effect]["counts"]["done"] == xcom[plan]["counts"]["planned"] > 0, plan
    headings = [line for line in questions[-1]["body"].splitlines() if line.startswith("### ")]
    assert [line.partition(" user")[0].rstrip("0123456789 ") for line in headings] == [
        "### Add",
        "### Remove",
        "### Send risk signals to Okta about",
        "### Send risk signals to Okta about",
    ]
    assert "Because of the rule `score <= 500`" in questions[-1]["body"]
    assert getting_better in {one["login"] for one in xcom["plan_remove"]["plan"]["changes"]}
    assert getting_worse in {one["login"] for one in xcom["plan_add"]["plan"]["changes"]}


def test_when_the_world_has_changed_since_nothing_is_written(dag, okta, netskope):
    run = AskedRun(dag, group="Risky")

    def change_the_world() -> None:
        first = run.xcom["plan_add"]["plan"]["changes"][0]
        okta.okta.change_user(first["user_id"], status="DEPROVISIONED")

    run.before_effects = change_the_world
    with pytest.raises(AirflowFailException, match="not the plan that was approved: no longer: "):
        run.all_tasks()
    assert okta.okta.find_group("Risky") is None
    assert writes(okta) == []


def test_whoever_triggered_the_run_cannot_approve_it(dag, okta, netskope):
    run = AskedRun(dag, by="Ann", group="Risky")
    with pytest.raises(AirflowFailException, match="Ann has triggered this run, so somebody else has to"):
        run.all_tasks()
    assert writes(okta) == []


@pytest.mark.parametrize(
    ("plans", "reports", "chosen", "state", "message"),
    [
        pytest.param({"plan_add": None}, {}, "", "skipped", "No report of plan_add", id="a-plan-failed"),
        pytest.param({"plan_add": 1}, {"add": None}, "", "failed", "Nobody has answered", id="no-answer"),
        pytest.param({"plan_add": 1}, {"add": None}, "Approve", "success", "No report of add", id="effect"),
    ],
)
def test_the_last_task_fails_when_something_is_missing(dag, plans, reports, chosen, state, message):
    report = dag.get_task("report").python_callable
    told = {name: one and {"counts": {"planned": one}} for name, one in plans.items()}
    with pytest.raises(RuntimeError, match=message):
        report(told, reports, chosen, json.dumps({"approve": state, "add": "success"}))


def test_a_question_that_is_marked_as_successful_is_not_taken_for_a_rejection(dag):
    """What then acts fails, because nobody has approved it, and the run has to fail, too."""
    report = dag.get_task("report").python_callable
    told = {"plan_add": {"counts": {"planned": 1}}}
    rejected = {"approve": "success", "add": "skipped"}
    assert report(told, {"add": None}, "", json.dumps(rejected))["answer"] == "Reject"
    with pytest.raises(RuntimeError, match="Look at the log of add"):
        report(told, {"add": None}, "", json.dumps({**rejected, "add": "failed"}))
