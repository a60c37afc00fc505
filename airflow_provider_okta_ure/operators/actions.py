# SPDX-License-Identifier: Apache-2.0
"""What the operators that act on Okta users have in common: read rows, decide, judge, act, log, report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from airflow_provider_okta_ure.action_log.changes import accepted_by
from airflow_provider_okta_ure.clients.okta import ORGANIZATION_PATH
from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, GROUPS_READ, ROLES_READ
from airflow_provider_okta_ure.core.exclusions import to_administrators_excluded
from airflow_provider_okta_ure.core.history import settle
from airflow_provider_okta_ure.core.judgement import BlastRadius, DailyBound
from airflow_provider_okta_ure.core.matching import Decision, outcome_of
from airflow_provider_okta_ure.core.other_rows import without_less_safe_rows
from airflow_provider_okta_ure.core.pausing import PAUSED
from airflow_provider_okta_ure.core.plans import ChangePlan, PlanInOrg, Proposal
from airflow_provider_okta_ure.core.reports import FailOn, build_report
from airflow_provider_okta_ure.core.rows import deduplicate, to_rows
from airflow_provider_okta_ure.errors import (
    BlastRadiusError,
    NotApprovedError,
    OutcomeError,
    PlanChangedError,
)
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.hooks.sealing import sealing_key_of
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.costs import cost_written
from airflow_provider_okta_ure.operators.effects import CarriedOut, Effect
from airflow_provider_okta_ure.operators.identities import Names
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.journal import USERS_OF_SOURCE, Journal
from airflow_provider_okta_ure.operators.judging import (
    read_exclusions,
    require_approved,
    require_done_once,
    require_small,
    require_within_the_day,
)
from airflow_provider_okta_ure.operators.links import ActionLogLink, say_what_it_is_about
from airflow_provider_okta_ure.operators.pausing import PauseSwitch
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import failing_for_good, refuse_future_rows, to_flag

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Report, Row
    from airflow_provider_okta_ure.operators.approved import Approved

# Said once per user in the task log, always all of them, so that a log search finds every action alike.
LOG_FIELDS = (
    "user",
    "status",
    "reason",
    "message",
    "score",
    "score_level",
    "risk_level",
    "previous_risk_level",
    "login",
    "user_id",
    "http_status",
    "request_id",
    "jti",
)


DRY_RUN = "dry_run"
"""The reason of what a dry run plans."""


def _of_status(
    decisions: Sequence[Decision], outcomes: Sequence[Outcome], status: str
) -> list[tuple[Decision, Outcome]]:
    return [one for one in zip(decisions, outcomes, strict=True) if one[1].status == status]


def _planned(row: Row, user: OktaUser) -> Outcome:
    return outcome_of(row, "planned", user=user)


def _nothing() -> None:
    """Nothing has to be prepared."""


def _tell_nobody(_: object) -> None:
    """Nothing happens, so nothing is written down."""


class Plan(NamedTuple):
    """
    Everything an action is going to do, known before the first write.

    :param decisions: one per row.
    :param effect: what to do for each decision that is not settled.
    :param target: what is acted on, for the report.
    :param base: the size of what is changed, for the limit in percent.
    :param base_name: what that is a number of, for people.
    :param bucket: the rate limit that each effect counts against; empty = none.
    :param cost_to_prepare: how many calls of each rate limit ``prepare`` makes.
    :param prepare: what has to be there before the first effect; it may write.
    :param preview: what a dry run does instead of ``effect``; it may read.
    :param only_planned: why nothing is written although this is no dry run, as a reason code; empty = it is.
    """

    decisions: Sequence[Decision]
    effect: Effect
    target: dict[str, str]
    base: int = 0
    base_name: str = "users"
    bucket: str = ""
    cost_to_prepare: Mapping[str, int] = MappingProxyType({})
    prepare: Callable[[], None] = _nothing
    preview: Effect = _planned
    only_planned: str = ""


class Prepared(NamedTuple):
    """
    A plan that is ready to be judged.

    :param decisions: those of the plan, without the people who are never touched.
    :param only_planned: why nothing is going to be written, as a reason code; empty = it is.
    """

    plan: Plan
    decisions: Sequence[Decision]
    proposal: Proposal
    only_planned: str


class OktaActionOperator(ServiceOperator, ABC):
    """
    Act on the Okta users that rows are about, and report what became of each.

    :param rows: rows as :class:`NetskopeFetchScoresOperator`, :class:`RiskFilterOperator` or a task of yours
        return them: a list of dicts with at least ``user``; an empty list is success. (templated)
    :param dry_run: only say what would be done; reads from Okta, writes nothing. (templated)
    :param fail_on: how many failed users fail the task: ``1``, ``"10%"`` or ``"never"``. (templated)
    :param max_changes: more users than this are not changed without a person's approval. (templated)
    :param max_change_percent: nor is a larger part (0..100) of the group's members, or, for additions and
        risk signals, of all users of the source; but 25 users always are. (templated)
    :param approved_plan: ids of plans that tasks of this DAG have made or were refused for: a change that is
        just one of them may be larger than these limits; the bound of the org and the day still holds. A
        list, or text with commas. (templated)
    :param approval: the task id of an :class:`OktaApprovalOperator` of the same run: only what was approved
        there is done, whatever its size. (templated)
    :param planned_by: the task id of the task whose plan this is, of those that ``approval`` asked about;
        empty = any of them for the same action and target. (templated)
    :param exclude_users: logins, e-mail addresses or Okta ids of users who are never touched, besides
        those in the connection. (templated)
    :param exclude_groups: names or ids of groups whose members are never touched. (templated)
    :param exclude_administrators: ``True`` = Okta's administrators are never touched, and nobody is when
        they cannot be read; ``"if_readable"`` = only when the token can read them. (templated)
    :param workers: how many users at the same time.
    :param okta_conn_id: the connection to the Okta org. (templated)
    :return: the report: counts per status, reasons, the first failures and examples; of a dry run also the
        plan.
    """

    action: ClassVar[Action]
    scopes: ClassVar[tuple[str, ...]]
    """What a service app has to be granted for this action."""
    writes_to_okta: ClassVar[bool] = True
    """Whether it changes anything in Okta, so that the pause switch is for it."""
    acts_without_rows: ClassVar[bool] = False
    """Whether there can be something to do although no row is about it."""
    operator_extra_links: Sequence[BaseOperatorLink] = (ActionLogLink(),)
    # Shadows BaseOperator.dry_run(), which only renders templates and which nothing in Airflow calls.
    dry_run: bool | str  # type: ignore[assignment]
    template_fields: Sequence[str] = (
        "rows",
        "dry_run",
        "fail_on",
        "max_changes",
        "max_change_percent",
        "approved_plan",
        "approval",
        "planned_by",
        "exclude_users",
        "exclude_groups",
        "exclude_administrators",
        "okta_conn_id",
    )

    def __init__(
        self,
        *,
        rows: Any,
        dry_run: bool | str = False,
        fail_on: int | str = 1,
        max_changes: int | str = BlastRadius().max_changes,
        max_change_percent: float | str = BlastRadius().max_change_percent,
        approved_plan: Any = None,
        approval: str | None = None,
        planned_by: str = "",
        exclude_users: Any = None,
        exclude_groups: Any = None,
        exclude_administrators: bool | str = "if_readable",
        workers: int = 4,
        okta_conn_id: str = OktaHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.dry_run = dry_run
        self.fail_on = fail_on
        self.max_changes = max_changes
        self.max_change_percent = max_change_percent
        self.approved_plan = approved_plan
        self.approval = approval
        self.planned_by = planned_by
        self.exclude_users = exclude_users
        self.exclude_groups = exclude_groups
        self.exclude_administrators = exclude_administrators
        self.workers = workers
        self.okta_conn_id = okta_conn_id

    @property
    def scopes_to_ask_for(self) -> tuple[str, ...]:
        """The scopes of the action itself, and those of reading who is excluded by the operator."""
        more = [GROUPS_READ] if self.exclude_groups and GROUPS_MANAGE not in self.scopes else []
        if to_administrators_excluded(self.exclude_administrators) == "always":
            more.append(ROLES_READ)
        return (*self.scopes, *more)

    @cached_property
    def hook(self) -> OktaHook:
        """A hook for the connection, made when it is needed."""
        scopes = self.scopes_to_ask_for
        hook = OktaHook(self.okta_conn_id, scopes=scopes)
        if hook.settings.exclude_groups and not {GROUPS_READ, GROUPS_MANAGE} & set(scopes):
            hook.scopes = (*scopes, GROUPS_READ)
        return hook

    @property
    def org(self) -> str:
        """The org's URL, for the action log."""
        return self.hook.base_url

    def org_in(self, log: ActionLog) -> str:
        """Return what the org is called in the action log, whatever host it is reached by."""
        return log.org_at(self.org, self.hook.client.get_org_id)

    def warn(self, text: str) -> None:
        """Say in the task log, in the report and on the page what people should look at."""
        self.log.warning("%s", text)
        self._warnings.append(text)

    @cached_property
    def _warnings(self) -> list[str]:
        return []

    @cached_property
    def _pause(self) -> PauseSwitch:
        return PauseSwitch(self.warn)

    def is_paused(self) -> bool:
        """Ask the pause switch, and return whether nothing may be written to Okta; it is said once why."""
        return self.writes_to_okta and self._pause.is_on()

    @abstractmethod
    def turn(self) -> str:
        """Return what is acted on: two tasks with the same answer take turns."""

    @abstractmethod
    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        """
        Decide for all rows what to do, without writing to Okta.

        :param rows: one row per user.
        :param journal: what was done before; has to be told what the plan is about.
        :param dry_run: nothing may be written, not even to prepare.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            run = RunIdentity.of(context)
            run.announce(self.log)
            fail_on = FailOn.parse(self.fail_on)
            dry_run = to_flag(self.dry_run, "dry_run")
            consent = Consent.of(self.approved_plan, self.approval, self.planned_by)
            limits = BlastRadius.parse(self.max_changes, self.max_change_percent)
            rows = deduplicate(to_rows(self.rows))
            refuse_future_rows(rows)
            dry_run = self.is_paused() or dry_run
            if not rows and not self.acts_without_rows and self.may_do_nothing(run, consent, dry_run=dry_run):
                self.log.info("No rows, nothing to do.")
                if run.map_index >= 0:
                    # The other parts of a mapped task have to know that this one changes nobody.
                    with self._journal(run) as journal:
                        if not dry_run:
                            journal.forget_plan()
                return build_report(
                    self.action,
                    [],
                    as_of=run.as_of,
                    as_of_reason=run.as_of_reason,
                    dry_run=dry_run,
                    warnings=self._warnings,
                ).to_dict()
            with self._journal(run) as journal:
                # A dry run writes nothing, so it need not wait for anybody.
                if not dry_run:
                    journal.take_turn(self.turn())
                    # Waiting may have taken a quarter of an hour.
                    dry_run = self.is_paused()
                report, carried_out = self._act(
                    rows, journal, context, dry_run=dry_run, consent=consent, limits=limits
                )
            problem = carried_out.error or self._verdict(report, fail_on, carried_out)
            if problem is not None:
                # A failed task returns nothing; the report says which users are done all the same.
                context["ti"].xcom_push(key="report", value=report.to_dict())
                self._names.hide_in(problem, (row.user for row in rows))
                raise problem
            return report.to_dict()

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
                return self._approved(consent, log, run, org).allows_nothing(self.action)
            plan = ChangePlan.of_nothing(self.action, run.as_of)
            Journal(log, run, org=org, action=self.action).write_plan(
                PlanInOrg(org=org, target="", plan=plan)
            )
            return True

    def _approved(self, consent: Consent, log: ActionLog, run: RunIdentity, org: str) -> Approved:
        return consent.read_approved(
            log, run, org=org, key=sealing_key_of(self.hook), conn_id=self.okta_conn_id
        )

    @contextmanager
    def _journal(self, run: RunIdentity) -> Iterator[Journal]:
        with closing(open_action_log()) as log:
            org = self.org_in(log)
            cost = cost_written(
                lambda: nullcontext(log),
                run,
                org=org,
                action=self.action,
                client=lambda: self.hook.client,
                warnings=self._warnings,
            )
            with cost:
                journal = Journal(log, run, org=org, action=self.action)
                with closing(journal):
                    yield journal

    def _act(
        self,
        rows: Sequence[Row],
        journal: Journal,
        context: Context,
        *,
        dry_run: bool,
        consent: Consent,
        limits: BlastRadius,
    ) -> tuple[Report, CarriedOut]:
        prepared = self._prepare(self.plan(rows, journal, dry_run=dry_run), journal, dry_run=dry_run)
        if not prepared.only_planned:
            self._judge(prepared.proposal, prepared.decisions, journal, consent, limits, context)
        return self._apply(prepared, journal, context, dry_run=dry_run)

    def _prepare(self, plan: Plan, journal: Journal, *, dry_run: bool) -> Prepared:
        """Return the plan without the people who are never touched; nothing is written."""
        decisions = settle(self._without_excluded(plan.decisions, journal), journal.not_reverted())
        proposal = self._propose(plan, decisions, journal)
        only_planned = self._why_only_planned(plan, dry_run=dry_run)
        prepared = Prepared(plan, decisions, proposal, only_planned)
        self._announce(proposal, decisions, only_planned=bool(prepared.only_planned))
        return prepared

    def _why_only_planned(self, plan: Plan, *, dry_run: bool) -> str:
        if dry_run:
            return DRY_RUN if to_flag(self.dry_run, "dry_run") else PAUSED
        # Planning may have waited, too: for a group that two tasks name in two ways.
        return plan.only_planned or (PAUSED if self.is_paused() else "")

    def _apply(
        self, prepared: Prepared, journal: Journal, context: Context, *, dry_run: bool
    ) -> tuple[Report, CarriedOut]:
        """Carry out what was judged, or only write that it was planned."""
        plan, decisions, only_planned = prepared.plan, prepared.decisions, bool(prepared.only_planned)
        if not only_planned:
            plan.prepare()
        say_what_it_is_about(context["ti"], org=self.org, target=plan.target)
        settled = [one for one in decisions if one.outcome is not None]
        to_do = [one for one in decisions if one.outcome is None]
        if not dry_run:
            journal.finish([(one, one.outcome) for one in settled if one.outcome is not None])
        carried_out = CarriedOut(
            to_do,
            plan.preview if only_planned else plan.effect,
            workers=self.workers,
            before=_tell_nobody if only_planned else journal.begin,
            after=_tell_nobody if only_planned else journal.finish,
            may_go_on=lambda: only_planned or not self.is_paused(),
        )
        outcomes = [*self._said(settled), *self._carry_out(carried_out, prepared.only_planned)]
        journal.plan_only(_of_status(to_do, outcomes[len(settled) :], "planned"))
        if dry_run:
            journal.write_plan(prepared.proposal.in_org)
        report = build_report(
            self.action,
            outcomes,
            as_of=journal.run.as_of,
            as_of_reason=journal.run.as_of_reason,
            dry_run=only_planned,
            target=plan.target,
            plan=prepared.proposal.plan if only_planned else None,
            warnings=self._warnings,
        )
        self._summarise(report)
        return report, carried_out

    def _without_excluded(self, decisions: Sequence[Decision], journal: Journal) -> Sequence[Decision]:
        if all(decision.outcome is not None for decision in decisions):
            return decisions
        settings = self.hook.settings
        exclusions = read_exclusions(
            self.hook,
            users=(self.exclude_users, settings.exclude_users),
            groups=(self.exclude_groups, settings.exclude_groups),
            administrators=to_administrators_excluded(self.exclude_administrators),
            journal=journal,
        )
        self._warnings.extend(exclusions.warnings)
        return exclusions.apply(decisions)

    def without_less_safe_rows(
        self, decisions: Sequence[Decision], journal: Journal, *, tells_level: bool = False
    ) -> list[Decision]:
        """Return the decisions, settled where another row of the run about the same person decides."""
        if all(one.outcome is not None for one in decisions):
            return list(decisions)
        scores = journal.scores_of_run()
        if not scores:
            return list(decisions)
        users = [one.to_act_on for one in decisions if one.to_act_on is not None]
        former = journal.log.names_of_ids(org=journal.org, ids=[user.user_id for user in users])
        return [
            without_less_safe_rows(one, scores, former_names=former, tells_level=tells_level)
            for one in decisions
        ]

    def _propose(self, plan: Plan, decisions: Sequence[Decision], journal: Journal) -> Proposal:
        # The reads before this line are the same ones that applying the plan makes again.
        cost = Counter(self.hook.client.calls) if plan.bucket else Counter[str]()
        # Which org it is is asked once, and known from then on.
        cost.pop(ORGANIZATION_PATH, None)
        cost.update(plan.cost_to_prepare)
        if plan.bucket:
            cost[plan.bucket] += sum(1 for one in decisions if one.to_act_on is not None)
        before = journal.carried_out()
        return Proposal.of(
            self.action,
            decisions,
            org=journal.org,
            target=plan.target,
            target_keys=journal.targets,
            as_of=journal.run.as_of,
            earlier=before.here,
            elsewhere=before.elsewhere,
            base=plan.base,
            base_name=plan.base_name,
            cost=cost,
            per_minute=self.hook.client.calls_per_minute if plan.bucket else None,
        )

    def _judge(
        self,
        proposal: Proposal,
        decisions: Sequence[Decision],
        journal: Journal,
        consent: Consent,
        limits: BlastRadius,
        context: Context,
    ) -> None:
        """
        Let only a change through that somebody has approved, or that is small enough to need nobody.

        :raises OktaUreError: it is neither; who would be changed, and why nobody is, is on the page.
        """
        try:
            if consent.approval is not None:
                approved = self._approved(consent, journal.log, journal.run, journal.org)
                require_approved(proposal, approved, shown=self._names.shown)
                done = journal.done_since(approved.asked_at)
                require_done_once(proposal, approved, done, shown=self._names.shown)
                journal.approved_by = approved.by
                return
            if proposal.plan.changes:
                self._require_small(proposal, decisions, journal, consent, limits, context)
            if journal.run.map_index >= 0:
                # What this part was refused before is no part of the others' sum any more.
                journal.forget_plan()
        except BlastRadiusError:
            journal.write_plan(proposal.in_org)
            self._plan_only(proposal, decisions, journal, is_too_large=True)
            raise
        except (NotApprovedError, PlanChangedError):
            self._plan_only(proposal, decisions, journal, is_too_large=False)
            raise

    def _require_small(
        self,
        proposal: Proposal,
        decisions: Sequence[Decision],
        journal: Journal,
        consent: Consent,
        limits: BlastRadius,
        context: Context,
    ) -> None:
        bound = DailyBound.parse(self.hook.settings.max_changed_users_per_day)
        parts = journal.parts(context["ti"])
        accepted = consent.read_accepted(journal.log, journal.run, org=journal.org)
        users, called = journal.population(decisions)
        # Two tasks that plan at the same moment must not both find that there is room for them.
        with journal.log.lock(f"{journal.org} changes of a day"):
            today = journal.changed_today()
            is_accepted = require_small(
                proposal,
                limits,
                shown=self._names.shown,
                parts=parts,
                accepted=accepted,
                today=today.of_task(journal.run.dag_id, journal.run.task_id)
                if journal.run.dag_id
                else frozenset(),
            )
            if is_accepted:
                journal.approved_by = accepted_by(journal.run.triggered_by)
            require_within_the_day(
                proposal,
                bound,
                today,
                users=users if called == USERS_OF_SOURCE else 0,
                shown=self._names.shown,
            )
            journal.claim([change.user_id for change in proposal.plan.changes])

    def _plan_only(
        self, proposal: Proposal, decisions: Sequence[Decision], journal: Journal, *, is_too_large: bool
    ) -> None:
        """Write whom a refused plan is about, so that people can look at it user by user on the page."""
        text = f"plan {proposal.plan.plan_id}"

        def planned(row: Row, user: OktaUser | None) -> Outcome:
            return outcome_of(
                row, "planned", "plan_refused" if is_too_large else "not_approved", user=user, message=text
            )

        journal.plan_only([(one, planned(one.row, one.user)) for one in decisions if one.outcome is None])

    @cached_property
    def _names(self) -> Names:
        return Names.as_configured()

    def _announce(self, proposal: Proposal, decisions: Sequence[Decision], *, only_planned: bool) -> None:
        self.log.info(
            "%s: %d of %d users to act on%s.",
            self.action,
            len(proposal.plan.changes),
            len(decisions),
            f"; nothing is written; plan {proposal.plan.plan_id}" if only_planned else "",
        )

    def _said(self, settled: Sequence[Decision]) -> Iterator[Outcome]:
        self.log.info("::group::%s, user by user", self.action)
        for decision in settled:
            if decision.outcome is not None:
                self._log(decision.outcome)
                yield decision.outcome

    def _carry_out(self, carried_out: CarriedOut, only_planned: str) -> Iterator[Outcome]:
        for outcome in carried_out:
            told = outcome
            # Of a dry run it is said anyway, so what a reason says besides is kept: that a time is over.
            is_told = only_planned == DRY_RUN and outcome.reason
            if only_planned and outcome.status == "planned" and not is_told:
                told = msgspec.structs.replace(outcome, reason=only_planned)
            self._log(told)
            yield told
        self.log.info("::endgroup::")

    def _log(self, outcome: Outcome) -> None:
        told = msgspec.structs.replace(
            outcome,
            user=self._names.shown(outcome.user),
            login=self._names.shown(outcome.login),
            message=self._names.hidden(outcome.message, outcome.user, outcome.login),
        )
        # Without what is empty, and the important first, so that it is on the screen.
        fields = {name: value for name in LOG_FIELDS if (value := getattr(told, name)) not in ("", None)}
        # Whoever was right already was not acted on: a line for each would bury the others.
        say = self.log.debug if outcome.status == "unchanged" else self.log.info
        if outcome.status == "failed":
            say = self.log.warning
        say(self.action, **fields)

    def _summarise(self, report: Report) -> None:
        counts = ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)
        self.log.info("%s: %s (of %d users).", self.action, counts, report.total)
        for reason, number in report.reasons.items():
            self.log.info("  %s: %d", reason, number)

    def _verdict(self, report: Report, fail_on: FailOn, carried_out: CarriedOut) -> OutcomeError | None:
        failed = report.counts["failed"]
        if not fail_on.is_reached(failed=failed, total=report.total):
            return None
        reasons = Counter(
            {
                reason.partition(":")[2]: number
                for reason, number in report.reasons.items()
                if reason.startswith("failed:")
            }
        )
        reasons.pop("not_attempted", None)
        common = reasons.most_common(1)[0][0] if reasons else "not_attempted"
        first = next((one for one in report.failures if one.reason == common), report.failures[0])
        return OutcomeError(
            f"{self.action}: {failed} of {report.total} users failed, mostly {common}: "
            f"{self._names.shown(first.user)}: "
            f"{self._names.hidden(first.message, first.user, first.login)}",
            failed=failed,
            retryable=carried_out.retryable,
            retry_after=carried_out.retry_after,
            topic=carried_out.topics.get(common, ""),
            remedy="The task log names each of them. Raise fail_on to accept some failures.",
        )
