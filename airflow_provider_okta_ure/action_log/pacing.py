# SPDX-License-Identifier: Apache-2.0
"""Rate limits that all machines count together, in the PostgreSQL database of the action log."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.migrating import upgrade
from airflow_provider_okta_ure.action_log.tables import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

ResultT = TypeVar("ResultT")

PATIENCE = 2
"""Seconds to wait for a connection, for an answer, and for another process that changes the same record."""

# For one transaction, because behind a connection pooler the next one has another session. What is lost with
# a crash of the server is only how far windows were used that end within a minute.
_SETTINGS = text(
    f"SELECT set_config('lock_timeout', '{PATIENCE}s', true), "  # a constant of ours
    f"set_config('statement_timeout', '{PATIENCE}s', true), set_config('synchronous_commit', 'off', true)"
)
_READ = (
    select(limits.c.record, func.extract("epoch", func.clock_timestamp()))
    .where(limits.c.name == bindparam("key"))
    .with_for_update()
)
_ADD = insert(limits).values(name=bindparam("key"), record=b"").on_conflict_do_nothing()
_WRITE = update(limits).where(limits.c.name == bindparam("key")).values(record=bindparam("new"))


class PacingStore:
    """
    Records of rate limits, by the clock of the database server; each change is one short transaction.

    :param url: the SQLAlchemy URL of the action log's database, PostgreSQL.
    """

    is_far = True

    def __init__(self, url: URL) -> None:
        # A dead line is noticed by the machine itself, whatever the server or a pooler would do.
        query = {"tcp_user_timeout": str(PATIENCE * 1000), **url.query}
        self._database = Database(url.set(query=query), patience=PATIENCE)
        self._lock = threading.Lock()
        self._is_ready = False

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        """
        Change the record of a limit and return the result; see :class:`clients.limit_stores.LimitStore`.

        :raises ActionLogError: the database cannot be used.
        """
        self._prepare()
        key = hashlib.blake2b(name.encode(), digest_size=16, person=b"okta-ure-limit").hexdigest()
        with self._database.writing() as connection:
            connection.execute(_SETTINGS)
            stored, now = self._read(connection, key)
            new, result = change(stored, now)
            connection.execute(_WRITE, {"key": key, "new": new})
        return result

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def _prepare(self) -> None:
        with self._lock:
            if not self._is_ready:
                upgrade(self._database)
                self._is_ready = True

    @staticmethod
    def _read(connection: Connection, key: str) -> tuple[bytes, float]:
        found = connection.execute(_READ, {"key": key}).one_or_none()
        if found is None:
            connection.execute(_ADD, {"key": key})
            found = connection.execute(_READ, {"key": key}).one()
        return bytes(found[0]), float(found[1])
