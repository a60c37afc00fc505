# SPDX-License-Identifier: Apache-2.0
"""Which groups may be written at all, whatever a DAG or who triggers it asks for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import GroupError

WRITABLE = "writable_groups"


class GroupRules(msgspec.Struct, frozen=True, kw_only=True):
    """
    The groups that may be written, and those that may not.

    Names are compared without regard to case and blanks, so that one that looks like an excluded one is
    refused, too; ids exactly.

    :param excluded: names and ids of the groups whose members are never touched.
    :param writable: names, ids, and beginnings of names that end in ``*``; None = every group that is not
        excluded.
    """

    excluded: tuple[str, ...] = ()
    writable: tuple[str, ...] | None = None

    @classmethod
    def read(cls, *, excluded: Iterable[object], writable: object) -> GroupRules:
        """
        Return the rules in lists of groups.

        :param excluded: the values of ``exclude_groups``, of the operator and of the connection.
        :param writable: the value of ``writable_groups``; None = it is not set, and an empty list = no group
            may be written.
        :raises ConfigurationError: one of them cannot be understood.
        """
        return cls(
            excluded=tuple(name for one in excluded for name in to_names(one, "exclude_groups", of="groups")),
            writable=None if writable is None else tuple(to_names(writable, WRITABLE, of="groups")),
        )

    def require_target(self, name: str, group_id: str = "") -> None:
        """
        Refuse a group that may not be written.

        :param name: what the group is called in Okta now; if it does not exist, what it would be called.
        :param group_id: its id; empty = it does not exist.
        :raises GroupError: it is excluded, or not among those that may be written.
        """
        called = f"The group {name!r} ({group_id})" if group_id else f"The group {name!r}"
        if any(_is(one, name, group_id) for one in self.excluded):
            raise GroupError(
                f"{called} is excluded: its members are never touched, so nobody is added or removed.",
                reason="group_excluded",
            )
        if self.writable is not None and not any(_fits(one, name, group_id) for one in self.writable):
            raise GroupError(
                f"{called} is not among the {WRITABLE} of the Okta connection.", reason="group_not_allowed"
            )


def _is(entry: str, name: str, group_id: str) -> bool:
    return (bool(group_id) and entry.strip() == group_id) or _key(entry) == _key(name)


def _fits(entry: str, name: str, group_id: str) -> bool:
    if entry.endswith("*"):
        return _key(name).startswith(_key(entry[:-1]))
    return _is(entry, name, group_id)


def _key(name: str) -> str:
    return " ".join(fold(name).split())
