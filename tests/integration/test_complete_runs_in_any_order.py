"""
Complete runs in any order, any number of times: an older one never overrides a newer one.

Of a later run that read its whole source, nobody has a row who was neither at risk nor tracked. A plain model
says what is to come out: a run that a later one has overtaken changes nothing, and every other run does to
each user what the user's score says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.action_log.tasks import TaskSummary
from tests.integration.repeating import World, at_risk, day, known, level_of, recovered, world_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.keys import SigningKeyPair

NAMES = ("ann", "bob", "carl")
MOMENTS = tuple(day(number) for number in range(1, 5))
# Each score is in another band: high, medium but in nobody's rule, medium and recovered, low.
SCORES = st.sampled_from([None, 100, 450, 550, 650, 900])
HISTORY = st.tuples(*(st.tuples(*(SCORES for _ in NAMES)) for _ in MOMENTS))
RUNS = st.lists(st.integers(min_value=0, max_value=len(MOMENTS) - 1), min_size=1, max_size=6)


class Model:
    """
    Who is in the group and which levels were told, by what complete runs say.

    ``concerned`` are those who were in the group because of us or were told a level above low.
    """

    def __init__(self) -> None:
        self.newest = -1
        self.members: set[str] = set()
        self.told: dict[str, list[str]] = {}
        self.concerned: set[str] = set()

    def run(self, number: int, scores: dict[str, int | None]) -> None:
        if number < self.newest:
            return
        self.newest = number
        self.members |= set(at_risk(scores))
        self.members -= set(recovered(scores))
        for name, score in known(scores).items():
            levels, level = self.told.setdefault(name, []), level_of(score or 0)
            if not levels or levels[-1] != level:
                levels.append(level)
        self.concerned |= self.members | {name for name, levels in self.told.items() if set(levels) - {"low"}}


def read_whole(world: World, number: int) -> None:
    """Let the run of a moment have read its whole source."""
    world.open_log().record_task(
        TaskSummary(
            dag_id="sync",
            run_id=f"scheduled__{MOMENTS[number].isoformat()}",
            task_id="fetch_scores",
            as_of=MOMENTS[number],
            org="https://tenant.example",
            action="fetch_scores",
            ended_at=MOMENTS[number],
            seconds=1.0,
            calls={},
            is_complete=True,
            source="netskope_default",
        )
    )


def test_a_complete_run_is_never_overridden_by_an_older_one(
    tmp_path: Path, signing_key: SigningKeyPair
) -> None:
    with world_of(signing_key, f"sqlite:///{tmp_path}/complete.db") as world:

        @settings(
            max_examples=30,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(history=HISTORY, runs=RUNS)
        def check(history: Sequence[Sequence[int | None]], runs: Sequence[int]) -> None:
            world.reset()
            for name in NAMES:
                world.user(name)
            model = Model()
            for number in runs:
                scores = dict(zip(NAMES, history[number], strict=True))
                read_whole(world, number)
                world.sync(scores, MOMENTS[number])
                model.run(number, scores)
                assert world.members == model.members, f"runs {runs} of {history}"
            for name in NAMES:
                assert [level for _, _, level in world.accepted(name)] == model.told.get(name, [])
            # That nothing had to be done for somebody who is neither at risk nor tracked has no row.
            idle = [one for one in world.log() if one.reason in ("not_a_member", "never_told")]
            assert {one.user_name.partition("@")[0] for one in idle} <= model.concerned

        check()
