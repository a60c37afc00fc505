# SPDX-License-Identifier: Apache-2.0
"""Who is removed from a group: those whom a rule found recovered, and those whose time in it is over."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.decisions.decision import Decision, settle
from airflow_provider_okta_ure.core.decisions.history_rules import (
    held_by_others,
    not_a_member,
    not_ours,
    recovered,
    run_reverted,
    superseded,
    with_user,
)
from airflow_provider_okta_ure.core.decisions.less_safe_rows import less_safe_row_decides
from airflow_provider_okta_ure.core.matching import resolve
from airflow_provider_okta_ure.core.models import Row

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.facts import GroupFacts
    from airflow_provider_okta_ure.core.matching import Directory

Releases: TypeAlias = Literal["own", "all"]
"""``own``: a member leaves when the last DAG that wants them in the group lets go; ``all``: at once."""

EXPIRED = "expired"
"""The reason of a removal because the time was over."""


class RemovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which members are removed.

    :param dag_id: the DAG that removes.
    :param releases: whether members stay whom other DAGs hold.
    :param only_added_by_us: whether members stay whom somebody else added.
    :param release_expired: whether members leave whose time is over and whom no row is about.
    """

    dag_id: str
    releases: Releases = "own"
    only_added_by_us: bool = True
    release_expired: bool = True


def names_to_look_up_for_removing(
    rows: Iterable[Row], members: Directory, known_as: Container[str]
) -> list[str]:
    """
    Return the names that have to be looked up in Okta before removing.

    A row that names a member's login is settled, and so is one that no member answers to. One that names a
    member's e-mail address is not, because the same text can be the login of somebody outside the group; nor
    is one that stood for a member before, because somebody else may be called so now.

    :param known_as: the names that stood for members before, as :func:`names.fold` returns them.
    """
    return [
        row.user
        for row in rows
        if not members.settles(row.user) and (members.mentions(row.user) or row.key in known_as)
    ]


def decide_removals(rows: Sequence[Row], facts: GroupFacts, policy: RemovalPolicy) -> list[Decision]:
    """
    Return one decision per row, and one per member whose time is over: remove the user, or not, and why.

    >>> from datetime import datetime, timezone
    >>> from airflow_provider_okta_ure.core.decisions.facts import GroupFacts, RunFacts
    >>> from airflow_provider_okta_ure.core.matching import Directory
    >>> from airflow_provider_okta_ure.core.models import OktaUser, Row
    >>> ann, bob = (OktaUser(user_id=f"id-{n}", login=n, email=n, status="ACTIVE") for n in ("ann", "bob"))
    >>> facts = GroupFacts(
    ...     run=RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc)),
    ...     members={"id-ann": ann, "id-bob": bob},
    ...     directory=Directory([ann, bob]),
    ...     ours={"id-ann"},
    ... )
    >>> rows = [Row(user="Ann"), Row(user="bob"), Row(user="eve")]
    >>> decisions = decide_removals(rows, facts, RemovalPolicy(dag_id="sync"))
    >>> [one.outcome.reason if one.outcome else f"remove {one.user.login}" for one in decisions]
    ['remove ann', 'not_added_by_us', 'not_a_member']
    """
    by_rows = settle(
        resolve(rows, facts.directory),
        not_a_member(facts.members),
        less_safe_row_decides(facts.run),
        with_user(facts.former_members),
    )
    expired = _expired(by_rows, facts) if policy.release_expired else []
    rules = [recovered(facts.recovered, facts.run), superseded(facts.later, facts.run)]
    if policy.releases == "own":
        rules.append(held_by_others(facts.holds, dag_id=policy.dag_id, as_of=facts.run.as_of))
    if policy.only_added_by_us:
        rules.append(not_ours(facts.ours))
    return settle([*by_rows, *expired], *rules, run_reverted(facts.run))


def _expired(decisions: Sequence[Decision], facts: GroupFacts) -> list[Decision]:
    """Return decisions to remove our members whose time is over and whom no row is about."""
    decided = {one.user.user_id for one in decisions if one.user is not None}
    over = []
    for user_id, member in facts.members.items():
        held = [one for one in facts.holds.get(user_id, ()) if one.held]
        is_over = bool(held) and all(one.is_over(facts.run.as_of) for one in held)
        if is_over and user_id in facts.ours and user_id not in decided:
            row = Row(user=held[0].user_name or member.login)
            over.append(Decision(row=row, user=member, reason=EXPIRED))
    return over
