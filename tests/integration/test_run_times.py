"""The time a run is for, as the tasks of a run take it from Airflow."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaNoActionOperator,
    OktaPreflightOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
    OktaUpsertUserRiskOperator,
)
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor
from tests.integration.conftest import CLOCK, NOW, context_of

MIDNIGHT = NOW.replace(hour=0)


def triggered(run_after: datetime, logical_date: datetime | None = None, **params: Any) -> dict[str, Any]:
    """Return the context of a manual run whose dialog filled in a date."""
    return context_of(
        logical_date,
        run_after=run_after,
        params=params,
        dag_run=SimpleNamespace(run_after=run_after, run_type="manual"),
    )


def test_the_button_reads_the_scores_of_now_although_its_dialog_fills_in_a_date(netskope):
    netskope.netskope.add_user("ann@x.example", 111)
    netskope.netskope.set_score("ann@x.example", NOW, 111)
    netskope.netskope.set_score("ann@x.example", NOW - timedelta(days=1), 900)

    def score(**params: Any) -> int:
        operator = NetskopeFetchScoresOperator(task_id="fetch", users=["ann@x.example"])
        (row,) = operator.execute(triggered(NOW, MIDNIGHT, **params))  # type: ignore[arg-type]
        return int(row["score"])

    assert score() == 111
    assert score(scores_as_of="now") == 111
    assert score(scores_as_of="interval") == 900


def test_a_partition_counts_in_the_run_and_in_its_context():
    run = SimpleNamespace(
        run_after=NOW, run_type="scheduled", partition_key="2026-11-20", partition_date=None
    )
    identity = RunIdentity.of(context_of(None, dag_run=run))  # type: ignore[arg-type]
    assert identity.as_of == datetime(2026, 11, 20, tzinfo=timezone.utc)
    assert identity.as_of_reason == "partition"


def test_the_report_says_why_the_run_is_for_its_time(okta):
    operator = OktaNoActionOperator(task_id="no", rows=[{"user": "ann@x.example"}])
    assert operator.execute(triggered(NOW))["as_of_reason"] == "triggered"  # type: ignore[arg-type]
    assert operator.execute(context_of(NOW))["as_of_reason"] == "interval_end"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        pytest.param(OktaAddToGroupOperator, {"group_name": "Risky", "create_group": True}, id="add"),
        pytest.param(
            OktaRemoveFromGroupOperator, {"group_name": "Risky", "missing_group_ok": True}, id="remove"
        ),
        pytest.param(OktaPushRiskOperator, {"ensure_provider": True}, id="push"),
        pytest.param(OktaUpsertUserRiskOperator, {}, id="upsert"),
        pytest.param(OktaNoActionOperator, {}, id="none"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_no_task_acts_for_a_time_to_come(okta, operator, arguments, dry_run):
    user = okta.okta.add_user(login="ann@x.example")
    to_come = CLOCK + timedelta(days=5)
    rows = [{"user": user.login, "score": 100, "risk_level": "high"}]
    task = operator(task_id="act", rows=rows, dry_run=dry_run, **arguments)
    with pytest.raises(AirflowFailException, match=f"{to_come:%Y-%m-%d}.*future.*Trigger the DAG"):
        task.execute(triggered(to_come, to_come))
    assert okta.okta.find_group("Risky") is None
    assert not okta.okta.accepted_events


def test_the_preflight_and_the_proof_refuse_a_time_to_come(okta, netskope):
    to_come = triggered(CLOCK + timedelta(days=5))
    for task in (OktaPreflightOperator(task_id="check"), OktaRiskEventSensor(task_id="proof")):
        with pytest.raises(AirflowFailException, match="in the future"):
            task.execute(to_come)  # type: ignore[arg-type]


def test_the_first_line_of_a_task_says_for_which_time_it_is_and_why(netskope, monkeypatch):
    lines: list[str] = []

    class Log:
        def info(self, text: str, *args: Any) -> None:
            lines.append(text % args)

        def warning(self, *_: Any) -> None: ...

    operator = NetskopeFetchScoresOperator(task_id="fetch", users=[])
    monkeypatch.setattr(type(operator), "log", Log())
    operator.execute(triggered(NOW, MIDNIGHT))  # type: ignore[arg-type]
    assert lines[0] == "Scores as of 2026-11-23 03:00:00 UTC, because this manual run was triggered then."
