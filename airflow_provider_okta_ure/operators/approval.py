# SPDX-License-Identifier: Apache-2.0
"""Asking a person about plans: the action log says what was shown and who answered, and can prove it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_okta_ure.action_log.approvals import (
    ApprovalRecord,
    PlanShown,
    approvals_of_run,
    write_approval,
)
from airflow_provider_okta_ure.action_log.plans import plans_of_tasks
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError, NotApprovedError, PlanChangedError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.hooks.sealing import sealing_key_of
from airflow_provider_okta_ure.operators.approved import split_changed
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.plain_log import PlainLogMixin
from airflow_provider_okta_ure.operators.run import failing_for_good

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.approvals import Answer
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.action_log.plans import PlanRecord


_BACKFILL = "backfill__"
"""How Airflow begins the id of a run that a backfill has made. One that it does again keeps its id, and the
name of who triggered it at first, although the backfill can bring other parameters."""


class OktaApprovalOperator(PlainLogMixin, ApprovalOperator):
    """
    Ask a person to approve what other tasks of the same run have planned.

    The question is made from the plans in the action log, where no user of Airflow can edit them. The answer
    is written to the action log with a seal, made with the secret of the Okta connection, so that a task with
    ``approval=`` set to this task's id can tell that somebody has approved just these plans.

    Skips itself, and with it what comes after it, when nothing is to be changed. Takes the other arguments of
    Airflow's ``ApprovalOperator``, too.

    :param plans: the task ids of the tasks that planned: acting operators with ``dry_run=True``.
    :param okta_conn_id: the connection to the Okta org that the plans are for. (templated)
    :param allow_own_runs: whether somebody may approve a run that they have triggered themselves.
    :param subject: what to say after the headline. (templated)
    :param body: what to say below the plans, in Markdown. (templated)
    """

    template_fields: Collection[str] = ("subject", "body", "okta_conn_id")

    def __init__(
        self,
        *,
        plans: Sequence[str],
        okta_conn_id: str = OktaHook.default_conn_name,
        allow_own_runs: bool = False,
        subject: str = "",
        body: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject=subject, body=body, **kwargs)
        if isinstance(plans, str) or not plans or not all(isinstance(one, str) for one in plans):
            raise ConfigurationError(
                f"plans is {plans!r}.", remedy='Use a list of task ids, such as ["plan_add", "plan_remove"].'
            )
        if self.APPROVE in (self.defaults or ()):
            raise ConfigurationError(
                f"defaults is {self.defaults!r}, so that no answer would be an approval.",
                remedy=f"Leave it out, or use {self.REJECT!r}.",
            )
        self.plans = list(plans)
        self.okta_conn_id = okta_conn_id
        self.allow_own_runs = allow_own_runs

    def execute(self, context: Context) -> Any:
        with failing_for_good():
            run = RunIdentity.of(context)
            with closing(open_action_log()) as log:
                self._ask_about(self._planned(log, run), log, run)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        with failing_for_good():
            answer = _Answer.of(event, self.APPROVE)
            with closing(open_action_log()) as log:
                self._record(answer, log, RunIdentity.of(context))
        return super().execute_complete(context, event)

    def _planned(self, log: ActionLog, run: RunIdentity) -> list[PlanRecord]:
        """
        Return the plans to ask about.

        :raises AirflowSkipException: none of them changes anything.
        """
        with log.database.reading() as connection:
            planned = plans_of_tasks(connection, dag_id=run.dag_id, run_id=run.run_id, task_ids=self.plans)
        missing = sorted(set(self.plans) - {one.task_id for one in planned})
        if missing:
            raise ConfigurationError(
                f"The action log has no plan of the task {', '.join(missing)} in this run.",
                remedy="Name tasks in plans that run before this one with dry_run=True.",
            )
        if not any(one.planned.plan.changes for one in planned):
            raise AirflowSkipException("Nothing is to be changed, so nobody has to approve it.")
        return sorted(planned, key=lambda one: self.plans.index(one.task_id))

    def _ask_about(self, planned: Sequence[PlanRecord], log: ActionLog, run: RunIdentity) -> None:
        hook = OktaHook(self.okta_conn_id)
        org = log.org_at(hook.base_url, lambda: hook.client.get_org_id())
        for one in planned:
            if one.org != org and one.planned.plan.changes:
                raise ConfigurationError(
                    f"The plan of the task {one.task_id} is for the Okta org {one.org}, and the connection "
                    f"{self.okta_conn_id!r} is for {org}.",
                    remedy="Ask in a task of its own for each org, with the connection that acts on it.",
                )
        to_do = [one.planned.plan for one in planned if one.planned.plan.changes]
        number = sum(len(plan.changes) for plan in to_do)
        changes = "1 change" if number == 1 else f"{number} changes"
        said = f"Okta: {changes} as of {to_do[0].as_of:%Y-%m-%d %H:%M} UTC"
        self.subject = f"{said}. {self.subject}" if self.subject else said
        self.body = "\n\n".join([*(plan.summary() for plan in to_do), *([self.body] if self.body else [])])
        now = datetime.now(tz=timezone.utc)
        question = ApprovalRecord(
            **msgspec.structs.asdict(run.task),
            as_of=run.as_of,
            subject=self.subject,
            asked_at=now,
            due_at=now + self.response_timeout if self.response_timeout else None,
            org=org,
            plans=tuple(map(PlanShown.of, planned)),
        )
        with log.database.writing() as connection:
            write_approval(connection, question.sealed(sealing_key_of(hook)))

    def _record(self, answer: _Answer, log: ActionLog, run: RunIdentity) -> None:
        """
        Write the answer down.

        :raises OktaUreError: it is an approval, and it does not count.
        """
        key = sealing_key_of(OktaHook(self.okta_conn_id))
        is_approval = answer.answer == "approved"
        with log.database.reading() as connection:
            asked = approvals_of_run(connection, dag_id=run.dag_id, run_id=run.run_id, task_id=run.task_id)
            question = next((one for one in asked if one.map_index == run.map_index), None)
            planned = plans_of_tasks(connection, dag_id=run.dag_id, run_id=run.run_id, task_ids=self.plans)
        if question is None and not is_approval:
            return
        if question is None or (is_approval and not question.is_sealed(key)):
            raise NotApprovedError(
                "The question is not in the action log as this task wrote it: somebody has changed it by "
                f"hand, or the credential of the connection {self.okta_conn_id!r} is another one than when "
                "it was asked. Nothing was written to Okta."
            )
        problem = self._problem(answer, question, planned, run) if is_approval else None
        told: Answer = "refused" if problem is not None else answer.answer
        answered = msgspec.structs.replace(
            question,
            answer=told,
            answered_by=answer.name,
            answered_by_id=answer.id,
            answered_at=answer.at,
        )
        with log.database.writing() as connection:
            write_approval(connection, answered.sealed(key))
        if problem is not None:
            raise problem

    def _problem(
        self, answer: _Answer, question: ApprovalRecord, planned: Sequence[PlanRecord], run: RunIdentity
    ) -> NotApprovedError | PlanChangedError | None:
        """Return why an approval does not count; None = it does."""
        _, changed = split_changed(planned, question.plans)
        if changed:
            return PlanChangedError(
                f"The plan of {', '.join(changed)} was made again or changed since it was shown, so it is "
                "not what was approved. Nothing was written to Okta."
            )
        if not answer.name:
            return NotApprovedError("Airflow does not tell who approved. Nothing was written to Okta.")
        if not self.allow_own_runs and run.is_backfill and not run.run_id.startswith(_BACKFILL):
            return NotApprovedError(
                "A backfill does this run again, maybe with other parameters, and Airflow does not tell who "
                "has started it. Nothing was written to Okta.",
                remedy="Trigger a run of its own; or set allow_own_runs=True in the DAG.",
            )
        triggered = {fold(one) for one in (run.triggered_by, *(one.triggered_by for one in planned)) if one}
        if not self.allow_own_runs and triggered & {fold(answer.name), fold(answer.id)}:
            return NotApprovedError(
                f"{answer.name} has triggered this run, so somebody else has to approve it. Nothing was "
                "written to Okta.",
                remedy="Clear this task: it asks again. Where one person may do both, set "
                "allow_own_runs=True in the DAG.",
            )
        return None


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    answer: Answer
    name: str = ""
    id: str = ""
    at: datetime

    @classmethod
    def of(cls, event: dict[str, Any], approve: str) -> _Answer:
        """Return what Airflow says of an answer; silence is none, whatever the default for it is."""
        chosen, user, at = (
            event.get("chosen_options"),
            event.get("responded_by_user"),
            event.get("responded_at"),
        )
        moment = at.timestamp() if isinstance(at, datetime) else None
        found: Answer = "unanswered"
        if chosen and "error" not in event and not event.get("timedout"):
            found = "approved" if list(chosen) == [approve] else "rejected"
        return cls(
            answer=found,
            name=str((user or {}).get("name") or ""),
            id=str((user or {}).get("id") or ""),
            # A plain datetime: what is sealed has to be what the database returns.
            at=datetime.now(tz=timezone.utc)
            if moment is None
            else datetime.fromtimestamp(moment, timezone.utc),
        )
