"""
### Okta follows Netskope within the hour

Reads the newest scores every hour, and brings an Okta group and Okta's risk engine in line:

| task | does |
|---|---|
| `fetch_scores` | who is at risk or was, from the list of newest scores: **higher scores are safer** |
| `filter_at_risk`, `map_levels` | who is at risk, and their levels |
| `add_to_group`, `push_risk` | adds them to the group, and tells Okta's risk engine whose level changed |
| `filter_recovered`, `remove_from_group` | removes who has recovered from the group |
| `filter_improved`, `map_improved`, `push_improved` | tells it who is no longer at risk |
| `confirm_ingested` | finds each signal in Okta's System Log, or says which are missing and why |
| `report` | what was done, in one place |

Netskope lowers the score of the running day as it finds things, so an hourly run acts on the day's
anomalies hours before the daily one. These scores are provisional: they can still change until the day is
over.

The list of newest scores cannot answer for a past time, so **this DAG cannot be backfilled**; let
`okta_risk_sync` do that. Both can work on the same group: a member leaves when neither DAG holds them any
longer. Give both the same rules, or each keeps people in the group whom the other would let go.

**Dry run is on by default**: nothing is written to Okta until you trigger with `dry_run` off, or change the
default.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TriggerRule, task

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

GROUP = "{{ params.group }}"
# Signals when the connection and the org can; without them the DAG only keeps the group.
SIGNALS: dict[str, Any] = {"signals": "auto", "ensure_provider": True}
WRITE: dict[str, Any] = {"dry_run": "{{ params.dry_run }}"}

with DAG(
    dag_id="okta_risk_sync_hourly",
    # Half past: a run for midnight would ask for the day before, which the list does not have.
    schedule=CronDataIntervalTimetable("30 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    # The next hour has a run of its own.
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["okta", "netskope", "risk"],
    params={
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="On: say what would be done, write nothing to Okta.",
        ),
        "group": Param(
            "Netskope at risk",
            type="string",
            minLength=1,
            maxLength=255,
            title="Okta group",
            description="Whoever may trigger this DAG may choose any group that the Okta connection allows "
            "(writable_groups).",
        ),
        "at_risk_rule": Param(
            "score <= 500",
            type="string",
            minLength=1,
            title="At risk",
            description="Who goes into the group. Higher scores are safer.",
        ),
        "recovered_rule": Param(
            "score > 600",
            type="string",
            minLength=1,
            title="Recovered",
            description="Who leaves the group. A gap to the rule above keeps people from going in and out.",
        ),
    },
) as dag:
    fetch_scores = NetskopeFetchScoresOperator(
        task_id="fetch_scores",
        strategy="list",
        # The other rules concern people who are tracked; these are returned anyway.
        keep="{{ params.at_risk_rule }}",
        okta_conn_id="okta_default",
    )

    filter_at_risk = RiskFilterOperator(
        task_id="filter_at_risk", rows=fetch_scores.output, rule="{{ params.at_risk_rule }}"
    )
    map_levels = RiskMapLevelsOperator(task_id="map_levels", rows=filter_at_risk.output)
    add_to_group = OktaAddToGroupOperator(
        task_id="add_to_group", rows=map_levels.output, group_name=GROUP, create_group=True, **WRITE
    )
    push_risk = OktaPushRiskOperator(task_id="push_risk", rows=map_levels.output, **SIGNALS, **WRITE)

    filter_recovered = RiskFilterOperator(
        task_id="filter_recovered",
        rows=fetch_scores.output,
        rule="{{ params.recovered_rule }}",
        unless="{{ params.at_risk_rule }}",
    )
    remove_from_group = OktaRemoveFromGroupOperator(
        task_id="remove_from_group",
        rows=filter_recovered.output,
        group_name=GROUP,
        missing_group_ok=True,
        **WRITE,
    )

    filter_improved = RiskFilterOperator(
        task_id="filter_improved",
        rows=fetch_scores.output,
        rule="has_score",
        unless="{{ params.at_risk_rule }}",
    )
    map_improved = RiskMapLevelsOperator(task_id="map_improved", rows=filter_improved.output)
    push_improved = OktaPushRiskOperator(
        task_id="push_improved",
        rows=map_improved.output,
        # Of whom Okta was never told anything, there is nothing to take back.
        only_known=True,
        **SIGNALS,
        **WRITE,
    )

    # all_done: when a push failed for somebody, the signals about the others are to be found all the same.
    confirm_ingested = OktaRiskEventSensor(task_id="confirm_ingested", trigger_rule=TriggerRule.ALL_DONE)
    [push_risk, push_improved] >> confirm_ingested

    # all_done: what was done is worth reading most when something failed.
    @task(trigger_rule=TriggerRule.ALL_DONE, retries=0)
    def report(reports: dict[str, Any]) -> dict[str, Any]:
        """Put the reports of all actions side by side; fail when one of them is missing."""
        missing = sorted(task_id for task_id, one in reports.items() if one is None)
        if missing:
            raise RuntimeError(f"No report of {', '.join(missing)}: look at the log of these tasks.")
        return {
            task_id: {"counts": one["counts"], "reasons": one["reasons"]} for task_id, one in reports.items()
        }

    actions = (add_to_group, push_risk, remove_from_group, push_improved, confirm_ingested)
    report({one.task_id: one.output for one in actions})
