"""Whatever the order of live run, backfill, clear and retry: whoever is at risk at the end has been told so."""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.errors import OktaUreError
from tests.integration.repeating import PUSH, World, at_risk, day, known, level_of, world_of

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

NAMES = ("ann", "bob")
LIVE = 3
SCORES = st.sampled_from([100, 450, 700, 900])
HISTORIES = st.tuples(*(st.tuples(*(SCORES for _ in NAMES)) for _ in range(LIVE + 1)))
# Which days run, in which order, some of them twice; whether Okta refuses signals at that time.
STEPS = st.lists(st.tuples(st.integers(0, LIVE), st.booleans()), max_size=5)
SIGNALS = "/security/api/v1/security-events"

History = tuple[tuple[int, ...], ...]
Step = tuple[int, bool]


def sync(world: World, history: History, number: int, *, refused: bool, try_number: int) -> None:
    """Run the two tasks of the example DAG that push, for one day; what fails, fails."""
    scores: dict[str, int | None] = dict(zip(NAMES, history[number], strict=True))
    improved = {name: score for name, score in known(scores).items() if name not in at_risk(scores)}
    if refused:
        world.sandbox.fail_next(service="okta", status=403, times=50, path_prefix=SIGNALS)
    run_type = "scheduled" if number == LIVE else "backfill"
    settings: Any = {"run_type": run_type, "try_number": try_number}
    for task_id, some in (("push", at_risk(scores)), ("improve", improved)):
        # What Okta refuses fails its task.
        failing = suppress(OktaUreError, AirflowFailException) if refused else nullcontext()
        with failing:
            world.run(PUSH, some, day(number), task_id=task_id, only_known=task_id == "improve", **settings)
    world.sandbox.clear_faults()


def end_of(world: World, history: History, steps: list[Step]) -> dict[str, str]:
    """Return what Okta knows of each user after these runs; nothing and low are the same to it."""
    world.reset()
    for name in NAMES:
        world.user(name)
    for index, (number, refused) in enumerate(steps):
        sync(world, history, number, refused=refused, try_number=index + 1)
    levels = world.last_levels()
    return {name: levels.get(name, "low") for name in NAMES}


def test_everybody_at_risk_has_been_told_in_the_end(tmp_path: Path, signing_key: SigningKeyPair) -> None:
    with world_of(signing_key, f"sqlite:///{tmp_path}/told.db") as world:

        @settings(
            max_examples=int(os.environ.get("OKTA_URE_CASES", "120")) // 4,
            deadline=None,
            database=None,
            derandomize="OKTA_URE_RANDOM" not in os.environ,
            suppress_health_check=list(HealthCheck),
        )
        @given(history=HISTORIES, before=STEPS, after=STEPS)
        def check(history: History, before: list[Step], after: list[Step]) -> None:
            # The live run comes through once; everything else can come before or after it, and fail.
            end = end_of(world, history, [*before, (LIVE, False), *after])
            for name, score in zip(NAMES, history[LIVE], strict=True):
                if score <= 500:
                    assert end[name] == level_of(score)

        check()


def test_all_orders_that_include_the_live_run_end_alike(tmp_path: Path, signing_key: SigningKeyPair) -> None:
    histories: list[History] = [
        ((900, 100), (100, 100), (100, 700), (100, 900)),
        ((100, 900), (900, 900), (450, 100), (900, 100)),
    ]
    with world_of(signing_key, f"sqlite:///{tmp_path}/orders.db") as world:
        for history in histories:
            ends = {
                tuple(sorted(end_of(world, history, [(number, False) for number in order]).items()))
                for order in permutations(range(LIVE + 1))
            }
            assert len(ends) == 1
