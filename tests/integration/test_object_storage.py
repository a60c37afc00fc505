# SPDX-License-Identifier: Apache-2.0
"""The main DAG with Airflow's XCom backend for large values: rows are files, and Okta is as it should be."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.operators.rules import RiskFilterOperator
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.integration.conftest import context_of

ROOT = Path(__file__).parents[2]
SETTINGS = re.search(r"^```ini\n(.*?)^```", (ROOT / "docs" / "scale.md").read_text(), re.S | re.M)
USERS = 300
THRESHOLD = 1000

# A process of its own, because Airflow reads these settings once.
RUN = """
import json, runpy, sys
run = runpy.run_path(sys.argv[1])["dag"].test(run_conf=json.loads(sys.argv[2]))
print(run.state)
"""


@pytest.fixture
def world() -> Iterator[Sandbox]:
    with Sandbox(users=USERS, seed=7) as running:
        yield running


def documented(**others: str) -> dict[str, str]:
    """Return the settings of docs/scale.md as environment variables, some with another value."""
    parser = ConfigParser()
    assert SETTINGS is not None
    parser.read_string(SETTINGS[1])
    found = {
        f"AIRFLOW__{section.upper().replace('.', '_')}__{option.upper()}": others.pop(option, value)
        for section in parser.sections()
        for option, value in parser[section].items()
    }
    assert others == {}
    return found


def environment(home: Path, world: Sandbox) -> dict[str, str]:
    """Return where a real Airflow of our own is, with the settings of the document for a folder of it."""
    services = {
        "okta_default": {"conn_type": "okta", "host": world.okta_url, "password": world.okta_token},
        "netskope_default": {
            "conn_type": "netskope",
            "host": world.netskope_url,
            "password": world.netskope_token,
        },
        "okta_ure_action_log": {"conn_type": "sqlite", "host": str(home / "action_log.db")},
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        **documented(
            xcom_objectstorage_path=f"file://{home}/xcom", xcom_objectstorage_threshold=str(THRESHOLD)
        ),
        **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in services.items()},
    }


def run(*arguments: str, settings: dict[str, str]) -> str:
    """Run a Python of these arguments and return the last line that it prints."""
    done = subprocess.run(
        [sys.executable, *arguments], env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_the_main_dag_runs_with_rows_in_object_storage(tmp_path: Path, world: Sandbox):
    settings = environment(tmp_path, world)
    run("-m", "airflow", "db", "migrate", settings=settings)
    conf = {"dry_run": False, "signals": "off", "group": "Risky", "max_change_percent": 100}
    file_of_dag = str(ROOT / "dags" / "okta_risk_sync.py")
    assert run("-c", RUN, file_of_dag, json.dumps(conf), settings=settings) == "success"

    with closing(sqlite3.connect(tmp_path / "airflow.db")) as connection:
        query = "SELECT task_id, value FROM xcom WHERE key = 'return_value'"
        stored = {task_id: json.loads(value) for task_id, value in connection.execute(query)}
    rows = {
        task_id: json.loads(gzip.decompress(Path(urlsplit(stored[task_id]).path).read_bytes()))
        for task_id in ("fetch_scores", "filter_at_risk", "map_levels")
    }
    assert max(len(json.dumps(value)) for value in stored.values()) < THRESHOLD
    assert len(rows["fetch_scores"]) >= len(rows["filter_at_risk"]) == len(rows["map_levels"]) > 5

    group = world.okta.find_group("Risky")
    assert group is not None
    members = {world.okta.user(one).login.lower() for one in world.okta.members(group.id)}
    at_risk = {row["user"].lower() for row in rows["fetch_scores"] if (row.get("score") or 1000) <= 500}
    assert len(members) > 5
    assert members <= at_risk


@pytest.mark.parametrize("rule", ["score <= 500", "score > 600"])
def test_a_file_that_is_gone_is_an_error_and_not_an_empty_list(rule: str):
    # What the backend returns then: the value that is stored in the database.
    gone = "file:///srv/xcom/okta_risk_sync/manual__1/fetch_scores/1.gz"
    with pytest.raises(AirflowFailException, match="rows"):
        RiskFilterOperator(task_id="filter", rows=gone, rule=rule).execute(context_of())  # type: ignore[arg-type]
