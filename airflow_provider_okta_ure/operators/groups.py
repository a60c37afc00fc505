# SPDX-License-Identifier: Apache-2.0
"""Membership of an Okta group: only the difference to the real membership is written."""

from __future__ import annotations

from collections.abc import Sequence
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
from airflow_provider_okta_ure.core.history import (
    not_ours,
    recovered,
    settle,
    superseded,
    time_over,
    with_user,
)
from airflow_provider_okta_ure.core.matching import Decision, Directory, outcome_of
from airflow_provider_okta_ure.core.models import Action, OktaGroup, OktaUser, Outcome, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError, GroupError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.links import ActionLogLink, OktaGroupLink
from airflow_provider_okta_ure.operators.run import to_flag, to_text

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink

    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.operators.journal import Journal

NOT_CREATED_YET = "(would be created)"
PAST_INTERVALS = ("dry", "apply")


class OktaGroupOperator(OktaActionOperator):
    """
    Change who is in an Okta group.

    A decision never undoes a later one: whom a later run has decided about stays as he is (``superseded``),
    whatever the order of the runs.

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
                f"past_intervals is {self.past_intervals!r}.", remedy='Use "dry" or "apply".'
            )
        if self.past_intervals == "apply" or not (journal.run.is_backfill or journal.is_overtaken()):
            return ""
        self.log.info("The interval is past, so the group is left as it is; past_intervals='apply' acts.")
        return "past_interval"

    def in_the_light_of_history(self, decisions: Sequence[Decision], journal: Journal) -> list[Decision]:
        """Return the decisions as they are after what an interrupted try did, and what was decided later."""
        journal.tried((one.row, one.user) for one in decisions if one.user is not None)
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
        group = find_group(client, *self.named())
        if group is None and not (create and self.group_name):
            raise self.missing_group()
        target = {"group_id": "", "group_name": f"{self.group_name} {NOT_CREATED_YET}"}
        members: list[OktaUser] = []
        if group is None:
            journal.aim_at_missing_group(self.group_name or "")
        else:
            target.update(_named(group))
            members = self.look_at(group, client, journal, dry_run=dry_run)
        if expires_after is not None:
            journal.expires_at = journal.run.as_of + expires_after

        wanted = names_to_look_up_for_adding(rows, Directory(members))
        decisions = self.in_the_light_of_history(
            decide_additions(rows, members, client.find_users(wanted)), journal
        )
        if expires_after is not None:
            decisions = settle(decisions, time_over(journal.time_boxed(decisions), journal.run.as_of))

        def prepare() -> None:
            if group is None:
                target.update(_named(self._create(client)))
                journal.aim(target["group_id"], target["group_name"])

        def add(row: Row, user: OktaUser) -> Outcome:
            answer = client.add_member(target["group_id"], user.user_id)
            return outcome_of(row, "done", user=user, http_status=answer.status, request_id=answer.request_id)

        population, called = journal.population(rows)
        is_larger = population >= len(members)
        return Plan(
            decisions,
            add,
            target,
            base=population if is_larger else len(members),
            base_name=called if is_larger else "members of the group",
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
        "release_expired",
    )

    def __init__(
        self,
        *,
        missing_group_ok: bool | str = False,
        only_added_by_us: bool | str = True,
        release_expired: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.missing_group_ok = missing_group_ok
        self.only_added_by_us = only_added_by_us
        self.release_expired = release_expired

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        client = self.hook.client
        group = find_group(client, *self.named())
        # Nobody is to be removed, and nobody's time can be over in a group that is not there.
        if group is None and rows and not to_flag(self.missing_group_ok, "missing_group_ok"):
            raise self.missing_group()
        if group is None:
            self.log.info("The group %r does not exist, so nobody is in it.", self.group_name)
            journal.aim_at_missing_group(self.group_name or "")
            return Plan(
                decide_removals(rows, [], []), _never, {"group_id": "", "group_name": self.group_name or ""}
            )
        members = self.look_at(group, client, journal, dry_run=dry_run)
        wanted = names_to_look_up_for_removing(rows, Directory(members))
        decisions = [
            with_user(one, journal.users_before())
            for one in decide_removals(rows, members, client.find_users(wanted))
        ]
        memberships = journal.memberships()
        expired = self._expired(members, decisions, journal)
        decisions = self.in_the_light_of_history([*decisions, *expired], journal)
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
            _named(group),
            # As many as there were before this task: what it removed in an earlier try counts.
            base=len({member.user_id for member in members} | journal.carried_out().user_ids),
            base_name="members of the group",
            bucket=GROUPS_BUCKET,
            preview=preview,
            only_planned="" if dry_run else self.only_planned(journal),
        )

    def _expired(
        self, members: Sequence[OktaUser], decisions: Sequence[Decision], journal: Journal
    ) -> list[Decision]:
        """Return decisions to remove the members whose time is over and whom no row is about already."""
        if not to_flag(self.release_expired, "release_expired"):
            return []
        ours, decided = journal.memberships(), {_user_id(one) for one in decisions}
        over = []
        for member in members:
            entry = ours.get(member.user_id)
            ends = entry.expires_at if entry is not None else None
            if (
                entry is not None
                and ends is not None
                and ends <= journal.run.as_of
                and member.user_id not in decided
            ):
                over.append(Decision(row=Row(user=entry.user_name or member.login), user=member))
        return over


def _named(group: OktaGroup) -> dict[str, str]:
    return {"group_id": group.group_id, "group_name": group.name}


def _never(row: Row, user: OktaUser) -> Outcome:
    raise AssertionError("nobody is to be removed")
