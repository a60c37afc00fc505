# SPDX-License-Identifier: Apache-2.0
"""What a period looks like as numbers: per run, per moment, and in all."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, not_, select

from airflow_provider_okta_ure.action_log import lifecycle, silent_users, summaries, tables
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.searching import Filter, conditions_of
from airflow_provider_okta_ure.action_log.summaries import LEVELS
from airflow_provider_okta_ure.action_log.tables import IS_NOTABLE, actions
from airflow_provider_okta_ure.action_log.tasks import FETCH


class RunCount(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many entries of a run have one action, status and confirmation.

    :param as_of: the newest time they are for.
    """

    dag_id: str
    run_id: str
    as_of: datetime
    action: str
    status: str
    confirmation: str
    entries: int


class LevelsAt(msgspec.Struct, kw_only=True):
    """
    How many people had which risk level at one time; each person counts once, with the highest.

    :param as_of: the moment (aware).
    :param none: also people whose level nobody mapped.
    """

    as_of: datetime
    high: int = 0
    medium: int = 0
    low: int = 0
    none: int = 0


def run_counts(connection: Connection, wanted: Filter) -> list[RunCount]:
    """
    Return the counts of every run of a period, the newest moment first.

    Also of the users for whom nothing had to be done and who have no rows.
    """
    table = summaries.all_counts(summaries.within(wanted.since, wanted.until)).c
    key = (table.dag_id, table.run_id, table.action, table.status, table.confirmation)
    newest = func.max(table.as_of)
    rows = connection.execute(
        select(*key, newest, func.sum(table.entries))
        .where(
            table.dag_id.in_(list(wanted.dag_ids or ())),
            *([table.run_id == wanted.run_id] if wanted.run_id else []),
            *([table.org == wanted.org] if wanted.org else []),
            table.action != "fetch_scores",
        )
        .group_by(*key)
        .order_by(newest.desc())
    )
    found = {
        (dag_id, run_id, action, status, confirmation): (as_of, int(entries))
        for dag_id, run_id, action, status, confirmation, as_of, entries in rows
    }
    for task, one in silent_users.as_counts(silent_users.tasks_with_silent(connection, wanted), wanted):
        place = (task.dag_id, task.run_id, task.action, one.status, "")
        as_of, entries = found.get(place, (task.as_of, 0))
        found[place] = (max(as_of, task.as_of), entries + one.users)
    return [
        RunCount(
            dag_id=dag_id,
            run_id=run_id,
            as_of=as_of,
            action=action,
            status=status,
            confirmation=confirmation,
            entries=entries,
        )
        for (dag_id, run_id, action, status, confirmation), (as_of, entries) in sorted(
            found.items(), key=lambda one: one[1][0], reverse=True
        )
    ]


def levels(connection: Connection, wanted: Filter) -> list[LevelsAt]:
    """Return the levels of each moment of a period, the oldest first, also of users who have no rows."""
    beforehand, rest = _counted_levels(connection, wanted)
    found = {moment: LevelsAt(as_of=moment, **by_level) for moment, by_level in beforehand.items()}
    if rest:
        about = [*conditions_of(wanted), actions.c.as_of.in_(rest)]
        for row in connection.execute(summaries.levelled(about, per_run=False)).mappings():
            moment = row["as_of"]
            setattr(found.setdefault(moment, LevelsAt(as_of=moment)), row["risk_level"], row["people"])
    silent = silent_users.tasks_with_silent(connection, wanted)
    for moment, numbers in silent_users.levels_of_silent(
        task for task in silent if task.action == FETCH or wanted.org in ("", task.org)
    ).items():
        at = found.setdefault(moment, LevelsAt(as_of=moment))
        for level in LEVELS:
            setattr(at, level, getattr(at, level) + numbers[level])
    return [found[moment] for moment in sorted(found)]


def _counted_levels(
    connection: Connection, wanted: Filter
) -> tuple[dict[datetime, dict[str, int]], list[datetime]]:
    """Return what was counted beforehand, and the moments that have to be counted now."""
    period = summaries.within(wanted.since, wanted.until)
    state, table = tables.moments.c, tables.levels.c
    known = connection.execute(select(state.as_of, state.is_stale).where(*period)).all()
    rest = [moment for moment, is_stale in known if is_stale]
    counted = select(state.as_of).where(~state.is_stale, *period)
    by_moment: dict[datetime, dict[tuple[str, str, str], dict[str, int]]] = {}
    for as_of, org, dag_id, run_id, level, people in connection.execute(
        select(table.as_of, table.org, table.dag_id, table.run_id, table.risk_level, table.people).where(
            table.as_of.in_(counted)
        )
    ):
        by_moment.setdefault(as_of, {}).setdefault((org, dag_id, run_id), {})[level] = people
    beforehand = {}
    for moment, places in by_moment.items():
        # Of several runs nobody can tell who is in more than one, but of all together it was counted.
        everything = places.pop(("", "", ""), {})
        chosen = [place for place in places if _is_wanted(place, wanted)]
        if chosen and len(chosen) == len(places):
            beforehand[moment] = everything
        elif len(chosen) == 1:
            beforehand[moment] = places[chosen[0]]
        elif chosen:
            rest.append(moment)
    return beforehand, rest


def _is_wanted(place: tuple[str, str, str], wanted: Filter) -> bool:
    org, dag_id, run_id = place
    return dag_id in (wanted.dag_ids or ()) and wanted.org in ("", org) and wanted.run_id in ("", run_id)


def count_people(connection: Connection, wanted: Filter) -> int:
    """Return how many people something was changed for in Okta."""
    if wanted.until is None and not (wanted.org or wanted.run_id):
        # Whoever it was done to last within a period that has no end, it was done to in the period.
        everybody = summaries.seen_people(connection).c
        of_dags = everybody.dag_id.in_(list(wanted.dag_ids or ()))
        about: list[ColumnElement[bool]] = [of_dags, everybody.last_done.is_not(None)]
        if wanted.since is not None:
            about.append(everybody.last_done >= wanted.since)
        number = select(func.count(func.lower(everybody.user_name).distinct())).where(*about)
        return int(connection.execute(number).scalar_one())
    name = func.lower(actions.c.user_name)
    found: int = connection.execute(
        select(func.count(name.distinct())).where(
            *conditions_of(wanted), IS_NOTABLE, lifecycle.CHANGE.in_sql(actions.c)
        )
    ).scalar_one()
    return found


def entries_of_run(
    connection: Connection, *, dag_id: str, run_id: str, action: str, status: str, limit: int
) -> list[Entry]:
    """Return one action of a run with one status, the newest moments and the least safe scores first."""
    table = actions.c
    rows = connection.execute(
        select(actions)
        .where(
            table.dag_id == dag_id,
            table.run_id == run_id,
            table.action == action,
            table.status == status,
            *([_not_settled()] if status == "planned" else []),
        )
        .order_by(table.as_of.desc(), table.score.asc(), table.id)
        .limit(limit)
    )
    return [Entry.from_row(row) for row in rows.mappings()]


def _not_settled() -> ColumnElement[bool]:
    """
    Return whether a plan is still all that there is, in SQL.

    An outcome takes the place of its plan, but for a group that the run created: the plan names it only.
    """
    table, other = actions.c, actions.alias("other").c
    outcome = select(other.id).where(
        other.dag_id == table.dag_id,
        other.run_id == table.run_id,
        other.org == table.org,
        other.action == table.action,
        other.user_key == table.user_key,
        other.as_of == table.as_of,
        other.target_name == table.target_name,
        other.status != "planned",
    )
    return not_(and_(table.target.startswith("name:"), outcome.exists()))


class PlanCount(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many users a task planned to change, and did not.

    :param reason: why not: ``dry_run``, ``plan_refused`` for its size, ``past_interval``.
    :param message: of one of the entries, all of which say the same; it names the plan.
    """

    task_id: str
    action: str
    reason: str
    message: str
    entries: int


def plans_of_run(connection: Connection, *, dag_id: str, run_id: str) -> list[PlanCount]:
    """Return what the tasks of a run planned and did not do."""
    table = actions.c
    key = (table.task_id, table.action, table.reason)
    rows = connection.execute(
        select(*key, func.max(table.message), func.count())
        .where(table.dag_id == dag_id, table.run_id == run_id, table.status == "planned", _not_settled())
        .group_by(*key)
        .order_by(*key)
    )
    return [
        PlanCount(task_id=task_id, action=action, reason=reason, message=message, entries=entries)
        for task_id, action, reason, message, entries in rows
    ]
