# SPDX-License-Identifier: Apache-2.0
"""Forgetting what is old, but never what the next run needs to know."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, delete, exists, select

from airflow_provider_okta_ure.action_log.tables import actions


def prune(connection: Connection, older_than: datetime) -> int:
    """
    Delete the entries that speak for an earlier moment, and return how many.

    Kept is, per user and target, the last delivered risk level, the last done group action, which tells
    whether a membership is ours and when it ends, and every effect whose answer is not known.
    """
    later = actions.alias("later")
    groups = ("add_to_group", "remove_from_group")
    same_kind = (actions.c.action == later.c.action) | (
        actions.c.action.in_(groups) & later.c.action.in_(groups)
    )
    is_replaced = exists(
        select(1).where(
            later.c.org == actions.c.org,
            later.c.target == actions.c.target,
            later.c.user_key == actions.c.user_key,
            later.c.status == "done",
            later.c.as_of > actions.c.as_of,
            same_kind,
        )
    )
    forgettable = and_(
        actions.c.as_of < older_than,
        actions.c.status != "started",
        (actions.c.status != "done") | is_replaced,
    )
    return connection.execute(delete(actions).where(forgettable)).rowcount
