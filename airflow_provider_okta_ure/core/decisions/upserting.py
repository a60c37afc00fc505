# SPDX-License-Identifier: Apache-2.0
"""Whose risk is set in Okta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.decision import settle
from airflow_provider_okta_ure.core.decisions.duplicates import one_per_name
from airflow_provider_okta_ure.core.decisions.history_rules import run_reverted
from airflow_provider_okta_ure.core.decisions.less_safe_rows import less_safe_row_decides
from airflow_provider_okta_ure.core.decisions.levels_needed import require_risk_levels
from airflow_provider_okta_ure.core.matching import resolve

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.decisions.facts import UserRiskFacts
    from airflow_provider_okta_ure.core.models import Row


def decide_upserts(rows: Sequence[Row], facts: UserRiskFacts) -> list[Decision]:
    """
    Return one decision per row: set the user's risk, or not, and why.

    >>> from datetime import datetime, timezone
    >>> from airflow_provider_okta_ure.core.decisions.facts import RunFacts, UserRiskFacts
    >>> from airflow_provider_okta_ure.core.matching import Directory
    >>> from airflow_provider_okta_ure.core.models import OktaUser, Row
    >>> ann, bob = (OktaUser(user_id=f"id-{n}", login=n, email=n, status="ACTIVE") for n in ("ann", "bob"))
    >>> facts = UserRiskFacts(
    ...     run=RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc)),
    ...     directory=Directory([ann, bob]),
    ...     levels={"id-ann": "high", "id-bob": "low"},
    ... )
    >>> rows = [Row(user="ann", risk_level="high"), Row(user="bob", risk_level="high")]
    >>> decisions = decide_upserts(rows, facts)
    >>> [one.outcome.reason if one.outcome else f"set {one.user.login}" for one in decisions]
    ['same_level', 'set bob']

    :raises RowError: a row has no risk level, because nothing mapped its score.
    """
    kept, duplicates = one_per_name(rows)
    require_risk_levels(kept)

    def can_be_set(decision: Decision) -> Decision:
        if decision.to_act_on is None or decision.row.risk_level != "none":
            return decision
        return decision.skipped("level_not_settable", "Okta cannot set the risk none")

    def has_another_level(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or facts.levels.get(user.user_id) != decision.row.risk_level:
            return decision
        return decision.unchanged("same_level")

    return [
        *duplicates,
        *settle(
            resolve(kept, facts.directory),
            can_be_set,
            less_safe_row_decides(facts.run, tells_level=True),
            has_another_level,
            run_reverted(facts.run),
        ),
    ]
