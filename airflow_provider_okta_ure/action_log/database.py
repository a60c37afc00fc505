# SPDX-License-Identifier: Apache-2.0
"""The database below the action log: SQLite on one machine, PostgreSQL everywhere."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tenacity
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.pool import NullPool

from airflow_provider_okta_ure.errors import ActionLogError, BusyError, ConfigurationError

SQLITE_PATIENCE = 30.0
"""Seconds that SQLite waits for another writer."""

FILE_MODE = 0o600
"""What a new SQLite file may be read by: its owner alone, because it holds names of people."""

# What SQLite says, what to do, and whether it may pass by itself.
_ADVICE = (
    ("database is locked", "Another process has been writing for too long; look for one that hangs.", True),
    ("disk is full", "Make room on the disk, or prune the action log.", True),
    ("disk I/O error", "Look at the disk. A file on a network share (NFS) cannot be used.", True),
    ("readonly database", "Let the user that runs tasks write the file and its folder.", False),
    ("unable to open", "Let the user that runs tasks write the file and its folder.", False),
    ("not a database", "Choose another file, or restore it from a backup.", False),
    ("malformed", "Restore the file from a backup.", False),
)


_NOT_ABLE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)
_PASSING = (errno.ENOSPC, errno.EDQUOT)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_QUERY_CANCELED = "57014"
_TOO_MANY_CONNECTIONS = "53300"
_LOCK_NOT_AVAILABLE = "55P03"
# https://www.sqlite.org/rescode.html
_SQLITE_INTERRUPT = 9


class Database:
    """
    Connections to one database.

    :param url: an SQLAlchemy URL of SQLite or PostgreSQL.
    :param patience: how many seconds to wait for a connection to PostgreSQL, a new one or one that is in
        use; None = as long as its driver and SQLAlchemy do.
    :raises ConfigurationError: it is of another kind, or its driver is not installed.
    """

    def __init__(self, url: URL | str, *, patience: float | None = None) -> None:
        try:
            parsed = make_url(url)
            kind = parsed.get_backend_name()
            if kind not in ("sqlite", "postgresql"):
                raise ConfigurationError(
                    f"The action log cannot be kept in {kind}.",
                    remedy="Use PostgreSQL, or SQLite for one machine.",
                )
            self.engine: Engine = _engine(parsed, kind, patience)
        except ArgumentError:
            # Without the cause, which quotes the URL and with it the password.
            raise ConfigurationError(
                "The URL of the action log's database cannot be read.",
                remedy="Use postgresql+psycopg2://user:password@host/database, or sqlite:////absolute/path.db.",
            ) from None
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise ConfigurationError(
                f"The driver of the action log's database is not installed: {error}.",
                remedy="Install it, for PostgreSQL for example psycopg2-binary.",
            ) from None
        self.kind = kind
        self.where = parsed.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database; None of a server or of memory."""
        path = self.engine.url.database
        return Path(path) if self.kind == "sqlite" and path and path != ":memory:" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """
        Yield a connection to read with.

        :raises ActionLogError: the database cannot be used.
        """
        with self.trouble(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """
        Yield a connection whose writes count all together, or not at all after an error.

        :raises ActionLogError: the database cannot be used.
        """
        with self.trouble(), self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """
        Keep a file of SQLite open while the work inside opens and closes it many times.

        Whoever closes it last moves what was written into the file itself, which costs as much as a commit.
        """
        if self.file is None:
            yield
            return
        with self.trouble():
            connection = self.engine.connect()
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            # A transaction that stays open would keep what is written from ever being moved.
            connection.rollback()
        try:
            yield
        finally:
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """
        Say in our words what the database, or its file, refuses.

        :raises BusyError: no connection was free in time, or a query was given up.
        :raises ActionLogError: instead of the driver's error.
        """
        try:
            yield
        except NoConnectionFreeError:
            raise BusyError(
                f"All connections to the action log at {self.where} are in use.",
                remedy="Try again in a few seconds.",
            ) from None
        except DBAPIError as error:
            busy = _busy(error.orig)
            if busy is not None:
                raise busy from None
            # SQLAlchemy's own text holds the statement with its values, so with names of people.
            said = str(error.orig).strip().splitlines()
            raise self._unusable(
                said[0] if said else "no reason given", passes=not isinstance(error, ProgrammingError)
            ) from None
        except OSError as error:
            raise self._unusable(
                (error.strerror or type(error).__name__).lower(),
                remedy=self._remedy_of(error),
                passes=error.errno in _PASSING,
            ) from None

    @property
    def folder(self) -> Path | None:
        """Where the file of an SQLite database is."""
        return self.file.parent if self.file else None

    def _remedy_of(self, error: OSError) -> str:
        if error.errno in _NOT_ABLE:
            return (
                f"The file system of {self.folder} cannot do what is needed; choose a folder on a local "
                "disk, or PostgreSQL."
            )
        if error.errno in _PASSING:
            return "Make room on the disk, or prune the action log."
        return (
            f"Let the user that runs tasks write the folder {self.folder}, and make it first if it is not "
            "there."
        )

    def _unusable(self, said: str, *, remedy: str = "", passes: bool) -> ActionLogError:
        if self.kind == "sqlite":
            for part, advice, may_pass in _ADVICE:
                if part in said:
                    remedy, passes = advice, may_pass
        return ActionLogError(
            f"The action log at {self.where} cannot be used: {said}.", remedy=remedy, retryable=passes
        )


def took_too_long() -> BusyError:
    """Return the error for a query that was given up."""
    return BusyError(
        "The action log's database did not answer in time.",
        remedy="Choose a shorter period or a narrower filter, or try again later.",
    )


def _busy(error: BaseException | None) -> BusyError | None:
    """Return what a driver's error means when the database only has too much to do; None = something else."""
    # psycopg2 and psycopg name it differently.
    code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    if (
        code in (_QUERY_CANCELED, _LOCK_NOT_AVAILABLE)
        or getattr(error, "sqlite_errorcode", None) == _SQLITE_INTERRUPT
    ):
        return took_too_long()
    if code == _TOO_MANY_CONNECTIONS:
        return BusyError(
            "The action log's database accepts no more connections.", remedy="Try again in a few seconds."
        )
    return None


def _engine(url: Any, kind: str, patience: float | None) -> Engine:
    if kind == "postgresql":
        # A connection pooler in transaction mode has other statements prepared on each of its connections.
        arguments: dict[str, Any] = {"prepare_threshold": None} if url.get_driver_name() == "psycopg" else {}
        options: dict[str, Any] = {}
        if patience is not None:
            options["pool_timeout"] = patience
            if "connect_timeout" not in url.query:
                arguments["connect_timeout"] = math.ceil(patience)
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments, **options)
    memory = url.database in (None, "", ":memory:")
    # A file is opened anew each time: connections of SQLite must not cross threads or forks.
    pool = {} if memory else {"poolclass": NullPool}
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_PATIENCE, "check_same_thread": False},
        **pool,
    )
    if not memory:
        file = Path(url.database)
        event.listen(engine, "do_connect", lambda *_: _make_private(file))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


_making = threading.Lock()


def _make_private(file: Path) -> None:
    """Make an empty file that is its owner's alone; SQLite gives its companions the same mode."""
    # One thread at a time: closing the file would give back the locks that another thread has on it already.
    with _making, contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver's own BEGIN comes too late to keep two writers apart; ours is below.
    connection.isolation_level = None
    cursor = connection.cursor()
    # SQLite does not wait for the lock that the first change of a new file takes, whatever its timeout is.
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_message(match="database is locked"),
        stop=tenacity.stop_after_delay(SQLITE_PATIENCE),
        wait=tenacity.wait_random(0.001, 0.02),
        reraise=True,
    )
    # Readers, such as the page in the UI, do not wait for writers, and the other way round.
    tries(cursor.execute, "PRAGMA journal_mode=WAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes fails when another writer was faster, unless it says so first.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
