# SPDX-License-Identifier: Apache-2.0
"""What tasks decided, how long they took and what they called: one row per task, of its last try."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, select

from airflow_provider_okta_ure.action_log.inserting import insert_into
from airflow_provider_okta_ure.action_log.tables import IS_COMPLETE, tasks

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.searching import Filter

FETCH = "fetch_scores"
_LONGEST_NAME = 255
_DECIDED = ("target", "target_name", "counts", "silent", "is_complete", "parts", "source")


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


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many users a task decided about without a row in the log, because nothing had to be done for them.

    :param status: what the row would have said, ``unchanged`` as a rule.
    :param reason: the reason code, too; ``not_kept`` of users whom a fetch read and did not return.
    :param risk_level: Okta's level, **up is risk**; empty = nobody mapped it.
    """

    status: str
    reason: str = ""
    risk_level: str = ""
    users: int


class TaskSummary(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one task decided, and what it cost.

    :param as_of: the time its run is for (aware).
    :param org: the Okta org's or the Netskope tenant's URL.
    :param seconds: how long it worked, waiting for its turn and for rate limits included.
    :param calls: by rate limit.
    :param warnings: what people should look at although the task did its work.
    :param as_of_reason: a key of :data:`as_of.AS_OF_REASONS`; empty = not known.
    :param target: the group's id, or the issuer of risk signals; empty when there is none.
    :param target_name: the group's name, for people.
    :param counts: the users it decided about, by ``status:reason``, or by status without a reason.
    :param silent: those among them who have no row in the log.
    :param is_complete: whether it ended well and has decided about everybody in its source: who is not in
        the log was not concerned. Of a fetch, whether it read its whole source.
    :param parts: of a mapped task how many parts it has; 1 = it is not mapped.
    :param source: of a fetch the Airflow connection that it read from.
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
    target: str = ""
    target_name: str = ""
    counts: Mapping[str, int] = {}
    silent: tuple[Silent, ...] = ()
    is_complete: bool = False
    parts: int = 1
    source: str = ""


_JSON: dict[str, Any] = {
    "calls": dict[str, Calls],
    "warnings": tuple[str, ...],
    "counts": dict[str, int],
    "silent": tuple[Silent, ...],
}
"""What is kept as JSON, and of which type it is."""


def write_task(connection: Connection, summary: TaskSummary) -> None:
    """
    Write what a task decided and cost, in the place of an earlier try.

    What a complete try decided stays: another try that was ended early takes nothing back. A fetch that is
    tried again is read again, and is whole only if the last try was.
    """
    row = msgspec.structs.asdict(summary)
    for name in _JSON:
        row[name] = msgspec.json.encode(getattr(summary, name)).decode()
    row["target_name"] = summary.target_name[:_LONGEST_NAME]
    statement = insert_into(connection, tasks).values(row)
    key = [column.name for column in tasks.primary_key]
    stays = and_(tasks.c.is_complete, ~statement.excluded.is_complete, tasks.c.action != FETCH)
    replaced = {
        name: case((stays, tasks.c[name]), else_=statement.excluded[name])
        if name in _DECIDED
        else statement.excluded[name]
        for name in row
        if name not in key
    }
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=replaced))


def forget_tasks(connection: Connection, before: datetime) -> None:
    """
    Delete the tasks of runs that are for an earlier time, but for the last complete run of each.

    Whatever older run is carried out afterwards is still superseded by that one.
    """
    later = tasks.alias().c
    has_later = exists().where(
        later.dag_id == tasks.c.dag_id,
        later.task_id == tasks.c.task_id,
        later.org == tasks.c.org,
        later.action == tasks.c.action,
        later.target == tasks.c.target,
        later.is_complete,
        later.as_of > tasks.c.as_of,
    )
    is_needed = and_(tasks.c.is_complete, tasks.c.action != FETCH, ~has_later)
    connection.execute(delete(tasks).where(tasks.c.as_of < before, ~is_needed))


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
        texts = {name: msgspec.json.decode(row[name], type=kind) for name, kind in _JSON.items()}
        found.append(TaskSummary(**{**row, **texts}))
    return found


def later_complete_run(
    connection: Connection,
    *,
    org: str,
    action: str,
    targets: Collection[str],
    dag_id: str,
    task_id: str,
    after: datetime,
    not_by_run: str,
) -> datetime | None:
    """
    Return the newest later time for which a task has decided about everybody; None = there is none.

    Who has no row of that run was not concerned by it, and what an older run wants for them is superseded.
    A mapped task has decided about everybody when all its parts have.

    :param targets: the group's id, and what stood for the group before it was made; or the issuer.
    :param after: only runs for a later time.
    :param not_by_run: the id of the run that asks.
    """
    record, part = tasks.c, tasks.alias().c
    # Found by ix_okta_ure_tasks_complete, the newest first: as a rule there is none, or the first one is it.
    candidates = (
        select(record.run_id, record.as_of)
        .where(
            record.dag_id == dag_id,
            record.task_id == task_id,
            record.as_of > after,
            IS_COMPLETE,
            record.org == org,
            record.action == action,
            record.target.in_(list(targets)),
            record.run_id != not_by_run,
        )
        .order_by(record.as_of.desc())
    )
    seen: set[str] = set()
    for run_id, as_of in connection.execute(candidates).all():
        if run_id in seen:
            continue
        seen.add(run_id)
        parts = select(part.map_index, part.parts, part.is_complete, part.ended_at).where(
            part.dag_id == dag_id, part.run_id == run_id, part.task_id == task_id
        )
        if _are_all_complete(connection.execute(parts).all()):
            found: datetime = as_of
            return found
    return None


def _are_all_complete(parts: Sequence[Any]) -> bool:
    """
    Return whether all parts of one task of one run are there and complete.

    After a clear there can be fewer parts than before; those that ended last say how many there are.
    """
    if not parts:
        return False
    number = max(parts, key=lambda part: part.ended_at).parts
    current = [part for part in parts if part.map_index < number]
    return len(current) >= number and all(part.is_complete for part in current)


def read_whole(connection: Connection, *, dag_id: str, run_id: str, sources: Collection[str]) -> bool:
    """
    Return whether the fetches of a DAG run read all of these sources whole.

    All fetches of the run have to: who is missing from a part that was read can be in one that was not.

    :param sources: the Airflow connections that the rows in hand came from; empty = there are no rows.
    """
    # Found by the primary key: the tasks of one run.
    record = tasks.c
    by_task: dict[str, list[Any]] = {}
    for part in connection.execute(
        select(
            record.task_id, record.map_index, record.parts, record.is_complete, record.ended_at, record.source
        ).where(record.dag_id == dag_id, record.run_id == run_id, record.action == FETCH)
    ):
        by_task.setdefault(part.task_id, []).append(part)
    read = {part.source for parts in by_task.values() for part in parts}
    return bool(by_task) and set(sources) <= read and all(map(_are_all_complete, by_task.values()))
