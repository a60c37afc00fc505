# SPDX-License-Identifier: Apache-2.0
"""Which DAG's task holds which membership, kept with every decision about a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, and_, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_okta_ure.action_log.chunks import chunks_or_all
from airflow_provider_okta_ure.action_log.reverts import first_dag
from airflow_provider_okta_ure.action_log.tables import holders
from airflow_provider_okta_ure.core.holding import Hold, renewed

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.core.holding import OnBehalf

_KEY = ("org", "target", "user_key", "dag_id", "task_id")

LETS_GO = ("done", "unchanged")
"""What became of a removal that ends the claims of its DAG, unless it was the end of the time."""
HELD_BY_OTHERS = "held_by_others"
"""The reason of a removal that ended only the claims of its own DAG."""

ADOPTED = "adopted"
"""The reason of a member whom somebody else added and who is to be released; without a DAG nobody's claim."""

Target: TypeAlias = tuple[str, str]


def holds_on(
    connection: Connection, *, org: str, target: str, users: Iterable[str] | None = None
) -> dict[str, list[Hold]]:
    """
    Return the claims on the members of a group, by user key; also those that were let go.

    :param users: user keys; None = everybody.
    """
    about = and_(holders.c.org == org, holders.c.target == target)
    found: dict[str, list[Hold]] = {}
    for keys in chunks_or_all(users):
        wanted = about if keys is None else and_(about, holders.c.user_key.in_(keys))
        for row in connection.execute(select(holders).where(wanted)).mappings():
            found.setdefault(row["user_key"], []).append(_hold(row))
    return found


def write_holds(connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf | None = None) -> None:
    """
    Write what decisions about groups mean for who holds whom; an older decision changes nothing.

    :param on_behalf: whose claims end or are restored; None = those of the DAG that decided.
    """
    if on_behalf is not None:
        _end_claims(connection, [one for one in entries if _ends(one)], dag_id=on_behalf.dag_id)
        _restore_claims(connection, [one for one in entries if _restores(one)], on_behalf)
        return
    groups: dict[Target, list[Entry]] = {}
    for entry in _without_reverts(connection, [one for one in entries if _begins(one) or _ends(one)]):
        groups.setdefault((entry.org, entry.target), []).append(entry)
    for (org, target), some in groups.items():
        _write_claims(connection, org, target, [one for one in some if _begins(one)])
        _end_claims(connection, [one for one in some if _ends(one)])


def _without_reverts(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """
    Return the entries of runs that decide for their own DAG.

    What a revert has begun, and was killed before it wrote the end of, is found by whichever task comes next.
    It ends the claims of the DAG whose run was undone; those that it restores were restored at the beginning.
    """
    runs = {(one.dag_id, one.run_id) for one in entries if one.run_id}
    first = {run: first_dag(connection, dag_id=run[0], run_id=run[1]) for run in runs}
    own = []
    for entry in entries:
        dag_id = first.get((entry.dag_id, entry.run_id), entry.dag_id)
        if dag_id == entry.dag_id:
            own.append(entry)
        elif _ends(entry):
            _end_claims(connection, [entry], dag_id=dag_id)
    return own


def _begins(entry: Entry) -> bool:
    if entry.action != "add_to_group" or (entry.reason == ADOPTED and not entry.dag_id):
        return False
    return entry.status in ("started", "done") or entry.reason == "already_member"


def _ends(entry: Entry) -> bool:
    if entry.action != "remove_from_group" or entry.reason == "expired":
        return False
    return entry.status in LETS_GO or entry.reason == HELD_BY_OTHERS


def _restores(entry: Entry) -> bool:
    # Who is a member because somebody else added them in the meantime is not ours again.
    return entry.action == "add_to_group" and entry.status in ("started", "done")


def _write_claims(connection: Connection, org: str, target: str, entries: Sequence[Entry]) -> None:
    known = holds_on(connection, org=org, target=target, users=(one.user_key for one in entries))
    rows = {}
    for entry in entries:
        before = next(
            (
                one
                for one in known.get(entry.user_key, [])
                if (one.dag_id, one.task_id) == (entry.dag_id, entry.task_id)
            ),
            None,
        )
        if before is not None and before.as_of > entry.as_of:
            continue
        claim = renewed(before, _claim(entry), is_new_membership=entry.status in ("started", "done"))
        rows[entry.user_key, entry.dag_id, entry.task_id] = _row(org, target, entry.user_key, claim)
    _upsert(connection, list(rows.values()))


def _claim(entry: Entry) -> Hold:
    return Hold(
        dag_id=entry.dag_id,
        task_id=entry.task_id,
        as_of=entry.as_of,
        expires_at=entry.expires_at,
        score_level=entry.score_level,
        user_name=entry.user_name,
    )


def _row(org: str, target: str, user_key: str, claim: Hold) -> dict[str, Any]:
    return {
        "org": org,
        "target": target,
        "user_key": user_key,
        "dag_id": claim.dag_id,
        "task_id": claim.task_id,
        "as_of": claim.as_of,
        "held": claim.held,
        "expires_at": claim.expires_at,
        "score_level": claim.score_level,
        "user_name": claim.user_name[:255],
    }


def _hold(row: Any) -> Hold:
    return Hold(**{name: row[name] for name in Hold.__struct_fields__})


def _upsert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(holders)
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in _KEY}
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=replaced), list(rows))


def _end_claims(connection: Connection, entries: Sequence[Entry], *, dag_id: str | None = None) -> None:
    if not entries:
        return
    statement = (
        update(holders)
        .where(
            holders.c.org == bindparam("of_org"),
            holders.c.target == bindparam("of_target"),
            holders.c.user_key == bindparam("of_user"),
            holders.c.dag_id == bindparam("of_dag"),
            holders.c.as_of <= bindparam("now"),
        )
        .values(held=False, as_of=bindparam("now"))
    )
    rows = [
        {
            "of_org": one.org,
            "of_target": one.target,
            "of_user": one.user_key,
            "of_dag": one.dag_id if dag_id is None else dag_id,
            "now": one.as_of,
        }
        for one in entries
    ]
    connection.execute(statement, rows)


def _restore_claims(connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf) -> None:
    """
    Restore the claims that ended with the removal that is undone; when they end stays as it was.

    That later runs let go again changes nothing: had one of them removed somebody, it would be undone first.
    """
    rows = [
        {
            "of_org": one.org,
            "of_target": one.target,
            "of_user": one.user_key,
            "of_dag": on_behalf.dag_id,
            "ended": on_behalf.ended[one.user_key],
            "now": one.as_of,
        }
        for one in entries
        if one.user_key in on_behalf.ended
    ]
    if not rows:
        return
    statement = (
        update(holders)
        .where(
            holders.c.org == bindparam("of_org"),
            holders.c.target == bindparam("of_target"),
            holders.c.user_key == bindparam("of_user"),
            holders.c.dag_id == bindparam("of_dag"),
            holders.c.as_of >= bindparam("ended"),
            holders.c.held.is_(False),
        )
        .values(held=True, as_of=bindparam("now"))
    )
    connection.execute(statement, rows)
