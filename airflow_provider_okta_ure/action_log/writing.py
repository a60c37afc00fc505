# SPDX-License-Identifier: Apache-2.0
"""Writing entries, many at once; what was done is never overwritten by a lesser status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, and_, case, literal_column, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_okta_ure.action_log.entries import NOT_TRIED
from airflow_provider_okta_ure.action_log.holders import write_holds
from airflow_provider_okta_ure.action_log.names import write_names
from airflow_provider_okta_ure.action_log.tables import TABLE_NAME, actions, to_utc

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.core.holding import OnBehalf

KEY = ("org", "action", "target", "user_key", "as_of", "revision")

# What the System Log said stays true.
_KEPT = {*KEY, "confirmation", "confirmed_at", "log_event_id"}
_ROWS_AT_ONCE = 5000

# Written out, because lists cannot be parameters of a statement for many rows.
_MAY_HAVE_ARRIVED = or_(
    actions.c.status == "done",
    actions.c.status == "started",
    and_(
        actions.c.status == "failed",
        *(actions.c.reason != reason for reason in NOT_TRIED),
        or_(actions.c.http_status.is_(None), actions.c.http_status >= 500),
    ),
)
"""In SQL what :attr:`Entry.is_in_doubt` says, or that it is certain."""


def write_intents(
    connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf | None = None
) -> None:
    """Write that effects are about to be tried, as far as they are not done."""
    _upsert(connection, entries, actions.c.status != "done")
    write_holds(connection, entries, on_behalf)
    write_names(connection, entries)


def write_outcomes(
    connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf | None = None
) -> None:
    """Write what became of effects."""
    new = _insert(connection).excluded.status
    counts = or_(
        new == "done",
        and_(new == "planned", actions.c.status == "planned"),
        # Whoever was left alone this time may have been acted on before: that stays to be found out.
        and_(
            or_(new == "skipped", new == "unchanged"),
            actions.c.status != "done",
            actions.c.status != "started",
        ),
        and_(new == "failed", actions.c.status != "done"),
    )
    _upsert(connection, entries, counts)
    write_holds(connection, entries, on_behalf)
    write_names(connection, entries)


def _upsert(connection: Connection, entries: Sequence[Entry], where: Any) -> None:
    by_server = connection.dialect.name == "postgresql"
    statement = _insert(connection)
    if by_server:
        statement = statement.from_select(_NAMES, _ROWS_OF_JSON)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in actions.c
        if column.name not in _KEPT and not column.primary_key
    }
    # The time of the first try goes into the risk signal, so that one that may have arrived is sent again
    # byte for byte. Of what is known not to have arrived, the next try is the first.
    replaced["started_at"] = case((_MAY_HAVE_ARRIVED, actions.c.started_at), else_=replaced["started_at"])
    statement = statement.on_conflict_do_update(index_elements=KEY, set_=replaced, where=where)
    rows = [entry.to_row() for entry in _last_of_each_key(entries)]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        connection.execute(statement, {"rows": _to_json(some)} if by_server else some)


# For PostgreSQL, whose drivers would else send one statement for each row: one statement, one parameter.
_NAMES = [name for name in actions.c.keys() if name != "id"]  # noqa: SIM118  # not a dict
_ROWS_OF_JSON: Any = select(*(literal_column(name) for name in _NAMES)).select_from(
    text(f"json_populate_recordset(NULL::{TABLE_NAME}, CAST(:rows AS json))")
)


def _to_json(rows: Sequence[dict[str, Any]]) -> str:
    plain = [
        {name: to_utc(value) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]
    return msgspec.json.encode(plain).decode()


def _insert(connection: Connection) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(actions)


def _last_of_each_key(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without those that a later one replaces; PostgreSQL refuses two in one statement."""
    last = {(one.org, one.action, one.target, one.user_key, one.as_of, one.revision): one for one in entries}
    # Always in the same order, so that two writers never wait for each other's rows.
    return [last[key] for key in sorted(last)]
