# SPDX-License-Identifier: Apache-2.0
"""Where processes count requests together: files of one machine, and what happens where there can be none."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeVar

import pytest

from airflow_provider_okta_ure.clients import limit_stores
from airflow_provider_okta_ure.clients.limit_stores import (
    FileStore,
    PrivateStore,
    StoreWithFallback,
    digest_of,
)
from airflow_provider_okta_ure.clients.limits import Gate, _Turn
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.errors import ActionLogError
from tests.unit.http_script import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ResultT = TypeVar("ResultT")

NAME = "https://acme.okta.com /api/v1/groups"


def _count(stored: bytes, _now: float) -> tuple[bytes, int]:
    number = int(stored or b"0") + 1
    return str(number).encode(), number


def _count_often(times: int) -> None:
    store = FileStore()
    for _ in range(times):
        store.change(NAME, _count)


def test_processes_change_a_record_one_at_a_time() -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_count_often, args=(300,)) for _ in range(3)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    assert FileStore().change(NAME, _count) == 901


def test_records_are_for_their_user_alone_and_say_nothing_of_the_service(limits_of_its_own: Path) -> None:
    FileStore().change(NAME, _count)
    (file,) = limits_of_its_own.iterdir()
    assert (limits_of_its_own.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    assert "acme" not in file.name
    assert file.name == digest_of(NAME)


def test_a_shorter_record_replaces_the_longer_one_whole() -> None:
    FileStore().change(NAME, lambda stored, now: (b"1" * 100, None))
    FileStore().change(NAME, lambda stored, now: (b"7", None))
    assert FileStore().change(NAME, _count) == 8


@pytest.mark.parametrize(
    "trouble", ["no-place", "link", "file-in-its-place", "open-to-others", "link-inside"]
)
def test_without_usable_files_each_process_counts_by_itself(
    limits_of_its_own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    folder = limits_of_its_own
    if trouble == "no-place":
        monkeypatch.setattr(limit_stores, "folder_of_user", lambda: folder / "missing" / "folder")
    elif trouble == "link":
        folder.symlink_to(tmp_path)
    elif trouble == "file-in-its-place":
        folder.touch()
    elif trouble == "open-to-others":
        folder.mkdir(mode=0o700)
        folder.chmod(0o777)
    else:
        folder.mkdir(mode=0o700)
        (folder / digest_of(NAME)).symlink_to(tmp_path / "elsewhere")
    one, other = FileStore(), FileStore()
    assert [one.change(NAME, _count), one.change(NAME, _count), other.change(NAME, _count)] == [1, 2, 1]
    assert list(tmp_path.iterdir()) == []


def test_files_of_somebody_else_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    FileStore().change(NAME, _count)
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert FileStore().change(NAME, _count) == 1


def test_a_process_that_stopped_with_a_record_in_hand_holds_nobody_up(
    limits_of_its_own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_stores, "LOCK_PATIENCE", 0.0)
    FileStore().change(NAME, _count)
    with (limits_of_its_own / digest_of(NAME)).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert FileStore().change(NAME, _count) == 1
    assert FileStore().change(NAME, _count) == 2


@pytest.mark.parametrize("garbage", [b"x", b"\xc1" * 10, b"\x91\x01garbage", b"[]"])
def test_a_record_that_cannot_be_read_is_begun_anew(garbage: bytes) -> None:
    clock = Clock()
    store = PrivateStore(clock.timing.monotonic)
    gate = Gate("Okta", 1.0, clock.timing, store=store)
    gate._store.change(" b", lambda stored, now: (garbage, None))
    assert not isinstance(gate._reserve("b", None), _Turn)


class _Broken:
    """A store that works until told otherwise, and counts how often it is asked."""

    is_far = True

    def __init__(self) -> None:
        self.asked, self.is_broken = 0, True
        self._records = PrivateStore(lambda: 0.0)

    def change(self, name: str, change: Callable[[bytes, float], tuple[bytes, ResultT]]) -> ResultT:
        self.asked += 1
        if self.is_broken:
            raise ActionLogError("The database is away.")
        return self._records.change(name, change)


def test_a_store_that_fails_is_replaced_for_a_while_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, broken = Clock(), _Broken()
    monkeypatch.setattr(limit_stores, "time", SimpleNamespace(monotonic=lambda: clock.passed))
    store = StoreWithFallback(broken, PrivateStore(lambda: clock.passed))
    assert [store.change(NAME, _count) for _ in range(3)] == [1, 2, 3]
    assert broken.asked == 1
    clock.passed += limit_stores.OUT_OF_USE
    assert store.change(NAME, _count) == 4
    assert broken.asked == 2
    assert len(caplog.records) == 1
    broken.is_broken = False
    clock.passed += limit_stores.OUT_OF_USE
    assert store.change(NAME, _count) == 1


def test_a_clock_that_is_not_the_machines_shares_nothing(limits_of_its_own: Path) -> None:
    Gate("Okta", 1.0, Clock().timing, limited="x")._reserve("b", None)
    assert not limits_of_its_own.exists()
    Gate("Okta", 1.0, Timing(), limited="x")._reserve("b", None)
    assert len(list(limits_of_its_own.iterdir())) == 1
