# SPDX-License-Identifier: Apache-2.0
"""
What a run read from its sources, for the other tasks of the same run.

One person can have several rows: a login and an e-mail address in one tenant, or one row in each of two.
Rules hand them to different tasks; so that these agree, each can look up the person's least safe score.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, delete, select

from airflow_provider_okta_ure.action_log.inserting import replace_rows
from airflow_provider_okta_ure.action_log.tables import run_scores

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.tasks import TaskKey

KEPT = timedelta(days=3)
"""So long can tasks of a run be retried or cleared without reading the source again."""


def write_run_scores(
    connection: Connection, task: TaskKey, source: str, scores: Mapping[str, int], *, now: datetime
) -> None:
    """
    Write what one task read, in the place of what it read before; what is old is deleted.

    :param scores: by :attr:`Row.key`; 0..1000, higher is safer.
    """
    connection.execute(delete(run_scores).where(run_scores.c.recorded_at < now - KEPT))
    row = {
        **msgspec.structs.asdict(task),
        "source": source,
        "recorded_at": now,
        "scores": zlib.compress(msgspec.json.encode(scores), level=1),
    }
    replace_rows(connection, run_scores, [row])


def least_safe_scores(connection: Connection, *, dag_id: str, run_id: str) -> dict[str, int]:
    """Return the lowest score of each name that the tasks of a run have read, by :attr:`Row.key`."""
    found = connection.execute(
        select(run_scores.c.scores).where(run_scores.c.dag_id == dag_id, run_scores.c.run_id == run_id)
    )
    least: dict[str, int] = {}
    for (packed,) in found:
        scores = msgspec.json.decode(zlib.decompress(packed), type=dict[str, int])
        if not least:
            least = scores
            continue
        for name, score in scores.items():
            least[name] = min(score, least.get(name, score))
    return least
