# SPDX-License-Identifier: Apache-2.0
"""Scores that stop coming are said at once; scores that may still change are waited for, or marked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import find_tasks
from airflow_provider_okta_ure.errors import SourceOutageError, StaleScoresError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators import netskope as module
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from tests.integration.conftest import NOW
from tests.integration.judging_support import DAY, Task, context

MIDNIGHT = NOW.replace(hour=0)


@pytest.fixture
def tenant(netskope) -> Any:
    """A tenant of just 60 users, whose last score is of two days before MIDNIGHT."""
    for name in list(netskope.netskope.names()):
        netskope.netskope.remove_user(name)
    for number in range(60):
        name = f"n{number}@new.example"
        netskope.netskope.add_user(name)
        for day in (2, 3, 4):
            netskope.netskope.set_score(name, MIDNIGHT - day * DAY, 900)
    return netskope


def fetch(as_of: datetime = MIDNIGHT, **arguments: Any) -> list[dict[str, Any]]:
    operator = NetskopeFetchScoresOperator(task_id="fetch", **arguments)
    task = Task("fetch", run_id=as_of.isoformat())
    rows: list[dict[str, Any]] = operator.execute(context(as_of, task=task))  # type: ignore[arg-type]
    return rows


def warnings(as_of: datetime = MIDNIGHT) -> list[str]:
    """Return what the action log says of the task of a run."""
    log = open_action_log()
    try:
        with log.database.reading() as connection:
            (task,) = find_tasks(connection, Filter(run_id=as_of.isoformat()), dag_ids=["dag"])
    finally:
        log.close()
    return list(task.warnings)


def test_yesterdays_scores_are_fresh(tenant):
    assert len(fetch(MIDNIGHT - DAY)) == 60
    assert warnings(MIDNIGHT - DAY) == []
    # Nor do they get old during the day that follows.
    assert fetch(MIDNIGHT - timedelta(minutes=1))
    assert warnings(MIDNIGHT - timedelta(minutes=1)) == []


def test_the_first_day_without_a_score_is_a_warning_and_the_old_ones_are_carried(tenant):
    assert {row["score"] for row in fetch()} == {900}
    (warning,) = warnings()
    assert warning == (
        "netskope_default sends no new scores: the newest one is of 2026-11-21 (UTC), 48 hours old."
    )


def test_one_user_with_a_new_score_is_enough_when_few_are_missing(tenant):
    for number in range(35):
        tenant.netskope.set_score(f"n{number}@new.example", MIDNIGHT - DAY, 900)
    fetch(MIDNIGHT - DAY)
    # 25 users fewer are no outage, but 35 of 60 are under 80 %.
    assert len(fetch()) == 60
    assert warnings() == ["netskope_default returned 35 users with a fresh score, 60 the last time."]
    assert len(fetch(min_source_percent=50)) == 60


def test_scores_that_are_carried_over_hide_no_outage(tenant):
    fetch(MIDNIGHT - DAY)
    for number in range(30):
        tenant.netskope.set_score(f"n{number}@new.example", MIDNIGHT - DAY, 900)
    with pytest.raises(SourceOutageError, match="30 users with a fresh score, 60 the last time"):
        fetch()
    assert len(fetch(max_score_age="3d")) == 60


def test_no_new_score_can_be_a_failure_and_is_one_after_three_days(tenant):
    with pytest.raises(StaleScoresError, match="netskope_default sends no new scores"):
        fetch(stale_scores="fail")
    assert len(fetch(MIDNIGHT + DAY, carry_days=30)) == 60
    with pytest.raises(StaleScoresError, match="96 hours old"):
        fetch(MIDNIGHT + 2 * DAY)
    assert len(fetch(MIDNIGHT + 2 * DAY, stale_limit="5d")) == 60
    assert len(fetch(MIDNIGHT + 2 * DAY, stale_limit=None)) == 60


def test_the_bound_can_be_chosen(tenant):
    fetch(max_score_age="48h")
    assert warnings() == []
    with pytest.raises(StaleScoresError):
        fetch(max_score_age="47h", stale_scores="fail")
    assert fetch(max_score_age="", stale_scores="fail")


def test_a_reading_without_new_scores_is_not_what_the_next_one_is_compared_with(tenant):
    fetch(MIDNIGHT - DAY)
    fetch()
    for number in range(30):
        tenant.netskope.set_score(f"n{number}@new.example", MIDNIGHT, 900)
    with pytest.raises(SourceOutageError, match="30 users with a fresh score, 60 the last time"):
        fetch(MIDNIGHT + DAY)


def test_chosen_users_without_a_new_score_are_no_sign_of_anything(tenant):
    assert len(fetch(users=["n1@new.example"], stale_scores="fail")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stale_scores": "ignore"}, "stale_scores is 'ignore'"),
        ({"max_score_age": "long"}, "max_score_age is 'long'"),
        ({"stale_limit": "3"}, "stale_limit is '3'"),
        ({"settle_after": "soon"}, "settle_after is 'soon'"),
    ],
)
def test_a_wrong_argument_fails_before_the_first_call(tenant, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        fetch(**arguments)
    assert tenant.requests_to("netskope") == []


# --- scores that may still change


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the time that the task runs at."""
    return lambda now: monkeypatch.setattr(module, "utc_now", lambda: now)


def fresh(tenant: Any) -> None:
    for name in tenant.netskope.names():
        tenant.netskope.set_score(name, MIDNIGHT - DAY, 800)


def test_shortly_after_midnight_a_deferrable_task_waits_without_a_worker(tenant, at):
    fresh(tenant)
    at(MIDNIGHT + timedelta(seconds=5))
    with pytest.raises(TaskDeferred) as deferred:
        fetch(deferrable=True)
    assert tenant.requests_to("netskope") == []
    trigger = deferred.value.trigger
    assert trigger.moment == MIDNIGHT + timedelta(minutes=30)
    at(MIDNIGHT + timedelta(minutes=30))
    operator = NetskopeFetchScoresOperator(task_id="fetch", deferrable=True)
    method = getattr(operator, deferred.value.method_name)
    rows = method(context(MIDNIGHT, task=Task("fetch")), event=None)
    assert {(row["score"], row.get("provisional", False)) for row in rows} == {(800, False)}


def test_a_task_that_does_not_wait_says_so_and_marks_the_rows(tenant, at):
    fresh(tenant)
    at(MIDNIGHT + timedelta(minutes=29))
    assert {(row["score"], row.get("provisional", False)) for row in fetch()} == {(800, True)}
    (warning,) = warnings()
    assert "2026-11-23 00:30 UTC" in warning
    assert "did not wait" in warning


@pytest.mark.parametrize(
    ("now", "as_of", "settle_after"),
    [
        pytest.param(timedelta(minutes=30), timedelta(0), "30m", id="settled"),
        pytest.param(timedelta(minutes=29), timedelta(0), "", id="switched-off"),
        pytest.param(timedelta(minutes=10), timedelta(0), "10m", id="another-time"),
        pytest.param(timedelta(hours=3), timedelta(days=-1), "30m", id="a-backfill"),
    ],
)
def test_what_is_final_is_not_waited_for(tenant, at, now, as_of, settle_after):
    fresh(tenant)
    at(MIDNIGHT + now)
    rows = fetch(MIDNIGHT + as_of, settle_after=settle_after, deferrable=True)
    assert {row.get("provisional", False) for row in rows} == {False}


def test_a_day_that_is_still_running_is_provisional_without_a_wait(tenant, at):
    fresh(tenant)
    for name in tenant.netskope.names():
        tenant.netskope.set_score(name, MIDNIGHT, 700)
    at(NOW)
    assert {(row["score"], row.get("provisional", False)) for row in fetch(NOW, deferrable=True)} == {
        (700, True)
    }
