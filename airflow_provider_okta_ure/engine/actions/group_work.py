# SPDX-License-Identifier: Apache-2.0
"""What adding to a group and removing from it have in common: finding the group and reading its members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.clients.okta_group_choice import find_group, require_writable
from airflow_provider_okta_ure.core.guardrails.group_rules import GroupRules  # noqa: TC001  # msgspec reads it
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.engine.actions.work import Work
from airflow_provider_okta_ure.engine.facts.group_log import GroupLog
from airflow_provider_okta_ure.engine.target import Target, group_target, missing_group_target
from airflow_provider_okta_ure.errors import GroupError, NotFoundError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.core.models import OktaGroup, OktaUser
    from airflow_provider_okta_ure.engine.session import Session

MEMBERS = "members of the group"
"""What limits for groups are in percent of, for people."""


class GroupChoice(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which group is meant, and whether it may be written.

    :param group_id: its id; None = it is named.
    :param name: its exact name; None = the id is given.
    :param rules: which groups may be written.
    :param applies_past: whether a backfill, and a run that a later one has overtaken, changes the group.
    """

    group_id: str | None = None
    name: str | None = None
    rules: GroupRules
    applies_past: bool = False


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who is in a group.

    :param users: by Okta id.
    :param recovered: action, Okta id and time of the interrupted tries that had their effect.
    """

    users: Mapping[str, OktaUser] = {}
    recovered: frozenset[tuple[LogAction, str, datetime]] = frozenset()

    def recovered_by(self, action: LogAction) -> set[tuple[str, datetime]]:
        """Return the users and times of the interrupted tries of one action."""
        return {(user_id, time) for done, user_id, time in self.recovered if done == action}


class GroupWork(Work):
    """
    Change who is in an Okta group.

    :param choice: which group.
    """

    def __init__(self, session: Session, choice: GroupChoice) -> None:
        super().__init__(session)
        self.choice = choice

    def turn(self) -> str:
        name = self.choice.name
        return f"group named {fold(name)}" if name else turn_of(self.choice.group_id or "")

    def known_target(self) -> Target | None:
        group_id, name = self.choice.group_id, self.choice.name
        known_id = group_id or (self._known_as(name) if name else None)
        if known_id is None:
            return missing_group_target(name, is_created=False) if name else None
        return Target(key=known_id, name=name or "", is_group=True)

    def find(self) -> OktaGroup | None:
        """
        Return the group; None when there is none of that name, and none that was called so before.

        A group that was renamed in Okta is found by the id that its name stood for before.

        :raises ConfigurationError: both or neither of id and name are given.
        :raises GroupError: the id is unknown, several groups have the name, or this group may not be written.
        """
        name = self.choice.name
        group = find_group(self.session.client, self.choice.group_id, name)
        known_id = self._known_as(name) if name else None
        if name and known_id is not None and (group is None or group.group_id != known_id):
            group = self._renamed(known_id, name, group)
        self.require_target(group)
        if name and group is not None and not self.session.is_preview:
            self.remember(group)
        return group

    def _known_as(self, name: str) -> str | None:
        """Return the id of the group that a name stood for the last time."""
        key = fold(name)
        return self.session.log.ids_of_names(org=self.session.org, kind="group", known_as=[key]).get(key)

    def remember(self, group: OktaGroup) -> None:
        """Remember which group the name stands for."""
        name, session = self.choice.name, self.session
        if name and self._known_as(name) != group.group_id:
            session.log.remember_group(org=session.org, name=name, group_id=group.group_id, now=session.now())

    def _renamed(self, known_id: str, name: str, found: OktaGroup | None) -> OktaGroup | None:
        """Return the group to use, when the one that the name stood for before is called otherwise now."""
        try:
            before = self.session.client.get_group(known_id)
        except NotFoundError:
            return found
        if found is None:
            self.session.warn(
                f"The group {name!r} is called {before.name!r} now ({before.group_id}); that group is used. "
                "Give this task the new name, or the id."
            )
            return before
        self.session.warn(
            f"There is another group named {name!r} now ({found.group_id}), and that one is used. The one "
            f"before is called {before.name!r} ({before.group_id}); its members stay in it."
        )
        return found

    def require_target(self, group: OktaGroup | None) -> None:
        """
        Refuse a group that is excluded, or that the connection does not allow to be written.

        :param group: as it is in Okta; None = there is none of that name yet.
        :raises GroupError: it is one of these.
        """
        if group is None:
            self.choice.rules.require_target(self.choice.name or "")
        else:
            self.choice.rules.require_target(group.name, group.group_id)

    def missing_group(self) -> GroupError:
        """Return the error that says that no group has the name."""
        return GroupError(f"There is no group named {self.choice.name!r}.", reason="group_not_found")

    def read_members(self, group: OktaGroup) -> Members:
        """
        Return the group's real members, once no other task acts on it.

        What interrupted tries have left in doubt is settled first, because the members show it.

        :raises GroupError: Okta does not let anybody change who is in the group.
        :raises LockedError: another task has been acting on it for too long.
        """
        require_writable(group)
        self.require_target(group)
        # Another task may name the same group in the other way, by its id or by its name.
        self.session.take_turn(turn_of(group.group_id))
        users = {member.user_id: member for member in self.session.client.list_members(group.group_id)}
        if self.session.is_preview:
            return Members(users=users)
        log = GroupLog(self.session, group_target(group))
        return Members(users=users, recovered=log.settle_interrupted(users))

    def why_not_applied(self, target: Target, action: LogAction) -> str:
        """Return why the group is left as it is although this is no dry run, as a reason code; else empty."""
        if self.session.is_preview or self.choice.applies_past:
            return ""
        if self.session.run.is_backfill:
            self.session.info(
                "The interval is past, so the group is left as it is; past_intervals='apply' acts."
            )
            return "past_interval"
        if GroupLog(self.session, target).is_overtaken(action):
            # Unlike a backfill this surprises people: whoever is at risk stays outside until the next run.
            self.session.warn(
                "Another run of this task has decided for a later time already, so the group is left as it "
                "is; past_intervals='apply' acts."
            )
            return "past_interval"
        return ""


def turn_of(group_id: str) -> str:
    """Return what tasks say that act on the group with this id."""
    return f"group {group_id}"
