# SPDX-License-Identifier: Apache-2.0
"""
What is counted from the actions beforehand, one moment at a time.

Whoever writes actions of a moment marks it as stale in the same transaction. Counting it again takes the mark
away; a task that dies before leaves it, and such a moment is read from the actions themselves. So the numbers
are always those of the actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.inserting import insert_into
from airflow_provider_okta_ure.action_log.searching import Filter, conditions_of
from airflow_provider_okta_ure.action_log.tables import actions, counts, levels, moments, people

LEVELS = ("none", "low", "medium", "high")
"""Okta's levels, the riskiest last."""

_COUNTED = tuple(column.name for column in counts.c if column.name != "entries")
_HEIGHT = func.max(
    case({name: rank for rank, name in enumerate(LEVELS)}, value=actions.c.risk_level, else_=0)
)


def mark_stale(connection: Connection, touched: Iterable[datetime]) -> None:
    """Say that actions of these moments have changed; in the transaction that changes them."""
    rows = [{"as_of": moment, "is_stale": True} for moment in sorted(set(touched))]
    if not rows:
        return
    statement = insert_into(connection, moments)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["as_of"], set_={"is_stale": statement.excluded.is_stale}
        ),
        rows,
    )


def mark_stale_before(connection: Connection, before: datetime) -> None:
    """Say that actions of all earlier moments are going to change."""
    connection.execute(update(moments).where(moments.c.as_of < before).values(is_stale=True))


def stale_moments(connection: Connection) -> list[datetime]:
    """Return the moments that have to be counted again."""
    stale = select(moments.c.as_of).where(moments.c.is_stale).order_by(moments.c.as_of)
    return list(connection.execute(stale).scalars())


def count_again(connection: Connection, moment: datetime) -> None:
    """Count one moment; in a transaction of its own."""
    # First, and so that a writer of the same moment comes wholly before this or wholly after it.
    connection.execute(update(moments).where(moments.c.as_of == moment).values(is_stale=False))
    for table in (counts, levels):
        connection.execute(delete(table).where(table.c.as_of == moment))
    of_moment = actions.c.as_of == moment
    connection.execute(counts.insert().from_select(list(counts.c.keys()), counted(of_moment)))
    for per_run in (True, False):
        each = levelled([of_moment], per_run=per_run)
        connection.execute(
            levels.insert().from_select(["as_of", "org", "dag_id", "run_id", "risk_level", "people"], each)
        )
    _note_people(connection, of_moment)


def forget_people(connection: Connection, before: datetime) -> None:
    """Keep of the people last seen earlier only those who still occur in the actions."""
    connection.execute(delete(people).where(people.c.last_as_of < before))
    _note_people(connection, actions.c.as_of < before)
    used = select(actions.c.as_of).where(actions.c.as_of == moments.c.as_of).exists()
    connection.execute(delete(moments).where(moments.c.as_of < before, ~moments.c.is_stale, ~used))


def counted(about: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    """Return the statement that counts actions, with the columns of ``counts``."""
    columns = [actions.c[name] for name in _COUNTED]
    return select(*columns, func.count().label("entries")).where(about).group_by(*columns)


def levelled(about: Sequence[ColumnElement[bool]], *, per_run: bool) -> Select[tuple[object, ...]]:
    """
    Return the statement that counts people per level, with the columns of ``levels``.

    Each person counts once per moment, with the highest level that somebody mapped.
    """
    table = actions.c
    nothing: ColumnElement[str] = literal_column("''")
    places = [table.org, table.dag_id, table.run_id] if per_run else []
    each = (
        select(table.as_of, *places, _HEIGHT.label("height"))
        .where(*about, table.action != "fetch_scores")
        .group_by(table.as_of, *places, func.lower(table.user_name))
        .subquery()
    )
    named = case(dict(enumerate(LEVELS)), value=each.c.height)
    kept = [each.c.org, each.c.dag_id, each.c.run_id] if per_run else []
    return select(
        each.c.as_of,
        *(kept or [nothing.label("org"), nothing.label("dag_id"), nothing.label("run_id")]),
        named.label("risk_level"),
        func.count().label("people"),
    ).group_by(each.c.as_of, *kept, each.c.height)


def all_counts(period: Sequence[ColumnElement[bool]]) -> Subquery:
    """
    Return the counts of a period as something to select from, whether counted beforehand or not.

    :param period: conditions on the moments, as :func:`within` makes them.
    """
    is_counted = select(moments.c.as_of).where(~moments.c.is_stale)
    is_stale = select(moments.c.as_of).where(moments.c.is_stale, *period)
    beforehand = select(*counts.c).where(
        counts.c.as_of.in_(is_counted.where(*period)),
    )
    return beforehand.union_all(counted(actions.c.as_of.in_(is_stale))).subquery("counted")


def count_by_status(connection: Connection, wanted: Filter) -> dict[str, int]:
    """
    Return how many entries of each status a filter matches.

    :param wanted: a filter that names no person.
    """
    table = all_counts(within(wanted.since, wanted.until)).c
    rows = connection.execute(
        select(table.status, func.sum(table.entries))
        .where(*conditions_of(wanted, table))
        .group_by(table.status)
    )
    return {status: int(entries) for status, entries in rows}


def within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Return conditions on the moments of a period."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(moments.c.as_of >= since)
    if until is not None:
        conditions.append(moments.c.as_of < until)
    return conditions


def seen_people(connection: Connection) -> Subquery:
    """Return the people of the log as something to select from, those of stale moments included."""
    everybody = select(*people.c)
    stale = stale_moments(connection)
    return (everybody.union_all(_people_in(actions.c.as_of.in_(stale))) if stale else everybody).subquery(
        "seen"
    )


def _people_in(about: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    table = actions.c
    key = (table.dag_id, table.user_name, table.user_id)
    seen = (
        select(
            *key,
            func.max(table.login).label("login"),
            _HEIGHT.label("height"),
            func.max(table.as_of).label("last_as_of"),
            func.max(case((lifecycle.CHANGE.in_sql(table), table.as_of))).label("last_done"),
        )
        .where(about, table.user_name != "")
        .group_by(*key)
        .subquery()
    )
    known = case({rank: name for rank, name in enumerate(LEVELS) if rank}, value=seen.c.height, else_="")
    return select(
        seen.c.dag_id,
        seen.c.user_name,
        seen.c.user_id,
        seen.c.login,
        known.label("risk_level"),
        seen.c.last_as_of,
        seen.c.last_done,
    )


def _note_people(connection: Connection, about: ColumnElement[bool]) -> None:
    seen = _people_in(about).subquery()
    # Always in the same order, so that two who count never wait for each other; WHERE is SQLite's wish.
    rows = (
        select(
            seen.c.dag_id,
            seen.c.user_name,
            seen.c.user_id,
            seen.c.login,
            seen.c.risk_level,
            seen.c.last_as_of,
            seen.c.last_done,
        )
        .where(true())
        .order_by(seen.c.dag_id, seen.c.user_name, seen.c.user_id)
    )
    statement = insert_into(connection, people).from_select(
        ["dag_id", "user_name", "user_id", "login", "risk_level", "last_as_of", "last_done"], rows
    )
    new, old = statement.excluded, people.c
    is_newer = new.last_as_of >= old.last_as_of
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["dag_id", "user_name", "user_id"],
            set_={
                "login": case((and_(is_newer, new.login != ""), new.login), else_=old.login),
                "risk_level": case(
                    (and_(is_newer, new.risk_level != ""), new.risk_level), else_=old.risk_level
                ),
                "last_as_of": case((is_newer, new.last_as_of), else_=old.last_as_of),
                "last_done": case(
                    (or_(old.last_done.is_(None), new.last_done > old.last_done), new.last_done),
                    else_=old.last_done,
                ),
            },
        )
    )
