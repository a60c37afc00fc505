# SPDX-License-Identifier: Apache-2.0
"""Making the table, and bringing one of an earlier version up to date (Alembic)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from airflow_provider_okta_ure.action_log.locks import Waiting, held
from airflow_provider_okta_ure.action_log.tables import VERSION_TABLE
from airflow_provider_okta_ure.errors import ActionLogError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.database import Database


_NEWEST = "0009"  # the head of the migrations; a test keeps it so


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # Alembic reads its options with configparser, which takes a % for the beginning of a reference.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    # Alembic warns when it has to guess how paths are separated.
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def newest_version() -> str:
    """Return the version of the table that this package works with."""
    return _NEWEST


def known_versions() -> frozenset[str]:
    """Return the versions of the table that this package can bring up to date."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


def version_of(database: Database) -> str | None:
    """Return the version of the table in a database; None = there is no table."""
    with database.reading() as connection:
        return _version(connection)


def upgrade(database: Database, waiting: Waiting | None = None) -> tuple[str | None, str]:
    """
    Make the table or bring it up to date, and return the version before and after.

    :raises ActionLogError: the database is of a newer version of this package, or cannot be used.
    """
    newest = newest_version()
    # The everyday case without a lock: several tasks start at the same moment.
    if version_of(database) == newest:
        return newest, newest
    with held(database, "the action log's table", waiting or Waiting()), database.writing() as connection:
        before = _version(connection)
        if before != newest:
            _run(connection, before)
        return before, newest


def _version(connection: Connection) -> str | None:
    # Alembic would say the same, and two lines in the log of every task.
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return version


def _run(connection: Connection, before: str | None) -> None:
    if before is not None and before not in known_versions():
        raise ActionLogError(
            f"The action log is of version {before}, which this version of the package does not know.",
            remedy="Upgrade airflow-provider-okta-ure to the version that made it.",
            retryable=False,
        )
    from alembic import command

    alembic_log = logging.getLogger("alembic")
    if alembic_log.level == logging.NOTSET:
        # What it says of each step is not for who reads the log of a task or the output of a command.
        alembic_log.setLevel(logging.WARNING)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
