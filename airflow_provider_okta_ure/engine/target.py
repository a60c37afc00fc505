# SPDX-License-Identifier: Apache-2.0
"""What is acted on: a group, or the issuer of risk signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import OktaGroup

NOT_CREATED_YET = "(would be created)"

_LONGEST_KEY = 255


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an action is about.

    :param key: what the action log calls it: the group's id, or the issuer; empty = nothing but the org.
    :param name: the group's name, for people.
    :param about: the same for a plan and a report, such as ``{"group_id": ..., "group_name": ...}``.
    :param is_group: whether it is a group, which may have been planned for before it was there.
    """

    key: str = ""
    name: str = ""
    about: Mapping[str, str] = {}
    is_group: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """What the action log calls it, and what stood for a group before it was created."""
        if not self.is_group:
            return (self.key,)
        return tuple(dict.fromkeys((self.key, _key_of_missing(self.name))))


def group_target(group: OktaGroup) -> Target:
    """Return the target that a group is."""
    about = {"group_id": group.group_id, "group_name": group.name}
    return Target(key=group.group_id, name=group.name, about=about, is_group=True)


def missing_group_target(name: str, *, is_created: bool) -> Target:
    """
    Return the target that stands for a group that is not there.

    What is decided about it counts for the group of that name once it has been created.

    :param is_created: whether the task is about to create it.
    """
    called = f"{name} {NOT_CREATED_YET}" if is_created else name
    about = {"group_id": "", "group_name": called}
    return Target(key=_key_of_missing(name), name=name, about=about, is_group=True)


def _key_of_missing(name: str) -> str:
    """Return what stands for a group of this name while there is none; an id never looks like it."""
    return f"name:{fold(name)}"[:_LONGEST_KEY]
