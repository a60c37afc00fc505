# SPDX-License-Identifier: Apache-2.0
"""Locks that a task holds until its end, so that no other task acts on the same meanwhile."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog


class Turns:
    """
    The locks of one task.

    :param log: the action log, which keeps the locks.
    :param patience: seconds to wait for each; None = as long as the action log waits by default.
    """

    def __init__(self, log: ActionLog, patience: float | None = None) -> None:
        self._log = log
        self._patience = patience
        self._held: set[str] = set()
        self._locks = ExitStack()

    def take(self, name: str) -> None:
        """
        Wait until no other task holds this lock; one that is held already is kept.

        :raises LockedError: another task held it for too long.
        """
        if name not in self._held:
            self._locks.enter_context(self._log.lock(name, self._patience))
            self._held.add(name)

    def close(self) -> None:
        """Give back all locks."""
        self._held.clear()
        self._locks.close()
