# SPDX-License-Identifier: Apache-2.0
"""Writing entries, many at once; what was done is never overwritten by a lesser status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, case, literal_column, select, text

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.holders import write_holds
from airflow_provider_okta_ure.action_log.inserting import insert_into
from airflow_provider_okta_ure.action_log.names import write_names
from airflow_provider_okta_ure.action_log.tables import TABLE_NAME, actions, to_utc

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.action_log.lifecycle import LogStatus
    from airflow_provider_okta_ure.core.holding import OnBehalf

KEY = ("org", "action", "target", "user_key", "as_of", "revision")

# What the System Log said stays true.
_KEPT = {*KEY, "confirmation", "confirmed_at", "log_event_id"}
_ROWS_AT_ONCE = 5000


def write_intents(
    connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf | None = None
) -> None:
    """Write that effects are about to be tried, as far as they are not done."""
    _upsert(connection, entries, among=("started",))
    write_holds(connection, entries, on_behalf)
    write_names(connection, entries)


def write_outcomes(
    connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf | None = None
) -> None:
    """Write what became of effects."""
    _upsert(connection, entries, among=("done", "unchanged", "skipped", "failed", "planned"))
    write_holds(connection, entries, on_behalf)
    write_names(connection, entries)


def _upsert(connection: Connection, entries: Sequence[Entry], *, among: Sequence[LogStatus]) -> None:
    by_server = connection.dialect.name == "postgresql"
    statement = insert_into(connection, actions)
    if by_server:
        statement = statement.from_select(_NAMES, _ROWS_OF_JSON)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in actions.c
        if column.name not in _KEPT and not column.primary_key
    }
    may_have_arrived = lifecycle.MAY_HAVE_ARRIVED.in_sql(actions.c)
    # The time of the first try goes into the risk signal, so that one that may have arrived is sent again
    # byte for byte. Of what is known not to have arrived, the next try is the first.
    replaced["started_at"] = case((may_have_arrived, actions.c.started_at), else_=replaced["started_at"])
    where = lifecycle.may_replace(actions.c.status, statement.excluded.status, among)
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


def _last_of_each_key(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without those that a later one replaces; PostgreSQL refuses two in one statement."""
    last = {(one.org, one.action, one.target, one.user_key, one.as_of, one.revision): one for one in entries}
    # Always in the same order, so that two writers never wait for each other's rows.
    return [last[key] for key in sorted(last)]
