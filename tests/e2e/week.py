# SPDX-License-Identifier: Apache-2.0
"""Seven days back-filled and today, for real, so that the page has something to show."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.keys import new_signing_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox
    from demo.airflow_instance import AirflowInstance

DAYS = 7
DAG_ID = "risk_week"
GROUP = "Netskope at risk"
ODD = "odd_names"


@dataclass(frozen=True)
class Week:
    """
    What happened, as the action log itself tells it.

    :param action_log: the SQLite file.
    :param run_id: the run of today, the newest of all.
    """

    action_log: Path
    run_id: str

    def ask(self, columns: str, rest: str, *values: Any) -> list[Any]:
        """Return what SQL says of the log; a row of one column is its value."""
        query = f"select {columns} from okta_ure_action_log {rest}"  # noqa: S608  # by the tests themselves
        with closing(sqlite3.connect(f"file:{self.action_log}?mode=ro", uri=True)) as connection:
            rows = connection.execute(query, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def count(self, where: str, *values: Any, of: str = "count(*)") -> int:
        """Return how many entries there are, or another number of them."""
        (number,) = self.ask(of, f"where {where}", *values)
        return int(number)


def live_through_a_week(airflow: AirflowInstance, acme: Sandbox) -> Week:
    """Let the DAGs of the tests run, one day after the other, and today at the end."""
    _connect(airflow, acme)
    airflow.wait_for_dag(DAG_ID)
    today = datetime.now(tz=timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    airflow.backfill(DAG_ID, today - timedelta(days=DAYS), today - timedelta(days=1), {})
    # Only now: unpaused before, the DAG would start its own run of yesterday.
    airflow.unpause(DAG_ID)
    airflow.unpause(ODD)
    for day in range(DAYS):
        _finish(airflow, day)
    _something_fails(airflow, acme)
    run_id = airflow.trigger(DAG_ID)
    airflow.wait_for_run(DAG_ID, run_id, 180)
    return Week(airflow.home / "okta_ure_action_log.db", run_id)


def _connect(airflow: AirflowInstance, acme: Sandbox) -> None:
    key = new_signing_key()
    extra = {
        "issuer": "https://risk.corp.example",
        "jwks_url": acme.publish_jwks(key.jwks),
        "signing_private_key": key.pem,
        "allow_private_jwks_url": True,
    }
    airflow.add_connection(
        "okta_acme", conn_type="okta", host=acme.okta_url, password=acme.okta_token, extra=extra
    )
    airflow.add_connection(
        "netskope_acme", conn_type="netskope", host=acme.netskope_url, password=acme.netskope_token
    )


def _finish(airflow: AirflowInstance, day: int) -> None:
    deadline = time.monotonic() + 60
    while len(runs := airflow.runs(DAG_ID, "backfill")) <= day:
        assert time.monotonic() < deadline, "Airflow did not start the back-fill"
        time.sleep(0.2)
    airflow.wait_for_run(DAG_ID, runs[day]["dag_run_id"], 180)


def _something_fails(airflow: AirflowInstance, acme: Sandbox) -> None:
    refused = next(user for user in acme.okta.users if user.status == "ACTIVE")
    acme.fail_next(service="okta", status=400, method="PUT", path_prefix="/api/v1/groups/")
    run_id = airflow.trigger(ODD, {"refused": refused.login})
    airflow.wait_for_run(ODD, run_id, 120)
