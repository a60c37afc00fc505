# SPDX-License-Identifier: Apache-2.0
"""What the page is looked at with: a short form of okta_risk_sync, and users with names that break pages."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaNoActionOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
OKTA = "okta_acme"
GROUP = "Netskope at risk"

with DAG(
    dag_id="risk_week",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
):
    scores = NetskopeFetchScoresOperator(task_id="fetch_scores", netskope_conn_id="netskope_acme")
    levels = RiskMapLevelsOperator(task_id="map_levels", rows=scores.output)
    at_risk = RiskFilterOperator(task_id="filter_at_risk", rows=levels.output, rule="score <= 500")
    OktaAddToGroupOperator(
        task_id="add_to_group",
        rows=at_risk.output,
        group_name=GROUP,
        create_group=True,
        okta_conn_id=OKTA,
        past_intervals="apply",
    )
    push_risk = OktaPushRiskOperator(
        task_id="push_risk", rows=at_risk.output, ensure_provider=True, okta_conn_id=OKTA
    )
    push_risk >> OktaRiskEventSensor(task_id="confirm_ingested", poke_interval=1, okta_conn_id=OKTA)
    recovered = RiskFilterOperator(task_id="filter_recovered", rows=levels.output, rule="score > 600")
    OktaRemoveFromGroupOperator(
        task_id="remove_from_group",
        # Limits are for one day of the clock, and the week is lived through on one.
        max_change_percent=100,
        rows=recovered.output,
        group_name=GROUP,
        missing_group_ok=True,
        okta_conn_id=OKTA,
        past_intervals="apply",
    )

with DAG(dag_id="odd_names", schedule=None, start_date=START, params={"refused": "nobody@corp.example"}):
    OktaNoActionOperator(
        task_id="note",
        rows=[
            {"user": "<img src=x onerror=\"document.title='broken'\">", "score": 3},
            {"user": "=cmd()", "score": 4},
        ],
        okta_conn_id=OKTA,
    )
    # The test makes Okta refuse it.
    OktaAddToGroupOperator(
        task_id="add_to_group",
        rows=[{"user": "{{ params.refused }}", "score": 5}],
        group_name="Odd names",
        create_group=True,
        fail_on="never",
        okta_conn_id=OKTA,
    )
