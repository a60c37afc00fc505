# SPDX-License-Identifier: Apache-2.0
"""Rows of the action log as the page reads them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Response

from airflow_provider_okta_ure.core.levels import ScoreBounds
from airflow_provider_okta_ure.plugin.advice import advice_for, reason
from airflow_provider_okta_ure.plugin.links import base_path, links_of, task_path

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.action_log.overview import PlanCount
    from airflow_provider_okta_ure.action_log.people import ScoreAt
    from airflow_provider_okta_ure.core.holding import Hold


_PLAN = re.compile(r"\bplan:? ([0-9a-f]{8,64})\b", re.IGNORECASE)
"""How messages name a plan."""


def json_answer(content: Any, status: int = 200) -> Response:
    """Return an answer in JSON; moments in UTC with ``Z``."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def entry_answers(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return entries with what their reasons mean, and where more is to be seen."""
    base = base_path()
    return [entry_answer(entry, base) for entry in entries]


def entry_answer(entry: Entry, base: str) -> dict[str, Any]:
    """
    Return an entry with what its reason means, and where more is to be seen.

    :param base: the path below which Airflow is served.
    """
    advice = advice_for(entry)
    return {
        **msgspec.structs.asdict(entry),
        "message": advice.message,
        "reason_title": advice.title or None,
        "reason_remedy": advice.remedy or None,
        "links": links_of(entry, base),
    }


def failure_answer(entry: Entry) -> dict[str, Any]:
    """Return a failed entry with what to do about it."""
    answer = entry_answer(entry, base_path())
    return {
        **answer,
        "title": answer["reason_title"] or answer["message"] or entry.reason or "Failed",
        "remedy": answer["reason_remedy"],
        "link": answer["links"]["task"],
    }


def plan_answer(plan: PlanCount, *, dag_id: str, run_id: str) -> dict[str, Any]:
    """Return what a task planned and did not do: how much, why not, and the id by which it is approved."""
    named = _PLAN.search(plan.message)
    trouble = reason(plan.reason)
    return {
        **msgspec.structs.asdict(plan),
        "plan_id": named[1] if named else None,
        "remedy": trouble.advice() if trouble else None,
        "link": task_path(dag_id, run_id, plan.task_id),
    }


def approval_answer(record: ApprovalRecord) -> dict[str, Any]:
    """Return a question to a person; one that is overdue has no answer, also when nobody wrote that down."""
    is_over = not record.answer and record.due_at is not None and record.due_at < datetime.now(timezone.utc)
    link = task_path(record.dag_id, record.run_id, record.task_id, record.map_index)
    if link and not record.answer and not is_over and record.map_index < 0:
        # Where it can be answered.
        link = f"{link}/required_actions"
    shown = msgspec.structs.asdict(record)
    for name in ("answered_by_id", "plans", "seal"):
        del shown[name]
    return {
        **shown,
        "answer": "unanswered" if is_over else record.answer,
        "answered_at": record.due_at if is_over else record.answered_at,
        "link": link,
    }


def membership_answer(entry: Entry, holds: Iterable[Hold], *, readable: Container[str]) -> dict[str, Any]:
    """
    Return an addition to a group as a membership: since when, until when, why, and who holds it.

    :param holds: the claims on it that still count.
    :param readable: the DAGs that the reader may see; of others only that there is one is said.
    """
    shown = [one for one in holds if one.dag_id in readable]
    return {
        "held_by": [
            {"dag_id": one.dag_id, "task_id": one.task_id, "as_of": one.as_of, "expires_at": one.expires_at}
            for one in sorted(shown, key=lambda one: one.holder)
        ],
        "held_by_others": any(one.dag_id not in readable for one in holds),
        "org": entry.org,
        "group_id": entry.target,
        "group_name": entry.target_name,
        "since": entry.as_of,
        "expires_at": entry.expires_at,
        "rule": entry.rule,
        "score": entry.score,
        "entry_id": entry.id,
        "dag_id": entry.dag_id,
        "run_id": entry.run_id,
        "status": entry.status,
        "links": links_of(entry, base_path()),
        "why": why(entry),
    }


def why(entry: Entry) -> str:
    """Return why an entry's user was chosen, in one sentence."""
    score = "without a score" if entry.score is None else f"score {entry.score} (higher is safer)"
    if not entry.rule:
        return f"{score}; chosen by a list of users, not by a rule"
    return f"{score} matched the rule: {entry.rule}"


def bounds_of(scores: Iterable[ScoreAt]) -> list[int] | None:
    """
    Return the highest score of each level but the safest, for a chart; None = the levels are other ones.

    The bounds are an argument of a task, and the log holds only which level a score had.
    """
    bounds = ScoreBounds()
    for one in scores:
        if one.score is not None and one.score_level not in ("", bounds.level_of(one.score)):
            return None
    return [bounds.critical[1], bounds.high[1], bounds.medium[1]]
