# SPDX-License-Identifier: Apache-2.0
"""What every operator needs to know of its run, and how an error of ours ends a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError
from airflow_provider_okta_ure.operators.identities import names_for_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


def as_of_run(context: Context) -> datetime:
    """
    Return the moment a run speaks for: the end of its data interval, in UTC.

    A manual run without a logical date and an asset-triggered run have no data interval; they speak for
    the moment they were due. That moment stays the same when the task is retried or cleared, which the
    clock does not.

    :raises ConfigurationError: the run has no moment at all.
    """
    dag_run = context.get("dag_run")
    moments = (
        context.get("data_interval_end"),
        context.get("logical_date"),
        getattr(dag_run, "run_after", None),
    )
    for moment in moments:
        if isinstance(moment, datetime):
            # A plain datetime: Airflow's own subclass would travel through XCom differently.
            return datetime.fromtimestamp(moment.timestamp(), tz=timezone.utc)
    raise ConfigurationError(
        "This run has neither a data interval nor a logical date nor a time it was due.",
        remedy="Run the task as part of a DAG run.",
    )


def to_flag(value: object, argument: str) -> bool:
    """
    Return the truth value of an argument that may come from a template.

    :raises ConfigurationError: it is neither true nor false.
    """
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "false"):
        return text == "true"
    raise ConfigurationError(f"{argument} is {value!r}.", remedy="Use true or false.")


def to_text(value: object, argument: str) -> str | None:
    """
    Return the text of an argument that may come from a template; None stays None.

    :raises ConfigurationError: native rendering made something else of it, such as a number of ``1e5``.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ConfigurationError(
        f"{argument} is {value!r}, which is no text.",
        remedy="Leave out render_template_as_native_obj, or quote the value.",
    )


@contextmanager
def failing_for_good() -> Iterator[None]:
    """
    Let an error that another try cannot mend fail the task without retries.

    The one place that decides: errors that know themselves as ``retryable`` pass, so that Airflow's
    ``retries`` apply. No error shows a name that must not be in a task log.
    """
    names = names_for_errors()
    names.quieten_libraries()
    try:
        yield
    except OktaUreError as error:
        names.hide_in(error)
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error
