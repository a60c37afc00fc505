"""Past days before, after and between the live run: the same end, and a log that tells each day."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.repeating import ADD, GROUP, PUSH, REMOVE, World, day, rows_of, world_of

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

LIVE = 8
# Up is safe: high to 500, in the group to 500, out of it above 600, medium to 750, low above.
WEEK: dict[str, tuple[int | None, ...]] = {
    "ann": (900, 100, 100, 650, 900, 450, 550, 900),
    "bob": (900, 900, 900, 900, 900, 900, 900, 100),
    "carl": (100, 100, 100, 100, 100, 100, 100, 100),
    "dora": (100, None, None, None, None, None, None, None),
    "eve": (None, 650, 550, 100, 550, 550, 550, 550),
    "fred": (100, 100, 900, 900, 100, 900, 550, 550),
}
ORDERS = {
    "before-the-live-run": (1, 2, 3, 4, 5, 6, 7, 8),
    "after-it": (8, 1, 2, 3, 4, 5, 6, 7),
    "after-it-backwards": (8, 7, 6, 5, 4, 3, 2, 1),
    "around-it": (1, 3, 8, 2, 7, 4, 6, 5),
    "twice": (8, 7, 6, 5, 4, 3, 2, 1, 1, 2, 3, 4, 5, 6, 7, 8),
}
AT_RISK, LEVELS = {"bob", "carl", "dora", "eve"}, {
    "ann": "low",
    "bob": "high",
    "carl": "high",
    "dora": "high",
    "eve": "medium",
    "fred": "medium",
}  # fmt: skip


@pytest.fixture(scope="module")
def one_world(shared_log_url: str, signing_key: SigningKeyPair) -> Iterator[World]:
    with world_of(signing_key, shared_log_url) as made:
        yield made


@pytest.fixture
def world(one_world: World) -> World:
    one_world.reset()
    for name in WEEK:
        one_world.user(name)
    return one_world


def scores(number: int) -> dict[str, int | None]:
    return {name: week[number - 1] for name, week in WEEK.items()}


def story(world: World, name: str, action: str) -> list[tuple[int, str, str]]:
    """Return day, status and reason of everything that the log says of a user."""
    found = world.log(user=f"{name}@new.example", action=[action])
    return [((one.as_of - day(0)).days, one.status, one.reason) for one in found]


def of(world: World, name: str) -> list[tuple[int, str]]:
    """Return day and level of the accepted signals of a user, the oldest acceptance first."""
    return [((moment - day(0)).days, level) for _, moment, level in world.accepted(name)]


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_whatever_the_order_of_the_days_the_end_is_the_same(world, order):
    for number in order:
        world.sync(scores(number), day(number))
    assert world.members == AT_RISK
    assert world.last_levels() == LEVELS


def test_the_log_tells_the_story_of_a_user_day_by_day(world):
    for number in ORDERS["before-the-live-run"]:
        world.sync(scores(number), day(number))
    assert story(world, "ann", ADD) == [
        (2, "done", ""),
        (3, "unchanged", "already_member"),
        (6, "done", ""),
    ]
    assert story(world, "ann", REMOVE) == [
        (1, "unchanged", "not_a_member"),
        (4, "done", ""),
        (5, "unchanged", "not_a_member"),
        (8, "done", ""),
    ]
    assert story(world, "ann", PUSH) == [
        (1, "done", ""),
        (2, "done", ""),
        (3, "unchanged", "same_level"),
        (4, "done", ""),
        (5, "done", ""),
        (6, "done", ""),
        (7, "done", ""),
        (8, "done", ""),
    ]
    levels = [
        (one.previous_risk_level, one.risk_level) for one in world.log(action=[PUSH], user="ann@new.example")
    ]
    assert levels[:2] == [("none", "low"), ("low", "high")]
    assert levels[-1] == ("medium", "low")


def test_the_log_tells_that_late_days_were_overtaken(world):
    for number in ORDERS["after-it-backwards"]:
        world.sync(scores(number), day(number))
    assert of(world, "ann") == [(8, "low")]
    assert story(world, "ann", PUSH) == [
        *((number, "skipped", "superseded") for number in range(1, 8)),
        (8, "done", ""),
    ]
    assert story(world, "ann", ADD) == [(number, "skipped", "superseded") for number in (2, 3, 6)]
    assert world.members == AT_RISK


@pytest.mark.parametrize("run_type", ["backfill", "scheduled"])
def test_the_group_is_left_as_it_is_in_the_past_unless_told_otherwise(world, run_type):
    world.run(ADD, {"ann": 100}, day(8))
    report = world.run(ADD, {"bob": 100}, day(3), past_intervals="dry", run_type=run_type)
    assert report is not None
    assert report["reasons"] == {"planned:past_interval": 1}
    assert world.members == {"ann"}


# --- replay and record


def test_a_replay_tells_each_past_change_with_its_own_time_and_ends_at_the_newest(world):
    world.run(PUSH, {"ann": 900}, day(8))
    for number in range(1, 8):
        world.run(PUSH, {"ann": scores(number)["ann"]}, day(number), history="replay")
    told = of(world, "ann")
    # After each old change the newest level follows, so Okta never stays at an old one.
    past = [(number, level) for number, level in told if number != LIVE]
    assert past == [(1, "low"), (2, "high"), (4, "medium"), (5, "low"), (6, "high"), (7, "medium")]
    assert told[-1] == (8, "low")
    for one, then in itertools.pairwise(told):
        assert one[0] == LIVE or one[1] == "low" or then == (LIVE, "low")
    changes = [
        (one["event"]["previous_level"], one["event"]["current_level"])
        for one in world.sandbox.okta.accepted_events
        if one["event"]["event_timestamp"] < day(8).timestamp()
    ]
    assert [previous for previous, _ in changes] == ["none", *(level for _, level in changes[:-1])]


def test_a_repeated_replay_tells_nothing_new(world):
    def replay() -> None:
        for number in range(1, 8):
            world.run(PUSH, {"ann": scores(number)["ann"]}, day(number), history="replay")

    world.run(PUSH, {"ann": 900}, day(8))
    replay()
    before, calls = world.accepted_ids, pushes(world)
    replay()
    assert world.accepted_ids == before
    assert pushes(world) == calls


def pushes(world: World) -> int:
    return len(world.sandbox.requests_to("okta", "POST", "/security/api/v1/security-events"))


def test_a_replay_before_anything_newer_is_just_a_push(world):
    world.run(PUSH, {"ann": 100}, day(1), history="replay")
    assert of(world, "ann") == [(1, "high")]


@pytest.mark.parametrize("overtaken", [True, False])
def test_record_only_writes_the_log(world, overtaken):
    if overtaken:
        world.run(PUSH, {"ann": 900}, day(8))
    before = world.accepted_ids
    for number in range(1, 8):
        world.run(PUSH, {"ann": scores(number)["ann"]}, day(number), history="record")
    assert world.accepted_ids == before
    reasons = {reason for number, _, reason in story(world, "ann", PUSH) if number < LIVE}
    assert "record_only" in reasons
    world.run(PUSH, {"ann": 100}, day(9))
    assert of(world, "ann")[-1] == (9, "high")


# --- several runs a day


NINE, TEN, ELEVEN = day(1, 9), day(1, 10), day(1, 11)


def test_three_changes_in_a_day_are_three_signals_each_once(world):
    for moment, score in ((NINE, 900), (TEN, 100), (ELEVEN, 900)):
        world.run(PUSH, {"ann": score}, moment)
    assert [level for _, _, level in world.accepted("ann")] == ["low", "high", "low"]
    previous = [one["event"]["previous_level"] for one in world.sandbox.okta.accepted_events]
    assert previous == ["none", "low", "high"]


def test_they_stay_three_when_runs_are_cleared_in_between(world):
    moments: tuple[tuple[datetime, int], ...] = ((NINE, 900), (TEN, 100), (ELEVEN, 900))
    for number, (moment, score) in enumerate(moments):
        world.run(PUSH, {"ann": score}, moment)
        for earlier, old in moments[: number + 1]:
            world.run(PUSH, {"ann": old}, earlier, try_number=2)
    assert [moment for _, moment, _ in world.accepted("ann")] == [NINE, TEN, ELEVEN]


def test_they_stay_three_wherever_the_second_one_is_killed(world):
    steps = 0
    while True:
        one_case(world)
        world.run(PUSH, {"ann": 900}, NINE)
        survived = world.run(PUSH, {"ann": 100}, TEN, kill_after=steps) is not None
        world.run(PUSH, {"ann": 100}, TEN, try_number=2)
        world.run(PUSH, {"ann": 900}, ELEVEN)
        assert [moment for _, moment, _ in world.accepted("ann")] == [NINE, TEN, ELEVEN], steps
        if survived:
            break
        steps += 1
    assert steps > 5


@pytest.mark.parametrize("retried", [True, False])
def test_a_second_one_that_is_killed_and_retried_too_late_does_not_come_last(world, retried):
    steps = 0
    while True:
        one_case(world)
        world.run(PUSH, {"ann": 900}, NINE)
        survived = world.run(PUSH, {"ann": 100}, TEN, kill_after=steps) is not None
        world.run(PUSH, {"ann": 900}, ELEVEN)
        if retried:
            world.run(PUSH, {"ann": 100}, TEN, try_number=2)
        assert world.last_levels() == {"ann": "low"}, steps
        if survived:
            break
        steps += 1


def one_case(world: World) -> None:
    world.reset()
    world.user("ann")


# --- what else the past can hold


def test_rows_that_speak_for_their_own_moments_are_ordered_by_them(world):
    def push(rows: list[tuple[str, int, int]]) -> None:
        said = [
            {**rows_of({name: score})[0], "as_of": day(number).isoformat()} for name, score, number in rows
        ]
        world.run(PUSH, {}, day(9), rows=json.loads(json.dumps(said)))

    push([("ann", 100, 5), ("bob", 100, 2)])
    push([("ann", 900, 3), ("bob", 900, 4)])
    assert of(world, "ann") == [(5, "high")]
    assert of(world, "bob") == [(2, "high"), (4, "low")]


def test_members_from_before_the_log_existed_are_not_ours(world):
    world.sandbox.okta.add_member(world.group(), world.ids["ann"])
    world.run(ADD, {"ann": 100}, day(1))
    world.run(REMOVE, {"ann": 900}, day(2))
    assert world.members == {"ann"}
    world.run(REMOVE, {"ann": 900}, day(3), only_added_by_us=False)
    assert world.members == set()


def test_a_group_that_is_made_anew_under_its_name_begins_anew(world):
    world.run(ADD, {"ann": 100, "bob": 100}, day(1))
    old = world.group()
    okta: Any = world.sandbox.okta
    okta.group(old).name = "Retired"
    okta.add_group(GROUP)
    world.run(ADD, {"ann": 100}, day(2))
    assert world.group() != old
    assert world.members == {"ann"}
    world.run(REMOVE, {"ann": 900, "bob": 900}, day(3))
    assert world.members == set()
    assert okta.members(old) == {world.ids["ann"], world.ids["bob"]}


def test_whoever_is_deprovisioned_while_he_is_in_the_group_is_left_alone(world):
    world.run(ADD, {"ann": 100, "bob": 100}, day(1))
    world.sandbox.okta.change_user(world.ids["ann"], status="DEPROVISIONED")
    report = world.run(REMOVE, {"ann": 900, "bob": 900}, day(2))
    assert report is not None
    assert report["counts"]["failed"] == 0
    assert world.members == set()


def test_a_row_for_a_later_time_does_not_make_its_own_run_one_of_the_past(world):
    """The retry of a run whose rows are for several times carries out what is left."""
    later = (day(1) + timedelta(minutes=1)).isoformat()
    some = [{"user": f"{name}@new.example", "score": 100, "as_of": later} for name in ("ann", "bob")]
    world.run(ADD, {}, day(1), past_intervals="dry", rows=some[:1])
    report = world.run(ADD, {}, day(1), past_intervals="dry", rows=some, try_number=2)
    assert report["counts"]["done"] == 1
    assert world.members == {"ann", "bob"}
    # Another run of the same task for an earlier time is one of the past, and says so.
    other = world.run(ADD, {"carl": 100}, day(0), past_intervals="dry")
    assert other["reasons"] == {"planned:past_interval": 1}
    assert "has decided for a later time already" in other["warnings"][0]
