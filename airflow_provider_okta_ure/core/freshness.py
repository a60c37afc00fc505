# SPDX-License-Identifier: Apache-2.0
"""Whether a source still sends scores, and when the scores of a day are final."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.buckets import newest_day, utc_day

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """
    How old the scores of a reading are.

    The age of a daily score is counted from the start of its day to the start of the day that the reading is
    for: 24 hours for yesterday's, the usual case. So it does not grow during the day that is still running.

    :param scored: how many users have a score, however old.
    :param fresh: how many have one that is not older than the bound; the others' are carried over.
    :param newest_at: start of the newest day that anybody has a score of; None = nobody has one.
    :param age: the age of that newest score.
    """

    scored: int
    fresh: int
    newest_at: datetime | None
    age: timedelta | None

    @classmethod
    def of(cls, rows: Sequence[Row], as_of: datetime, bound: timedelta | None) -> Freshness:
        """
        Return how old the scores of a reading are.

        >>> from datetime import timezone
        >>> from airflow_provider_okta_ure.core.models import Row
        >>> as_of = datetime(2026, 11, 23, tzinfo=timezone.utc)
        >>> days = [as_of - timedelta(days=days) for days in (3, 2)]
        >>> rows = [Row(user=f"user{day.day}", score=1, score_at=day) for day in days]
        >>> found = Freshness.of(rows, as_of, timedelta(hours=36))
        >>> found.scored, found.fresh, found.age
        (2, 0, datetime.timedelta(days=2))

        :param rows: the rows of the reading.
        :param as_of: the time that the reading is for.
        :param bound: the age up to which a score is fresh; None = every score is.
        """
        day = utc_day(as_of)
        scored = [row for row in rows if row.score is not None]
        # A score without a day is one that nobody knows the age of, such as a test's.
        newest_at = max((row.score_at for row in scored if row.score_at is not None), default=None)
        return cls(
            scored=len(scored),
            fresh=sum(1 for row in scored if bound is None or (row.score_at and day - row.score_at <= bound)),
            newest_at=newest_at,
            age=day - newest_at if newest_at is not None else None,
        )

    def is_older_than(self, bound: timedelta | None) -> bool:
        """Whether even the newest score is older than a bound; None = it never is."""
        return bound is not None and self.age is not None and self.age > bound


def settled_at(as_of: datetime, settle_after: timedelta | None) -> datetime | None:
    """
    Return from when on the scores that count at a time no longer change; None = they are final already.

    Only a whole day can be waited for. At a time within a day, that day counts and is provisional anyway.

    >>> from datetime import timezone
    >>> midnight = datetime(2026, 11, 23, tzinfo=timezone.utc)
    >>> settled_at(midnight, timedelta(minutes=30)).isoformat()
    '2026-11-23T00:30:00+00:00'
    >>> settled_at(midnight + timedelta(hours=3), timedelta(minutes=30)) is None
    True

    :param as_of: the time that a reading is for (aware).
    :param settle_after: how long after midnight UTC the scores of the day before still change; None = they
        do not.
    """
    if settle_after is None or utc_day(as_of) != as_of:
        return None
    return utc_day(as_of) + settle_after


def mark_provisional(rows: Iterable[Row], as_of: datetime) -> list[Row]:
    """
    Return the rows, with those provisional whose score is of the last day that counts.

    :param as_of: the time that the reading is for (aware).
    """
    last_day = newest_day(as_of)
    return [
        msgspec.structs.replace(row, provisional=True)
        if row.score_at is not None and row.score_at >= last_day
        else row
        for row in rows
    ]
