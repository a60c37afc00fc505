# SPDX-License-Identifier: Apache-2.0
"""Reading the log for people: filtered, newest first, in pages that do not slow down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, tuple_

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.tables import actions


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Which entries; what is left out does not matter, several values of one field are alternatives.

    :param user: a part of the name, the login or the Okta id, without regard to case.
    :param group: the group's id or its name.
    :param since: entries that speak for this moment or a later one (aware).
    :param until: entries that speak for an earlier moment (aware).
    :param dag_ids: of these DAGs only; an empty list is none, None is all.
    """

    user: str = ""
    user_key: str = ""
    org: str = ""
    group: str = ""
    action: Sequence[str] = ()
    status: Sequence[str] = ()
    reason: Sequence[str] = ()
    risk_level: Sequence[str] = ()
    dag_ids: Sequence[str] | None = None
    run_id: str = ""
    task_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the moment and the number of its last entry."""

    as_of: datetime
    id: int


def search(
    connection: Connection,
    wanted: Filter,
    *,
    limit: int,
    after: Cursor | None = None,
    newest_first: bool = True,
) -> list[Entry]:
    """
    Return the next entries of a filtered log, sorted by the moment they speak for.

    :param limit: how many at most.
    :param after: where the page before ended; None = from the start.
    """
    place = tuple_(actions.c.as_of, actions.c.id)
    statement = select(actions).where(*conditions_of(wanted)).limit(limit)
    if after is not None:
        edge = tuple_(*(_typed(after)))
        statement = statement.where(place < edge if newest_first else place > edge)
    order = (actions.c.as_of, actions.c.id)
    statement = statement.order_by(*(column.desc() if newest_first else column.asc() for column in order))
    return [Entry.from_row(row) for row in connection.execute(statement).mappings()]


def count(connection: Connection, wanted: Filter, *, most: int | None = None) -> int:
    """
    Return how many entries a filter matches.

    :param most: stop counting there, because counting a million rows takes long.
    """
    matching = select(actions.c.id).where(*conditions_of(wanted))
    if most is not None:
        matching = matching.limit(most)
    found: int = connection.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
    return found


def iterate(connection: Connection, wanted: Filter, *, page: int = 1000) -> Iterator[Entry]:
    """Yield all entries that a filter matches, the oldest first."""
    after: Cursor | None = None
    while entries := search(connection, wanted, limit=page, after=after, newest_first=False):
        yield from entries
        last = entries[-1]
        after = Cursor(last.as_of, last.id or 0)


def conditions_of(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the filter in SQL."""
    return [*_alternatives(wanted), *_equalities(wanted), *_people_and_groups(wanted), *_period(wanted)]


def _alternatives(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    for name in ("action", "status", "reason", "risk_level"):
        values = getattr(wanted, name)
        if values:
            yield actions.c[name].in_(list(values))
    if wanted.dag_ids is not None:
        yield actions.c.dag_id.in_(list(wanted.dag_ids))


def _equalities(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    for name in ("user_key", "org", "run_id", "task_id"):
        value = getattr(wanted, name)
        if value:
            yield actions.c[name] == value


def _people_and_groups(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    table = actions.c
    if wanted.group:
        yield table.action.in_(("add_to_group", "remove_from_group"))
        yield or_(table.target == wanted.group, table.target_name == wanted.group)
    if wanted.user:
        yield contains(wanted.user)


def _period(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield actions.c.as_of >= wanted.since
    if wanted.until is not None:
        yield actions.c.as_of < wanted.until


def contains(user: str) -> ColumnElement[bool]:
    """Return whether the name, the login or the Okta id of an entry has this part, in SQL."""
    table = actions.c
    escaped = user.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    part = f"%{escaped}%"
    return or_(
        func.lower(table.user_name).like(part, escape="\\"),
        func.lower(table.login).like(part, escape="\\"),
        table.user_id == user,
    )


def _typed(cursor: Cursor) -> tuple[Any, Any]:
    return literal(cursor.as_of, actions.c.as_of.type), literal(cursor.id, actions.c.id.type)
