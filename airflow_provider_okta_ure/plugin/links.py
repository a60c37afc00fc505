# SPDX-License-Identifier: Apache-2.0
"""Where more is to be seen: Airflow's own pages, and Okta's admin console."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.configuration import conf

from airflow_provider_okta_ure.clients.hosts import admin_console_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry


def base_path() -> str:
    """Return the path below which Airflow is served, without a slash at its end; usually empty."""
    return urlsplit(str(conf.get("api", "base_url", fallback="") or "")).path.rstrip("/")


def links_of(entry: Entry, base: str) -> dict[str, str | None]:
    """
    Return the pages about an entry; None where one is not known.

    :param base: what :func:`base_path` returns.
    """
    run = _run(entry.dag_id, entry.run_id, base)
    admin = admin_console_of(entry.org)
    is_group = entry.action in ("add_to_group", "remove_from_group")
    return {
        "run": run,
        "task": _task(run, entry.task_id, entry.map_index),
        "user": f"{admin}/admin/user/profile/view/{_safe(entry.user_id)}"
        if admin and entry.user_id
        else None,
        "group": f"{admin}/admin/group/{_safe(entry.target)}"
        if admin and is_group and entry.target
        else None,
    }


def dag_path(dag_id: str) -> str:
    """Return Airflow's page about a DAG."""
    return f"{base_path()}/dags/{_safe(dag_id)}"


def run_path(dag_id: str, run_id: str) -> str | None:
    """Return Airflow's page about a run; None when it is not known which one."""
    return _run(dag_id, run_id, base_path())


def task_path(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str | None:
    """Return Airflow's page about a task of a run; None when it is not known which one."""
    run = _run(dag_id, run_id, base_path())
    return _task(run, task_id, map_index)


def _run(dag_id: str, run_id: str, base: str) -> str | None:
    if not dag_id or not run_id:
        return None
    return f"{base}/dags/{_safe(dag_id)}/runs/{_safe(run_id)}"


def _task(run: str | None, task_id: str, map_index: int) -> str | None:
    if run is None or not task_id:
        return None
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"{run}/tasks/{_safe(task_id)}{mapped}"


def _safe(text: str) -> str:
    return quote(text, safe="")
