# SPDX-License-Identifier: Apache-2.0
"""What there is to filter by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from airflow_provider_okta_ure.action_log.tables import actions


class Group(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An Okta group that we acted on; ``id`` is empty when it does not exist yet."""

    org: str
    name: str
    id: str


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """The values that occur in the log, sorted."""

    orgs: list[str]
    groups: list[Group]
    reasons: list[str]
    sources: list[str]


def dags_in_log(connection: Connection) -> list[str]:
    """Return the ids of all DAGs in the log, each found by one look into the index."""
    found: list[str] = []
    last: str | None = None
    while True:
        statement = select(actions.c.dag_id).order_by(actions.c.dag_id).limit(1)
        if last is not None:
            statement = statement.where(actions.c.dag_id > last)
        last = connection.execute(statement).scalar()
        if last is None:
            return found
        found.append(last)


def facets(connection: Connection, *, dag_ids: Sequence[str]) -> Facets:
    """Return the values that occur in entries of these DAGs."""
    table = actions.c
    seen = table.dag_id.in_(dag_ids)
    reasons = connection.execute(select(table.reason).where(seen).distinct()).scalars()
    places = connection.execute(
        select(table.org, table.action, table.target, table.target_name, table.source).where(seen).distinct()
    ).all()
    in_okta = [one for one in places if one[1] != "fetch_scores"]
    return Facets(
        orgs=sorted({one[0] for one in in_okta}),
        groups=sorted(
            {
                Group(org=org, name=name, id=target)
                for org, action, target, name, _ in in_okta
                if action in ("add_to_group", "remove_from_group")
            }
        ),
        reasons=sorted(one for one in reasons if one),
        sources=sorted({one[4] for one in places if one[4]}),
    )
