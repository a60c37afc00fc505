# SPDX-License-Identifier: Apache-2.0
"""What tasks planned to change, as it was when they planned: what an approval is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select

from airflow_provider_okta_ure.action_log.tables import plans
from airflow_provider_okta_ure.core.plans import ChangePlan, PlanInOrg
from airflow_provider_okta_ure.core.seals import digest_of
from airflow_provider_okta_ure.errors import ActionLogError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.tasks import TaskKey

_LONGEST_ID, _LONGEST_NAME = 64, 255


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """
    One plan of one task.

    :param target: the group's id or what stands for a group that is not there, or the issuer; empty when
        there was nothing to plan.
    :param org: the Okta org, as the action log calls it.
    :param as_of: the time that the run is for (aware).
    :param try_id: in which try of the task it was planned.
    :param made_at: when (aware).
    :param triggered_by: who triggered the run, as far as Airflow tells.
    :param plan: the :class:`ChangePlan` as canonical JSON.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    action: str
    target: str
    org: str
    as_of: datetime
    plan_id: str
    try_id: str
    made_at: datetime
    triggered_by: str
    plan: str

    @classmethod
    def of(
        cls,
        task: TaskKey,
        planned: PlanInOrg,
        *,
        try_id: str = "",
        made_at: datetime,
        triggered_by: str = "",
    ) -> PlanRecord:
        """Return the record of what a task has planned."""
        return cls(
            **msgspec.structs.asdict(task),
            action=planned.plan.action,
            target=planned.target,
            org=planned.org,
            as_of=planned.plan.as_of,
            plan_id=planned.plan.plan_id,
            try_id=try_id[:_LONGEST_ID],
            made_at=made_at,
            triggered_by=triggered_by[:_LONGEST_NAME],
            plan=msgspec.json.encode(planned.plan, order="sorted").decode(),
        )

    @property
    def digest(self) -> str:
        """A digest of everything in the record: of the same plan, made again, it is another."""
        return digest_of(self)

    @cached_property
    def planned(self) -> PlanInOrg:
        """
        The plan itself.

        :raises ActionLogError: what is in the table is no plan.
        """
        try:
            plan = msgspec.json.decode(self.plan, type=ChangePlan)
        except (msgspec.DecodeError, RecursionError):
            raise ActionLogError(
                f"The plan of the task {self.task_id} in the action log cannot be read.",
                remedy="Clear that task, so that it plans again.",
                retryable=False,
            ) from None
        return PlanInOrg(org=self.org, target=self.target, plan=plan)


def write_plan(connection: Connection, record: PlanRecord) -> None:
    """
    Write what a task plans to do to a target, in the place of what it planned before.

    What it planned in another try for other targets is deleted: that is not planned any more.
    """
    same_target = and_(plans.c.action == record.action, plans.c.target == record.target)
    is_old = or_(plans.c.try_id != record.try_id, same_target)
    connection.execute(delete(plans).where(_of_task(record), is_old))
    connection.execute(insert(plans).values(msgspec.structs.asdict(record)))


def plans_of_tasks(
    connection: Connection, *, dag_id: str, run_id: str, task_ids: Iterable[str]
) -> list[PlanRecord]:
    """Return what tasks of one run planned, all parts of mapped tasks, in the order of their names."""
    rows = connection.execute(
        select(plans)
        .where(plans.c.dag_id == dag_id, plans.c.run_id == run_id, plans.c.task_id.in_(list(task_ids)))
        .order_by(plans.c.task_id, plans.c.map_index, plans.c.action, plans.c.target)
    )
    return [PlanRecord(**row) for row in rows.mappings()]


def plans_with_ids(
    connection: Connection, *, dag_id: str, org: str, plan_ids: Iterable[str]
) -> list[PlanRecord]:
    """Return the plans that any run of a DAG made for an org and that have one of the ids."""
    rows = connection.execute(
        select(plans)
        .where(plans.c.dag_id == dag_id, plans.c.org == org, plans.c.plan_id.in_(list(plan_ids)))
        .order_by(plans.c.made_at)
    )
    return [PlanRecord(**row) for row in rows.mappings()]


def planned_elsewhere(
    connection: Connection, *, dag_id: str, run_id: str, task_id: str, map_index: int
) -> set[str]:
    """Return the Okta ids of the users whom the other parts of a mapped task plan to change, as of now."""
    others = [
        one
        for one in plans_of_tasks(connection, dag_id=dag_id, run_id=run_id, task_ids=[task_id])
        if one.map_index != map_index
    ]
    return {change.user_id for one in others for change in one.planned.plan.changes}


def forget_plans_of(connection: Connection, task: TaskKey) -> None:
    """Delete what one task, or one part of it, has planned."""
    connection.execute(delete(plans).where(_of_task(task)))


def forget_plans(connection: Connection, before: datetime) -> None:
    """Delete the plans that are for an earlier time, unless they were made lately, by a backfill."""
    connection.execute(delete(plans).where(and_(plans.c.as_of < before, plans.c.made_at < before)))


def _of_task(task: PlanRecord | TaskKey) -> ColumnElement[bool]:
    return and_(
        plans.c.dag_id == task.dag_id,
        plans.c.run_id == task.run_id,
        plans.c.task_id == task.task_id,
        plans.c.map_index == task.map_index,
    )
