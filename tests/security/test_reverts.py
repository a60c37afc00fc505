# SPDX-License-Identifier: Apache-2.0
"""A revert undoes what one run did, and nothing else: not for a past time, not by a name, not without consent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.operators.okta import OktaRevertRunOperator
from tests.integration.exchange import Exchange, day
from tests.integration.judging_support import logged, writes
from tests.integration.test_revert import context_of_revert, revert

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    for name in ("ann", "bob"):
        known.user(name)
    known.add(1, {"ann": 100})
    known.add(2, {"bob": 100})
    okta.clear_requests()
    return known


@pytest.mark.parametrize(
    "run_id", ["%", "day-_", "day-1' OR '1'='1", "day-1\x00", "{{ run_id }}", "DAY-1", "day-1,day-2"]
)
def test_the_id_of_a_run_is_one_name_and_no_pattern(exchange: Exchange, run_id: str) -> None:
    with pytest.raises(AirflowFailException, match="knows no run"):
        revert(3, run_id)
    assert writes(exchange.sandbox) == []


@pytest.mark.parametrize("users", ["%", "ann", "*", "new.example", "bob@new.example"])
def test_whom_it_is_limited_to_is_named_whole(exchange: Exchange, users: str) -> None:
    """Bob was added by another run."""
    with pytest.raises(AirflowFailException):
        revert(3, "day-1", users=users)
    assert writes(exchange.sandbox) == []


@pytest.mark.parametrize("hours", [-1, 0], ids=["before-the-run", "at-the-same-time"])
def test_it_cannot_be_dated_back(exchange: Exchange, hours: int) -> None:
    """Airflow's API takes any time for when a run is due."""
    operator = OktaRevertRunOperator(task_id="revert", reverted_dag_id="sync", reverted_run_id="day-1")
    context: Any = context_of_revert(day(1) + timedelta(hours=hours), "dated-back")
    with pytest.raises(AirflowFailException, match="not earlier"):
        operator.execute(context)
    assert writes(exchange.sandbox) == []


def test_dated_between_two_runs_it_undoes_nothing_of_the_later_one(exchange: Exchange) -> None:
    exchange.remove(3, {"ann": 900})
    exchange.add(4, {"ann": 100})
    operator = OktaRevertRunOperator(task_id="revert", reverted_dag_id="sync", reverted_run_id="day-1")
    context: Any = context_of_revert(day(1) + timedelta(hours=1), "between")
    report = operator.execute(context)
    assert report["reasons"] == {"skipped:later_decision": 1}
    assert exchange.members == {"ann", "bob"}


def test_a_logical_date_in_the_past_changes_nothing(exchange: Exchange) -> None:
    """The dialog fills one in; what counts is when the run was triggered."""
    operator = OktaRevertRunOperator(
        task_id="revert", reverted_dag_id="sync", reverted_run_id="day-1", max_change_percent=100
    )
    context: Any = context_of_revert(day(5), "triggered")
    context |= {"logical_date": day(0), "data_interval_end": day(0), "params": {"scores_as_of": "interval"}}
    operator.execute(context)
    assert {one.as_of for one in logged(reason="reverted")} == {day(5)}


@pytest.mark.parametrize("arguments", [{"approval": "approve"}, {"approval": " "}, {"planned_by": "plan"}])
def test_an_approval_that_is_asked_for_is_needed(exchange: Exchange, arguments: dict[str, str]) -> None:
    with pytest.raises(AirflowFailException):
        revert(3, "day-1", **arguments)
    assert writes(exchange.sandbox) == []
    # Nor does the run count as reverted.
    assert exchange.add(1, {"ann": 100})["reasons"] == {"unchanged:already_member": 1}


@pytest.mark.parametrize("plan", [{"parts": []}, '{"dry_run": true, "parts": []}', ["0" * 16]])
def test_a_plan_from_an_xcom_is_no_consent(exchange: Exchange, plan: Any) -> None:
    with pytest.raises(AirflowFailException):
        revert(3, "day-1", max_changes=0, approved_plan=plan)
    assert writes(exchange.sandbox) == []
