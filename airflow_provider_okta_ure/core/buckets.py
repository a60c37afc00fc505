# SPDX-License-Identifier: Apache-2.0
"""Which of a user's daily scores counts at a given moment, and which one came before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import msgspec

from airflow_provider_okta_ure.errors import ConfigurationError

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class Bucket(msgspec.Struct, frozen=True):
    """
    One user's score of one UTC day.

    :param start: when the day starts (aware); any offset, compared as UTC.
    :param score: 0..1000, **higher is safer**; None = the day has no score.
    """

    start: datetime
    score: int | None


def utc_day(moment: datetime) -> datetime:
    """
    Return the start of the UTC day that a moment belongs to.

    >>> utc_day(datetime.fromisoformat("2026-11-23T01:30:00+02:00")).isoformat()
    '2026-11-22T00:00:00+00:00'

    :param moment: an aware datetime.
    :raises ConfigurationError: when it has no offset, because then nobody knows which moment it is.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ConfigurationError(
            f"The moment {moment.isoformat()} has no UTC offset.",
            remedy="Use an aware datetime, such as datetime.now(timezone.utc).",
        )
    return moment.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def newest_day(as_of: datetime) -> datetime:
    """
    Return the newest UTC day with a say at ``as_of``: the last one that starts before it.

    >>> newest_day(datetime(2026, 11, 23, tzinfo=timezone.utc)).day
    22

    :param as_of: the moment a run speaks for; at midnight that is the day which has just ended.
    """
    return utc_day(as_of - _INSTANT)


def oldest_needed(as_of: datetime, carry_days: int) -> datetime:
    """
    Return the oldest UTC day to ask for, so that a score is still found after quiet days.

    :param as_of: the moment a run speaks for.
    :param carry_days: how many days before the newest one a score may come from.
    """
    if carry_days < 0:
        raise ConfigurationError(
            f"A score cannot be carried over {carry_days} days.", remedy="Use a number of days from 0 up."
        )
    return newest_day(as_of) - carry_days * _DAY


def select_buckets(buckets: Iterable[Bucket], as_of: datetime) -> tuple[Bucket | None, Bucket | None, bool]:
    """
    Return the bucket that counts at ``as_of``, the one before it, and whether the first is provisional.

    The buckets come in any order; those that start at or after ``as_of`` are ignored. Where two speak for
    the same day, the later start wins, then the lower score: within a day Netskope lowers a score
    as it finds things, so the lower one is the newer one, and the careful one if that ever changes.

    >>> days = [Bucket(datetime(2026, 11, day, tzinfo=timezone.utc), 100 * day) for day in (3, 1, 2)]
    >>> current, previous, provisional = select_buckets(days, datetime(2026, 11, 3, tzinfo=timezone.utc))
    >>> current.score, previous.score, provisional
    (200, 100, False)

    :param buckets: one user's daily scores.
    :param as_of: the moment to answer for (aware).
    :return: current, previous (None where there is none), and whether the current bucket's UTC day ends
        only after ``as_of``, so that its score can still change.
    """
    utc_day(as_of)  # refuses a moment without an offset, also when there is no bucket
    days: dict[datetime, Bucket] = {}
    for bucket in buckets:
        day = utc_day(bucket.start)
        if bucket.start >= as_of:
            continue
        held = days.get(day)
        if held is None or _outranks(bucket, held):
            days[day] = bucket
    newest = sorted(days, reverse=True)[:2]
    if not newest:
        return None, None, False
    previous = days[newest[1]] if len(newest) > 1 else None
    return days[newest[0]], previous, newest[0] + _DAY > as_of


def _outranks(bucket: Bucket, held: Bucket) -> bool:
    if bucket.start != held.start:
        return bucket.start > held.start
    if bucket.score is None or held.score is None:
        return held.score is None and bucket.score is not None
    return bucket.score < held.score
