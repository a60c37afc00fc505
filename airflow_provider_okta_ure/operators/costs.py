# SPDX-License-Identifier: Apache-2.0
"""What a task decided and what it cost, in seconds and calls, as one record in the action log."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

import msgspec

from airflow_provider_okta_ure.action_log.tasks import Calls, Silent, TaskSummary
from airflow_provider_okta_ure.errors import OktaUreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.operators.identity import RunIdentity

log = logging.getLogger(__name__)


class Client(Protocol):
    """What is asked of a client of either service."""

    @property
    def calls(self) -> Mapping[str, int]: ...

    @property
    def limits(self) -> Mapping[str, int]: ...

    @property
    def rate_limit_share(self) -> float: ...


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a task has cost before it gave its worker slot back.

    :param seconds: how long it worked.
    :param calls: how many calls it made, by rate limit.
    """

    seconds: float = 0.0
    calls: Mapping[str, int] = {}


NOTHING = Spent()


class TaskResult(msgspec.Struct, kw_only=True):
    """
    What a task decided, as far as the work has come; see :class:`TaskSummary` for the meaning of each part.

    The work sets them. ``is_complete`` counts only if the work then ends without an error.
    """

    target: str = ""
    target_name: str = ""
    counts: Mapping[str, int] = {}
    silent: tuple[Silent, ...] = ()
    is_complete: bool = False
    parts: int = 1
    source: str = ""
    spent: Spent = NOTHING
    """What it has cost so far; known at its end."""


@contextmanager
def cost_written(
    open_log: Callable[[], AbstractContextManager[ActionLog]],
    run: RunIdentity,
    *,
    org: str,
    action: str,
    client: Callable[[], Client],
    warnings: Sequence[str] = (),
    before: Spent = NOTHING,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[TaskResult]:
    """
    Yield what the work inside can set, and write that and what the work cost, however it ends.

    What cannot be written is not worth a failed task, and hides no error of the work itself.

    :param open_log: gives the action log, at the end.
    :param org: the service's URL.
    :param client: gives the client that made the calls, at the end.
    :param warnings: what people should look at; what the work adds to the list counts, too.
    :param before: what the same try of the task has cost already.
    """
    began = monotonic()
    result, has_ended = TaskResult(), False
    try:
        yield result
        has_ended = True
    finally:
        seconds = round(before.seconds + monotonic() - began, 3)
        try:
            calls = _calls(client(), before.calls)
            result.spent = Spent(seconds=seconds, calls={name: one.calls for name, one in calls.items()})
            with open_log() as action_log:
                action_log.record_task(
                    TaskSummary(
                        dag_id=run.dag_id,
                        run_id=run.run_id,
                        task_id=run.task_id,
                        map_index=run.map_index,
                        try_number=run.try_number,
                        as_of=run.as_of,
                        as_of_reason=run.as_of_reason,
                        org=org,
                        action=action,
                        ended_at=datetime.now(tz=timezone.utc),
                        seconds=seconds,
                        calls=calls,
                        warnings=tuple(warnings),
                        target=result.target,
                        target_name=result.target_name,
                        counts=result.counts,
                        silent=result.silent,
                        # Who was not reached is as if the run had not been.
                        is_complete=result.is_complete and has_ended,
                        parts=result.parts,
                        source=result.source,
                    )
                )
        except OktaUreError as error:
            log.warning("What this task cost is not written down: %s", error.message)


def _calls(client: Client, before: Mapping[str, int] = NOTHING.calls) -> dict[str, Calls]:
    limits, share = client.limits, client.rate_limit_share
    made = Counter(before)
    made.update(client.calls)
    return {
        bucket: Calls(
            calls=number,
            limit=limits.get(bucket),
            ours=max(1, int(limits[bucket] * share)) if bucket in limits else None,
        )
        for bucket, number in sorted(made.items())
    }
