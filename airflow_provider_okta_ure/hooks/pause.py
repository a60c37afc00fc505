# SPDX-License-Identifier: Apache-2.0
"""
The pause switch: the Airflow Variable ``okta_ure_paused``.

Airflow says "not there" also of a Variable that could not be read: it logs the error and goes on. So every
place that may hold it is asked by itself before. What does so is no public interface of Airflow, so that its
absence changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause
from airflow_provider_okta_ure.errors import PauseUnknownError


def read_pause() -> Pause | None:
    """
    Return who has stopped all writes, since when and why; None = nobody has.

    One place that says "paused" is enough: a worker's environment cannot switch it off that is on in the
    UI.

    :raises PauseUnknownError: it cannot be read, so nothing may be written.
    """
    try:
        _forget_cached()
        for value in _values():
            pause = Pause.read(value)
            if pause is not None:
                return pause
    except PauseUnknownError:
        raise
    except Exception as error:  # noqa: BLE001  # a secrets backend is anybody's code; its words may hold a secret
        raise _unknown(type(error).__name__) from None
    return None


def _values() -> Iterator[str | None]:
    """Yield the value of the Variable in each place that may hold it; None = it is not there."""
    from airflow.sdk import Variable

    yield from _values_one_by_one()
    yield Variable.get(VARIABLE, default=None)


def _values_one_by_one() -> Iterator[str | None]:
    try:
        from airflow.sdk.execution_time.secrets.execution_api import ExecutionAPISecretsBackend
        from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded
    except ImportError:
        return
    for backend in ensure_secrets_backend_loaded():
        if isinstance(backend, ExecutionAPISecretsBackend):
            # It swallows errors itself.
            yield _value_at_server()
        else:
            yield backend.get_variable(key=VARIABLE)


def _value_at_server() -> str | None:
    """
    Return the value that Airflow's API server has.

    :raises PauseUnknownError: it did not say, not even that there is none.
    """
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse, GetVariable, VariableResult

    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if comms is None:
        return None  # not in a task
    answer: Any
    try:
        answer = comms.send(GetVariable(key=VARIABLE))
    except AirflowRuntimeError as error:
        answer = error.error
    if isinstance(answer, VariableResult):
        return answer.value
    if isinstance(answer, ErrorResponse) and answer.error is ErrorType.VARIABLE_NOT_FOUND:
        return None
    raise _unknown(answer.error.name if isinstance(answer, ErrorResponse) else type(answer).__name__)


def _forget_cached() -> None:
    """Forget what Airflow keeps for minutes, where it keeps values at all: the switch works at once."""
    try:
        from airflow.sdk.execution_time.cache import SecretCache
    except ImportError:
        return
    SecretCache.invalidate_variable(VARIABLE)


def _unknown(why: str) -> PauseUnknownError:
    return PauseUnknownError(
        f"The Airflow Variable {VARIABLE}, which pauses all writes, cannot be read: {why}."
    )
