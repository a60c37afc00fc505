# SPDX-License-Identifier: Apache-2.0
"""Forgetting what is old, but never what the next run needs to know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import ColumnElement, FromClause, and_, delete, exists, func, not_, or_, select

from airflow_provider_okta_ure.action_log.reading import DECIDED, is_release
from airflow_provider_okta_ure.action_log.tables import actions

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.database import Database

Needed: TypeAlias = Callable[[FromClause], ColumnElement[bool]]

_GROUPS = ("add_to_group", "remove_from_group")
_ROWS_AT_ONCE = 5000


def prune(database: Database, older_than: datetime, *, at_once: int = _ROWS_AT_ONCE) -> int:
    """
    Delete the entries that speak for, and were written at, an earlier moment, and return how many.

    Kept is, as of that moment, per user and target,

    - the last thing done: the risk level that Okta was told, or the group action, which says whose a
      membership is and when it ends;
    - the last addition to a group, also when it was ended since, so that nobody is added again whose time is
      over;
    - the last release by a rule, after which an addition is a new membership;
    - the last decision, whether or not it needed a write, so that nothing older ever overtakes it;
    - every effect whose answer is not known;

    and the last reading of each source and part. Deletes a few at a time, so that other writers get their
    turn; when it is interrupted, the rest is as it was.
    """
    forgettable = is_forgettable(older_than)
    deleted, after = 0, 0
    while True:
        with database.writing() as connection:
            some = select(actions.c.id).where(actions.c.id > after, forgettable)
            ids = connection.execute(some.order_by(actions.c.id).limit(at_once)).scalars().all()
            if not ids:
                return deleted
            after = ids[-1]
            between = actions.c.id.between(ids[0], after)
            deleted += connection.execute(delete(actions).where(between, forgettable)).rowcount


def prunable(database: Database, older_than: datetime) -> int:
    """Return how many entries :func:`prune` would delete."""
    with database.reading() as connection:
        number = select(func.count()).select_from(actions).where(is_forgettable(older_than))
        found: int = connection.execute(number).scalar_one()
        return found


def is_forgettable(older_than: datetime) -> ColumnElement[bool]:
    """Return in SQL whether an entry is old, and no later run needs it."""
    return and_(
        actions.c.as_of < older_than,
        # What was written lately about a moment long ago, by a backfill, is not old.
        actions.c.recorded_at < older_than,
        actions.c.status != "started",
        *(
            or_(not_(needed(actions)), _has_later(needed, older_than, groups_are_one))
            for needed, groups_are_one in _NEEDED
        ),
    )


def _is_decision(table: FromClause) -> ColumnElement[bool]:
    return table.c.status.in_(DECIDED)


def _is_done(table: FromClause) -> ColumnElement[bool]:
    return table.c.status == "done"


def _is_addition(table: FromClause) -> ColumnElement[bool]:
    return and_(table.c.status == "done", table.c.action == "add_to_group")


# Of which entries the last one is kept, and whether adding to and removing from a group replace each other.
_NEEDED = ((_is_decision, True), (_is_done, True), (_is_addition, False), (is_release, False))


def _has_later(needed: Needed, older_than: datetime, groups_are_one: bool) -> ColumnElement[bool]:
    """Return in SQL whether there is a later entry of this sort about the same user and target, also old."""
    later = actions.alias()
    is_alike = actions.c.action == later.c.action
    if groups_are_one:
        is_alike = or_(is_alike, and_(actions.c.action.in_(_GROUPS), later.c.action.in_(_GROUPS)))
    return exists(
        select(1).where(
            later.c.user_key == actions.c.user_key,
            later.c.as_of > actions.c.as_of,
            # A younger one does not replace it: a run of the time between has to know what was before.
            later.c.as_of < older_than,
            later.c.org == actions.c.org,
            later.c.target == actions.c.target,
            needed(later),
            is_alike,
        )
    )
