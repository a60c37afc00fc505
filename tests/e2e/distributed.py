# SPDX-License-Identifier: Apache-2.0
"""Airflow on several workers: CeleryExecutor, Redis, and PostgreSQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from demo.airflow_instance import AirflowInstance
from demo.processes import Children, free_port
from tests.support import redis

if TYPE_CHECKING:
    from tests.support.postgres import Server

WORKERS = ("worker-1", "worker-2")
LOST_AFTER = 20
"""Seconds without a heartbeat after which Airflow takes a task for lost; its default is 300."""


class SeveralWorkers:
    """
    An Airflow whose tasks run on Celery workers, each a tree of processes of its own.

    :param airflow: the other processes.
    """

    def __init__(self, airflow: AirflowInstance) -> None:
        self.airflow = airflow
        # Apart from the others, of which none may end.
        self._workers = Children(airflow.home / "workers")

    def start(self) -> None:
        """Start everything; the workers take their first tasks as soon as they are ready."""
        self.airflow.start(print)
        for name in WORKERS:
            environment = {
                **self.airflow.environment,
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            }
            command = [sys.executable, "-m", "airflow", "celery", "worker", "--celery-hostname", f"{name}@%h"]
            self._workers.start(name, command, environment)

    def stop(self) -> None:
        """End everything."""
        self._workers.stop()
        self.airflow.stop()

    def begin(self, dag_id: str, days: Sequence[datetime]) -> None:
        """Begin with the runs of some days, one after the other."""
        self.airflow.wait_for_dag(dag_id)
        self.airflow.backfill(dag_id, days[0], days[-1], {})
        # Only now: unpaused before, the DAG would start a run of yesterday besides.
        self.airflow.unpause(dag_id)

    def end(self, dag_id: str, days: Sequence[datetime], seconds: float) -> list[str]:
        """Return the ids of these runs when all of them have succeeded."""
        ids = []
        for number in range(len(days)):
            self.airflow.until(
                lambda number=number: len(self.airflow.runs(dag_id, "backfill")) > number,  # type: ignore[misc]
                60,
                "Airflow did not start the backfill",
            )
            run_id = self.airflow.runs(dag_id, "backfill")[number]["dag_run_id"]
            self.airflow.wait_for_run(dag_id, run_id, seconds)
            ids.append(run_id)
        return ids

    def tries(self, dag_id: str, run_id: str, task_id: str) -> list[dict[str, Any]]:
        """Return the newest try of each part of a mapped task."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/listMapped"
        instances: list[dict[str, Any]] = self.airflow.request("GET", path)["task_instances"]
        return instances

    def process_of(self, dag_id: str, task_id: str, part: int) -> int:
        """Return the number of the process that runs a part of a mapped task now."""
        (run,) = (run for run in self.airflow.runs(dag_id, "backfill") if run["state"] == "running")
        (one,) = (one for one in self.tries(dag_id, run["dag_run_id"], task_id) if one["map_index"] == part)
        process: int = one["pid"]
        return process

    def kill_worker_of(self, process: int) -> None:
        """Kill the worker that runs a task."""
        self._workers.kill(process)


@contextmanager
def several_workers(home: Path, dags: Path, postgres: Server) -> Iterator[SeveralWorkers]:
    """Yield such an Airflow; skip the test, saying why, where a server program is missing."""
    with ExitStack() as stack:
        broker = stack.enter_context(redis.running())
        database = postgres.new_database()
        settings = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            # As docs/scale.md shows; both workers have the folder, as they would have a bucket.
            "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"file://{home}/xcom",
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "10000",
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_COMPRESSION": "gzip",
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "3600",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(LOST_AFTER),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        }
        running = SeveralWorkers(AirflowInstance(home, dags, free_port(), settings))
        try:
            running.start()
            yield running
        finally:
            running.stop()


def connection_to(url: str) -> dict[str, Any]:
    """Return the fields of the connection to an action log in a PostgreSQL database."""
    at = make_url(url)
    return {
        "conn_type": "postgres",
        "host": f"{at.host}:{at.port}",
        "login": at.username,
        "schema": at.database,
    }
