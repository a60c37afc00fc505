# SPDX-License-Identifier: Apache-2.0
"""What Netskope says of one user becomes a row: quickly when all of it is as it should be, else with care."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_okta_ure.clients.netskope_wire import milliseconds, to_bucket
from airflow_provider_okta_ure.core.buckets import Bucket, select_buckets, utc_day
from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE, LOWEST_SCORE
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
        found = _newest_two(confidences, self._until)
        if found is None:
            return None
        newest, current, before, previous = found
        if newest < self._from or current is None:
            return self._row(name, _NO_DAY, 0, _NO_DAY, 0)
        if before < self._from or previous is None:
            return self.of_one(name, newest, current.confidence_score)
        if not (_is_usual(newest, current) and _is_usual(before, previous)):
            return None
        return self._row(name, newest, current.confidence_score, before, previous.confidence_score)

    def of_one(self, name: str, start: int, score: object) -> Row | None:
        """Return a user's row from one score; None = it needs a closer look."""
        if start % _DAY or type(score) is not int or not LOWEST_SCORE <= score <= HIGHEST_SCORE:
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


def _newest_two(
    confidences: Sequence[WireConfidence | None], until: int
) -> tuple[int, WireConfidence | None, int, WireConfidence | None] | None:
    """
    Return the last two days that begin before a moment, each with its start.

    :return: None when a day is not a number, or one of the two comes twice.
    """
    newest = before = _NO_DAY
    current = previous = None
    for one in confidences:
        # Asked for by name, because a true is an int as well.
        if one is None or type(one.start) is not int:
            return None
        start = one.start
        if start >= until:
            continue
        if start > newest:
            before, previous = newest, current
            newest, current = start, one
        elif start > before and start != newest:
            before, previous = start, one
        elif start in (newest, before):
            return None
    return newest, current, before, previous


def _is_usual(start: int, one: WireConfidence) -> bool:
    """Say whether a day begins at midnight and its score is one."""
    score = one.confidence_score
    return start % _DAY == 0 and type(score) is int and LOWEST_SCORE <= score <= HIGHEST_SCORE


@lru_cache(maxsize=1024)
def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=at)
