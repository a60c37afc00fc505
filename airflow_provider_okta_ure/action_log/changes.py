# SPDX-License-Identifier: Apache-2.0
"""
Who was changed on one day, by which tasks, and who is about to be: what limits are compared with.

Effects that a person approved with a seal do not count. Who is about to be changed stands in a claim, which a
task writes when its plan is allowed and removes at its end; so two tasks that plan at the same moment see
each other.
The claim of a task that was killed counts until that task is tried again or the day is over.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, and_, delete, select

from airflow_provider_okta_ure.action_log.lifecycle import CHANGES
from airflow_provider_okta_ure.action_log.tables import ACCEPTED, IS_UNAPPROVED_EFFECT, actions, claims

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.tasks import TaskKey


class Changed(NamedTuple):
    """
    One user whom one task has changed, or is about to.

    :param is_accepted: whether only the id of a plan allowed it.
    """

    dag_id: str
    task_id: str
    user_id: str
    is_accepted: bool = False


def accepted_by(name: str) -> str:
    """
    Return what stands as the approver of a change that somebody allowed by naming the id of its plan.

    It is no approval: whoever may trigger the DAG can do it alone.

    :param name: who triggered the run; empty = Airflow does not tell.
    """
    return f"{ACCEPTED}, by {name}" if name else ACCEPTED


def changed_since(connection: Connection, *, org: str, since: datetime) -> Iterator[Changed]:
    """Yield who was changed in an org since a moment of the clock, without what a person approved."""
    for dag_id, task_id, user_id, approved_by in connection.execute(effects_since(org, since)):
        yield Changed(dag_id, task_id, user_id, is_accepted=bool(approved_by))


def effects_since(org: str, since: datetime) -> Select[Any]:
    """Return the statement that reads them: one range of the index of a day's effects."""
    of_effect = (actions.c.dag_id, actions.c.task_id, actions.c.user_key, actions.c.approved_by)
    return select(*of_effect).where(
        IS_UNAPPROVED_EFFECT,
        actions.c.org == org,
        actions.c.recorded_at >= since,
        actions.c.action.in_(CHANGES),
        # Members who were taken over were not changed in Okta.
        actions.c.reason != "adopted",
    )


def claimed_since(
    connection: Connection, *, org: str, since: datetime, task: TaskKey, try_id: str
) -> Iterator[Changed]:
    """
    Yield whom running tasks are about to change in an org.

    What this very try has claimed already stands there under a name of its own: a task that does several
    things adds them up itself.

    :param task: whose claims of earlier tries do not count: those tries are over.
    :param try_id: its try of now.
    """
    found = connection.execute(
        select(*claims.c).where(claims.c.org == org, claims.c.recorded_at >= since)
    ).mappings()
    for row in found:
        task_id = row["task_id"]
        if _is_of(row, task):
            if row["try_id"] != try_id:
                continue
            task_id = f"{task_id} (this try)"
        for user_id in _unpacked(row["people"]):
            yield Changed(row["dag_id"], task_id, user_id)


def write_claim(
    connection: Connection, *, org: str, task: TaskKey, try_id: str, people: Collection[str], now: datetime
) -> None:
    """Write whom a task is about to change, besides those whom the same try has claimed already."""
    mine = and_(_of(task), claims.c.org == org)
    before = connection.execute(select(claims.c.try_id, claims.c.people).where(mine)).first()
    known = _unpacked(before.people) if before is not None and before.try_id == try_id else []
    connection.execute(delete(claims).where(mine))
    connection.execute(
        claims.insert().values(
            **msgspec.structs.asdict(task),
            try_id=try_id,
            org=org,
            recorded_at=now,
            people=zlib.compress(msgspec.json.encode(sorted({*known, *people})), level=1),
        )
    )


def delete_claims(connection: Connection, *, task: TaskKey, before: datetime) -> None:
    """Delete a task's claim, because it has ended, and all claims of earlier days."""
    connection.execute(delete(claims).where(_of(task)))
    connection.execute(delete(claims).where(claims.c.recorded_at < before))


def _of(task: TaskKey) -> Any:
    return and_(*(claims.c[name] == value for name, value in msgspec.structs.asdict(task).items()))


def _is_of(row: Any, task: TaskKey) -> bool:
    return all(row[name] == value for name, value in msgspec.structs.asdict(task).items())


def _unpacked(people: bytes) -> list[str]:
    return msgspec.json.decode(zlib.decompress(people), type=list[str])
