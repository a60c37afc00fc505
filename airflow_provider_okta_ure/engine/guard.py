# SPDX-License-Identifier: Apache-2.0
"""Compares what a task is about to change with the limits and with what was approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log.changes import accepted_by
from airflow_provider_okta_ure.action_log.plans import PlanRecord, write_plan
from airflow_provider_okta_ure.core.guardrails.checks import (
    require_approved,
    require_done_once,
    require_small,
    require_within_the_day,
)
from airflow_provider_okta_ure.core.guardrails.limits import Parts
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.engine.facts.carried_out import done_since
from airflow_provider_okta_ure.engine.recorder import Recorder
from airflow_provider_okta_ure.errors import BlastRadiusError, NotApprovedError, PlanChangedError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.guardrails.consent import AcceptedPlans, Approved
    from airflow_provider_okta_ure.core.guardrails.limits import BlastRadius, DailyBound
    from airflow_provider_okta_ure.core.plans import PlanInOrg
    from airflow_provider_okta_ure.engine.claim import Claim
    from airflow_provider_okta_ure.engine.prepared import Prepared
    from airflow_provider_okta_ure.engine.session import Session


@dataclass(frozen=True)
class Guard:
    """
    The limits of one task, and the consent that lifts them.

    :param radius: the most that the task may change.
    :param day: the most that all tasks together may change in the org on one UTC day; read when it matters.
    :param read_approved: returns what was approved; None = the task needs no approval.
    :param read_accepted: returns the plans that may be of any size.
    :param parts: how many parts the task is mapped to; 1 = it is not, None = it is not known.
    :param shown: returns a name as it may stand in a log.
    """

    radius: BlastRadius
    day: Callable[[], DailyBound]
    read_approved: Callable[[], Approved] | None
    read_accepted: Callable[[], AcceptedPlans]
    parts: int | None
    shown: Callable[[str], str]

    def judge(self, prepared: Prepared, claim: Claim) -> str:
        """
        Let only a change through that somebody has approved, or that is small enough to need nobody.

        :return: who approved it; empty = it needs no approval.
        :raises OktaUreError: it is neither; who would be changed, and why nobody is, is in the action log.
        """
        session, proposal = prepared.session, prepared.proposal
        try:
            if self.read_approved is not None:
                return self._require_approved(prepared, self.read_approved())
            approved_by = self._require_small(prepared, claim) if proposal.plan.changes else ""
        except BlastRadiusError:
            remember_plan(session, proposal.in_org)
            _record_refusal(prepared, "plan_refused")
            raise
        except (NotApprovedError, PlanChangedError):
            _record_refusal(prepared, "not_approved")
            raise
        if session.run.map_index >= 0:
            # What this part was refused before is no part of the others' sum any more.
            session.log.forget_plan(session.run.task)
        return approved_by

    def _require_approved(self, prepared: Prepared, approved: Approved) -> str:
        require_approved(prepared.proposal, approved, shown=self.shown)
        done = done_since(prepared.session, prepared.work.action, prepared.plan.target, approved.asked_at)
        require_done_once(prepared.proposal, approved, done, shown=self.shown)
        return approved.by

    def _require_small(self, prepared: Prepared, claim: Claim) -> str:
        session, proposal = prepared.session, prepared.proposal
        bound, parts, accepted = self.day(), self._parts(session), self.read_accepted()
        # Two tasks that plan at the same moment must not both find that there is room for them.
        with session.log.lock(f"{session.org} changes of a day"):
            today, run = claim.changed_today(), session.run
            is_accepted = require_small(
                proposal,
                self.radius,
                shown=self.shown,
                parts=parts,
                accepted=accepted,
                today=today.of_task(run.dag_id, run.task_id) if run.dag_id else frozenset(),
            )
            require_within_the_day(
                proposal, bound, today, users=prepared.plan.population.of_source, shown=self.shown
            )
            claim.write([change.user_id for change in proposal.plan.changes])
        return accepted_by(session.run.triggered_by) if is_accepted else ""

    def _parts(self, session: Session) -> Parts:
        """Return what is known of the other parts of a mapped task."""
        if self.parts is None or self.parts < 2:
            return Parts()
        run = session.run
        of_task = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": run.task_id}
        planned = session.log.planned_elsewhere(map_index=run.map_index, **of_task)
        return Parts(
            count=self.parts,
            are_known=len(session.log.parts_that_ran(**of_task) - {run.map_index}) >= self.parts - 1,
            planned=frozenset(planned),
        )


def remember_plan(session: Session, planned: PlanInOrg) -> None:
    """Record what the task plans; what it planned in an earlier try is not planned any more."""
    record = PlanRecord.of(
        session.run.task,
        planned,
        try_id=session.run.try_id,
        made_at=session.now(),
        triggered_by=session.run.triggered_by,
    )
    with session.log.database.writing() as connection:
        write_plan(connection, record)


def _record_refusal(prepared: Prepared, reason: str) -> None:
    """Record whom a refused plan is about, so that people can look at it user by user on the page."""
    text = f"plan {prepared.proposal.plan.plan_id}"
    refused = Outcome(status="planned", reason=reason, message=text)
    recorder = Recorder(prepared.session, prepared.work.action, prepared.plan.target, prepared.plan.tries)
    recorder.plan([one.settled(refused) for one in prepared.decisions if one.outcome is None])
