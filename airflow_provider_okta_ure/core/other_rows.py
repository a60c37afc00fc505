# SPDX-License-Identifier: Apache-2.0
"""Several rows about one person in different tasks of a run: the least safe score decides for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds
from airflow_provider_okta_ure.core.matching import Decision, skip
from airflow_provider_okta_ure.core.models import RISK_LEVELS, OktaUser, RiskLevel, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.errors import RuleError


def without_less_safe_rows(decision: Decision, scores: Mapping[str, int]) -> Decision:
    """
    Return the decision, settled when the rule that picked its row would not have with the least safe score.

    So somebody whose login has a good score and whose e-mail address has a bad one is not removed from the
    group by one task and added to it by another.

    :param scores: what the run has read, by :attr:`Row.key`, the lowest of each name; higher is safer.
    """
    user, row = decision.to_act_on, decision.row
    if user is None or row.score is None:
        return decision
    least = min((scores[name] for name in _names(row, user) if name in scores), default=row.score)
    if least >= row.score or _still_holds(row, least):
        return decision
    text = f"another row of this run is about the same person, and has the score {least}"
    return skip(row, "less_safe_row", user=user, message=text)


def _names(row: Row, user: OktaUser) -> set[str]:
    return {row.key, fold(user.login), fold(user.email)}


def _still_holds(row: Row, least: int) -> bool:
    """Say whether what a row was picked for also holds for a lower score."""
    rule = _rule(row.rule) if row.rule else None
    if rule is not None:
        return rule.matches(msgspec.structs.replace(row, score=least))
    # No rule picked it, so only its level is known: the lower score must not make it riskier.
    return _riskiness(_risk_of(least)) <= _riskiness(row.risk_level or _risk_of(row.score))


def _risk_of(score: int | None) -> RiskLevel:
    return LevelMapping().risk_of(ScoreBounds().level_of(score))


def _riskiness(level: RiskLevel) -> int:
    return RISK_LEVELS.index(level)


@lru_cache(maxsize=16)
def _rule(text: str) -> Rule | None:
    try:
        return Rule.parse(text)
    except RuleError:
        # Rows of somebody's own task can say there whatever picked them.
        return None
