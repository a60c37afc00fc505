# SPDX-License-Identifier: Apache-2.0
"""The questions that deciding asks: what was delivered before, what came later, what is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, func, literal_column, or_, select

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.chunks import chunks, chunks_or_all
from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
from airflow_provider_okta_ure.action_log.tables import IS_READING, actions

KNOWN_LEVEL = ("same_level", "already_delivered")
"""Reasons that say which level Okta knows."""


def find_entries(
    connection: Connection, *, org: str, action: LogAction, target: str, as_of: datetime, users: Iterable[str]
) -> dict[str, Entry]:
    """Return the entries of one action as of one time, by user key; of each user the last revision."""
    about = and_(
        actions.c.org == org, actions.c.action == action, actions.c.target == target, actions.c.as_of == as_of
    )
    return {
        entry.user_key: entry
        for keys in chunks(users)
        for entry in _entries(
            connection,
            select(actions).where(about, actions.c.user_key.in_(keys)).order_by(actions.c.revision),
        )
    }


def last_done(
    connection: Connection,
    *,
    org: str,
    doing: Sequence[LogAction],
    target: str,
    users: Iterable[str] | None = None,
    before: datetime | None = None,
    dag_id: str | None = None,
) -> dict[str, Entry]:
    """
    Return each user's newest entry that is ``done``, by user key; an addition also when it was ``started``.

    A risk signal that Okta's System Log does not have was not delivered, so it is none of these.

    :param doing: which actions.
    :param users: user keys; None = everybody.
    :param before: only entries as of an earlier time; None = all.
    :param dag_id: only what this DAG did; None = any.
    """
    about: list[ColumnElement[bool]] = [
        actions.c.org == org,
        actions.c.action.in_(doing),
        actions.c.target == target,
        # The first condition is that of ix_okta_ure_action_log_effect, which finds the users in hand.
        lifecycle.EFFECT.in_sql(actions.c),
        lifecycle.LAST_DONE.in_sql(actions.c),
    ]
    if before is not None:
        about.append(_not_by_index(connection, actions.c.as_of) < before)
    if dag_id is not None:
        about.append(actions.c.dag_id == dag_id)
    return _newest_of_each(connection, about, users)


def newest_decisions(
    connection: Connection,
    *,
    org: str,
    doing: Sequence[LogAction],
    target: str,
    users: Iterable[str],
    after: datetime,
    dag_id: str,
    only: Sequence[ColumnElement[bool]] = (),
) -> dict[str, Entry]:
    """
    Return the newest entry later than ``after`` that decided something for each user, by user key.

    Of what another DAG decided, only what it did counts, and the level that it found Okta to know: that
    everything was right already by its own rules says nothing about the rules of this one.

    :param doing: which actions count.
    :param dag_id: the DAG whose decisions count all.
    :param only: more conditions of entries that count.
    """
    knows_level = and_(actions.c.action == "push_risk", actions.c.reason.in_(KNOWN_LEVEL))
    about = [
        _not_by_index(connection, actions.c.org) == org,
        actions.c.action.in_(doing),
        actions.c.target == target,
        lifecycle.DECISION.in_sql(actions.c),
        # The rows of a user after a moment are one range of ix_okta_ure_action_log_user.
        actions.c.as_of > after,
        or_(actions.c.dag_id == dag_id, lifecycle.EFFECT.in_sql(actions.c), knows_level),
        *only,
    ]
    return _newest_of_each(connection, about, users)


def unconfirmed_pushes(
    connection: Connection, *, org: str, target: str, users: Iterable[str], before: datetime
) -> list[Entry]:
    """
    Return the signals about users that Okta's System Log does not have, the oldest first.

    :param before: only signals as of this time or earlier.
    """
    about = and_(
        actions.c.org == org,
        actions.c.target == target,
        # By ix_okta_ure_action_log_effect.
        lifecycle.EFFECT.in_sql(actions.c),
        lifecycle.DONE.in_sql(actions.c),
        _not_by_index(connection, actions.c.action) == "push_risk",
        actions.c.confirmation == "missing",
        _not_by_index(connection, actions.c.as_of) <= before,
    )
    return [
        entry
        for keys in chunks(users)
        for entry in _entries(
            connection,
            select(actions)
            .where(about, actions.c.user_key.in_(keys))
            .order_by(actions.c.as_of, actions.c.revision),
        )
    ]


def newest_moment(
    connection: Connection,
    *,
    org: str,
    action: LogAction,
    target: str,
    dag_id: str,
    task_id: str,
    not_by_run: str = "",
    after: datetime | None = None,
) -> datetime | None:
    """
    Return the newest time as of which a task decided anything for a target; None = it never did.

    :param after: only times later than this one. The rows of a target after a time are one range of the
        unique key, and of the run that is the newest there are none; without it, all rows of the target can
        be read until one is found.

    :param not_by_run: the id of a run whose own decisions do not count, because its rows can be for several
        times; empty = all count.
    """
    found: datetime | None = connection.execute(
        select(actions.c.as_of)
        .where(
            actions.c.org == org,
            actions.c.action == action,
            actions.c.target == target,
            lifecycle.DECISION.in_sql(actions.c),
            actions.c.dag_id == dag_id,
            actions.c.task_id == task_id,
            *([actions.c.run_id != not_by_run] if not_by_run else []),
            *([actions.c.as_of > after] if after is not None else []),
        )
        .order_by(actions.c.as_of.desc())
        .limit(1)
    ).scalar()
    return found


def last_releases(
    connection: Connection, *, org: str, target: str, users: Iterable[str]
) -> dict[str, datetime]:
    """
    Return the last moment that a rule released each user from a group, by user key.

    That he was not in it any more does not matter; the end of a time-boxed membership is no release by a
    rule.
    """
    # By ix_okta_ure_action_log_release: the releases of the users in hand.
    about = and_(actions.c.org == org, actions.c.target == target, lifecycle.RELEASE.in_sql(actions.c))
    last: dict[str, datetime] = {}
    for keys in chunks(users):
        found = connection.execute(
            select(actions.c.user_key, func.max(actions.c.as_of))
            .where(about, actions.c.user_key.in_(keys))
            .group_by(actions.c.user_key)
        )
        last.update({key: moment for key, moment in found})  # noqa: C416  # rows are no pairs for mypy
    return last


def carried_out(
    connection: Connection,
    *,
    org: str,
    action: LogAction,
    target: str | None,
    dag_id: str,
    run_id: str,
    task_id: str,
) -> list[Entry]:
    """
    Return the entries of one task of one run that are ``done``, or ``started`` with an unknown end.

    :param target: only on this target; None = on any.
    """
    mine = and_(actions.c.dag_id == dag_id, actions.c.run_id == run_id, actions.c.task_id == task_id)
    about = and_(actions.c.org == org, actions.c.action == action)
    if target is not None:
        about = and_(about, actions.c.target == target)
    return list(_entries(connection, select(actions).where(mine, about, lifecycle.EFFECT.in_sql(actions.c))))


def unfinished(connection: Connection, *, org: str, doing: Sequence[LogAction], target: str) -> list[Entry]:
    """Return the ``started`` entries about a target: tried, and nobody wrote down what became of it."""
    about = and_(actions.c.org == org, actions.c.action.in_(doing), actions.c.target == target)
    # By ix_okta_ure_action_log_uncertain: what is not settled, however long the history is.
    conditions = (about, lifecycle.UNCERTAIN.in_sql(actions.c), lifecycle.STARTED.in_sql(actions.c))
    return list(_entries(connection, select(actions).where(*conditions).order_by(actions.c.id)))


def in_doubt(
    connection: Connection,
    *,
    org: str,
    action: LogAction,
    target: str,
    users: Iterable[str] | None = None,
    since: datetime | None = None,
) -> list[Entry]:
    """
    Return the entries about users whose effect may have happened: it was tried, and no answer tells.

    See :attr:`Entry.is_in_doubt`.

    :param users: user keys; None = everybody.
    :param since: only entries as of this time or later; None = all.
    """
    about = [
        actions.c.org == org,
        actions.c.action == action,
        actions.c.target == target,
        # The first condition is that of ix_okta_ure_action_log_uncertain.
        lifecycle.UNCERTAIN.in_sql(actions.c),
        lifecycle.IN_DOUBT.in_sql(actions.c),
    ]
    if since is not None:
        about.append(actions.c.as_of >= since)
    found: list[Entry] = []
    for keys in chunks_or_all(users):
        wanted = about if keys is None else [*about, actions.c.user_key.in_(keys)]
        found += _entries(connection, select(actions).where(*wanted))
    return found


def last_reading(
    connection: Connection, *, org: str, target: str, source: str, before: datetime
) -> Entry | None:
    """
    Return the last reading of a source that speaks for an earlier moment; None = there is none.

    :param org: the Netskope tenant's URL.
    :param target: how and which part of it was read.
    :param source: with which Airflow connection; another token may see other users.
    """
    about = and_(
        actions.c.org == org,
        actions.c.action == "fetch_scores",
        actions.c.target == target,
        actions.c.user_key == source,
        lifecycle.DONE.in_sql(actions.c),
        actions.c.as_of < before,
    )
    newest = select(actions).where(about).order_by(actions.c.as_of.desc()).limit(1)
    return next(_entries(connection, newest), None)


def size_of_source(connection: Connection, source: str, *, not_after: datetime) -> int:
    """Return how many users a source had when it was last read; 0 = it never was."""
    readings = and_(
        IS_READING,
        actions.c.source == source,
        lifecycle.DONE.in_sql(actions.c),
        actions.c.as_of <= not_after,
    )
    newest = select(func.max(actions.c.as_of)).where(readings).scalar_subquery()
    found = connection.execute(
        select(actions.c.org, actions.c.target, actions.c.users).where(readings, actions.c.as_of == newest)
    )
    # Parts of one source ("series 1/3") are read by several tasks of one run, and add up; the same users read
    # in another way, or in another number of parts, do not.
    sizes: Counter[tuple[str, str, str]] = Counter()
    for org, target, users in found:
        strategy, _, part = target.partition(" ")
        sizes[org, strategy, part.partition("/")[2]] += users or 0
    return max(sizes.values(), default=0)


def _not_by_index(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """
    Return a column so that SQLite finds rows by other columns, those of the users in hand.

    Without statistics it takes every range of the unique key to be small, and would read all rows of a target
    before or after a moment. PostgreSQL knows better.
    """
    if connection.dialect.name == "postgresql":
        return column
    return literal_column(f"+{column.table.name}.{column.name}", column.type)


def _newest_of_each(
    connection: Connection, about: Sequence[ColumnElement[bool]], users: Iterable[str] | None
) -> dict[str, Entry]:
    """Return each user's newest entry among those that meet the conditions, by user key."""
    found: dict[str, Entry] = {}
    for keys in chunks_or_all(users):
        conditions = about if keys is None else [*about, actions.c.user_key.in_(keys)]
        rank = (
            func.row_number()
            .over(
                partition_by=actions.c.user_key,
                order_by=(actions.c.as_of.desc(), actions.c.revision.desc(), actions.c.id.desc()),
            )
            .label("rank")
        )
        ranked = select(actions, rank).where(*conditions).subquery()
        newest = select(*(ranked.c[column.name] for column in actions.c)).where(ranked.c.rank == 1)
        found.update((entry.user_key, entry) for entry in _entries(connection, newest))
    return found


def _entries(connection: Connection, statement: Select[Any]) -> Iterator[Entry]:
    for row in connection.execute(statement).mappings():
        yield Entry.from_row(row)
