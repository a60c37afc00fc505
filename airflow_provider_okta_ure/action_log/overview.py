# SPDX-License-Identifier: Apache-2.0
"""What a period looks like as numbers: per run, per moment, and in all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, case, func, select

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.searching import Filter, conditions_of
from airflow_provider_okta_ure.action_log.tables import actions

_LEVELS = ("none", "low", "medium", "high")


class RunCount(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many entries of a run have one action, status and confirmation.

    :param as_of: the newest moment they speak for.
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
    How many people had which risk level at one moment; each person counts once, with his highest.

    :param as_of: the moment (aware).
    :param none: also people whose level nobody mapped.
    """

    as_of: datetime
    high: int = 0
    medium: int = 0
    low: int = 0
    none: int = 0


def run_counts(connection: Connection, wanted: Filter) -> list[RunCount]:
    """Return the counts of every run of a period, the newest moment first."""
    table = actions.c
    key = (table.dag_id, table.run_id, table.action, table.status, table.confirmation)
    newest = func.max(table.as_of)
    rows = connection.execute(
        select(*key, newest, func.count())
        .where(*conditions_of(wanted), table.action != "fetch_scores")
        .group_by(*key)
        .order_by(newest.desc())
    )
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
        for dag_id, run_id, action, status, confirmation, as_of, entries in rows
    ]


def levels(connection: Connection, wanted: Filter) -> list[LevelsAt]:
    """Return the levels of each moment of a period, the oldest first."""
    table = actions.c
    height = func.max(
        case({name: rank for rank, name in enumerate(_LEVELS)}, value=table.risk_level, else_=0)
    )
    each = (
        select(table.as_of.label("as_of"), height.label("height"))
        .where(*conditions_of(wanted), table.action != "fetch_scores")
        .group_by(table.as_of, func.lower(table.user_name))
        .subquery()
    )
    found: dict[datetime, LevelsAt] = {}
    rows = connection.execute(
        select(each.c.as_of, each.c.height, func.count()).group_by(each.c.as_of, each.c.height)
    )
    for as_of, rank, people in rows:
        setattr(found.setdefault(as_of, LevelsAt(as_of=as_of)), _LEVELS[rank], people)
    return [found[moment] for moment in sorted(found)]


def count_people(connection: Connection, wanted: Filter) -> int:
    """Return how many people something was done to."""
    name = func.lower(actions.c.user_name)
    found: int = connection.execute(
        select(func.count(name.distinct())).where(
            *conditions_of(wanted), actions.c.status == "done", actions.c.action != "fetch_scores"
        )
    ).scalar_one()
    return found


def done_in_run(
    connection: Connection, *, dag_id: str, run_id: str, doing: Sequence[str], limit: int
) -> list[Entry]:
    """Return what a run did, the newest moments and the least safe scores first."""
    table = actions.c
    rows = connection.execute(
        select(actions)
        .where(
            table.dag_id == dag_id, table.run_id == run_id, table.action.in_(doing), table.status == "done"
        )
        .order_by(table.as_of.desc(), table.score.asc(), table.id)
        .limit(limit)
    )
    return [Entry.from_row(row) for row in rows.mappings()]
