# SPDX-License-Identifier: Apache-2.0
"""Membership of an Okta group: only the difference to the real membership is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.okta_group_choice import find_group, require_writable
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.decisions import (
    decide_additions,
    decide_removals,
    names_to_look_up_for_adding,
    names_to_look_up_for_removing,
)
from airflow_provider_okta_ure.core.group_rules import GroupRules
from airflow_provider_okta_ure.core.history import (
    held_by_others,
    not_ours,
    recovered,
    settle,
    superseded,
    time_over,
    with_user,
)
from airflow_provider_okta_ure.core.holding import others
from airflow_provider_okta_ure.core.matching import Decision, Directory, outcome_of
from airflow_provider_okta_ure.core.models import Action, OktaGroup, OktaUser, Outcome, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.engine.people import People
from airflow_provider_okta_ure.errors import ConfigurationError, GroupError, NotFoundError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.links import ActionLogLink, OktaGroupLink
from airflow_provider_okta_ure.operators.run import to_flag, to_text

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink

    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.holding import Hold
    from airflow_provider_okta_ure.operators.journal import Journal

MEMBERS = "members of the group"
"""What limits for groups are in percent of, for people."""
NOT_CREATED_YET = "(would be created)"
PAST_INTERVALS = ("dry", "apply")
RELEASES = ("own", "all")


class OktaGroupOperator(OktaActionOperator):
    """
    Change who is in an Okta group.

    A decision never undoes a later one: whom a later run has decided about is left alone (``superseded``),
    whatever the order of the runs. Of other DAGs' decisions, only those count that changed something.

    A group that was renamed in Okta is found by the id that its name stood for before.

    :param group_id: the group's id; give this or ``group_name``. (templated)
    :param group_name: the group's exact name. (templated)
    :param past_intervals: what a backfill does, and a run that a later one has overtaken: ``dry`` = only
        plan, because who was at risk then may not be today; ``apply`` = act. (templated)
    """

    operator_extra_links: Sequence[BaseOperatorLink] = (OktaGroupLink(), ActionLogLink())
    template_fields: Sequence[str] = (
        *OktaActionOperator.template_fields,
        "group_id",
        "group_name",
        "past_intervals",
    )

    def __init__(
        self,
        *,
        group_id: str | None = None,
        group_name: str | None = None,
        past_intervals: str = "dry",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.group_name = group_name
        self.past_intervals = past_intervals

    def turn(self) -> str:
        group_id, name = self.named()
        return f"group named {fold(name)}" if name else turn_of(group_id or "")

    def named(self) -> tuple[str | None, str | None]:
        """Return the group's id and name as text, of which one should be None."""
        return to_text(self.group_id, "group_id"), to_text(self.group_name, "group_name")

    def find(self, client: OktaClient, journal: Journal, *, dry_run: bool) -> OktaGroup | None:
        """
        Return the group; None when there is none of that name, and none that was called so before.

        :raises ConfigurationError: both or neither of id and name are given, or a list of groups cannot be
            understood.
        :raises GroupError: the id is unknown, several groups have the name, or this group may not be written.
        """
        group_id, name = self.named()
        group = find_group(client, group_id, name)
        known_id = journal.group_known_as(name) if name else None
        if name and known_id is not None and (group is None or group.group_id != known_id):
            group = self._renamed(client, known_id, name, group)
        self.require_target(group, name or "")
        if not name:
            return group
        if group is not None and not dry_run:
            journal.remember_group(name, group.group_id)
        return group

    def _renamed(
        self, client: OktaClient, known_id: str, name: str, found: OktaGroup | None
    ) -> OktaGroup | None:
        """Return the group to use, when the one that the name stood for before is called otherwise now."""
        try:
            before = client.get_group(known_id)
        except NotFoundError:
            return found
        if found is None:
            self.warn(
                f"The group {name!r} is called {before.name!r} now ({before.group_id}); that group is used. "
                "Give this task the new name, or the id."
            )
            return before
        self.warn(
            f"There is another group named {name!r} now ({found.group_id}), and that one is used. The one "
            f"before is called {before.name!r} ({before.group_id}); its members stay in it."
        )
        return found

    def require_target(self, group: OktaGroup | None, name: str = "") -> None:
        """
        Refuse a group that is excluded, or that the connection does not allow to be written.

        :param group: as it is in Okta; None = it does not exist.
        :param name: what it would be called then.
        :raises GroupError: it is one of these.
        """
        settings = self.hook.settings
        rules = GroupRules.read(
            excluded=(self.exclude_groups, settings.exclude_groups), writable=settings.writable_groups
        )
        if group is None:
            rules.require_target(name)
        else:
            rules.require_target(group.name, group.group_id)

    def missing_group(self) -> GroupError:
        """Return the error that says that no group has the name."""
        return GroupError(
            f"There is no group named {self.group_name!r}.",
            reason="group_not_found",
        )

    def only_planned(self, journal: Journal) -> str:
        """
        Return why the group is left as it is although this is no dry run, as a reason code; else empty.

        :raises ConfigurationError: ``past_intervals`` is neither ``dry`` nor ``apply``.
        """
        if self.past_intervals not in PAST_INTERVALS:
            raise ConfigurationError(
                f"past_intervals is {shown(self.past_intervals)}.", remedy='Use "dry" or "apply".'
            )
        if self.past_intervals == "apply":
            return ""
        if journal.run.is_backfill:
            self.log.info("The interval is past, so the group is left as it is; past_intervals='apply' acts.")
            return "past_interval"
        if journal.is_overtaken():
            # Unlike a backfill this surprises people: whoever is at risk stays outside until the next run.
            self.warn(
                "Another run of this task has decided for a later time already, so the group is left as it "
                "is; past_intervals='apply' acts."
            )
            return "past_interval"
        return ""

    def in_the_light_of_history(self, decisions: Sequence[Decision], journal: Journal) -> list[Decision]:
        """Return the decisions as they are after what an interrupted try did, and what was decided later."""
        journal.load(decisions)
        healed = settle(decisions, recovered(journal.is_recovered))
        return settle(healed, superseded(journal.later_group_actions(healed), _user_id))

    def look_at(
        self, group: OktaGroup, client: OktaClient, journal: Journal, *, dry_run: bool
    ) -> list[OktaUser]:
        """
        Return the group's real members; from here on the task and its journal are about this group.

        What interrupted tries have left in doubt is settled first, because the members show it.

        :raises GroupError: Okta does not let anybody change who is in the group.
        :raises LockedError: another task has been acting on it for too long.
        """
        require_writable(group)
        self.require_target(group)
        journal.aim(group.group_id, group.name)
        if not dry_run:
            # Another task may name the same group in the other way, by its id or by its name.
            journal.take_turn(turn_of(group.group_id))
        members = list(client.list_members(group.group_id))
        if not dry_run:
            journal.settle_interrupted({member.user_id for member in members})
        return members


def turn_of(group_id: str) -> str:
    """Return what tasks say that act on the group with this id."""
    return f"group {group_id}"


def _user_id(decision: Decision) -> str:
    return decision.user.user_id if decision.user is not None else ""


class OktaAddToGroupOperator(OktaGroupOperator):
    """
    Add the users that rows are about to an Okta group.

    :param create_group: create the group when there is none of that name. (templated)
    :param group_description: the description of a group that is created. (templated)
    :param expires_after: how long a membership lasts, as text such as ``14d`` or ``12h`` or as a timedelta.
        None = until the user recovers; else :class:`OktaRemoveFromGroupOperator` ends it even if no score
        changed. (templated)
    """

    action: ClassVar[Action] = "add_to_group"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    template_fields: Sequence[str] = (
        *OktaGroupOperator.template_fields,
        "create_group",
        "group_description",
        "expires_after",
    )

    def __init__(
        self,
        *,
        create_group: bool | str = False,
        group_description: str = "Users at risk according to Netskope. Kept by Airflow.",
        expires_after: timedelta | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.create_group = create_group
        self.group_description = group_description
        self.expires_after = expires_after

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client = self.hook.client
        expires_after = to_span(self.expires_after, "expires_after")
        create = to_flag(self.create_group, "create_group")
        group = self.find(client, journal, dry_run=dry_run)
        if group is None and not (create and self.group_name):
            raise self.missing_group()
        target = {"group_id": "", "group_name": f"{self.group_name} {NOT_CREATED_YET}"}
        members: list[OktaUser] = []
        if group is None:
            journal.aim_at_missing_group(self.group_name or "")
        else:
            target.update(target_of(group))
            members = self.look_at(group, client, journal, dry_run=dry_run)
        if expires_after is not None:
            journal.expires_at = journal.run.as_of + expires_after

        wanted = names_to_look_up_for_adding(rows, Directory(members))
        directory = People(client, journal.log, journal.org).directory(wanted, members)
        decided = self.without_less_safe_rows(decide_additions(rows, members, directory), journal)
        decisions = self.in_the_light_of_history(decided, journal)
        if expires_after is not None:
            decisions = settle(decisions, time_over(journal.time_boxed(decisions), journal.run.as_of))

        def prepare() -> None:
            if group is None:
                target.update(target_of(self._create(client)))
                journal.aim(target["group_id"], target["group_name"])
                journal.remember_group(self.group_name or "", target["group_id"])

        def add(row: Row, user: OktaUser) -> Outcome:
            answer = client.add_member(target["group_id"], user.user_id)
            return outcome_of(row, "done", user=user, http_status=answer.status, request_id=answer.request_id)

        base, base_name = size_to_add_to(decisions, members, journal)
        return Plan(
            decisions,
            add,
            target,
            base=base,
            base_name=base_name,
            bucket=GROUPS_BUCKET,
            # Another look for the group, and its creation.
            cost_to_prepare={GROUPS_BUCKET: 2} if group is None else {},
            prepare=prepare,
            only_planned="" if dry_run else self.only_planned(journal),
        )

    def _create(self, client: OktaClient) -> OktaGroup:
        group = client.ensure_group(self.group_name or "", self.group_description)
        self.log.info("Created the group %r (%s).", group.name, group.group_id)
        require_writable(group)
        # Somebody else may have made it in the meantime, so that it is another one than was looked for.
        self.require_target(group)
        return group


class OktaRemoveFromGroupOperator(OktaGroupOperator):
    """
    Remove the users that rows are about from an Okta group, and those whose time in it is over.

    When the membership comes from a group rule, Okta also puts the user on the rule's exclusion list, so
    that the rule does not add him again.

    :param missing_group_ok: a group that does not exist has no members to remove, which is success.
        (templated)
    :param only_added_by_us: leave members alone whom this provider did not add, as far as the action log
        knows. (templated)
    :param releases: whose members leave: ``own`` = members whom no other DAG wants in the group any more; a
        member leaves when the last DAG that decided so lets go. ``all`` = also members whom other DAGs still
        want there. (templated)
    :param release_expired: also remove the members whose time is over, whether or not a row is about them;
        see ``expires_after`` of :class:`OktaAddToGroupOperator`. (templated)
    """

    action: ClassVar[Action] = "remove_from_group"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    acts_without_rows: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        *OktaGroupOperator.template_fields,
        "missing_group_ok",
        "only_added_by_us",
        "releases",
        "release_expired",
    )

    def __init__(
        self,
        *,
        missing_group_ok: bool | str = False,
        only_added_by_us: bool | str = True,
        releases: str = "own",
        release_expired: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.missing_group_ok = missing_group_ok
        self.only_added_by_us = only_added_by_us
        self.releases = releases
        self.release_expired = release_expired

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client = self.hook.client
        releases = self._whose()
        group = self.find(client, journal, dry_run=dry_run)
        # Nobody is to be removed, and nobody's time can be over in a group that is not there.
        if group is None and rows and not to_flag(self.missing_group_ok, "missing_group_ok"):
            raise self.missing_group()
        if group is None:
            self.log.info("The group %r does not exist, so nobody is in it.", self.group_name)
            journal.aim_at_missing_group(self.group_name or "")
            return Plan(
                decide_removals(rows, [], Directory([])),
                _never,
                {"group_id": "", "group_name": self.group_name or ""},
            )
        members = self.look_at(group, client, journal, dry_run=dry_run)
        decisions = self._decided(rows, members, journal)
        memberships, holds = journal.memberships(), journal.holds()
        ours = [member for member in members if member.user_id in memberships]
        expired = self._expired(ours, decisions, holds, journal)
        decisions = self.in_the_light_of_history([*decisions, *expired], journal)
        if releases == "own":
            decisions = settle(decisions, held_by_others(held_elsewhere(holds, journal, journal.run.dag_id)))
        if to_flag(self.only_added_by_us, "only_added_by_us"):
            decisions = settle(decisions, not_ours(memberships))
        over = {_user_id(one) for one in expired}

        def preview(row: Row, user: OktaUser) -> Outcome:
            return outcome_of(row, "planned", "expired" if user.user_id in over else "", user=user)

        def remove(row: Row, user: OktaUser) -> Outcome:
            answer = client.remove_member(group.group_id, user.user_id)
            return outcome_of(
                row,
                "done",
                "expired" if user.user_id in over else "",
                user=user,
                http_status=answer.status,
                request_id=answer.request_id,
            )

        return Plan(
            decisions,
            remove,
            target_of(group),
            # As many as there were before this task: what it removed in an earlier try counts.
            base=len({member.user_id for member in members} | journal.carried_out().user_ids),
            base_name=MEMBERS,
            bucket=GROUPS_BUCKET,
            preview=preview,
            only_planned="" if dry_run else self.only_planned(journal),
        )

    def _whose(self) -> str:
        if self.releases in RELEASES:
            return self.releases
        raise ConfigurationError(f"releases is {shown(self.releases)}.", remedy='Use "own" or "all".')

    def _decided(self, rows: Sequence[Row], members: Sequence[OktaUser], journal: Journal) -> list[Decision]:
        """Return a decision for each row; members are also found by the names that they were added under."""
        people = People(self.hook.client, journal.log, journal.org)
        ids = people.ids_of(row.user for row in rows)
        by_id = {member.user_id: member for member in members}
        known_as = {name for name, user_id in ids.items() if user_id in by_id}
        wanted = names_to_look_up_for_removing(rows, Directory(members), known_as)
        decided = decide_removals(rows, members, people.directory(wanted, members))
        # Who is not in the group was not looked up; the log knows them by their id all the same.
        gone = {
            name: OktaUser(user_id=user_id, login="", email="", status="")
            for name, user_id in ids.items()
            if user_id not in by_id
        }
        return [with_user(one, gone) for one in self.without_less_safe_rows(decided, journal)]

    def _expired(
        self,
        members: Sequence[OktaUser],
        decisions: Sequence[Decision],
        holds: Mapping[str, Sequence[Hold]],
        journal: Journal,
    ) -> list[Decision]:
        """Return decisions to remove the members whose time is over and whom no row is about already."""
        if not to_flag(self.release_expired, "release_expired"):
            return []
        as_of, decided = journal.run.as_of, {_user_id(one) for one in decisions}
        over = []
        for member in members:
            held = [one for one in holds.get(member.user_id, ()) if one.held]
            if member.user_id not in decided and held and all(one.is_over(as_of) for one in held):
                over.append(Decision(row=Row(user=held[0].user_name or member.login), user=member))
        return over


def held_elsewhere(
    holds: Mapping[str, Sequence[Hold]], journal: Journal, dag_id: str
) -> dict[str, list[Hold]]:
    """Return those of the holds on members that other DAGs than this one have, by Okta id."""
    return {
        user_id: held
        for user_id, some in holds.items()
        if (held := others(some, dag_id=dag_id, as_of=journal.run.as_of))
    }


def size_to_add_to(
    decisions: Sequence[Decision], members: Sequence[OktaUser], journal: Journal
) -> tuple[int, str]:
    """Return what additions are measured against, the users of the source or the members, and its name."""
    population, called = journal.population(decisions)
    return (population, called) if population >= len(members) else (len(members), MEMBERS)


def target_of(group: OktaGroup) -> dict[str, str]:
    """Return a group as a plan and a report name it."""
    return {"group_id": group.group_id, "group_name": group.name}


def _never(row: Row, user: OktaUser) -> Outcome:
    raise AssertionError("nobody is to be removed")
