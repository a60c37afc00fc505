# SPDX-License-Identifier: Apache-2.0
"""Choosing rows by a business rule, and mapping scores to levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.sdk import BaseOperator

from airflow_provider_okta_ure.core.least_safe import with_least_safe_scores
from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds, map_row
from airflow_provider_okta_ure.core.models import rule_text
from airflow_provider_okta_ure.core.rows import from_rows, to_rows
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.operators.identities import Names
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.plain_log import PlainLogMixin
from airflow_provider_okta_ure.operators.readings import remember_scores
from airflow_provider_okta_ure.operators.run import failing_for_good, say_as_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.core.models import Row

SAMPLES = 5


class RiskFilterOperator(PlainLogMixin, BaseOperator):
    """
    Return the rows that a business rule matches.

    When there are several rows of one name, such as rows of two tenants, the least safe score decides for all
    of them and is what they return.

    :param rows: rows as :class:`NetskopeFetchScoresOperator` or a task of yours returns them, of one task or
        of several: ``rows=[eu.output, us.output]``. (templated)
    :param rule: a boolean expression over a row, such as ``score <= 500 and
        user.ends_with("@corp.example")``. Remember that a score points up to safe. (templated)
    :param unless: a rule whose rows are left out: a row is returned when ``rule`` matches it and ``unless``
        does not. Each of them stands on its own, so never build one text of two rules with a template; None
        = nobody is left out. (templated)
    :return: the matching rows, as a list of dicts, with both in their fields ``rule`` and ``unless``.
    """

    template_fields: Sequence[str] = ("rows", "rule", "unless")

    def __init__(self, *, rows: Any, rule: str, unless: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.rule = rule
        self.unless = unless

    def execute(self, context: Context) -> list[dict[str, Any]]:
        with failing_for_good():
            say_as_of(self.log, context, only_reads=True)
            selection, names = Selection.parse(self.rule, self.unless), Names.as_configured()
            rows = to_rows(self.rows)
            self._remember_own(rows, context)
            matching = [
                msgspec.structs.replace(row, rule=self.rule, unless=self.unless)
                for row in with_least_safe_scores(rows)
                if selection.matches(row)
            ]
            said = rule_text(self.rule, self.unless)
            self.log.info("%d of %d rows match: %s", len(matching), len(rows), names.hidden(said))
            unscored = sum(1 for row in rows if row.score is None)
            if unscored and "score" in selection.fields:
                self.log.info(
                    "%d rows have no score, so a rule about the score matches none of them.", unscored
                )
            for row in matching[:SAMPLES]:
                why = selection.explain(row, user_shown=names.shown(row.user))
                self.log.info("  %s: %s", names.shown(row.user), names.hidden(why, row.user))
            return from_rows(matching)

    def _remember_own(self, rows: Sequence[Row], context: Context) -> None:
        """
        Let the tasks that act know the rows of somebody's own task, as they know those that are fetched.

        One person can have several rows, of which this rule picks only one; see :mod:`run_scores`.
        """
        own = [row for row in rows if row.source is None and row.score is not None]
        if own and getattr(context.get("ti"), "run_id", None):
            remember_scores(RunIdentity.of(context), "", own)


class RiskMapLevelsOperator(PlainLogMixin, BaseOperator):
    """
    Return rows with their levels: the score's band, Okta's risk level, and the risk level before.

    ``score_level`` points up to safe like the score, ``risk_level`` points up to risk.

    :param rows: rows as :class:`NetskopeFetchScoresOperator` or a task of yours returns them. (templated)
    :param score_bounds: inclusive bounds per band; None = critical 0-250, high 251-500, medium 501-750,
        low 751-1000. For example ``{"critical": [0, 200], "high": [201, 500], "medium": [501, 750],
        "low": [751, 1000]}``. (templated)
    :param level_mapping: Okta's risk level per band; None = critical and high become high, medium medium,
        low low, none none. (templated)
    :return: the rows, as a list of dicts.
    """

    template_fields: Sequence[str] = ("rows", "score_bounds", "level_mapping")

    def __init__(
        self, *, rows: Any, score_bounds: Any = None, level_mapping: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.score_bounds = score_bounds
        self.level_mapping = level_mapping

    def execute(self, context: Context) -> list[dict[str, Any]]:
        with failing_for_good():
            say_as_of(self.log, context, only_reads=True)
            bounds = ScoreBounds.from_dict(self.score_bounds) if self.score_bounds else ScoreBounds()
            mapping = LevelMapping.from_dict(self.level_mapping) if self.level_mapping else LevelMapping()
            rows = [map_row(row, bounds, mapping) for row in to_rows(self.rows)]
            counts = Counter(row.risk_level for row in rows)
            self.log.info(
                "Risk levels: %s", ", ".join(f"{counts[level]} {level}" for level in sorted(counts, key=str))
            )
            return from_rows(rows)
