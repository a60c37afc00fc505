"""
Whatever is repeated, killed, mixed or late: the same end.

Random histories and random runs against a plain model, which knows nothing of how the operators work: of
each user, the newest decision that a finished run made for him holds.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integration.repeating import (
    ADD,
    PUSH,
    REMOVE,
    World,
    at_risk,
    day,
    known,
    level_of,
    recovered,
    world_of,
)

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair
    from tests.support.postgres import Server

MOMENTS = (day(1), day(2), day(2, 9), day(2, 10), day(2, 11), day(3))
# Each score is in another band: high, medium but in nobody's rule, medium and recovered, low.
SCORES = st.sampled_from([None, 100, 450, 550, 650, 900])
NAMES = ("ann", "bob", "carl", "eve")
EXCLUDED, THERE_BEFORE = "eve", "carl"
PARTS = {ADD: at_risk, REMOVE: recovered, PUSH: known}
TASKS = st.tuples(st.sampled_from(tuple(PARTS)), st.sampled_from(MOMENTS))
STEPS = st.integers(min_value=0, max_value=16)

Task = tuple[str, datetime]


class Runs(RuleBasedStateMachine):
    """
    A few users over a few moments, whose runs come in any order, any number of times, in part or not at all.

    :param world: where it happens.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.finished: set[Task] = set()
        self.tried: set[Task] = set()
        self.was_killed = False

    @initialize(
        history=st.tuples(*(st.tuples(*(SCORES for _ in NAMES)) for _ in MOMENTS)),
        has_group=st.booleans(),
    )
    def begin(self, history: tuple[tuple[int | None, ...], ...], has_group: bool) -> None:
        self.world.reset()
        self.history = {
            moment: dict(zip(NAMES, scores, strict=True))
            for moment, scores in zip(MOMENTS, history, strict=True)
        }
        for name in NAMES:
            self.world.user(name)
        self.there_before = {THERE_BEFORE} if has_group else set()
        for name in self.there_before:
            self.world.sandbox.okta.add_member(self.world.group(), self.world.ids[name])

    # --- what can happen

    @rule(task=TASKS)
    def a_run(self, task: Task) -> None:
        self._run(task)

    @rule(task=TASKS, steps=STEPS)
    def a_run_that_is_killed_and_tried_again(self, task: Task, steps: int) -> None:
        if not self._run(task, kill_after=steps):
            self._run(task, try_number=2)

    @rule(task=TASKS, steps=STEPS)
    def a_run_that_is_killed_and_left_alone(self, task: Task, steps: int) -> None:
        self._run(task, kill_after=steps)

    @rule(tasks=st.lists(TASKS, min_size=2, max_size=3))
    def several_at_once(self, tasks: list[Task]) -> None:
        with ThreadPoolExecutor(len(tasks)) as pool:
            assert all(pool.map(self._run, tasks))

    @precondition(lambda self: self.finished)
    @rule(data=st.data())
    def a_finished_run_is_cleared(self, data: Any) -> None:
        task = data.draw(st.sampled_from(sorted(self.finished)))
        before = (self.world.members, self.world.accepted_ids)
        assert self._run(task)
        # A run that was killed and left alone may have left this one something to finish.
        if not self.was_killed:
            assert (self.world.members, self.world.accepted_ids) == before

    def _run(self, task: Task, **arguments: Any) -> bool:
        action, moment = task
        self.tried.add(task)
        scores = PARTS[action](self.history[moment])
        excluded = [f"{EXCLUDED}@new.example"]
        report = self.world.run(action, scores, moment, exclude_users=excluded, **arguments)
        self.was_killed = self.was_killed or report is None
        if report is None:
            return False
        self.finished.add(task)
        return True

    # --- what is expected

    def teardown(self) -> None:
        if not hasattr(self, "history"):
            return
        self._check_membership()
        self._check_signals()
        self._check_log()

    def _check_membership(self) -> None:
        expected, open_to_doubt = set(self.there_before), set[str]()
        for name in set(NAMES) - self.there_before - {EXCLUDED}:
            newest = self._newest(name, (ADD, REMOVE))
            if newest is None:
                continue
            if newest not in self.finished:
                open_to_doubt.add(name)
            elif newest[0] == ADD:
                expected.add(name)
        assert self.world.members - open_to_doubt == expected - open_to_doubt
        assert not any(self.world.ids[EXCLUDED] in path for _, path in self.world.writes)

    def _check_signals(self) -> None:
        accepted = self.world.accepted()
        assert max(Counter((name, moment) for name, moment, _ in accepted).values(), default=1) == 1
        levels = self.world.last_levels()
        assert EXCLUDED not in levels
        for name in set(NAMES) - {EXCLUDED}:
            newest = self._newest(name, (PUSH,))
            if newest is None:
                assert name not in levels
            elif newest in self.finished:
                score = self.history[newest[1]][name]
                assert score is not None
                assert levels[name] == level_of(score)
            moments = [moment for _, moment, _ in self.world.accepted(name)]
            assert moments == sorted(moments), "an old change came after a newer one"
            told = [level for _, _, level in self.world.accepted(name)]
            if not self.was_killed:
                assert all(one != then for one, then in itertools.pairwise(told))

    def _check_log(self) -> None:
        entries = self.world.log()
        done = {one.jti for one in entries if one.action == PUSH and one.status == "done"}
        maybe = {one.user_name for one in entries if one.action == PUSH and one.status == "started"}
        names = {user_id: name for name, user_id in self.world.ids.items()}
        for one in self.world.sandbox.okta.accepted_events:
            if one["claims"]["jti"] not in done:
                assert f"{names[one['user_id']]}@new.example" in maybe
        assert done <= set(self.world.accepted_ids)
        assert all(one.status != "started" for one in entries) or self.was_killed
        written = {(one.action, one.as_of, one.user_name.partition("@")[0]) for one in entries}
        for action, moment in self.finished:
            for name in PARTS[action](self.history[moment]):
                assert (action, moment, name) in written

    def _newest(self, name: str, actions: tuple[str, ...]) -> Task | None:
        """Return the task that speaks for the newest moment among those that say something about a user."""
        about = [
            task
            for task in self.tried
            if task[0] in actions and name in PARTS[task[0]](self.history[task[1]])
        ]
        return max(about, key=lambda task: task[1], default=None)


def check(world: World, cases: int) -> None:
    # It wants a class, and takes whatever makes a machine.
    run_state_machine_as_test(
        cast("Any", lambda: Runs(world)),
        settings=settings(
            max_examples=cases,
            stateful_step_count=7,
            deadline=None,
            database=None,
            # The same cases every time, unless somebody looks for more.
            derandomize="OKTA_URE_RANDOM" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_order_any_number_of_times_any_death_gives_the_same_end(
    tmp_path: Path, signing_key: SigningKeyPair
) -> None:
    with world_of(signing_key, f"sqlite:///{tmp_path}/random.db") as world:
        check(world, int(os.environ.get("OKTA_URE_CASES", "220")))


def test_so_it_is_with_the_log_on_a_server(postgres: Server, signing_key: SigningKeyPair) -> None:
    with world_of(signing_key, postgres.new_database()) as world:
        check(world, 40)
