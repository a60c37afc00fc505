# SPDX-License-Identifier: Apache-2.0
"""
One task of a DAG in a process of its own, forked like Airflow's own from one that has imported Airflow.

What is measured is the task's alone: its CPU, the highest memory it had (Airflow included), what it handed over,
and the rows that it wrote to the action log. Waiting for a rate limit takes no time: it is only counted.
"""

from __future__ import annotations

import cProfile
import json
import os
import re
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

# Imported before the fork, as Airflow's supervisor has it.
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.log import configure_logging
from sqlalchemy import Engine, event

DAGS = Path(__file__).parents[2] / "dags"
_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(okta_ure_\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Job:
    """
    A task of a run.

    :param as_of: the end of the data interval, or the present time of a manual run, which has none.
    :param xcom: the folder where tasks leave what they hand over.
    :param label: names the run in files, also when the run is cleared and done again.
    :param profile: where to write a profile; None = nowhere.
    """

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    as_of: datetime
    is_manual: bool
    params: dict[str, Any]
    xcom: Path
    label: str
    profile: Path | None = None


@dataclass
class Measured:
    """
    What a task cost.

    :param start_cpu: seconds of CPU until the DAG file was parsed, our imports included.
    :param cpu: seconds of CPU from then on, XCom included.
    :param wall: seconds, without ``waited``.
    :param waited: seconds that rate limits would have asked to wait.
    :param peak_mb: the most memory the process had, Airflow included.
    :param start_mb: the same before the task began.
    :param xcom_bytes: the size of what it handed over.
    :param rows: how many rows that were; None = it was no list.
    :param written: rows that statements wrote, by table of the action log.
    """

    start_cpu: float = 0.0
    cpu: float = 0.0
    wall: float = 0.0
    waited: float = 0.0
    peak_mb: float = 0.0
    start_mb: float = 0.0
    xcom_bytes: int = 0
    rows: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    error: str = ""


def run_task(job: Job) -> Measured:
    """Run a task in a process of its own and return what it cost; RuntimeError when it failed."""
    said = job.xcom / f"{job.label}.{job.task_id}.measured"
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _in_child(job, said)
    os.waitpid(child, 0)
    measured = Measured(**json.loads(said.read_text()))
    if measured.error:
        raise RuntimeError(f"{job.label} {job.task_id}:\n{measured.error}")
    return measured


def _in_child(job: Job, said: Path) -> None:
    measured = Measured()
    try:
        with (job.xcom / f"{job.label}.{job.task_id}.log").open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            configure_logging(json_output=True, output=log)
            _measure(job, measured)
    except BaseException:  # noqa: BLE001 - the parent reports it
        measured.error = traceback.format_exc()
    finally:
        said.write_text(json.dumps(asdict(measured)))
        # No handlers of the parent's.
        os._exit(0)


def _measure(job: Job, measured: Measured) -> None:
    waits = _without_waiting()
    written = _written_rows()
    task = _task(job)
    measured.start_mb, measured.start_cpu = peak_mb(), _cpu()
    began = time.monotonic()
    profile = cProfile.Profile() if job.profile else None
    if profile:
        profile.enable()
    result = _execute(job, task)
    if profile and job.profile:
        profile.disable()
        profile.dump_stats(job.profile / f"{job.label}.{job.task_id}.prof")
    measured.wall, measured.cpu = time.monotonic() - began, _cpu() - measured.start_cpu
    measured.waited, measured.peak_mb = waits.seconds, peak_mb()
    measured.written = dict(written)
    measured.xcom_bytes = (job.xcom / f"{job.task_id}.json").stat().st_size
    measured.rows = len(result) if isinstance(result, list) else None
    if isinstance(result, dict):
        measured.counts = {**result.get("counts", {}), **result.get("reasons", {})}


def _task(job: Job) -> Any:
    bag = DagBag(str(DAGS / f"{job.dag_id}.py"))
    if bag.import_errors:
        raise RuntimeError(bag.import_errors)
    return bag.dags[job.dag_id].get_task(job.task_id).prepare_for_execution()


def _execute(job: Job, task: Any) -> Any:
    context = _context(job, task)
    context["params"] = {**dict(task.dag.params), **job.params}
    for name in task.template_fields:
        setattr(task, name, _value(task, getattr(task, name), context))
    result = task.execute(context)
    plain = BaseXCom.serialize_value(
        result, key="return_value", task_id=job.task_id, dag_id=job.dag_id, run_id=job.run_id, map_index=-1
    )
    (job.xcom / f"{job.task_id}.json").write_text(json.dumps(plain))
    return result


def _value(task: Any, value: Any, context: dict[str, Any]) -> Any:
    if hasattr(value, "operator"):  # the output of another task
        return value.resolve(context)
    if isinstance(value, dict):
        return {name: _value(task, one, context) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_value(task, one, context) for one in value)
    return task.render_template(value, context)


class _TaskInstance(SimpleNamespace):
    """What is asked of a task instance."""

    folder: Path

    def xcom_pull(self, task_ids: str, **_: Any) -> Any:
        """Return what another task handed over."""
        found = SimpleNamespace(
            key="return_value", value=json.loads((self.folder / f"{task_ids}.json").read_text())
        )
        return BaseXCom.deserialize_value(found)

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Keep nothing: only what a task returns is handed over here."""


def _context(job: Job, task: Any) -> dict[str, Any]:
    known = {"dag_id": job.dag_id, "run_id": job.run_id, "task_id": job.task_id, "map_index": -1}
    interval_end = None if job.is_manual else job.as_of
    instance = _TaskInstance(**known, try_number=job.try_number, id=uuid4(), folder=job.xcom)
    return {
        "ti": instance,
        "task_instance": instance,
        "task": task,
        "dag": task.dag,
        "run_id": job.run_id,
        "data_interval_end": interval_end,
        "logical_date": interval_end,
        "dag_run": SimpleNamespace(
            run_after=job.as_of, run_type="manual" if job.is_manual else "scheduled", run_id=job.run_id
        ),
        "outlet_events": _Events(),
    }


class _Events(dict[Any, Any]):
    def __missing__(self, key: Any) -> Any:
        return self.setdefault(key, SimpleNamespace(extra={}))


class _Waits:
    """Waits of the clients that take no time: their own clock goes forward instead."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self.seconds


def _without_waiting() -> _Waits:
    """Let waits of the clients take no time; return where they are counted."""
    from airflow_provider_okta_ure.clients import http, oauth
    from airflow_provider_okta_ure.clients.retries import Timing

    waits = _Waits()

    def timing() -> Timing:
        return Timing(sleep=waits.sleep, monotonic=waits.monotonic)

    replaced: Any = timing
    for module in (http, oauth):
        setattr(module, "Timing", replaced)  # noqa: B010 - a type checker refuses another kind of class
    return waits


def _written_rows() -> Counter[str]:
    """Return a count, by table, of the rows that statements of this process write from now on."""
    written: Counter[str] = Counter()

    def note(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        match = _WRITTEN.match(statement)
        if match and cursor.rowcount > 0:
            written[match[1]] += cursor.rowcount

    event.listen(Engine, "after_cursor_execute", note)
    return written


def peak_mb() -> float:
    """Return the most memory that this process had, in MB; that of its parent does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM.")


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system
