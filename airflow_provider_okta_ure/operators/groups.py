# SPDX-License-Identifier: Apache-2.0
"""Membership of an Okta group: only the difference to the real membership is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.okta_group_choice import find_group, require_writable
from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.decisions import (
    decide_additions,
    decide_removals,
    names_to_look_up_for_adding,
    names_to_look_up_for_removing,
)
from airflow_provider_okta_ure.core.matching import Directory, outcome_of
from airflow_provider_okta_ure.core.models import Action, OktaGroup, OktaUser, Outcome, Row
from airflow_provider_okta_ure.errors import GroupError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.run import to_flag, to_text

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_okta_ure.clients.okta import OktaClient

NOT_CREATED_YET = "(would be created)"


class OktaGroupOperator(OktaActionOperator):
    """
    Change who is in an Okta group.

    :param group_id: the group's id; give this or ``group_name``. (templated)
    :param group_name: the group's exact name. (templated)
    """

    template_fields: Sequence[str] = (*OktaActionOperator.template_fields, "group_id", "group_name")

    def __init__(self, *, group_id: str | None = None, group_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.group_name = group_name

    def named(self) -> tuple[str | None, str | None]:
        """Return the group's id and name as text, of which one should be None."""
        return to_text(self.group_id, "group_id"), to_text(self.group_name, "group_name")

    def missing_group(self) -> GroupError:
        """Return the error that says that no group has the name."""
        return GroupError(
            f"There is no group named {self.group_name!r}.",
            reason="group_not_found",
        )


class OktaAddToGroupOperator(OktaGroupOperator):
    """
    Add the users that rows are about to an Okta group.

    :param create_group: create the group when there is none of that name. (templated)
    :param group_description: the description of a group that is created. (templated)
    """

    action: ClassVar[Action] = "add_to_group"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    template_fields: Sequence[str] = (
        *OktaGroupOperator.template_fields,
        "create_group",
        "group_description",
    )

    def __init__(
        self,
        *,
        create_group: bool | str = False,
        group_description: str = "Users at risk according to Netskope. Kept by Airflow.",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.create_group = create_group
        self.group_description = group_description

    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        client = self.hook.client
        group = self._group(client, dry_run=dry_run)
        members = list(client.list_members(group.group_id)) if group.group_id else []
        wanted = names_to_look_up_for_adding(rows, Directory(members))
        decisions = decide_additions(rows, members, client.find_users(wanted))

        def add(row: Row, user: OktaUser) -> Outcome:
            answer = client.add_member(group.group_id, user.user_id)
            return outcome_of(row, "done", user=user, http_status=answer.status, request_id=answer.request_id)

        return Plan(decisions, add, {"group_id": group.group_id, "group_name": group.name})

    def _group(self, client: OktaClient, *, dry_run: bool) -> OktaGroup:
        create = to_flag(self.create_group, "create_group")
        group = find_group(client, *self.named())
        if group is None and create and self.group_name:
            if dry_run:
                self.log.info("The group %r does not exist and would be created.", self.group_name)
                return OktaGroup(group_id="", name=f"{self.group_name} {NOT_CREATED_YET}", type="OKTA_GROUP")
            group = client.ensure_group(self.group_name, self.group_description)
            self.log.info("Created the group %r (%s).", group.name, group.group_id)
        if group is None:
            raise self.missing_group()
        require_writable(group)
        return group


class OktaRemoveFromGroupOperator(OktaGroupOperator):
    """
    Remove the users that rows are about from an Okta group.

    When the membership comes from a group rule, Okta also puts the user on the rule's exclusion list, so
    that the rule does not add him again.

    :param missing_group_ok: a group that does not exist has no members to remove, which is success.
        (templated)
    """

    action: ClassVar[Action] = "remove_from_group"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    template_fields: Sequence[str] = (*OktaGroupOperator.template_fields, "missing_group_ok")

    def __init__(self, *, missing_group_ok: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.missing_group_ok = missing_group_ok

    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        client = self.hook.client
        group = find_group(client, *self.named())
        if group is None and not to_flag(self.missing_group_ok, "missing_group_ok"):
            raise self.missing_group()
        if group is None:
            self.log.info("The group %r does not exist, so nobody is in it.", self.group_name)
            return Plan(
                decide_removals(rows, [], []), _never, {"group_id": "", "group_name": self.group_name or ""}
            )
        require_writable(group)
        members = list(client.list_members(group.group_id))
        wanted = names_to_look_up_for_removing(rows, Directory(members))
        decisions = decide_removals(rows, members, client.find_users(wanted))

        def remove(row: Row, user: OktaUser) -> Outcome:
            answer = client.remove_member(group.group_id, user.user_id)
            return outcome_of(row, "done", user=user, http_status=answer.status, request_id=answer.request_id)

        return Plan(decisions, remove, {"group_id": group.group_id, "group_name": group.name})


def _never(row: Row, user: OktaUser) -> Outcome:
    raise AssertionError("nobody is to be removed")
