# SPDX-License-Identifier: Apache-2.0
"""What there is to filter by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from airflow_provider_okta_ure.action_log.summaries import all_counts


class Group(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An Okta group that we acted on; ``id`` is empty when it did not exist yet."""

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
    """Return the ids of all DAGs in the log."""
    return sorted(connection.execute(select(all_counts([]).c.dag_id).distinct()).scalars())


def facets(connection: Connection, *, dag_ids: Sequence[str]) -> Facets:
    """Return the values that occur in entries of these DAGs."""
    table = all_counts([]).c
    of_dags = table.dag_id.in_(dag_ids)
    places = connection.execute(
        select(table.org, table.action, table.target, table.target_name, table.source, table.reason)
        .where(of_dags)
        .distinct()
    ).all()
    in_okta = [one for one in places if one[1] != "fetch_scores"]
    return Facets(
        orgs=sorted({one[0] for one in in_okta}),
        groups=sorted(
            {
                Group(org=org, name=name, id=target)
                for org, action, target, name, *_ in in_okta
                if action in ("add_to_group", "remove_from_group")
            }
        ),
        reasons=sorted({one[5] for one in places if one[5]}),
        sources=sorted({one[4] for one in places if one[4]}),
    )
