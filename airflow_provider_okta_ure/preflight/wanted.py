# SPDX-License-Identifier: Apache-2.0
"""What is going to be done, which decides what has to be checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from airflow_provider_okta_ure.clients.scopes import (
    GROUPS_MANAGE,
    GROUPS_READ,
    LOGS_READ,
    PROVIDERS_MANAGE,
    USER_RISK_MANAGE,
    USERS_READ,
)
from airflow_provider_okta_ure.core.guardrails.exclusions import AdministratorsExcluded  # noqa: TC001  # msgspec reads it
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

ActionKind: TypeAlias = Literal["groups", "push", "upsert"]
"""``groups``: change who is in a group. ``push``: send risk signals. ``upsert``: set users' risk."""

ACTION_KINDS: tuple[ActionKind, ...] = get_args(ActionKind)
STRATEGIES = ("series", "list")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is going to be done.

    :param actions: kinds of actions; None = ``groups``, and ``push`` if the connection has a signing key or
        the work registers us as a transmitter.
    :param signals: whether risk signals are among them: ``auto``, ``on`` or ``off``; None = as the actions
        say.
    :param group_name: the exact name of the group that is written.
    :param group_id: its id, instead of the name.
    :param create_group: a group that does not exist is created by the work.
    :param ensure_provider: the work creates or corrects the security events provider by itself.
    :param confirm: what became of risk signals is looked up in Okta's System Log.
    :param check_jwks: look at the published JWKS; not when Okta reaches it and Airflow cannot.
    :param strategy: how Netskope is read, ``series`` or ``list``.
    :param users: how many users the work is about; None = not known.
    :param max_minutes: how long the work with that many users may take before it is worth a warning.
    :param exclude_users: lists of names that the work excludes, besides those in the connection.
    :param exclude_groups: likewise, of groups.
    :param exclude_administrators: whether administrators are excluded, and whether the work can begin
        without reading who is one.
    """

    actions: tuple[ActionKind, ...] | None = None
    signals: Literal["auto", "on", "off"] | None = None
    group_name: str | None = None
    group_id: str | None = None
    create_group: bool = False
    ensure_provider: bool = False
    confirm: bool = False
    check_jwks: bool = True
    strategy: str = "series"
    users: int | None = None
    max_minutes: float = 60.0
    exclude_users: tuple[Any, ...] = ()
    exclude_groups: tuple[Any, ...] = ()
    exclude_administrators: AdministratorsExcluded = "if_readable"

    def __post_init__(self) -> None:
        if self.group_name and self.group_id:
            raise ConfigurationError(
                "Both group_id and group_name are set.", remedy="Set exactly one of them."
            )
        if self.strategy not in STRATEGIES:
            raise ConfigurationError(
                f"There is no strategy {shown(self.strategy)}.", remedy="Use 'series' or 'list'."
            )
        if (self.users is not None and self.users < 0) or not self.max_minutes > 0:
            raise ConfigurationError(
                f"users is {self.users}, max_minutes is {self.max_minutes}.",
                remedy="Use 0 or more users, and more than 0 minutes.",
            )


def needed_scopes(
    actions: Iterable[ActionKind],
    *,
    ensure_provider: bool,
    confirm: bool = False,
    reads_groups: bool = False,
) -> tuple[str, ...]:
    """
    Return the OAuth scopes that the work needs, and no more.

    :param ensure_provider: the work registers us as a transmitter by itself.
    :param confirm: what became of risk signals is looked up in Okta's System Log.
    :param reads_groups: the members of groups are excluded.
    """
    needed = {USERS_READ}
    if "groups" in actions:
        needed.add(GROUPS_MANAGE)
    elif reads_groups:
        needed.add(GROUPS_READ)
    if "upsert" in actions:
        needed.add(USER_RISK_MANAGE)
    if "push" in actions and ensure_provider:
        needed.add(PROVIDERS_MANAGE)
    if "push" in actions and confirm:
        needed.add(LOGS_READ)
    return tuple(sorted(needed))


def to_actions(given: object) -> tuple[ActionKind, ...] | None:
    """
    Return the kinds of actions in a list or in a text such as ``groups,push``; None when nothing is given.

    >>> to_actions("push, groups")
    ('groups', 'push')

    :raises ConfigurationError: one of them is unknown, or none is left.
    """
    if given is None or given == "":
        return None
    if isinstance(given, str):
        names = [name.strip() for name in given.strip("[]() ").split(",")]
    elif isinstance(given, Iterable):
        names = [as_text(name).strip() for name in given]
    else:
        raise ConfigurationError(f"actions is {shown(given)}.", remedy=_KNOWN)
    names = [name.strip("'\" ").lower() for name in names if name]
    for name in names:
        if name not in ACTION_KINDS:
            close = difflib.get_close_matches(name, ACTION_KINDS, n=1)
            raise ConfigurationError(
                f"There is no kind of action {shown(name)}.",
                remedy=f"Did you mean {close[0]!r}?" if close else _KNOWN,
            )
    if not names:
        raise ConfigurationError("actions is empty.", remedy=_KNOWN)
    return tuple(kind for kind in ACTION_KINDS if kind in names)


_KNOWN = f"Use one or more of {', '.join(ACTION_KINDS)}."
