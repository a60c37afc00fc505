"""
### One operator, rows of your own

A row needs a `user`; the rest is up to the operator. This DAG puts the people on a list of yours into
an Okta group. It runs when somebody triggers it, and is a **dry run** unless told otherwise.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["okta"],
    params={
        "users": Param(["ann@corp.example"], type="array", items={"type": "string"}, title="Users"),
        "group": Param(
            "Watchlist",
            type="string",
            minLength=1,
            title="Okta group",
            description="Whoever may trigger this DAG may choose any group that the Okta connection allows "
            "(writable_groups).",
        ),
        "dry_run": Param(True, type="boolean", title="Dry run"),
    },
)
def okta_watchlist() -> None:
    @task
    def people(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return [{"user": user} for user in (params or {})["users"]]

    OktaAddToGroupOperator(
        task_id="add_to_group",
        rows=people(),
        group_name="{{ params.group }}",
        create_group=True,
        dry_run="{{ params.dry_run }}",
    )


okta_watchlist()
