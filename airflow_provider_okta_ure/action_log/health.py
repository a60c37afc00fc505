# SPDX-License-Identifier: Apache-2.0
"""Whether the action log's database can be used, as far as that shows without writing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import text

from airflow_provider_okta_ure.action_log.tables import TABLE_NAME
from airflow_provider_okta_ure.errors import ActionLogError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.database import Database

_LOOKS = 3


def require_writable(database: Database) -> None:
    """
    Refuse a database that a task could not write.

    :raises ActionLogError: the user may not write there, or nobody may.
    """
    if database.kind == "postgresql":
        _require_writable_server(database)
    elif database.file is not None:
        _require_writable_file(database, database.file)


def is_shared_by_transaction(database: Database) -> bool:
    """
    Return whether a connection pooler in transaction mode stands before PostgreSQL, as far as it shows.

    Two connections of a client that have the same server process are shared by transaction.

    :raises ActionLogError: the database cannot be used, say because the pooler is in statement mode.
    """
    if database.kind != "postgresql":
        return False
    process = text("SELECT pg_backend_pid()")
    with database.trouble(), database.engine.connect() as first:
        alone = first.execution_options(isolation_level="AUTOCOMMIT")
        for _ in range(_LOOKS):
            before = alone.execute(process).scalar()
            with database.engine.connect() as other, other.begin():
                if other.execute(process).scalar() == before or alone.execute(process).scalar() != before:
                    return True
    return False


def _require_writable_server(database: Database) -> None:
    with database.reading() as connection:
        if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
            raise _not_writable(database, "the server is read-only", "Use the address of the primary server.")
        table = connection.execute(text("SELECT to_regclass(:name)"), {"name": TABLE_NAME}).scalar()
        if table is None:
            _require_may_create(database, connection)
            return
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            may = connection.execute(
                text("SELECT has_table_privilege(:name, :right)"), {"name": TABLE_NAME, "right": right}
            ).scalar()
            if not may:
                raise _not_writable(
                    database, f"the user has no {right} on {TABLE_NAME}", f"Grant the user {right} on it."
                )


def _require_may_create(database: Database, connection: Connection) -> None:
    may = connection.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar()
    if not may:
        raise _not_writable(
            database,
            "the user may not create its tables",
            "Grant the user CREATE on the schema, or run `airflow okta-ure action-log init` as one who may.",
        )


def _require_writable_file(database: Database, file: Path) -> None:
    folder = file.parent
    if not folder.is_dir():
        raise _not_writable(
            database, f"there is no folder {folder}", "Make it, for the user that runs tasks."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(
            database, f"the folder {folder} must not be written", "Let the user that runs tasks write it."
        )
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        raise _not_writable(
            database, "the file must not be written", "Let the user that runs tasks write it."
        )


def _not_writable(database: Database, why: str, remedy: str) -> ActionLogError:
    return ActionLogError(
        f"The action log at {database.where} cannot be written: {why}.", remedy=remedy, retryable=False
    )
