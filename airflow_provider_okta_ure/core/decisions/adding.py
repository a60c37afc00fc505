# SPDX-License-Identifier: Apache-2.0
"""Who is added to a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.decision import settle
from airflow_provider_okta_ure.core.decisions.history_rules import (
    already_member,
    recovered,
    run_reverted,
    superseded,
    time_over,
)
from airflow_provider_okta_ure.core.decisions.less_safe_rows import less_safe_row_decides
from airflow_provider_okta_ure.core.matching import resolve

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.decisions.facts import GroupFacts
    from airflow_provider_okta_ure.core.matching import Directory
    from airflow_provider_okta_ure.core.models import Row


def names_to_look_up_for_adding(rows: Iterable[Row], members: Directory) -> list[str]:
    """
    Return the names that have to be looked up in Okta before adding.

    A row that names the login of a member is settled: a login is unique, so it can be nobody else.
    """
    return [row.user for row in rows if not members.settles(row.user)]


def decide_additions(rows: Sequence[Row], facts: GroupFacts) -> list[Decision]:
    """
    Return one decision per row: add the user, or not, and why.

    >>> from datetime import datetime, timezone
    >>> from airflow_provider_okta_ure.core.decisions.facts import GroupFacts, RunFacts
    >>> from airflow_provider_okta_ure.core.matching import Directory
    >>> from airflow_provider_okta_ure.core.models import OktaUser, Row
    >>> ann, bob = (OktaUser(user_id=f"id-{n}", login=n, email=n, status="ACTIVE") for n in ("ann", "bob"))
    >>> facts = GroupFacts(
    ...     run=RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc)),
    ...     members={"id-ann": ann},
    ...     directory=Directory([ann, bob]),
    ... )
    >>> decisions = decide_additions([Row(user="Ann"), Row(user="bob"), Row(user="eve")], facts)
    >>> [one.outcome.reason if one.outcome else f"add {one.user.login}" for one in decisions]
    ['already_member', 'add bob', 'user_not_in_okta']
    """
    return settle(
        resolve(rows, facts.directory),
        already_member(facts.members),
        less_safe_row_decides(facts.run),
        recovered(facts.recovered, facts.run),
        superseded(facts.later, facts.run),
        time_over(facts.time_boxed, facts.run.as_of),
        run_reverted(facts.run),
    )
