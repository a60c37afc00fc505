# SPDX-License-Identifier: Apache-2.0
"""Turns that all processes of a machine take one after the other, for limits too small to guess at."""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PLACES = 512
"""How many limits have a place in the file; two that share one are only slower."""

LONGEST_QUEUE = 30.0
"""Seconds: a turn further away was left behind by a clock that has begun anew since."""

_TURN = struct.Struct("d")


class SharedSlots:
    """
    The turns of one limit, in a small file that only this user can read.

    The monotonic clock of a machine is the same in all its processes. Where the file cannot be used, such as
    in containers of their own, each process takes turns by itself.

    :param limit: what is limited, such as the address of a tenant.
    """

    def __init__(self, limit: str) -> None:
        digest = hashlib.blake2b(limit.encode(), digest_size=8).digest()
        self._offset = _TURN.size * (int.from_bytes(digest, "big") % PLACES)
        self._path = Path(tempfile.gettempdir()) / f"okta-ure-{os.getuid()}.turns"
        self._own = float("-inf")

    def take(self, interval: float) -> float:
        """
        Return how many seconds to wait for the next turn, which is taken.

        :param interval: seconds between this turn and the one after it.
        """
        now = time.monotonic()
        with suppress(OSError):
            return self._take(now, interval)
        turn = max(now, self._own)
        self._own = turn + interval
        return turn - now

    def _take(self, now: float, interval: float) -> float:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_uid != os.getuid():
                raise PermissionError("not our file")
            fcntl.flock(file, fcntl.LOCK_EX)
            said = os.pread(file, _TURN.size, self._offset)
            (stored,) = _TURN.unpack(said) if len(said) == _TURN.size else (0.0,)
            turn = stored if now < stored <= now + LONGEST_QUEUE else now
            os.pwrite(file, _TURN.pack(turn + interval), self._offset)
        finally:
            os.close(file)
        return turn - now
