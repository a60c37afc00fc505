# SPDX-License-Identifier: Apache-2.0
"""
How much of the time that many first additions take a worker is held, waiting in the worker and deferred.

``python -m tests.bench.bench_cold_start [--additions 5000] [--limit 300]``

Okta allows so many membership writes a minute; the rest is waiting. Work takes its real time here, and waiting
takes none: the clocks of the client and of the sandbox go forward together instead. Held is the time between the
beginning and the end of ``execute`` and of each resumption, with what is waited inside; free is what is waited
between them, because the trigger asks for it.
"""

from __future__ import annotations

import argparse
import http.client
import inspect
import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.log import configure_logging

from airflow_provider_okta_ure.clients import http as our_http
from airflow_provider_okta_ure.clients import oauth
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator
from tests.bench.bench_pipeline import said
from tests.bench.world import UNLIMITED, Settings, World

BUCKET = "/api/v1/groups"
BOUND = 0.10
#: Real seconds in which others may still do something before the clock goes forward.
LET_OTHERS = 0.002


class Clock:
    """
    The time of the client and of the sandbox, which goes forward when everybody waits; safe for many threads.

    :param url: the sandbox.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._lock = threading.Lock()
        self._waiting: list[float] = []
        self.ahead = 0.0

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic() + self.ahead

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds are over; whoever waits for the earliest moment moves the clock there."""
        until = self.monotonic() + seconds
        with self._lock:
            self._waiting.append(until)
        try:
            while self.monotonic() < until:
                time.sleep(LET_OTHERS)
                with self._lock:
                    if until == min(self._waiting):
                        self._advance(until - self.monotonic())
        finally:
            with self._lock:
                self._waiting.remove(until)

    def _advance(self, seconds: float) -> None:
        if seconds <= 0:
            return
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        headers = {"X-Okta-Ure-Sandbox": "bench", "Content-Type": "application/json"}
        connection.request("POST", "/sandbox/clock/advance", json.dumps({"seconds": seconds}), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(answer.read())
        connection.close()
        self.ahead += seconds


@dataclass
class Spent:
    """Seconds in the worker and outside of it, how often it was given back, and what the task returned."""

    held: float = 0.0
    free: float = 0.0
    deferrals: int = 0
    result: dict[str, Any] = field(default_factory=dict)


def run(clock: Clock, rows: list[dict[str, Any]], **settings: Any) -> Spent:
    """Run the task to its end, like Airflow with a triggerer: a new operator for each resumption."""
    spent = Spent()
    context = _context()
    step: Any = lambda operator: operator.execute(context)  # noqa: E731
    while True:
        operator = OktaAddToGroupOperator(
            task_id="add_to_group",
            rows=rows,
            group_name="At risk",
            create_group=True,
            max_changes=UNLIMITED,
            max_change_percent=100,
            **settings,
        )
        began = clock.monotonic()
        try:
            spent.result = step(operator)
        except TaskDeferred as deferred:
            spent.held += clock.monotonic() - began
            spent.deferrals += 1
            moment: datetime = deferred.trigger.moment
            wait = max(0.0, (moment - datetime.now(tz=timezone.utc)).total_seconds())
            clock.sleep(wait)
            spent.free += wait
            method, kwargs = deferred.method_name, deferred.kwargs or {}
            step = lambda operator, m=method, k=kwargs: operator.resume_execution(m, k, context)  # noqa: E731
        else:
            spent.held += clock.monotonic() - began
            return spent


def measure(additions: int, limit: int, **settings: Any) -> None:
    """Print how long so many additions take and how much of that a worker is held."""
    world_settings = Settings(additions + additions // 10, limits={BUCKET: limit})
    with tempfile.TemporaryDirectory() as folder, World(world_settings) as world:
        os.environ.update(world.connections)
        okta = json.loads(world.connections["AIRFLOW_CONN_OKTA_DEFAULT"])
        okta["extra"]["rate_limit_share"] = 1.0
        os.environ["AIRFLOW_CONN_OKTA_DEFAULT"] = json.dumps(okta)
        os.environ["AIRFLOW_CONN_OKTA_URE_ACTION_LOG"] = f"sqlite:///{Path(folder) / 'log.db'}"
        clock = Clock(world.connections["SANDBOX_OKTA_URL"])
        for module in (our_http, oauth):
            timing: Any = lambda: Timing(sleep=clock.sleep, monotonic=clock.monotonic, now=clock.now)  # noqa: E731
            setattr(module, "Timing", timing)  # noqa: B010
        rows = [{"user": name, "score": 100} for name in world.addable(additions)]
        cpu = time.process_time()
        spent = run(clock, rows, **settings)
        cpu = time.process_time() - cpu
        calls = world.take_calls()
    wall, done = spent.held + spent.free, spent.result["counts"]["done"]
    said(
        f"{done:,} additions at {limit} a minute, {settings or 'as it is by default'}: {wall:,.0f} s, of which a "
        f"worker was held {spent.held:,.0f} s ({spent.held / wall:.1%}; bound when deferrable {BOUND:.0%}); "
        f"given back {spent.deferrals} times; floor {done / limit * 60:,.0f} s; {cpu:.1f} s of CPU; "
        f"{sum(number for (_, status), number in calls.items() if status == 429)} answers 429 (bound 0); "
        f"{calls['member added', 204]:,} calls that add somebody"
    )


def _context() -> dict[str, Any]:
    as_of = datetime.now(tz=timezone.utc) - timedelta(hours=1)
    known = {"dag_id": "bench", "run_id": "cold start", "task_id": "add_to_group", "map_index": -1}
    instance = SimpleNamespace(**known, try_number=1, id=uuid4(), xcom_push=lambda **_: None)
    return {
        "ti": instance,
        "run_id": "cold start",
        "data_interval_end": as_of,
        "logical_date": as_of,
        "dag_run": SimpleNamespace(run_after=as_of, run_type="scheduled", run_id="cold start"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--additions", type=int, default=5000)
    parser.add_argument("--limit", type=int, default=300)
    arguments = parser.parse_args()
    with Path(os.devnull).open("ab") as nowhere:
        configure_logging(json_output=True, output=nowhere)
        measure(arguments.additions, arguments.limit)
        if "deferrable" in inspect.signature(OktaAddToGroupOperator.__init__).parameters:
            measure(arguments.additions, arguments.limit, deferrable=True)


if __name__ == "__main__":
    main()
