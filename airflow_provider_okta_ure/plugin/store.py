# SPDX-License-Identifier: Apache-2.0
"""The action log as the API server reads it: never made, never changed, its connections kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, Connection, event

from airflow_provider_okta_ure.action_log.database import Database, took_too_long
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.migrating import newest_version, version_of
from airflow_provider_okta_ure.errors import ActionLogError
from airflow_provider_okta_ure.hooks.action_log import action_log_url

LOOK_AGAIN = 30.0
"""Seconds after which the Airflow connection is read again."""

PATIENCE = 3.0
"""Seconds to wait for a connection; whoever waits keeps a thread that Airflow's own API needs."""

LONGEST_QUERY = 20
"""Seconds after which a query is given up, and after which no other one begins in the same transaction."""

LONGEST_PAUSE = 10
"""Seconds after which PostgreSQL ends a transaction in which nothing happens."""


_BEGAN = "okta_ure_began"
_STEPS_BETWEEN_LOOKS = 100_000
"""Of SQLite's virtual machine; some milliseconds."""


class NoActionLogError(Exception):
    """There is no action log yet."""


class Store:
    """
    Knows the action log of this Airflow, and notices when its connection changes.

    :param find_url: where the log is; asked again every ``LOOK_AGAIN`` seconds.
    """

    def __init__(
        self,
        find_url: Callable[[], URL | str] = action_log_url,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_url = find_url
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._url: URL | str | None = None
        self._looked_at = 0.0
        self._log: ActionLog | None = None
        self._is_checked = False

    def open(self) -> ActionLog:
        """
        Return the action log; it is not to be closed.

        :raises NoActionLogError: no task has made it yet.
        :raises ConfigurationError: it is not known where it is.
        :raises BusyError: others are still waiting for it.
        :raises ActionLogError: it cannot be read, or is of another version of this package.
        """
        # The secrets backend and the database are asked meanwhile, and either may not answer.
        if not self._lock.acquire(timeout=PATIENCE):
            raise took_too_long()
        try:
            return self._checked()
        finally:
            self._lock.release()

    def _checked(self) -> ActionLog:
        log = self._current()
        file = log.database.file
        # SQLite would make the file.
        if file is not None and not file.exists():
            self._is_checked = False
            raise NoActionLogError
        if not self._is_checked:
            _check(log.database)
            self._is_checked = True
        return log

    def _current(self) -> ActionLog:
        now = self._monotonic()
        if self._log is not None and now < self._looked_at + LOOK_AGAIN:
            return self._log
        url = self._find_url()
        self._looked_at = now
        if self._log is None or url != self._url:
            if self._log is not None:
                self._log.close()
            self._log, self._url, self._is_checked = (
                ActionLog(_read_only(Database(url, patience=PATIENCE))),
                url,
                False,
            )
        return self._log


def _read_only(database: Database) -> Database:
    if database.kind == "postgresql":
        event.listen(database.engine, "begin", _limit_transaction)
    else:
        event.listen(database.engine, "connect", _limit_connection)
        event.listen(database.engine, "begin", _note_begin)
    event.listen(database.engine, "before_cursor_execute", _refuse_late_query)
    return database


def _limit_transaction(connection: Connection) -> None:
    # First: the connection still says when its last transaction began.
    _note_begin(connection)
    # Of each transaction: behind a connection pooler in transaction mode, what is set for a session would
    # hold for whichever task uses that connection next.
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    limits = {
        "statement_timeout": LONGEST_QUERY,
        # Somebody changes the table, such as the migration of a new version.
        "lock_timeout": PATIENCE,
        "idle_in_transaction_session_timeout": LONGEST_PAUSE,
    }
    settings = ", ".join(
        f"set_config('{name}', '{int(limit * 1000)}', true)" for name, limit in limits.items()
    )
    connection.exec_driver_sql(f"SELECT {settings}").close()


def _limit_connection(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()
    # A connection to SQLite is made for each transaction, so this is the limit of one.
    end = time.monotonic() + LONGEST_QUERY
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)


def _note_begin(connection: Connection) -> None:
    connection.info[_BEGAN] = time.monotonic()


def _refuse_late_query(connection: Connection, *_: object) -> None:
    """
    Refuse a query of a transaction that has taken too long already.

    :raises BusyError: it has.
    """
    began = connection.info.get(_BEGAN)
    if began is not None and time.monotonic() > began + LONGEST_QUERY:
        raise took_too_long()


def _check(database: Database) -> None:
    version = version_of(database)
    if version is None:
        raise NoActionLogError
    if version != newest_version():
        raise ActionLogError(
            f"The action log is of version {version}, this package works with {newest_version()}.",
            remedy="The next task brings an older one up to date; for a newer one upgrade the package of the "
            "API server.",
            retryable=False,
        )
