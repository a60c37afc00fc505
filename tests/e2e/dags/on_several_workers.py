# SPDX-License-Identifier: Apache-2.0
"""The tasks of okta_risk_sync with two actions mapped over parts of the users; twice, for two orgs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, TriggerRule, task

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPreflightOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

AT_RISK, RECOVERED = "score <= 500", "score > 600"
GROUP = "Netskope at risk"


# The log of a task shows what it returns: with this, not.
@task(show_return_value_in_logs=False)
def split(rows: Any, size: int) -> list[list[dict[str, Any]]]:
    """Return the rows in parts; one empty part when there are none, so that the actions run all the same."""
    return [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]


def in_parts(dag_id: str, org: str, size: int) -> DAG:
    """
    Return the DAG for one org and tenant.

    :param org: what the ids of both connections end with.
    :param size: users in a part.
    """
    okta: dict[str, Any] = {"okta_conn_id": f"okta_{org}"}
    # How much may be changed in a day is the subject of other tests, and this is the first day.
    write: dict[str, Any] = {**okta, "max_changes": 100_000, "max_change_percent": 100}
    group: dict[str, Any] = {**write, "group_name": GROUP, "past_intervals": "apply"}
    push: dict[str, Any] = {**write, "ensure_provider": True}
    with DAG(
        dag_id=dag_id,
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 3, "retry_delay": timedelta(seconds=1)},
    ) as dag:
        check = OktaPreflightOperator(
            task_id="check",
            actions=["groups", "push"],
            group_name=GROUP,
            create_group=True,
            ensure_provider=True,
            confirm=True,
            netskope_conn_id=f"netskope_{org}",
            **okta,
        )
        scores = NetskopeFetchScoresOperator(
            task_id="fetch_scores", keep=AT_RISK, netskope_conn_id=f"netskope_{org}", **okta
        )
        check >> scores
        at_risk = RiskFilterOperator(task_id="filter_at_risk", rows=scores.output, rule=AT_RISK)
        levels = RiskMapLevelsOperator(task_id="map_levels", rows=at_risk.output)
        parts = split(levels.output, size)
        OktaAddToGroupOperator.partial(task_id="add_to_group", create_group=True, **group).expand(rows=parts)
        pushed = OktaPushRiskOperator.partial(task_id="push_risk", **push).expand(rows=parts)
        recovered = RiskFilterOperator(task_id="filter_recovered", rows=scores.output, rule=RECOVERED)
        OktaRemoveFromGroupOperator(
            task_id="remove_from_group", rows=recovered.output, missing_group_ok=True, **group
        )
        improved = RiskFilterOperator(
            task_id="filter_improved", rows=scores.output, rule="has_score", unless=AT_RISK
        )
        better = RiskMapLevelsOperator(task_id="map_improved", rows=improved.output)
        told = OktaPushRiskOperator(task_id="push_improved", rows=better.output, only_known=True, **push)
        confirmed = OktaRiskEventSensor(
            task_id="confirm_ingested", trigger_rule=TriggerRule.ALL_DONE, poke_interval=1, **okta
        )
        [pushed, told] >> confirmed
    return dag


calm = in_parts("in_parts_calm", "calm", size=300)
killed = in_parts("in_parts_killed", "killed", size=300)
