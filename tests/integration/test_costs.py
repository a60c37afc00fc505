# SPDX-License-Identifier: Apache-2.0
"""What tasks write down of their cost: always, and never at the price of the task."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import text

from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import TaskSummary, find_tasks
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator
from tests.integration.conftest import FakeTaskInstance, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


def task_context(task_id: str) -> Any:
    ti: Any = FakeTaskInstance()
    ti.__dict__.update(dag_id="sync", run_id="run", task_id=task_id, map_index=-1, try_number=1)
    return context_of(ti=ti)


@pytest.fixture
def log(tmp_path: Path) -> ActionLog:
    return ActionLog.open(f"sqlite:///{tmp_path}/action_log.db")


def costs(log: ActionLog) -> list[TaskSummary]:
    with log.database.reading() as connection:
        return find_tasks(connection, Filter(), dag_ids=["sync"])


def add(okta: Sandbox, group_name: str = "At risk", **more: Any) -> None:
    operator = OktaAddToGroupOperator(
        task_id="add", rows=[{"user": okta.okta.users[0].login}], group_name=group_name, **more
    )
    operator.execute(task_context("add"))


def test_a_task_that_acts_writes_down_its_calls_by_rate_limit(okta: Sandbox, log: ActionLog) -> None:
    add(okta, create_group=True)
    (found,) = costs(log)
    sent = [one.path for one in okta.requests_to(service="okta")]
    assert sum(one.calls for one in found.calls.values()) == len(sent)
    groups = found.calls["/api/v1/groups"]
    assert groups.calls == sum(1 for path in sent if path.startswith("/api/v1/groups"))
    assert groups.limit is not None
    assert groups.ours == int(groups.limit * 0.8)
    assert (found.task_id, found.action, found.org) == ("add", "add_to_group", okta.okta_url)
    assert found.seconds > 0


def test_so_does_one_that_fails(okta: Sandbox, log: ActionLog) -> None:
    with pytest.raises(AirflowFailException, match="no group named"):
        add(okta, group_name="Not there")
    (found,) = costs(log)
    assert found.calls["/api/v1/groups"].calls >= 1


@pytest.mark.parametrize("users", [None, ["nobody@corp.example"]], ids=["everybody", "some"])
def test_a_fetch_writes_down_its_calls(netskope: Sandbox, log: ActionLog, users: list[str] | None) -> None:
    NetskopeFetchScoresOperator(task_id="fetch", users=users).execute(task_context("fetch"))
    (found,) = costs(log)
    assert sum(one.calls for one in found.calls.values()) == len(netskope.requests_to(service="netskope"))
    assert (found.action, found.org) == ("fetch_scores", netskope.netskope_url)


READ_ONLY = """
CREATE TRIGGER read_only BEFORE INSERT ON okta_ure_tasks BEGIN SELECT RAISE(ABORT, 'full'); END
"""


def test_a_cost_that_cannot_be_written_fails_no_task(okta: Sandbox, log: ActionLog) -> None:
    with log.database.writing() as connection:
        connection.execute(text(READ_ONLY))
    add(okta, create_group=True)
    assert log.count(Filter(status=["done"])) == 1


def test_it_hides_no_error_of_the_work_itself(okta: Sandbox, log: ActionLog) -> None:
    with log.database.writing() as connection:
        connection.execute(text(READ_ONLY))
    with pytest.raises(AirflowFailException, match="no group named"):
        add(okta, group_name="Not there")


def test_a_client_that_made_no_call_costs_nothing(log: ActionLog) -> None:
    from airflow_provider_okta_ure.operators.costs import _calls

    client: Any = SimpleNamespace(calls={}, limits={"/api/v1/users": 100}, rate_limit_share=0.5)
    assert _calls(client) == {}
