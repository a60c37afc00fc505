# SPDX-License-Identifier: Apache-2.0
"""Whether a run was undone, and where it can be: the DAG for it, and the values for its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.action_log.reverts import reverts_of
from airflow_provider_okta_ure.plugin.links import dag_path, run_path

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.plugin.access import Reader

REVERT_DAG = "okta_revert_run"


def revert_answer(who: Reader, *, dag_id: str, run_id: str) -> dict[str, Any] | None:
    """
    Return how a run is undone; None when there is no DAG for it, or when the reader may not trigger it.

    The page triggers nothing itself. Airflow 3.2 and 3.3 take no values for the form from an address, so they
    are shown beside the link.
    """
    if not who.may_trigger(REVERT_DAG):
        return None
    return {
        "dag_id": REVERT_DAG,
        "link": dag_path(REVERT_DAG),
        "conf": {"reverted_dag_id": dag_id, "reverted_run_id": run_id},
    }


def reverted_answer(who: Reader, log: ActionLog, *, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """
    Return which runs have undone what a run did, the oldest first, each once.

    Of a run of a DAG that the reader may not see, only that there is one is said.
    """
    with log.database.reading() as connection:
        records = reverts_of(connection, dag_id=dag_id, run_id=run_id)
    readable = who.readable(sorted({one.by_dag_id for one in records}))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in records:
        is_shown = one.by_dag_id in readable
        answer = found.setdefault(
            (one.by_dag_id, one.by_run_id),
            {
                "dag_id": one.by_dag_id if is_shown else None,
                "run_id": one.by_run_id if is_shown else None,
                "asked_by": one.asked_by if is_shown else "",
                "recorded_at": one.recorded_at,
                "is_whole": False,
                "link": run_path(one.by_dag_id, one.by_run_id) if is_shown else None,
            },
        )
        answer["is_whole"] = answer["is_whole"] or one.is_whole
    return list(found.values())
