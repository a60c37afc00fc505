# SPDX-License-Identifier: Apache-2.0
"""Which members of a group are taken over, so that they are released when they recover."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import OktaUser

_NAMES_SHOWN = 10


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """
    What taking over members of a group comes to.

    :param members: those who are taken over.
    :param known: how many of those meant this provider has added already.
    """

    members: list[OktaUser]
    known: int


def choose(members: Sequence[OktaUser], names: Iterable[str] | None, ours: Collection[str]) -> Adoption:
    """
    Return whom of a group's members to take over.

    :param names: their logins, e-mail addresses or Okta ids; None = all of them.
    :param ours: Okta ids of the members whom this provider has added.
    :raises ConfigurationError: a name is no member's, or several members'.
    """
    meant = {one.user_id: one for one in members} if names is None else _named(members, names)
    return Adoption(
        members=[one for user_id, one in meant.items() if user_id not in ours],
        known=sum(1 for user_id in meant if user_id in ours),
    )


def _named(members: Sequence[OktaUser], names: Iterable[str]) -> dict[str, OktaUser]:
    by_name: dict[str, dict[str, OktaUser]] = {}
    for member in members:
        for name in (member.login, member.email, member.user_id):
            by_name.setdefault(fold(name), {})[member.user_id] = member
    found: dict[str, OktaUser] = {}
    missing: list[str] = []
    ambiguous: list[str] = []
    for name in names:
        called = by_name.get(fold(name), {})
        # A login is one user's alone; only an e-mail address can be several users'.
        exact = {one.user_id: one for one in called.values() if fold(one.login) == fold(name)} or called
        if len(exact) == 1:
            found.update(exact)
        else:
            (ambiguous if exact else missing).append(name)
    _refuse(missing, "are not in the group")
    _refuse(ambiguous, "are the e-mail address of several members")
    return found


def _refuse(names: Sequence[str], why: str) -> None:
    if names:
        listed = ", ".join(map(repr, names[:_NAMES_SHOWN]))
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        raise ConfigurationError(
            f"{len(names)} of the names in --users {why}: {listed}{more}. Nobody was adopted.",
            remedy="Correct the names, or use --all.",
        )
