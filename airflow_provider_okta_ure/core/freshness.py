# SPDX-License-Identifier: Apache-2.0
"""Whether a source still sends scores, and when the scores of a day are final."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.buckets import utc_day

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
        return cls.of_days(Counter(row.score_at for row in rows if row.score is not None), as_of, bound)

    @classmethod
    def of_days(
        cls, days: Mapping[datetime | None, int], as_of: datetime, bound: timedelta | None
    ) -> Freshness:
        """
        Return how old the scores of a reading are.

        :param days: how many users have a score of a day, by the day's start.
        :param as_of: the time that the reading is for.
        :param bound: the age up to which a score is fresh; None = every score is.
        """
        today = utc_day(as_of)
        # A score without a day is one that nobody knows the age of, such as a test's.
        newest_at = max((day for day in days if day is not None), default=None)
        return cls(
            scored=sum(days.values()),
            fresh=sum(
                users for day, users in days.items() if bound is None or (day and today - day <= bound)
            ),
            newest_at=newest_at,
            age=today - newest_at if newest_at is not None else None,
        )

    def scaled_to(self, users: int) -> Freshness:
        """
        Return what this reading says of a source of so many users, of whom it has only seen a part.

        >>> part = Freshness(scored=1000, fresh=900, newest_at=None, age=None)
        >>> part.scaled_to(50_000).fresh
        45000
        """
        if not self.scored:
            return self
        return msgspec.structs.replace(self, scored=users, fresh=round(users * self.fresh / self.scored))

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
