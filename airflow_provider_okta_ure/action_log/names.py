# SPDX-License-Identifier: Apache-2.0
"""Which Okta id a name stood for the last time, and which org a URL leads to: names change, ids do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import Connection, select

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.chunks import chunks
from airflow_provider_okta_ure.action_log.inserting import insert_into
from airflow_provider_okta_ure.action_log.tables import names, orgs
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry

Kind: TypeAlias = Literal["user", "group"]

_LONGEST = 255


def key_of(name: str) -> str:
    """Return what a name is found by."""
    return fold(name)[:_LONGEST]


def ids_of_names(connection: Connection, *, org: str, kind: Kind, known_as: Iterable[str]) -> dict[str, str]:
    """
    Return the Okta ids that names stood for the last time that a task acted on them.

    :param known_as: names as :func:`core.names.fold` returns them.
    :return: by name; without those that no task has met.
    """
    found: dict[str, str] = {}
    for keys in chunks(known_as):
        by_key = {key[:_LONGEST]: key for key in keys}
        rows = connection.execute(
            select(names.c.name_key, names.c.okta_id).where(
                names.c.org == org, names.c.kind == kind, names.c.name_key.in_(list(by_key))
            )
        )
        found.update((by_key[row.name_key], row.okta_id) for row in rows)
    return found


def names_of_ids(connection: Connection, *, org: str, ids: Iterable[str]) -> dict[str, set[str]]:
    """Return the names under which tasks have met users, folded by :func:`core.names.fold`, by Okta id."""
    found: dict[str, set[str]] = {}
    for some in chunks(ids):
        rows = connection.execute(
            select(names.c.name_key, names.c.okta_id).where(
                names.c.org == org, names.c.kind == "user", names.c.okta_id.in_(some)
            )
        )
        for row in rows:
            found.setdefault(row.okta_id, set()).add(row.name_key)
    return found


def write_names(connection: Connection, entries: Sequence[Entry]) -> None:
    """Remember whom the names in entries stood for, and of groups which."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for entry in entries:
        if entry.user_id and entry.user_name and entry in lifecycle.KNOWN:
            row = _row(entry.org, "user", entry.user_name, entry.user_id, entry.recorded_at)
            rows[row["org"], row["kind"], row["name_key"]] = row
    _upsert(connection, list(rows.values()))


def write_user_names(connection: Connection, *, org: str, ids: Mapping[str, str], now: datetime) -> None:
    """
    Remember whom names stand for.

    :param ids: Okta ids by name.
    """
    _upsert(connection, [_row(org, "user", name, user_id, now) for name, user_id in ids.items()])


def write_group_name(connection: Connection, *, org: str, name: str, group_id: str, now: datetime) -> None:
    """Remember which group a name stands for."""
    _upsert(connection, [_row(org, "group", name, group_id, now)])


def known_org(connection: Connection, url: str) -> str | None:
    """Return what the org at a URL is called in the action log; None = nobody has been there."""
    found: str | None = connection.execute(select(orgs.c.org).where(orgs.c.url == url)).scalar()
    return found


def remember_org(connection: Connection, url: str, org_id: str) -> str:
    """
    Remember which org a URL leads to, and return what it is called in the action log.

    :param org_id: Okta's id of the org.
    """
    same = select(orgs.c.org).where(orgs.c.org_id == org_id).limit(1)
    org: str = connection.execute(same).scalar() or url
    statement = insert_into(connection, orgs).values(url=url, org_id=org_id, org=org)
    connection.execute(statement.on_conflict_do_nothing())
    return org


def _row(org: str, kind: Kind, name: str, okta_id: str, now: datetime) -> dict[str, Any]:
    return {"org": org, "kind": kind, "name_key": key_of(name), "okta_id": okta_id, "recorded_at": now}


def _upsert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_into(connection, names)
    replaced = {name: statement.excluded[name] for name in ("okta_id", "recorded_at")}
    # Most names stand for whom they stood for before; those rows are not written again.
    has_changed = names.c.okta_id != statement.excluded.okta_id
    key = ("org", "kind", "name_key")
    # In one order, so that two writers never wait for each other's rows.
    ordered = sorted(rows, key=lambda row: (row["org"], row["kind"], row["name_key"]))
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_=replaced, where=has_changed), ordered
    )
