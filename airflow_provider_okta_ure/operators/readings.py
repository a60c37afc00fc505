# SPDX-License-Identifier: Apache-2.0
"""How many users a source had each time, so that an outage is not taken for a recovery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.tasks import TaskKey
from airflow_provider_okta_ure.core.guardrails.limits import is_outage
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError, SourceOutageError, StaleScoresError
from airflow_provider_okta_ure.hooks.action_log import open_action_log

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.freshness import Freshness
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.operators.identity import RunIdentity


class StaleScores(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a task does when nobody has a fresh score.

    :param max_age: up to which age a score is fresh; None = always.
    :param fails: whether the task fails at once.
    :param limit: from which age of the newest score on it fails in any case; None = never.
    """

    max_age: timedelta | None
    fails: bool
    limit: timedelta | None

    @classmethod
    def parse(cls, max_score_age: object, stale_scores: object, stale_limit: object) -> StaleScores:
        """
        Return what the operator's arguments of these names mean.

        :raises ConfigurationError: one of them is not what it may be.
        """
        if stale_scores not in ("warn", "fail"):
            raise ConfigurationError(
                f"stale_scores is {shown(stale_scores)}.", remedy="Use 'warn' or 'fail'."
            )
        return cls(
            max_age=to_span(max_score_age, "max_score_age"),
            fails=stale_scores == "fail",
            limit=to_span(stale_limit, "stale_limit"),
        )

    def warning_for(self, freshness: Freshness, source: str) -> str:
        """
        Return what to warn of; empty = scores keep coming.

        :param source: the Airflow connection.
        :raises StaleScoresError: it is not a warning but a failure.
        """
        is_beyond_limit = freshness.is_older_than(self.limit)
        if not (is_beyond_limit or freshness.is_older_than(self.max_age)):
            return ""
        told = (
            f"{source} sends no new scores: the newest one is of {freshness.newest_at:%Y-%m-%d} (UTC), "
            f"{_in_words(freshness.age)} old."
        )
        if self.fails or is_beyond_limit:
            raise StaleScoresError(told)
        return told


def remember_reading(
    run: RunIdentity,
    *,
    tenant: str,
    source: str,
    way: str,
    users: int,
    freshness: Freshness,
    min_percent: float,
) -> str:
    """
    Compare a reading with the last one of an earlier moment, and remember it in the action log.

    Returns what to warn of: that far fewer users have a fresh score than last time, but too few of them to
    call it an outage; empty = nothing.

    :param tenant: the Netskope tenant's URL.
    :param source: the Airflow connection.
    :param way: how it was read; only like is compared with like.
    :param users: how many users were read.
    :param freshness: how many of them have a score, and a fresh one. Scores that are carried over keep
        nobody from seeing an outage. A reading without fresh scores has its own warning, and is not what
        others are compared with.
    :param min_percent: the share of the last reading (0..100) below which it is an outage; 0 = never.
    :raises SourceOutageError: far fewer have a fresh score than last time; the reading is not remembered.
    """
    if freshness.scored and not freshness.fresh:
        return ""
    fresh = freshness.fresh
    log = open_action_log()
    try:
        before = log.last_reading(org=tenant, target=way, source=source, before=run.as_of)
        last = before.users if before is not None else None
        if is_outage(fresh, last, percent=min_percent):
            compared = f"{last} the last time" if last is not None else "nothing to compare with"
            raise SourceOutageError(
                f"{source} returned {fresh} users with a fresh score, {compared}. That looks like an outage."
            )
        now = datetime.now(tz=timezone.utc)
        log.finish(
            [
                Entry(
                    org=tenant,
                    action="fetch_scores",
                    target=way,
                    user_key=source,
                    as_of=run.as_of,
                    started_at=now,
                    recorded_at=now,
                    dag_id=run.dag_id,
                    run_id=run.run_id,
                    task_id=run.task_id,
                    map_index=run.map_index,
                    try_number=run.try_number,
                    source=source,
                    status="done",
                    users=fresh,
                    message=f"{users} users read, {fresh} of them with a fresh score",
                )
            ]
        )
        if last is not None and fresh * 100 < last * min_percent:
            return f"{source} returned {fresh} users with a fresh score, {last} the last time."
        return ""
    finally:
        log.close()


def remember_scores(run: RunIdentity, source: str, rows: Sequence[Row]) -> None:
    """
    Write what was read into the action log, so that the tasks that act in this run agree about a person.

    One person can have several rows, and rules hand them to different tasks; see :mod:`run_scores`.

    :param source: the Airflow connection.
    """
    scores: dict[str, int] = {}
    for row in rows:
        if row.score is not None:
            scores[row.key] = min(row.score, scores.get(row.key, row.score))
    log = open_action_log()
    try:
        task = TaskKey(dag_id=run.dag_id, run_id=run.run_id, task_id=run.task_id, map_index=run.map_index)
        log.remember_scores(task, source, scores, now=datetime.now(tz=timezone.utc))
    finally:
        log.close()


def to_percent(value: object, argument: str) -> float:
    """
    Return a percentage that may come from a template.

    :raises ConfigurationError: it is no number from 0 to 100.
    """
    try:
        percent = float(as_text(value))
    except ValueError:
        percent = -1.0
    if isinstance(value, bool) or not 0 <= percent <= 100:
        raise ConfigurationError(f"{argument} is {shown(value)}.", remedy="Use a number from 0 to 100.")
    return percent


def _in_words(age: timedelta | None) -> str:
    hours = int(age.total_seconds() // 3600) if age is not None else 0
    return f"{hours} hours"
