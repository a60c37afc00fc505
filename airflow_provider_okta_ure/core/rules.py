# SPDX-License-Identifier: Apache-2.0
"""Business rules: a boolean expression over one user's row, checked before the first row is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.core import rule_checks as checks
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.core.rule_bounds import highest_match
from airflow_provider_okta_ure.core.rule_checks import FIELDS
from airflow_provider_okta_ure.core.rule_mismatches import position_of_mismatch
from airflow_provider_okta_ure.core.rule_patterns import LONGEST_TEXT
from airflow_provider_okta_ure.core.rule_text import check_text, tokens_of
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row

EMPTY = "The rule is empty."
_MATCH_ALL = "Write true to match every row."
LONGEST_RULE = 2_000
"""The longest rule, in characters."""

LONGEST_EXPLANATION = 1_000
"""The longest explanation of a match, in characters; what is longer is cut."""

_VALUES: dict[str, Callable[[Row], Any]] = {
    "user": lambda row: fold(row.user),
    "source": lambda row: None if row.source is None else fold(row.source),
    "score_level": lambda row: row.score_level,
    "risk_level": lambda row: row.risk_level,
    "previous_risk_level": lambda row: row.previous_risk_level,
    "score": lambda row: None if row.score is None else Decimal(row.score),
    "previous_score": lambda row: None if row.previous_score is None else Decimal(row.previous_score),
    "provisional": lambda row: row.provisional,
    "has_score": lambda row: row.score is not None,
    "has_previous_score": lambda row: row.previous_score is not None,
}


class Rule:
    """
    A business rule that is fit to be used; made by :meth:`parse`.

    Text is compared without regard to case. A rule that names ``score``, ``previous_score`` or ``source``
    matches no row that lacks the value, whatever the operator around it, unless the rule gives a default
    for it: ``(previous_score ?? 1000) > 500``. So a missing score is neither low nor high.
    """

    def __init__(self, text: str, root: Any) -> None:
        self.text = text
        self._root = root
        nodes = list(checks.walk(root))
        self.fields = frozenset(node.name for node in nodes if checks.kind(node) == "SymbolExpression")
        for node in nodes:
            if checks.kind(node) == "SymbolExpression":
                # The engine would convert and type-check each value again; ours have the right types.
                node.evaluate = itemgetter(node.name)
        defaulted = {id(node.left) for node in nodes if checks.kind(node) == "CoalesceExpression"}
        self._required = sorted(
            {
                node.name
                for node in nodes
                if checks.kind(node) == "SymbolExpression"
                and node.name in checks.NULLABLE
                and id(node) not in defaulted
            }
        )
        self.needs_score = "score" in self._required
        """Whether it matches no row without a score."""
        self.highest = highest_match(root)
        """A score above which it matches no row, whatever else the row holds; 1000 = none is known."""
        self._levels = sorted(self.fields.intersection(checks.LEVELS))
        self._matched = sorted(
            {
                one.name
                for node in nodes
                if checks.kind(node) == "FuzzyComparisonExpression"
                for one in checks.walk(node.left)
                if checks.kind(one) == "SymbolExpression"
            }
        )
        self._values_of = [(name, _VALUES[name]) for name in sorted(self.fields)]

    @classmethod
    def parse(cls, text: str) -> Rule:
        """
        Return the rule that a text means.

        >>> from airflow_provider_okta_ure.core.models import Row
        >>> rule = Rule.parse('score <= 500 and user.ends_with("@corp.example")')
        >>> rule.matches(Row(user="Ann@Corp.example", score=312))
        True
        >>> rule.matches(Row(user="ann@corp.example", score=None))
        False

        :raises RuleError: the text is no rule, names an unknown field, compares different types, or does
            something that a rule may not do; with the position and, where there is one, a suggestion.
        """
        if text is None:
            raise RuleError(EMPTY, rule=shown(text), remedy=_MATCH_ALL)
        if not isinstance(text, str):
            raise RuleError("The rule is no text.", rule=shown(text), remedy="Write it as text, in quotes.")
        if len(text) > LONGEST_RULE:
            raise RuleError(
                f"The rule has {len(text)} characters; at most {LONGEST_RULE} are allowed.",
                rule=text[:60] + "...",
            )
        if not any(True for _ in tokens_of(text)):
            # A comment alone says nothing either.
            raise RuleError(EMPTY, rule=text, remedy=_MATCH_ALL)
        check_text(text)
        root = _engine_tree(text)
        checks.check_tree(root, text)
        _fold(root)
        return cls(text, root)

    def matches(self, row: Row) -> bool:
        """
        Whether the rule is true for a row.

        :raises ConfigurationError: the rule names a level and no task has mapped the row to levels.
        """
        if self.missing_in(row):
            return False
        return bool(self._root.evaluate(self._values(row)))

    def missing_in(self, row: Row) -> list[str]:
        """
        Return what the rule needs and a row lacks, so that the rule cannot match it.

        A text that is too long for a regular expression counts as missing: it costs only its own row.
        """
        missing = [name for name in self._required if getattr(row, name) is None]
        # As it is compared: lower case can have more characters.
        too_long = [name for name in self._matched if len(_VALUES[name](row) or "") > LONGEST_TEXT]
        return missing + [f"{name} of at most {LONGEST_TEXT} characters" for name in too_long]

    def explain(self, row: Row, *, user_shown: str | None = None) -> str:
        """
        Return the truth of each part of the rule for a row, with the values of the fields in it, cut to a
        length that fits into a log.

        :param user_shown: what to say instead of the user's name; None = the name.
        """
        missing = self.missing_in(row)
        if missing:
            return f"no match, because the row has no {' and no '.join(missing)}"
        values = self._values(row)
        told = {name: getattr(row, name, value) for name, value in values.items()}
        if user_shown is not None:
            told["user"] = user_shown
        parts = []
        for node in checks.parts(self._root):
            fields = sorted({one.name for one in checks.walk(node) if checks.kind(one) == "SymbolExpression"})
            shown = ", ".join(f"{name} = {checks.shown(told[name])}" for name in fields)
            truth = "true" if node.evaluate(values) else "false"
            parts.append(f"{checks.rendered(node)}{f' ({shown})' if shown else ''}: {truth}")
        text = "; ".join(parts)
        return text if len(text) <= LONGEST_EXPLANATION else f"{text[: LONGEST_EXPLANATION - 3]}..."

    def _values(self, row: Row) -> dict[str, Any]:
        for name in self._levels:
            if getattr(row, name) is None:
                raise ConfigurationError(
                    f"The rule {self.text!r} names {name}, which a row does not have.",
                    remedy="Put RiskMapLevelsOperator before this task.",
                )
        return {name: value_of(row) for name, value_of in self._values_of}


@lru_cache(maxsize=2)
def _context(*, typed: bool) -> Any:
    # Imported late: it costs half a second, which every reader of a DAG file would pay.
    import rule_engine

    if not typed:
        return rule_engine.Context()
    types = {
        **dict.fromkeys(checks.TEXTS, rule_engine.DataType.STRING),
        **dict.fromkeys(checks.NUMBERS, rule_engine.DataType.FLOAT),
        **dict.fromkeys(checks.FLAGS, rule_engine.DataType.BOOLEAN),
    }
    return rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(types), regex_flags=re.IGNORECASE
    )


def _engine_tree(text: str) -> Any:
    from rule_engine import Rule as EngineRule
    from rule_engine import errors

    try:
        return EngineRule(text, context=_context(typed=True)).statement.expression
    except errors.SymbolResolutionError as error:
        name = error.symbol_name
        raise RuleError(
            f"{name} is not a field of a row.",
            rule=text,
            position=checks.position_of(text, name),
            suggestion=checks.close(name, FIELDS),
            remedy=f"The fields are {', '.join(FIELDS)}.",
        ) from None
    except errors.AttributeResolutionError as error:
        name = error.attribute_name
        owner = checks.type_words(getattr(error.object, "name", "STRING"))
        raise RuleError(
            f"{name} is not something that {owner} can do.",
            rule=text,
            position=checks.position_of(text, name),
            suggestion=checks.close(name, checks.ATTRIBUTES) if owner == "a text" else None,
            remedy=f"A text can do {', '.join(checks.ATTRIBUTES)}.",
        ) from None
    except errors.RuleSyntaxError as error:
        token = error.token
        position = len(text) if token is None else token.lexpos
        raise RuleError("The rule cannot be read from here on.", rule=text, position=position) from None
    except errors.EngineError as error:
        position = position_of_mismatch(list(tokens_of(text)))
        raise _mismatch(text) or RuleError(
            f"The rule cannot be used: {error.message}.", rule=text, position=position
        ) from None
    except RecursionError:
        raise RuleError("The rule is nested too deep.", rule=text) from None


def _mismatch(text: str) -> RuleError | None:
    from rule_engine import Rule as EngineRule
    from rule_engine import errors

    try:
        tree = EngineRule(text, context=_context(typed=False)).statement.expression
    except errors.EngineError:
        return None
    return checks.find_mismatch(tree, text)


def _fold(root: Any) -> None:
    """Make all text lower case, like the values it is compared with; patterns ignore case anyway."""
    nodes = list(checks.walk(root))
    patterns = {id(node.right) for node in nodes if checks.kind(node) == "FuzzyComparisonExpression"}
    for node in nodes:
        if checks.kind(node) == "StringExpression" and id(node) not in patterns:
            node.value = fold(node.value)
