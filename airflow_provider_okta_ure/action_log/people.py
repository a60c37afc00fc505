# SPDX-License-Identifier: Apache-2.0
"""Questions about one person, whose rows stand under a name or, in groups, under an Okta id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.searching import Filter, conditions_of, contains
from airflow_provider_okta_ure.action_log.summaries import LEVELS, seen_people
from airflow_provider_okta_ure.action_log.tables import actions, holders
from airflow_provider_okta_ure.core.names import fold

_ROUNDS = 3
_ROWS_PER_PERSON = 50
"""In the log somebody can stand under several spellings and ids, and in several DAGs."""
_MOST_KEYS = 50
_FEW = 300


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """
    Somebody in the action log.

    :param user_key: the name in lower case, or the Okta id of somebody without a name.
    :param user_name: the name in the source, as it was spelled last.
    :param last_as_of: the newest time as of which anything was decided about them (aware).
    :param risk_level: Okta's level at that moment, **up is risk**; empty = not known.
    """

    user_key: str
    user_name: str
    login: str = ""
    user_id: str = ""
    last_as_of: datetime
    risk_level: str = ""


class ScoreAt(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was known of somebody at one moment.

    :param score: 0..1000, **higher is safer**.
    :param risk_level: Okta's level, **up is risk**.
    """

    as_of: datetime
    score: int | None = None
    score_level: str = ""
    risk_level: str = ""


def find_people(
    connection: Connection, text: str, *, dag_ids: Sequence[str], limit: int = 20
) -> list[Person]:
    """
    Return the people whose name, login or Okta id has this part.

    Whoever has just this name, login or id is first; then those at the highest risk; then by name.

    :param text: compared without regard to case; empty = everybody.
    :param dag_ids: only what these DAGs did counts.
    """
    found: dict[str, Person] = {}
    for row in _rows_of(connection, _names_matching(connection, text, dag_ids, limit), dag_ids):
        person = Person(
            user_key=fold(row.user_name),
            user_name=row.user_name,
            login=row.login,
            user_id=row.user_id,
            last_as_of=row.last_as_of,
            risk_level=row.risk_level,
        )
        known = found.get(person.user_key)
        found[person.user_key] = person if known is None else _joined(known, person)
    return sorted(found.values(), key=lambda one: _order(one, fold(text)))[:limit]


def keys_matching(
    connection: Connection, text: str, *, dag_ids: Sequence[str], most: int
) -> list[str] | None:
    """
    Return the keys of everybody whose name, login or Okta id has this part.

    :param most: how many keys at most; None is returned when there are more.
    """
    rows = _matching(connection, text, dag_ids, limit=most + 1)
    keys = {key for row in rows for key in (fold(row.user_name), row.user_id) if key}
    return None if len(rows) > most else sorted(keys)


def with_people_found(connection: Connection, wanted: Filter) -> Filter:
    """Return the filter with a part of a name replaced by the few people it stands for."""
    if not wanted.user:
        return wanted
    keys = keys_matching(connection, wanted.user, dag_ids=wanted.dag_ids or (), most=_FEW)
    # Of many people some rows are soon found, whoever they are.
    return wanted if keys is None else msgspec.structs.replace(wanted, user="", user_keys=keys)


def keys_of(
    connection: Connection,
    *,
    user_name: str = "",
    user_id: str = "",
    user_key: str = "",
    dag_ids: Sequence[str],
) -> list[str]:
    """
    Return the keys under which a person stands in the log: the name, and the ids of their Okta users.

    Names and ids lead to each other, because in many rows there are both.
    """
    keys = {one for one in (fold(user_name), user_id, user_key) if one}
    everybody = seen_people(connection).c
    for _ in range(_ROUNDS):
        rows = connection.execute(
            select(everybody.user_name, everybody.user_id)
            .where(
                everybody.dag_id.in_(dag_ids),
                or_(everybody.user_id.in_(keys), func.lower(everybody.user_name).in_(keys)),
            )
            .limit(_MOST_KEYS)
        ).all()
        more = {one for name, number in rows for one in (fold(name), number) if one}
        if more <= keys:
            break
        keys |= more
    return sorted(keys)


def describe(connection: Connection, keys: Iterable[str], *, dag_ids: Sequence[str]) -> Person | None:
    """Return what the newest rows under these keys say; None = there are none."""
    return _described(connection, actions.c.user_key.in_(list(keys)), dag_ids)


def scores_of(
    connection: Connection,
    keys: Iterable[str],
    *,
    dag_ids: Sequence[str],
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 2000,
) -> list[ScoreAt]:
    """Return a person's score and level at each moment that anything was decided, the oldest first."""
    table = actions.c
    about: list[ColumnElement[bool]] = [
        table.user_key.in_(list(keys)),
        table.dag_id.in_(dag_ids),
        or_(table.score.is_not(None), table.risk_level != ""),
    ]
    if since is not None:
        about.append(table.as_of >= since)
    if until is not None:
        about.append(table.as_of < until)
    rows = connection.execute(
        select(table.as_of, table.score, table.score_level, table.risk_level)
        .where(*about)
        .distinct()
        .order_by(table.as_of.desc())
        .limit(limit)
    )
    best: dict[datetime, ScoreAt] = {}
    for as_of, score, score_level, risk_level in rows:
        seen = best.get(as_of)
        best[as_of] = ScoreAt(
            as_of=as_of,
            # A release is decided on the score alone, before anybody maps it to a level.
            score=score if seen is None or seen.score is None else seen.score,
            score_level=score_level or (seen.score_level if seen else ""),
            risk_level=risk_level or (seen.risk_level if seen else ""),
        )
    return [best[moment] for moment in sorted(best)]


def events_of(
    connection: Connection,
    keys: Iterable[str],
    *,
    dag_ids: Sequence[str],
    since: datetime | None = None,
    until: datetime | None = None,
    with_unchanged: bool = False,
    limit: int = 500,
) -> list[Entry]:
    """
    Return what happened to a person, the newest first.

    :param with_unchanged: also when nothing had to be changed.
    """
    status = () if with_unchanged else lifecycle.NOTABLE
    wanted = Filter(dag_ids=list(dag_ids), status=status, since=since, until=until)
    rows = connection.execute(
        select(actions)
        .where(actions.c.user_key.in_(list(keys)), *conditions_of(wanted))
        .order_by(actions.c.as_of.desc(), actions.c.id.desc())
        .limit(limit)
    )
    return [Entry.from_row(row) for row in rows.mappings()]


def held_by(
    connection: Connection, keys: Iterable[str], *, dag_ids: Sequence[str], now: datetime
) -> list[Entry]:
    """
    Return the newest decision behind each claim that tasks of these DAGs have on a membership of a person.

    :param keys: as :func:`keys_of` returns them.
    :param now: claims that have ended by then do not count.
    """
    table, claims = actions.c, holders.c
    rank = (
        func.row_number()
        .over(partition_by=(table.org, table.target), order_by=(table.as_of.desc(), table.id.desc()))
        .label("rank")
    )
    newest = (
        select(table.id, rank)
        .join(
            holders,
            and_(
                claims.org == table.org,
                claims.target == table.target,
                claims.user_key == table.user_key,
                claims.dag_id == table.dag_id,
                claims.task_id == table.task_id,
            ),
        )
        .where(
            table.user_key.in_(list(keys)),
            lifecycle.BEGINS_CLAIM.in_sql(table),
            table.dag_id.in_(dag_ids),
            claims.held,
            or_(claims.expires_at.is_(None), claims.expires_at > now),
        )
        .subquery()
    )
    rows = connection.execute(
        select(actions)
        .where(table.id.in_(select(newest.c.id).where(newest.c.rank == 1)))
        .order_by(table.as_of.desc(), table.id.desc())
    )
    return [Entry.from_row(row) for row in rows.mappings()]


def _matching(connection: Connection, text: str, dag_ids: Sequence[str], *, limit: int) -> Sequence[Any]:
    everybody = seen_people(connection).c
    about: list[ColumnElement[bool]] = [everybody.dag_id.in_(dag_ids)]
    if text:
        about.append(
            contains(text, name=everybody.user_name, login=everybody.login, number=everybody.user_id)
        )
    order = (everybody.last_as_of.desc(), everybody.user_name, everybody.dag_id, everybody.user_id)
    return connection.execute(
        select(
            everybody.user_name,
            everybody.user_id,
            everybody.login,
            everybody.risk_level,
            everybody.last_as_of,
        )
        .where(*about)
        .order_by(*order)
        .limit(limit)
    ).all()


def _names_matching(connection: Connection, text: str, dag_ids: Sequence[str], limit: int) -> list[str]:
    """Return the names in lower case, those first that people are shown first."""
    everybody = seen_people(connection).c
    name = func.lower(everybody.user_name)
    about: list[ColumnElement[bool]] = [everybody.dag_id.in_(dag_ids)]
    order: list[ColumnElement[Any]] = []
    if text:
        about.append(
            contains(text, name=everybody.user_name, login=everybody.login, number=everybody.user_id)
        )
        is_named = or_(
            name == text.lower(), func.lower(everybody.login) == text.lower(), everybody.user_id == text
        )
        order.append(func.max(case((is_named, 1), else_=0)).desc())
    height = case({level: rank for rank, level in enumerate(LEVELS)}, value=everybody.risk_level, else_=0)
    order += [func.max(height).desc(), name]
    return list(
        connection.execute(select(name).where(*about).group_by(name).order_by(*order).limit(limit)).scalars()
    )


def _rows_of(connection: Connection, names: Sequence[str], dag_ids: Sequence[str]) -> Sequence[Any]:
    """Return what is known of people with these names, the newest first."""
    everybody = seen_people(connection).c
    return connection.execute(
        select(
            everybody.user_name,
            everybody.user_id,
            everybody.login,
            everybody.risk_level,
            everybody.last_as_of,
        )
        .where(everybody.dag_id.in_(dag_ids), func.lower(everybody.user_name).in_(names))
        .order_by(everybody.last_as_of.desc(), everybody.user_name, everybody.dag_id, everybody.user_id)
        .limit(len(names) * _ROWS_PER_PERSON)
    ).all()


def _order(person: Person, text: str) -> tuple[bool, int, str]:
    is_named = bool(text) and text in (person.user_key, fold(person.login), fold(person.user_id))
    height = LEVELS.index(person.risk_level) if person.risk_level in LEVELS else 0
    return not is_named, -height, person.user_key


def _joined(known: Person, other: Person) -> Person:
    """Return what two rows say of one person; the first is the newer one."""
    return msgspec.structs.replace(
        known,
        login=known.login or other.login,
        user_id=known.user_id or other.user_id,
        risk_level=known.risk_level or other.risk_level,
    )


def _described(connection: Connection, about: ColumnElement[bool], dag_ids: Sequence[str]) -> Person | None:
    seen = and_(about, actions.c.dag_id.in_(dag_ids))
    newest = _newest(connection, seen)
    if newest is None:
        return None
    known = newest if newest.user_id else _newest(connection, seen, actions.c.user_id != "")
    level = newest if newest.risk_level else _newest(connection, seen, actions.c.risk_level != "")
    return Person(
        user_key=fold(newest.user_name) or newest.user_key,
        user_name=newest.user_name,
        login=known.login if known else newest.login,
        user_id=known.user_id if known else "",
        last_as_of=newest.as_of,
        risk_level=level.risk_level if level else "",
    )


def _newest(connection: Connection, *about: ColumnElement[bool]) -> Entry | None:
    order = (actions.c.as_of.desc(), actions.c.id.desc())
    row = connection.execute(select(actions).where(*about).order_by(*order).limit(1)).mappings().first()
    return None if row is None else Entry.from_row(row)
