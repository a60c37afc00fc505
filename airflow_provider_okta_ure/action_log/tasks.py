# SPDX-License-Identifier: Apache-2.0
"""How long tasks took and what they called: one row per task, of its last try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_okta_ure.action_log.tables import tasks

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.searching import Filter

_KEY = ("dag_id", "run_id", "task_id", "map_index")


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """
    The use of one rate limit.

    :param calls: requests sent, repeated ones included.
    :param limit: how many the service allows in one window; None = not known.
    :param ours: how many of these are our share.
    """

    calls: int
    limit: int | None = None
    ours: int | None = None


class TaskKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which task of which run, in all its tries."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


class TaskSummary(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one task cost.

    :param as_of: the time its run is for (aware).
    :param org: the Okta org's or the Netskope tenant's URL.
    :param seconds: how long it worked, waiting for its turn and for rate limits included.
    :param calls: by rate limit.
    :param warnings: what people should look at although the task did its work.
    :param as_of_reason: a key of :data:`as_of.AS_OF_REASONS`; empty = not known.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: int = 1
    as_of: datetime
    org: str
    action: str
    ended_at: datetime
    seconds: float
    calls: Mapping[str, Calls]
    warnings: tuple[str, ...] = ()
    as_of_reason: str = ""


def write_task(connection: Connection, summary: TaskSummary) -> None:
    """Write what a task cost, in the place of an earlier try."""
    row = msgspec.structs.asdict(summary)
    row["calls"] = msgspec.json.encode(summary.calls).decode()
    row["warnings"] = msgspec.json.encode(summary.warnings).decode()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(tasks).values(row)
    replaced = {name: statement.excluded[name] for name in row if name not in _KEY}
    connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=replaced))


def forget_tasks(connection: Connection, before: datetime) -> None:
    """Delete the tasks of runs that are for an earlier time."""
    connection.execute(delete(tasks).where(tasks.c.as_of < before))


def parts_that_ran(connection: Connection, *, dag_id: str, run_id: str, task_id: str) -> set[int]:
    """Return the map indexes of the parts of a mapped task of which a try has ended."""
    about = (tasks.c.dag_id == dag_id, tasks.c.run_id == run_id, tasks.c.task_id == task_id)
    return set(connection.execute(select(tasks.c.map_index).where(*about)).scalars())


def find_tasks(connection: Connection, wanted: Filter, *, dag_ids: Sequence[str]) -> list[TaskSummary]:
    """
    Return what the tasks of a period cost, the first to end first.

    :param wanted: of which only the run and the period count.
    """
    about: list[ColumnElement[bool]] = [tasks.c.dag_id.in_(dag_ids)]
    if wanted.run_id:
        about.append(tasks.c.run_id == wanted.run_id)
    if wanted.since is not None:
        about.append(tasks.c.as_of >= wanted.since)
    if wanted.until is not None:
        about.append(tasks.c.as_of < wanted.until)
    found = []
    for row in connection.execute(select(tasks).where(*about).order_by(tasks.c.ended_at)).mappings():
        calls = msgspec.json.decode(row["calls"], type=dict[str, Calls])
        warnings = msgspec.json.decode(row["warnings"], type=tuple[str, ...])
        found.append(TaskSummary(**{**row, "calls": calls, "warnings": warnings}))
    return found
