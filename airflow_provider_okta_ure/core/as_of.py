# SPDX-License-Identifier: Apache-2.0
"""The time a run is for, and why it is that time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

CLOCK_SKEW = timedelta(minutes=2)
"""How far ahead of this machine's clock another machine's clock may be."""

AsOfReason: TypeAlias = Literal["triggered", "partition", "interval_end", "due"]
"""Why a run is for a time: one of the keys of :data:`AS_OF_REASONS`."""

AS_OF_REASONS: dict[str, str] = {
    "triggered": "this manual run was triggered then",
    "partition": "it is the date of this run's partition",
    "interval_end": "it is the end of this run's data interval",
    "due": "this run was due then",
}
"""The same in words, to follow "because"."""

MANUAL_RUN_TYPES = frozenset(("manual", "asset_materialization"))
"""The types of runs that a person starts. Airflow's dialog fills in a logical date, which nobody chose."""


class AsOf(msgspec.Struct, frozen=True):
    """
    The time a run is for (aware, UTC), and why.

    >>> AsOf(datetime(2026, 11, 27, tzinfo=timezone.utc), "interval_end").in_words()
    "2026-11-27 00:00:00 UTC, because it is the end of this run's data interval"
    """

    time: datetime
    reason: AsOfReason

    def in_words(self) -> str:
        """Return time and reason for a log line or a message."""
        return f"{self.time:%Y-%m-%d %H:%M:%S} UTC, because {AS_OF_REASONS[self.reason]}"

    def is_in_future(self, now: datetime) -> bool:
        """Whether the time is later than clocks that differ a little could make it."""
        return self.time > now + CLOCK_SKEW


class RunTimes(msgspec.Struct, frozen=True, kw_only=True):
    """
    What Airflow knows of the times of a DAG run.

    :param run_type: Airflow's word for how the run came to be, such as ``scheduled`` or ``manual``.
    :param run_after: when the run was due; of a manual run, when it was triggered.
    :param scores_as_of: what the DAG's parameter of this name says: ``now`` or ``interval``; None = nothing.
    """

    run_type: str = ""
    run_after: datetime | None = None
    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    partition_key: str | None = None
    partition_date: datetime | None = None
    scores_as_of: object = None


def choose_as_of(run: RunTimes) -> AsOf:
    """
    Return the time a run is for; it is the same in every retry and after a clear.

    A partition counts before anything else. A manual run is for the time it was triggered, unless the end of
    its interval is asked for. Any other run is for the end of its data interval, or for when it was due.

    >>> noon = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
    >>> midnight = noon.replace(hour=0)
    >>> choose_as_of(RunTimes(run_type="manual", run_after=noon, data_interval_end=midnight)).reason
    'triggered'
    >>> choose_as_of(RunTimes(run_after=noon, data_interval_end=midnight)).reason
    'interval_end'

    :raises ConfigurationError: the run has no time, or its partition is not a date.
    """
    chosen = _chosen(run)
    return AsOf(chosen.time.astimezone(timezone.utc), chosen.reason)


def refuse_future(as_of: AsOf, *, now: datetime) -> None:
    """
    Refuse a time in the future, clock skew aside: until then every other run would count as overtaken.

    :param now: the present time.
    :raises ConfigurationError: saying which time and what to do.
    """
    if as_of.is_in_future(now):
        raise ConfigurationError(
            f"This run is for {as_of.in_words()}; that is in the future: it is {now:%Y-%m-%d %H:%M:%S} UTC.",
            remedy="Nobody has scores of that time yet, and every run until then would count as overtaken. "
            "Trigger the DAG with a date that has passed or without one; if the date is right, correct the "
            "clock of this machine.",
        )


def _chosen(run: RunTimes) -> AsOf:
    asked_for = _asked_for(run.scores_as_of)
    partition = run.partition_date or _date_of(run.partition_key)
    if partition is not None:
        return AsOf(partition, "partition")
    if run.run_type in MANUAL_RUN_TYPES and run.run_after is not None:
        if asked_for == "now":
            return AsOf(run.run_after, "triggered")
        if run.data_interval_end is None:
            raise ConfigurationError(
                "scores_as_of is 'interval', and this manual run has no data interval.",
                remedy="Trigger it with a logical date, or with scores_as_of 'now'.",
            )
    if run.data_interval_end is not None:
        return AsOf(run.data_interval_end, "interval_end")
    due = run.run_after or run.logical_date
    if due is None:
        raise ConfigurationError(
            "This run has neither a data interval nor a logical date nor a time it was due.",
            remedy="Run the task as part of a DAG run.",
        )
    return AsOf(due, "due")


def _asked_for(value: object) -> Literal["now", "interval"]:
    text = "now" if value in (None, "") else as_text(value).strip().lower()
    if text == "now":
        return "now"
    if text == "interval":
        return "interval"
    raise ConfigurationError(f"scores_as_of is {shown(value)}.", remedy="Use 'now' or 'interval'.")


def _date_of(key: str | None) -> datetime | None:
    """Return the time that a partition key names; a time without offset is UTC."""
    if key is None or not key.strip():
        return None
    try:
        date = datetime.fromisoformat(key.strip())
    except ValueError:
        raise ConfigurationError(
            f"The partition {shown(key)} is not a date, so it does not say which scores this run is for.",
            remedy="Partition by date, with keys such as 2026-11-27 or 2026-11-27T00:00:00, or run this DAG "
            "without partitions.",
        ) from None
    return date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)
