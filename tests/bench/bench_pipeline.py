# SPDX-License-Identifier: Apache-2.0
"""
What two days of the main DAG cost, and the second day done again, next to the bounds of what they may cost.

``python -m tests.bench.bench_pipeline --users 10000 [--double] [--strategy list] [--postgres] [--profile FOLDER]``

All tasks of ``dags/okta_risk_sync.py`` are run by ``execute``, each in a process of its own, with their rows as
JSON between them. Everybody is in Okta and in Netskope, about 2 % are at risk on any day, and some of them
recover or become at risk from one day to the next. The sandbox has no rate limits here, and Netskope's own of
three requests a second takes no time: what would have been waited is counted apart.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import ceil
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.bench.one_task import Job, Measured, run_task
from tests.bench.world import CHANGES, UNLIMITED, Settings, Situation, World
from tests.support import postgres

DAG_ID, GROUP = "okta_risk_sync", "At risk"
TASKS = (
    "check",
    "fetch_scores",
    "filter_at_risk",
    "map_levels",
    "add_to_group",
    "push_risk",
    "filter_recovered",
    "remove_from_group",
    "filter_improved",
    "map_improved",
    "push_improved",
    "confirm_ingested",
    "report",
)
PARAMS: dict[str, Any] = {
    "dry_run": False,
    "group": GROUP,
    "max_changes": UNLIMITED,
    "max_change_percent": 100,
}
#: Design: what one run may cost.
BYTES_A_ROW, PEAK_MB, CPU_SECONDS, MORE_ROWS = 160, 256, 60, 20
MAIN_TABLE = "okta_ure_action_log"
#: Steps whose CPU is too small for a ratio to mean anything.
SMALL = 0.2


@dataclass
class Run:
    """One run of the DAG: what each task cost, and what it was about."""

    title: str
    about: Situation
    tasks: dict[str, Measured]
    calls: dict[str, Counter[tuple[str, int]]]
    new_rows: dict[str, int]
    log_bytes: int

    @property
    def all_calls(self) -> Counter[tuple[str, int]]:
        """Return how many calls of which kind had which status, without those of the check before the run."""
        together: Counter[tuple[str, int]] = Counter()
        for task_id, calls in self.calls.items():
            if task_id != "check":
                together.update(calls)
        return together

    @property
    def changes(self) -> int:
        """Return how many calls changed something in Okta."""
        done = [one for one in self.all_calls if one[0] in CHANGES and 200 <= one[1] < 300]
        return sum(self.all_calls[one] for one in done)


class Log:
    """
    The action log's database, seen from outside.

    :param url: its SQLAlchemy URL.
    :param file: its file, when it is SQLite.
    """

    def __init__(self, url: str, file: Path | None) -> None:
        self._engine, self._file = create_engine(url), file

    def rows(self) -> dict[str, int]:
        """Return how many rows each of our tables has."""
        listed = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if self._file
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        with self._engine.connect() as connection:
            names = [name for (name,) in connection.execute(text(listed)) if name.startswith("okta_ure_")]
            return {
                name: connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one()  # noqa: S608
                for name in sorted(names)
            }

    def size(self) -> int:
        """Return how many bytes the database takes."""
        if self._file:
            return sum(one.stat().st_size for one in self._file.parent.glob(self._file.name + "*"))
        with self._engine.connect() as connection:
            size: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
            return size


class Pipeline:
    """
    Runs the DAG in one world.

    :param world: the services.
    :param log: the action log.
    :param folder: where tasks leave what they hand over, their logs, and what they cost.
    :param profile: where to write profiles; None = nowhere.
    :param strategy: how Netskope is read; with ``list``, runs are manual ones for the present time.
    """

    def __init__(self, world: World, log: Log, folder: Path, profile: Path | None, strategy: str) -> None:
        self._world, self._log, self._folder, self._profile = world, log, folder, profile
        self._strategy = strategy

    def run(self, title: str, as_of: datetime, try_number: int = 1) -> Run:
        """Run all tasks for the day that ends at this time."""
        is_manual = self._strategy == "list"
        about = self._world.situation(GROUP, as_of if is_manual else as_of - timedelta(days=1))
        before, size = self._log.rows(), self._log.size()
        self._world.take_calls()
        label = title.replace(" ", "-")
        xcom = self._folder / title.removesuffix(" again").replace(" ", "-")
        xcom.mkdir(exist_ok=True)
        tasks: dict[str, Measured] = {}
        calls: dict[str, Counter[tuple[str, int]]] = {}
        for task_id in TASKS:
            job = Job(
                dag_id=DAG_ID,
                task_id=task_id,
                run_id=f"{'manual' if is_manual else 'scheduled'}__{as_of.isoformat()}",
                try_number=try_number,
                as_of=as_of,
                is_manual=is_manual,
                params={**PARAMS, "strategy": self._strategy},
                xcom=xcom,
                label=label,
                profile=self._profile,
            )
            tasks[task_id], calls[task_id] = run_task(job), self._world.take_calls()
            said(f"  {title}: {task_id} {tasks[task_id].cpu:.2f} s of CPU", progress=True)
        after = self._log.rows()
        return Run(
            title,
            about,
            tasks,
            calls,
            {name: after[name] - before.get(name, 0) for name in after},
            self._log.size() - size,
        )


def measure(users: int, *, is_postgres: bool, profile: Path | None, strategy: str) -> list[Run]:
    """Return two days of a world of its own, and the second one done again."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okta-ure-bench-")))
        world = stack.enter_context(World(Settings(users)))
        os.environ.update(world.connections)
        file = None if is_postgres else folder / "log.db"
        if file:
            url = f"sqlite:///{file}"
            os.environ["AIRFLOW_CONN_OKTA_URE_ACTION_LOG"] = url
            file.touch(mode=0o600)
        else:
            url = stack.enter_context(postgres.running()).new_database()
            os.environ["AIRFLOW_CONN_OKTA_URE_ACTION_LOG"] = url.replace("postgresql+psycopg2", "postgres")
        pipeline = Pipeline(world, Log(url, file), folder, profile, strategy)
        if strategy == "list":
            first = pipeline.run("first day", _now())
            world.next_day()
            last = _now()
        else:
            last = (_now() - timedelta(hours=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            first = pipeline.run("first day", last - timedelta(days=1))
        second = pipeline.run("second day", last)
        return [first, second, pipeline.run("second day again", last, try_number=2)]


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


def show(run: Run, users: int, strategy: str) -> None:
    """Print a run task by task, and what it cost as a whole beside what it may cost."""
    about = run.about
    said(
        f"\n{users:,} users, {run.title}: S = {about.at_risk:,} at risk, T = {about.tracked:,} tracked, "
        f"D = {run.changes:,} changes in Okta"
    )
    said(
        "| task | CPU s | start CPU s | wall s | paced s | peak MB | XCom bytes | rows | bytes/row "
        "| log rows written | calls |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for task_id, one in run.tasks.items():
        a_row = f"{one.xcom_bytes / one.rows:.0f}" if one.rows else ""
        said(
            f"| {task_id} | {one.cpu:.2f} | {one.start_cpu:.2f} | {one.wall:.1f} | {one.waited:.0f} "
            f"| {one.peak_mb:.0f} | {one.xcom_bytes:,} | {'' if one.rows is None else f'{one.rows:,}'} "
            f"| {a_row} | {sum(one.written.values()):,} | {run.calls[task_id].total():,} |"
        )
    said("\n| whole run | found | bound | |\n|---|---|---|---|")
    for name, found, bound in [*_rows_and_bytes(run), *_time_and_memory(run), *_calls(run, users, strategy)]:
        over = "" if bound is None or found <= bound else "OVER"
        said(f"| {name} | {found:,} | {'' if bound is None else f'{bound:,}'} | {over} |")
    kinds = ", ".join(
        f"{kind} {status}: {number:,}" for (kind, status), number in sorted(run.all_calls.items())
    )
    said(f"\nCalls without those of check: {kinds}")


Figure = tuple[str, float, float | None]


def _rows_and_bytes(run: Run) -> list[Figure]:
    both = run.about.at_risk + run.about.tracked
    lists = [one for one in run.tasks.values() if one.rows]
    fetched = run.tasks["fetch_scores"]
    written: Counter[str] = Counter()
    for one in run.tasks.values():
        written.update(one.written)
    return [
        ("rows out of fetch_scores", fetched.rows or 0, both),
        (
            "most bytes a row",
            round(max((one.xcom_bytes / (one.rows or 1) for one in lists), default=0)),
            BYTES_A_ROW,
        ),
        ("XCom bytes of fetch_scores", fetched.xcom_bytes, both * BYTES_A_ROW),
        ("XCom bytes, all tasks", sum(one.xcom_bytes for one in run.tasks.values()), None),
        ("new rows in " + MAIN_TABLE, run.new_rows[MAIN_TABLE], 2 * both + run.changes + MORE_ROWS),
        ("rows that statements wrote to " + MAIN_TABLE, written[MAIN_TABLE], None),
        *(
            (f"rows that statements wrote to {name}", number, None)
            for name, number in sorted(written.items())
            if name != MAIN_TABLE
        ),
        ("new rows in all tables", sum(run.new_rows.values()), None),
        ("bytes that the database grew by", run.log_bytes, None),
    ]


def _time_and_memory(run: Run) -> list[Figure]:
    tasks = run.tasks.values()
    return [
        ("peak MB of a task", round(max(one.peak_mb for one in tasks)), PEAK_MB),
        ("CPU seconds", round(sum(one.cpu for one in tasks), 1), CPU_SECONDS),
        (
            "CPU seconds with imports and parsing",
            round(sum(one.cpu + one.start_cpu for one in tasks), 1),
            None,
        ),
    ]


def _calls(run: Run, users: int, strategy: str) -> list[Figure]:
    about = run.about
    made: Counter[str] = Counter()
    for (kind, _), number in run.all_calls.items():
        made[kind] += number
    netskope = sum(number for kind, number in made.items() if kind.startswith("Netskope"))
    effects = made["member added"] + made["member removed"] + made["signal"]
    found_by_name = ceil((about.at_risk + about.tracked) / 25)
    if strategy == "list":
        least = ceil(about.at_risk / 1000) + ceil(about.tracked / 500) + 2
    else:
        least = ceil(users / 1000) + ceil(users / 500)
    return [
        ("Netskope calls", netskope, least),
        ("Okta calls", made.total() - netskope, ceil(about.members / 200) + found_by_name + effects),
        ("answers 429", sum(number for (_, status), number in run.all_calls.items() if status == 429), 0),
    ]


def compare(few: list[Run], many: list[Run]) -> None:
    """Print by which factor the CPU of each step grows when there are twice the users."""
    said("\nTwice the users: CPU of each step, and by which factor it grows (bound 2)")
    said("| task |" + "".join(f" {run.title} |" for run in few))
    said("|---|" + "---|" * len(few))
    for task_id in TASKS:
        cells = []
        for before, after in zip(few, many, strict=True):
            one, two = before.tasks[task_id].cpu, after.tasks[task_id].cpu
            grown = f"{two / one:.2f}" if max(one, two) >= SMALL else "small"
            cells.append(f" {one:.2f} -> {two:.2f} s: {grown} |")
        said(f"| {task_id} |" + "".join(cells))


def said(line: str, *, progress: bool = False) -> None:
    """Print a line at once; of progress to stderr."""
    stream = sys.stderr if progress else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, nargs="+", default=[10_000])
    parser.add_argument("--double", action="store_true", help="also with twice the users, and compare")
    parser.add_argument(
        "--strategy", choices=["series", "list"], default="series", help="how Netskope is read"
    )
    parser.add_argument("--postgres", action="store_true", help="keep the action log in PostgreSQL")
    parser.add_argument("--profile", type=Path, help="a folder for a cProfile of each task")
    arguments = parser.parse_args()
    if arguments.profile:
        arguments.profile.mkdir(parents=True, exist_ok=True)
    for users in arguments.users:
        measured = []
        for number in (users, 2 * users) if arguments.double else (users,):
            runs = measure(
                number,
                is_postgres=arguments.postgres,
                profile=arguments.profile,
                strategy=arguments.strategy,
            )
            measured.append(runs)
            for run in runs:
                show(run, number, arguments.strategy)
        if arguments.double:
            compare(*measured)


if __name__ == "__main__":
    main()
