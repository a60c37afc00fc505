# SPDX-License-Identifier: Apache-2.0
"""Where records of rate limits are kept, so that whoever uses the same limit counts together."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_okta_ure.errors import OktaUreError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

LOCK_PATIENCE = 1.0
LOCK_STEP = 0.002
"""Seconds: how long to wait for another process that changes a record, and how often to look."""

OUT_OF_USE = 60.0
"""Seconds for which a store that failed is left alone."""


LARGEST_RECORD = 4096


class LimitStore(Protocol):
    """A place for records; each is changed by one process, and one thread of it, at a time."""

    @property
    def is_far(self) -> bool:
        """Whether each change is a round trip over the network, so that few are made."""

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        """
        Change a record and return the result of that.

        :param name: which limit; never kept as it is.
        :param change: takes the record, empty at first, and the time in seconds by the store's clock; returns
            the new record and the result. Does not wait for anything.
        """


def digest_of(name: str) -> str:
    """Return what a limit is kept under: its name can hold the address of a tenant."""
    return hashlib.blake2b(name.encode(), digest_size=16, person=b"okta-ure-limit").hexdigest()


def folder_of_user() -> Path:
    """Return where a user's processes on this machine count together."""
    return Path(tempfile.gettempdir()) / f"okta-ure-{os.getuid()}.limits"


class PrivateStore:
    """
    Records of one process, in memory.

    :param monotonic: the clock.
    """

    is_far = False

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._records: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        with self._lock:
            self._records[name], result = change(self._records.get(name, b""), self._monotonic())
        return result


class FileStore:
    """
    Records of all processes of a user on one machine, in small files that only this user can read.

    The monotonic clock of a machine is the same in all its processes. Where files cannot be used, each
    process keeps records of its own.
    """

    is_far = False

    def __init__(self) -> None:
        self._folder = folder_of_user()
        self._own = PrivateStore(time.monotonic)

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        try:
            file = self._opened(digest_of(name))
        except OSError:
            return self._own.change(name, change)
        try:
            stored = os.pread(file, LARGEST_RECORD, 0)
            new, result = change(stored, time.monotonic())
            with suppress(OSError):  # a full disk
                os.pwrite(file, new, 0)
                if len(new) < len(stored):
                    os.ftruncate(file, len(new))
        finally:
            os.close(file)  # and with it the lock
        return result

    def _opened(self, name: str) -> int:
        """Return the file of a record, locked."""
        with suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._check_owner(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(name, flags, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            self._check_owner(file)
            _lock(file)
        except OSError:
            os.close(file)
            raise
        return file

    @staticmethod
    def _check_owner(file: int) -> None:
        said = os.fstat(file)
        if said.st_uid != os.getuid() or said.st_mode & 0o077:
            raise PermissionError("not ours alone")


def _lock(file: int) -> None:
    # Not for ever: a process that was stopped in the middle keeps its lock.
    deadline = time.monotonic() + LOCK_PATIENCE
    while not _is_locked(file):
        if time.monotonic() > deadline:
            raise BlockingIOError
        time.sleep(LOCK_STEP)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class StoreWithFallback:
    """
    Records in a first store, or in a second one for a while after the first has failed.

    :param first: raises when it cannot be used.
    :param second: always works.
    """

    def __init__(self, first: LimitStore, second: LimitStore) -> None:
        self._first = first
        self._second = second
        self._out_of_use_until = float("-inf")
        self._has_warned = False

    @property
    def is_far(self) -> bool:
        return self._first.is_far

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        if time.monotonic() >= self._out_of_use_until:
            try:
                return self._first.change(name, change)
            except Exception as error:  # noqa: BLE001  # whatever a database does, no call fails because of it
                self._out_of_use_until = time.monotonic() + OUT_OF_USE
                if not self._has_warned:
                    self._has_warned = True
                    log.warning(
                        "Rate limits are shared with the processes of this machine only: %s",
                        error.message if isinstance(error, OktaUreError) else type(error).__name__,
                    )
        return self._second.change(name, change)
