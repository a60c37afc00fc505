"""The quick way from Netskope's records to a row gives what the careful one gives, or gives way to it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.clients.netskope_rows import RowMaker
from airflow_provider_okta_ure.clients.netskope_wire import WireConfidence, milliseconds
from airflow_provider_okta_ure.core.buckets import oldest_needed

MIDNIGHT = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAY = 86_400_000

moments = st.sampled_from(
    [
        MIDNIGHT,
        MIDNIGHT + timedelta(hours=5),
        MIDNIGHT + timedelta(microseconds=1),
        MIDNIGHT - timedelta(microseconds=1),
        MIDNIGHT + timedelta(milliseconds=1),
        MIDNIGHT.astimezone(timezone(timedelta(hours=5, minutes=30))),
    ]
)
starts: Any = st.integers(-12, 3).map(lambda days: milliseconds(MIDNIGHT) + days * DAY)
odd_starts: Any = st.sampled_from([None, True, "2026-11-22", -1, 1e30, float(milliseconds(MIDNIGHT)), 5])
scores: Any = st.integers(0, 1000)
odd_scores: Any = st.sampled_from([None, True, -1, 1001, "400", 400.0, 400.5, float("nan")])
records = st.lists(st.tuples(starts | odd_starts, scores) | st.tuples(starts, odd_scores), max_size=9)


@settings(deadline=None)
@given(records, moments, st.integers(1, 9))
def test_the_quick_row_is_the_careful_row(values: list[Any], as_of: datetime, carry_days: int) -> None:
    maker = RowMaker(as_of, oldest_needed(as_of, carry_days))
    said = [WireConfidence(start=start, confidence_score=score) for start, score in values]
    quick = maker.quickly("ann", said)
    assert quick is None or quick == maker.carefully("ann", values, ())


@settings(deadline=None)
@given(st.lists(st.tuples(starts, scores), max_size=9, unique_by=lambda one: one[0]), moments)
def test_usual_records_never_need_a_closer_look(values: list[Any], as_of: datetime) -> None:
    maker = RowMaker(as_of, oldest_needed(as_of, 7))
    said = [WireConfidence(start=start, confidence_score=score) for start, score in values]
    assert maker.quickly("ann", said) == maker.carefully("ann", values, ())


@settings(deadline=None)
@given(starts | st.integers(0, 10**14), scores, moments)
def test_the_row_of_one_score_is_the_careful_row(start: int, score: int, as_of: datetime) -> None:
    maker = RowMaker(as_of, oldest_needed(as_of, 7))
    quick = maker.of_one("ann", start, score)
    assert quick is None or quick == maker.carefully("ann", [(start, score)], ())
