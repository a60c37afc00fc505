# SPDX-License-Identifier: Apache-2.0
"""Which task of which run this is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.as_of import AsOf
from airflow_provider_okta_ure.engine.run import Run
from airflow_provider_okta_ure.operators.run import Log, announce, as_of_run, run_type_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunIdentity(Run, frozen=True, kw_only=True):
    """The task that acts, as Airflow tells it."""

    @classmethod
    def of(cls, context: Context) -> RunIdentity:
        """
        Return the identity that a task's context tells.

        :raises ConfigurationError: the run has no time.
        """
        as_of = as_of_run(context)
        task, run = context.get("ti"), context.get("dag_run")
        map_index, try_number = getattr(task, "map_index", None), getattr(task, "try_number", None)
        return cls(
            as_of=as_of.time,
            as_of_reason=as_of.reason,
            dag_id=getattr(task, "dag_id", "") or "",
            run_id=getattr(task, "run_id", "") or "",
            task_id=getattr(task, "task_id", "") or "",
            map_index=-1 if map_index is None else map_index,
            try_number=try_number or 1,
            is_backfill=run_type_of(run) == "backfill",
            triggered_by=str(getattr(run, "triggering_user_name", None) or ""),
            # Airflow makes a new id for each try; a run that is deleted and made anew begins again at try 1.
            try_id=str(getattr(task, "id", None) or try_number or 1),
        )

    def announce(self, log: Log, *, only_reads: bool = False) -> None:
        """
        Log for which time the run is and why; the first line of every task.

        :param only_reads: the task decides nothing, so a time in the future is a warning.
        :raises ConfigurationError: the time is in the future.
        """
        if self.as_of_reason:
            announce(log, AsOf(self.as_of, self.as_of_reason), only_reads=only_reads)
