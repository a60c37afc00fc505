# SPDX-License-Identifier: Apache-2.0
"""Which runs were reverted, and which decisions count when a run is undone; in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.reverts import Revert
from airflow_provider_okta_ure.core.holding import OnBehalf

ORG = "https://acme.okta.com"
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, Waiting(seconds=0))
    yield opened
    opened.close()


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def entry(number: int, *, dag: str = "sync", run: str = "", **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": ORG,
        "action": "add_to_group",
        "target": "00g1",
        "user_key": "00uANN",
        "user_id": "00uANN",
        "as_of": day(number),
        "started_at": day(number),
        "recorded_at": day(number),
        "dag_id": dag,
        "run_id": run or f"day-{number}",
        "task_id": "act",
        "status": "done",
    }
    return Entry(**{**known, **fields})


def reverted(run: str, by: str, *, dag: str = "sync", at: int = 9, **fields: Any) -> Revert:
    return Revert(
        org=ORG,
        dag_id=dag,
        run_id=run,
        by_dag_id="revert",
        by_run_id=by,
        as_of=day(at),
        recorded_at=day(at),
        **fields,
    )


def later(log: ActionLog, run: str = "day-1") -> str:
    """Return the run whose decision stands in the way of undoing one; empty = none does."""
    found = log.decisions_since(
        org=ORG,
        doing=("add_to_group", "remove_from_group"),
        target="00g1",
        users=["00uANN"],
        after=day(1),
        dag_id="sync",
        undoing=("sync", run),
    )
    return found["00uANN"].run_id if found else ""


def test_a_reverted_run_is_known_until_the_revert_is_reverted(log: ActionLog) -> None:
    log.revert([reverted("day-1", "r1", asked_by="carol")])
    log.revert([reverted("day-1", "r1", asked_by="somebody else")])
    (found,) = log.reverts_of(dag_id="sync", run_id="day-1")
    assert (found.asked_by, found.is_whole) == ("carol", True)
    log.revert([reverted("r1", "r2", dag="revert")])
    assert log.reverts_of(dag_id="sync", run_id="day-1") == []
    log.revert([reverted("r2", "r3", dag="revert")])
    assert log.reverts_of(dag_id="sync", run_id="day-1") == [found]
    assert log.first_dag(dag_id="revert", run_id="r3") == "sync"
    assert log.first_dag(dag_id="sync", run_id="day-1") == "sync"


def test_reverts_in_a_circle_end(log: ActionLog) -> None:
    """Nobody writes such rows, and nobody may hang on them."""
    log.revert([reverted("r1", "r2", dag="revert"), reverted("r2", "r1", dag="revert")])
    assert log.reverts_of(dag_id="revert", run_id="r1") == log.reverts_of(dag_id="revert", run_id="r2")
    assert log.first_dag(dag_id="revert", run_id="r1") == "revert"


def test_what_a_later_run_decided_counts_until_it_is_reverted(log: ActionLog) -> None:
    log.finish([entry(1), entry(2, status="unchanged", reason="already_member")])
    assert later(log) == "day-2"
    log.revert([reverted("day-2", "r1", action="push_risk")])
    assert later(log) == "day-2"
    log.revert([reverted("day-2", "r2", user_key="00uBOB")])
    assert later(log) == "day-2"
    log.revert([reverted("day-2", "r3", action="add_to_group", user_key="00uANN")])
    assert later(log) == ""
    log.revert([reverted("r3", "r4", dag="revert")])
    assert later(log) == "day-2"


def test_what_the_revert_of_a_later_run_did_does_not_count_but_of_the_run_itself_does(log: ActionLog) -> None:
    log.finish([entry(1), entry(2, action="remove_from_group")])
    log.finish([entry(3, dag="revert", run="r1")])
    assert later(log) == "r1"
    log.revert([reverted("day-2", "r1")])
    assert later(log) == ""
    log.finish([entry(4, dag="revert", run="r2", action="remove_from_group")])
    log.revert([reverted("day-1", "r2")])
    assert later(log) == "r2"


def test_a_restored_claim_is_the_one_that_the_removal_ended(log: ActionLog) -> None:
    log.finish(
        [entry(1, expires_at=day(30)), entry(1, dag="wide", run="wide-1", as_of=day(1) + timedelta(1))]
    )
    log.finish([entry(5, action="remove_from_group")])
    log.finish([entry(6, dag="revert", run="r1")], OnBehalf(dag_id="sync", ended={"00uANN": day(5)}))
    holds = {one.dag_id: one for one in log.holds_on(org=ORG, target="00g1")["00uANN"]}
    assert holds.keys() == {"sync", "wide"}
    assert (holds["sync"].held, holds["sync"].as_of, holds["sync"].expires_at) == (True, day(6), day(30))
    log.finish([entry(7, dag="revert", run="r2", action="remove_from_group")], OnBehalf(dag_id="sync"))
    held = {one.dag_id: one.held for one in log.holds_on(org=ORG, target="00g1")["00uANN"]}
    assert held == {"sync": False, "wide": True}


def test_old_reverts_are_forgotten(log: ActionLog) -> None:
    log.revert([reverted("day-1", "r1", at=1), reverted("day-2", "r2", at=3)])
    log.prune(day(2))
    assert log.reverts_of(dag_id="sync", run_id="day-1") == []
    assert log.reverts_of(dag_id="sync", run_id="day-2")
