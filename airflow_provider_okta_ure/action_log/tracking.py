# SPDX-License-Identifier: Apache-2.0
"""
Who is tracked: the users whom something is open for, kept with every effect.

A membership that we gave is open until a rule releases the user, whether or not they are still in the group;
the end of a time-boxed membership is no release. A level above ``low`` is open until one at or below it was
delivered for a later time. What was tried and may have happened is open as well. What is open is always
derived from all effects on the user, so that it does not matter in which order runs for different times were
carried out. The table can hold somebody too many for a while, but must never miss anybody: a fetch drops who
is neither at risk nor tracked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, func, not_, select, text

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.chunks import chunks, chunks_or_all
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.inserting import insert_into, replace_rows
from airflow_provider_okta_ure.action_log.names import key_of, names_of_ids
from airflow_provider_okta_ure.action_log.tables import actions, known_as, tracked

if TYPE_CHECKING:
    from datetime import datetime

Kind: TypeAlias = Literal["membership", "push_risk", "upsert_risk"]
"""What can be open for a user: a membership of a group, or a level that was sent or set."""

_ACTIONS: dict[Kind, tuple[lifecycle.LogAction, ...]] = {
    "membership": lifecycle.GROUP_ACTIONS,
    "push_risk": ("push_risk",),
    "upsert_risk": ("upsert_risk",),
}
_KINDS: dict[str, Kind] = {action: kind for kind, some in _ACTIONS.items() for action in some}

_LOCK = 6_077_034_188_273_014_101
"""The number of the lock below which states are derived anew; any number will do."""


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """
    A user whom something is open for: a membership that we gave, or a level above ``low`` that Okta was told.

    :param user_id: the Okta id.
    :param names: every name that the log knows, folded: in the source, logins, e-mail addresses.
    """

    user_id: str
    names: frozenset[str]


class Place(NamedTuple):
    """Where something can be open for a user: a group or an issuer, in an org."""

    org: str
    kind: Kind
    target: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What of an entry decides whether something is open; see :class:`Entry` for the parts."""

    id: int
    user_key: str
    as_of: datetime
    revision: int
    recorded_at: datetime
    action: str
    status: str
    reason: str
    http_status: int | None
    confirmation: str
    risk_level: str
    dag_id: str

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Where it stands in the order of the times that entries are for."""
        return self.as_of, self.revision, self.id


class State(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is open for one user in one place.

    :param entry: the newest effect that is open.
    :param is_open: whether a rule, or a lower level, has yet to end it.
    :param is_member: of a membership, whether the last thing done was the addition.
    """

    entry: Seen
    is_open: bool
    is_member: bool = False


def tracked_users(connection: Connection, *, org: str = "") -> list[Tracked]:
    """
    Return the users whom something is open for, by Okta id.

    :param org: only of this org; empty = of all.
    """
    # A range of the primary key: as many rows as there are users tracked, give or take.
    about = [tracked.c.is_open, *([tracked.c.org == org] if org else [])]
    found: dict[str, set[str]] = {}
    by_org: dict[str, list[str]] = {}
    for of_org, user_id in connection.execute(
        select(tracked.c.org, tracked.c.user_key).where(*about).distinct()
    ):
        by_org.setdefault(of_org, []).append(user_id)
        found.setdefault(user_id, set())
    for of_org, ids in by_org.items():
        for known in (_names_of(connection, of_org, ids), names_of_ids(connection, org=of_org, ids=ids)):
            for user_id, names in known.items():
                found[user_id] |= names
    return [Tracked(user_id=one, names=frozenset(found[one])) for one in sorted(found)]


def members_by_us(
    connection: Connection, *, org: str, target: str, users: Iterable[str] | None = None
) -> dict[str, Entry]:
    """
    Return the additions to a group that no later removal has ended, by Okta id.

    :param users: Okta ids; None = everybody in the group.
    """
    about = [tracked.c.is_member, *_at(Place(org, "membership", target))]
    return _entries_behind(connection, about, users)


def open_levels(
    connection: Connection,
    *,
    org: str,
    action: lifecycle.LogAction,
    target: str,
    users: Iterable[str] | None = None,
) -> dict[str, Entry]:
    """
    Return the last signal above ``low`` about each user that was delivered, or may have been, by Okta id.

    :param action: ``push_risk`` or ``upsert_risk``.
    :param users: Okta ids; None = everybody who has one.
    """
    about = [tracked.c.is_open, *_at(Place(org, _KINDS[action], target))]
    return _entries_behind(connection, about, users)


def ids_known_as(connection: Connection, *, org: str, names: Iterable[str]) -> dict[str, set[str]]:
    """
    Return the Okta ids of the users who were ever acted on under these names, or had them then.

    :param names: as :func:`core.names.fold` returns them.
    :return: by name; a name can have been given to somebody else since.
    """
    found: dict[str, set[str]] = {}
    for keys in chunks(names):
        by_key = {key_of(key): key for key in keys}
        # By ix_okta_ure_known_as_name.
        rows = connection.execute(
            select(known_as.c.name_key, known_as.c.user_key).where(
                known_as.c.org == org, known_as.c.name_key.in_(list(by_key))
            )
        )
        for row in rows:
            found.setdefault(by_key[row.name_key], set()).add(row.user_key)
    return found


def note_names(connection: Connection, entries: Sequence[Entry], addresses: Mapping[str, str]) -> None:
    """
    Remember what users that were acted on are called.

    :param addresses: e-mail addresses by Okta id.
    """
    wanted: dict[str, set[tuple[str, str]]] = {}
    for entry in entries:
        user_id = entry.user_id or entry.user_key
        if entry.action in _KINDS and entry in _NAMED and user_id:
            for name in (entry.user_name, entry.login, addresses.get(user_id, "")):
                if name:
                    wanted.setdefault(entry.org, set()).add((user_id, key_of(name)))
    for org, pairs in wanted.items():
        # Most names are known, and what is known is not written again.
        known = _names_of(connection, org, sorted({user_id for user_id, _ in pairs}))
        rows = [
            {"org": org, "user_key": user_id, "name_key": name}
            for user_id, name in sorted(pairs)
            if name not in known.get(user_id, ())
        ]
        if rows:
            connection.execute(insert_into(connection, known_as).on_conflict_do_nothing(), rows)


_NAMED = lifecycle.KNOWN | lifecycle.IN_DOUBT
_CHANGES_STATE = lifecycle.EFFECT | lifecycle.UNCERTAIN | lifecycle.RELEASE
"""What can open something, or end it; that everything was right already does neither."""


def derive_states(connection: Connection, entries: Iterable[Entry]) -> None:
    """Derive anew what is open for the users of entries that were written; last in the transaction."""
    touched: dict[Place, list[str]] = {}
    for entry in entries:
        if entry.action in _KINDS and entry in _CHANGES_STATE:
            place = Place(entry.org, _KINDS[entry.action], entry.target)
            touched.setdefault(place, []).append(entry.user_key)
    if not touched:
        return
    if connection.dialect.name == "postgresql":
        # Two writers who do not see each other's entries would each derive half of the truth.
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    for place in sorted(touched):
        for users in chunks(sorted(touched[place])):
            _derive(connection, place, users)


def derive_states_of(connection: Connection, ids: Iterable[int]) -> None:
    """
    Derive anew what is open for the users of some entries.

    :param ids: the numbers of the entries.
    """
    numbers = list(dict.fromkeys(ids))
    found: list[Entry] = []
    for start in range(0, len(numbers), _AT_ONCE):
        some = select(actions).where(actions.c.id.in_(numbers[start : start + _AT_ONCE]))
        found += [Entry.from_row(row) for row in connection.execute(some).mappings()]
    derive_states(connection, found)


_AT_ONCE = 500


def forget_names(connection: Connection) -> None:
    """Delete the names of users who do not occur any more and whom nothing is open for."""
    is_used = (
        exists().where(actions.c.user_key == known_as.c.user_key),
        exists().where(tracked.c.user_key == known_as.c.user_key),
    )
    connection.execute(delete(known_as).where(*(not_(one) for one in is_used)))


def _derive(connection: Connection, place: Place, users: Sequence[str]) -> None:
    seen = _seen(connection, place, users)
    last_release = _last_releases(connection, place, users) if place.kind == "membership" else {}
    states = {}
    for user, entries in seen.items():
        state = membership(entries, last_release.get(user)) if place.kind == "membership" else level(entries)
        if state is not None:
            states[user] = state
    gone = [user for user in users if user not in states]
    connection.execute(delete(tracked).where(*_at(place), tracked.c.user_key.in_(gone)))
    replace_rows(
        connection,
        tracked,
        [
            {
                **place._asdict(),
                "user_key": user,
                "entry_id": state.entry.id,
                "dag_id": state.entry.dag_id,
                "is_open": state.is_open,
                "is_member": state.is_member,
            }
            for user, state in states.items()
        ],
    )


def membership(entries: Sequence[Seen], last_release: datetime | None) -> State | None:
    """
    Return whether a user is in a group because of us, and whether a rule has yet to release them.

    :param entries: what was done to the user in this group, or may have been.
    :param last_release: the newest time as of which a rule released them.
    :return: None = neither.
    """
    last = max((one for one in entries if one in lifecycle.LAST_DONE), key=_place_of, default=None)
    is_member = last is not None and last in lifecycle.OPENS_MEMBERSHIP
    begun = max((one for one in entries if one in lifecycle.OPENS_MEMBERSHIP), key=_place_of, default=None)
    if begun is None:
        return None
    # A release for the same time can have come before the addition; the next one will be later.
    is_open = last_release is None or last_release <= begun.as_of
    if not (is_open or is_member):
        return None
    entry = last if is_member and last is not None else begun
    return State(entry=entry, is_open=is_open, is_member=is_member)


def level(entries: Sequence[Seen]) -> State | None:
    """
    Return whether the last level that Okta was told of a user, or may have been, is above ``low``.

    :param entries: what was sent about the user, or may have been.
    :return: None = it is not.
    """
    ends = [one for one in entries if one in lifecycle.DELIVERED and one.risk_level in lifecycle.LOW_LEVELS]
    begun = [
        one
        for one in entries
        if one in _MAY_BE_KNOWN
        and one.risk_level not in lifecycle.LOW_LEVELS
        and not any(_ends_level(end, one) for end in ends)
    ]
    newest = max(begun, key=_place_of, default=None)
    return None if newest is None else State(entry=newest, is_open=True)


_MAY_BE_KNOWN = lifecycle.DELIVERED | lifecycle.IN_DOUBT


def _place_of(one: Seen) -> tuple[datetime, int, int]:
    return one.place


def _ends_level(end: Seen, begun: Seen) -> bool:
    if end.place[:2] <= begun.place[:2]:
        return False
    # A signal without an answer that was sent later, for an older time, may be the last that Okta got.
    return begun in lifecycle.DELIVERED or end.recorded_at > begun.recorded_at


def _seen(connection: Connection, place: Place, users: Sequence[str]) -> dict[str, list[Seen]]:
    """Return what was done to users in one place, or may have been, by user key."""
    about = (
        actions.c.org == place.org,
        actions.c.target == place.target,
        actions.c.action.in_(_ACTIONS[place.kind]),
        actions.c.user_key.in_(users),
    )
    columns = [actions.c[name] for name in Seen.__struct_fields__]
    found: dict[str, list[Seen]] = {}
    for condition in (
        # By ix_okta_ure_action_log_effect: as many rows as the users had effects.
        [lifecycle.EFFECT.in_sql(actions.c)],
        # By ix_okta_ure_action_log_uncertain; what was started is among the effects.
        [
            lifecycle.UNCERTAIN.in_sql(actions.c),
            lifecycle.IN_DOUBT.in_sql(actions.c),
            not_(lifecycle.STARTED.in_sql(actions.c)),
        ],
    ):
        for row in connection.execute(select(*columns).where(*about, *condition)).mappings():
            found.setdefault(row["user_key"], []).append(Seen(**row))
    return found


def _last_releases(connection: Connection, place: Place, users: Sequence[str]) -> dict[str, datetime]:
    # By ix_okta_ure_action_log_release.
    rows = connection.execute(
        select(actions.c.user_key, func.max(actions.c.as_of))
        .where(
            actions.c.org == place.org,
            actions.c.target == place.target,
            lifecycle.RELEASE.in_sql(actions.c),
            actions.c.user_key.in_(users),
        )
        .group_by(actions.c.user_key)
    )
    return {user: moment for user, moment in rows}  # noqa: C416  # rows are no pairs for mypy


def _at(place: Place) -> list[ColumnElement[bool]]:
    return [tracked.c.org == place.org, tracked.c.kind == place.kind, tracked.c.target == place.target]


def _entries_behind(
    connection: Connection, about: Sequence[ColumnElement[bool]], users: Iterable[str] | None
) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for keys in chunks_or_all(users):
        wanted = about if keys is None else [*about, tracked.c.user_key.in_(keys)]
        rows = select(actions).join(tracked, tracked.c.entry_id == actions.c.id).where(*wanted)
        found.update((row["user_key"], Entry.from_row(row)) for row in connection.execute(rows).mappings())
    return found


def _names_of(connection: Connection, org: str, ids: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for some in chunks(ids):
        rows = connection.execute(
            select(known_as.c.user_key, known_as.c.name_key).where(
                known_as.c.org == org, known_as.c.user_key.in_(some)
            )
        )
        for row in rows:
            found.setdefault(row.user_key, set()).add(row.name_key)
    return found
