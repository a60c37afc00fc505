# SPDX-License-Identifier: Apache-2.0
"""Whom a task is about to change, told to others that plan at the same time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.guardrails.limits import ChangedToday

if TYPE_CHECKING:
    from airflow_provider_okta_ure.engine.session import Session


class Claim:
    """
    What one task has claimed of the limits of a day.

    :param session: of the task.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_written = False

    def changed_today(self) -> ChangedToday:
        """Return who was changed in this org since midnight UTC, or is about to be, by any task."""
        session = self._session
        return ChangedToday.of(
            session.log.changed_since(
                org=session.org, since=self._midnight(), task=session.run.task, try_id=session.run.try_id
            )
        )

    def write(self, people: Collection[str]) -> None:
        """Write whom this task is about to change, so that others that plan now count them."""
        session = self._session
        if session.run.dag_id and people:
            self._is_written = True
            session.log.claim(
                org=session.org,
                task=session.run.task,
                try_id=session.run.try_id,
                people=people,
                now=session.now(),
            )

    def close(self) -> None:
        """Say that this task is over: what it has changed stands in the log, and it changes nobody else."""
        if self._is_written:
            self._is_written = False
            self._session.log.end_claim(task=self._session.run.task, before=self._midnight())

    def _midnight(self) -> datetime:
        return self._session.now().replace(hour=0, minute=0, second=0, microsecond=0)
