# SPDX-License-Identifier: Apache-2.0
"""Reading the log for people: filtered, newest first, in pages that do not slow down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, tuple_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.action_log.tables import IS_NOTABLE, actions

Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Which entries; what is left out does not matter, several values of one field are alternatives.

    :param user: a part of the name, the login or the Okta id, without regard to case.
    :param user_keys: any of these people; None = everybody.
    :param group: the group's id or its name.
    :param targets: any of these groups, each an org and what stands for the group there; None = all.
    :param since: entries that are for this time or a later one (aware).
    :param until: entries that are for an earlier time (aware).
    :param dag_ids: of these DAGs only; an empty list is none, None is all.
    """

    user: str = ""
    user_key: str = ""
    user_keys: Sequence[str] | None = None
    org: str = ""
    group: str = ""
    targets: Sequence[tuple[str, str]] | None = None
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
    only_notable: bool = False,
) -> list[Entry]:
    """
    Return the next entries of a filtered log, sorted by the time they are for.

    :param limit: how many at most.
    :param after: where the page before ended; None = from the start.
    :param only_notable: what was right already is left out; what else there is, is found sooner.
    """
    place = tuple_(actions.c.as_of, actions.c.id)
    statement = select(actions).where(*conditions_of(wanted)).limit(limit)
    if only_notable:
        statement = statement.where(IS_NOTABLE)
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


def conditions_of(wanted: Filter, table: Columns = actions.c) -> list[ColumnElement[bool]]:
    """
    Return the filter in SQL.

    :param table: the columns of the actions, or of something else that has those that are filtered by.
    """
    return [
        *_alternatives(wanted, table),
        *_equalities(wanted, table),
        *_people_and_groups(wanted, table),
        *_period(wanted, table),
    ]


def _alternatives(wanted: Filter, table: Columns) -> Iterator[ColumnElement[bool]]:
    for name in ("action", "status", "reason", "risk_level"):
        values = getattr(wanted, name)
        if values:
            yield table[name].in_(list(values))
    if wanted.dag_ids is not None:
        yield table.dag_id.in_(list(wanted.dag_ids))


def _equalities(wanted: Filter, table: Columns) -> Iterator[ColumnElement[bool]]:
    for name in ("user_key", "org", "run_id", "task_id"):
        value = getattr(wanted, name)
        if value:
            yield table[name] == value


def _people_and_groups(wanted: Filter, table: Columns) -> Iterator[ColumnElement[bool]]:
    if wanted.group:
        yield table.action.in_(GROUP_ACTIONS)
        yield or_(table.target == wanted.group, table.target_name == wanted.group)
    if wanted.targets is not None:
        yield table.action.in_(GROUP_ACTIONS)
        yield tuple_(table.org, table.target).in_(list(wanted.targets))
    if wanted.user_keys is not None:
        yield table.user_key.in_(list(wanted.user_keys))
    if wanted.user:
        yield contains(wanted.user)


def _period(wanted: Filter, table: Columns) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield table.as_of >= wanted.since
    if wanted.until is not None:
        yield table.as_of < wanted.until


def contains(
    part: str,
    *,
    name: ColumnElement[str] = actions.c.user_name,
    login: ColumnElement[str] = actions.c.login,
    number: ColumnElement[str] = actions.c.user_id,
) -> ColumnElement[bool]:
    """Return whether the name, the login or the Okta id has this part, in SQL."""
    escaped = part.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    return or_(
        func.lower(name).like(pattern, escape="\\"),
        func.lower(login).like(pattern, escape="\\"),
        number == part,
    )


def _typed(cursor: Cursor) -> tuple[Any, Any]:
    return literal(cursor.as_of, actions.c.as_of.type), literal(cursor.id, actions.c.id.type)
