"""One try of one task, run by Airflow's own task runner, and everything that it said to the world."""

from __future__ import annotations

import io
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from airflow.sdk import DAG, BaseOperator
from airflow.sdk._shared.secrets_masker import secrets_masker
from airflow.sdk.api.datamodels._generated import DagRun, TaskInstanceState, TIRunContext
from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse, GetVariable, MaskSecret
from airflow.sdk.log import configure_logging, reset_logging

from tests.integration.conftest import NOW
from tests.support.masking import begin_without_secrets

ID = UUID("01999999-0000-7000-8000-000000000000")


class Supervisor:
    """What a task process is connected to: it keeps all that the task says, and knows no Variable."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def send(self, msg: Any) -> ErrorResponse | None:
        # What is to be masked is told in clear, as it has to be; it stays between the two processes.
        if not isinstance(msg, MaskSecret):
            self.said.append(msg)
        return ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND) if isinstance(msg, GetVariable) else None


@dataclass
class TaskRun:
    """
    What one try left behind.

    :param state: how it ended.
    :param log: the task's log as Airflow writes it, masked, at level DEBUG.
    :param said: every message to the supervisor: XComs, rendered templates, links, the final state.
    :param error: what ended it; None = nothing did.
    :param kinds: the names of the kinds of messages.
    :param environment: what was new in the environment, where programs that a task starts would see it.
    """

    state: TaskInstanceState
    log: str
    said: str
    error: BaseException | None
    kinds: set[str] = field(default_factory=set)
    environment: str = ""

    @property
    def story_of_error(self) -> str:
        """The traceback as Python prints it, with all causes and without any masking."""
        return "".join(traceback.format_exception(self.error)) if self.error else ""


@contextmanager
def masked_log() -> Iterator[io.BytesIO]:
    """Send stdlib logging and structlog to one log, in the way of the supervisor, at all levels."""
    output = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        begin_without_secrets(secrets_masker, patch)
        before = structlog.get_config()
        configure_logging(json_output=True, log_level="DEBUG", output=output, cache_logger_on_first_use=False)
        try:
            yield output
        finally:
            reset_logging()  # type: ignore[no-untyped-call]  # Airflow's own has no annotations
            structlog.configure(**before)


def run_task(task: BaseOperator, output: io.BytesIO, monkeypatch: Any) -> TaskRun:
    """
    Run one try of a task.

    :param task: the operator, in no DAG yet.
    :param output: the log, of :func:`masked_log`.
    """
    supervisor = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    before = dict(os.environ)
    instance = _instance(task)
    context = instance.get_template_context()
    log = structlog.get_logger(logger_name="task")
    state, _, error = task_runner.run(instance, context, log)
    task_runner.finalize(instance, state, context, log, error)
    new = {name: text for name, text in os.environ.items() if before.get(name) != text}
    for name in new:
        monkeypatch.delenv(name)
    said = [f"{type(msg).__name__} {msg.model_dump()!r}" for msg in supervisor.said]
    return TaskRun(
        state=state,
        log=output.getvalue().decode(),
        said="\n".join(said),
        error=error,
        kinds={type(msg).__name__ for msg in supervisor.said},
        environment=str(new),
    )


def _instance(task: BaseOperator) -> task_runner.RuntimeTaskInstance:
    dag = DAG(dag_id="canaries", schedule=None, start_date=NOW - timedelta(days=9))
    dag.add_task(task)
    return task_runner.RuntimeTaskInstance.model_construct(
        id=ID,
        task_id=task.task_id,
        dag_id=dag.dag_id,
        run_id="scheduled__1",
        try_number=1,
        map_index=-1,
        dag_version_id=ID,
        hostname="worker",
        context_carrier=None,
        task=task,
        max_tries=3,
        start_date=NOW,
        state=TaskInstanceState.RUNNING,
        is_mapped=False,
        _ti_context_from_server=_server_context(dag.dag_id, NOW),
    )


def _server_context(dag_id: str, now: datetime) -> TIRunContext:
    run: dict[str, Any] = {
        "dag_id": dag_id,
        "run_id": "scheduled__1",
        "logical_date": now - timedelta(days=1),
        "data_interval_start": now - timedelta(days=1),
        "data_interval_end": now,
        "run_after": now,
        "start_date": now,
        "end_date": None,
        "run_type": "scheduled",
        "state": "running",
        "consumed_asset_events": [],
        "partition_key": None,
    }
    return TIRunContext(dag_run=DagRun(**run), max_tries=3, should_retry=True)
