# SPDX-License-Identifier: Apache-2.0
"""Several rows about one user, some of which were settled before Okta was asked who they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.matching import Decision, Directory, resolve, skip

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
        [skip(row, "duplicate_user") for row in rows if id(row) not in mine],
    )


def settle_namesakes(
    settled: Sequence[Decision],
    decisions: Sequence[Decision],
    directory: Directory,
    user_ids: Mapping[str, str],
) -> list[Decision]:
    """
    Return all decisions, with one row kept where a settled row and one to act on are about the same user.

    :param settled: decided without asking Okta who the rows are about.
    :param decisions: the others.
    :param directory: the users that Okta found for the others.
    :param user_ids: whom the settled rows were about before, by :attr:`Row.key`.
    """
    acting = {one.to_act_on.user_id for one in decisions if one.to_act_on is not None}
    namesakes = [one for one in settled if user_ids.get(one.row.key) in acting]
    if not namesakes:
        return [*settled, *decisions]
    clear = [one for one in settled if user_ids.get(one.row.key) not in acting]
    rows = [one.row for one in (*decisions, *namesakes)]
    together = resolve(rows, directory)
    mended = [
        new if new.outcome is not None and new.outcome.reason == "duplicate_user" else old
        for old, new in zip((*decisions, *namesakes), together, strict=True)
    ]
    return [*clear, *mended]


def _rank(row: Row) -> int:
    return 1001 if row.score is None else row.score
