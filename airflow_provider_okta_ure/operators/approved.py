# SPDX-License-Identifier: Apache-2.0
"""What a person has approved, according to the action log and proved by the seal; XComs are not asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord, PlanShown, approvals_of_run
from airflow_provider_okta_ure.action_log.plans import PlanRecord, plans_of_tasks, plans_with_ids
from airflow_provider_okta_ure.core.guardrails.consent import AcceptedPlans, Approved
from airflow_provider_okta_ure.errors import ConfigurationError, NotApprovedError
from airflow_provider_okta_ure.operators.run import to_text

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.engine.run import Run


def plan_ids_of(approved_plan: object) -> tuple[str, ...]:
    """
    Return the ids of plans that the argument ``approved_plan`` names.

    :raises ConfigurationError: it is neither text with commas nor a list of text.
    """
    value = approved_plan.split(",") if isinstance(approved_plan, str) else approved_plan
    is_content = isinstance(approved_plan, str) and approved_plan.lstrip()[:1] in ("{", "[", "(")
    if value is None:
        return ()
    if is_content or not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(
            "approved_plan takes ids of plans and no plans: a plan that comes from an XCom may not be the "
            "one that was looked at.",
            remedy="Name ids, comma-separated; or let an OktaApprovalOperator ask, and set approval to the "
            "id of its task.",
        )
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))


def approval_task_of(approval: object) -> str | None:
    """
    Return the id of the task that asked, as the argument ``approval`` names it; None = nobody is asked.

    :raises ConfigurationError: it was given, and names no task: nothing must be done without an approval
        because a template was empty.
    """
    task_id = to_text(approval, "approval")
    if task_id is None:
        return None
    if not task_id.strip():
        raise ConfigurationError(
            "approval is empty.", remedy="Set it to the task id of the OktaApprovalOperator, or leave it out."
        )
    return task_id.strip()


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """
    Where a task has to look for somebody's consent, as its arguments say.

    :param approval: the task that asked; None = no approval is needed for a change within the limits.
    :param planned_by: the task whose plan is to be carried out; empty = any that was shown.
    :param plan_ids: ids of plans that may be of any size.
    """

    approval: str | None = None
    planned_by: str = ""
    plan_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, approved_plan: object, approval: object, planned_by: object) -> Consent:
        """
        Return what the arguments of a task mean.

        :raises ConfigurationError: one of them cannot be used, or they contradict each other.
        """
        found = cls(
            approval=approval_task_of(approval),
            planned_by=(to_text(planned_by, "planned_by") or "").strip(),
            plan_ids=plan_ids_of(approved_plan),
        )
        if found.approval is None and found.planned_by:
            raise ConfigurationError("planned_by is set, and approval is not.", remedy="Set approval, too.")
        return found

    def read_accepted(self, log: ActionLog, run: Run, *, org: str) -> AcceptedPlans:
        """
        Return the plans with our ids that were made by runs of the same DAG for the same org.

        :param org: the Okta org, as the action log calls it.
        """
        if not self.plan_ids:
            return AcceptedPlans()
        with log.database.reading() as connection:
            found = plans_with_ids(connection, dag_id=run.dag_id, org=org, plan_ids=self.plan_ids)
        known = {one.plan_id for one in found}
        return AcceptedPlans(
            plans=tuple(one.planned for one in found),
            unknown=tuple(one for one in self.plan_ids if one not in known),
        )

    def read_approved(self, log: ActionLog, run: Run, *, org: str, key: bytes, conn_id: str) -> Approved:
        """
        Return what was approved in a run; of a mapped task that asked, in any of its parts.

        :param org: the Okta org, as the action log calls it.
        :param key: the key of the seal.
        :param conn_id: the Okta connection that the key is made from, for messages.
        :raises NotApprovedError: nobody has approved anything, or it cannot be proved.
        """
        task_id = self.approval or ""
        with log.database.reading() as connection:
            asked = approvals_of_run(connection, dag_id=run.dag_id, run_id=run.run_id, task_id=task_id)
            approved = [one for one in asked if one.answer == "approved"]
            if not approved:
                raise _not_approved(task_id, asked)
            for record in approved:
                _require_proof(record, key, org=org, conn_id=conn_id)
            shown = self._to_carry_out([one for record in approved for one in record.plans], run)
            planned = plans_of_tasks(
                connection, dag_id=run.dag_id, run_id=run.run_id, task_ids={one.task_id for one in shown}
            )
        as_shown, changed = split_changed(planned, shown)
        return Approved(
            by=", ".join(dict.fromkeys(one.answered_by for one in approved)),
            asked_at=min(one.asked_at for one in approved),
            plans=tuple(one.planned for one in as_shown),
            changed=tuple(changed),
        )

    def _to_carry_out(self, shown: Sequence[PlanShown], run: Run) -> set[PlanShown]:
        if not self.planned_by:
            return set(shown)
        of_task = {one for one in shown if one.task_id == self.planned_by}
        if not of_task:
            raise NotApprovedError(
                f"The question of the task {self.approval} was not about a plan of the task "
                f"{self.planned_by}. Nothing was written."
            )
        return {one for one in of_task if one.map_index == run.map_index} or of_task


def _require_proof(record: ApprovalRecord, key: bytes, *, org: str, conn_id: str) -> None:
    if not record.is_sealed(key):
        raise NotApprovedError(
            f"The approval of the task {record.task_id} in the action log does not have the seal of the "
            f"connection {conn_id!r}. Either somebody has written or changed it by hand, or the credential "
            "of the connection is another one than when it was answered. Nothing was written."
        )
    if record.org != org:
        raise NotApprovedError(
            f"The approval of the task {record.task_id} is for the Okta org {record.org}, and this task acts "
            f"on {org}. Nothing was written."
        )


def split_changed(
    planned: Sequence[PlanRecord], shown: Collection[PlanShown]
) -> tuple[list[PlanRecord], list[str]]:
    """
    Return the plans that still are what was shown, and the tasks with one that is not or is gone.

    A plan that is made again is another one, also when it says the same.
    """
    as_shown = [one for one in planned if PlanShown.of(one) in shown]
    missing = set(shown) - {PlanShown.of(one) for one in as_shown}
    return as_shown, sorted({one.task_id for one in missing})


def _not_approved(task_id: str, asked: Sequence[ApprovalRecord]) -> NotApprovedError:
    if not asked:
        said = f"the action log has no question of the task {task_id} in this run"
    else:
        last = asked[-1]
        by = last.answered_by or "somebody"
        said = {
            "rejected": f"the task {task_id} asked, and {by} rejected it",
            "refused": f"the task {task_id} asked, and the approval of {by} did not count; its log says why",
            "unanswered": f"the task {task_id} asked, and nobody has answered in time",
        }.get(last.answer, f"the task {task_id} asked, and nobody has answered")
    return NotApprovedError(f"Nobody has approved this: {said}. Nothing was written.")
