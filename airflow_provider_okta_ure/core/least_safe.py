# SPDX-License-Identifier: Apache-2.0
"""The least safe score of a person of whom several rows tell, such as rows of two tenants."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS, Row
from airflow_provider_okta_ure.core.rows import deduplicate

_OF_THE_SCORE = (
    "score",
    "score_at",
    "previous_score",
    "previous_score_at",
    "provisional",
    "score_level",
    "risk_level",
    "previous_risk_level",
)
"""The fields that go together: what a score is, and what was derived from it."""


def with_least_safe_scores(rows: Sequence[Row]) -> list[Row]:
    """
    Return the same rows, each with the least safe score of all rows of the same name.

    A rule then decides the same for every row of a person: who is at risk in one tenant has not recovered
    because another tenant says so. Everything but the score stays, so a rule can still tell sources apart.
    Of several rows of one source the newest counts; a missing score never replaces one.

    >>> rows = [Row(user="jin", score=900, source="us"), Row(user="Jin", score=100, source="eu")]
    >>> [(row.score, row.source) for row in with_least_safe_scores(rows)]
    [(100, 'us'), (100, 'eu')]

    :param rows: rows of any number of users and sources.
    """
    first: dict[str, Row] = {}
    several: dict[str, list[Row]] = {}
    for row in rows:
        key = row.key
        held = first.setdefault(key, row)
        if held is not row:
            several.setdefault(key, [held]).append(row)
    if not several:
        return list(rows)
    least = {key: min(deduplicate(group), key=_safety) for key, group in several.items()}
    return [_with_score_of(least.get(row.key, row), row) for row in rows]


def _with_score_of(least: Row, row: Row) -> Row:
    if least is row:
        return row
    return msgspec.structs.replace(row, **{name: getattr(least, name) for name in _OF_THE_SCORE})


def _safety(row: Row) -> tuple[float, int, int]:
    """Return what sorts the least safe row first; rows without a score come after those with one."""
    score = float("inf") if row.score is None else row.score
    band = SCORE_LEVELS.index(row.score_level) if row.score_level else len(SCORE_LEVELS)
    risk = RISK_LEVELS.index(row.risk_level) if row.risk_level else -1
    return score, band, -risk
