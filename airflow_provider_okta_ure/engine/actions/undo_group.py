# SPDX-License-Identifier: Apache-2.0
"""Undoing what a run did to the members of a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.core.decisions.decision import settle
from airflow_provider_okta_ure.core.decisions.facts import RunFacts
from airflow_provider_okta_ure.core.decisions.history_rules import (
    already_member,
    held_by_others,
    recovered,
    run_reverted,
)
from airflow_provider_okta_ure.core.decisions.undoing_rules import decided_since, only_members
from airflow_provider_okta_ure.core.holding import NOT_OURS, OnBehalf
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.engine.actions.adding import size_to_add_to
from airflow_provider_okta_ure.engine.actions.group_work import MEMBERS, GroupWork
from airflow_provider_okta_ure.engine.actions.undoing import decisions_about, deeds, entries_of_run
from airflow_provider_okta_ure.engine.actions.work import Plan
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.group_log import ADD, REMOVE, GroupLog
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.run_facts import reverted_by
from airflow_provider_okta_ure.engine.facts.since import SinceLog
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.target import group_target

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.decisions.undoing_rules import Since
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.engine.actions.group_work import GroupChoice, Members
    from airflow_provider_okta_ure.engine.actions.undoing import Deed, Undone
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class _Facts(NamedTuple):
    """What is known before undoing: the group, what the run did, and what was decided since."""

    target: Target
    members: Members
    done: list[Deed]
    about: list[Decision]
    since: dict[str, Since]
    run: RunFacts


class UndoGroupWork(GroupWork):
    """
    Undo what a run did to the members of a group.

    :param undone: the run, and how much of it.
    """

    undoes: LogAction

    def __init__(self, session: Session, choice: GroupChoice, undone: Undone) -> None:
        super().__init__(session, choice)
        self.undone = undone

    def preview(self, decision: Decision) -> Outcome:
        return Outcome(status="planned", reason="reverted", message=self.undone.in_words(self.undoes))

    def read(self) -> _Facts:
        """Read the group, what the run did to its members, and what was decided about them since."""
        session, undone = self.session, self.undone
        group = self.find()
        if group is None:
            raise self.missing_group()  # an id that nobody has raises
        target, members = group_target(group), self.read_members(group)
        # Read now, after interrupted tries were settled.
        entries = entries_of_run(session.log, dag_id=undone.dag_id, run_id=undone.run_id)
        done = deeds(entries, undone, action=self.undoes, target=target.key)
        about = decisions_about(session.client, done, list(members.users.values()))
        since = SinceLog(session, target, undone).of_group(about, done)
        # A revert is for the time that it was triggered, and no run of a DAG's decisions comes after it.
        run = RunFacts(as_of=session.run.as_of, reverted_by=reverted_by(session, self.action, about))
        return _Facts(target, members, done, about, since, run)


class UndoAdditions(UndoGroupWork):
    """Remove whom a run added to a group, as far as they are in it because of that run."""

    action = "remove_from_group"
    undoes = ADD

    def plan(self, rows: Sequence[Row]) -> Plan:
        facts = self.read()
        holds = GroupLog(self.session, facts.target).holds(one.entry.user_id for one in facts.done)
        decisions = settle(
            facts.about,
            decided_since(facts.since),
            only_members(facts.members.users),
            recovered(facts.members.recovered_by(REMOVE), facts.run),
            held_by_others(holds, dag_id=self.undone.first_dag, as_of=facts.run.as_of),
            run_reverted(facts.run),
        )
        before = CarriedOutBefore.read(self.session, REMOVE, facts.target.key)
        return Plan(
            decisions=decisions,
            target=facts.target,
            tries=Tries.read(self.session, REMOVE, facts.target.key, decisions),
            before=before,
            population=Population.read(self.session, decisions),
            base=len(facts.members.users.keys() | before.user_ids),
            base_name=MEMBERS,
            bucket=GROUPS_BUCKET,
            on_behalf=OnBehalf(dag_id=self.undone.first_dag),
        )

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        answer = self.session.client.remove_member(target.key, decision.user_id)
        return Outcome(
            status="done",
            reason="reverted",
            message=self.undone.in_words(ADD),
            http_status=answer.status,
            request_id=answer.request_id,
        )


class UndoRemovals(UndoGroupWork):
    """Let people whom a run removed from a group come back into it."""

    action = "add_to_group"
    undoes = REMOVE

    def __init__(self, session: Session, choice: GroupChoice, undone: Undone) -> None:
        super().__init__(session, choice, undone)
        self._not_ours: frozenset[str] = frozenset()

    def plan(self, rows: Sequence[Row]) -> Plan:
        facts = self.read()
        self._not_ours = self._not_ours_before(facts)
        decisions = settle(
            facts.about,
            decided_since(facts.since),
            already_member(facts.members.users),
            recovered(facts.members.recovered_by(ADD), facts.run),
            run_reverted(facts.run),
        )
        population = Population.read(self.session, decisions)
        base, base_name = size_to_add_to(population, facts.members)
        return Plan(
            decisions=decisions,
            target=facts.target,
            tries=Tries.read(self.session, ADD, facts.target.key, decisions),
            before=CarriedOutBefore.read(self.session, ADD, facts.target.key),
            population=population,
            base=base,
            base_name=base_name,
            bucket=GROUPS_BUCKET,
            on_behalf=OnBehalf(
                dag_id=self.undone.first_dag,
                ended={one.entry.user_id: one.as_of for one in facts.done},
                not_ours=self._not_ours,
            ),
        )

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        answer = self.session.client.add_member(target.key, decision.user_id)
        return Outcome(
            status="done",
            reason=NOT_OURS if decision.user_id in self._not_ours else "reverted",
            message=self.undone.in_words(REMOVE),
            http_status=answer.status,
            request_id=answer.request_id,
        )

    def _not_ours_before(self, facts: _Facts) -> frozenset[str]:
        """Return the Okta ids of those whom somebody else had added before the run removed them."""
        log, org, target = self.session.log, self.session.org, facts.target.key
        wanted: dict[datetime, set[str]] = {}
        for one in facts.done:
            wanted.setdefault(one.as_of, set()).add(one.entry.user_id)
        found: set[str] = set()
        for as_of, users in wanted.items():
            last = log.last_done(org=org, doing=GROUP_ACTIONS, target=target, users=users, before=as_of)
            # Another run for the same time may have added them.
            same = log.find(org=org, action=ADD, target=target, as_of=as_of, users=users)
            added = {**last, **{key: entry for key, entry in same.items() if entry.status == "done"}}
            found |= {
                user_id
                for user_id in users
                if user_id not in added or added[user_id].action != ADD or added[user_id].reason == NOT_OURS
            }
        return frozenset(found)
