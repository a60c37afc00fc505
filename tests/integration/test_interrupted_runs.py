"""Runs that were stopped in the middle, and what the runs after them make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.errors import LockedError
from tests.integration.repeating import ADD, PUSH, REMOVE, World, day, world_of

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

HIGH, MEDIUM, LOW = 100, 650, 900


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKeyPair) -> Iterator[World]:
    with world_of(signing_key, f"sqlite:///{tmp_path_factory.mktemp('log')}/log.db") as world:
        yield world


@pytest.fixture
def world(one_world: World) -> World:
    """Two users, nothing known of them."""
    one_world.reset()
    for name in ("ann", "bob"):
        one_world.user(name)
    return one_world


def steps_of(world: World, *args: Any, **arguments: Any) -> int:
    """Return how many steps a task takes when nothing stops it."""
    world.run(*args, kill_after=10_000, **arguments)
    left = world.steps_left
    assert left is not None
    return 10_000 - left


def levels(world: World, name: str = "ann") -> list[str]:
    return [level for _, _, level in world.accepted(name)]


# --- risk signals


def delivered_and_not_recorded(world: World, score: int, at: Any) -> None:
    """Kill a push after Okta has accepted the signal, before anybody has written that down."""
    before = len(world.accepted())
    for steps in range(30):
        assert world.run(PUSH, {"ann": score}, at, kill_after=steps) is None
        if len(world.accepted()) > before:
            return
    raise AssertionError("never accepted")


def test_a_level_that_okta_may_know_is_taken_back_when_it_is_over(world):
    world.run(PUSH, {"ann": LOW}, day(0))
    delivered_and_not_recorded(world, HIGH, day(1))
    world.run(PUSH, {"ann": LOW}, day(2))
    assert levels(world) == ["low", "high", "low"]
    previous = [one["event"]["previous_level"] for one in world.sandbox.okta.accepted_events]
    assert previous == ["none", "low", "high"]


def test_it_is_taken_back_also_by_the_same_run_when_its_rows_say_so_now(world):
    world.run(PUSH, {"ann": LOW}, day(0))
    delivered_and_not_recorded(world, HIGH, day(1))
    world.run(PUSH, {"ann": LOW}, day(1), try_number=2)
    assert levels(world)[-1] == "low"


def test_it_is_taken_back_also_of_whom_nothing_else_was_told(world):
    delivered_and_not_recorded(world, HIGH, day(1))
    world.run(PUSH, {"ann": LOW}, day(2), only_known=True)
    assert levels(world) == ["high", "low"]


def test_once_it_is_taken_back_there_is_nothing_left_to_say(world):
    world.run(PUSH, {"ann": LOW}, day(0))
    delivered_and_not_recorded(world, HIGH, day(1))
    world.run(PUSH, {"ann": LOW}, day(2))
    world.run(PUSH, {"ann": LOW}, day(3))
    assert levels(world) == ["low", "high", "low"]


@pytest.mark.parametrize("kind", ["lost_answer", "status"])
def test_a_failed_push_that_may_have_arrived_counts_like_one_whose_answer_is_not_known(world, kind):
    world.run(PUSH, {"ann": LOW}, day(0))
    path = "/security/api/v1/security-events"
    world.sandbox.fail_next(kind=kind, status=500, times=1, method="POST", path_prefix=path)
    world.run(PUSH, {"ann": HIGH}, day(1), fail_on="never")
    world.run(PUSH, {"ann": LOW}, day(2))
    assert levels(world)[-1] == "low"
    assert world.accepted("ann")[-1][1] == day(2)


def test_a_push_that_okta_refused_has_told_it_nothing(world):
    world.run(PUSH, {"ann": LOW}, day(0))
    path = "/security/api/v1/security-events"
    world.sandbox.fail_next(status=400, times=1, method="POST", path_prefix=path)
    world.run(PUSH, {"ann": HIGH}, day(1), fail_on="never")
    world.run(PUSH, {"ann": LOW}, day(2))
    assert levels(world) == ["low"]


def test_a_second_try_sends_the_same_bytes(world):
    delivered_and_not_recorded(world, HIGH, day(1))
    world.run(PUSH, {"ann": HIGH}, day(1), try_number=2)
    path = "/security/api/v1/security-events"
    bodies = [one.body for one in world.sandbox.requests_to("okta", "POST", path)]
    assert len(bodies) >= 2
    assert len(set(bodies)) == 1
    assert levels(world) == ["high"]
    assert [one.status for one in world.log(action=["push_risk"])] == ["done"]


def test_a_replay_that_stopped_before_the_newest_level_was_back_is_mended_by_the_next_run(world):
    world.run(PUSH, {"ann": LOW}, day(5))
    before = len(world.accepted())
    for steps in range(30):
        world.run(PUSH, {"ann": HIGH}, day(1), history="replay", kill_after=steps)
        if len(world.accepted()) > before:
            break
    assert levels(world) == ["low", "high"]
    world.run(PUSH, {"ann": LOW}, day(6))
    assert levels(world) == ["low", "high", "low"]


def test_a_replay_whose_second_signal_is_refused_is_mended_by_the_next_run(world):
    world.run(PUSH, {"ann": LOW}, day(5))
    path = "/security/api/v1/security-events"
    world.sandbox.fail_next(kind="slow", seconds=0, times=1, method="POST", path_prefix=path)
    world.sandbox.fail_next(status=400, times=1, method="POST", path_prefix=path)
    world.run(PUSH, {"ann": HIGH}, day(1), history="replay", fail_on="never")
    assert levels(world) == ["low", "high"]
    world.run(PUSH, {"ann": LOW}, day(6))
    assert levels(world)[-1] == "low"


def test_a_retried_replay_ends_at_the_newest_level_and_repeats_nothing(world):
    world.run(PUSH, {"ann": LOW}, day(5))
    for steps in range(40):
        if world.run(PUSH, {"ann": HIGH}, day(1), history="replay", kill_after=steps) is not None:
            break
    assert levels(world) == ["low", "high", "low"]
    world.run(PUSH, {"ann": HIGH}, day(1), history="replay")
    assert levels(world) == ["low", "high", "low"]


# --- groups


def member_and_not_recorded(world: World, action: str, score: int, at: Any) -> None:
    before = world.members
    for steps in range(30):
        assert world.run(action, {"ann": score}, at, kill_after=steps) is None
        if world.members != before:
            return
    raise AssertionError("never changed")


def test_an_addition_nobody_recorded_is_ours_and_is_released(world):
    member_and_not_recorded(world, ADD, HIGH, day(1))
    world.run(REMOVE, {"ann": LOW}, day(2))
    assert world.members == set()


def test_an_addition_nobody_recorded_is_ours_also_when_the_second_try_has_another_plan(world):
    member_and_not_recorded(world, ADD, HIGH, day(1))
    world.run(ADD, {"bob": HIGH}, day(1), try_number=2)
    assert world.members == {"ann", "bob"}
    entries = {one.user_name: (one.status, one.reason) for one in world.log(action=[ADD])}
    assert entries["ann@new.example"] == ("done", "recovered")


def test_an_addition_nobody_recorded_stays_known_when_the_user_is_excluded_then(world):
    member_and_not_recorded(world, ADD, HIGH, day(1))
    world.run(ADD, {"ann": HIGH}, day(1), try_number=2, exclude_users="ann@new.example")
    world.run(REMOVE, {"ann": LOW}, day(2))
    assert world.members == set()


def test_a_removal_nobody_recorded_is_over_so_whom_somebody_adds_then_is_not_ours(world):
    world.run(ADD, {"ann": HIGH}, day(1))
    member_and_not_recorded(world, REMOVE, LOW, day(2))
    world.run(REMOVE, {"ann": LOW}, day(2), try_number=2)
    entry = world.log(action=[REMOVE], status=["done"])
    assert [(one.user_name, one.reason) for one in entry] == [("ann@new.example", "recovered")]
    world.sandbox.okta.add_member(world.group(), world.ids["ann"])
    report = world.run(REMOVE, {"ann": LOW}, day(3))
    assert report is not None
    assert report["reasons"] == {"skipped:not_added_by_us": 1}


def test_an_addition_that_never_happened_is_not_ours(world):
    for steps in range(30):
        world.run(ADD, {"ann": HIGH}, day(1), kill_after=steps)
        if any(one.status == "started" for one in world.log()):
            break
    assert world.members == set()
    world.run(REMOVE, {"bob": LOW}, day(2))
    assert [one.reason for one in world.log(action=[ADD])] == ["interrupted"]
    world.sandbox.okta.add_member(world.group(), world.ids["ann"])
    world.run(REMOVE, {"ann": LOW}, day(3))
    assert world.members == {"ann"}


def test_an_addition_that_never_happened_happens_in_the_next_try(world):
    for steps in range(30):
        world.run(ADD, {"ann": HIGH}, day(1), kill_after=steps)
        if any(one.status == "started" for one in world.log()):
            break
    world.run(ADD, {"ann": HIGH}, day(1), try_number=2)
    assert world.members == {"ann"}
    assert [(one.status, one.try_number) for one in world.log()] == [("done", 2)]


# --- the order of runs


@pytest.mark.parametrize("has_group", [True, False])
def test_an_old_addition_does_not_undo_a_newer_release_that_found_nobody(world, has_group):
    if has_group:
        world.group()
    world.run(REMOVE, {"ann": LOW}, day(2))
    world.run(ADD, {"ann": HIGH, "bob": HIGH}, day(1))
    assert world.members == {"bob"}
    world.run(ADD, {"ann": HIGH}, day(0))
    assert world.members == {"bob"}


def test_a_release_from_one_missing_group_says_nothing_about_another(world):
    world.run(REMOVE, {"ann": LOW}, day(2), group_name="Another")
    world.run(ADD, {"ann": HIGH}, day(1), past_intervals="dry")
    assert world.members == {"ann"}


def test_a_user_of_two_names_is_one_user_in_the_order_of_runs(world):
    world.user("eve", email="eve.doe@corp.example")
    world.group()
    world.run(REMOVE, {"eve.doe@corp.example": LOW}, day(2))
    world.run(ADD, {"eve": HIGH}, day(1))
    assert world.members == set()
    world.run(PUSH, {"eve.doe@corp.example": LOW}, day(2))
    world.run(PUSH, {"eve": HIGH}, day(1))
    assert levels(world, "eve") == ["low"]


def test_two_sources_that_disagree_do_not_take_turns(world):
    def rows(at: Any) -> None:
        world.run(PUSH, {}, at, rows=[
            {"user": "ann@new.example", "score": 100, "risk_level": "high", "source": "one"},
            {"user": "ann@new.example", "score": 900, "risk_level": "low", "source": "two"},
        ])  # fmt: skip

    for number in range(3):
        rows(day(number))
    assert levels(world) == ["high"]


def test_two_names_of_one_user_in_one_run_do_not_take_turns(world):
    world.user("eve", email="eve.doe@corp.example")
    for number in range(3):
        world.run(PUSH, {"eve": HIGH, "eve.doe@corp.example": LOW}, day(number))
    assert levels(world, "eve") == ["high"]


# --- taking turns


def test_a_task_by_name_and_a_task_by_id_take_turns(world):
    log = world.open_log()
    group_id = world.group()
    turn = f"{world.sandbox.okta_url} group {group_id}"
    world.impatient = True
    try:
        with log.lock(turn), pytest.raises(LockedError, match="acting on"):
            world.run(ADD, {"ann": HIGH}, day(1))
        assert world.writes == []
    finally:
        world.impatient = False
    world.run(ADD, {"ann": HIGH}, day(1))
    assert world.members == {"ann"}
