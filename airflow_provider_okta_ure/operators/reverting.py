# SPDX-License-Identifier: Apache-2.0
"""The parts of a revert: one action of a run on one target, undone by the operator for its opposite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.core.history import held_by_others, recovered, settle
from airflow_provider_okta_ure.core.holding import NOT_OURS, OnBehalf
from airflow_provider_okta_ure.core.matching import Decision, outcome_of, skip
from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row
from airflow_provider_okta_ure.core.reverting import (
    Later,
    Since,
    decided_since,
    only_members,
    only_others,
)
from airflow_provider_okta_ure.core.signals import PushMode, decide_signal, to_level
from airflow_provider_okta_ure.engine.signal_facts import SignalLog
from airflow_provider_okta_ure.engine.undoing import Deed, Undone, deeds, entries_of_run
from airflow_provider_okta_ure.errors import GroupError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan, Prepared
from airflow_provider_okta_ure.operators.groups import (
    MEMBERS,
    OktaAddToGroupOperator,
    OktaGroupOperator,
    OktaRemoveFromGroupOperator,
    held_elsewhere,
    size_to_add_to,
    target_of,
)
from airflow_provider_okta_ure.operators.journal import GROUP_ACTIONS, Journal, names_of
from airflow_provider_okta_ure.operators.push import OktaPushRiskOperator, Signals, users_asked_for

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.judgement import BlastRadius
    from airflow_provider_okta_ure.core.models import Action, OktaGroup, Report
    from airflow_provider_okta_ure.core.reports import FailOn
    from airflow_provider_okta_ure.errors import OktaUreError
    from airflow_provider_okta_ure.operators.approved import Consent

SIGNAL_REASON = "Reverted: the level from before a change that was undone"


class UndoPart(OktaActionOperator):
    """
    Undo one action of a run on one target.

    In three steps, so that all parts of a revert are judged before the first write.

    :param undone: the run, and how much of it.
    :param journal: of this part; it shares its turns with the other parts.
    """

    def __init__(self, *, undone: Undone, journal: Journal, **kwargs: Any) -> None:
        super().__init__(rows=(), **kwargs)
        self.undone = undone
        self.journal = journal
        self.prepared: Prepared
        self.outcomes: list[Outcome] = []
        """What became of each user."""

    def _log(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        super()._log(outcome)

    def prepare(self, *, only_plan: bool) -> None:
        """
        Read what is going to be done; nothing is written.

        :param only_plan: nothing is going to be written: a dry run, or all writes are paused.
        """
        plan = self.plan((), self.journal, dry_run=only_plan)
        self.prepared = self._prepare(plan, self.journal, dry_run=only_plan)

    @property
    def is_there(self) -> bool:
        """Whether what it is about was found, so that it is prepared."""
        return hasattr(self, "prepared")

    def leave_it_at_the_plan(self, why: str) -> None:
        """Carry out nothing of what was prepared, for the reason with this code."""
        self.prepared = self.prepared._replace(only_planned=why)

    def judge(self, consent: Consent, limits: BlastRadius, context: Context) -> None:
        """
        Refuse what is too much, or not what was approved.

        :raises OktaUreError: saying why.
        """
        prepared = self.prepared
        self._judge(prepared.proposal, prepared.decisions, self.journal, consent, limits, context)

    def needs_no_limit(self, consent: Consent) -> bool:
        """Whether somebody has approved just this, or looked at it and named its id."""
        if consent.approval is not None:
            return True
        accepted = consent.read_accepted(self.journal.log, self.journal.run, org=self.journal.org)
        return any(self.prepared.proposal.has_content_of(one) for one in accepted.plans)

    def remember_plan(self) -> None:
        """Write the plan into the action log, so that its id can be named."""
        self.journal.write_plan(self.prepared.proposal.in_org)

    def carry_out(self, context: Context, fail_on: FailOn) -> tuple[Report, OktaUreError | None]:
        """Return what became of it, and what fails the task, if something does."""
        only_plan = bool(self.prepared.only_planned)
        report, carried_out = self._apply(self.prepared, self.journal, context, dry_run=only_plan)
        return report, carried_out.error or self._verdict(report, fail_on, carried_out)


class UndoAdditions(UndoPart, OktaRemoveFromGroupOperator):
    """Remove whom a run added to a group, as far as they are in it because of that run."""

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client, undone = self.hook.client, self.undone
        group, members = _look_at(self, client, journal, dry_run=dry_run)
        done = _deeds(journal, undone, action="add_to_group")
        decisions, since = _decisions(client, done, members, journal, undone)
        inside = {member.user_id for member in members}
        journal.load(decisions)
        journal.on_behalf = OnBehalf(dag_id=undone.first_dag)
        decisions = settle(
            decisions,
            decided_since(since),
            only_members(inside),
            recovered(journal.is_recovered),
            held_by_others(held_elsewhere(journal.holds(), journal, undone.first_dag)),
        )

        def remove(row: Row, user: OktaUser) -> Outcome:
            answer = client.remove_member(group.group_id, user.user_id)
            return outcome_of(
                row,
                "done",
                "reverted",
                user=user,
                message=_what(undone, "add_to_group"),
                http_status=answer.status,
                request_id=answer.request_id,
            )

        return Plan(
            decisions,
            remove,
            target_of(group),
            base=len(inside | journal.carried_out().user_ids),
            base_name=MEMBERS,
            bucket=GROUPS_BUCKET,
            preview=_preview(_what(undone, "add_to_group")),
        )


class UndoRemovals(UndoPart, OktaAddToGroupOperator):
    """Let people whom a run removed from a group come back into it."""

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client, undone = self.hook.client, self.undone
        group, members = _look_at(self, client, journal, dry_run=dry_run)
        done = _deeds(journal, undone, action="remove_from_group")
        decisions, since = _decisions(client, done, members, journal, undone)
        inside = {member.user_id for member in members}
        journal.load(decisions)
        not_ours = _not_ours_before(done, journal)
        journal.on_behalf = OnBehalf(
            dag_id=undone.first_dag,
            ended={one.entry.user_id: one.as_of for one in done},
            not_ours=not_ours,
        )
        decisions = settle(
            decisions, decided_since(since), only_others(inside), recovered(journal.is_recovered)
        )

        def add(row: Row, user: OktaUser) -> Outcome:
            answer = client.add_member(group.group_id, user.user_id)
            return outcome_of(
                row,
                "done",
                "reverted_not_ours" if user.user_id in not_ours else "reverted",
                user=user,
                message=_what(undone, "remove_from_group"),
                http_status=answer.status,
                request_id=answer.request_id,
            )

        base, base_name = size_to_add_to(decisions, members, journal)
        return Plan(
            decisions,
            add,
            target_of(group),
            base=base,
            base_name=base_name,
            bucket=GROUPS_BUCKET,
            preview=_preview(_what(undone, "remove_from_group")),
        )


class UndoSignals(UndoPart, OktaPushRiskOperator):
    """Follow each risk signal of a run by one that says the level from before."""

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client, undone = self.hook.client, self.undone
        issuer = self.hook.transmitter.issuer
        journal.aim(issuer, issuer)
        done = {one.entry.user_id: one for one in _deeds(journal, undone, action="push_risk")}
        decisions = _about(client, list(done.values()), ())
        log = SignalLog(journal.log, org=journal.org, issuer=issuer, dag_id=undone.first_dag)
        facts = log.facts(users_asked_for(decisions, journal))
        later = _later(decisions, done, journal, undone, doing=("push_risk",))
        since = {user_id: Since(later=later.get(user_id)) for user_id in done}
        decisions = settle(decisions, decided_since(since), _not_delivered(done))
        decided = [
            decide_signal(one, facts.of(one.user.user_id), PushMode()) if one.user is not None else one
            for one in decisions
        ]
        plan = self.plan_of(
            self.with_unique_addresses(decided),
            Signals(self, journal),
            journal,
            later={},
            reason="reverted",
        )
        what = _what(undone, "push_risk")

        def push(row: Row, user: OktaUser) -> Outcome:
            return msgspec.structs.replace(plan.effect(row, user), message=what)

        return plan._replace(effect=push, preview=_preview(what))


def part_of(action: LogAction, target: str, undone: Undone, **arguments: Any) -> UndoPart:
    """
    Return what undoes one action of a run on one target.

    :param arguments: what all operators that act have in common, and the journal.
    """
    if action == "add_to_group":
        return UndoAdditions(undone=undone, group_id=target, **arguments)
    if action == "remove_from_group":
        return UndoRemovals(undone=undone, group_id=target, **arguments)
    return UndoSignals(undone=undone, reason_admin=SIGNAL_REASON, **arguments)


OPPOSITES: dict[LogAction, Action] = {
    "add_to_group": "remove_from_group",
    "remove_from_group": "add_to_group",
    "push_risk": "push_risk",
}
"""By which action each one is undone; the action log has it under that name."""


def _look_at(
    operator: OktaGroupOperator, client: OktaClient, journal: Journal, *, dry_run: bool
) -> tuple[OktaGroup, list[OktaUser]]:
    group = operator.find(client, journal, dry_run=dry_run)
    if group is None:
        raise GroupError("There is no such group.", reason="group_not_found")  # an id that nobody has raises
    return group, operator.look_at(group, client, journal, dry_run=dry_run)


def _deeds(journal: Journal, undone: Undone, *, action: LogAction) -> list[Deed]:
    """Return what the run did on the journal's target; read now, after interrupted tries were settled."""
    entries = entries_of_run(journal.log, dag_id=undone.dag_id, run_id=undone.run_id)
    return deeds(entries, undone, action=action, target=journal.target)


def _not_ours_before(done: Sequence[Deed], journal: Journal) -> frozenset[str]:
    """Return the Okta ids of those whom somebody else had added before the run removed them."""
    wanted: dict[datetime, set[str]] = {}
    for one in done:
        wanted.setdefault(one.as_of, set()).add(one.entry.user_id)
    found: set[str] = set()
    for as_of, users in wanted.items():
        last = journal.log.last_done(
            org=journal.org, doing=GROUP_ACTIONS, target=journal.target, users=users, before=as_of
        )
        # Another run for the same time may have added them.
        same = journal.log.find(
            org=journal.org, action="add_to_group", target=journal.target, as_of=as_of, users=users
        )
        added = {**last, **{key: entry for key, entry in same.items() if entry.status == "done"}}
        found |= {
            user_id
            for user_id in users
            if user_id not in added
            or added[user_id].action != "add_to_group"
            or added[user_id].reason == NOT_OURS
        }
    return frozenset(found)


def _about(client: OktaClient, done: Sequence[Deed], known: Sequence[OktaUser]) -> list[Decision]:
    """
    Return a decision for each person, who is read from Okta by id; who is not there any more is skipped.

    :param known: users who need not be read.
    """
    users = {user.user_id: user for user in known}
    missing = {one.entry.user_id for one in done} - users.keys()
    users.update((user.user_id, user) for user in client.find_users_by_id(missing))
    return [_decision(one, users.get(one.entry.user_id)) for one in done]


def _decision(deed: Deed, user: OktaUser | None) -> Decision:
    entry = deed.entry
    row = Row(user=entry.user_name or entry.login or entry.user_id, source=entry.source or None)
    if entry.action == "push_risk":
        row = msgspec.structs.replace(row, risk_level=to_level(deed.level_before))
    if user is not None:
        return Decision(row=row, user=user)
    then = OktaUser(user_id=entry.user_id, login=entry.login, email="", status="")
    return skip(row, "user_not_in_okta", user=then, message="the Okta user was deleted since then")


def _decisions(
    client: OktaClient,
    done: Sequence[Deed],
    members: Sequence[OktaUser],
    journal: Journal,
    undone: Undone,
) -> tuple[list[Decision], dict[str, Since]]:
    """Return a decision for each deed of a group, and what was decided about each user since."""
    decisions = _about(client, done, members)
    by_id = {one.entry.user_id: one for one in done}
    later = _later(decisions, by_id, journal, undone, doing=GROUP_ACTIONS)
    last = journal.log.last_done(
        org=journal.org,
        doing=GROUP_ACTIONS,
        target=journal.target,
        users=list(by_id),
        before=journal.run.as_of,
    )
    reverts, since = _reverts_of(journal, undone), {}
    for user_id, deed in by_id.items():
        known, newest = later.get(user_id), last.get(user_id)
        # Two runs for the same time: the one that acted last has decided.
        if newest is not None and newest.as_of == deed.as_of and newest.action != deed.entry.action:
            known = known or _as_later(newest, reverts)
        since[user_id] = Since(later=known, was_opposite=deed.was_opposite)
    return decisions, since


def _later(
    decisions: Sequence[Decision],
    done: Mapping[str, Deed],
    journal: Journal,
    undone: Undone,
    *,
    doing: Sequence[LogAction],
) -> dict[str, Later]:
    """Return the newest later decision for each user of the target, by Okta id."""
    wanted: dict[datetime, dict[str, str]] = {}
    for decision in decisions:
        user = decision.user
        if user is not None:
            # Who was not in the group was not looked up, and stands in the log by one of their names.
            names = dict.fromkeys((user.user_id, *names_of(decision.row, user)), user.user_id)
            wanted.setdefault(done[user.user_id].as_of, {}).update(names)
    found: dict[str, Entry] = {}
    for as_of, owners in wanted.items():
        for target in journal.targets:
            for key, entry in journal.log.decisions_since(
                org=journal.org,
                doing=doing,
                target=target,
                users=owners,
                after=as_of,
                dag_id=undone.first_dag,
                undoing=(undone.dag_id, undone.run_id),
            ).items():
                user_id = owners[key]
                # One user's address can be another one's login, and a login can be given to somebody else.
                if entry.user_id in ("", user_id) and not _is_own(entry, journal):
                    found[user_id] = max(entry, found.get(user_id, entry), key=lambda one: one.as_of)
    reverts = _reverts_of(journal, undone)
    return {user_id: _as_later(entry, reverts) for user_id, entry in found.items()}


def _reverts_of(journal: Journal, undone: Undone) -> set[tuple[str, str]]:
    """Return DAG and id of the runs that have undone this very run, wholly or in part."""
    reverts = journal.log.reverts_of(dag_id=undone.dag_id, run_id=undone.run_id)
    return {(one.by_dag_id, one.by_run_id) for one in reverts}


def _as_later(entry: Entry, reverts: Collection[tuple[str, str]]) -> Later:
    return Later(
        as_of=entry.as_of,
        dag_id=entry.dag_id,
        run_id=entry.run_id,
        undid_it=(entry.dag_id, entry.run_id) in reverts,
    )


def _is_own(entry: Entry, journal: Journal) -> bool:
    """Whether an earlier try of this very revert has decided it."""
    return (entry.dag_id, entry.run_id) == (journal.run.dag_id, journal.run.run_id)


def _not_delivered(done: Mapping[str, Deed]) -> Any:
    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or done[user.user_id].entry.confirmation != "missing":
            return decision
        text = "Okta's System Log does not have the signal, so there is nothing to undo"
        return skip(decision.row, "nothing_done", user=user, message=text)

    return step


def _preview(message: str) -> Any:
    def preview(row: Row, user: OktaUser) -> Outcome:
        return outcome_of(row, "planned", "reverted", user=user, message=message)

    return preview


def _what(undone: Undone, action: LogAction) -> str:
    return f"undoes {action} of the run {undone.run_id} of {undone.dag_id}"
