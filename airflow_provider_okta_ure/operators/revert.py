# SPDX-License-Identifier: Apache-2.0
"""Undoing what a run did, as far as it is still so and nothing later was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from airflow_provider_okta_ure.action_log.holders import Changed
from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.action_log.reverts import Revert
from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.models import STATUSES
from airflow_provider_okta_ure.core.plans import ChangePlan, PlanInOrg
from airflow_provider_okta_ure.core.reports import FailOn
from airflow_provider_okta_ure.engine.actions.group_work import turn_of
from airflow_provider_okta_ure.engine.actions.undoing import (
    NOT_REVERTIBLE,
    UNDOABLE,
    Left,
    Undone,
    entries_of_run,
    left,
    targets,
    unknown_run,
    users_named,
)
from airflow_provider_okta_ure.engine.guard import remember_plan
from airflow_provider_okta_ure.engine.turns import Turns
from airflow_provider_okta_ure.errors import (
    BlastRadiusError,
    ConfigurationError,
    GroupError,
    NotApprovedError,
)
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.costs import cost_written
from airflow_provider_okta_ure.operators.identities import Names
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.reverting import UndoPart, why_planned
from airflow_provider_okta_ure.operators.run import failing_for_good, to_flag, to_text
from airflow_provider_okta_ure.operators.writing import OktaWritingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import Report
    from airflow_provider_okta_ure.engine.guard import Guard
    from airflow_provider_okta_ure.errors import OktaUreError

_LEFT_SHOWN = 20


GROUP_NOT_FOUND = "group_not_found"


class OktaRevertRunOperator(OktaWritingOperator):
    """
    Undo what a run did to people in Okta, as far as it is still so and nothing later was decided about them.

    Whom the run added to a group leaves it, whom it removed comes back, and a risk signal is followed by one
    that says the level from before. People are their Okta ids, whatever they are called by now. Everything is
    planned and judged before the first write: a revert that is refused has changed nothing. What cannot be
    undone is listed with the reason.

    The reverted run does nothing again by a retry or a clear (``run_reverted``), unless the run that reverted
    it is reverted in turn. The next run of the DAG acts again on whoever is at risk then.

    :param reverted_dag_id: the DAG whose run is undone. (templated)
    :param reverted_run_id: the id of the run. (templated)
    :param actions: only these of the run's actions: ``add_to_group``, ``remove_from_group``, ``push_risk``;
        empty = all. (templated)
    :param users: only what was done to these people: logins, then or now, names as in the source, or Okta
        ids; empty = everybody. (templated)
    :param max_changes: more users than this are not changed without a person's approval; all parts of the
        revert count together. (templated)
    :return: counts per status, the report of each part, and what is not undone.
    """

    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    """What a service app has to be granted to undo all actions."""
    template_fields: Sequence[str] = (
        "reverted_dag_id",
        "reverted_run_id",
        "actions",
        "users",
        *OktaWritingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        reverted_dag_id: str,
        reverted_run_id: str,
        actions: Any = None,
        users: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reverted_dag_id = reverted_dag_id
        self.reverted_run_id = reverted_run_id
        self.actions = actions
        self.users = users
        self.parts: list[UndoPart] = []
        """What was undone or was to be, once it is known."""
        self.not_undone: list[Left] = []
        """What cannot be undone, once it is known."""
        self.claims = Changed()
        """Which claims on members changed besides what was done in Okta."""

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            return self.undo(context)

    def undo(self, context: Context) -> dict[str, Any]:
        """
        Undo the run and return the result, as :meth:`execute` does in a task.

        :raises OktaUreError: it is refused, or not everything could be done.
        """
        run = identity_of(context)
        run.announce(self.log)
        dry_run = to_flag(self.dry_run, "dry_run")
        fail_on = FailOn.parse(self.fail_on)
        self.check_arguments()
        with (
            closing(open_action_log()) as log,
            self._cost_written(log, run),
            closing(Turns(log)) as turns,
            ExitStack() as ending,
        ):
            undone, entries = self._undone(log, run)
            guard = self.guard(log, run, org=undone.org)
            parts = self._parts(log, run, undone, entries, turns)
            # Also of a revert that is refused: whom it was about counts for nobody's limit.
            for part in parts:
                ending.callback(part.end_claim)
            only_planned = self._prepare(
                parts,
                turns,
                self._groups_of(log, undone),
                org=undone.org,
                only_plan=self.is_paused() or dry_run,
                why=why_planned(dry_run=dry_run),
            )
            self.parts = [part for part in parts if part.prepared is not None]
            if dry_run and not self.parts:
                self._plan_nothing(log, run, undone)
            approvers: dict[int, str] = {}
            if not only_planned:
                approvers = self._judge(self.parts, undone, guard)
                log.revert(self._records(undone, run))
            reports, problem = self._carry_out(context, fail_on, approvers)
            if not only_planned:
                self.claims = self._recount_claims(log, undone)
            after = self._entries(log, undone)
            if not only_planned and not set(targets(after, undone)) <= set(targets(entries, undone)):
                self.warn(
                    f"The run {undone.run_id} did something else while it was undone; that is not undone. "
                    "Revert it once more."
                )
            self.not_undone = [*self._elsewhere, *left(after, undone)]
        result = self._result(run, undone, reports, dry_run=only_planned)
        if problem is not None:
            # A failed task returns nothing; the report says what is undone all the same.
            context["ti"].xcom_push(key="report", value=result)
            Names.as_configured().hide_in(problem)
            raise problem
        return result

    @cached_property
    def hook(self) -> OktaHook:
        """A hook that tells which org the connection is to."""
        return OktaHook(self.okta_conn_id, scopes=(USERS_READ,))

    @cached_property
    def _hooks(self) -> list[OktaHook]:
        return [self.hook]

    @cached_property
    def _elsewhere(self) -> list[Left]:
        """What cannot be undone with this connection."""
        return []

    @contextmanager
    def _cost_written(self, log: ActionLog, run: RunIdentity) -> Iterator[None]:
        org = log.org_at(self.hook.base_url, self.hook.client.get_org_id)
        with cost_written(
            lambda: nullcontext(log),
            run,
            org=org,
            action="revert",
            client=lambda: _Calls(self._hooks),
            warnings=self._warnings,
        ):
            yield

    def _undone(self, log: ActionLog, run: RunIdentity) -> tuple[Undone, list[Entry]]:
        """
        Return which run is undone and how much of it, and what it did.

        :raises ConfigurationError: there is no such run, it was in another org, or somebody named was not
            acted on by it.
        """
        dag_id = (to_text(self.reverted_dag_id, "reverted_dag_id") or "").strip()
        run_id = (to_text(self.reverted_run_id, "reverted_run_id") or "").strip()
        if not dag_id or not run_id:
            raise ConfigurationError(
                "It is not said which run is to be undone.", remedy="Set reverted_dag_id and reverted_run_id."
            )
        if (dag_id, run_id) == (run.dag_id, run.run_id):
            raise ConfigurationError("A run cannot undo itself.", remedy="Name the run that is to be undone.")
        # No run is called so, and PostgreSQL takes no NUL.
        is_name = dag_id.isprintable() and run_id.isprintable()
        orgs = log.orgs_of_run(dag_id=dag_id, run_id=run_id) if is_name else set()
        if not orgs:
            raise unknown_run(log, dag_id=dag_id, run_id=run_id)
        org = log.org_at(self.hook.base_url, self.hook.client.get_org_id)
        if org not in orgs:
            raise ConfigurationError(
                f"The run {run_id} of {dag_id} did not act on the org {org}, but on "
                f"{', '.join(sorted(orgs))}. Nothing was undone.",
                remedy="Set okta_conn_id to the connection to that org.",
            )
        undone = Undone(
            org=org,
            dag_id=dag_id,
            run_id=run_id,
            first_dag=log.first_dag(dag_id=dag_id, run_id=run_id),
            actions=to_actions(self.actions),
        )
        entries = self._entries(log, undone)
        here = [one for one in entries if undone.is_about(one)]
        _require_later(run, here)
        names = to_names(self.users, "users") if self.users else []
        if names:
            undone = msgspec.structs.replace(undone, user_ids=self._users_named(names, log, undone))
        return undone, entries

    def _users_named(self, names: Sequence[str], log: ActionLog, undone: Undone) -> frozenset[str]:
        every = entries_of_run(log, dag_id=undone.dag_id, run_id=undone.run_id, every=True)
        here = [one for one in every if undone.is_about(one)]
        # People are renamed, and are called by either name.
        people = list(self.hook.client.find_users_by_id({one.user_id for one in here if one.user_id}))
        try:
            return users_named(here, names, people)
        except ConfigurationError as error:
            # It may suggest a name, which not everybody may know who reads the log.
            Names.as_configured().hide_in(
                error, {*names, *(one.login for one in here), *(one.login for one in people)}
            )
            raise

    def _entries(self, log: ActionLog, undone: Undone) -> list[Entry]:
        return entries_of_run(log, dag_id=undone.dag_id, run_id=undone.run_id)

    def _parts(
        self, log: ActionLog, run: RunIdentity, undone: Undone, entries: Sequence[Entry], turns: Turns
    ) -> list[UndoPart]:
        """Return what is to be undone, in its order."""
        parts = []
        for action, target in targets(entries, undone):
            why_not = self._why_not_sent(target) if action == "push_risk" else ""
            if why_not:
                self._leave_signals(entries, undone, target, why_not)
                continue
            part = UndoPart(self, action, target, undone, log=log, run=run, turns=turns)
            self._hooks.append(part.hook)
            parts.append(part)
        return parts

    def _groups_of(self, log: ActionLog, undone: Undone) -> set[str]:
        """Return the ids of the groups that the run decided about, also if it did nothing there."""
        every = entries_of_run(log, dag_id=undone.dag_id, run_id=undone.run_id, every=True)
        return {one.target for one in every if undone.is_about(one) and one.action in GROUP_ACTIONS}

    def _recount_claims(self, log: ActionLog, undone: Undone) -> Changed:
        """Let nobody be held, or let go, because of what the run decided without an effect in Okta."""
        # What was undone, or tried, has said itself who holds whom.
        settled = {
            (part.target_key, one.user.user_id)
            for part in self.parts
            for one in part.ended
            if one.user is not None and one.outcome is not None and one.outcome.reason != "later_decision"
        }
        changed = log.recount_claims(
            org=undone.org, dag_id=undone.dag_id, run_id=undone.run_id, settled=settled
        )
        if changed.ended or changed.held_again:
            self.log.info("Besides what was undone in Okta, %s holds ended, and %s hold again.", *changed)
        return changed

    def _prepare(
        self,
        parts: Sequence[UndoPart],
        turns: Turns,
        groups: Collection[str],
        *,
        org: str,
        only_plan: bool,
        why: str,
    ) -> bool:
        """
        Plan all parts, while no other task acts on the same, and return whether it is left at that.

        :param groups: ids of the groups whose members' claims change.
        :param only_plan: it is known already that nothing is written.
        :param why: why, as a reason code.
        """
        if not only_plan:
            # In one order, so that two reverts never wait for each other.
            for what in sorted({part.turn() for part in parts} | {turn_of(group) for group in groups}):
                turns.take(f"{org} {what}")
            # Waiting may have taken a quarter of an hour.
            only_plan = self.is_paused()
        there = [part for part in parts if self._is_there(part, only_plan=only_plan, why=why)]
        left_at = next((part.plan.why for part in there if part.plan.why), "")
        if left_at:
            # All or nothing: a revert is not half carried out because of what happened during planning.
            for part in there:
                part.leave_it_at_the_plan(left_at)
        return bool(left_at) or only_plan

    def _is_there(self, part: UndoPart, *, only_plan: bool, why: str) -> bool:
        """Prepare a part, and return whether the group that it is about still exists."""
        try:
            part.prepare(only_plan=only_plan, is_paused=self.is_paused, why=why)
        except GroupError as error:
            if error.reason != GROUP_NOT_FOUND:
                raise
            self.warn(f"{error.message} What the run did there is not undone.")
        return part.prepared is not None

    def _plan_nothing(self, log: ActionLog, run: RunIdentity, undone: Undone) -> None:
        """Write down that nothing is to be done, for the task that asks."""
        plan = ChangePlan.of_nothing("no_action", run.as_of)
        session = self.session(log, run, org=undone.org, turns=Turns(log), is_preview=True)
        remember_plan(session, PlanInOrg(org=undone.org, target="", plan=plan))

    def _why_not_sent(self, issuer: str) -> str:
        """Return why this connection cannot send signals as an issuer; empty = it can."""
        try:
            ours = self.hook.transmitter.issuer
        except ConfigurationError as error:
            # Whom the run locked out is let go all the same.
            return f"the connection cannot sign risk signals: {error.message}"
        return (
            "" if ours == issuer else f"the signal was sent as {issuer}, and the connection signs as {ours}"
        )

    def _leave_signals(self, entries: Sequence[Entry], undone: Undone, issuer: str, why: str) -> None:
        self._elsewhere.extend(
            Left(
                user=one.user_name,
                user_id=one.user_id,
                action=one.action,
                target=issuer,
                reason=NOT_REVERTIBLE,
                message=why,
            )
            for one in entries
            if undone.is_about(one) and one.target == issuer and one.status == "done"
        )

    def _judge(self, parts: Sequence[UndoPart], undone: Undone, guard: Guard) -> dict[int, str]:
        """
        Refuse the whole revert when one of its parts, or all of them together, is too much.

        :return: who approved each part, by its place.
        :raises OktaUreError: saying why.
        """
        approvers = {number: part.judge(guard) for number, part in enumerate(parts)}
        if not parts and guard.read_approved is not None:
            raise NotApprovedError(
                f"There is nothing to undo of the run {undone.run_id} any more, so nothing of what was "
                "approved is done. Nothing was written."
            )
        limited = [part for part in parts if not part.needs_no_limit(guard)]
        proposals = [part.plan.proposal for part in limited]
        people = {change.user_id for one in proposals for change in (*one.earlier, *one.plan.changes)}
        base = max([len(people), *(one.plan.base for one in proposals)])
        limits = guard.radius
        if not limits.is_exceeded(len(people), base):
            return approvers
        for part in limited:
            part.remember_plan()
        plans = ",".join(one.plan.plan_id for one in proposals)
        raise BlastRadiusError(
            f"The revert would change {len(people)} users in {len(proposals)} parts; allowed are "
            f"{limits.allowed(base)} (max_changes {limits.max_changes}, max_change_percent "
            f"{limits.max_change_percent:g} %). Nothing was written. Plans: {plans}.",
            plan_id=plans,
        )

    def _records(self, undone: Undone, run: RunIdentity) -> list[Revert]:
        """Return what says that the run was reverted, so that it does nothing again."""
        # What was not limited holds for everything, also for what the run has not come to yet.
        actions: Sequence[str] = undone.actions if self.actions else ("",)
        people: Sequence[str] = [""] if undone.user_ids is None else sorted(undone.user_ids)
        return [
            Revert(
                org=undone.org,
                dag_id=undone.dag_id,
                run_id=undone.run_id,
                action=action,
                user_key=user_key,
                by_dag_id=run.dag_id,
                by_run_id=run.run_id,
                as_of=run.as_of,
                recorded_at=datetime.now(tz=timezone.utc),
                asked_by=run.triggered_by,
            )
            for action in actions
            for user_key in people
        ]

    def _carry_out(
        self, context: Context, fail_on: FailOn, approvers: Mapping[int, str]
    ) -> tuple[list[Report], OktaUreError | None]:
        """Return the reports of all parts, and the first of what fails the task; one part stops no other."""
        reports: list[Report] = []
        first: OktaUreError | None = None
        for number, part in enumerate(self.parts):
            report, problem = part.carry_out(
                context,
                fail_on,
                approved_by=approvers.get(number, ""),
                names=self._names,
                is_paused=self.is_paused,
            )
            reports.append(report)
            first = first or problem
        return reports, first

    def _result(
        self,
        run: RunIdentity,
        undone: Undone,
        reports: Sequence[Report],
        *,
        dry_run: bool,
    ) -> dict[str, Any]:
        counts, reasons = Counter[str](), Counter[str]()
        for report in reports:
            counts.update(report.counts)
            reasons.update(report.reasons)
        shown = Names.as_configured()
        for one in self.not_undone:
            self.log.info(
                "not undone",
                user=shown.shown(one.user),
                action=one.action,
                target=one.target,
                reason=one.reason,
                message=one.message,
            )
        did = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
        self.log.info(
            "The run %s of %s: %s. The next run of the DAG acts again on whoever is at risk then.",
            undone.run_id,
            undone.dag_id,
            did or "nothing to undo",
        )
        return {
            "reverted_dag_id": undone.dag_id,
            "reverted_run_id": undone.run_id,
            "as_of": run.as_of.isoformat(),
            "dry_run": dry_run,
            "total": sum(counts.values()),
            "counts": {status: counts[status] for status in STATUSES},
            "reasons": dict(sorted(reasons.items())),
            "holds": self.claims._asdict(),
            "parts": [report.to_dict() for report in reports],
            "not_undone": {
                "reasons": dict(sorted(Counter(one.reason for one in self.not_undone).items())),
                "examples": [msgspec.to_builtins(one) for one in self.not_undone[:_LEFT_SHOWN]],
            },
            "warnings": list(self._warnings),
        }


class _Calls:
    """The calls of several clients together."""

    def __init__(self, hooks: Sequence[OktaHook]) -> None:
        self._clients = [hook.client for hook in hooks]

    @property
    def calls(self) -> Mapping[str, int]:
        total = Counter[str]()
        for client in self._clients:
            total.update(client.calls)
        return total

    @property
    def limits(self) -> Mapping[str, int]:
        return {bucket: limit for client in self._clients for bucket, limit in client.limits.items()}

    @property
    def rate_limit_share(self) -> float:
        return self._clients[0].rate_limit_share


def identity_of(context: Context) -> RunIdentity:
    """
    Return the identity of the reverting run, which is for the time that it was triggered.

    A revert for a past time would have to give way to everything since, or undo it.

    :raises ConfigurationError: the run is a backfill, or it is not known when it was triggered.
    """
    run = RunIdentity.of(context)
    if run.is_backfill:
        raise ConfigurationError(
            "A backfill cannot revert a run: a revert is for now.", remedy="Trigger the DAG instead."
        )
    after = getattr(context.get("dag_run"), "run_after", None)
    if not isinstance(after, datetime):
        raise ConfigurationError(
            "It is not known when this run was triggered.", remedy="Run the task as part of a DAG run."
        )
    as_of = datetime.fromtimestamp(after.timestamp(), tz=timezone.utc)
    reason = run.as_of_reason if run.as_of == as_of else "due"
    return msgspec.structs.replace(run, as_of=as_of, as_of_reason=reason)


def _require_later(run: RunIdentity, entries: Sequence[Entry]) -> None:
    newest = max((one.as_of for one in entries), default=None)
    if newest is not None and newest >= run.as_of:
        raise ConfigurationError(
            f"This revert is for {run.as_of:%Y-%m-%d %H:%M:%S} UTC, and what it is to undo is for "
            f"{newest:%Y-%m-%d %H:%M:%S} UTC, which is not earlier.",
            remedy="Trigger the revert now, without a date.",
        )


def to_actions(value: Any) -> tuple[LogAction, ...]:
    """
    Return the actions that an argument names; empty = all that can be undone.

    :raises ConfigurationError: one of them cannot be undone.
    """
    names = value.replace(",", " ").split() if isinstance(value, str) else list(value or ())
    unknown = [str(name) for name in names if name not in UNDOABLE]
    if unknown:
        raise ConfigurationError(
            f"actions names {', '.join(map(repr, unknown))}, which cannot be undone.",
            remedy=f"Use {', '.join(UNDOABLE)}, or leave it empty for all of them.",
        )
    return tuple(one for one in UNDOABLE if one in names) or UNDOABLE
