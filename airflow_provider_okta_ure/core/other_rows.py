# SPDX-License-Identifier: Apache-2.0
"""Several rows about one person in different tasks of a run: the least safe score decides for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import msgspec

from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds
from airflow_provider_okta_ure.core.matching import Decision, skip
from airflow_provider_okta_ure.core.models import RISK_LEVELS, RiskLevel, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.errors import RuleError


def without_less_safe_rows(
    decision: Decision,
    scores: Mapping[str, int],
    *,
    former_names: Mapping[str, Collection[str]] | None = None,
    tells_level: bool = False,
) -> Decision:
    """
    Return the decision, settled when the rule that picked its row would not have with the least safe score.

    So somebody whose login has a good score and whose e-mail address has a bad one is not removed from the
    group by one task and added to it by another.

    :param scores: what the run has read, by :attr:`Row.key`, the lowest of each name; higher is safer.
    :param former_names: what users were called in rows before, by Okta id; a source can still know them so.
    :param tells_level: whether the row's level matters, and not only that it was picked: then a less safe row
        that the same rule picks, in another part of a mapped task, is the one that tells it.
    """
    user, row = decision.to_act_on, decision.row
    if user is None or row.score is None:
        return decision
    former = (former_names or {}).get(user.user_id, ())
    for name in sorted({row.key, fold(user.login), fold(user.email), *former}):
        score = scores.get(name, row.score)
        if score >= row.score:
            continue
        if not _still_holds(row, score) or (tells_level and _is_told_by(row, name, score)):
            text = f"another row of this run is about the same person, and has the score {score}"
            return skip(row, "less_safe_row", user=user, message=text)
    return decision


def _still_holds(row: Row, score: int) -> bool:
    """Say whether what a row was picked for also holds for a lower score."""
    rule = _rule(row.rule) if row.rule else None
    if rule is not None:
        return rule.matches(msgspec.structs.replace(row, score=score))
    # No rule picked it, so only its level is known.
    return not _is_riskier(row, score)


def _is_told_by(row: Row, name: str, score: int) -> bool:
    """Say whether the same rule picks the row of another name, whose level is then the person's."""
    rule = _rule(row.rule) if row.rule else None
    return rule is not None and rule.matches(msgspec.structs.replace(row, user=name, score=score))


def _is_riskier(row: Row, score: int) -> bool:
    return _riskiness(_risk_of(score)) > _riskiness(row.risk_level or _risk_of(row.score))


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
