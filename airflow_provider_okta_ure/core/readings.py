# SPDX-License-Identifier: Apache-2.0
"""What a reading of a source found: the rows that are kept, and the numbers of everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.buckets import newest_day
from airflow_provider_okta_ure.core.freshness import Freshness
from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE, LevelMapping, ScoreBounds
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.rows import is_usable_user

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.keeping import Keep
    from airflow_provider_okta_ure.core.models import RiskLevel, Row


class Reading:
    """
    Takes rows as they come, keeps those that are wanted, and counts the others.

    :param keep: whose rows are kept; None = everybody's.
    :param source: the Airflow connection.
    :param as_of: the time that the reading is for (aware).
    :param is_settled: whether the scores of the last day are final; otherwise they are provisional.
    """

    def __init__(self, keep: Keep | None, *, source: str, as_of: datetime, is_settled: bool = True) -> None:
        self.rows: list[Row] = []
        self.read = 0
        self.unusable = 0
        """How many names are over-long or have control characters, so that they are left out."""
        self.provisional = 0
        self._keep = keep
        self._source = source
        self._as_of = as_of
        self._last_day = newest_day(as_of)
        self._is_settled = is_settled
        self._keys: set[str] = set()
        self._days: Counter[datetime | None] = Counter()
        self._not_kept = [0] * (HIGHEST_SCORE + 2)
        """By score; the last place is for those without one."""

    @property
    def scored(self) -> int:
        """How many users have a score."""
        return sum(self._days.values())

    @property
    def tracked(self) -> int:
        """How many of the rows are about names that are kept whatever their score."""
        return len(self._keys & self._keep.names) if self._keep is not None else 0

    def has(self, key: str) -> bool:
        """Whether the row of a folded name is kept."""
        return key in self._keys

    @property
    def keys(self) -> frozenset[str]:
        """The folded names of the rows that are kept."""
        return frozenset(self._keys)

    def take(self, rows: Iterable[Row]) -> None:
        """Count rows, and keep those that are wanted."""
        keep, not_kept, days = self._keep, self._not_kept, self._days
        highest = HIGHEST_SCORE if keep is None else keep.highest
        names = frozenset[str]() if keep is None else keep.names
        for row in rows:
            if not is_usable_user(row.user):
                # One odd name in the tenant must not stop everybody else in the next task.
                self.unusable += 1
                continue
            self.read += 1
            score = row.score
            if score is not None:
                days[row.score_at] += 1
                # Nearly everybody ends here.
                if score > highest and fold(row.user) not in names:
                    not_kept[score] += 1
                    self.provisional += row.provisional or self._is_of_open_day(row)
                    continue
            finished = self._finished(row)
            self.provisional += finished.provisional
            if keep is None or keep.wants(finished):
                self._add(finished)
            else:
                not_kept[-1 if score is None else score] += 1

    def add(self, rows: Iterable[Row], *, were_read: bool) -> None:
        """
        Keep rows whatever their score; who is kept already stays as they are.

        :param were_read: whether :meth:`take` has counted them.
        """
        for row in rows:
            if not is_usable_user(row.user) or row.key in self._keys:
                continue
            finished = self._finished(row)
            self._add(finished)
            place = -1 if row.score is None else row.score
            if not were_read:
                self.read += 1
            elif self._not_kept[place]:
                self._not_kept[place] -= 1

    def freshness(self, now: datetime, bound: timedelta | None) -> Freshness:
        """
        Return how old the scores of those are that were taken.

        :param now: the time that ages are counted from.
        :param bound: the age up to which a score is fresh; None = every score is.
        """
        return Freshness.of_days(self._days, now, bound)

    def not_kept(self) -> dict[RiskLevel, int]:
        """Return how many users were read and not kept, by risk level as the default bounds say."""
        bounds, mapping = ScoreBounds(), LevelMapping()
        counts: Counter[RiskLevel] = Counter()
        for score, users in enumerate(self._not_kept):
            if users:
                level = bounds.level_of(score if score <= HIGHEST_SCORE else None)
                counts[mapping.risk_of(level)] += users
        return dict(counts)

    def _add(self, row: Row) -> None:
        self._keys.add(row.key)
        self.rows.append(row)

    def _finished(self, row: Row) -> Row:
        """Return a row without what goes without saying between the tasks of a run."""
        return msgspec.structs.replace(
            row,
            source=self._source,
            provisional=row.provisional or self._is_of_open_day(row),
            as_of=None if row.as_of == self._as_of else row.as_of,
            score_at=None if row.score_at == self._last_day else row.score_at,
            previous_score_at=None,
        )

    def _is_of_open_day(self, row: Row) -> bool:
        return not self._is_settled and row.score_at is not None and row.score_at >= self._last_day
