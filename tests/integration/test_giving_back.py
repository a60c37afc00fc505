"""A task that has to wait gives its worker slot back, and goes on where it stopped."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import find_tasks
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.errors import LockedError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators import actions
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaRemoveFromGroupOperator
from tests.integration.conftest import context_of
from tests.integration.exchange import rows_of
from tests.integration.judging_support import logged, people

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox import Sandbox

PEOPLE = 30
ADDITIONS_A_MINUTE = 20
"""Of which four fifths are ours, less the reads of the group that count, too."""


@pytest.fixture
def world(okta: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An org with a small limit; everybody tells the time by its clock, and waiting moves it."""
    for module in ("http", "oauth"):
        monkeypatch.setattr(
            f"airflow_provider_okta_ure.clients.{module}.Timing",
            lambda: Timing(
                now=okta.clock.timestamp, sleep=okta.clock.advance, monotonic=okta.clock.timestamp
            ),
        )
    people(okta, PEOPLE)
    okta.set_bucket("/api/v1/groups", ADDITIONS_A_MINUTE)
    return okta


def adding(**arguments: Any) -> OktaAddToGroupOperator:
    settings = {"group_name": "At risk", "create_group": True, "deferrable": True, **arguments}
    rows = rows_of({f"p{number}": 100 for number in range(PEOPLE)})
    return OktaAddToGroupOperator(task_id="add", rows=rows, max_change_percent=100, **settings)


def context(task_id: str = "add") -> Any:
    found = context_of()
    for name, value in {"dag_id": "sync", "run_id": "day-1", "task_id": task_id}.items():
        setattr(found["ti"], name, value)
    return found


def run_to_the_end(
    make: Callable[[], Any], world: Sandbox, *, between: Callable[[], object] = lambda: None
) -> tuple[Any, int]:
    """Run a task as Airflow with a triggerer does; return what it returns, and how often it was deferred."""
    at = context()
    ended = one_step(make(), at, None)
    for deferrals in range(20):
        if not isinstance(ended, TaskDeferred):
            return ended, deferrals
        trigger: Any = ended.trigger
        wait = trigger.moment - datetime.now(tz=timezone.utc)
        world.clock.advance(max(0.0, wait.total_seconds()) + 1)
        between()
        ended = one_step(make(), at, ended)
    raise AssertionError("the task does not come to its end")


def one_step(operator: Any, at: Any, deferred: TaskDeferred | None) -> Any:
    """Return what the task returns, or how it is deferred."""
    try:
        if deferred is None:
            return operator.execute(at)
        return operator.resume_execution(deferred.method_name, deferred.kwargs or {}, at)
    except TaskDeferred as again:
        return again


def members(world: Sandbox) -> set[str]:
    group = world.okta.find_group("At risk")
    return world.okta.members(group.id) if group else set()


def puts(world: Sandbox) -> int:
    return sum(one.method == "PUT" for one in world.requests)


def test_additions_beyond_the_limit_wait_without_a_worker_and_none_is_done_twice(world: Sandbox) -> None:
    _, deferrals = run_to_the_end(adding, world)
    assert deferrals >= 2
    assert len(members(world)) == PEOPLE
    assert puts(world) == PEOPLE
    assert not [one for one in world.requests if one.status == 429]


def test_the_report_at_the_end_is_about_the_whole(world: Sandbox) -> None:
    report, _ = run_to_the_end(adding, world)
    assert report["counts"]["done"] == PEOPLE
    assert report["reasons"] == {}
    assert {one.status for one in logged(action="add_to_group")} == {"done"}


def test_what_it_has_cost_is_recorded_for_the_whole(world: Sandbox) -> None:
    run_to_the_end(adding, world)
    log = open_action_log()
    with log.database.reading() as connection:
        [task] = find_tasks(connection, Filter(), dag_ids=["sync"])
    log.close()
    made = sum(one.bucket == "/api/v1/groups" for one in world.requests)
    assert task.calls["/api/v1/groups"].calls == made


def test_without_deferral_the_task_waits_on_its_worker(world: Sandbox) -> None:
    report, deferrals = run_to_the_end(lambda: adding(deferrable=False), world)
    assert (deferrals, report["counts"]["done"]) == (0, PEOPLE)


def test_the_limit_of_the_task_holds_for_the_whole(world: Sandbox) -> None:
    with pytest.raises(AirflowFailException, match=f"would change {PEOPLE} of"):
        run_to_the_end(lambda: adding(max_changes=PEOPLE - 1), world)
    assert members(world) == set()
    report, _ = run_to_the_end(lambda: adding(max_changes=PEOPLE), world)
    assert report["counts"]["done"] == PEOPLE


def test_what_changed_in_between_is_seen(world: Sandbox) -> None:
    """Somebody adds a user by hand while the task waits: they are found there, and not added again."""
    by_hand: list[str] = []

    def add_by_hand() -> None:
        group = world.okta.find_group("At risk")
        assert group is not None
        user = world.okta.find_user(f"p{PEOPLE - 1}@new.example")
        if not by_hand and user is not None:
            by_hand.append(user.id)
            world.okta.add_member(group.id, user.id)

    report, _ = run_to_the_end(adding, world, between=add_by_hand)
    assert report["reasons"].get("unchanged:already_member") == 1
    assert puts(world) == PEOPLE - 1


def test_the_lock_is_given_back_meanwhile(world: Sandbox) -> None:
    def take_lock() -> None:
        group = world.okta.find_group("At risk")
        assert group is not None
        log = open_action_log()
        org = log.known_org(world.okta_url)
        with log.lock(f"{org} group {group.id}", 0), log.lock(f"{org} group named at risk", 0):
            pass
        log.close()

    _, deferrals = run_to_the_end(adding, world, between=take_lock)
    assert deferrals >= 2


@pytest.fixture
def busy(world: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Another task acts on the group; nobody waits for it in place."""
    monkeypatch.setattr(actions, "LONGEST_IN_PLACE", 0.0)
    log = open_action_log()
    log.org_at(world.okta_url, lambda: "00o1")
    held = log.lock(f"{log.known_org(world.okta_url)} group named at risk")
    held.__enter__()
    yield lambda: held.__exit__(None, None, None)
    log.close()


def removing(**arguments: Any) -> OktaRemoveFromGroupOperator:
    settings = {"group_name": "At risk", "missing_group_ok": True, "deferrable": True, **arguments}
    return OktaRemoveFromGroupOperator(task_id="remove", rows=[], **settings)


def test_a_task_that_waits_for_another_one_gives_its_worker_back(world: Sandbox, busy: Any) -> None:
    with pytest.raises(TaskDeferred) as first:
        removing().execute(context("remove"))
    assert first.value.method_name == "resume"
    kwargs = first.value.kwargs or {}
    with pytest.raises(TaskDeferred) as second:
        removing().resume_execution("resume", kwargs, context("remove"))
    # It counts from the first time on.
    assert (second.value.kwargs or {})["waits_since"] == kwargs["waits_since"]
    busy()
    assert removing().resume_execution("resume", kwargs, context("remove"))["total"] == 0


def test_it_does_not_wait_for_ever(world: Sandbox, busy: Any) -> None:
    long_ago = datetime.now(tz=timezone.utc) - actions.LONGEST_FOR_LOCK - timedelta(seconds=1)
    with pytest.raises(LockedError):
        removing().resume_execution("resume", {"waits_since": long_ago.isoformat()}, context("remove"))
