# SPDX-License-Identifier: Apache-2.0
"""Adding users to a group: only the difference to the real membership is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta_group_choice import require_writable
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.core.decisions.adding import decide_additions, names_to_look_up_for_adding
from airflow_provider_okta_ure.core.decisions.decision import settle
from airflow_provider_okta_ure.core.decisions.facts import GroupFacts
from airflow_provider_okta_ure.core.decisions.history_rules import already_member
from airflow_provider_okta_ure.core.matching import Directory, resolve
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.engine.actions.group_work import MEMBERS, GroupWork, Members
from airflow_provider_okta_ure.engine.actions.work import Plan
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.group_log import ADD, GroupLog
from airflow_provider_okta_ure.engine.facts.people import People
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.run_facts import read_run_facts
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.target import group_target, missing_group_target

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.engine.actions.group_work import GroupChoice
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class Adding(GroupWork):
    """
    Add the users that rows are about.

    :param creates: whether a group that is missing is created.
    :param description: of a group that is created.
    :param expires_after: how long memberships last; None = until the user recovers.
    """

    action = "add_to_group"

    def __init__(
        self,
        session: Session,
        choice: GroupChoice,
        *,
        creates: bool = False,
        description: str = "",
        expires_after: timedelta | None = None,
    ) -> None:
        super().__init__(session, choice)
        self._creates = creates and bool(choice.name)
        self._description = description
        self._expires_after = expires_after

    def plan(self, rows: Sequence[Row]) -> Plan:
        group = self.find()
        if group is None and not self._creates:
            raise self.missing_group()
        if group is None:
            target = missing_group_target(self.choice.name or "", is_created=True)
            members = Members()
        else:
            target, members = group_target(group), self.read_members(group)
        facts = self._facts(rows, target, members)
        decisions = decide_additions(rows, facts)
        population = Population.read(self.session, decisions)
        base, base_name = size_to_add_to(population, members)
        return Plan(
            decisions=decisions,
            target=target,
            tries=Tries.read(self.session, ADD, target.key, decisions),
            before=CarriedOutBefore.read(self.session, ADD, target.key),
            population=population,
            base=base,
            base_name=base_name,
            bucket=GROUPS_BUCKET,
            # Another look for the group, and its creation.
            cost_to_prepare={GROUPS_BUCKET: 2} if group is None else {},
            why_not_applied=self.why_not_applied(target, ADD),
            expires_at=None if self._expires_after is None else self.session.run.as_of + self._expires_after,
        )

    def _facts(self, rows: Sequence[Row], target: Target, members: Members) -> GroupFacts:
        known = list(members.users.values())
        names = names_to_look_up_for_adding(rows, Directory(known))
        directory = People(self.session.client, self.session.log, self.session.org).directory(names, known)
        # Nothing has to be known of those who are in the group already.
        left = settle(resolve(rows, directory), already_member(members.users))
        log = GroupLog(self.session, target)
        return GroupFacts(
            run=read_run_facts(self.session, ADD, target, left),
            members=members.users,
            directory=directory,
            later=log.later(left),
            recovered=members.recovered_by(ADD),
            time_boxed={} if self._expires_after is None else log.time_boxed(left),
        )

    def prepare(self, plan: Plan) -> Target:
        if plan.target.about["group_id"]:
            return plan.target
        group = self.session.client.ensure_group(self.choice.name or "", self._description)
        self.session.info("Created the group %r (%s).", group.name, group.group_id)
        require_writable(group)
        # Somebody else may have made it in the meantime, so that it is another one than was looked for.
        self.require_target(group)
        self.remember(group)
        return group_target(group)

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        answer = self.session.client.add_member(target.key, decision.user_id)
        return Outcome(
            status="done", reason=decision.reason, http_status=answer.status, request_id=answer.request_id
        )


def size_to_add_to(population: Population, members: Members) -> tuple[int, str]:
    """Return what additions are measured against, the users of the source or the members, and its name."""
    count = len(members.users)
    return (population.size, population.called) if population.size >= count else (count, MEMBERS)
