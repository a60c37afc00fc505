# SPDX-License-Identifier: Apache-2.0
"""What Okta's System Log says of pushed risk signals, written next to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, bindparam, select, update

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.entries import Confirmation, Entry
from airflow_provider_okta_ure.action_log.tables import actions

_AT_ONCE = 500


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of one push.

    :param entry_id: the entry's number.
    :param confirmed_at: when Okta published the event; None = it is missing.
    :param log_event_id: the event's id in the System Log.
    """

    entry_id: int
    confirmation: Confirmation
    confirmed_at: datetime | None = None
    log_event_id: str = ""


def pushed_in_run(connection: Connection, *, dag_id: str, run_id: str) -> list[Entry]:
    """
    Return the risk signals that a DAG run delivered, in the order of their numbers.

    Of a signal that was sent anew for the same time, the last one counts.
    """
    about = and_(
        actions.c.dag_id == dag_id,
        actions.c.run_id == run_id,
        lifecycle.SIGNAL.in_sql(actions.c),
    )
    rows = connection.execute(select(actions).where(about).order_by(actions.c.revision)).mappings()
    last = {
        (one.org, one.target, one.user_key, one.as_of): one for one in (Entry.from_row(row) for row in rows)
    }
    return sorted(last.values(), key=lambda one: one.id or 0)


def pushes_since(
    connection: Connection, *, org: str, user_keys: Iterable[str], since: datetime
) -> list[Entry]:
    """
    Return the risk signals about some users that any run tried at a moment or later.

    Also those that failed, or whose answer is not known: Okta may have got them.

    :param since: on the clock on the wall, not a moment that a run speaks for.
    """
    keys = sorted(set(user_keys))
    tried = and_(
        actions.c.org == org,
        lifecycle.TRIED_SIGNAL.in_sql(actions.c),
        actions.c.recorded_at >= since,
    )
    return [
        Entry.from_row(row)
        for start in range(0, len(keys), _AT_ONCE)
        for row in connection.execute(
            select(actions).where(tried, actions.c.user_key.in_(keys[start : start + _AT_ONCE]))
        ).mappings()
    ]


def write_confirmations(connection: Connection, found: Sequence[Found]) -> None:
    """Write what the System Log says; an event once confirmed is not taken back."""
    if not found:
        return
    statement = (
        update(actions)
        .where(actions.c.id == bindparam("entry_id"), actions.c.confirmation != "confirmed")
        .values(
            confirmation=bindparam("said"),
            confirmed_at=bindparam("at"),
            log_event_id=bindparam("event"),
        )
    )
    connection.execute(
        statement,
        [
            {
                "entry_id": one.entry_id,
                "said": one.confirmation,
                "at": one.confirmed_at,
                "event": one.log_event_id,
            }
            for one in found
        ],
    )


def moments_of(connection: Connection, found: Sequence[Found]) -> set[datetime]:
    """Return the moments that these entries speak for."""
    moments: set[datetime] = set()
    for start in range(0, len(found), _AT_ONCE):
        ids = [one.entry_id for one in found[start : start + _AT_ONCE]]
        moments.update(connection.execute(select(actions.c.as_of).where(actions.c.id.in_(ids))).scalars())
    return moments
