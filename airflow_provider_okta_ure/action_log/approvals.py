# SPDX-License-Identifier: Apache-2.0
"""Which approvals were asked for, and who answered what: one row per task, of its last question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_okta_ure.action_log.tables import approvals

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.searching import Filter

Answer: TypeAlias = Literal["", "approved", "rejected", "unanswered"]
"""What became of a question; empty = nobody has answered yet."""

_KEY = ("dag_id", "run_id", "task_id", "map_index")
_LONGEST = {"subject": 1000, "answered_by": 255}


class ApprovalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """
    A question to a person, and the answer.

    :param as_of: the time that the run is for (aware).
    :param subject: the headline of the question.
    :param asked_at: when it was asked (aware).
    :param due_at: when it is too late to answer (aware); None = never.
    :param answered_by: the name of who answered; empty when nobody did.
    :param answered_at: when (aware); None = not yet.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    as_of: datetime
    subject: str = ""
    asked_at: datetime
    due_at: datetime | None = None
    answer: Answer = ""
    answered_by: str = ""
    answered_at: datetime | None = None


def write_approval(connection: Connection, record: ApprovalRecord) -> None:
    """Write a question, or its answer in its place; when it was asked stays, unless it is asked again."""
    row = msgspec.structs.asdict(record)
    for name, length in _LONGEST.items():
        row[name] = row[name][:length]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(approvals).values(row)
    kept = {*_KEY, *(("asked_at", "due_at") if record.answer else ())}
    replaced = {name: statement.excluded[name] for name in row if name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=replaced))


def approvals_of_run(connection: Connection, *, dag_id: str, run_id: str) -> list[ApprovalRecord]:
    """Return what a run asked, the first question first."""
    rows = connection.execute(
        select(approvals)
        .where(approvals.c.dag_id == dag_id, approvals.c.run_id == run_id)
        .order_by(approvals.c.asked_at, approvals.c.task_id, approvals.c.map_index)
    )
    return [ApprovalRecord(**row) for row in rows.mappings()]


def find_approvals(connection: Connection, wanted: Filter, *, dag_ids: Sequence[str]) -> list[ApprovalRecord]:
    """
    Return what the runs of a period asked, the first question first.

    :param wanted: of which only the run and the period count.
    """
    about: list[ColumnElement[bool]] = [approvals.c.dag_id.in_(dag_ids)]
    if wanted.run_id:
        about.append(approvals.c.run_id == wanted.run_id)
    if wanted.since is not None:
        about.append(approvals.c.as_of >= wanted.since)
    if wanted.until is not None:
        about.append(approvals.c.as_of < wanted.until)
    rows = connection.execute(select(approvals).where(*about).order_by(approvals.c.asked_at))
    return [ApprovalRecord(**row) for row in rows.mappings()]


def forget_approvals(connection: Connection, before: datetime) -> None:
    """Delete the questions of runs that are for an earlier time."""
    connection.execute(delete(approvals).where(approvals.c.as_of < before))
