# SPDX-License-Identifier: Apache-2.0
"""What the tests of judgement share: people, rows, runs, and what was written."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
    OktaUpsertUserRiskOperator,
)
from tests.integration.conftest import NOW, FakeTaskInstance, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.sandbox import Sandbox

ADD, REMOVE = OktaAddToGroupOperator, OktaRemoveFromGroupOperator
PUSH, UPSERT = OktaPushRiskOperator, OktaUpsertUserRiskOperator
DAY = timedelta(days=1)


def people(okta: Sandbox, count: int, prefix: str = "p") -> list[str]:
    """Add active users and return their ids."""
    return [okta.okta.add_user(login=f"{prefix}{number}@new.example").id for number in range(count)]


def row(name: str, score: int = 100, **more: Any) -> dict[str, Any]:
    """Return a mapped row; the name is of the domain that :func:`people` uses."""
    return {
        "user": name if "@" in name else f"{name}@new.example",
        "score": score,
        "score_level": "critical",
        "risk_level": "high",
        **more,
    }


def rows(count: int, prefix: str = "p", **more: Any) -> list[dict[str, Any]]:
    return [row(f"{prefix}{number}", **more) for number in range(count)]


class Task(FakeTaskInstance):
    """A task instance that knows which task it is."""

    id = ""

    def __init__(self, task_id: str, run_id: str = "run", map_index: int = -1, try_number: int = 1) -> None:
        super().__init__()
        self.dag_id, self.run_id, self.task_id = "dag", run_id, task_id
        self.map_index, self.try_number = map_index, try_number


def context(as_of: datetime = NOW, *, task: Task | None = None, **more: Any) -> dict[str, Any]:
    found = context_of(as_of, **more)
    if task is not None:
        found["ti"] = task
    return found


def run(
    operator: type[Any], rows: Any, where: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    """Execute an operator and return its report, as XCom hands it over."""
    report = operator(task_id="act", rows=rows, **arguments).execute(where or context())
    result: dict[str, Any] = json.loads(json.dumps(report))
    return result


def writes(okta: Sandbox) -> list[str]:
    return [one.line() for one in okta.requests_to("okta") if one.method in ("PUT", "DELETE", "POST")]


def logged(**wanted: Any) -> list[Entry]:
    """Return the entries of the action log, the oldest first."""
    log = open_action_log()
    try:
        return [
            one
            for one in log.iterate(Filter())
            if all(getattr(one, name) == value for name, value in wanted.items())
        ]
    finally:
        log.close()
