# SPDX-License-Identifier: Apache-2.0
"""Several rows about one person in different tasks of a run: the least safe score decides for all of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds
from airflow_provider_okta_ure.core.models import RISK_LEVELS, RiskLevel, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.errors import RuleError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision, Rule
    from airflow_provider_okta_ure.core.decisions.facts import RunFacts

_LEVELS = frozenset(("score_level", "risk_level"))


def less_safe_row_decides(run: RunFacts, *, tells_level: bool = False) -> Rule:
    """
    Return the rule that skips a user when the rule that picked their row would not have with another row.

    So somebody whose login has a good score and whose e-mail address has a bad one is not removed from the
    group by one task and added to it by another.

    :param tells_level: whether the row's level matters, and not only that it was picked: then a less safe row
        that the same rule picks, in another part of a mapped task, is the one that tells it.
    """

    def rule(decision: Decision) -> Decision:
        user, row = decision.to_act_on, decision.row
        if user is None or row.score is None or not run.scores:
            return decision
        former = run.former_names.get(user.user_id, ())
        for name in sorted({row.key, fold(user.login), fold(user.email), *former}):
            score = run.scores.get(name, row.score)
            if score >= row.score:
                continue
            if not _still_holds(row, score) or (tells_level and _is_told_by(row, name, score)):
                text = f"another row of this run is about the same person, and has the score {score}"
                return decision.skipped("less_safe_row", text)
        return decision

    return rule


def _still_holds(row: Row, score: int) -> bool:
    """Say whether what a row was picked for also holds for a lower score."""
    selection = _selection_of(row)
    if selection is None:
        # No rule picked it, so only its level is known.
        return not _is_riskier(row, score)
    if not selection.matches(_with_score(row, score)):
        return False
    # A rule about a level that a lower score may have changed, with bounds that are not known here.
    return not (selection.fields & _LEVELS and _is_riskier(row, score) and not _has_default_levels(row))


def _is_told_by(row: Row, name: str, score: int) -> bool:
    """Say whether the same rule picks the row of another name, whose level is then the person's."""
    selection = _selection_of(row)
    return selection is not None and selection.matches(
        msgspec.structs.replace(_with_score(row, score), user=name)
    )


def _with_score(row: Row, score: int) -> Row:
    """Return a row with another score, and with its levels where the default bounds made them."""
    if not _has_default_levels(row):
        return msgspec.structs.replace(row, score=score)
    level = ScoreBounds().level_of(score)
    return msgspec.structs.replace(
        row, score=score, score_level=level, risk_level=LevelMapping().risk_of(level)
    )


def _has_default_levels(row: Row) -> bool:
    level = ScoreBounds().level_of(row.score)
    return (row.score_level, row.risk_level) == (level, LevelMapping().risk_of(level))


def _is_riskier(row: Row, score: int) -> bool:
    return _riskiness(_risk_of(score)) > _riskiness(row.risk_level or _risk_of(row.score))


def _risk_of(score: int | None) -> RiskLevel:
    return LevelMapping().risk_of(ScoreBounds().level_of(score))


def _riskiness(level: RiskLevel) -> int:
    return RISK_LEVELS.index(level)


def _selection_of(row: Row) -> Selection | None:
    return _selection(row.rule, row.unless) if row.rule else None


@lru_cache(maxsize=16)
def _selection(rule: str, unless: str | None) -> Selection | None:
    try:
        return Selection.parse(rule, unless)
    except RuleError:
        # Rows of somebody's own task can say there whatever picked them.
        return None
