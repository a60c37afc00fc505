"""A run is for one time, the same in every try: now, its partition, its interval, or when it was due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.core.as_of import AsOf, RunTimes, choose_as_of, refuse_future
from airflow_provider_okta_ure.errors import ConfigurationError

NOW = datetime(2026, 11, 27, 20, 17, tzinfo=timezone.utc)
MIDNIGHT = NOW.replace(hour=0, minute=0)
EARLIER = MIDNIGHT - timedelta(days=3)


def as_of(**times: Any) -> AsOf:
    return choose_as_of(RunTimes(**times))


def test_a_manual_run_is_for_when_it_was_triggered_whatever_date_the_dialog_filled_in():
    run = {"run_type": "manual", "run_after": NOW, "logical_date": NOW, "data_interval_end": MIDNIGHT}
    assert as_of(**run) == AsOf(NOW, "triggered")
    assert as_of(**run, scores_as_of="now") == AsOf(NOW, "triggered")


def test_a_manual_run_is_for_its_interval_when_that_is_asked_for():
    assert as_of(
        run_type="manual", run_after=NOW, data_interval_end=MIDNIGHT, scores_as_of="interval"
    ) == AsOf(MIDNIGHT, "interval_end")
    with pytest.raises(ConfigurationError, match="no data interval"):
        as_of(run_type="manual", run_after=NOW, scores_as_of="interval")


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "asset_triggered", "operator_triggered", ""])
@pytest.mark.parametrize("scores_as_of", [None, "now", "interval"])
def test_every_other_run_is_for_the_end_of_its_interval(run_type, scores_as_of):
    run = {"run_type": run_type, "run_after": NOW, "scores_as_of": scores_as_of}
    assert as_of(**run, data_interval_end=EARLIER) == AsOf(EARLIER, "interval_end")
    assert as_of(**run) == AsOf(NOW, "due")


def test_a_word_that_is_neither_now_nor_interval_is_refused():
    with pytest.raises(ConfigurationError, match="scores_as_of is 'yesterday'"):
        as_of(run_type="scheduled", run_after=NOW, scores_as_of="yesterday")


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "asset_triggered", "manual"])
def test_a_partition_counts_before_anything_else(run_type):
    run = {"run_type": run_type, "run_after": NOW, "data_interval_end": MIDNIGHT}
    assert as_of(**run, partition_date=EARLIER, partition_key="of no matter") == AsOf(EARLIER, "partition")
    assert as_of(**run, partition_key="2026-11-24") == AsOf(EARLIER, "partition")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("2026-11-24T03:00:00", EARLIER.replace(hour=3)),
        ("2026-11-24T03:00:00+02:00", EARLIER.replace(hour=1)),
        (" 2026-11-24T03:00:00Z ", EARLIER.replace(hour=3)),
    ],
)
def test_a_partition_key_is_a_date_in_utc_unless_it_says_otherwise(key, expected):
    assert as_of(run_type="asset_triggered", run_after=NOW, partition_key=key).time == expected


@pytest.mark.parametrize("key", ["emea", "2026-13-01", "2026-11", "emea|2026-11-24", "31/12/2026"])
def test_a_partition_that_is_no_date_is_refused_with_what_to_do(key):
    with pytest.raises(ConfigurationError, match="not a date") as error:
        as_of(run_type="asset_triggered", run_after=NOW, partition_key=key)
    assert key in str(error.value)
    assert "Partition by date" in error.value.remedy


@pytest.mark.parametrize(
    "times",
    [
        pytest.param({"run_type": "manual", "run_after": NOW + timedelta(days=5)}, id="manual"),
        pytest.param({"data_interval_end": NOW + timedelta(days=5)}, id="interval"),
        pytest.param({"run_after": NOW, "partition_date": NOW + timedelta(days=5)}, id="partition"),
        pytest.param({"run_after": NOW + timedelta(minutes=3)}, id="due"),
    ],
)
def test_a_time_to_come_is_refused_and_named(times):
    with pytest.raises(ConfigurationError, match="in the future") as error:
        refuse_future(as_of(**times), now=NOW)
    assert error.value.remedy
    assert "2026-12-02" in str(error.value) or "20:20:00" in str(error.value)


def test_a_clock_that_is_a_little_behind_refuses_nothing():
    refuse_future(as_of(run_after=NOW + timedelta(minutes=2)), now=NOW)


def test_a_time_in_another_zone_is_the_same_time_in_utc():
    east = timezone(timedelta(hours=9))
    chosen = as_of(data_interval_end=MIDNIGHT.astimezone(east))
    assert chosen.time.isoformat() == "2026-11-27T00:00:00+00:00"


def test_a_run_without_any_time_is_refused():
    with pytest.raises(ConfigurationError, match="neither a data interval"):
        as_of(run_type="manual")
