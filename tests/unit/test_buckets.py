from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_okta_ure.core.buckets import Bucket, newest_day, oldest_needed, select_buckets, utc_day
from airflow_provider_okta_ure.errors import ConfigurationError


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=timezone.utc)


def test_the_last_day_before_the_moment_counts_in_any_order() -> None:
    current, previous, provisional = select_buckets([Bucket(day(n), n) for n in (3, 1, 4, 2)], as_of=day(4))
    assert (current, previous, provisional) == (Bucket(day(3), 3), Bucket(day(2), 2), False)


def test_a_day_that_is_not_over_is_provisional() -> None:
    assert select_buckets([Bucket(day(3), 5)], day(3, 12)) == (Bucket(day(3), 5), None, True)
    assert select_buckets([Bucket(day(3), 5)], day(4)) == (Bucket(day(3), 5), None, False)


@pytest.mark.parametrize("buckets", [[], [Bucket(day(5), 1)], [Bucket(day(4), 1)]])
def test_what_starts_at_or_after_the_moment_has_no_say(buckets: list[Bucket]) -> None:
    assert select_buckets(buckets, day(4)) == (None, None, False)


@pytest.mark.parametrize("scores", [(200, 700), (700, 200), (None, 200), (200, None)])
def test_of_two_scores_of_one_day_the_lower_one_counts(scores: tuple[int | None, int | None]) -> None:
    current, previous, _ = select_buckets([Bucket(day(3), score) for score in scores], day(4))
    assert current == Bucket(day(3), 200)
    assert previous is None


def test_a_later_start_on_the_same_day_wins_over_a_lower_score() -> None:
    current, _, _ = select_buckets([Bucket(day(3), 100), Bucket(day(3, 6), 900)], day(4))
    assert current == Bucket(day(3, 6), 900)


def test_a_day_without_a_score_counts_as_itself() -> None:
    current, previous, _ = select_buckets([Bucket(day(3), None), Bucket(day(2), 400)], day(4))
    assert (current, previous) == (Bucket(day(3), None), Bucket(day(2), 400))


def test_an_offset_is_compared_as_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    bucket = Bucket(datetime(2026, 11, 4, 2, tzinfo=india), 7)  # 20:30 the day before in UTC
    assert utc_day(bucket.start) == day(3)
    assert select_buckets([bucket], day(4))[0] == bucket


def test_a_moment_without_an_offset_is_refused() -> None:
    naive = day(4).replace(tzinfo=None)
    for call in (lambda: utc_day(naive), lambda: newest_day(naive), lambda: select_buckets([], naive)):
        with pytest.raises(ConfigurationError, match="no UTC offset"):
            call()


def test_midnight_belongs_to_the_day_that_ended() -> None:
    assert newest_day(day(4)) == day(3)
    assert newest_day(day(4, 1)) == day(4)


def test_the_oldest_day_is_so_many_days_before_the_newest() -> None:
    assert oldest_needed(day(10), 0) == day(9)
    assert oldest_needed(day(10), 7) == day(2)
    with pytest.raises(ConfigurationError, match="-1 days"):
        oldest_needed(day(10), -1)
