"""What the records of tasks say: which runs were complete, and about whom there are no rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.action_log import overview, silent_users
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import Silent, TaskSummary, find_tasks

ORG, TENANT, GROUP = "https://acme.okta.com", "https://acme.goskope.com", "00gRISK"
DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
NO_PATIENCE = Waiting(seconds=0)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, NO_PATIENCE)
    yield opened
    opened.close()


def record(at: int, **more: Any) -> TaskSummary:
    fields: dict[str, Any] = {
        "dag_id": "sync",
        "run_id": f"run-{at}",
        "task_id": "add",
        "as_of": day(at),
        "org": ORG,
        "action": "add_to_group",
        "target": GROUP,
        "ended_at": day(at),
        "seconds": 1.0,
        "calls": {},
        "is_complete": True,
    }
    return TaskSummary(**{**fields, **more})


def fetched(**more: Any) -> TaskSummary:
    fields = {"task_id": "fetch", "action": "fetch_scores", "org": TENANT, "target": "", "source": "netskope"}
    return record(1, **{**fields, **more})


def later(log: ActionLog, after: int = 1, **more: Any) -> datetime | None:
    asked: dict[str, Any] = {
        "org": ORG,
        "action": "add_to_group",
        "targets": [GROUP, "name:at risk"],
        "dag_id": "sync",
        "task_id": "add",
        "after": day(after),
        "not_by_run": "mine",
    }
    return log.later_complete_run(**{**asked, **more})


# --- later complete runs


def test_the_newest_later_complete_run_of_the_same_task_on_the_same_target(log: ActionLog) -> None:
    assert later(log) is None
    log.record_task(record(2))
    log.record_task(record(4, target="name:at risk"))
    log.record_task(record(5, is_complete=False))
    assert later(log) == day(4)
    assert later(log, after=3) == day(4)
    assert later(log, after=4) is None
    others: list[dict[str, Any]] = [
        {"org": "https://other.okta.com"},
        {"action": "remove_from_group"},
        {"targets": ["00gOTHER"]},
        {"dag_id": "other"},
        {"task_id": "other"},
    ]
    for other in others:
        assert later(log, **other) is None, other
    assert later(log, not_by_run="run-4") == day(2)


def test_a_mapped_task_is_complete_when_all_its_parts_are(log: ActionLog) -> None:
    log.record_task(record(2))
    log.record_task(record(3, map_index=0, parts=2))
    assert later(log) == day(2)
    log.record_task(record(3, map_index=1, parts=2, is_complete=False))
    assert later(log) == day(2)
    log.record_task(record(3, map_index=1, parts=2))
    assert later(log) == day(3)
    # Cleared, and mapped to three parts now: until all have ended, it is not known.
    log.record_task(record(3, map_index=2, parts=3, ended_at=day(9)))
    assert later(log) == day(3)
    log.record_task(record(6, map_index=2, parts=3))
    assert later(log) == day(3)


def test_a_try_that_was_ended_early_takes_nothing_back(log: ActionLog) -> None:
    silent = (Silent(status="unchanged", users=7),)
    log.record_task(record(2, silent=silent, counts={"unchanged": 7}))
    log.record_task(record(2, is_complete=False, target="", seconds=3.0, try_number=2))
    assert later(log) == day(2)
    with log.database.reading() as connection:
        (found,) = find_tasks(connection, Filter(), dag_ids=["sync"])
    assert (found.silent, found.counts, found.seconds) == (silent, {"unchanged": 7}, 3.0)


# --- fetches


def whole(log: ActionLog, *sources: str) -> bool:
    return log.read_whole(dag_id="sync", run_id="run-1", sources=sources)


def test_a_run_whose_fetches_read_their_sources_whole(log: ActionLog) -> None:
    assert not whole(log)
    log.record_task(record(1))
    assert not whole(log)
    log.record_task(fetched())
    assert whole(log)
    assert whole(log, "netskope")
    assert not whole(log, "netskope", "elsewhere")
    log.record_task(fetched(task_id="fetch_eu", source="elsewhere", map_index=0, parts=2))
    assert not whole(log, "netskope")
    log.record_task(fetched(task_id="fetch_eu", source="elsewhere", map_index=1, parts=2))
    assert whole(log, "netskope", "elsewhere")
    # A fetch is read again when it is tried again.
    log.record_task(fetched(is_complete=False))
    assert not whole(log, "netskope")


# --- numbers of users without rows


def levels(log: ActionLog, **more: Any) -> dict[datetime, tuple[int, ...]]:
    with log.database.reading() as connection:
        found = overview.levels(connection, Filter(dag_ids=["sync", "other"], **more))
    return {one.as_of: (one.high, one.medium, one.low, one.none) for one in found}


def entry(user: str, at: int, **more: Any) -> Entry:
    fields: dict[str, Any] = {
        "org": ORG,
        "action": "add_to_group",
        "target": GROUP,
        "user_key": user,
        "user_name": user,
        "as_of": day(at),
        "started_at": day(at),
        "recorded_at": day(at),
        "status": "done",
        "risk_level": "high",
        "dag_id": "sync",
        "run_id": f"run-{at}",
        "task_id": "add",
    }
    return Entry(**{**fields, **more})


def silent(users: int, level: str = "low", reason: str = "") -> Silent:
    return Silent(status="unchanged", reason=reason, risk_level=level, users=users)


def test_everybody_is_in_the_chart_of_levels_once(log: ActionLog) -> None:
    log.finish([entry("ann", 1), entry("ben", 2)])
    log.record_task(fetched(silent=(silent(90, "low", "not_kept"), silent(4, "none", "not_kept"))))
    log.record_task(record(1, silent=(silent(5),)))
    # The same five people, of whom this task knew no level.
    log.record_task(record(1, task_id="remove", action="remove_from_group", silent=(silent(5, ""),)))
    for is_counted in (False, True):
        if is_counted:
            log.summarise()
        assert levels(log) == {day(1): (1, 0, 95, 4), day(2): (1, 0, 0, 0)}
        assert levels(log, run_id="run-2") == {day(2): (1, 0, 0, 0)}
    # Another DAG that reads the same source for the same time has read the same people.
    log.record_task(fetched(dag_id="other", silent=(silent(94, "low", "not_kept"),)))
    assert levels(log)[day(1)] == (1, 0, 95, 4)


def test_parts_of_a_task_add_up(log: ActionLog) -> None:
    log.record_task(record(1, map_index=0, parts=2, silent=(silent(5),)))
    log.record_task(record(1, map_index=1, parts=2, silent=(silent(6),)))
    assert levels(log) == {day(1): (0, 0, 11, 0)}


def test_users_without_rows_count_in_their_run(log: ActionLog) -> None:
    log.finish([entry("ann", 1), entry("ben", 1, status="unchanged")])
    log.record_task(record(1, silent=(silent(40), silent(2, "none"))))
    log.record_task(fetched(silent=(silent(1000, "low", "not_kept"),)))
    log.record_task(record(2, silent=(silent(3),), org="https://other.okta.com"))
    with log.database.reading() as connection:
        wanted = Filter(dag_ids=["sync"])
        counts = {(one.run_id, one.status): one.entries for one in overview.run_counts(connection, wanted)}
        assert counts == {("run-1", "done"): 1, ("run-1", "unchanged"): 43, ("run-2", "unchanged"): 3}
        in_org = overview.run_counts(connection, Filter(dag_ids=["sync"], org=ORG))
        assert {one.run_id for one in in_org} == {"run-1"}
        hidden = overview.run_counts(connection, Filter(dag_ids=["other"]))
        assert hidden == []


@pytest.mark.parametrize(
    ("wanted", "users"),
    [
        ({}, 45),
        ({"status": ["unchanged"]}, 45),
        ({"status": ["done"]}, 0),
        ({"risk_level": ["none"]}, 2),
        ({"reason": ["same_level"]}, 3),
        ({"action": ["push_risk"]}, 3),
        ({"targets": [(ORG, GROUP)]}, 42),
        ({"targets": [(ORG, "00gOTHER")]}, 0),
        ({"run_id": "run-2"}, 3),
        ({"task_id": "add"}, 42),
        ({"since": day(2)}, 3),
        ({"until": day(2)}, 42),
        ({"org": "https://other.okta.com"}, 0),
        ({"user": "ann"}, 0),
        ({"user_key": "ann"}, 0),
        ({"user_keys": ["ann"]}, 0),
    ],
    ids=str,
)
def test_users_without_rows_match_a_filter(log: ActionLog, wanted: dict[str, Any], users: int) -> None:
    log.record_task(record(1, silent=(silent(40), silent(2, "none"))))
    push: dict[str, Any] = {"task_id": "push", "action": "push_risk", "target": "https://risk.corp.example"}
    log.record_task(record(2, **push, silent=(silent(3, "low", "same_level"),)))
    with log.database.reading() as connection:
        assert silent_users.count_silent(connection, Filter(dag_ids=["sync"], **wanted)) == users
        assert silent_users.count_silent(connection, Filter(dag_ids=["hidden"], **wanted)) == 0


def test_the_records_go_with_their_time(log: ActionLog) -> None:
    log.record_task(record(1, silent=(silent(40),)))
    log.record_task(record(5))
    log.prune(day(3))
    assert levels(log) == {}
    assert later(log, after=0) == day(5)


def test_the_last_complete_run_of_a_task_is_never_forgotten(log: ActionLog) -> None:
    log.record_task(record(1))
    log.record_task(record(2, map_index=0, parts=2))
    log.record_task(record(2, map_index=1, parts=2))
    log.record_task(record(3, is_complete=False))
    log.record_task(fetched())
    log.prune(day(9))
    assert later(log, after=0) == day(2)
    with log.database.reading() as connection:
        assert len(find_tasks(connection, Filter(), dag_ids=["sync"])) == 2
