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
    run = _run(entry, base)
    admin = admin_console_of(entry.org)
    is_group = entry.action in ("add_to_group", "remove_from_group")
    return {
        "run": run,
        "task": _task(run, entry),
        "user": f"{admin}/admin/user/profile/view/{_safe(entry.user_id)}"
        if admin and entry.user_id
        else None,
        "group": f"{admin}/admin/group/{_safe(entry.target)}"
        if admin and is_group and entry.target
        else None,
    }


def _run(entry: Entry, base: str) -> str | None:
    if not entry.dag_id or not entry.run_id:
        return None
    return f"{base}/dags/{_safe(entry.dag_id)}/runs/{_safe(entry.run_id)}"


def _task(run: str | None, entry: Entry) -> str | None:
    if run is None or not entry.task_id:
        return None
    mapped = f"/mapped/{entry.map_index}" if entry.map_index >= 0 else ""
    return f"{run}/tasks/{_safe(entry.task_id)}{mapped}"


def _safe(text: str) -> str:
    return quote(text, safe="")
