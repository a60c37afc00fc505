# SPDX-License-Identifier: Apache-2.0
"""Which runs were reverted, so that they do nothing again by a retry or a clear, and which runs there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, not_, select, tuple_

from airflow_provider_okta_ure.action_log.inserting import insert_into
from airflow_provider_okta_ure.action_log.tables import actions, reverts, tasks

_LONGEST_NAME = 255
_RUNS = 500
"""So many runs of a DAG, the newest, are looked at for a name that is like a wrong one."""


class Revert(msgspec.Struct, frozen=True, kw_only=True):
    """
    That one run undid what another one did.

    :param org: the Okta org's URL.
    :param dag_id: with ``run_id``, the run that was reverted.
    :param action: which of its actions; empty = all.
    :param user_key: for whom; empty = everybody.
    :param by_dag_id: with ``by_run_id``, the run that reverted it.
    :param as_of: the time that the reverting run is for (aware).
    :param asked_by: who asked for it, as far as Airflow tells.
    """

    org: str
    dag_id: str
    run_id: str
    action: str = ""
    user_key: str = ""
    by_dag_id: str
    by_run_id: str
    as_of: datetime
    recorded_at: datetime
    asked_by: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is about everything that the run did."""
        return not self.action and not self.user_key

    def is_about(self, action: str, user_key: str) -> bool:
        """Whether it is about this action on this user."""
        return self.action in ("", action) and self.user_key in ("", user_key)


def write_reverts(connection: Connection, records: Sequence[Revert]) -> None:
    """Write that a run is reverted; a retry of the reverting run changes nothing."""
    if not records:
        return
    rows = [msgspec.structs.asdict(one) for one in records]
    for row in rows:
        row["asked_by"] = row["asked_by"][:_LONGEST_NAME]
    connection.execute(insert_into(connection, reverts).on_conflict_do_nothing(), rows)


def reverts_of(connection: Connection, *, dag_id: str, run_id: str) -> list[Revert]:
    """
    Return the reverts of a run that are in effect, the oldest first.

    A revert that was itself reverted as a whole is not in effect, unless that was reverted in turn.
    """
    return _in_effect(connection, dag_id, run_id, seen=frozenset())


def _in_effect(
    connection: Connection, dag_id: str, run_id: str, *, seen: Collection[tuple[str, str]]
) -> list[Revert]:
    found = select(reverts).where(reverts.c.dag_id == dag_id, reverts.c.run_id == run_id)
    records = [Revert(**row) for row in connection.execute(found.order_by(reverts.c.recorded_at)).mappings()]
    # No run is older than the run that it reverts; should the table say so all the same, it ends here.
    seen = {*seen, (dag_id, run_id)}
    over = {
        by: any(one.is_whole for one in _in_effect(connection, *by, seen=seen))
        for by in {(one.by_dag_id, one.by_run_id) for one in records}
        if by not in seen
    }
    return [one for one in records if not over.get((one.by_dag_id, one.by_run_id), False)]


def counts_for_undoing(
    connection: Connection, *, org: str, dag_id: str, run_id: str
) -> list[ColumnElement[bool]]:
    """
    Return in SQL which entries count as later decisions when a run is undone.

    What another run decided that was reverted since does not, nor does what the revert of that one did: both
    together left things as they were. So several runs are undone one after the other, the newest first.

    :param dag_id: with ``run_id``, the run that is undone; its own reverts count. Empty = none is.
    """
    is_other = not_(and_(reverts.c.dag_id == dag_id, reverts.c.run_id == run_id))
    by = tuple_(reverts.c.by_dag_id, reverts.c.by_run_id)
    runs = connection.execute(
        select(reverts.c.by_dag_id, reverts.c.by_run_id).where(reverts.c.org == org).distinct()
    )
    over = [
        (one.by_dag_id, one.by_run_id)
        for one in runs.all()
        if any(each.is_whole for each in reverts_of(connection, dag_id=one.by_dag_id, run_id=one.by_run_id))
    ]
    was_reverted = exists().where(
        reverts.c.org == actions.c.org,
        reverts.c.dag_id == actions.c.dag_id,
        reverts.c.run_id == actions.c.run_id,
        reverts.c.action.in_(("", actions.c.action)),
        reverts.c.user_key.in_(("", actions.c.user_key)),
        is_other,
        by.not_in(over),
    )
    reverted_another = exists().where(
        reverts.c.org == actions.c.org,
        reverts.c.by_dag_id == actions.c.dag_id,
        reverts.c.by_run_id == actions.c.run_id,
        is_other,
    )
    return [not_(was_reverted), not_(reverted_another)]


def first_dag(connection: Connection, *, dag_id: str, run_id: str) -> str:
    """Return the DAG whose decisions a run is about: of a run that reverts another one, that one's DAG."""
    return runs_behind(connection, dag_id=dag_id, run_id=run_id)[-1][0]


def runs_behind(connection: Connection, *, dag_id: str, run_id: str) -> list[tuple[str, str]]:
    """Return DAG and id of a run, then of the run that it reverts, and so on to the one that reverts none."""
    found: list[tuple[str, str]] = []
    while (dag_id, run_id) not in found:
        found.append((dag_id, run_id))
        of = connection.execute(
            select(reverts.c.dag_id, reverts.c.run_id)
            .where(reverts.c.by_dag_id == dag_id, reverts.c.by_run_id == run_id)
            .limit(1)
        ).first()
        if of is None:
            break
        dag_id, run_id = of
    return found


def orgs_of_run(connection: Connection, *, dag_id: str, run_id: str) -> set[str]:
    """Return the orgs and tenants that a run used; empty = the action log does not know the run."""
    found: set[str] = set()
    for table in (tasks, actions):
        about = (table.c.dag_id == dag_id, table.c.run_id == run_id)
        found.update(connection.execute(select(table.c.org).where(*about).distinct()).scalars())
    return found


def known_runs(connection: Connection, *, dag_id: str) -> list[str]:
    """Return the ids of the newest runs of a DAG, the newest first."""
    runs = select(tasks.c.run_id).where(tasks.c.dag_id == dag_id).group_by(tasks.c.run_id)
    newest = runs.order_by(func.max(tasks.c.as_of).desc()).limit(_RUNS)
    return list(connection.execute(newest).scalars())


def known_dags(connection: Connection) -> list[str]:
    """Return the ids of the DAGs whose runs are known."""
    return list(connection.execute(select(tasks.c.dag_id).distinct().order_by(tasks.c.dag_id)).scalars())


def forget_reverts(connection: Connection, before: datetime) -> None:
    """Delete the reverts that are for an earlier time."""
    connection.execute(delete(reverts).where(reverts.c.as_of < before))
