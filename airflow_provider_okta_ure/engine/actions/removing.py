# SPDX-License-Identifier: Apache-2.0
"""Removing users from a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.core.decisions.decision import Decision, settle
from airflow_provider_okta_ure.core.decisions.facts import GroupFacts, RunFacts
from airflow_provider_okta_ure.core.decisions.history_rules import not_a_member
from airflow_provider_okta_ure.core.decisions.removing import decide_removals, names_to_look_up_for_removing
from airflow_provider_okta_ure.core.matching import Directory, resolve
from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row
from airflow_provider_okta_ure.engine.actions.group_work import MEMBERS, GroupWork
from airflow_provider_okta_ure.engine.actions.work import Plan
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.group_log import REMOVE, GroupLog
from airflow_provider_okta_ure.engine.facts.people import People
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.run_facts import read_run_facts
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.target import group_target, missing_group_target

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.removing import RemovalPolicy
    from airflow_provider_okta_ure.engine.actions.group_work import GroupChoice, Members
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class Removing(GroupWork):
    """
    Remove the users that rows are about, and those whose time in the group is over.

    :param policy: which members are removed.
    :param missing_group_ok: whether a group that does not exist has nobody to remove, which is success.
    """

    action = "remove_from_group"

    def __init__(
        self, session: Session, choice: GroupChoice, policy: RemovalPolicy, *, missing_group_ok: bool = False
    ) -> None:
        super().__init__(session, choice)
        self._policy = policy
        self._missing_group_ok = missing_group_ok

    def plan(self, rows: Sequence[Row]) -> Plan:
        group = self.find()
        # Nobody is to be removed, and nobody's time can be over in a group that is not there.
        if group is None and rows and not self._missing_group_ok:
            raise self.missing_group()
        if group is None:
            return self._nobody(rows)
        target, members = group_target(group), self.read_members(group)
        facts = self._facts(rows, target, members)
        decisions = decide_removals(rows, facts, self._policy)
        before = CarriedOutBefore.read(self.session, REMOVE, target.key)
        return Plan(
            decisions=decisions,
            target=target,
            tries=Tries.read(self.session, REMOVE, target.key, decisions),
            before=before,
            population=Population.read(self.session, decisions),
            # As many as there were before this task: what it removed in an earlier try counts.
            base=len(members.users.keys() | before.user_ids),
            base_name=MEMBERS,
            bucket=GROUPS_BUCKET,
            why_not_applied=self.why_not_applied(target, REMOVE),
        )

    def _nobody(self, rows: Sequence[Row]) -> Plan:
        """Return the plan for a group that does not exist, so that nobody is in it."""
        self.session.info("The group %r does not exist, so nobody is in it.", self.choice.name)
        target = missing_group_target(self.choice.name or "", is_created=False)
        facts = GroupFacts(run=RunFacts(as_of=self.session.run.as_of), directory=Directory([]))
        decisions = decide_removals(rows, facts, self._policy)
        return Plan(
            decisions=decisions,
            target=target,
            tries=Tries.read(self.session, REMOVE, target.key, decisions),
            before=CarriedOutBefore.read(self.session, REMOVE, target.key),
            population=Population.read(self.session, decisions),
        )

    def _facts(self, rows: Sequence[Row], target: Target, members: Members) -> GroupFacts:
        session, known = self.session, list(members.users.values())
        people = People(session.client, session.log, session.org)
        ids = people.ids_of(row.user for row in rows)
        known_as = {name for name, user_id in ids.items() if user_id in members.users}
        names = names_to_look_up_for_removing(rows, Directory(known), known_as)
        directory = people.directory(names, known)
        # Nothing has to be known of those who are not in the group.
        left = settle(resolve(rows, directory), not_a_member(members.users))
        log = GroupLog(session, target)
        holds = log.holds(members.users)
        concerned = [one.to_act_on.user_id for one in left if one.to_act_on is not None]
        expiring = [
            Decision(row=Row(user=members.users[user_id].login), user=members.users[user_id])
            for user_id, held in holds.items()
            if any(one.held and one.is_over(session.run.as_of) for one in held)
        ]
        return GroupFacts(
            run=read_run_facts(session, REMOVE, target, [*left, *expiring]),
            members=members.users,
            directory=directory,
            # Who is not in the group was not looked up; the log knows them by their id all the same.
            former_members={
                name: OktaUser(user_id=user_id, login="", email="", status="")
                for name, user_id in ids.items()
                if user_id not in members.users
            },
            ours=log.ours([*concerned, *(one.user.user_id for one in expiring if one.user is not None)]),
            holds=holds,
            later=log.later([*left, *expiring]),
            recovered=members.recovered_by(REMOVE),
        )

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        answer = self.session.client.remove_member(target.key, decision.user_id)
        return Outcome(
            status="done", reason=decision.reason, http_status=answer.status, request_id=answer.request_id
        )
