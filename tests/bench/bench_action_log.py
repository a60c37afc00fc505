# SPDX-License-Identifier: Apache-2.0
"""The action log on SQLite and PostgreSQL: writing 10,000 outcomes, and asking a log of 1,000,000 entries."""

from __future__ import annotations

import csv
import io
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, literal, select, text

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.exporting import to_csv
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tables import actions
from tests.support.postgres import running

OUTCOMES = 10_000
REQUIRED_SECONDS = 2.0
DAYS, USERS = 100, 10_000
ORG, ISSUER, GROUP = "https://acme.okta.com", "https://risk.corp.example", "00gGROUP"
FIRST = datetime(2026, 8, 1, 3, tzinfo=timezone.utc)


def entry(number: int, **fields: Any) -> Entry:
    """Return an entry like those of a real run."""
    known: dict[str, Any] = {
        "org": ORG,
        "action": "add_to_group",
        "target": "00gBENCH",
        "target_name": "Netskope at risk",
        "user_key": f"00u{number:017d}",
        "user_name": f"user{number}@corp.example",
        "user_id": f"00u{number:017d}",
        "login": f"user{number}@corp.example",
        "as_of": FIRST,
        "started_at": FIRST,
        "recorded_at": FIRST,
        "dag_id": "okta_risk_sync",
        "run_id": "scheduled__2026-08-01T03:00:00+00:00",
        "task_id": "add_to_group",
        "source": "netskope_default",
        "rule": "score <= 500",
        "score": 200,
        "score_level": "critical",
        "risk_level": "high",
        "status": "done",
        "http_status": 204,
        "request_id": f"Y{number:024d}",
    }
    return Entry(**{**known, **fields})


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def write(log: ActionLog) -> dict[str, float]:
    """Write outcomes in one call, over their intents, and the floor: the best of three each."""
    took: dict[str, list[float]] = {}
    for turn in range(3):
        target = f"00gTURN{turn}"
        fresh = [entry(number, target=f"{target}a") for number in range(OUTCOMES)]
        intents = [entry(number, target=target, status="started") for number in range(OUTCOMES)]
        outcomes = [entry(number, target=target) for number in range(OUTCOMES)]
        floor = [entry(number, target=f"{target}b").to_row() for number in range(OUTCOMES)]
        for what, work in {
            "10,000 new outcomes": partial(log.finish, fresh),
            "10,000 intents": partial(log.begin, intents),
            "10,000 outcomes of intents": partial(log.finish, outcomes),
            "the floor: COPY, or executemany of the driver": partial(raw, log, floor),
        }.items():
            took.setdefault(what, []).append(seconds(work))
    return {what: min(each) for what, each in took.items()}


def raw(log: ActionLog, rows: list[dict[str, Any]]) -> None:
    """Write rows into the same table in the fastest way that the database has: COPY, or executemany."""
    names = list(rows[0])
    if log.database.kind == "sqlite":
        with sqlite3.connect(str(log.database.file)) as connection:
            marks = ", ".join("?" * len(names))
            connection.executemany(
                f"INSERT INTO {actions.name} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
                [
                    [one.isoformat(" ") if isinstance(one, datetime) else one for one in row.values()]
                    for row in rows
                ],
            )
        return
    buffer = io.StringIO()
    csv.writer(buffer).writerows([r"\N" if one is None else one for one in row.values()] for row in rows)
    buffer.seek(0)
    with log.database.writing() as connection:
        cursor = connection.connection.cursor()
        cursor.copy_expert(
            f"COPY {actions.name} ({', '.join(names)}) FROM STDIN WITH (FORMAT csv, NULL '\\N')", buffer
        )


def fill(log: ActionLog) -> None:
    """Make 100 days of 10,000 users: one in twenty changes each day; and a reading a day."""
    numbers = select(literal(1).label("i")).cte("n", recursive=True)
    numbers = numbers.union_all(select(numbers.c.i + 1).where(numbers.c.i < USERS))
    name = literal("user").concat(numbers.c.i).concat("@corp.example")
    for day in range(DAYS):
        moment = FIRST + timedelta(days=day)
        row = entry(0, as_of=moment, started_at=moment, recorded_at=moment, run_id=f"day {day}").to_row()
        row |= {"action": "push_risk", "target": ISSUER, "target_name": ISSUER}
        if day % 2:
            row |= {"action": "add_to_group", "target": GROUP, "target_name": "At risk"}
        with log.database.writing() as connection:
            for rest, status in ((0, "done"), (1, "unchanged")):
                values: dict[str, Any] = {
                    key: literal(value, actions.c[key].type) for key, value in row.items()
                }
                values |= {"user_key": name, "user_name": name, "login": name, "status": literal(status)}
                changed = numbers.c.i % 20 == day % 20
                chosen = select(*values.values()).where(changed if rest == 0 else ~changed)
                connection.execute(insert(actions).from_select(list(values), chosen))
        log.finish(
            [
                entry(
                    0,
                    org="https://acme.goskope.com",
                    action="fetch_scores",
                    target="series 1/1",
                    user_key="netskope_default",
                    as_of=moment,
                    users=USERS,
                )
            ]
        )
    with log.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def questions() -> dict[str, Callable[[ActionLog], object]]:
    """Return what a run of 10,000 users, and a person, ask."""
    users = [f"user{number}@corp.example" for number in range(1, USERS + 1)]
    newest = FIRST + timedelta(days=DAYS)
    middle = FIRST + timedelta(days=DAYS // 2)
    push: Any = {"org": ORG, "doing": ["push_risk"], "target": ISSUER}
    group: Any = {"org": ORG, "doing": ["add_to_group", "remove_from_group"], "target": GROUP}
    return {
        "last delivered, 10,000 users": lambda log: log.last_done(users=users, before=newest, **push),
        "later decisions, 10,000 users, as of today": lambda log: log.newest_decisions(
            users=users, after=newest, dag_id="okta_risk_sync", **push
        ),
        "the same, as of 50 days ago": lambda log: log.newest_decisions(
            users=users, after=middle, dag_id="okta_risk_sync", **push
        ),
        "this very action, 10,000 users": lambda log: log.find(
            org=ORG, action="push_risk", target=ISSUER, as_of=middle, users=users
        ),
        "who is in the group because of us": lambda log: log.last_done(**group),
        "newest moment of a group": lambda log: log.newest_moment(
            org=ORG, action="add_to_group", target=GROUP, dag_id="okta_risk_sync", task_id="add_to_group"
        ),
        "size of the source": lambda log: log.size_of_source("netskope_default", not_after=newest),
        "newest page of everything": lambda log: log.search(Filter()),
        "one person by key": lambda log: log.search(Filter(user_key="user777@corp.example")),
        "one person by part of the name": lambda log: log.search(Filter(user="user777@")),
        "nobody by part of the name": lambda log: log.search(Filter(user="nobody like this")),
        "failures of all time": lambda log: log.search(Filter(status=["failed"])),
        "export of one day as CSV": lambda log: sum(
            map(len, to_csv(log.iterate(Filter(since=middle, until=middle + timedelta(days=1)))))
        ),
        "how many could be pruned": lambda log: log.prunable(middle),
    }


FOR_PEOPLE = (
    "one person by part of the name",
    "nobody by part of the name",
    "failures of all time",
    "how many could be pruned",
)
"""What may look at every row: nobody waits for it in a run."""


def plans(log: ActionLog, work: Callable[[ActionLog], object]) -> str:
    """Return PostgreSQL's plans for the statements of one question."""
    said: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            said.append((statement, parameters))

    event.listen(log.database.engine, "before_cursor_execute", note)
    work(log)
    event.remove(log.database.engine, "before_cursor_execute", note)
    lines = []
    with log.database.reading() as connection:
        for statement, parameters in said[:3]:
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN {statement}", parameters)
            lines += [row[0] for row in cursor.fetchall()]
    return "\n".join(lines)


def measure(name: str, url: str, *, explain: bool) -> bool:
    """Print the figures of one database; return whether they are what is promised."""
    log = ActionLog.open(url)
    written = write(log)
    print(f"\n{name}: writing (required: {REQUIRED_SECONDS:g} s for 10,000)")
    for what, took in written.items():
        print(f"  {what:45} {took:8.2f} s")
    is_good = max(written.values()) < REQUIRED_SECONDS
    print(f"{name}: asking; 1,000,000 entries were made in {seconds(lambda: fill(log)):.0f} s")
    for what, work in questions().items():
        took = statistics.median(seconds(partial(work, log)) for _ in range(3))
        scans = explain and what not in FOR_PEOPLE and "Seq Scan" in plans(log, work)
        print(f"  {what:45} {1000 * took:8.0f} ms{'  SCANS EVERY ROW' if scans else ''}")
        is_good = is_good and not scans
    middle = FIRST + timedelta(days=DAYS // 2)
    print(f"  {'pruning half of it':45} {seconds(lambda: log.prune(middle)):8.1f} s")
    log.database.close()
    return is_good


@contextmanager
def databases() -> Iterator[list[tuple[str, str]]]:
    """Yield the name and URL of an empty database of each kind that can be had here."""
    with tempfile.TemporaryDirectory() as folder:
        found = [("SQLite", f"sqlite:///{Path(folder)}/log.db")]
        try:
            with running() as server:
                yield [*found, ("PostgreSQL", server.new_database())]
        except pytest.skip.Exception as reason:
            print(f"No PostgreSQL: {reason}")
            yield found


def main() -> int:
    """Print the figures; 0 when they are what is promised."""
    with databases() as found:
        good = [measure(name, url, explain=name == "PostgreSQL") for name, url in found]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
