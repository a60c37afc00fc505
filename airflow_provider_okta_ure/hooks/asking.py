# SPDX-License-Identifier: Apache-2.0
"""
Whether Airflow's API server knows a connection, or could not be asked.

Airflow's own look-up says "not defined" in both cases. What tells them apart is no public interface, so that
its absence changes nothing.
"""

from __future__ import annotations


def may_be_there(conn_id: str) -> bool:
    """Return whether a connection may exist although it was not found: the server did not answer about it."""
    try:
        from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.execution_time.comms import ErrorResponse, GetConnection
    except ImportError:
        return False
    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if comms is None:
        return False  # not in a task
    try:
        answer = comms.send(GetConnection(conn_id=conn_id))
    except AirflowRuntimeError as error:
        answer = error.error
    except Exception:  # noqa: BLE001  # whatever it is, it is no answer
        return True
    return not (isinstance(answer, ErrorResponse) and answer.error is ErrorType.CONNECTION_NOT_FOUND)
