"""
### Okta follows Netskope, when a person agrees

The same job as `okta_risk_sync`, with a person between plan and effect. Every day:

| task | does |
|---|---|
| `check`, `fetch_scores` | look whether all is there; who is at risk or was, **higher scores are safer** |
| `filter_*`, `map_*` | who is at risk, who has recovered, who has improved, and their levels |
| `plan_*` | say exactly what would be changed in Okta; write nothing |
| `approve` | waits for an answer (tab *Required Actions*); **ends the run when nothing is to be done** |
| `add_to_group`, `remove_from_group`, `push_*` | carry out what was approved, and nothing else |
| `confirm_ingested` | finds each signal in Okta's System Log, or says which are missing and why |
| `report` | what became of it, in one place |

There is no dry run to switch off: **nothing is written to Okta before somebody approves**. What was approved
has no limit of size, because a person has seen it. When the world has changed since (somebody was
deactivated, added by hand, a later run has decided), the task writes nothing, fails, and says what is
different. Clear the `plan_*` task with everything after it for a new plan and a new question.

A rejection ends the run, and so does a day without an answer: that one as a failure, because nobody looked.
Whoever triggered a run cannot approve it. Who approved stands in the action log with every change.

Unpausing the DAG starts a run for the last whole day, which asks as well; a run that you trigger is for now.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TriggerRule, task

from airflow_provider_okta_ure.operators.approval import OktaApprovalOperator
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPreflightOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

if TYPE_CHECKING:
    from airflow.sdk.execution_time.hitl import HITLUser

# The next day has a plan of its own.
TIME_TO_ANSWER = timedelta(hours=23)

# The same for the task that plans and the one that carries out, or the plans would differ. A person decides
# about past intervals as well; whatever a later run has decided about since is refused, not overwritten.
OKTA: dict[str, Any] = {"okta_conn_id": "{{ params.okta_conn_id }}"}
WRITING: dict[str, Any] = {
    **OKTA,
    "exclude_users": "{{ params.exclude_users | tojson }}",
    "exclude_groups": "{{ params.exclude_groups | tojson }}",
}
GROUP: dict[str, Any] = {**WRITING, "group_name": "{{ params.group }}", "past_intervals": "apply"}
ADDING: dict[str, Any] = {
    **GROUP,
    "create_group": True,
    "expires_after": "{{ params.expires_after or '' }}",
}
REMOVING: dict[str, Any] = {
    **GROUP,
    "missing_group_ok": True,
    "only_added_by_us": "{{ params.only_added_by_us }}",
}
PUSHING: dict[str, Any] = {
    **WRITING,
    "signals": "{{ params.signals }}",
    "ensure_provider": True,
    "only_changes": "{{ params.only_changes }}",
    "history": "{{ params.history }}",
}
PUSHING_IMPROVED: dict[str, Any] = {**PUSHING, "only_known": True}
# Everybody whom a rule further down concerns. The second and third rule concern only people who are tracked,
# who are returned anyway, unless these parameters say otherwise.
KEEP = (
    "{{ ([params.at_risk_rule] + ([] if params.only_added_by_us else [params.recovered_rule]) "
    "+ ([] if params.only_changes else ['has_score'])) | tojson }}"
)
LEVELS: dict[str, Any] = {"score_bounds": "{{ params.score_bounds | tojson if params.score_bounds else '' }}"}

# Who may answer: Airflow's ids and names of users, such as {"id": "7", "name": "eve"}; None = whoever may
# answer required actions of this DAG. Not a parameter, because whoever triggers a run chooses those.
APPROVERS: list[HITLUser] | None = None

# A rejection is a success that hands nothing over, and so is a question that is marked as successful by hand:
# the states of the tasks tell them from each other, and from a question without an answer.
STATES = (
    "{{ ti.get_task_states(dag_id=dag.dag_id, run_ids=[run_id], task_ids=['approve', 'add_to_group', "
    "'remove_from_group', 'push_risk', 'push_improved'])[run_id] | tojson }}"
)
CHOSEN = "{{ ((ti.xcom_pull(task_ids='approve') or {}).get('chosen_options') or []) | join }}"

with DAG(
    dag_id="okta_risk_sync_with_approval",
    # A data interval of one UTC day, like Netskope's scores; a plain cron string would make it zero seconds.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    doc_md=__doc__,
    tags=["okta", "netskope", "risk", "approval"],
    params={
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
    filter_recovered = RiskFilterOperator(
        task_id="filter_recovered",
        rows=fetch_scores.output,
        rule="{{ params.recovered_rule }}",
        unless="{{ params.at_risk_rule }}",
    )
    filter_improved = RiskFilterOperator(
        task_id="filter_improved",
        rows=fetch_scores.output,
        rule="has_score",
        unless="{{ params.at_risk_rule }}",
    )
    map_improved = RiskMapLevelsOperator(task_id="map_improved", rows=filter_improved.output, **LEVELS)

    plan_add = OktaAddToGroupOperator(task_id="plan_add", rows=map_levels.output, dry_run=True, **ADDING)
    plan_remove = OktaRemoveFromGroupOperator(
        task_id="plan_remove", rows=filter_recovered.output, dry_run=True, **REMOVING
    )
    plan_push = OktaPushRiskOperator(task_id="plan_push", rows=map_levels.output, dry_run=True, **PUSHING)
    plan_push_improved = OktaPushRiskOperator(
        task_id="plan_push_improved", rows=map_improved.output, dry_run=True, **PUSHING_IMPROVED
    )

    plans = [plan_add, plan_remove, plan_push, plan_push_improved]
    approve = OktaApprovalOperator(
        task_id="approve",
        plans=[one.task_id for one in plans],
        assigned_users=APPROVERS,
        response_timeout=TIME_TO_ANSWER,
        # Another try would ask again.
        retries=0,
        **OKTA,
    )
    plans >> approve

    add_to_group = OktaAddToGroupOperator(
        task_id="add_to_group",
        rows=map_levels.output,
        approval=approve.task_id,
        planned_by=plan_add.task_id,
        **ADDING,
    )
    remove_from_group = OktaRemoveFromGroupOperator(
        task_id="remove_from_group",
        rows=filter_recovered.output,
        approval=approve.task_id,
        planned_by=plan_remove.task_id,
        **REMOVING,
    )
    push_risk = OktaPushRiskOperator(
        task_id="push_risk",
        rows=map_levels.output,
        approval=approve.task_id,
        planned_by=plan_push.task_id,
        **PUSHING,
    )
    push_improved = OktaPushRiskOperator(
        task_id="push_improved",
        rows=map_improved.output,
        approval=approve.task_id,
        planned_by=plan_push_improved.task_id,
        **PUSHING_IMPROVED,
    )
    effects = [add_to_group, remove_from_group, push_risk, push_improved]
    approve >> effects

    # Okta answers 202 also to a signal that it ignores. all_done: when a push failed for somebody, what was
    # delivered to the others is to be proven all the same.
    confirm_ingested = OktaRiskEventSensor(
        task_id="confirm_ingested", trigger_rule=TriggerRule.ALL_DONE, **OKTA
    )
    [push_risk, push_improved] >> confirm_ingested

    # all_done: what was done is worth reading most when something failed.
    @task(trigger_rule=TriggerRule.ALL_DONE, retries=0)
    def report(plans: dict[str, Any], reports: dict[str, Any], chosen: str, states: str) -> dict[str, Any]:
        """Say what was planned, answered and done; fail when one of these is missing."""
        state_of = json.loads(states)
        not_planned = sorted(task_id for task_id, one in plans.items() if one is None)
        if not_planned:
            raise RuntimeError(f"No report of {', '.join(not_planned)}: look at the log of these tasks.")
        planned = {task_id: one["counts"]["planned"] for task_id, one in plans.items()}
        if not any(planned.values()):
            return {"answer": "nobody was asked", "planned": planned}
        if state_of["approve"] != "success":
            raise RuntimeError("Nobody has answered, or the answer does not count: nothing was written.")
        failed = sorted(task_id for task_id, state in state_of.items() if state == "failed")
        if failed:
            raise RuntimeError(f"Look at the log of {', '.join(failed)}.")
        if chosen != OktaApprovalOperator.APPROVE:
            return {"answer": OktaApprovalOperator.REJECT, "planned": planned}
        missing = sorted(task_id for task_id, one in reports.items() if one is None)
        if missing:
            raise RuntimeError(f"No report of {', '.join(missing)}: look at the log of these tasks.")
        done = {
            task_id: {"counts": one["counts"], "reasons": one["reasons"]} for task_id, one in reports.items()
        }
        return {"answer": chosen, "planned": planned, **done}

    # The answer as text, because a rejection skips whatever comes right after the question.
    reports = {one.task_id: one.output for one in (*effects, confirm_ingested)}
    report({one.task_id: one.output for one in plans}, reports, CHOSEN, STATES)
