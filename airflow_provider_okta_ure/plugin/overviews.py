# SPDX-License-Identifier: Apache-2.0
"""The first view of the page: a period in numbers, what failed, and what the newest run did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.action_log import approvals, memberships, overview, searching, tasks
from airflow_provider_okta_ure.action_log.lifecycle import CHANGES, STATUSES
from airflow_provider_okta_ure.core.as_of import AS_OF_REASONS
from airflow_provider_okta_ure.plugin.answers import (
    approval_answer,
    entry_answers,
    failure_answer,
    plan_answer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.action_log.overview import RunCount
    from airflow_provider_okta_ure.action_log.searching import Filter
    from airflow_provider_okta_ure.action_log.tasks import TaskSummary

FAILURES_AT_MOST = 20
TODAY_AT_MOST = 100
RUNS_AT_MOST = 500

_KINDS = {
    "added": "add_to_group",
    "removed": "remove_from_group",
    "pushed": "push_risk",
    "set": "upsert_risk",
    "recorded": "no_action",
}


def overview_answer(log: ActionLog, wanted: Filter) -> dict[str, Any]:
    """Return the overview of a period; see the routes for what is in it."""
    with log.database.reading() as connection:
        counts = overview.run_counts(connection, wanted)
        costs = tasks.find_tasks(connection, wanted, dag_ids=wanted.dag_ids or ())
        asked = approvals.find_approvals(connection, wanted, dag_ids=wanted.dag_ids or ())
        runs = _runs(counts, [*costs, *asked])[:RUNS_AT_MOST]
        failed = searching.search(
            connection,
            msgspec.structs.replace(wanted, status=("failed",)),
            limit=FAILURES_AT_MOST,
            only_notable=True,
        )
        _add_costs(runs, costs)
        return {
            "since": wanted.since,
            "until": wanted.until,
            "levels": overview.levels(connection, wanted),
            "runs": list(reversed(runs)),
            "failures": [failure_answer(entry) for entry in failed],
            "today": _today(connection, runs[0] if runs else None),
            "waiting": _waiting(asked, runs[0] if runs else None),
            "totals": {
                "people": overview.count_people(connection, wanted),
                "done": sum(one.entries for one in counts if one.status == "done" and one.action in CHANGES),
                "failed": sum(one.entries for one in counts if one.status == "failed"),
                "in_groups": memberships.count_memberships(
                    connection, dag_ids=wanted.dag_ids or (), org=wanted.org, until=wanted.until
                ),
            },
        }


def _runs(counts: Sequence[RunCount], others: Sequence[TaskSummary | ApprovalRecord]) -> list[dict[str, Any]]:
    """Return one dict per run, the newest moment first; also of runs that found nobody to act on."""
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    for task in others:
        run = runs.setdefault((task.dag_id, task.run_id), _new_run(task))
        run["as_of"] = max(run["as_of"], task.as_of)
    for one in counts:
        run = runs.setdefault((one.dag_id, one.run_id), _new_run(one))
        run["as_of"] = max(run["as_of"], one.as_of)
        by_status = run["actions"].setdefault(one.action, dict.fromkeys(STATUSES, 0))
        by_status[one.status] = by_status.get(one.status, 0) + one.entries
        if one.action == "push_risk" and one.status == "done":
            run["pushed"] += one.entries
            if one.confirmation in ("confirmed", "missing"):
                run[one.confirmation] += one.entries
    return sorted(runs.values(), key=lambda run: run["as_of"], reverse=True)


def _new_run(one: RunCount | TaskSummary | ApprovalRecord) -> dict[str, Any]:
    return {
        "dag_id": one.dag_id,
        "run_id": one.run_id,
        "as_of": one.as_of,
        "actions": {},
        "pushed": 0,
        "confirmed": 0,
        "missing": 0,
        "seconds": None,
        "calls": {},
        "tasks": [],
        "warnings": [],
        "as_of_reason": None,
        "complete": None,
        "read": None,
        "returned": None,
    }


def _add_costs(runs: Sequence[dict[str, Any]], found: Sequence[TaskSummary]) -> None:
    """Add to each run what its tasks cost together, and what they warned of."""
    by_run = {(run["dag_id"], run["run_id"]): run for run in runs}
    for task in found:
        run = by_run.get((task.dag_id, task.run_id))
        if run is None:
            continue
        run["warnings"] += [
            {"task_id": task.task_id, "text": text}
            for text in task.warnings
            # The parts of a mapped task all say the same.
            if {"task_id": task.task_id, "text": text} not in run["warnings"]
        ]
        run["as_of_reason"] = AS_OF_REASONS.get(task.as_of_reason, run["as_of_reason"])
        run["seconds"] = round((run["seconds"] or 0.0) + task.seconds, 3)
        run["tasks"].append(
            {
                "task_id": task.task_id,
                "map_index": task.map_index,
                "action": task.action,
                "org": task.org,
                "seconds": task.seconds,
                "calls": task.calls,
                "complete": task.is_complete,
            }
        )
        _add_reading(run, task)
        for bucket, used in task.calls.items():
            so_far = run["calls"].get(bucket, {"calls": 0, "limit": None, "ours": None})
            run["calls"][bucket] = {
                "calls": so_far["calls"] + used.calls,
                "limit": used.limit or so_far["limit"],
                "ours": used.ours or so_far["ours"],
            }


def _add_reading(run: dict[str, Any], task: TaskSummary) -> None:
    """Add to a run whether its fetches read their whole sources, and how many users they read."""
    if task.action != tasks.FETCH or not task.source:
        return
    run["complete"] = task.is_complete and run["complete"] is not False
    read = sum(task.counts.values())
    run["read"] = (run["read"] or 0) + read
    run["returned"] = (run["returned"] or 0) + read - sum(one.users for one in task.silent)


def _waiting(asked: Sequence[ApprovalRecord], newest: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the questions of other runs than the newest that somebody can still answer."""
    shown = (newest["dag_id"], newest["run_id"]) if newest else None
    answers = [approval_answer(one) for one in asked if not one.answer and (one.dag_id, one.run_id) != shown]
    return [one for one in answers if not one["answer"]]


def _today(connection: Connection, run: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the newest run did and what it only planned, the least safe first."""
    if run is None:
        nothing: dict[str, Any] = {kind: [] for kind in _KINDS}
        return {
            **nothing,
            "planned": nothing,
            "plans": [],
            "approvals": [],
            "warnings": [],
            "as_of": None,
            "as_of_reason": None,
            "complete": None,
            "read": None,
            "returned": None,
            "dag_id": None,
            "run_id": None,
        }
    where = {"dag_id": run["dag_id"], "run_id": run["run_id"]}

    def entries(status: str) -> dict[str, Any]:
        return {
            kind: entry_answers(
                overview.entries_of_run(
                    connection, **where, action=action, status=status, limit=TODAY_AT_MOST
                )
                if run["actions"].get(action, {}).get(status)
                else ()
            )
            for kind, action in _KINDS.items()
        }

    has_plans = any(one["planned"] for one in run["actions"].values())
    plans = overview.plans_of_run(connection, **where) if has_plans else []
    planned = Counter[str]()
    for one in plans:
        planned[one.action] += one.entries
    return {
        **entries("done"),
        "planned": entries("planned"),
        "plans": [plan_answer(one, **where) for one in plans],
        "approvals": [approval_answer(one) for one in approvals.approvals_of_run(connection, **where)],
        "warnings": run["warnings"],
        "as_of": run["as_of"],
        "as_of_reason": run["as_of_reason"],
        "complete": run["complete"],
        "read": run["read"],
        "returned": run["returned"],
        **where,
        "actions": {
            action: {**by_status, "planned": planned[action]} for action, by_status in run["actions"].items()
        },
    }
