# SPDX-License-Identifier: Apache-2.0
"""How many users a source had each time, so that an outage is not taken for a recovery."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.core.judgement import is_outage
from airflow_provider_okta_ure.errors import ConfigurationError, SourceOutageError
from airflow_provider_okta_ure.hooks.action_log import open_action_log

if TYPE_CHECKING:
    from airflow_provider_okta_ure.operators.identity import RunIdentity


def remember_reading(
    run: RunIdentity, *, tenant: str, source: str, part: str, users: int, scored: int, min_percent: float
) -> None:
    """
    Compare a reading with the last one of an earlier moment, and remember it in the action log.

    :param tenant: the Netskope tenant's URL.
    :param source: the Airflow connection.
    :param part: how, and which part of the users, was read; only like is compared with like.
    :param users: how many users were read.
    :param scored: how many of them have a score.
    :param min_percent: the share of the last reading (0..100) below which it is an outage; 0 = never.
    :raises SourceOutageError: far fewer have a score than last time; the reading is not remembered.
    """
    log = open_action_log()
    try:
        before = log.last_reading(org=tenant, target=part, source=source, before=run.as_of)
        last = before.users if before is not None else None
        if is_outage(scored, last, percent=min_percent):
            compared = f"{last} the last time" if last is not None else "nothing to compare with"
            raise SourceOutageError(
                f"{source} returned {scored} users with a score, {compared}. That looks like an outage."
            )
        now = datetime.now(tz=timezone.utc)
        log.finish(
            [
                Entry(
                    org=tenant,
                    action="fetch_scores",
                    target=part,
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
                    users=scored,
                    message=f"{users} users read, {scored} of them with a score",
                )
            ]
        )
    finally:
        log.close()


def to_percent(value: object, argument: str) -> float:
    """
    Return a percentage that may come from a template.

    :raises ConfigurationError: it is no number from 0 to 100.
    """
    try:
        percent = float(str(value))
    except ValueError:
        percent = -1.0
    if isinstance(value, bool) or not 0 <= percent <= 100:
        raise ConfigurationError(f"{argument} is {value!r}.", remedy="Use a number from 0 to 100.")
    return percent
