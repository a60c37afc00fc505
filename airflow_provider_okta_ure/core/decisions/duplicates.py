# SPDX-License-Identifier: Apache-2.0
"""Several rows under one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.decision import Decision

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row


def one_per_name(rows: Sequence[Row]) -> tuple[list[Row], list[Decision]]:
    """
    Return one row per name, in the order of the rows, and the others as skipped.

    Several sources may know the same user. The lowest (least safe) score is kept, and a score before a
    missing one, so that two sources that disagree do not take turns.
    """
    kept: dict[str, Row] = {}
    for row in rows:
        held = kept.get(row.key)
        if held is None or _rank(row) < _rank(held):
            kept[row.key] = row
    mine = {id(row) for row in kept.values()}
    return (
        [row for row in rows if id(row) in mine],
        [Decision(row=row).skipped("duplicate_user") for row in rows if id(row) not in mine],
    )


def _rank(row: Row) -> int:
    return 1001 if row.score is None else row.score
