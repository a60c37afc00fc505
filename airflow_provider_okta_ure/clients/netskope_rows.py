# SPDX-License-Identifier: Apache-2.0
"""What Netskope says of one user becomes a row: quickly when all of it is as it should be, else with care."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_okta_ure.clients.netskope_wire import milliseconds, to_bucket
from airflow_provider_okta_ure.core.buckets import Bucket, select_buckets, utc_day
from airflow_provider_okta_ure.core.models import Row

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.netskope_wire import WireConfidence

Value: TypeAlias = tuple[object, object]
"""A day as Netskope writes it, and its score."""

_DAY = 86_400_000
_NO_DAY = -1


class RowMaker:
    """
    Makes rows of one moment.

    :param as_of: the moment (aware).
    :param oldest: start of the oldest day whose score counts.
    """

    def __init__(self, as_of: datetime, oldest: datetime) -> None:
        self._as_of = as_of
        self._oldest = oldest
        self._from, self._at = milliseconds(oldest), milliseconds(as_of)
        # A day counts when it began before the moment, were it by a microsecond.
        self._until = milliseconds(as_of - timedelta(microseconds=1)) + 1
        self.odd = 0
        """How many users have no score, because the value that counts makes no sense."""

    def quickly(self, name: str, confidences: Sequence[WireConfidence | None]) -> Row | None:
        """Return a user's row from one record that is about nobody else; None = it needs a closer look."""
        newest, score, before, previous = _NO_DAY, 0, _NO_DAY, 0
        for one in confidences:
            if one is None:
                return None
            start, value = one.start, one.confidence_score
            # A true is an int as well, and a day that does not begin at midnight is not usual.
            if type(start) is not int or type(value) is not int or start % _DAY or not 0 <= value <= 1000:
                return None
            if start < self._from or start >= self._until:
                continue
            if start > newest:
                before, previous = newest, score
                newest, score = start, value
            elif start in (newest, before):
                return None
            elif start > before:
                before, previous = start, value
        return self._row(name, newest, score, before, previous)

    def of_one(self, name: str, start: int, score: int) -> Row | None:
        """Return a user's row from one score that makes sense; None = it needs a closer look."""
        if start % _DAY:
            return None
        if start < self._from or start >= self._until:
            return self._row(name, _NO_DAY, 0, _NO_DAY, 0)
        return self._row(name, start, score, _NO_DAY, 0)

    def _row(self, name: str, newest: int, score: int, before: int, previous: int) -> Row:
        if newest < 0:
            return Row(user=name, as_of=self._as_of)
        return Row(
            user=name,
            score=score,
            score_at=_moment(newest),
            previous_score=previous if before >= 0 else None,
            previous_score_at=_moment(before) if before >= 0 else None,
            provisional=newest + _DAY > self._at,
            as_of=self._as_of,
        )

    def carefully(self, name: str, exact: Iterable[Value], others: Iterable[Value]) -> Row:
        """
        Return a user's row from records in any state.

        :param exact: what stands under just this name.
        :param others: what stands under other spellings of it; counts for days that the name itself has not.
        """
        buckets: list[Bucket] = []
        odd: set[datetime] = set()
        for values in (exact, others):
            known = {utc_day(bucket.start) for bucket in buckets}
            for start, score in values:
                bucket, makes_sense = to_bucket(start, score)
                # Netskope's own lower bound is not relied on: its unit is not documented beyond doubt.
                if bucket is None or bucket.start < self._oldest or utc_day(bucket.start) in known:
                    continue
                buckets.append(bucket)
                if not makes_sense:
                    odd.add(bucket.start)
        current, previous, provisional = select_buckets(buckets, self._as_of)
        if current is None or current.score is None:
            self.odd += current is not None and current.start in odd
            return Row(user=name, as_of=self._as_of)
        return Row(
            user=name,
            score=current.score,
            score_at=current.start,
            previous_score=previous.score if previous else None,
            previous_score_at=previous.start if previous and previous.score is not None else None,
            provisional=provisional,
            as_of=self._as_of,
        )


@lru_cache(maxsize=1024)
def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=at)
