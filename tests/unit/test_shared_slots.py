# SPDX-License-Identifier: Apache-2.0
"""A limit of a few requests a second, shared by all who use the same store."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.clients.limit_stores import PrivateStore
from airflow_provider_okta_ure.clients.per_second import PerSecond
from airflow_provider_okta_ure.clients.shared_slots import SharedSlots
from tests.unit.http_script import Clock

TENANT = "https://acme.goskope.com"


def _store(clock: Clock) -> PrivateStore:
    return PrivateStore(clock.timing.monotonic)


def test_who_shares_a_limit_takes_turns() -> None:
    """Two objects stand for two processes: all that they share is the store."""
    store = _store(Clock())
    one, other = SharedSlots(TENANT, store), SharedSlots(TENANT, store)
    assert [slots.take(5) for slots in (one, other, one, other)] == [0, 5, 10, 15]


def test_another_limit_has_turns_of_its_own() -> None:
    store = _store(Clock())
    SharedSlots(TENANT, store).take(5)
    assert SharedSlots("https://other.goskope.com", store).take(5) == 0


def test_after_a_pause_nothing_is_saved_up() -> None:
    clock = Clock()
    slots = SharedSlots(TENANT, _store(clock))
    slots.take(5)
    clock.passed += 60
    assert [slots.take(5), slots.take(5)] == [0, 5]


def test_a_turn_that_another_life_of_the_machine_left_is_not_waited_for() -> None:
    store = _store(Clock())
    SharedSlots(TENANT, store).take(1_000_000)
    assert SharedSlots(TENANT, store).take(1) == 0


def test_garbage_in_the_store_is_not_a_turn() -> None:
    store = _store(Clock())
    slots = SharedSlots(TENANT, store)
    store.change(f"turns of {TENANT}", lambda stored, now: (b"x" * 10, None))
    assert [slots.take(5), slots.take(5)] == [0, 5]


def test_a_refusal_slows_down_for_a_while() -> None:
    clock = Clock()
    turns = PerSecond(3, clock.timing, TENANT, _store(clock))
    for _ in range(3):
        turns.slow_down()
    turns.wait()
    assert turns.wait() == pytest.approx(1 / (3 * 0.343))
    clock.passed += 60
    turns.wait()
    assert turns.wait() == pytest.approx(1 / 3)


def test_a_smaller_limit_of_the_service_is_kept() -> None:
    clock = Clock()
    turns = PerSecond(3, clock.timing, TENANT, _store(clock))
    turns.allow_at_most(2)
    turns.allow_at_most(4)
    assert [turns.wait(), turns.wait()] == pytest.approx([0, 0.5])
