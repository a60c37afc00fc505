# SPDX-License-Identifier: Apache-2.0
"""The parts of a revert: one action of a run on one target, undone by its opposite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.guardrails.group_rules import GroupRules
from airflow_provider_okta_ure.core.reports import build_report
from airflow_provider_okta_ure.engine.actions.group_work import GroupChoice
from airflow_provider_okta_ure.engine.actions.undo_group import UndoAdditions, UndoRemovals
from airflow_provider_okta_ure.engine.actions.undo_signals import UndoSignals
from airflow_provider_okta_ure.engine.claim import Claim
from airflow_provider_okta_ure.engine.guard import remember_plan
from airflow_provider_okta_ure.engine.pipeline import DRY_RUN, Watcher, carry_out
from airflow_provider_okta_ure.engine.prepared import prepare
from airflow_provider_okta_ure.engine.session import Mode
from airflow_provider_okta_ure.operators.links import say_what_it_is_about
from airflow_provider_okta_ure.operators.push import key_check_of, sender_of
from airflow_provider_okta_ure.operators.run import to_workers
from airflow_provider_okta_ure.operators.said import log_counts, log_user, verdict

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Action, Report
    from airflow_provider_okta_ure.core.reports import FailOn
    from airflow_provider_okta_ure.engine.actions.undoing import Undone
    from airflow_provider_okta_ure.engine.actions.work import Work
    from airflow_provider_okta_ure.engine.guard import Guard
    from airflow_provider_okta_ure.engine.prepared import Prepared
    from airflow_provider_okta_ure.engine.run import Run
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.turns import Turns
    from airflow_provider_okta_ure.errors import OktaUreError
    from airflow_provider_okta_ure.hooks.okta import OktaHook
    from airflow_provider_okta_ure.operators.identities import Names
    from airflow_provider_okta_ure.operators.writing import OktaWritingOperator

SIGNAL_REASON = "Reverted: the level from before a change that was undone"


class UndoPart:
    """
    Undo one action of a run on one target.

    In three steps, so that all parts of a revert are judged before the first write.

    :param operator: whose limits and exclusions hold.
    :param action: what the run did.
    :param target: the group's id, or the issuer.
    :param undone: the run, and how much of it.
    :param turns: the locks of the whole revert.
    """

    def __init__(
        self,
        operator: OktaWritingOperator,
        action: LogAction,
        target: str,
        undone: Undone,
        *,
        log: ActionLog,
        run: Run,
        turns: Turns,
    ) -> None:
        self.hook = operator.hook_for((USERS_READ,) if action == "push_risk" else (USERS_READ, GROUPS_MANAGE))
        self.prepared: Prepared | None = None
        self.ended: list[Decision] = []
        """How it ended for each user."""
        self._operator = operator
        self._undoes = action
        self._target = target
        self._undone = undone
        self._log = log
        self._run = run
        self._turns = turns
        self._claim = Claim(self._session(is_preview=True))

    def _session(self, *, is_preview: bool) -> Session:
        return self._operator.session(
            self._log,
            self._run,
            org=self._undone.org,
            turns=self._turns,
            is_preview=is_preview,
            hook=self.hook,
        )

    def _work(self, session: Session) -> Work:
        if self._undoes == "push_risk":
            sender = sender_of(
                self.hook, reason_admin=SIGNAL_REASON, reason_user="", run_as_of=session.run.as_of
            )
            return UndoSignals(session, sender, self._undone, check_key=key_check_of(self.hook, session.info))
        choice = _choice(self._operator, self.hook, self._target)
        if self._undoes == "add_to_group":
            return UndoAdditions(session, choice, self._undone)
        return UndoRemovals(session, choice, self._undone)

    @property
    def action(self) -> Action:
        """What undoing does, of a prepared part; the action log has it under that name."""
        return self.plan.work.action

    def turn(self) -> str:
        """Return what is acted on: two tasks with the same answer take turns."""
        return self._work(self._session(is_preview=True)).turn()

    def prepare(self, *, only_plan: bool, is_paused: Callable[[], bool], why: str) -> None:
        """
        Read what is going to be done; nothing is written.

        :param only_plan: nothing is going to be written: a dry run, or all writes are paused.
        :param why: why, as a reason code.
        """
        work = self._work(self._session(is_preview=only_plan))
        self.prepared = prepare(
            work,
            (),
            without_excluded=self._operator.without_excluded(self._log, self._undone.org, self.hook),
            why_preview=why,
            is_paused=is_paused,
        )

    @property
    def plan(self) -> Prepared:
        """What is going to be done; only of a part whose group is still there."""
        if self.prepared is None:
            raise AssertionError("the part is not prepared")
        return self.prepared

    @property
    def target_key(self) -> str:
        """The group's id, or the issuer."""
        return self.plan.plan.target.key

    @property
    def target_name(self) -> str:
        """The same for people."""
        return self.plan.plan.target.name or self.target_key

    def leave_it_at_the_plan(self, why: str) -> None:
        """Carry out nothing of what was prepared, for the reason with this code."""
        self.prepared = replace(self.plan, mode=Mode.PREVIEW, why=why)

    def judge(self, guard: Guard) -> str:
        """
        Refuse what is too much, or not what was approved; return who approved it.

        :raises OktaUreError: saying why.
        """
        return guard.judge(self.plan, self._claim)

    def needs_no_limit(self, guard: Guard) -> bool:
        """Whether somebody has approved just this, or looked at it and named its id."""
        if guard.read_approved is not None:
            return True
        return any(self.plan.proposal.has_content_of(one) for one in guard.read_accepted().plans)

    def remember_plan(self) -> None:
        """Record the plan, so that its id can be named."""
        remember_plan(self.plan.session, self.plan.proposal.in_org)

    def end_claim(self) -> None:
        """Say that this part is over and changes nobody else."""
        self._claim.close()

    def carry_out(
        self,
        context: Context,
        fail_on: FailOn,
        *,
        approved_by: str,
        names: Names,
        is_paused: Callable[[], bool],
    ) -> tuple[Report, OktaUreError | None]:
        """Return the report, and what fails the task, if something does."""
        log, action = self._operator.log, self.plan.work.action

        def note(decision: Decision) -> None:
            self.ended.append(decision)
            log_user(log, action, decision, names)

        watcher = Watcher(
            about=lambda about: say_what_it_is_about(context["ti"], org=self.hook.base_url, target=about),
            ended=note,
            progress=lambda _done, _total: None,
        )
        log.info("::group::%s, user by user", action)
        ended = carry_out(
            self.plan,
            watcher,
            approved_by=approved_by,
            workers=to_workers(self._operator.workers),
            is_paused=is_paused,
        )
        log.info("::endgroup::")
        is_planned = self.plan.mode is not Mode.APPLY
        report = build_report(
            action,
            ended.decisions,
            as_of=self._run.as_of,
            as_of_reason=self._run.as_of_reason,
            dry_run=is_planned,
            target=ended.target.about,
            plan=self.plan.proposal.plan if is_planned else None,
        )
        log_counts(log, action, report)
        return report, ended.execution.error or verdict(report, fail_on, ended.execution, names)


def why_planned(*, dry_run: bool) -> str:
    """Return why a revert that is only planned is left at that, as a reason code."""
    return DRY_RUN if dry_run else "paused"


def _choice(operator: OktaWritingOperator, hook: OktaHook, group_id: str) -> GroupChoice:
    settings = hook.settings
    return GroupChoice(
        group_id=group_id,
        rules=GroupRules.read(
            excluded=(operator.exclude_groups, settings.exclude_groups), writable=settings.writable_groups
        ),
        applies_past=True,
    )
