# SPDX-License-Identifier: Apache-2.0
"""Who in an Okta org is meant by a list of users and groups that must not be touched."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from airflow_provider_okta_ure.clients.okta_users import NAMES_PER_SEARCH
from airflow_provider_okta_ure.clients.okta_wire import text_literal
from airflow_provider_okta_ure.core.arguments import separators_in, to_names
from airflow_provider_okta_ure.core.guardrails.exclusions import Exclusions
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError, NotFoundError, OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import OktaGroup, OktaUser

USERS = "exclude_users"
GROUPS = "exclude_groups"

_OKTA_ID = re.compile(r"[0-9a-z]{20}")
_NAMES_SHOWN = 10


def _nobody(_: Sequence[str]) -> Mapping[str, str]:
    """No name has stood for anybody before."""
    return {}


def find_excluded(
    client: OktaClient,
    *,
    users: Iterable[object],
    groups: Iterable[object],
    shown: Callable[[str], str] = str,
    known_before: Callable[[Sequence[str]], Mapping[str, str]] = _nobody,
) -> Exclusions:
    """
    Return who is excluded, by Okta id, with a warning about what excludes nobody.

    A name that several users have as e-mail address excludes each of them. A name that is nobody's any more,
    or somebody else's, excludes whom it stood for before.

    :param users: lists of logins, e-mail addresses or ids.
    :param groups: lists of group names or ids.
    :param shown: returns a person's name as it may stand in a warning.
    :param known_before: returns the Okta ids that folded names stood for the last time.
    :raises OktaUreError: a list cannot be understood, or not be looked up.
    """
    names = list(dict.fromkeys(name for one in users for name in to_names(one, USERS)))
    owners = _owners(client, names)
    spelled = {fold(name): name for name in names}
    missing = {key: name for key, name in spelled.items() if not owners.get(key)}
    before = known_before(list(spelled)) if spelled else {}
    renamed = {key: user_id for key, user_id in before.items() if user_id not in owners.get(key, {user_id})}
    renamed |= {key: user_id for key, user_id in before.items() if key in missing}
    warnings = [
        *(
            _said_of_renamed(spelled[key], user_id, shown, is_taken=missing.pop(key, None) is None)
            for key, user_id in renamed.items()
        ),
        *_said_of(list(missing.values()), len(names), shown),
    ]
    by_group: dict[str, str] = {}
    for value in groups:
        for name in _group_names(client, value):
            members = _members_of(client, name)
            by_group.update(members)
            if not members:
                warnings.append(f"The excluded group {name!r} has no members, so it protects nobody.")
    named = [*renamed.values(), *(user_id for ids in owners.values() for user_id in ids)]
    return Exclusions(
        # Also compared as text: the search index of Okta lags behind its users.
        names=frozenset(map(fold, names)),
        user_ids={**by_group, **dict.fromkeys(named, "named in exclude_users")},
        # Whom a name meant before stays known for as long as it is somebody else's.
        ids={key: next(iter(ids)) for key, ids in owners.items() if len(ids) == 1 and key not in renamed},
        warnings=tuple(warnings),
    )


def _owners(client: OktaClient, names: Sequence[str]) -> dict[str, set[str]]:
    """Return the Okta ids of the users who have each of the names, by folded name."""
    found: dict[str, set[str]] = {fold(name): set() for name in names}
    try:
        for user in _users_called(client, names) if names else ():
            for key in {fold(user.login), fold(user.email), fold(user.user_id)} & found.keys():
                found[key].add(user.user_id)
    except OktaUreError as error:
        raise unreadable(f"users in {USERS}", error) from error
    return found


def _said_of_renamed(name: str, user_id: str, shown: Callable[[str], str], *, is_taken: bool) -> str:
    name = repr(shown(name))
    said = (
        f"{name} is somebody else's name in Okta now, who is excluded, too."
        if is_taken
        else f"Nobody in Okta is called {name} any more."
    )
    return (
        f"{said} The user whom {USERS} meant by it before ({user_id}) is still excluded; write their name of "
        "now, or this id."
    )


def _said_of(missing: Sequence[str], total: int, shown: Callable[[str], str]) -> Iterator[str]:
    """
    Yield the warning about names that are nobody's.

    :raises ConfigurationError: one of them can only be several names that were not told apart.
    """
    for name in missing:
        if separators_in(name):
            raise ConfigurationError(
                f"{USERS} is not a list of names, so it is not known who is meant: nobody in Okta is called "
                f"{shown(name)!r}, which looks like several names.",
                topic="list-of-names",
            )
    if missing:
        listed = ", ".join(repr(shown(name)) for name in missing[:_NAMES_SHOWN])
        more = f" and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
        yield (
            f"{len(missing)} of {total} names in {USERS} are nobody's login, e-mail address or id in Okta, "
            f"so they protect nobody: {listed}{more}."
        )


def _users_called(client: OktaClient, names: Sequence[str]) -> Iterator[OktaUser]:
    # A name copied from another system may have its accents apart (NFD); Okta compares what it is sent.
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    spelled = [name for name in names if name.isascii()]
    yield from client.find_users(spelled)
    accented = [name for name in names if not name.isascii()]
    for form in forms if accented else ():
        yield from client.find_users([unicodedata.normalize(form, name) for name in accented])
    ids = [name for name in names if _OKTA_ID.fullmatch(fold(name))]
    for start in range(0, len(ids), NAMES_PER_SEARCH):
        part = ids[start : start + NAMES_PER_SEARCH]
        yield from client.search_users(" or ".join(f"id eq {text_literal(one)}" for one in part))


def _group_names(client: OktaClient, value: object) -> list[str]:
    """
    Return the group names in a value.

    :raises ConfigurationError: it is text with commas that is also the name of one group.
    """
    names = to_names(value, GROUPS, of="groups")
    if isinstance(value, str) and len(names) > 1 and client.find_group(value.strip()) is not None:
        raise ConfigurationError(
            f"{GROUPS} is not a list of names, so it is not known which groups are meant: {value.strip()!r} "
            "is the name of one group, and reads like several.",
            topic="list-of-names",
        )
    return names


def _members_of(client: OktaClient, name: str) -> dict[str, str]:
    try:
        return {
            member.user_id: f"is a member of the excluded group {group.name!r}"
            for group in _groups_meant(client, name)
            for member in client.list_members(group.group_id)
        }
    except OktaUreError as error:
        raise unreadable(f"excluded group {name!r}", error) from error


def _groups_meant(client: OktaClient, name: str) -> list[OktaGroup]:
    """
    Return the groups that an entry of the list means.

    Of an id that somebody has given to another group as its name, both: else whoever can create a group could
    take the protection away.

    :raises NotFoundError: there is none.
    """
    named = client.find_group(name)
    if not _OKTA_ID.fullmatch(fold(name)):
        return [named or client.get_group(name)]
    try:
        by_id = client.get_group(name)
    except NotFoundError:
        if named is None:
            raise
        return [named]
    return [by_id] if named is None or named.group_id == by_id.group_id else [by_id, named]


def unreadable(what: str, error: OktaUreError) -> OktaUreError:
    """Return the error that ends a task because of exclusions; one that may pass stays what it is."""
    if error.retryable:
        return error
    return ConfigurationError(
        f"The {what} cannot be read, so nobody is touched: {error.explanation}", topic="exclusions-unreadable"
    )
