# SPDX-License-Identifier: Apache-2.0
"""Asking a person, so that who answered what is on the page and in the action log."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator

from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord, write_approval
from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.plain_log import PlainLogMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.approvals import Answer


class OktaApprovalOperator(PlainLogMixin, ApprovalOperator):
    """
    Ask a person to approve, as Airflow's ``ApprovalOperator`` does, and record the question and the answer.

    Takes the arguments of that operator. The page "User Risk" shows who approved or rejected a run and when,
    or that nobody has answered.
    """

    def execute(self, context: Context) -> Any:
        self._record(context)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        chosen = event.get("chosen_options") or []
        answer: Answer = "approved" if self.APPROVE in chosen else "rejected" if chosen else "unanswered"
        self._record(
            context,
            answer=answer,
            answered_by=str((event.get("responded_by_user") or {}).get("name") or ""),
            answered_at=event.get("responded_at"),
        )
        return super().execute_complete(context, event)

    def _record(
        self,
        context: Context,
        *,
        answer: Answer = "",
        answered_by: str = "",
        answered_at: datetime | None = None,
    ) -> None:
        """Write into the action log; what cannot be written does not keep anybody from answering."""
        now = datetime.now(tz=timezone.utc)
        try:
            run = RunIdentity.of(context)
            record = ApprovalRecord(
                dag_id=run.dag_id,
                run_id=run.run_id,
                task_id=run.task_id,
                map_index=run.map_index,
                as_of=run.as_of,
                subject=str(self.subject),
                asked_at=now,
                due_at=now + self.response_timeout if self.response_timeout else None,
                answer=answer,
                answered_by=answered_by,
                answered_at=(answered_at or now) if answer else None,
            )
            with closing(open_action_log()) as log, log.database.writing() as connection:
                write_approval(connection, record)
        except OktaUreError as error:
            self.log.warning("The approval is not recorded in the action log: %s", error)
