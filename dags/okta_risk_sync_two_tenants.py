"""
### Okta follows two Netskope tenants

The job of `okta_risk_sync` for an Okta org whose people are in two Netskope tenants, such as one for Europe
and one for the United States:

| task | does |
|---|---|
| `check_eu`, `check_us` | whether everything is there that the others need; write nothing |
| `fetch_eu`, `fetch_us` | who is at risk or was in each tenant, **higher scores are safer** |
| `filter_*`, `map_*` | who is at risk, who has recovered, who has improved, and their levels |
| `add_to_group`, `remove_from_group`, `push_*` | bring Okta in line, once for both tenants |
| `confirm_ingested` | finds each signal in Okta's System Log, or says which are missing and why |
| `report` | what was done, in one place |

Somebody who is in both tenants has two rows. **The least safe score decides for both of them**, in every
rule: who is at risk in one tenant is not removed from the group because the other one says that they have
recovered. When one tenant cannot be read, nothing is done: its users would look as if they were safe.

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
    OktaPreflightOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

GROUP = "{{ params.group }}"
# Signals when the connection and the org can; without them the DAG only keeps the group.
SIGNALS: dict[str, Any] = {"signals": "auto", "ensure_provider": True}
WRITE: dict[str, Any] = {"dry_run": "{{ params.dry_run }}"}
CHECK: dict[str, Any] = {
    "actions": ["groups", "push"],
    "group_name": GROUP,
    "create_group": True,
    "confirm": True,
    **SIGNALS,
}

with DAG(
    dag_id="okta_risk_sync_two_tenants",
    # A data interval of one UTC day, like Netskope's scores; a plain cron string would make it zero seconds.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
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
            description="Who goes into the group. Higher scores are safer; the lower of two scores counts.",
        ),
        "recovered_rule": Param(
            "score > 600",
            type="string",
            minLength=1,
            title="Recovered",
            description="Who leaves the group. A gap to the rule above keeps people from going in and out.",
        ),
        "scores_as_of": Param(
            "now",
            type="string",
            enum=["now", "interval"],
            values_display={"now": "Now", "interval": "The end of the data interval"},
            title="Scores as of",
            description="Of a manual run. Now: when it is triggered, whatever logical date the dialog fills "
            "in. Scheduled runs and backfills always use the end of their data interval.",
        ),
        "netskope_eu": Param(
            "netskope_eu",
            type="string",
            minLength=1,
            title="First Netskope tenant",
            section="Connections",
        ),
        "netskope_us": Param(
            "netskope_us",
            type="string",
            minLength=1,
            title="Second Netskope tenant",
            section="Connections",
        ),
    },
) as dag:
    tenants = []
    for name in ("eu", "us"):
        connection: dict[str, Any] = {"netskope_conn_id": f"{{{{ params.netskope_{name} }}}}"}
        check = OktaPreflightOperator(task_id=f"check_{name}", **CHECK, **connection)
        fetch = NetskopeFetchScoresOperator(
            task_id=f"fetch_{name}",
            # The other rules concern people who are tracked; these are returned anyway.
            keep="{{ params.at_risk_rule }}",
            okta_conn_id="okta_default",
            **connection,
        )
        check >> fetch
        tenants.append(fetch.output)

    filter_at_risk = RiskFilterOperator(
        task_id="filter_at_risk", rows=tenants, rule="{{ params.at_risk_rule }}"
    )
    map_levels = RiskMapLevelsOperator(task_id="map_levels", rows=filter_at_risk.output)
    add_to_group = OktaAddToGroupOperator(
        task_id="add_to_group", rows=map_levels.output, group_name=GROUP, create_group=True, **WRITE
    )
    push_risk = OktaPushRiskOperator(task_id="push_risk", rows=map_levels.output, **SIGNALS, **WRITE)

    filter_recovered = RiskFilterOperator(
        task_id="filter_recovered",
        rows=tenants,
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
        task_id="filter_improved", rows=tenants, rule="has_score", unless="{{ params.at_risk_rule }}"
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
