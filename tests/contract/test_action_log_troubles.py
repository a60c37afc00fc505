"""What the database below the action log can refuse, in words that say what to do; many processes at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from airflow_provider_okta_ure.action_log import database as module
from airflow_provider_okta_ure.action_log import migrating
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.errors import ActionLogError

MOMENT = datetime(2026, 11, 20, tzinfo=timezone.utc)
CANARY = "canary.person@corp.example"
# Children of one server that has imported everything: twenty new interpreters would take minutes.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["airflow_provider_okta_ure.action_log.log", "alembic.command", "psycopg2"])


def entry(user: str = CANARY, **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "push_risk",
        "user_key": user,
        "user_name": user,
        "as_of": MOMENT,
        "started_at": MOMENT,
        "recorded_at": MOMENT,
        "status": "done",
    }
    return Entry(**{**known, **fields})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(file: Path) -> Iterator[ActionLog]:
    opened = ActionLog.open(f"sqlite:///{file}")
    yield opened
    opened.close()


def on_each_connection(log: ActionLog, pragma: str) -> None:
    def run(connection: Any, _: object) -> None:
        connection.execute(pragma)

    event.listen(log.database.engine, "connect", run)


def test_a_full_disk(log: ActionLog, file: Path) -> None:
    pages = sqlite3.connect(file).execute("PRAGMA page_count").fetchone()[0]
    on_each_connection(log, f"PRAGMA max_page_count={pages}")
    with pytest.raises(ActionLogError, match=r"is full.*Make room on the disk") as caught:
        log.finish([entry(f"{number}{CANARY}") for number in range(5000)])
    assert caught.value.retryable
    assert CANARY not in str(caught.value)
    assert log.count(Filter()) == 0


def test_a_file_that_must_not_be_written(log: ActionLog) -> None:
    on_each_connection(log, "PRAGMA query_only=ON")
    with pytest.raises(ActionLogError, match=r"readonly database.*write the file and its folder") as caught:
        log.finish([entry()])
    assert not caught.value.retryable
    assert CANARY not in str(caught.value)
    assert log.count(Filter()) == 0


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ActionLogError, match="no such file or directory") as caught:
        ActionLog.open(f"sqlite:///{tmp_path}/nowhere/log.db")
    assert f"{tmp_path}/nowhere" in caught.value.remedy
    assert not caught.value.retryable


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS])
def test_a_file_system_without_hard_links_will_do(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    log = ActionLog.open(f"sqlite:///{file}")
    log.finish([entry()])
    assert log.count(Filter()) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    log.close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_lock_is_named_and_not_the_rights(
    log: ActionLog, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(ActionLogError, match="file system of") as caught, log.lock("a"):
        pass
    assert "write the folder" not in str(caught.value)


def test_a_folder_that_must_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ActionLogError, match="write the folder") as caught:
        ActionLog.open(f"sqlite:///{tmp_path}/log.db")
    assert not caught.value.retryable


def test_a_percent_sign_in_the_path_of_the_package_has_no_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "100%" / "50%%(here)s" / "action_log"
    shutil.copytree(Path(migrating.__file__).parent / "migrations", package / "migrations")
    monkeypatch.setattr(migrating, "__file__", str(package / "migrating.py"))
    log = ActionLog.open(f"sqlite:///{tmp_path}/log.db")
    log.finish([entry()])
    assert log.count(Filter()) == 1
    log.close()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ActionLogError, match="unable to open") as caught:
        ActionLog.open(f"sqlite:///{tmp_path}")
    assert not caught.value.retryable


def test_another_file_is_not_overwritten(file: Path) -> None:
    file.write_text("something else " * 100)
    with pytest.raises(ActionLogError, match=r"not a database.*Choose another file") as caught:
        ActionLog.open(f"sqlite:///{file}")
    assert not caught.value.retryable
    assert file.read_text() == "something else " * 100


def test_a_writer_that_never_ends(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SQLITE_PATIENCE", 0.01)
    log = ActionLog.open(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ActionLogError, match=r"is locked.*look for one that hangs") as caught:
        log.finish([entry()])
    assert caught.value.retryable
    assert log.count(Filter()) == 0, "readers do not wait"
    other.execute("ROLLBACK")
    log.finish([entry()])
    assert log.count(Filter()) == 1
    log.close()


def test_locks_where_nothing_can_be_written(log: ActionLog, file: Path) -> None:
    Path(f"{file}.locks").rename(f"{file}.elsewhere")
    Path(f"{file}.locks").write_text("a file where a folder should be")
    with pytest.raises(ActionLogError, match=r"cannot be used: (file exists|not a directory)"), log.lock("a"):
        pass


def test_a_server_that_goes_away_while_a_lock_is_wanted() -> None:
    log = ActionLog(module.Database("postgresql+psycopg2://ann:secret@127.0.0.1:1/log"))
    with pytest.raises(ActionLogError, match="cannot be used") as caught, log.lock("a"):
        pass
    assert "secret" not in str(caught.value)


# --- processes


def _write(url: str, number: int, begin: Any, said: Any) -> None:
    """Open a log that may not be there yet, and write to it, as tasks of one moment do."""
    begin.wait(60)
    try:
        log = ActionLog.open(url, Waiting(seconds=120, every=0.01))
        for part in range(5):
            log.begin([entry(f"{number}-{part}-{one}", status="started") for one in range(20)])
            log.finish([entry(f"{number}-{part}-{one}") for one in range(20)])
        with log.lock("the same group"):
            pass
        log.close()
    except Exception as error:  # noqa: BLE001  # told to the parent
        said.put(f"{type(error).__name__}: {error}")
    else:
        said.put("")


def test_twenty_processes_open_an_empty_database_at_once_and_lose_nothing(log_url: str) -> None:
    begin, said = processes.Event(), processes.Queue()
    writers = [processes.Process(target=_write, args=(log_url, number, begin, said)) for number in range(20)]
    for writer in writers:
        writer.start()
    begin.set()
    assert [said.get(timeout=240) for _ in writers] == [""] * 20
    for writer in writers:
        writer.join(60)
    log = ActionLog.open(log_url)
    assert log.count(Filter(status=["done"])) == 20 * 5 * 20
    assert log.count(Filter()) == 20 * 5 * 20
    log.close()
