# SPDX-License-Identifier: Apache-2.0
"""The task that acts, as far as the action log has to know it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from airflow_provider_okta_ure.action_log.tasks import TaskKey
from airflow_provider_okta_ure.core.as_of import AsOfReason  # noqa: TC001  # msgspec reads it


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which task of which run acts.

    :param as_of: the time the run is for (aware, UTC).
    :param as_of_reason: why it is that time: a key of :data:`as_of.AS_OF_REASONS`; empty = not known.
    :param is_backfill: whether the run makes up for a past interval.
    :param try_id: what tells this try of the task from all others.
    :param triggered_by: the name of who triggered the run or its backfill; empty = Airflow does not tell.
    """

    as_of: datetime
    as_of_reason: AsOfReason | Literal[""] = ""
    dag_id: str = ""
    run_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    is_backfill: bool = False
    triggered_by: str = ""
    try_id: str = ""

    @property
    def task(self) -> TaskKey:
        """The task, in all its tries."""
        return TaskKey(dag_id=self.dag_id, run_id=self.run_id, task_id=self.task_id, map_index=self.map_index)
