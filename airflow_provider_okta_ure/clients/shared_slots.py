# SPDX-License-Identifier: Apache-2.0
"""Turns that all who use a limit take one after the other, for limits too small to guess at."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.limit_stores import LimitStore

LONGEST_QUEUE = 30.0
"""Seconds: a turn further away was left behind by a clock that has begun anew since."""

_TURN = struct.Struct("d")


class SharedSlots:
    """
    The turns of one limit.

    A turn that is not used is lost: nothing is saved up for later.

    :param limit: what is limited, such as the address of a tenant.
    :param store: where the next turn is written down.
    """

    def __init__(self, limit: str, store: LimitStore) -> None:
        self._name = f"turns of {limit}"
        self._store = store

    def take(self, interval: float) -> float:
        """
        Return how many seconds to wait for the next turn, which is taken.

        :param interval: seconds between this turn and the one after it.
        """

        def change(stored: bytes, now: float) -> tuple[bytes, float]:
            (known,) = _TURN.unpack(stored) if len(stored) == _TURN.size else (0.0,)
            turn = known if now < known <= now + LONGEST_QUEUE else now
            return _TURN.pack(turn + interval), turn - now

        return self._store.change(self._name, change)
