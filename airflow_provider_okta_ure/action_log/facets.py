# SPDX-License-Identifier: Apache-2.0
"""What there is to filter by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, select

from airflow_provider_okta_ure.action_log import tables
from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.action_log.summaries import all_counts
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.searching import Filter

_BY_NAME = "name:"
"""What the target of a group that did not exist yet begins with; its name follows."""


class Group(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An Okta group that was acted on; ``id`` begins with ``name:`` when the group did not exist yet."""

    org: str
    name: str
    id: str


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """
    The values that occur in the log, sorted.

    :param reasons: each with whether it says why something was only planned.
    """

    orgs: list[str]
    groups: list[Group]
    reasons: list[tuple[str, bool]]
    sources: list[str]


def dags_in_log(connection: Connection) -> list[str]:
    """Return the ids of all DAGs in the log, those that acted on nobody included."""
    columns = (all_counts([]).c.dag_id, tables.tasks.c.dag_id, tables.approvals.c.dag_id)
    return sorted(
        {one for column in columns for one in connection.execute(select(column).distinct()).scalars()}
    )


def facets(connection: Connection, *, dag_ids: Sequence[str]) -> Facets:
    """Return the values that occur in entries of these DAGs."""
    table = all_counts([]).c
    places = connection.execute(
        select(table.org, table.action, table.source, table.reason, table.status)
        .where(table.dag_id.in_(dag_ids))
        .distinct()
    ).all()
    return Facets(
        orgs=sorted({one.org for one in places if one.action != "fetch_scores"}),
        groups=_groups(_targets(connection, dag_ids)),
        reasons=sorted({(one.reason, one.status == "planned") for one in places if one.reason}),
        sources=sorted({one.source for one in places if one.source}),
    )


def with_group_found(connection: Connection, wanted: Filter) -> Filter:
    """
    Return the filter with a group replaced by everything that stands for it in the log.

    Before a group was created, its entries name it; later ones have its id, whatever its name is then.
    """
    if not wanted.group:
        return wanted
    known = _targets(connection, wanted.dag_ids or ())
    places = {(one.org, one.target) for one in known if wanted.group in (one.target, one.target_name)}
    names = {(one.org, fold(one.target_name)) for one in known if (one.org, one.target) in places}
    places |= {
        (one.org, one.target)
        for one in known
        if (one.org, fold(one.target_name)) in names
        # A group chosen before it existed: also what was done since then.
        and (one.target.startswith(_BY_NAME) or wanted.group.startswith(_BY_NAME))
    }
    return msgspec.structs.replace(wanted, group="", targets=sorted(places))


def _targets(connection: Connection, dag_ids: Sequence[str]) -> Sequence[Any]:
    """Return every group with each of its names, the name that was used last first."""
    table = all_counts([]).c
    last = func.max(table.as_of)
    return connection.execute(
        select(table.org, table.target, table.target_name)
        .where(table.dag_id.in_(dag_ids), table.action.in_(GROUP_ACTIONS))
        .group_by(table.org, table.target, table.target_name)
        .order_by(last.desc(), table.target_name)
    ).all()


def _groups(targets: Iterable[Any]) -> list[Group]:
    """Return each group once, under the name that was used last."""
    found: dict[tuple[str, str], Group] = {}
    names: set[tuple[str, str]] = set()
    for one in targets:
        group = Group(org=one.org, name=one.target_name or one.target, id=one.target)
        found.setdefault((one.org, one.target), group)
        if not one.target.startswith(_BY_NAME):
            names.add((one.org, fold(one.target_name)))
    return sorted(
        one
        for one in found.values()
        if not (one.id.startswith(_BY_NAME) and (one.org, fold(one.name)) in names)
    )
