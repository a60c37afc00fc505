"""No question that a task asks reads a whole history: each is answered by an index, for the users in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from airflow_provider_okta_ure.action_log import memberships
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog

ORG, GROUP, ISSUER = "https://acme.okta.com", "00gRISK", "https://risk.corp.example"
NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
USERS = ["00uANN", "00uBEN"]
LOG = "okta_ure_action_log"
UNIQUE = f"sqlite_autoindex_{LOG}_1"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ActionLog]:
    opened = ActionLog.open(f"sqlite:///{tmp_path}/log.db")
    yield opened
    opened.close()


def plans_of(log: ActionLog, ask: Callable[[ActionLog], Any]) -> list[str]:
    """Return how SQLite reads tables for a question, a line for each table of each statement."""
    asked: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, ___: Any, is_many: bool) -> None:
        asked.append((statement, parameters[0] if is_many else parameters))

    event.listen(log.database.engine, "before_cursor_execute", remember)
    try:
        ask(log)
    finally:
        event.remove(log.database.engine, "before_cursor_execute", remember)
    lines: list[str] = []
    with log.database.reading() as connection:
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "INSERT", "DELETE", "UPDATE")):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                lines += [row.detail for row in rows]
    return [line for line in lines if line.startswith(("SEARCH", "SCAN"))]


def last(log: ActionLog) -> Any:
    return log.last_done(org=ORG, doing=["push_risk"], target=ISSUER, users=USERS, before=NOW)


def later(log: ActionLog) -> Any:
    return log.newest_decisions(
        org=ORG, doing=["push_risk"], target=ISSUER, users=USERS, after=NOW, dag_id="sync"
    )


def newest(log: ActionLog) -> Any:
    return log.newest_moment(
        org=ORG, action="add_to_group", target=GROUP, dag_id="sync", task_id="add", after=NOW
    )


def complete(log: ActionLog) -> Any:
    return log.later_complete_run(
        org=ORG,
        action="add_to_group",
        targets=[GROUP],
        dag_id="sync",
        task_id="add",
        after=NOW,
        not_by_run="",
    )


def in_doubt(log: ActionLog) -> Any:
    return log.in_doubt(org=ORG, action="push_risk", target=ISSUER, users=USERS)


def unconfirmed(log: ActionLog) -> Any:
    return log.unconfirmed_pushes(org=ORG, target=ISSUER, users=USERS, before=NOW)


def counted(log: ActionLog) -> Any:
    with log.database.reading() as connection:
        return memberships.count_memberships(connection, dag_ids=["sync"])


def of_person(log: ActionLog) -> Any:
    with log.database.reading() as connection:
        return memberships.memberships(connection, users=USERS, dag_ids=["sync"])


def entry(action: Any, target: str, status: Any) -> Entry:
    return Entry(
        org=ORG,
        action=action,
        target=target,
        user_key="00uANN",
        user_id="00uANN",
        user_name="ann",
        as_of=NOW,
        started_at=NOW,
        recorded_at=NOW,
        status=status,
    )


def written(log: ActionLog) -> None:
    for action, target in (("add_to_group", GROUP), ("remove_from_group", GROUP), ("push_risk", ISSUER)):
        log.begin([entry(action, target, "started")])
        log.finish([entry(action, target, "done")])


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (last, f"ix_{LOG}_effect (org=? AND target=? AND user_key=?"),
        (later, f"ix_{LOG}_user (user_key=? AND as_of>?)"),
        (in_doubt, f"ix_{LOG}_uncertain (org=? AND action=? AND target=? AND user_key=?)"),
        (
            lambda log: log.unfinished(org=ORG, doing=["add_to_group"], target=GROUP),
            f"ix_{LOG}_uncertain",
        ),
        (
            lambda log: log.last_releases(org=ORG, target=GROUP, users=USERS),
            f"ix_{LOG}_release (org=? AND target=? AND user_key=?",
        ),
        (unconfirmed, f"ix_{LOG}_effect (org=? AND target=? AND user_key=?"),
        (newest, UNIQUE),
        (complete, "ix_okta_ure_tasks_complete"),
        (lambda log: log.read_whole(dag_id="d", run_id="r", sources=[]), "sqlite_autoindex_okta_ure_tasks_1"),
        (lambda log: log.tracked(ORG), "sqlite_autoindex_okta_ure_tracked_1"),
        (
            lambda log: log.members_by_us(org=ORG, target=GROUP),
            "sqlite_autoindex_okta_ure_tracked_1 (org=? AND kind=? AND target=?)",
        ),
        (
            lambda log: log.open_levels(org=ORG, action="push_risk", target=ISSUER),
            "sqlite_autoindex_okta_ure_tracked_1 (org=? AND kind=? AND target=?)",
        ),
        (
            lambda log: log.ids_known_as(org=ORG, names=["ann"]),
            "ix_okta_ure_known_as_name (org=? AND name_key=?)",
        ),
        (
            lambda log: log.holds_on(org=ORG, target=GROUP, users=USERS),
            "sqlite_autoindex_okta_ure_holders_1 (org=? AND target=? AND user_key=?)",
        ),
        (lambda log: log.names_of_ids(org=ORG, ids=USERS), "ix_okta_ure_names_okta_id (org=? AND okta_id=?)"),
        (of_person, "ix_okta_ure_tracked_user"),
    ],
    ids=[
        "last done",
        "later decisions",
        "in doubt",
        "unfinished",
        "releases",
        "unconfirmed",
        "newest time",
        "later complete run",
        "read whole",
        "tracked",
        "members by us",
        "open levels",
        "known as",
        "holds",
        "names",
        "memberships of a person",
    ],
)
def test_a_question_is_answered_by_an_index(log: ActionLog, ask: Any, index: str) -> None:
    lines = plans_of(log, ask)
    assert any(index in line for line in lines), lines
    assert not [line for line in lines if line.endswith("known_as_1 (org=?)")], lines
    assert not [line for line in lines if line.startswith("SCAN okta_ure")], lines


def test_memberships_are_counted_without_the_history(log: ActionLog) -> None:
    lines = plans_of(log, counted)
    assert lines
    assert not [line for line in lines if LOG in line], lines


def test_writing_reads_the_effects_of_the_users_in_hand_alone(log: ActionLog) -> None:
    lines = plans_of(log, written)
    indexes = ("_effect (", "_uncertain (", "_release (")
    assert all(any(index in line for line in lines) for index in indexes), lines
    about_history = [line for line in lines if f"{LOG} USING" in line]
    assert all("user_key=?" in line for line in about_history), about_history
    assert not [line for line in lines if line.startswith("SCAN okta_ure")], lines
