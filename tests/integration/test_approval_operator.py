# SPDX-License-Identifier: Apache-2.0
"""Who was asked, who answered what and when: in the action log, and so on the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators import hitl

from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord, approvals_of_run
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.approval import OktaApprovalOperator
from tests.integration.conftest import NOW
from tests.integration.judging_support import Task, context

ANSWERED = datetime(2026, 11, 23, 15, 4, tzinfo=timezone.utc)
EVE = {"id": "7", "name": "Eve"}


class Asked(BaseException):
    """The task waits for an answer."""


@pytest.fixture(autouse=True)
def _no_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's own part of the question, which needs its API server."""

    def wait(**_: Any) -> None:
        raise Asked

    monkeypatch.setattr(hitl, "upsert_hitl_detail", wait)


def question(**more: Any) -> OktaApprovalOperator:
    arguments: dict[str, Any] = {"subject": "Okta: 4 changes", "body": "them", **more}
    return OktaApprovalOperator(task_id="approve", **arguments)


def here() -> dict[str, Any]:
    task = Task("approve", run_id="manual__1")
    task.id = "0190"  # type: ignore[attr-defined]
    return {**context(task=task), "task_instance": task}


def ask(operator: OktaApprovalOperator) -> None:
    with pytest.raises(Asked):
        operator.execute(here())  # type: ignore[arg-type]


def answer(chosen: str) -> dict[str, Any]:
    return {
        "chosen_options": [chosen],
        "params_input": {},
        "responded_at": ANSWERED,
        "responded_by_user": EVE,
        "timedout": False,
    }


def recorded() -> ApprovalRecord:
    with closing(open_action_log()) as log, log.database.reading() as connection:
        (record,) = approvals_of_run(connection, dag_id="dag", run_id="manual__1")
    return record


def test_a_question_is_recorded_before_anybody_answers() -> None:
    ask(question(response_timeout=timedelta(hours=23)))
    record = recorded()
    assert (record.subject, record.answer, record.answered_at) == ("Okta: 4 changes", "", None)
    assert (record.task_id, record.as_of) == ("approve", NOW)
    assert record.due_at is not None
    assert record.due_at - record.asked_at == timedelta(hours=23)


@pytest.mark.parametrize(("chosen", "expected"), [("Approve", "approved"), ("Reject", "rejected")])
def test_an_answer_is_recorded_with_who_gave_it_and_when(chosen: str, expected: str) -> None:
    operator = question()
    ask(operator)
    asked = recorded()
    operator.execute_complete(here(), answer(chosen))  # type: ignore[arg-type]
    record = recorded()
    assert (record.answer, record.answered_by, record.answered_at) == (expected, "Eve", ANSWERED)
    assert (record.asked_at, record.subject) == (asked.asked_at, asked.subject)


def test_no_answer_in_time_is_recorded_and_fails_as_before() -> None:
    operator = question()
    ask(operator)
    with pytest.raises(HITLTimeoutError):
        operator.execute_complete(here(), {"error": "too late", "error_type": "timeout"})  # type: ignore[arg-type]
    record = recorded()
    assert (record.answer, record.answered_by) == ("unanswered", "")
    assert record.answered_at is not None


def test_a_question_that_is_asked_again_has_no_answer_yet() -> None:
    operator = question()
    ask(operator)
    operator.execute_complete(here(), answer("Reject"))  # type: ignore[arg-type]
    ask(operator)
    assert (recorded().answer, recorded().answered_by, recorded().answered_at) == ("", "", None)


def test_an_action_log_that_cannot_be_written_keeps_nobody_from_answering(
    connect: Callable[..., None],
) -> None:
    connect("okta_ure_action_log", conn_type="mysql", host="db")
    operator = question()
    ask(operator)
    said = operator.execute_complete(here(), answer("Approve"))  # type: ignore[arg-type]
    assert said["chosen_options"] == ["Approve"]
