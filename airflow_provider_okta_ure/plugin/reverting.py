# SPDX-License-Identifier: Apache-2.0
"""Where a run can be undone: the DAG for it, and what its form has to be filled in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.plugin.links import dag_path

if TYPE_CHECKING:
    from airflow_provider_okta_ure.plugin.access import Reader

REVERT_DAG = "okta_revert_run"


def revert_answer(who: Reader, *, dag_id: str, run_id: str) -> dict[str, Any] | None:
    """
    Return how a run is undone; None when there is no DAG for it, or when the reader may not trigger it.

    The page triggers nothing itself. Airflow 3.2 and 3.3 take no values for the form from an address, so they
    are shown beside the link.
    """
    if dag_id == REVERT_DAG or not who.may_trigger(REVERT_DAG):
        return None
    return {
        "dag_id": REVERT_DAG,
        "link": dag_path(REVERT_DAG),
        "conf": {"reverted_dag_id": dag_id, "reverted_run_id": run_id},
    }
