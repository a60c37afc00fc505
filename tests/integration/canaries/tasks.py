"""One task of every operator, with arguments that make it do as much as it can."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_okta_ure.clients.access_tokens import PROCESS
from airflow_provider_okta_ure.operators import netskope, okta, rules
from tests.integration.conftest import NOW, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


def rows_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    levels = {"score": 100, "score_level": "critical", "risk_level": "high", "previous_risk_level": "none"}
    return [{"user": user.login, **levels} for user in sandbox.okta.users if user.status == "ACTIVE"][:4]


def revert_task(rows: list[dict[str, Any]]) -> BaseOperator:
    """Return a task that undoes a run, after that run."""
    context: Any = context_of(NOW - timedelta(hours=1))
    context["ti"].dag_id, context["ti"].run_id, context["ti"].task_id = "sync", "before", "add"
    okta.OktaAddToGroupOperator(task_id="add", rows=rows, group_name="At risk", create_group=True).execute(
        context
    )
    # Another process reverts.
    PROCESS.clear()
    return okta.OktaRevertRunOperator(task_id="t", reverted_dag_id="sync", reverted_run_id="before")


Maker = Callable[[list[dict[str, Any]]], BaseOperator]

TASKS: dict[type[BaseOperator], Maker] = {
    okta.OktaAddToGroupOperator: lambda rows: okta.OktaAddToGroupOperator(
        task_id="t", rows=rows, group_name="At risk", create_group=True
    ),
    okta.OktaRemoveFromGroupOperator: lambda rows: okta.OktaRemoveFromGroupOperator(
        task_id="t", rows=rows, group_name="Members", past_intervals="apply"
    ),
    okta.OktaPushRiskOperator: lambda rows: okta.OktaPushRiskOperator(
        task_id="t", rows=rows, ensure_provider=True
    ),
    okta.OktaUpsertUserRiskOperator: lambda rows: okta.OktaUpsertUserRiskOperator(task_id="t", rows=rows),
    okta.OktaRevertRunOperator: revert_task,
    okta.OktaNoActionOperator: lambda rows: okta.OktaNoActionOperator(task_id="t", rows=rows),
    okta.OktaFetchUsersOperator: lambda rows: okta.OktaFetchUsersOperator(task_id="t", with_risk=True),
    okta.OktaPreflightOperator: lambda rows: okta.OktaPreflightOperator(
        task_id="t", actions="groups,push,upsert", group_name="Members", ensure_provider=True
    ),
    okta.OktaSecurityEventsProviderOperator: lambda rows: okta.OktaSecurityEventsProviderOperator(
        task_id="t"
    ),
    netskope.NetskopeFetchScoresOperator: lambda rows: netskope.NetskopeFetchScoresOperator(task_id="t"),
    rules.RiskFilterOperator: lambda rows: rules.RiskFilterOperator(
        task_id="t", rows=rows, rule="score <= 500"
    ),
    rules.RiskMapLevelsOperator: lambda rows: rules.RiskMapLevelsOperator(task_id="t", rows=rows),
}

ASKS_NOBODY = (rules.RiskFilterOperator, rules.RiskMapLevelsOperator)
"""They only look at rows."""


def every_operator() -> set[type[BaseOperator]]:
    """Return all operators that users can import."""
    found: set[type[BaseOperator]] = set()
    for module in (okta, netskope, rules):
        for _, one in inspect.getmembers(module, inspect.isclass):
            is_ours = one.__module__.startswith("airflow_provider_okta_ure.")
            if issubclass(one, BaseOperator) and is_ours and one.__name__ != "ServiceOperator":
                found.add(one)
    return found
