"""DAGs that only the tests need: mapped operators, and a run that an asset triggers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.sdk import Asset, dag, task

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaPushRiskOperator
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SCORES = Asset("scores-changed")


@dag(schedule=None, start_date=START)
def in_parts() -> None:
    """Fetch once, act in chunks."""

    @task
    def chunks(rows: Any) -> list[list[dict[str, Any]]]:
        return [rows[start : start + 40] for start in range(0, len(rows), 40)]

    fetched = NetskopeFetchScoresOperator(task_id="fetch_scores", keep="score <= 800")
    risky = RiskFilterOperator(task_id="filter_at_risk", rows=fetched.output, rule="score <= 800")
    # How many may be changed at once is the subject of other tests.
    OktaAddToGroupOperator.partial(
        task_id="add_to_group", group_name="In parts", create_group=True, max_change_percent=100
    ).expand(rows=chunks(risky.output))


@dag(schedule=[SCORES], start_date=START)
def on_asset() -> None:
    """No data interval, no logical date."""
    rows = NetskopeFetchScoresOperator(task_id="fetch_scores", strategy="list")
    levels = RiskMapLevelsOperator(task_id="map_levels", rows=rows.output)
    pushed = OktaPushRiskOperator(
        task_id="push_risk", rows=levels.output, ensure_provider=True, max_change_percent=100
    )
    proof = OktaRiskEventSensor(task_id="confirm_ingested", deferrable=True, poke_interval=1)
    pushed >> proof


@dag(schedule=None, start_date=START)
def changes_scores() -> None:
    @task(outlets=[SCORES])
    def changed() -> None:
        """Say that there are new scores."""

    changed()


@dag(schedule=None, start_date=START)
def goes_wrong() -> None:
    """A permanent error must not be retried."""
    OktaAddToGroupOperator(
        task_id="add_to_group", rows=[{"user": "a@corp.example"}], group_name="Not there", retries=3
    )


in_parts()
on_asset()
changes_scores()
goes_wrong()
