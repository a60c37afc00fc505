# SPDX-License-Identifier: Apache-2.0
"""Which task of which run this is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.operators.run import as_of_run

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who does something, for the action log.

    :param as_of: the moment the run speaks for (aware, UTC).
    :param is_backfill: whether the run makes up for a past interval.
    """

    as_of: datetime
    dag_id: str = ""
    run_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    is_backfill: bool = False

    @classmethod
    def of(cls, context: Context) -> RunIdentity:
        """
        Return the identity that a task's context tells.

        :raises ConfigurationError: the run speaks for no moment.
        """
        task, run = context.get("ti"), context.get("dag_run")
        map_index, try_number = getattr(task, "map_index", None), getattr(task, "try_number", None)
        return cls(
            as_of=as_of_run(context),
            dag_id=getattr(task, "dag_id", "") or "",
            run_id=getattr(task, "run_id", "") or "",
            task_id=getattr(task, "task_id", "") or "",
            map_index=-1 if map_index is None else map_index,
            try_number=try_number or 1,
            is_backfill=str(getattr(run, "run_type", "")).rpartition(".")[2].lower() == "backfill",
        )
