# SPDX-License-Identifier: Apache-2.0
"""What every operator needs to know of its run, and how an error of ours ends a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.as_of import AsOf, RunTimes, choose_as_of, refuse_future
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError, RowError
from airflow_provider_okta_ure.operators.identities import names_for_errors

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.core.models import Row


class Log(Protocol):
    """What lines of the task log are written with."""

    def info(self, event: str, *args: Any) -> Any: ...

    def warning(self, event: str, *args: Any) -> Any: ...


def as_of_run(context: Context) -> AsOf:
    """
    Return the time the run of a task is for, and why.

    :raises ConfigurationError: there is none; see :func:`as_of.choose_as_of`.
    """
    run, params = context.get("dag_run"), context.get("params")
    times = RunTimes(
        run_type=run_type_of(run),
        run_after=_plain(getattr(run, "run_after", None)),
        logical_date=_plain(context.get("logical_date")),
        data_interval_end=_plain(context.get("data_interval_end")),
        partition_key=_text(context.get("partition_key") or getattr(run, "partition_key", None)),
        partition_date=_plain(context.get("partition_date") or getattr(run, "partition_date", None)),
        scores_as_of=params.get("scores_as_of") if isinstance(params, Mapping) else None,
    )
    return choose_as_of(times)


def run_type_of(run: object) -> str:
    """Return how a DAG run came to be, such as ``scheduled``, ``manual`` or ``backfill``."""
    return str(getattr(run, "run_type", "") or "").rpartition(".")[2].lower()


def say_as_of(log: Log, context: Context, *, only_reads: bool = False) -> None:
    """
    Log for which time the run of a task is and why, if there is a run.

    :param only_reads: the task decides nothing, so a time in the future is a warning.
    :raises ConfigurationError: the run has no time, or one in the future.
    """
    if context.get("dag_run") is not None or context.get("data_interval_end") is not None:
        announce(log, as_of_run(context), only_reads=only_reads)


def announce(log: Log, as_of: AsOf, *, only_reads: bool = False) -> None:
    """
    Log for which time a run is and why: the first line of every task.

    :param only_reads: the task decides nothing, so a time in the future is a warning.
    :raises ConfigurationError: the time is in the future.
    """
    log.info("Scores as of %s.", as_of.in_words())
    try:
        refuse_future(as_of, now=utc_now())
    except ConfigurationError as error:
        if not only_reads:
            raise
        log.warning("%s The tasks that act are going to refuse it.", error.message)


def refuse_future_rows(rows: Iterable[Row]) -> None:
    """
    Refuse rows that are for a time in the future, for the same reason as a run.

    :raises RowError: naming the first such row.
    """
    now = utc_now()
    for index, row in enumerate(rows):
        if row.as_of is not None and AsOf(row.as_of, "due").is_in_future(now):
            raise RowError(
                f"Row {index}, field 'as_of': {row.as_of:%Y-%m-%d %H:%M:%S} UTC is in the future.",
                index=index,
                field="as_of",
                remedy="Leave as_of out, or correct the clock of what makes the rows.",
            )


def utc_now() -> datetime:
    """Return the present time; a function of its own so that a test can set it."""
    return datetime.now(tz=timezone.utc)


def _plain(time: object) -> datetime | None:
    # A plain datetime: Airflow's own subclass would travel through XCom differently.
    return datetime.fromtimestamp(time.timestamp(), tz=timezone.utc) if isinstance(time, datetime) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def to_flag(value: object, argument: str) -> bool:
    """
    Return the truth value of an argument that may come from a template.

    :raises ConfigurationError: it is neither true nor false.
    """
    if isinstance(value, bool):
        return value
    text = as_text(value).strip().lower()
    if text in ("true", "false"):
        return text == "true"
    raise ConfigurationError(f"{argument} is {shown(value)}.", remedy="Use true or false.")


def to_workers(value: object) -> int:
    """
    Return how many users are acted on at the same time.

    :raises ConfigurationError: it is no whole number from 1 on.
    """
    text = as_text(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"workers is {shown(value)}.", remedy="Use a whole number, 1 or more.")
    return int(text)


def to_text(value: object, argument: str) -> str | None:
    """
    Return the text of an argument that may come from a template; None stays None.

    :raises ConfigurationError: native rendering made something else of it, such as a number of ``1e5``.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return as_text(value)
    raise ConfigurationError(
        f"{argument} is {shown(value)}, which is no text.",
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
