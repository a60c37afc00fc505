# SPDX-License-Identifier: Apache-2.0
"""Questions about one person, whose rows stand under a name or, in groups, under an Okta id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.searching import Filter, conditions_of, contains
from airflow_provider_okta_ure.action_log.tables import actions

_ROUNDS = 3
_MOST_KEYS = 50


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """
    Somebody in the action log.

    :param user_key: the name in lower case, or the Okta id of somebody without a name.
    :param user_name: the name in the source, as it was spelled last.
    :param last_as_of: the newest moment that anything was decided about him (aware).
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
    Return the people whose name, login or Okta id has this part, those seen last first.

    :param text: compared without regard to case; empty = everybody.
    :param dag_ids: only what these DAGs did counts.
    """
    about = [actions.c.dag_id.in_(dag_ids), actions.c.user_name != ""]
    if text:
        about.append(contains(text))
    last = func.max(actions.c.as_of)
    newest = (
        select(actions.c.user_name, last)
        .where(*about)
        .group_by(actions.c.user_name)
        .order_by(last.desc(), actions.c.user_name)
        .limit(limit)
    )
    names = [name for name, _ in connection.execute(newest)]
    return people_named(connection, names, dag_ids=dag_ids)


def people_named(connection: Connection, names: Sequence[str], *, dag_ids: Sequence[str]) -> list[Person]:
    """Return what the newest rows say of people with these names, in this order, each person once."""
    found: dict[str, Person] = {}
    for name in names:
        if name.casefold() not in found:
            person = _described(connection, actions.c.user_name == name, dag_ids)
            if person is not None:
                found[name.casefold()] = person
    return list(found.values())


def keys_of(
    connection: Connection,
    *,
    user_name: str = "",
    user_id: str = "",
    user_key: str = "",
    dag_ids: Sequence[str],
) -> list[str]:
    """
    Return the keys under which a person stands in the log: the name, and the ids of his Okta users.

    Names and ids lead to each other through rows that hold both.
    """
    keys = {one for one in (user_name.casefold(), user_id, user_key) if one}
    for _ in range(_ROUNDS):
        rows = connection.execute(
            select(actions.c.user_name, actions.c.user_id)
            .where(actions.c.user_key.in_(keys), actions.c.dag_id.in_(dag_ids))
            .distinct()
            .limit(_MOST_KEYS)
        ).all()
        more = {one for name, number in rows for one in (name.casefold(), number) if one}
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

    :param with_unchanged: also what was right already, and what was only planned.
    """
    status = () if with_unchanged else ("done", "failed", "skipped", "started")
    wanted = Filter(dag_ids=list(dag_ids), status=status, since=since, until=until)
    rows = connection.execute(
        select(actions)
        .where(actions.c.user_key.in_(list(keys)), *conditions_of(wanted))
        .order_by(actions.c.as_of.desc(), actions.c.id.desc())
        .limit(limit)
    )
    return [Entry.from_row(row) for row in rows.mappings()]


def _described(connection: Connection, about: ColumnElement[bool], dag_ids: Sequence[str]) -> Person | None:
    seen = and_(about, actions.c.dag_id.in_(dag_ids))
    newest = _newest(connection, seen)
    if newest is None:
        return None
    known = newest if newest.user_id else _newest(connection, seen, actions.c.user_id != "")
    level = newest if newest.risk_level else _newest(connection, seen, actions.c.risk_level != "")
    return Person(
        user_key=newest.user_name.casefold() or newest.user_key,
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
