# SPDX-License-Identifier: Apache-2.0
"""Which group is meant, and whether Okta lets anybody change who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import ConfigurationError, GroupError, NotFoundError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta_groups import OktaGroupCalls
    from airflow_provider_okta_ure.core.models import OktaGroup


def find_group(client: OktaGroupCalls, group_id: str | None, group_name: str | None) -> OktaGroup | None:
    """
    Return the group that an operator names by id or by exact name; None when there is no group of that name.

    :raises ConfigurationError: both or neither are given.
    :raises GroupError: the id is unknown, or several groups have the name.
    """
    if bool(group_id) == bool(group_name):
        given = "Both group_id and group_name are" if group_id else "Neither group_id nor group_name is"
        raise ConfigurationError(f"{given} set.", remedy="Set exactly one of them.")
    if group_name:
        return client.find_group(group_name)
    try:
        return client.get_group(group_id or "")
    except NotFoundError as error:
        raise GroupError(
            f"There is no group with the id {group_id!r}.",
            reason="group_not_found",
            remedy="Copy the id from the group's page in Okta, or use group_name.",
        ) from error


def require_writable(group: OktaGroup) -> None:
    """
    Refuse a group whose members Okta does not let us change.

    :raises GroupError: it is not of type ``OKTA_GROUP``.
    """
    if group.is_writable:
        return
    why = {
        "APP_GROUP": "is imported from an app or directory, which alone decides about its members",
        "BUILT_IN": "is built into Okta, which alone decides about its members",
    }.get(group.type, f"is of type {group.type}, whose members cannot be changed")
    raise GroupError(
        f"The group {group.name!r} ({group.group_id}) {why}.",
        reason="group_not_writable",
        remedy="Use a group that was created in Okta (type OKTA_GROUP).",
    )
