"""``airflow okta-ure action-log``: says what it did, to which database, and never the password."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli import cli_parser
from sqlalchemy import make_url, text

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.exporting import COLUMNS
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.migrating import newest_version

if TYPE_CHECKING:
    from argparse import ArgumentParser

ROOT = Path(__file__).parents[2]
NOW = datetime.now(tz=timezone.utc).replace(microsecond=0)
PASSWORD = "p@ss/w:rd%20#"


class Said:
    """What a command said, and how it ended."""

    def __init__(self, out: str, err: str, status: int) -> None:
        self.out = out
        self.err = err
        self.status = status

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    return cli_parser.get_parser()


@pytest.fixture
def run(parser: ArgumentParser, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*options: object) -> Said:
        status = 0
        try:
            args = parser.parse_args(["okta-ure", "action-log", *map(str, options)])
            args.func(args)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        assert PASSWORD not in captured.out + captured.err
        assert "Traceback" not in captured.err
        return Said(captured.out, captured.err, status)

    return run


@pytest.fixture
def url(log_url: str, connect: Callable[..., None]) -> str:
    """The connection of the action log leads to an empty database of each kind."""
    at = make_url(log_url)
    if at.get_backend_name() == "sqlite":
        connect("okta_ure_action_log", conn_type="sqlite", host=at.database)
    else:
        connect(
            "okta_ure_action_log",
            conn_type="postgres",
            host=at.host,
            port=at.port,
            login=at.username,
            password=PASSWORD,
            schema=at.database,
        )
    return log_url


def entry(user: str = "ann", days_ago: float = 1, **fields: Any) -> Entry:
    moment = NOW - timedelta(days=days_ago)
    known: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "push_risk",
        "target": "https://risk.corp.example",
        "user_key": f"{user}@corp.example",
        "user_name": f"{user}@corp.example",
        "as_of": moment,
        "started_at": moment,
        "recorded_at": moment,
        "status": "done",
        "risk_level": "high",
    }
    return Entry(**{**known, **fields})


def fill(url: str, *entries: Entry) -> None:
    log = ActionLog.open(url)
    log.finish(entries)
    log.close()


# --- init and upgrade


def test_the_table_is_made_once(url, run):
    made = run("init")
    assert (made.status, made.out) == (0, "")
    assert f"Made the action log, version {newest_version()}, at {url.split(':')[0]}" in made.err
    again = run("init")
    assert again.status == 0
    assert "is there already" in again.err
    assert "up to date" in run("upgrade").err


def test_upgrade_makes_a_missing_table(url, run):
    assert "Made the action log" in run("upgrade").err


def test_a_table_of_a_newer_version_is_left_alone(url, run):
    fill(url)
    log = ActionLog.open(url)
    with log.database.writing() as connection:
        connection.execute(text("UPDATE okta_ure_alembic_version SET version_num = '9999'"))
    log.close()
    for command in (["init"], ["upgrade"], ["export"], ["prune", "--older-than", "90d"]):
        said = run(*command)
        assert (said.status, said.out) == (1, "")
        assert "9999" in said.err


def test_an_upgrade_says_from_where_to_where(url, run, monkeypatch):
    fill(url)
    module = "airflow_provider_okta_ure.commands.action_log"
    monkeypatch.setattr(f"{module}.upgrade_table", lambda database: ("0000", newest_version()))
    assert f"from version 0000 to {newest_version()}" in run("upgrade").err


@pytest.mark.parametrize("command", [["export"], ["prune", "--older-than", "90d"]])
def test_there_has_to_be_a_log(url, run, command):
    said = run(*command)
    assert (said.status, said.out) == (1, "")
    assert "There is no action log at" in said.err
    assert "action-log init" in said.err
    at = make_url(url)
    assert at.get_backend_name() != "sqlite" or not Path(at.database or "").exists()


def test_a_server_that_is_not_there_is_status_1(run, connect):
    connect("okta_ure_action_log", conn_type="postgres", host="127.0.0.1", port=1, password=PASSWORD)
    said = run("export")
    assert said.status == 1
    assert "cannot be used" in said.err


def test_a_wrong_connection_is_status_2(run, connect):
    connect("okta_ure_action_log", conn_type="mysql", host="db", password=PASSWORD)
    said = run("init")
    assert said.status == 2
    assert "is of type 'mysql'" in said.err


# --- prune


def test_pruning_says_how_many_and_can_only_say_so(url, run):
    fill(url, *(entry(days_ago=days) for days in (200, 170, 150, 1)))
    planned = run("prune", "--older-than", "90d", "--dry-run")
    assert "Would delete 2 entries" in planned.err
    assert len(run("export").rows) == 4
    done = run("prune", "--older-than", "90d")
    assert (done.status, done.out) == (0, "")
    assert "Deleted 2 entries" in done.err
    assert len(run("export").rows) == 2


@pytest.mark.parametrize("age", ["0d", "5m", "23h", "90", "-90d", "yesterday", "", "1.5d"])
def test_nonsense_is_not_pruned(url, run, age):
    fill(url, entry(days_ago=200), entry(days_ago=1))
    said = run("prune", f"--older-than={age}")
    assert said.status == 2
    assert "--older-than is" in said.err
    assert len(run("export").rows) == 2


def test_an_age_has_to_be_given(url, run):
    assert run("prune").status == 2


# --- export


def test_everything_comes_out_the_oldest_first_in_a_stable_order(url, run):
    fill(url, entry("ann", 1), entry("bob", 3), entry("=cmd()", 2))
    said = run("export")
    assert said.status == 0
    assert [row["user_name"] for row in said.rows] == [
        "bob@corp.example",
        "'=cmd()@corp.example",
        "ann@corp.example",
    ]
    assert said.out.splitlines()[0] == ",".join(f'"{name}"' for name in COLUMNS)
    assert "3 entries." in said.err
    lines = [json.loads(line) for line in run("export", "--format", "jsonl").out.splitlines()]
    assert [list(line) for line in lines] == [list(COLUMNS)] * 3
    assert lines[1]["user_name"] == "=cmd()@corp.example"


@pytest.mark.parametrize(
    ("options", "users"),
    [
        pytest.param(["--user", "ANN"], ["ann"], id="user"),
        pytest.param(["--user-key", "bob@corp.example"], ["bob"], id="user-key"),
        pytest.param(["--group", "At risk"], ["carl"], id="group"),
        pytest.param(["--group", "00gX"], ["carl"], id="group-id"),
        pytest.param(["--action", "add_to_group"], ["carl"], id="action"),
        pytest.param(["--action", "add_to_group", "--action", "push_risk"], None, id="actions"),
        pytest.param(["--status", "failed"], ["bob"], id="status"),
        pytest.param(["--reason", "rate_limited"], ["bob"], id="reason"),
        pytest.param(["--risk-level", "low"], ["bob"], id="level"),
        pytest.param(["--dag-id", "b", "--dag-id", "c"], ["carl", "bob"], id="dags"),
        pytest.param(["--run-id", "r1"], ["ann"], id="run"),
        pytest.param(["--task-id", "push"], ["ann"], id="task"),
        pytest.param(["--org", "https://other.okta.com"], [], id="org"),
        pytest.param(["--since", "48h"], ["bob", "ann"], id="since"),
        pytest.param(["--until", "1d"], ["carl", "bob"], id="until"),
        pytest.param(["--since", (NOW - timedelta(days=2)).isoformat(), "--until", "1d"], ["bob"], id="both"),
        pytest.param(["--since", (NOW + timedelta(days=2)).date().isoformat()], [], id="day"),
        pytest.param(["--user", "ann", "--status", "failed"], [], id="all-of-them"),
    ],
)
def test_filters_choose(run, tmp_path, connect, options, users):
    connect("okta_ure_action_log", conn_type="sqlite", host=str(tmp_path / "x.db"))
    fill(
        f"sqlite:///{tmp_path}/x.db",
        entry("ann", 0.5, dag_id="a", run_id="r1", task_id="push"),
        entry("bob", 1.5, dag_id="b", status="failed", reason="rate_limited", risk_level="low"),
        entry("carl", 9, dag_id="c", action="add_to_group", target="00gX", target_name="At risk"),
    )
    said = run("export", *options)
    assert said.status == 0
    found = [row["user_name"].partition("@")[0] for row in said.rows]
    assert found == (["carl", "bob", "ann"] if users is None else users)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--action", "add_to_grup"], "Did you mean 'add_to_group'?", id="action"),
        pytest.param(["--status", "finished"], "Use one of", id="status"),
        pytest.param(["--reason", "rate_limit"], "Did you mean 'rate_limited'?", id="reason"),
        pytest.param(["--risk-level", "critical"], "--risk-level is 'critical'", id="level"),
        pytest.param(["--since", "last week"], "--since is 'last week'", id="since"),
        pytest.param(["--until", "2026-13-01"], "--until is '2026-13-01'", id="until"),
        pytest.param(["--since", "1d", "--until", "7d"], "is not before --until", id="order"),
        *(
            pytest.param([option, empty], f"{option} is empty", id=f"empty{option}{len(empty)}")
            for option in (
                "--since",
                "--until",
                "--user",
                "--group",
                "--org",
                "--run-id",
                "--dag-id",
                "--output",
            )
            for empty in ("", " ")
        ),
    ],
)
def test_a_wrong_word_is_an_error_and_no_empty_export(url, run, options, says):
    fill(url, entry())
    said = run("export", *options)
    assert (said.status, said.out) == (2, "")
    assert says in said.err


def test_another_format_is_refused(run):
    said = run("export", "--format", "xml")
    assert said.status == 2
    assert "invalid choice" in said.err


def test_a_file_is_ours_alone_and_not_replaced_by_mistake(url, run, tmp_path):
    fill(url, entry())
    path = tmp_path / "export.csv"
    assert run("export", "--output", path).status == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text()
    fill(url, entry("bob"))
    refused = run("export", "--output", path)
    assert refused.status == 2
    assert "is there already" in refused.err
    assert path.read_text() == first
    assert run("export", "--output", path, "--force").status == 0
    assert path.read_text().count("\n") == 3


def test_an_export_that_fails_leaves_no_half_file(url, run, tmp_path, monkeypatch):
    fill(url, entry())
    path = tmp_path / "export.csv"

    def interrupted(*_: object) -> Any:
        yield '"id"'
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_provider_okta_ure.commands.action_log.to_text", interrupted)
    assert run("export", "--output", path).status == 130
    assert not path.exists()


# --- a process of its own


def process(home: Path, *options: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start the real command, without a metadata database and with an output that takes ASCII."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/nothing/airflow.db",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONIOENCODING": "ascii",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "airflow", "okta-ure", "action-log", *options],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def test_the_output_is_the_export_alone_also_where_text_is_ascii(tmp_path, connect):
    connect("okta_ure_action_log", conn_type="sqlite", host=str(tmp_path / "x.db"))
    fill(f"sqlite:///{tmp_path}/x.db", entry("zoë"))
    output, errors = (child := process(tmp_path, "export", "--format", "jsonl")).communicate(timeout=60)
    assert child.returncode == 0, errors
    assert json.loads(output)["user_name"] == "zoë@corp.example"


def test_a_reader_that_goes_away_is_no_traceback(tmp_path, connect):
    connect("okta_ure_action_log", conn_type="sqlite", host=str(tmp_path / "x.db"))
    fill(f"sqlite:///{tmp_path}/x.db", *(entry(f"user{number}") for number in range(3000)))
    reader, writer = os.pipe()
    child = process(tmp_path, "export", stdout=writer)
    os.close(writer)
    os.read(reader, 100)
    os.close(reader)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 141, errors
    assert b"Traceback" not in errors
