# SPDX-License-Identifier: Apache-2.0
"""Forgetting what is old, but never what the next run needs to know."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, delete, exists, func, not_, or_, select

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.tables import actions, tracked

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.database import Database
    from airflow_provider_okta_ure.action_log.lifecycle import Meaning

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
    - every effect whose answer is not known, and what a user is tracked for;

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
        not_(lifecycle.STARTED.in_sql(actions.c)),
        # What something is open for stays, also where what came after it was taken back.
        actions.c.id.not_in(select(tracked.c.entry_id)),
        *(
            or_(not_(needed.in_sql(actions.c)), _has_later(needed, older_than, groups_are_one))
            for needed, groups_are_one in _NEEDED
        ),
    )


# Of which entries the last one is kept, and whether adding to and removing from a group replace each other.
_NEEDED = (
    (lifecycle.DECISION, True),
    (lifecycle.DONE, True),
    (lifecycle.ADDITION, False),
    (lifecycle.RELEASE, False),
)


def _has_later(needed: Meaning, older_than: datetime, groups_are_one: bool) -> ColumnElement[bool]:
    """Return in SQL whether there is a later entry of this sort about the same user and target, also old."""
    later = actions.alias()
    is_alike = actions.c.action == later.c.action
    if groups_are_one:
        is_alike = or_(
            is_alike,
            and_(actions.c.action.in_(lifecycle.GROUP_ACTIONS), later.c.action.in_(lifecycle.GROUP_ACTIONS)),
        )
    return exists(
        select(1).where(
            later.c.user_key == actions.c.user_key,
            later.c.as_of > actions.c.as_of,
            # A younger one does not replace it: a run of the time between has to know what was before.
            later.c.as_of < older_than,
            later.c.org == actions.c.org,
            later.c.target == actions.c.target,
            needed.in_sql(later.c),
            is_alike,
        )
    )
