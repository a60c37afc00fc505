# SPDX-License-Identifier: Apache-2.0
"""Which approvals were asked for, and who answered what: one row per task, of its last question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, select

from airflow_provider_okta_ure.action_log.inserting import replace_rows
from airflow_provider_okta_ure.action_log.tables import approvals
from airflow_provider_okta_ure.core.seals import is_sealed, seal

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.plans import PlanRecord
    from airflow_provider_okta_ure.action_log.searching import Filter

Answer: TypeAlias = Literal["", "approved", "rejected", "refused", "unanswered"]
"""
The answer to a question; empty = nobody has answered yet.

``refused`` is an approval by somebody who may not give it: the answer of whoever triggered the run.
"""

_KEY = ("dag_id", "run_id", "task_id", "map_index")
_LONGEST = {"subject": 1000, "answered_by": 255, "answered_by_id": 255}


class PlanShown(msgspec.Struct, frozen=True, order=True):
    """A plan that a question was about, and the digest of its record when it was shown."""

    task_id: str
    map_index: int
    action: str
    target: str
    digest: str

    @classmethod
    def of(cls, record: PlanRecord) -> PlanShown:
        """Return what an approval remembers of a plan."""
        return cls(record.task_id, record.map_index, record.action, record.target, record.digest)


class ApprovalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """
    A question to a person, and the answer.

    :param as_of: the time that the run is for (aware).
    :param subject: the headline of the question.
    :param asked_at: when it was asked (aware).
    :param due_at: when it is too late to answer (aware); None = never.
    :param answered_by: the name of who answered; empty when nobody did.
    :param answered_at: when (aware); None = not yet.
    :param org: the Okta org that the plans are for, as the action log calls it.
    :param answered_by_id: Airflow's id of who answered.
    :param plans: the plans that were shown.
    :param seal: proves that a task with the secret of the Okta connection wrote all of this.
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
    org: str = ""
    answered_by_id: str = ""
    plans: tuple[PlanShown, ...] = ()
    seal: str = ""

    def sealed(self, key: bytes) -> ApprovalRecord:
        """Return the record as it can be written, with its seal."""
        record = msgspec.structs.replace(
            self,
            plans=tuple(sorted(self.plans)),
            **{name: getattr(self, name)[:length] for name, length in _LONGEST.items()},
        )
        return msgspec.structs.replace(record, seal=seal(key, record.content))

    def is_sealed(self, key: bytes) -> bool:
        """Whether nobody without the key has written or changed the record."""
        return is_sealed(key, self.content, self.seal)

    @property
    def content(self) -> dict[str, Any]:
        """Everything that the seal is made of."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name != "seal"}


def write_approval(connection: Connection, record: ApprovalRecord) -> None:
    """Write a question, or the question with its answer, in the place of what the task wrote before."""
    row = msgspec.structs.asdict(record)
    for name, length in _LONGEST.items():
        row[name] = row[name][:length]
    row["plans"] = msgspec.json.encode(record.plans).decode()
    replace_rows(connection, approvals, [row])


def approvals_of_run(
    connection: Connection, *, dag_id: str, run_id: str, task_id: str | None = None
) -> list[ApprovalRecord]:
    """
    Return what a run asked, the first question first.

    :param task_id: only the questions of this task, all parts of it; None = of all tasks.
    """
    about: list[ColumnElement[bool]] = [approvals.c.dag_id == dag_id, approvals.c.run_id == run_id]
    if task_id is not None:
        about.append(approvals.c.task_id == task_id)
    rows = connection.execute(
        select(approvals)
        .where(*about)
        .order_by(approvals.c.asked_at, approvals.c.task_id, approvals.c.map_index)
    )
    return list(map(_record, rows.mappings()))


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
    return list(map(_record, rows.mappings()))


def forget_approvals(connection: Connection, before: datetime) -> None:
    """Delete the questions that are for an earlier time, unless they were asked lately, by a backfill."""
    connection.execute(
        delete(approvals).where(and_(approvals.c.as_of < before, approvals.c.asked_at < before))
    )


def _record(row: RowMapping) -> ApprovalRecord:
    try:
        shown = msgspec.json.decode(row["plans"], type=tuple[PlanShown, ...])
    except (msgspec.DecodeError, RecursionError):
        # Somebody else wrote it. Without its plans the seal does not fit, so that it approves nothing.
        shown = ()
    return ApprovalRecord(**{**row, "plans": shown})
