# SPDX-License-Identifier: Apache-2.0
"""What the operators that act on Okta users have in common: read rows, act through the engine, report."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import msgspec
from airflow.sdk import conf

from airflow_provider_okta_ure.core.plans import ChangePlan, PlanInOrg
from airflow_provider_okta_ure.core.reports import FailOn, build_report
from airflow_provider_okta_ure.core.rows import deduplicate, to_rows
from airflow_provider_okta_ure.engine.claim import Claim
from airflow_provider_okta_ure.engine.guard import remember_plan
from airflow_provider_okta_ure.engine.pipeline import DRY_RUN, Ended, Watcher, carry_out
from airflow_provider_okta_ure.engine.prepared import prepare
from airflow_provider_okta_ure.engine.session import Mode
from airflow_provider_okta_ure.engine.turns import Turns
from airflow_provider_okta_ure.errors import LockedError, OktaUreError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.costs import Spent, cost_written
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.links import say_what_it_is_about
from airflow_provider_okta_ure.operators.progress import Progress
from airflow_provider_okta_ure.operators.run import (
    failing_for_good,
    refuse_future_rows,
    to_flag,
    to_workers,
    utc_now,
)
from airflow_provider_okta_ure.operators.said import log_counts, log_user, verdict
from airflow_provider_okta_ure.operators.writing import OktaWritingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import Action, Report, Row
    from airflow_provider_okta_ure.engine.actions.work import Work
    from airflow_provider_okta_ure.engine.guard import Guard
    from airflow_provider_okta_ure.engine.prepared import Prepared
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target
    from airflow_provider_okta_ure.operators.costs import TaskResult

LONGEST_IN_PLACE = 30.0
"""Seconds that a deferrable task waits on its worker: for a rate limit's window, or for another task."""

LONGEST_FOR_LOCK = timedelta(seconds=900)
"""So long a task waits for another one that acts on the same."""


class OktaActionOperator(OktaWritingOperator):
    """
    Act on the Okta users that rows are about, and report how it ended for each.

    :param rows: rows as :class:`NetskopeFetchScoresOperator`, :class:`RiskFilterOperator` or a task of yours
        return them: a list of dicts with at least ``user``; an empty list is success. (templated)
    :param deferrable: while the rate limit's next window, or another task that acts on the same, has to be
        waited for longer than 30 seconds, give the worker slot back; the default is ``default_deferrable`` in
        ``[operators]``. Needs a triggerer.
    :return: the report: counts per status, reasons, the first failures and examples; of a dry run also the
        plan.
    """

    action: ClassVar[Action]
    writes_to_okta: ClassVar[bool] = True
    """Whether it changes anything in Okta, so that the pause switch is for it."""
    acts_without_rows: ClassVar[bool] = False
    """Whether there can be something to do although no row is about it."""
    template_fields: Sequence[str] = ("rows", *OktaWritingOperator.template_fields)

    def __init__(self, *, rows: Any, deferrable: bool | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = deferrable

    @property
    def org(self) -> str:
        """The org's URL, for the action log."""
        return self.hook.base_url

    def org_in(self, log: ActionLog) -> str:
        """Return what the org is called in the action log, whatever host it is reached by."""
        return log.org_at(self.org, self.hook.client.get_org_id)

    def is_paused(self) -> bool:
        return self.writes_to_okta and super().is_paused()

    @abstractmethod
    def work(self, session: Session) -> Work:
        """Return what is done, with the operator's arguments."""

    def execute(self, context: Context) -> Any:
        with failing_for_good():
            return self._run(context)

    def resume(
        self,
        context: Context,
        event: Any = None,
        *,
        waits_since: str = "",
        is_partly_done: bool = False,
        spent: dict[str, Any] | None = None,
    ) -> Any:
        """
        Go on after the worker slot was given back.

        What is done already is found in the action log and in Okta.

        :param waits_since: since when another task is waited for; empty = none is.
        :param is_partly_done: whether this try of the task has acted already.
        :param spent: what it has cost so far; see :class:`Spent`.
        """
        with failing_for_good():
            self._spent = msgspec.convert(spent or {}, Spent)
            return self._run(context, waits_since=waits_since, is_partly_done=is_partly_done)

    def _run(self, context: Context, *, waits_since: str = "", is_partly_done: bool = False) -> Any:
        run = RunIdentity.of(context)
        run.announce(self.log)
        fail_on = FailOn.parse(self.fail_on)
        dry_run = to_flag(self.dry_run, "dry_run")
        self.check_arguments()
        consent = Consent.of(self.approved_plan, self.approval, self.planned_by)
        rows = deduplicate(to_rows(self.rows))
        refuse_future_rows(rows)
        is_preview = self.is_paused() or dry_run
        if not rows and not self.acts_without_rows and self.may_do_nothing(run, consent, dry_run=is_preview):
            parts = _count_parts(context["ti"], run)
            return self._do_nothing(run, parts=parts, dry_run=is_preview)
        try:
            report, ended = self._act(rows, run, context, is_preview=is_preview, is_resumed=is_partly_done)
        except LockedError as error:
            self._wait_for_lock(error, waits_since, is_partly_done=is_partly_done)
        if ended.execution.wait is not None:
            self._wait(ended.execution.wait.seconds, is_partly_done=True)
        problem = ended.execution.error or verdict(report, fail_on, ended.execution, self._names)
        if problem is not None:
            # A failed task returns nothing; the report says which users are done all the same.
            context["ti"].xcom_push(key="report", value=report.to_dict())
            self._names.hide_in(problem, (row.user for row in rows))
            raise problem
        return report.to_dict()

    _spent = Spent()
    """What this try of the task has cost before it gave its worker slot back."""

    def _act(
        self, rows: Sequence[Row], run: RunIdentity, context: Context, *, is_preview: bool, is_resumed: bool
    ) -> tuple[Report, Ended]:
        patience = LONGEST_IN_PLACE if self.deferrable else None
        with self._log_and_result(run) as (log, org, result), closing(Turns(log, patience)) as turns:
            guard = self.guard(log, run, org=org, parts=_count_parts(context["ti"], run))
            session = self.session(log, run, org=org, turns=turns, is_preview=is_preview)
            work = self.work(session)
            session.take_turn(work.turn())
            if not is_preview and self.is_paused():
                # Waiting may have taken a quarter of an hour.
                session = self.session(log, run, org=org, turns=turns, is_preview=True)
                work = self.work(session)
            prepared = prepare(
                work,
                rows,
                without_excluded=self.without_excluded(log, org),
                why_preview=DRY_RUN if to_flag(self.dry_run, "dry_run") else "paused",
                is_paused=self.is_paused,
            )
            self._announce(prepared)
            with closing(Claim(session)) as claim:
                return self._carry_out(prepared, guard, claim, result, context, is_resumed=is_resumed)

    def _carry_out(
        self,
        prepared: Prepared,
        guard: Guard,
        claim: Claim,
        result: TaskResult,
        context: Context,
        *,
        is_resumed: bool,
    ) -> tuple[Report, Ended]:
        approved_by = guard.judge(prepared, claim) if prepared.mode is Mode.APPLY else ""
        if self.deferrable and prepared.mode is Mode.APPLY:
            # Only now: what is read has to be read whole, however long the rate limit makes it.
            prepared.session.client.give_back_after(LONGEST_IN_PLACE)
        progress = Progress(self.log, self.action, lambda: self._per_minute(prepared))
        watcher = Watcher(
            about=lambda about: say_what_it_is_about(context["ti"], org=self.org, target=about),
            ended=lambda one: log_user(self.log, self.action, one, self._names),
            progress=progress,
        )
        self.log.info("::group::%s, user by user", self.action)
        ended = carry_out(
            prepared,
            watcher,
            approved_by=approved_by,
            workers=to_workers(self.workers),
            is_paused=self.is_paused,
            is_resumed=is_resumed,
            # Of how many parts nobody tells, it is not known when they are all there.
            can_be_complete=guard.parts is not None,
        )
        self.log.info("::endgroup::")
        if ended.execution.wait is not None:
            self.log.info("%s: %s.", self.action, progress.in_words())
        _write_result(result, ended.target, ended, parts=guard.parts)
        report = build_report(
            self.action,
            ended.decisions,
            as_of=prepared.session.run.as_of,
            as_of_reason=prepared.session.run.as_of_reason,
            # What was done before the slot was given back is done, also if writes are paused by now.
            dry_run=prepared.mode is not Mode.APPLY and not is_resumed,
            target=ended.target.about,
            plan=prepared.proposal.plan if prepared.mode is not Mode.APPLY else None,
            warnings=self._warnings,
        )
        log_counts(self.log, self.action, report)
        return report, ended

    def _per_minute(self, prepared: Prepared) -> float | None:
        bucket = prepared.plan.bucket
        return prepared.session.client.calls_per_minute.get(bucket) if bucket else None

    def _wait(self, seconds: float, *, waits_since: str = "", is_partly_done: bool) -> NoReturn:
        """Give the worker slot back, and go on after so many seconds."""
        # Imported when it is needed: it takes all of Airflow's core with it.
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        until = utc_now() + timedelta(seconds=seconds)
        self.log.info("The worker slot is given back until %s UTC.", f"{until:%Y-%m-%d %H:%M:%S}")
        self.defer(
            trigger=DateTimeTrigger(moment=until),
            method_name="resume",
            kwargs={
                "waits_since": waits_since,
                "is_partly_done": is_partly_done,
                "spent": msgspec.to_builtins(self._spent),
            },
        )

    def _wait_for_lock(self, error: LockedError, waits_since: str, *, is_partly_done: bool) -> NoReturn:
        """
        Give the worker slot back while another task acts on the same.

        :raises LockedError: this task is not deferrable, or has waited for so long already.
        """
        now = utc_now()
        since = datetime.fromisoformat(waits_since) if waits_since else now
        if not self.deferrable or now - since >= LONGEST_FOR_LOCK:
            raise error
        self.log.info("%s", error.message)
        self._wait(LONGEST_IN_PLACE, waits_since=since.isoformat(), is_partly_done=is_partly_done)

    def may_do_nothing(self, run: RunIdentity, consent: Consent, *, dry_run: bool) -> bool:
        """
        Return whether to do nothing is as it should be; of a dry run, write down that nothing is planned.

        :raises NotApprovedError: this task acts only on what a person has approved, and nobody has.
        """
        if not dry_run and consent.approval is None:
            return True
        with closing(open_action_log()) as log:
            org = log.known_org(self.org) or self.org
            if not dry_run:
                return self.approved(consent, log, run, org).allows_nothing(self.action)
            session = self.session(log, run, org=org, turns=Turns(log), is_preview=True)
            nothing = ChangePlan.of_nothing(self.action, run.as_of)
            remember_plan(session, PlanInOrg(org=org, target="", plan=nothing))
            return True

    def _do_nothing(self, run: RunIdentity, *, parts: int | None, dry_run: bool) -> dict[str, Any]:
        """Return a report about nobody; that nobody matched is on record, because it decides, too."""
        self.log.info("No rows, nothing to do.")
        if not dry_run and run.run_id:
            try:
                self._record_nobody(run, parts)
            except OktaUreError as error:
                # Nothing has to be done, so it is no failure; runs for earlier times decide themselves.
                self.log.info("That nobody matched is not on record: %s", error.message)
        elif run.map_index >= 0:
            # The other parts of a mapped task have to know that this one changes nobody.
            with self._log_and_result(run):
                pass
        return build_report(
            self.action,
            [],
            as_of=run.as_of,
            as_of_reason=run.as_of_reason,
            dry_run=dry_run,
            warnings=self._warnings,
        ).to_dict()

    def _record_nobody(self, run: RunIdentity, parts: int | None) -> None:
        with closing(open_action_log()) as log:
            is_whole = log.read_whole(dag_id=run.dag_id, run_id=run.run_id, sources=())
            if not is_whole and run.map_index < 0:
                return  # nothing is decided, and no other part waits for this one
            # Okta is asked which org it is only if no task has been there yet.
            org = self.org_in(log) if is_whole else log.known_org(self.org) or self.org
            with self._result_written(log, run, org) as result:
                log.forget_plan(run.task)
                result.parts = parts or 1
                session = self.session(log, run, org=org, turns=Turns(log), is_preview=True)
                target = self.work(session).known_target()
                if target is not None and is_whole and parts is not None:
                    result.target, result.target_name, result.is_complete = target.key, target.name, True

    @contextmanager
    def _log_and_result(self, run: RunIdentity) -> Iterator[tuple[ActionLog, str, TaskResult]]:
        """Yield the action log, the org's name in it, and what is recorded of this task at the end."""
        with closing(open_action_log()) as log:
            org = self.org_in(log)
            result = None
            try:
                with self._result_written(log, run, org) as result:
                    yield log, org, result
            finally:
                self._spent = result.spent if result is not None else self._spent

    def _result_written(
        self, log: ActionLog, run: RunIdentity, org: str
    ) -> AbstractContextManager[TaskResult]:
        return cost_written(
            lambda: nullcontext(log),
            run,
            org=org,
            action=self.action,
            client=lambda: self.hook.client,
            warnings=self._warnings,
            before=self._spent,
        )

    def _announce(self, prepared: Prepared) -> None:
        plan = prepared.proposal.plan
        self.log.info(
            "%s: %d of %d users to act on%s.",
            self.action,
            len(plan.changes),
            len(prepared.decisions),
            f"; nothing is written; plan {plan.plan_id}" if prepared.why else "",
        )


def _write_result(result: TaskResult, target: Target, ended: Ended, *, parts: int | None) -> None:
    result.target, result.target_name = target.key, target.name
    result.counts, result.silent = ended.counts, ended.silent
    result.is_complete, result.parts = ended.is_complete, parts or 1


def _count_parts(task: object, run: RunIdentity) -> int | None:
    """Return how many parts a task is mapped to; 1 = it is not mapped, None = Airflow does not tell."""
    if run.map_index < 0:
        return 1
    count = getattr(task, "get_ti_count", None)
    if count is None:
        return None
    found: int = count(dag_id=run.dag_id, task_ids=[run.task_id], run_ids=[run.run_id])
    return found
