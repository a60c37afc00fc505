# SPDX-License-Identifier: Apache-2.0
"""Who is in a group because of us, as far as the action log knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, tuple_

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.tables import actions, tracked
from airflow_provider_okta_ure.core.holding import NOT_OURS


def memberships(
    connection: Connection, *, users: Iterable[str], dag_ids: Sequence[str], org: str = ""
) -> list[Entry]:
    """
    Return the additions that no later removal has ended, the newest first.

    :param users: Okta ids.
    :param dag_ids: additions by these DAGs; whichever DAG removed somebody, they are not in the group.
    """
    # By ix_okta_ure_tracked_user, and the primary key of the actions.
    ours = (
        select(actions)
        .join(tracked, tracked.c.entry_id == actions.c.id)
        .where(tracked.c.user_key.in_(list(users)), *_is_member(dag_ids, org))
        .order_by(actions.c.as_of.desc(), actions.c.id.desc())
    )
    return [Entry.from_row(row) for row in connection.execute(ours).mappings()]


def count_memberships(
    connection: Connection, *, dag_ids: Sequence[str], org: str = "", until: datetime | None = None
) -> int:
    """
    Return how many memberships there are; see :func:`memberships`.

    :param until: as things were before this moment; None = now.
    """
    now = select(func.count()).select_from(tracked).where(*_is_member(dag_ids, org))
    if until is None:
        return int(connection.execute(now).scalar_one())
    # Who was not acted on since is what they were then; of the others, the last effect before counts.
    since = and_(actions.c.as_of >= until, *_is_effect(org)).self_group()
    untouched = now.where(
        ~exists().where(
            since,
            actions.c.org == tracked.c.org,
            actions.c.target == tracked.c.target,
            actions.c.user_key == tracked.c.user_key,
        )
    )
    touched = select(actions.c.org, actions.c.target, actions.c.user_key).where(since).distinct()
    rank = (
        func.row_number()
        .over(
            partition_by=(actions.c.org, actions.c.target, actions.c.user_key),
            order_by=(actions.c.as_of.desc(), actions.c.revision.desc(), actions.c.id.desc()),
        )
        .label("rank")
    )
    key = tuple_(actions.c.org, actions.c.target, actions.c.user_key)
    before = (
        select(actions.c.action, actions.c.reason, actions.c.dag_id, rank)
        .where(*_is_effect(org), actions.c.as_of < until, key.in_(touched))
        .subquery()
    )
    then = (
        select(func.count())
        .select_from(before)
        .where(
            before.c.rank == 1,
            before.c.action == "add_to_group",
            before.c.reason != NOT_OURS,
            before.c.dag_id.in_(dag_ids),
        )
    )
    return int(connection.execute(untouched).scalar_one()) + int(connection.execute(then).scalar_one())


def _is_member(dag_ids: Sequence[str], org: str) -> list[ColumnElement[bool]]:
    return [
        tracked.c.kind == "membership",
        tracked.c.is_member,
        tracked.c.dag_id.in_(dag_ids),
        *([tracked.c.org == org] if org else []),
    ]


def _is_effect(org: str) -> list[ColumnElement[bool]]:
    return [
        actions.c.action.in_(lifecycle.GROUP_ACTIONS),
        lifecycle.EFFECT.in_sql(actions.c),
        lifecycle.LAST_DONE.in_sql(actions.c),
        *([actions.c.org == org] if org else []),
    ]
