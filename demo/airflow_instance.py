# SPDX-License-Identifier: Apache-2.0
"""A real Airflow of our own: SQLite, LocalExecutor, a known login, talked to by its REST API."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from demo.processes import Children, DemoError, free_port

LOGIN = "admin"
PASSWORD = "admin"  # noqa: S105  # shown to everybody: this Airflow listens on loopback only
APPROVER = "approver"
"""Another user, with their name as the password: whoever triggers a run cannot approve it."""

_PASSWORDS = {LOGIN: PASSWORD, APPROVER: APPROVER, "viewer": "viewer"}
_END_STATES = ("success", "failed")


class AirflowInstance:
    """
    One Airflow with its processes and its home folder.

    :param home: the folder that becomes AIRFLOW_HOME; made when it is missing.
    :param dags: the folder with the DAG files.
    :param port: where the UI and the API listen.
    :param settings: further environment variables, such as ``AIRFLOW__CORE__PARALLELISM``.
    """

    def __init__(self, home: Path, dags: Path, port: int, settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**_environment(home, dags, port), **(settings or {})}
        self.children = Children(home / "processes")
        self._api = requests.Session()
        # A proxy of the machine must not get between us and loopback.
        self._api.trust_env = False

    def start(self, say: Callable[[str], None]) -> None:
        """
        Make the database, start all processes and return when they are healthy.

        :raises DemoError: a process ended or did not become healthy.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(_PASSWORDS))
        say("Airflow: making its database")
        self._migrate()
        say("Airflow: starting api-server, scheduler, dag-processor and triggerer")
        for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
            self.children.start(name, [*_AIRFLOW, name], self.environment)
        self.until(self._is_healthy, 120, "Airflow did not become healthy")
        self._sign_in()

    def stop(self) -> None:
        """End all processes."""
        self._api.close()
        self.children.stop()

    def request(self, method: str, path: str, *, user: str = LOGIN, **arguments: Any) -> Any:
        """
        Call the REST API as a user and return the decoded answer.

        :raises DemoError: Airflow refused.
        """
        if user != LOGIN:
            arguments["headers"] = {"Authorization": self._token_of(user)}
        answer = self._api.request(method, f"{self.url}/api/v2{path}", timeout=30, **arguments)
        if not answer.ok:
            raise DemoError(f"Airflow refused {method} {path}: HTTP {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def add_connection(self, conn_id: str, **fields: Any) -> None:
        """Store a connection, so that it can be seen and tested in the UI."""
        extra = json.dumps(fields.pop("extra", {}))
        # The port apart, because Airflow's "Test Connection" refuses a stored connection without one.
        host, _, port = fields.pop("host").rpartition(":")
        stored = {"connection_id": conn_id, "extra": extra, "host": host, "port": int(port), **fields}
        self.request("POST", "/connections", json=stored)

    def wait_for_dag(self, dag_id: str, seconds: float = 60) -> None:
        """
        Return when Airflow has read the file of a DAG.

        :raises DemoError: it did not within the time, or the file cannot be imported.
        """

        def is_there() -> bool:
            errors = self.request("GET", "/importErrors")["import_errors"]
            if errors:
                raise DemoError(f"A DAG file cannot be imported:\n{errors[0]['stack_trace']}")
            return self._api.get(f"{self.url}/api/v2/dags/{dag_id}", timeout=30).ok

        self.until(is_there, seconds, f"Airflow did not find the DAG {dag_id}")

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a manual run without logical date and return its id."""
        run = self.request(
            "POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": dict(conf or {})}
        )
        run_id: str = run["dag_run_id"]
        return run_id

    def backfill(self, dag_id: str, start: datetime, end: datetime, conf: Mapping[str, Any]) -> int:
        """
        Start a backfill, one run at a time from old to new, and return its id.

        On SQLite Airflow answers 503 when the scheduler writes in the same moment, and may leave a backfill
        without runs behind, which blocks the next; so that one is cancelled before another try.
        """
        wanted = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "dag_run_conf": dict(conf),
            "max_active_runs": 1,
            "reprocess_behavior": "none",
            "run_backwards": False,
        }
        for _ in range(_TRIES_ON_SQLITE):
            try:
                backfill_id: int = self.request("POST", "/backfills", json=wanted)["id"]
            except DemoError as error:  # noqa: PERF203  # a few rounds
                # 409: cancelling what the try before left behind met the lock, too.
                if not any(said in str(error) for said in ("Database is locked", "HTTP 409")):
                    raise
                time.sleep(0.5)
                self._cancel_backfills(dag_id)
            else:
                return backfill_id
        raise DemoError(f"Airflow's database was locked {_TRIES_ON_SQLITE} times in a row; try again.")

    def runs(self, dag_id: str, run_type: str | None = None) -> list[dict[str, Any]]:
        """Return the runs of a DAG, the earliest due first."""
        query: dict[str, Any] = {"limit": 100, "order_by": "run_after"}
        if run_type:
            query["run_type"] = run_type
        runs: list[dict[str, Any]] = self.request("GET", f"/dags/{dag_id}/dagRuns", params=query)["dag_runs"]
        return runs

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float) -> dict[str, Any]:
        """
        Return a run when it has ended.

        :raises DemoError: it did not end in time, or it failed.
        """
        self.until(
            lambda: self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"] in _END_STATES,
            seconds,
            f"The run {run_id} of {dag_id} did not end",
        )
        run: dict[str, Any] = self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        if run["state"] == "failed":
            tasks = self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
            failed = ", ".join(task["task_id"] for task in tasks if task["state"] == "failed")
            raise DemoError(f"The run {run_id} of {dag_id} failed in: {failed}. Logs: {self.home / 'logs'}")
        return run

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what a task handed over."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        value = self.request("GET", path, params={"deserialize": "false"})["value"]
        return json.loads(value) if isinstance(value, str) else value

    def until(self, is_so: Callable[[], bool], seconds: float, otherwise: str) -> None:
        """
        Return as soon as something is so.

        :param otherwise: what to say when it is not in time.
        :raises DemoError: it is not in time, or a process of Airflow ended.
        """
        deadline = time.monotonic() + seconds
        while not _if_answered(is_so):
            self.children.check()
            if time.monotonic() > deadline:
                raise DemoError(f"{otherwise} within {seconds:.0f} s. Output: {self.home / 'processes'}")
            time.sleep(0.5)

    def _cancel_backfills(self, dag_id: str) -> None:
        """Cancel what is not completed, as far as the database can be written; else the next try will."""
        for one in self.request("GET", "/backfills", params={"dag_id": dag_id})["backfills"]:
            if one["completed_at"] is None:
                self._api.put(f"{self.url}/api/v2/backfills/{one['id']}/cancel", timeout=30)

    def _migrate(self) -> None:
        done = subprocess.run(
            [*_AIRFLOW, "db", "migrate"], env=self.environment, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise DemoError(
                f"Airflow could not make its database:\n{done.stderr.decode(errors='replace')[-2000:]}"
            )

    def _is_healthy(self) -> bool:
        try:
            health = self._api.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except requests.RequestException:
            return False
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def _sign_in(self) -> None:
        self._api.headers["Authorization"] = self._token_of(LOGIN)

    def _token_of(self, user: str) -> str:
        said = {"username": user, "password": _PASSWORDS[user]}
        answer = self._api.post(f"{self.url}/auth/token", json=said, timeout=30)
        answer.raise_for_status()
        return f"Bearer {answer.json()['access_token']}"


def _if_answered(is_so: Callable[[], bool]) -> bool:
    """Return whether something is so; not yet, when a busy API server takes too long to tell."""
    try:
        return is_so()
    except requests.Timeout:
        return False


_TRIES_ON_SQLITE = 10
_AIRFLOW = (sys.executable, "-m", "airflow")


def _environment(home: Path, dags: Path, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **inherited,
        # The scheduler starts further `airflow` processes by name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__FERNET_KEY": _fernet_key(home),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin,{APPROVER}:user,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(48),
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _fernet_key(home: Path) -> str:
    """Return the key that the database of this home is encrypted with, making it the first time."""
    from cryptography.fernet import Fernet

    kept = home / "fernet.key"
    if not kept.exists():
        home.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_bytes(Fernet.generate_key())
    return kept.read_text()
