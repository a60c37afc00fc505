# SPDX-License-Identifier: Apache-2.0
"""
How long the page in the UI waits for its answers with a million rows on PostgreSQL.

``python -m tests.bench.bench_page [--rows 1000000] [--url postgresql+psycopg2://...]``

Without a URL it starts a server of its own. Asked are the routes themselves, permissions included: as Airflow
would, but for its own login.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from sqlalchemy import text

from airflow_provider_okta_ure.action_log.log import ActionLog
from tests.support.airflow_security import Visitor
from tests.support.postgres import running

DAYS = 90
NEWEST = datetime.now(tz=timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
REPEATS = 9

# Each day, of all users of the bench: pushes, group actions; of one in twenty something changes, few fail.
_FILL = """
INSERT INTO okta_ure_action_log (
    org, action, target, target_name, user_key, as_of, user_name, user_id, login, started_at, recorded_at,
    dag_id, run_id, task_id, map_index, try_number, source, rule, score, score_level, risk_level,
    previous_risk_level, status, reason, message, request_id, jti, approved_by, confirmation, log_event_id)
SELECT
    'https://acme.okta.com', a.action, a.target, a.target_name,
    CASE WHEN a.target_name = '' THEN 'user' || u || '@corp.example' ELSE '00u' || u END,
    d.day, 'User' || u || '@corp.example', '00u' || u, 'user' || u || '@corp.example', d.day, d.day,
    CASE WHEN u % 50 = 0 THEN 'okta_watchlist' ELSE 'okta_risk_sync' END,
    'scheduled__' || d.day, a.action, -1, 1, 'netskope_default', 'score <= 500', s.score,
    CASE WHEN s.score <= 250 THEN 'critical' WHEN s.score <= 500 THEN 'high' ELSE 'medium' END,
    CASE WHEN s.score <= 500 THEN 'high' WHEN s.score <= 750 THEN 'medium' ELSE 'low' END, 'low',
    CASE WHEN s.dice < 5 THEN 'done' WHEN s.dice < 6 THEN 'skipped'
         WHEN s.dice = 6 AND u % 20 = 0 THEN 'failed' ELSE 'unchanged' END,
    CASE WHEN s.dice < 5 THEN '' WHEN s.dice < 6 THEN 'superseded'
         WHEN s.dice = 6 AND u % 20 = 0 THEN 'user_not_in_okta' ELSE 'same_level' END,
    '', '', '', '', CASE WHEN s.dice < 5 AND a.target_name = '' THEN 'confirmed' ELSE '' END, ''
FROM generate_series(0, :days - 1) AS n,
    LATERAL (SELECT CAST(:newest AS timestamptz) - n * interval '1 day' AS day) AS d,
    generate_series(1, :users) AS u,
    (VALUES ('push_risk', 'https://risk.corp.example', ''), ('add_to_group', '00gRISK', 'At risk'))
        AS a (action, target, target_name),
    LATERAL (SELECT (u * 7919 + n * 104729) % 1001 AS score, (u * 31 + n * 17) % 100 AS dice) AS s
"""


def requests() -> dict[str, str]:
    """Return what the page asks, by name."""
    week = (NEWEST - timedelta(days=7)).isoformat()
    quarter = (NEWEST - timedelta(days=DAYS)).isoformat()
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "filters": ("filters", {}),
        "overview, 7 days": ("overview", {"since": week}),
        "overview, 90 days": ("overview", {"since": quarter}),
        "overview, 90 days, one DAG": ("overview", {"since": quarter, "dag_id": "okta_risk_sync"}),
        "actions, newest": ("actions", {}),
        "actions, oldest first": ("actions", {"sort": "as_of"}),
        "actions, failed": ("actions", {"status": "failed"}),
        "actions, rare reason": ("actions", {"reason": "user_not_in_okta"}),
        "actions, high, 7 days": ("actions", {"risk_level": "high", "since": week}),
        "actions, group": ("actions", {"group": "At risk", "action": "add_to_group"}),
        "actions, one run": ("actions", {"run_id": f"scheduled__{NEWEST:%Y-%m-%d %H:%M:%S}+00"}),
        "actions, one user": ("actions", {"user": "user4711@"}),
        "actions, many users": ("actions", {"user": "user4"}),
        "actions, nobody": ("actions", {"user": "no such user"}),
        "people, few letters": ("people", {"q": "use"}),
        "people, exact": ("people", {"q": "user4711@corp"}),
        "people, nobody": ("people", {"q": "xyz"}),
        "person": ("person", {"user_name": "User4711@corp.example"}),
    }
    return {name: f"/api/{path}?{urlencode(params)}" for name, (path, params) in asked.items()}


def fill(log: ActionLog, rows: int) -> float:
    """Fill the log, and return how many seconds counting one moment takes in the middle."""
    with log.database.writing() as connection:
        connection.execute(text(_FILL), {"days": DAYS, "newest": NEWEST, "users": rows // (2 * DAYS)})
        connection.execute(
            text("INSERT INTO okta_ure_moments SELECT DISTINCT as_of, true FROM okta_ure_action_log")
        )
    began = time.perf_counter()
    log.summarise()
    seconds = (time.perf_counter() - began) / DAYS
    with log.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return seconds


@contextmanager
def visitor(url: str) -> Iterator[Visitor]:
    """Yield somebody who may see everything, at an application with this log."""
    from airflow_provider_okta_ure.plugin import access, api_routes
    from airflow_provider_okta_ure.plugin.app import app
    from airflow_provider_okta_ure.plugin.store import Store

    class Everything(access.Reader):
        def readable(self, dag_ids: Any) -> list[str]:
            return list(dag_ids)

    api_routes.store = Store(lambda: url)
    app.dependency_overrides[access.reader] = lambda: Everything(None)
    mounted = FastAPI()
    mounted.mount("/okta-ure", app)
    yield Visitor(mounted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty database of PostgreSQL")
    options = parser.parse_args()
    with running() as server:
        url = options.url or server.new_database()
        log = ActionLog.open(url)
        print(f"counting one moment: {fill(log, options.rows) * 1000:.0f} ms")
        with log.database.reading() as connection:
            number = connection.execute(text("SELECT count(*) FROM okta_ure_action_log")).scalar_one()
        print(f"{number} rows, {DAYS} days, median of {REPEATS}:")
        with visitor(url) as somebody:
            for name, path in requests().items():
                taken, size = [], 0
                for _ in range(REPEATS):
                    began = time.perf_counter()
                    answer = somebody.get(f"/okta-ure{path}")
                    taken.append((time.perf_counter() - began) * 1000)
                    assert answer.status_code == 200, answer.text
                    size = len(answer.content)
                print(f"{name:30} {statistics.median(taken):6.0f} ms  (worst {max(taken):.0f}; {size} bytes)")
        log.close()


if __name__ == "__main__":
    main()
