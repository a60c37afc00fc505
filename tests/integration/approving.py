# SPDX-License-Identifier: Apache-2.0
"""Asking a person and answering, without Airflow's API server in between."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl

from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord, approvals_of_run
from airflow_provider_okta_ure.action_log.plans import PlanRecord, plans_of_tasks
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.approval import OktaApprovalOperator
from tests.integration.conftest import NOW
from tests.integration.judging_support import Task, context, run

RUN_ID = "manual__1"
ANSWERED = datetime(2001, 11, 23, 15, 4, tzinfo=timezone.utc)


class Asked(BaseException):
    """The task waits for an answer."""


@pytest.fixture(autouse=True)
def questions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was asked: Airflow's own part of a question needs its API server."""
    asked: list[dict[str, Any]] = []

    def wait(**question: Any) -> None:
        asked.append(question)
        raise Asked

    monkeypatch.setattr(hitl, "upsert_hitl_detail", wait)
    return asked


def in_task(
    task_id: str,
    *,
    run_id: str = RUN_ID,
    as_of: datetime = NOW,
    triggered_by: str | None = None,
    try_number: int = 1,
    **more: Any,
) -> Any:
    """Return the context of a task of a run that somebody triggered."""
    task = Task(task_id, run_id=run_id, try_number=try_number, **more)
    task.id = f"{run_id} {task_id} {try_number}"
    dag_run = SimpleNamespace(run_after=as_of, run_type="manual", triggering_user_name=triggered_by)
    found = context(as_of, task=task, dag_run=dag_run)
    return {**found, "task_instance": task}


def question(plans: list[str] | None = None, **more: Any) -> OktaApprovalOperator:
    return OktaApprovalOperator(task_id="approve", plans=["plan"] if plans is None else plans, **more)


def ask(operator: OktaApprovalOperator | None = None, where: Any = None) -> None:
    """Ask about the plans of the run, and let the task wait."""
    with pytest.raises(Asked):
        (operator or question()).execute(where or in_task("approve"))


def event(chosen: str = "Approve", by: str = "Eve", user_id: str = "7", **more: Any) -> dict[str, Any]:
    """Return what Airflow hands over when somebody has answered."""
    return {
        "chosen_options": [chosen],
        "params_input": {},
        "responded_at": ANSWERED,
        "responded_by_user": {"id": user_id, "name": by},
        "timedout": False,
        **more,
    }


def answer(
    chosen: str = "Approve",
    by: str = "Eve",
    operator: OktaApprovalOperator | None = None,
    where: Any = None,
    **more: Any,
) -> Any:
    """Answer as a person does, in a process of its own."""
    found = where or in_task("approve")
    return (operator or question()).execute_complete(found, event(chosen, by, **more))


def plan(operator: type[Any], rows: Any, where: dict[str, Any] | None = None, **arguments: Any) -> Any:
    """Plan, as the task ``plan`` does, and return the plan in its report."""
    return run(operator, rows, where or in_task("plan"), dry_run=True, **arguments)["plan"]


def carry_out(
    operator: type[Any], rows: Any, where: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    """Act as the task ``act`` does, on what the task ``approve`` was answered."""
    return run(operator, rows, where or in_task("act"), **{"approval": "approve", **arguments})


def recorded(run_id: str = RUN_ID) -> ApprovalRecord:
    with closing(open_action_log()) as log, log.database.reading() as connection:
        (record,) = approvals_of_run(connection, dag_id="dag", run_id=run_id)
    return record


def planned(*task_ids: str, run_id: str = RUN_ID) -> list[PlanRecord]:
    with closing(open_action_log()) as log, log.database.reading() as connection:
        return plans_of_tasks(connection, dag_id="dag", run_id=run_id, task_ids=task_ids or ("plan",))
