# SPDX-License-Identifier: Apache-2.0
"""
One writer at a time: two runs that act on the same target take turns.

The operating system or the database server gives a lock back when its holder dies, so a killed task blocks
nobody.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from airflow_provider_okta_ure.errors import LockedError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.database import Database

log = logging.getLogger(__name__)

_in_memory: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class Waiting:
    """
    How to wait for a lock.

    :param seconds: how long at most.
    :param every: seconds between two looks.
    """

    seconds: float = 900.0
    every: float = 0.25
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


@contextmanager
def held(database: Database, name: str, waiting: Waiting) -> Iterator[None]:
    """
    Hold the lock of this name, which is one lock for everybody who uses the database.

    :raises LockedError: another holder kept it for longer than we are to wait.
    :raises ActionLogError: the database cannot be used.
    """
    take = _taker(database, name)
    deadline = waiting.monotonic() + waiting.seconds
    while (give_back := _taken(database, take)) is None:
        if waiting.monotonic() >= deadline:
            raise LockedError(f"Another run has been acting on {name} for {waiting.seconds:.0f} s.")
        waiting.sleep(waiting.every)
    try:
        yield
    finally:
        give_back()


GiveBack = Callable[[], None]


def _taken(database: Database, take: Callable[[], GiveBack | None]) -> GiveBack | None:
    with database.trouble():
        return take()


def _taker(database: Database, name: str) -> Callable[[], GiveBack | None]:
    """Return what takes the lock and returns how to give it back, or None when somebody else has it."""
    if database.kind == "postgresql":
        return lambda: _take_on_server(database, name)
    file = database.file
    if file is None:
        return lambda: _take_in_memory(f"{id(database)} {name}")
    return lambda: _take_file(file, name)


def _take_on_server(database: Database, name: str) -> GiveBack | None:
    # A lock of a transaction and not of a session: behind a connection pooler in transaction mode a session
    # is shared, and the next statement may have another one.
    connection = database.engine.connect()
    number = int.from_bytes(hashlib.sha256(f"okta_ure {name}".encode()).digest()[:8], "big", signed=True)
    try:
        connection.execute(_NO_TIMEOUT)
        taken = connection.execute(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number})
        if taken.scalar():
            return lambda: _end(connection, name)
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


# Nothing happens in this transaction while the work is done; only PostgreSQL 17 knows the second one.
_NO_TIMEOUT = text(
    "SELECT set_config(name, '0', true) FROM pg_settings "
    "WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
)


def _end(connection: Connection, name: str) -> None:
    try:
        connection.rollback()
        connection.close()
    except DBAPIError:
        # What was done is done; the next run finds it in Okta.
        log.warning("The connection that held the lock on %s was lost before it was given back.", name)
        connection.invalidate()


def _take_file(file: Path, name: str) -> GiveBack | None:
    locks = file.with_name(f"{file.name}.locks")
    locks.mkdir(exist_ok=True, mode=0o700)
    handle = os.open(locks / hashlib.sha256(name.encode()).hexdigest()[:32], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return lambda: os.close(handle)


def _take_in_memory(name: str) -> GiveBack | None:
    lock = _in_memory[name]
    return lock.release if lock.acquire(blocking=False) else None
