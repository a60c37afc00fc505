"""
### A run is undone

Undoes what one run of another DAG did to people in Okta, as far as it is still so and nothing later was
decided about them. It runs when somebody triggers it, and is a **dry run** unless told otherwise.

| task | does |
|---|---|
| `check` | looks whether everything is there; a problem stops only what needs it |
| `plan_revert` | says user by user what would be undone and what not; writes nothing |
| `ask` | whether somebody is asked, or the limits decide; **a dry run ends here** |
| `approve` | waits until somebody else approves or rejects: tab *Required Actions* |
| `revert` | carries out what was approved, and nothing else |
| `revert_within_limits` | when nobody is asked: undoes what the limits allow |
| `confirm_ingested` | finds each signal in Okta's System Log, or says which are missing and why |
| `report` | what became of it, in one place |

Who was added to a group leaves it, who was removed comes back, and a risk signal is followed by one that says
the level from before. The reverted run does nothing again when it is retried or cleared. **The next run of
its DAG acts again on whoever is at risk then**: pause that DAG first, if it is the rule that was wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, task
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_okta_ure.operators.approval import OktaApprovalOperator
from airflow_provider_okta_ure.operators.okta import OktaPreflightOperator, OktaRevertRunOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

if TYPE_CHECKING:
    from airflow.sdk.execution_time.hitl import HITLUser

# What was planned is out of date by then.
TIME_TO_ANSWER = timedelta(hours=4)

OKTA: dict[str, Any] = {"okta_conn_id": "{{ params.okta_conn_id }}"}
# The same for the task that plans and the one that carries out, or the plans would differ.
REVERTING: dict[str, Any] = {
    **OKTA,
    "reverted_dag_id": "{{ params.reverted_dag_id }}",
    "reverted_run_id": "{{ params.reverted_run_id }}",
    "actions": "{{ params.actions | join(',') }}",
    "users": "{{ params.users | tojson }}",
}
# A rejection and a failure both leave no report, so the states tell them apart.
STATES = (
    "{{ ti.get_task_states(dag_id=dag.dag_id, task_ids=['approve', 'revert', 'revert_within_limits'], "
    "run_ids=[run_id])[run_id].values() | join(' ') }}"
)

# True: nothing is undone without an approval, whatever whoever triggers a run chooses.
ALWAYS_ASK = False

# Who may answer: Airflow's ids and names of users, such as {"id": "7", "name": "eve"}; None = whoever may
# answer required actions of this DAG. Not a parameter, because whoever triggers a run chooses those.
APPROVERS: list[HITLUser] | None = None

with DAG(
    dag_id="okta_revert_run",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    doc_md=__doc__,
    tags=["okta", "risk", "revert"],
    params={
        "reverted_dag_id": Param(
            "okta_risk_sync", type="string", minLength=1, title="DAG of the run", section="What"
        ),
        "reverted_run_id": Param(
            "",
            type="string",
            title="Run to undo",
            section="What",
            description="The run id, as on the run's page: scheduled__2026-11-27T00:00:00+00:00.",
        ),
        "actions": Param(
            [],
            type="array",
            items={"type": "string", "enum": ["add_to_group", "remove_from_group", "push_risk"]},
            examples=["add_to_group", "remove_from_group", "push_risk"],
            title="Only these actions",
            section="What",
            description="Empty: everything that can be undone.",
        ),
        "users": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Only these users",
            section="What",
            description="Logins, names as in the source, or Okta ids, one a line. Empty: everybody.",
        ),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            section="How",
            description="Only say what would be undone.",
        ),
        "ask": Param(
            True,
            type="boolean",
            title="Ask before anything is undone",
            section="How",
            description="Off: nobody is asked, and the limits apply to what is undone.",
        ),
        "okta_conn_id": Param(
            "okta_default", type="string", minLength=1, title="Okta connection", section="How"
        ),
    },
) as dag:
    check = OktaPreflightOperator(
        task_id="check",
        actions=["groups", "push"],
        signals="auto",
        confirm=True,
        netskope_conn_id=None,
        # Nobody waits for another try of what stops nothing.
        retries=0,
        **OKTA,
    )
    # all_done: what is missing, say for signals, is not to keep people locked out of what needs none of it.
    plan_revert = OktaRevertRunOperator(
        task_id="plan_revert", dry_run=True, trigger_rule=TriggerRule.ALL_DONE, **REVERTING
    )
    check >> plan_revert

    @task.branch
    def ask(params: dict[str, Any] | None = None) -> str:
        """Choose whether somebody is asked; a dry run ends here."""
        chosen = params or {}
        if chosen["dry_run"]:
            raise AirflowSkipException(
                "This is a dry run; the report of plan_revert says what would be undone."
            )
        return "approve" if ALWAYS_ASK or chosen["ask"] else "revert_within_limits"

    asked = ask()
    plan_revert >> asked

    approve = OktaApprovalOperator(
        task_id="approve",
        plans=[plan_revert.task_id],
        subject="This undoes the run {{ params.reverted_run_id }} of {{ params.reverted_dag_id }}.",
        assigned_users=APPROVERS,
        response_timeout=TIME_TO_ANSWER,
        # Another try would ask again.
        retries=0,
        **OKTA,
    )
    revert = OktaRevertRunOperator(
        task_id="revert", approval=approve.task_id, planned_by=plan_revert.task_id, **REVERTING
    )
    revert_within_limits = OktaRevertRunOperator(task_id="revert_within_limits", **REVERTING)
    asked >> [approve, revert_within_limits]
    approve >> revert
    effects = [revert, revert_within_limits]

    # Okta answers 202 also to a signal that it ignores. all_done: when something failed, what was delivered
    # is to be proven all the same.
    confirm_ingested = OktaRiskEventSensor(
        task_id="confirm_ingested", trigger_rule=TriggerRule.ALL_DONE, **OKTA
    )
    effects >> confirm_ingested

    # all_done: what was done is worth reading most when something failed.
    @task(trigger_rule=TriggerRule.ALL_DONE, retries=0)
    def report(reports: dict[str, Any], states: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Say what was planned and undone, and what not; fail when something did not come to its end."""
        planned, confirmed = reports["plan_revert"], reports["confirm_ingested"]
        if planned is None:
            raise RuntimeError("There is no plan: look at the log of check and plan_revert.")
        if "failed" in states:
            raise RuntimeError("Not everything came to its end: look at the log of the task that failed.")
        said = {"not_undone": planned["not_undone"], "planned": planned["reasons"]}
        undone = reports["revert"] or reports["revert_within_limits"]
        if undone is None:
            return {**said, "undone": None, "dry_run": (params or {})["dry_run"]}
        if confirmed is None:
            raise RuntimeError("No report of confirm_ingested: look at its log.")
        counts = {"counts": undone["counts"], "reasons": undone["reasons"]}
        return {**said, "undone": counts, "signals": confirmed["counts"]}

    reports = {one.task_id: one.output for one in (plan_revert, *effects, confirm_ingested)}
    report(reports, STATES)
