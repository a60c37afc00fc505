# SPDX-License-Identifier: Apache-2.0
"""Who is in a group because of us, as far as the action log knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Subquery, and_, func, or_, select

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.tables import actions
from airflow_provider_okta_ure.core.holding import NOT_OURS

_GROUP_ACTIONS = ("add_to_group", "remove_from_group")


def memberships(
    connection: Connection,
    *,
    users: Iterable[str],
    dag_ids: Sequence[str],
    org: str = "",
    until: datetime | None = None,
) -> list[Entry]:
    """
    Return the additions that no later removal has ended, the newest first.

    :param users: Okta ids.
    :param dag_ids: additions by these DAGs; whichever DAG removed somebody, he is not in the group.
    :param until: as things were before this moment; None = now.
    """
    newest = _newest(users, org, until)
    ours = select(actions).where(
        actions.c.id.in_(select(newest.c.id).where(newest.c.rank == 1)),
        actions.c.action == "add_to_group",
        actions.c.reason != NOT_OURS,
        actions.c.dag_id.in_(dag_ids),
    )
    order = (actions.c.as_of.desc(), actions.c.id.desc())
    return [Entry.from_row(row) for row in connection.execute(ours.order_by(*order)).mappings()]


def count_memberships(
    connection: Connection, *, dag_ids: Sequence[str], org: str = "", until: datetime | None = None
) -> int:
    """Return how many memberships there are; see :func:`memberships`."""
    newest = _newest(None, org, until)
    found: int = connection.execute(
        select(func.count())
        .select_from(newest)
        .where(
            newest.c.rank == 1,
            newest.c.action == "add_to_group",
            newest.c.reason != NOT_OURS,
            newest.c.dag_id.in_(dag_ids),
        )
    ).scalar_one()
    return found


def _newest(users: Iterable[str] | None, org: str, until: datetime | None) -> Subquery:
    table = actions.c
    # As in `reading.last_done`: an addition whose answer is not known may have happened.
    maybe = and_(table.status == "started", table.action == "add_to_group")
    about = [table.action.in_(_GROUP_ACTIONS), or_(table.status == "done", maybe)]
    if users is not None:
        about.append(table.user_key.in_(list(users)))
    if org:
        about.append(table.org == org)
    if until is not None:
        about.append(table.as_of < until)
    rank = (
        func.row_number()
        .over(
            partition_by=(table.org, table.target, table.user_key),
            order_by=(table.as_of.desc(), table.id.desc()),
        )
        .label("rank")
    )
    return select(table.id, table.action, table.reason, table.dag_id, rank).where(*about).subquery()
