# SPDX-License-Identifier: Apache-2.0
"""A limit of a few requests a second, shared by all processes of a machine."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.clients.per_second import PerSecond
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.clients.shared_slots import SharedSlots
from tests.unit.http_script import Clock

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "https://acme.goskope.com"
NEAR = 0.5
"""The clock of the machine goes on while a test runs."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_who_shares_a_limit_takes_turns() -> None:
    """Two objects stand for two processes: all that they share is the file."""
    one, other = SharedSlots(TENANT), SharedSlots(TENANT)
    waits = [slots.take(5) for slots in (one, other, one, other)]
    assert waits == pytest.approx([0, 5, 10, 15], abs=NEAR)


def test_another_limit_has_turns_of_its_own() -> None:
    SharedSlots(TENANT).take(5)
    assert SharedSlots("https://other.goskope.com").take(5) == 0


def test_after_a_pause_nothing_is_saved_up() -> None:
    slots = SharedSlots(TENANT)
    slots.take(0.0001)
    assert slots.take(5) == pytest.approx(0, abs=NEAR)
    assert slots.take(5) == pytest.approx(5, abs=NEAR)


def test_the_file_is_for_its_user_alone(folder: Path) -> None:
    SharedSlots(TENANT).take(1)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size <= 4096


def test_a_turn_that_another_life_of_the_machine_left_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    SharedSlots(TENANT).take(1_000_000)
    assert SharedSlots(TENANT).take(1) == 0


@pytest.mark.parametrize("trouble", ["folder-missing", "link", "folder-in-its-place", "garbage"])
def test_without_a_usable_file_each_process_takes_turns_by_itself(folder: Path, trouble: str) -> None:
    slots = SharedSlots(TENANT)
    file = slots._path
    if trouble == "folder-missing":
        slots._path = folder / "missing" / "file"
    elif trouble == "link":
        file.symlink_to(folder / "elsewhere")
    elif trouble == "folder-in-its-place":
        file.mkdir()
    else:
        file.write_bytes(b"x" * 10)
    assert [slots.take(5), slots.take(5)] == pytest.approx([0, 5], abs=NEAR)
    assert not (folder / "elsewhere").exists()


def test_a_file_of_somebody_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = SharedSlots(TENANT)
    slots.take(5)
    monkeypatch.setattr("os.getuid", lambda: -1)
    assert slots.take(5) == 0


def test_a_clock_that_is_not_the_machines_shares_nothing(folder: Path) -> None:
    clock = Clock()
    turns = PerSecond(2, clock.timing, TENANT)
    assert [turns.wait() for _ in range(3)] == [0, 0.5, 1.0]
    assert list(folder.iterdir()) == []
    assert PerSecond(2, Timing(), TENANT).wait() == 0
    assert len(list(folder.iterdir())) == 1


def test_a_refusal_slows_down_for_a_while() -> None:
    clock = Clock()
    turns = PerSecond(3, clock.timing)
    for _ in range(3):
        turns.slow_down()
    turns.wait()
    assert turns.wait() == pytest.approx(1 / (3 * 0.343))
    clock.passed += 60
    turns.wait()
    assert turns.wait() == pytest.approx(1 / 3)


def test_a_smaller_limit_of_the_service_is_kept() -> None:
    turns = PerSecond(3, Clock().timing)
    turns.allow_at_most(2)
    turns.allow_at_most(4)
    assert [turns.wait(), turns.wait()] == pytest.approx([0, 0.5])
