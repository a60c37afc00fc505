"""
### Okta follows Netskope

Every day, this DAG reads the risk score of every Netskope user as of the end of the day and brings
Okta in line:

| task | does |
|---|---|
| `check` | whether everything is there that the others need; writes nothing |
| `fetch_scores` | User Confidence Index, 0..1000, **higher is safer**, of those at risk and tracked |
| `filter_at_risk` | the users that `at_risk_rule` matches |
| `map_levels` | their Okta risk level: 0-500 high, 501-750 medium, 751-1000 low |
| `add_to_group` | adds them to the group (and creates it when it is missing) |
| `push_risk` | tells Okta's risk engine about those whose level changed |
| `filter_recovered`, `remove_from_group` | takes out of the group whom `recovered_rule` matches |
| `filter_improved`, `map_improved`, `push_improved` | tells it who is no longer at risk |
| `confirm_ingested` | finds each signal in Okta's System Log, or says which are missing and why |
| `report` | what was done, in one place; also as an event of the asset `okta_user_risk` |

**Dry run is on by default**: nothing is written to Okta until you trigger with `dry_run` off, or change
the default.

A scheduled run is for the end of its data interval, and a manual run for the time it is triggered unless
`scores_as_of` says otherwise. So a past day can be backfilled: it tells Okta's risk engine
about that day's changes unless later ones are known, and only plans what to do with the group unless
`past_intervals` is `apply`. Running the same day again writes nothing twice. When both rules match
somebody, at risk wins. The gap between the two rules keeps people from going in and out.

A task that would change more than 500 users, or 20 % of all (of the group's members when it removes),
writes nothing and says which plan to approve.

Unpausing the DAG starts a run for the last whole day; a run that you trigger is for now.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, TriggerRule, task

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPreflightOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

# What Okta knows of people's risk. Each run leaves an event, dry runs too, with what it did as its extra.
RISK_IN_OKTA = Asset(name="okta_user_risk", uri="okta://okta_default/user-risk", group="risk")

OKTA: dict[str, Any] = {"okta_conn_id": "{{ params.okta_conn_id }}"}
GROUP: dict[str, Any] = {
    "group_name": "{{ params.group }}",
    "past_intervals": "{{ params.past_intervals }}",
}
PUSH: dict[str, Any] = {
    "signals": "{{ params.signals }}",
    "ensure_provider": True,
    "only_changes": "{{ params.only_changes }}",
    "history": "{{ params.history }}",
}
# The same for every task that writes.
WRITE: dict[str, Any] = {
    **OKTA,
    "dry_run": "{{ params.dry_run }}",
    "exclude_users": "{{ params.exclude_users | tojson }}",
    "exclude_groups": "{{ params.exclude_groups | tojson }}",
    "max_changes": "{{ params.max_changes }}",
    "max_change_percent": "{{ params.max_change_percent }}",
    "approved_plan": "{{ params.approved_plan or '' }}",
}
# Everybody whom a rule further down concerns. The second and third rule concern only people who are tracked,
# who are returned anyway, unless these parameters say otherwise.
KEEP = (
    "{{ ([params.at_risk_rule] + ([] if params.only_added_by_us else [params.recovered_rule]) "
    "+ ([] if params.only_changes else ['has_score'])) | tojson }}"
)
LEVELS: dict[str, Any] = {"score_bounds": "{{ params.score_bounds | tojson if params.score_bounds else '' }}"}

with DAG(
    dag_id="okta_risk_sync",
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
            section="Who",
        ),
        "at_risk_rule": Param(
            "score <= 500",
            type="string",
            minLength=1,
            title="At risk",
            section="Who",
            description="Who goes into the group. Higher scores are safer.",
        ),
        "recovered_rule": Param(
            "score > 600",
            type="string",
            minLength=1,
            title="Recovered",
            section="Who",
            description="Who leaves the group. A gap to the rule above keeps people from going in and out.",
        ),
        "exclude_users": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Excluded users",
            section="Who",
            description="Never touched: logins, e-mail addresses or Okta ids, one a line, besides those in "
            "the Okta connection.",
        ),
        "exclude_groups": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Excluded groups",
            section="Who",
            description="Their members are never touched: names or Okta ids, one a line.",
        ),
        "scores_as_of": Param(
            "now",
            type="string",
            enum=["now", "interval"],
            values_display={"now": "Now", "interval": "The end of the data interval"},
            title="Scores as of",
            section="Scores",
            description="Of a manual run. Now: when it is triggered, whatever logical date the dialog fills "
            "in. Scheduled runs and backfills always use the end of their data interval.",
        ),
        "strategy": Param(
            "series",
            type="string",
            enum=["series", "list"],
            values_display={"series": "Daily scores", "list": "The list of newest scores"},
            title="How to read Netskope",
            section="Scores",
            description="Daily scores can answer for past days; the list takes fewer calls, only for now.",
        ),
        "score_bounds": Param(
            None,
            type=["object", "null"],
            title="Bounds of the score levels",
            section="Scores",
            description='Empty: {"critical": [0, 250], "high": [251, 500], "medium": [501, 750], '
            '"low": [751, 1000]}.',
        ),
        "min_source_percent": Param(
            80,
            type="number",
            minimum=0,
            maximum=100,
            title="Least users with a new score (%)",
            section="Scores",
            description="Of those with one at the last run. Fewer are taken for an outage, and nothing is "
            "done; up to 25 users fewer are always fine. 0: never.",
        ),
        "max_score_age": Param(
            "36h",
            type=["string", "null"],
            title="Oldest new score",
            section="Scores",
            description="A warning when nobody has a newer one, such as 36h or 2d. Yesterday's scores are "
            "24h old.",
        ),
        "stale_scores": Param(
            "warn",
            type="string",
            enum=["warn", "fail"],
            values_display={"warn": "Warn, and fail after three days", "fail": "Fail at once"},
            title="When no new scores come",
            section="Scores",
        ),
        "expires_after": Param(
            None,
            type=["string", "null"],
            title="Membership ends after",
            section="Group",
            description="Such as 14d or 12h, even if no score changes. Empty: only when the user recovers.",
        ),
        "only_added_by_us": Param(
            True,
            type="boolean",
            title="Only remove members that this provider added",
            section="Group",
        ),
        "past_intervals": Param(
            "dry",
            type="string",
            enum=["dry", "apply"],
            values_display={"dry": "Only plan", "apply": "Change the group"},
            title="Group changes during backfill",
            section="Group",
            description="Who was at risk then may not be today.",
        ),
        "signals": Param(
            "auto",
            type="string",
            enum=["auto", "on", "off"],
            values_display={"auto": "If the org and the connection can", "on": "Always", "off": "Never"},
            title="Send risk signals",
            section="Risk signals",
            description="Signals need a signing key in the connection and Identity Threat Protection in the "
            "org. Never: the DAG only keeps the group.",
        ),
        "only_changes": Param(
            True,
            type="boolean",
            title="Only changed levels",
            section="Risk signals",
            description="Off: signal everybody's level again, also when Okta was told it already.",
        ),
        "history": Param(
            "protect",
            type="string",
            enum=["protect", "replay", "record"],
            values_display={
                "protect": "Send nothing",
                "replay": "Send the old change, then the newest level again",
                "record": "Never send, only write the action log",
            },
            title="Risk signals of overtaken runs",
            section="Risk signals",
            description="What a run for a past time does about users of whom a later run has decided.",
        ),
        "max_changes": Param(
            500,
            type="integer",
            minimum=0,
            title="Maximum changes",
            section="Limits",
            description="A task that would change more users writes nothing.",
        ),
        "max_change_percent": Param(
            20,
            type="number",
            minimum=0,
            maximum=100,
            title="Maximum change (%)",
            section="Limits",
            description="Of all users; of the group's members when it removes. 25 users are always fine.",
        ),
        "approved_plan": Param(
            None,
            type=["string", "null"],
            title="Approved plans",
            section="Limits",
            description="Comma-separated ids of plans that a task refused for their size: these may be "
            "carried out.",
        ),
        "okta_conn_id": Param(
            "okta_default", type="string", minLength=1, title="Okta connection", section="Connections"
        ),
        "netskope_conn_id": Param(
            "netskope_default", type="string", minLength=1, title="Netskope connection", section="Connections"
        ),
    },
) as dag:
    check = OktaPreflightOperator(
        task_id="check",
        actions=["groups", "push"],
        signals="{{ params.signals }}",
        group_name="{{ params.group }}",
        create_group=True,
        ensure_provider=True,
        confirm=True,
        strategy="{{ params.strategy }}",
        exclude_users="{{ params.exclude_users | tojson }}",
        exclude_groups="{{ params.exclude_groups | tojson }}",
        netskope_conn_id="{{ params.netskope_conn_id }}",
        **OKTA,
    )
    fetch_scores = NetskopeFetchScoresOperator(
        task_id="fetch_scores",
        keep=KEEP,
        strategy="{{ params.strategy }}",
        min_source_percent="{{ params.min_source_percent }}",
        max_score_age="{{ params.max_score_age or '' }}",
        stale_scores="{{ params.stale_scores }}",
        netskope_conn_id="{{ params.netskope_conn_id }}",
        **OKTA,
    )

    check >> fetch_scores

    filter_at_risk = RiskFilterOperator(
        task_id="filter_at_risk", rows=fetch_scores.output, rule="{{ params.at_risk_rule }}"
    )
    map_levels = RiskMapLevelsOperator(task_id="map_levels", rows=filter_at_risk.output, **LEVELS)
    add_to_group = OktaAddToGroupOperator(
        task_id="add_to_group",
        rows=map_levels.output,
        create_group=True,
        expires_after="{{ params.expires_after or '' }}",
        **GROUP,
        **WRITE,
    )
    push_risk = OktaPushRiskOperator(task_id="push_risk", rows=map_levels.output, **PUSH, **WRITE)

    filter_recovered = RiskFilterOperator(
        task_id="filter_recovered",
        rows=fetch_scores.output,
        rule="{{ params.recovered_rule }}",
        unless="{{ params.at_risk_rule }}",
    )
    remove_from_group = OktaRemoveFromGroupOperator(
        task_id="remove_from_group",
        rows=filter_recovered.output,
        missing_group_ok=True,
        only_added_by_us="{{ params.only_added_by_us }}",
        **GROUP,
        **WRITE,
    )

    filter_improved = RiskFilterOperator(
        task_id="filter_improved",
        rows=fetch_scores.output,
        rule="has_score",
        unless="{{ params.at_risk_rule }}",
    )
    map_improved = RiskMapLevelsOperator(task_id="map_improved", rows=filter_improved.output, **LEVELS)
    push_improved = OktaPushRiskOperator(
        task_id="push_improved",
        rows=map_improved.output,
        # Of whom Okta was never told anything, there is nothing to take back.
        only_known=True,
        **PUSH,
        **WRITE,
    )

    # Okta answers 202 also to a signal that it ignores. all_done: when a push failed for somebody, what was
    # delivered to the others is to be proven all the same.
    confirm_ingested = OktaRiskEventSensor(
        task_id="confirm_ingested", trigger_rule=TriggerRule.ALL_DONE, **OKTA
    )
    [push_risk, push_improved] >> confirm_ingested

    # all_done: what was done is worth reading most when something failed.
    @task(trigger_rule=TriggerRule.ALL_DONE, retries=0, outlets=[RISK_IN_OKTA])
    def report(reports: dict[str, Any], outlet_events: Any = None) -> dict[str, Any]:
        """Put the reports of all actions side by side; fail when one of them is missing."""
        missing = sorted(task_id for task_id, one in reports.items() if one is None)
        if missing:
            raise RuntimeError(f"No report of {', '.join(missing)}: look at the log of these tasks.")
        told = {
            task_id: {"counts": one["counts"], "reasons": one["reasons"]}
            for task_id, one in reports.items()
            if one is not None
        }
        outlet_events[RISK_IN_OKTA].extra = {
            "dry_run": all(one["dry_run"] for one in reports.values() if one and "dry_run" in one),
            **{
                task_id: {status: number for status, number in one["counts"].items() if number}
                for task_id, one in told.items()
            },
        }
        return told

    report(
        {
            "add_to_group": add_to_group.output,
            "push_risk": push_risk.output,
            "remove_from_group": remove_from_group.output,
            "push_improved": push_improved.output,
            "confirm_ingested": confirm_ingested.output,
        }
    )
