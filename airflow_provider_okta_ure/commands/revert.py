# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure revert``: what a run did is undone, by the code of the operator."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from airflow_provider_okta_ure.commands.auditing import audited, who
from airflow_provider_okta_ure.commands.connections import okta_hook, reading_the_database
from airflow_provider_okta_ure.commands.endings import PROBLEM, ending_with_status
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_kept_clean, say
from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.core.reports import reported
from airflow_provider_okta_ure.errors import OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.operators.revert import OktaRevertRunOperator

TASK_ID = "revert"


@audited
def revert(args: Namespace) -> None:
    """Undo what a run did, or say what would be undone, user by user; what is not undone has its reason."""
    with ending_with_status(
        interrupted="Interrupted; what was undone is in the action log. Run it again for the rest."
    ):
        refuse_empty(args)
        now = utc_now()
        run_id = f"revert__{now.isoformat()}"
        with output_kept_clean(), reading_the_database():
            okta_hook(args.okta_conn_id or "okta_default")
            operator = _operator(args)
            result, problem = _undone(operator, _context(args.dag_id, run_id, now))
        for line in _lines(operator):
            sys.stdout.write(f"{in_one_line(line)}\n")
        if problem is not None:
            raise problem
        say(_summary(result, run_id, dry_run=args.dry_run))
        if not args.dry_run and not _has_undone(result):
            raise SystemExit(PROBLEM)


def utc_now() -> datetime:
    """Return the present time; a function of its own so that a test can set it."""
    return datetime.now(tz=timezone.utc)


def _operator(args: Namespace) -> OktaRevertRunOperator:
    # Not before it is needed: other commands start without the operators.
    from airflow_provider_okta_ure.operators.revert import OktaRevertRunOperator

    limits = {"max_changes": args.max_changes, "max_change_percent": args.max_change_percent}
    return OktaRevertRunOperator(
        task_id=TASK_ID,
        reverted_dag_id=args.dag_id,
        reverted_run_id=args.run_id,
        actions=args.action,
        users=args.user,
        dry_run=args.dry_run,
        approved_plan=args.approved_plan,
        okta_conn_id=args.okta_conn_id or "okta_default",
        **{name: value for name, value in limits.items() if value is not None},
    )


def _undone(
    operator: OktaRevertRunOperator, context: dict[str, Any]
) -> tuple[dict[str, Any], OktaUreError | None]:
    """Return the result, or what stopped it: what was done before that is printed all the same."""
    try:
        return operator.undo(cast("Any", context)), None
    except OktaUreError as error:
        return {}, error


def _context(dag_id: str, run_id: str, now: datetime) -> dict[str, Any]:
    """
    Return what a task would know of its run.

    What is undone stands in the action log as done by the DAG whose run it was, because whoever may see that
    DAG has to see it, and there is no run of another one.
    """
    task = SimpleNamespace(
        dag_id=dag_id,
        run_id=run_id,
        task_id=TASK_ID,
        map_index=-1,
        try_number=1,
        id=str(uuid4()),
        xcom_push=lambda key, value: None,
    )
    run = SimpleNamespace(run_type="manual", run_after=now, triggering_user_name=who())
    return {"ti": task, "dag_run": run}


def _lines(operator: OktaRevertRunOperator) -> Iterator[str]:
    for part in operator.parts:
        for decision in part.ended:
            one = reported(decision)
            why = f"{one.reason}: {one.message}" if one.message else one.reason
            said = (f"{one.status:9}", part.action, repr(part.target_name), one.user, why)
            yield "  ".join(filter(None, said))
    for other in operator.not_undone:
        why = f"{other.reason}: {other.message}"
        yield f"{'not done':9}  {other.action}  {other.target!r}  {other.user}  {why}"


def _has_undone(result: dict[str, Any]) -> bool:
    """Whether anything is as before the run because of this."""
    return bool(result["counts"]["done"] or any(result["holds"].values()))


def _summary(result: dict[str, Any], run_id: str, *, dry_run: bool) -> str:
    run = f"the run {result['reverted_run_id']} of {result['reverted_dag_id']}"
    counts = {status: number for status, number in result["counts"].items() if number}
    said = ", ".join(f"{number} {status}" for status, number in counts.items())
    plans = ",".join(part["plan"]["plan_id"] for part in result["parts"] if part["plan"])
    if dry_run:
        would = f"This would undo {run}: {said}." if counts.get("planned") else f"{_nothing(said)} of {run}."
        return f"{would} Nothing was written.{f' Plans: {plans}.' if plans else ''}"
    if result["dry_run"]:
        return f"Nothing was undone of {run}: {'; '.join(result['warnings'])}"
    holds = ", ".join(_holds(result["holds"]))
    if not _has_undone(result):
        why = "; ".join([said or "the run changed nothing that can be undone", *result["warnings"]])
        return f"Nothing was undone of {run}: {why}. It does nothing again by a retry or a clear."
    what = ", ".join(filter(None, (said, holds)))
    return (
        f"Undid {run}: {what}. It does nothing again by a retry or a clear, "
        "and the next run of the DAG acts again on whoever is at risk then. To take it back: "
        f"--dag-id {result['reverted_dag_id']} --run-id {run_id}"
    )


def _nothing(said: str) -> str:
    return f"There is nothing to undo ({said})" if said else "There is nothing to undo"


def _holds(counts: dict[str, int]) -> Iterator[str]:
    """Say whom the DAG does not hold in a group any more, or holds again, without an effect in Okta."""
    for name, said in (("ended", "ended"), ("held_again", "restored")):
        if number := counts[name]:
            yield f"{number} {'hold' if number == 1 else 'holds'} {said}"
