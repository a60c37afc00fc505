# SPDX-License-Identifier: Apache-2.0
"""The DAG that undoes a run: a dry run by default, asks before it writes, proves that signals arrived."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from tests.integration.approving import questions
from tests.integration.exchange import Exchange
from tests.integration.judging_support import logged, writes
from tests.integration.test_approval_dag import AskedRun
from tests.integration.test_revert import at_noon

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_provider_okta_ure.sandbox import Sandbox


__all__ = ["questions"]


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = DagBag(str(Path(__file__).parents[2] / "dags" / "okta_revert_run.py"))
    assert bag.import_errors == {}
    found: DAG = bag.dags["okta_revert_run"]
    return found


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    for name in ("ann", "bob"):
        known.user(name)
    known.add(1, {"ann": 100, "bob": 100})
    known.push(1, {"ann": 100})
    okta.clear_requests()
    return known


class Reverting(AskedRun):
    """A manual run of the DAG, triggered by Carol."""

    def __init__(self, dag: Any, answer: str = "Approve", by: str = "Eve", **params: Any) -> None:
        super().__init__(
            dag, answer=answer, by=by, **{"reverted_dag_id": "sync", "reverted_run_id": "day-1", **params}
        )
        run = SimpleNamespace(run_after=at_noon(2), run_type="manual", triggering_user_name="carol")
        self._context["dag_run"] = run
        for name in ("data_interval_end", "logical_date"):
            self._context.pop(name, None)

    def _execute(self, task: Any) -> Any:
        if task.task_id == "ask":
            try:
                chosen = task.python_callable(params=self._context["params"])
            except AirflowSkipException:
                self.skipped.add(task.task_id)
                return None
            self.skipped.update(set(task.downstream_task_ids) - {chosen})
            return chosen
        return super()._execute(task)


def test_nothing_is_written_by_default(dag: DAG, exchange: Exchange) -> None:
    run = Reverting(dag)
    xcom = run.all_tasks()
    assert writes(exchange.sandbox) == []
    assert run.question == {}
    assert xcom["report"]["planned"] == {"planned:reverted": 3}
    assert xcom["report"]["undone"] is None


def test_what_was_approved_is_undone_and_the_approver_is_recorded(dag: DAG, exchange: Exchange) -> None:
    run = Reverting(dag, dry_run=False)
    xcom = run.all_tasks()
    assert run.question["subject"].startswith("Okta: 3 changes as of")
    assert run.question["subject"].endswith("This undoes the run day-1 of sync.")
    assert exchange.members == set()
    assert exchange.told("ann")[-1] == ("high", "none")
    assert xcom["report"]["undone"]["counts"]["done"] == 3
    assert xcom["report"]["signals"] == {"confirmed": 1, "missing": 0}
    assert {one.approved_by for one in logged(reason="reverted")} == {"Eve"}


def test_what_is_missing_for_signals_does_not_keep_people_locked_out(dag: DAG) -> None:
    assert dag.get_task("plan_revert").trigger_rule == "all_done"


def test_a_rejection_undoes_nothing(dag: DAG, exchange: Exchange) -> None:
    xcom = Reverting(dag, answer="Reject", dry_run=False).all_tasks()
    assert writes(exchange.sandbox) == []
    assert xcom["report"]["undone"] is None


def test_whoever_triggered_it_cannot_approve(dag: DAG, exchange: Exchange) -> None:
    with pytest.raises(AirflowFailException, match="carol has triggered this run"):
        Reverting(dag, by="carol", dry_run=False).all_tasks()
    assert writes(exchange.sandbox) == []


def test_without_a_question_the_limits_decide(dag: DAG, exchange: Exchange) -> None:
    run = Reverting(dag, dry_run=False, ask=False, actions=["add_to_group"], users=["ann@new.example"])
    run.all_tasks()
    assert run.question == {}
    assert exchange.members == {"bob"}
    assert exchange.told("ann") == [("none", "high")]


@pytest.mark.parametrize(
    "actions",
    [pytest.param(["add_to_group"], id="done-since"), pytest.param(["remove_from_group"], id="none")],
)
def test_there_is_nothing_to_ask_when_nothing_is_to_be_undone(
    dag: DAG, exchange: Exchange, actions: list[str]
) -> None:
    exchange.remove(2, {"ann": 900, "bob": 900})
    run = Reverting(dag, dry_run=False, actions=actions)
    run.all_tasks()
    assert run.question == {}
    assert exchange.members == set()


def test_what_is_planned_and_what_is_carried_out_have_the_same_arguments(dag: DAG) -> None:
    plan: Any = dag.get_task("plan_revert")
    for task_id in ("revert", "revert_within_limits"):
        effect: Any = dag.get_task(task_id)
        assert (plan.dry_run, effect.dry_run) == (True, False)
        names = set(plan.template_fields) - {"dry_run", "approval", "planned_by"}
        assert {name: getattr(plan, name) for name in names} == {
            name: getattr(effect, name) for name in names
        }
    revert: Any = dag.get_task("revert")
    assert (revert.approval, revert.planned_by) == ("approve", "plan_revert")
    assert [task.task_id for task in dag.leaves] == ["report"]
