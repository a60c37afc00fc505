# SPDX-License-Identifier: Apache-2.0
"""Which rows of a reading are returned: those that a rule downstream asks for, and those of tracked users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE, LOWEST_SCORE
from airflow_provider_okta_ure.core.rule_checks import LEVELS, position_of
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row

_REMEDY = 'Use one rule, such as keep="score <= 500", or a list of rules; None keeps everybody.'


class Keep:
    """
    The rules that say whose rows are kept, and the names whose rows are kept whatever their score.

    :param rules: a row is kept when one of them matches it.
    :param names: folded names; more can be added while a reading goes on.
    """

    def __init__(self, rules: Sequence[Rule], names: Iterable[str] = ()) -> None:
        self.rules = tuple(rules)
        self.names = set(names)
        self.highest = max((rule.highest for rule in self.rules), default=LOWEST_SCORE - 1)
        """A score above which no rule matches; 1000 = no such score is known."""
        self._of_unscored = [rule for rule in self.rules if not rule.needs_score]

    @classmethod
    def parse(cls, value: object) -> Keep | None:
        """
        Return what an operator's argument ``keep`` means; None = everybody is kept.

        >>> from airflow_provider_okta_ure.core.models import Row
        >>> keep = Keep.parse(["score <= 250", 'user == "cy@x.example"'])
        >>> rows = [Row(user="ann", score=200), Row(user="bob", score=900), Row(user="Cy@x.example")]
        >>> [keep.wants(row) for row in rows], Keep.parse("score <= 500").highest
        ([True, False, True], 500)

        :param value: one rule, a list of rules, or such a list as JSON, as templates make it.
        :raises ConfigurationError: it is none of these, or one of the rules cannot be used here.
        """
        if value is None:
            return None
        return cls([_parsed(text) for text in _texts(value)])

    def wants(self, row: Row) -> bool:
        """Return whether a row is kept."""
        return self.matches(row) or row.key in self.names

    def matches(self, row: Row) -> bool:
        """Return whether a rule matches a row."""
        if row.score is None:
            return any(rule.matches(row) for rule in self._of_unscored)
        return row.score <= self.highest and any(
            row.score <= rule.highest and rule.matches(row) for rule in self.rules
        )

    @property
    def why_no_bound(self) -> str:
        """The first rule that can match any score; empty = above some score none of them matches."""
        return next((rule.text for rule in self.rules if rule.highest >= HIGHEST_SCORE), "")


def _texts(value: object) -> Sequence[object]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return msgspec.json.decode(value, type=list[str])
        except (msgspec.DecodeError, RecursionError):
            raise ConfigurationError(
                "keep begins with [ and is no list of rules in JSON.", remedy=_REMEDY
            ) from None
    if isinstance(value, str):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        return list(value)
    raise ConfigurationError("keep is neither a rule nor a list of rules.", remedy=_REMEDY)


def _parsed(text: object) -> Rule:
    try:
        # What is no text is refused there, in the same words as anywhere else.
        rule = Rule.parse(cast("str", text))
        _require_no_level(rule)
    except RuleError as error:
        error.name_argument("keep")
        raise
    return rule


def _require_no_level(rule: Rule) -> None:
    for field in sorted(rule.fields.intersection(LEVELS)):
        raise RuleError(
            f"{field} is not known yet where scores are read.",
            rule=rule.text,
            position=position_of(rule.text, field),
            remedy="Write the bound of the score instead, such as score <= 500.",
        )
