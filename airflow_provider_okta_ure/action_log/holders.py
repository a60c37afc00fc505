# SPDX-License-Identifier: Apache-2.0
"""Which DAG's task holds which membership, kept with every decision about a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, and_, bindparam, select, update

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.chunks import chunks_or_all
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.inserting import replace_rows
from airflow_provider_okta_ure.action_log.reverts import counts_for_undoing, first_dag, runs_behind
from airflow_provider_okta_ure.action_log.tables import actions, holders
from airflow_provider_okta_ure.core.holding import Hold, renewed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from airflow_provider_okta_ure.core.holding import OnBehalf

Target: TypeAlias = tuple[str, str]
Claimed: TypeAlias = tuple[str, str]


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


class Changed(NamedTuple):
    """How many claims on members ended, and how many hold again."""

    ended: int = 0
    held_again: int = 0


def recount_claims(
    connection: Connection, *, org: str, dag_id: str, run_id: str, settled: Collection[tuple[str, str]]
) -> Changed:
    """
    Let the claims that a reverted run made or ended be as if the run had not been.

    They are what the other runs of its DAG have decided, as far as these are not reverted themselves. A task
    that has decided later holds as it decided then.

    :param dag_id: with ``run_id``, the run whose revert has been written.
    :param settled: the group and the user key of those whom the revert has undone, and who are held by that.
    """
    runs = runs_behind(connection, dag_id=dag_id, run_id=run_id)
    told = select(actions).where(actions.c.org == org, actions.c.action.in_(lifecycle.GROUP_ACTIONS))
    affected: dict[str, dict[str, list[datetime]]] = {}
    for of_dag, of_run in runs:
        of_this = told.where(actions.c.dag_id == of_dag, actions.c.run_id == of_run)
        for row in connection.execute(of_this).mappings():
            if (row["target"], row["user_key"]) not in settled:
                affected.setdefault(row["target"], {}).setdefault(row["user_key"], []).append(row["as_of"])
    first, ended, again = runs[-1][0], 0, 0
    in_effect = told.where(
        actions.c.dag_id == first, *counts_for_undoing(connection, org=org, dag_id="", run_id="")
    )
    for target, times in affected.items():
        known = holds_on(connection, org=org, target=target, users=times)
        before = {
            (user, hold.task_id): hold
            for user, some in known.items()
            for hold in some
            if hold.dag_id == first
        }
        entries: list[Entry] = []
        for keys in chunks_or_all(times):
            of_users = in_effect.where(actions.c.target == target, actions.c.user_key.in_(keys or ()))
            order = (actions.c.as_of, actions.c.revision, actions.c.id)
            entries += [
                Entry.from_row(row) for row in connection.execute(of_users.order_by(*order)).mappings()
            ]
        after = _recounted(before, _replayed(entries), times)
        replace_rows(
            connection, holders, [_row(org, target, user, hold) for (user, _), hold in after.items()]
        )
        was_held = {key for key, hold in before.items() if hold.held}
        ended += sum(key in was_held and not hold.held for key, hold in after.items())
        again += sum(key not in was_held and hold.held for key, hold in after.items())
    return Changed(ended, again)


def _replayed(entries: Iterable[Entry]) -> dict[Claimed, Hold]:
    """Return the claims that decisions of one DAG amount to, by user key and task, from the oldest on."""
    claims: dict[Claimed, Hold] = {}
    for entry in entries:
        key = (entry.user_key, entry.task_id)
        is_in_doubt = entry.action == "add_to_group" and entry.is_in_doubt
        if _begins(entry) or is_in_doubt:
            is_new = entry.reason != lifecycle.ALREADY_MEMBER
            claims[key] = renewed(claims.get(key), _claim(entry), is_new_membership=is_new)
        elif _ends(entry):
            for other in [one for one in claims if one[0] == entry.user_key]:
                claims[other] = msgspec.structs.replace(claims[other], held=False, as_of=entry.as_of)
    return claims


def _recounted(
    before: Mapping[Claimed, Hold], replayed: Mapping[Claimed, Hold], times: Mapping[str, Sequence[datetime]]
) -> dict[Claimed, Hold]:
    """
    Return the claims that are not any more as they were.

    :param times: for which times the reverted run has decided about a user, by key.
    """
    found: dict[Claimed, Hold] = {}
    for key in {**before, **replayed}:
        was, now = before.get(key), replayed.get(key)
        if was is not None and was.as_of > max(times[key[0]]):
            continue
        if now is None and was is not None and was.as_of >= min(times[key[0]]):
            now = msgspec.structs.replace(was, held=False)
        # What an older claim came from may not be in the log any more; it stays.
        if now is not None and now != was:
            found[key] = now
    return found


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
    is_nobodys = entry.reason == lifecycle.ADOPTED and not entry.dag_id
    return entry in lifecycle.BEGINS_CLAIM and not is_nobodys


def _ends(entry: Entry) -> bool:
    return entry in lifecycle.ENDS_CLAIM


def _restores(entry: Entry) -> bool:
    # Who is a member because somebody else added them in the meantime is not ours again.
    return entry.action == "add_to_group" and entry in lifecycle.EFFECT


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
        claim = renewed(before, _claim(entry), is_new_membership=entry in lifecycle.EFFECT)
        rows[entry.user_key, entry.dag_id, entry.task_id] = _row(org, target, entry.user_key, claim)
    replace_rows(connection, holders, list(rows.values()))


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


_OF_DAG = (
    holders.c.org == bindparam("of_org"),
    holders.c.target == bindparam("of_target"),
    holders.c.user_key == bindparam("of_user"),
    holders.c.dag_id == bindparam("of_dag"),
)
"""The claims of one DAG on one member; filled in by :func:`_values`."""


def _values(entry: Entry, dag_id: str) -> dict[str, Any]:
    return {
        "of_org": entry.org,
        "of_target": entry.target,
        "of_user": entry.user_key,
        "of_dag": dag_id,
    }


def _end_claims(connection: Connection, entries: Sequence[Entry], *, dag_id: str | None = None) -> None:
    if not entries:
        return
    statement = (
        update(holders)
        .where(
            *_OF_DAG,
            holders.c.as_of <= bindparam("now"),
        )
        .values(held=False, as_of=bindparam("now"))
    )
    rows = [{**_values(one, one.dag_id if dag_id is None else dag_id), "now": one.as_of} for one in entries]
    connection.execute(statement, rows)


def _restore_claims(connection: Connection, entries: Sequence[Entry], on_behalf: OnBehalf) -> None:
    """
    Restore the claims that ended with the removal that is undone; when they end stays as it was.

    That later runs let go again changes nothing: had one of them removed somebody, it would be undone first.
    """
    rows = [
        {**_values(one, on_behalf.dag_id), "ended": on_behalf.ended[one.user_key], "now": one.as_of}
        for one in entries
        if one.user_key in on_behalf.ended
    ]
    if not rows:
        return
    statement = (
        update(holders)
        .where(
            *_OF_DAG,
            holders.c.as_of >= bindparam("ended"),
            holders.c.held.is_(False),
        )
        .values(held=True, as_of=bindparam("now"))
    )
    connection.execute(statement, rows)
