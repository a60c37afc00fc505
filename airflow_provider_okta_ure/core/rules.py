# SPDX-License-Identifier: Apache-2.0
"""Business rules: a boolean expression over one user's row, parsed and type-checked before the first row is read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS
from airflow_provider_okta_ure.core.rule_patterns import UnfitPattern, compile_pattern
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row

LONGEST_RULE = 2_000
DEEPEST_RULE = 40

_TEXTS = ("user", "source", "score_level", "risk_level", "previous_risk_level")
_NUMBERS = ("score", "previous_score")
_FLAGS = ("provisional", "has_score", "has_previous_score")
_LEVELS = {"score_level": SCORE_LEVELS, "risk_level": RISK_LEVELS, "previous_risk_level": RISK_LEVELS}
_NULLABLE = (*_NUMBERS, "source")
FIELDS = (*_TEXTS, *_NUMBERS, *_FLAGS)

_ATTRIBUTES = ("starts_with", "ends_with", "length", "is_empty")

_LITERALS = ("StringExpression", "FloatExpression", "BooleanExpression")

# Which parts of rule-engine's language a rule may use, with the attributes that hold their operands. What is not
# here is refused, so that a new release of the engine cannot add a loop behind our back.
_OPERANDS: dict[str, tuple[str, ...]] = {
    "LogicExpression": ("left", "right"),
    "ComparisonExpression": ("left", "right"),
    "ArithmeticComparisonExpression": ("left", "right"),
    "FuzzyComparisonExpression": ("left", "right"),
    "ContainsExpression": ("member", "container"),
    "ArrayExpression": ("value",),
    "UnaryExpression": ("right",),
    "CoalesceExpression": ("left", "right"),
    "AddExpression": ("left", "right"),
    "SubtractExpression": ("left", "right"),
    "FunctionCallExpression": ("function", "arguments"),
    "GetAttributeExpression": ("object",),
    "SymbolExpression": (),
    **dict.fromkeys(_LITERALS, ()),
}

_REFUSED = {
    "ComprehensionExpression": "a comprehension",
    "TernaryExpression": "a ternary",
    "NullExpression": "null",
    "GetItemExpression": "an index",
    "GetSliceExpression": "a slice",
    "DatetimeExpression": "a date",
    "MultiplyExpression": "a multiplication",
}

_SYMBOLS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq_fzm": "=~",
    "eq_fzs": "=~~",
    "ne_fzm": "!~",
    "ne_fzs": "!~~",
    "and": "and",
    "or": "or",
    "add": "+",
    "sub": "-",
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
        nodes = list(_walk(root))
        self.fields = frozenset(node.name for node in nodes if _kind(node) == "SymbolExpression")
        defaulted = {id(node.left) for node in nodes if _kind(node) == "CoalesceExpression"}
        self._required = sorted(
            {
                node.name
                for node in nodes
                if _kind(node) == "SymbolExpression" and node.name in _NULLABLE and id(node) not in defaulted
            }
        )
        self._levels = sorted(self.fields.intersection(_LEVELS))

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
        if not isinstance(text, str) or not text.strip():
            raise RuleError("The rule is empty.", rule=str(text), remedy="Write true to match every row.")
        if len(text) > LONGEST_RULE:
            raise RuleError(
                f"The rule has {len(text)} characters; at most {LONGEST_RULE} are allowed.",
                rule=text[:60] + "...",
            )
        root = _engine_rule(text).statement.expression
        _check(root, text, 0)
        if root.result_type.name != "BOOLEAN":
            raise RuleError(
                "The rule is not true or false.",
                rule=text,
                remedy="Compare something, for example score <= 500.",
            )
        _fold(root)
        return cls(text, root)

    def matches(self, row: Row) -> bool:
        """
        Whether the rule is true for a row.

        :raises ConfigurationError: the rule names a level and no task has mapped the row to levels.
        """
        for name in self._required:
            if getattr(row, name) is None:
                return False
        return bool(self._root.evaluate(self._values(row)))

    def explain(self, row: Row) -> str:
        """Return the truth of each part of the rule for a row, with the values of the fields in it."""
        missing = [name for name in self._required if getattr(row, name) is None]
        if missing:
            return f"no match, because the row has no {' and no '.join(missing)}"
        values = self._values(row)
        parts = []
        for node in _parts(self._root):
            fields = sorted({one.name for one in _walk(node) if _kind(one) == "SymbolExpression"})
            shown = ", ".join(f"{name} = {_shown(getattr(row, name, values[name]))}" for name in fields)
            truth = "true" if node.evaluate(values) else "false"
            parts.append(f"{_rendered(node)}{f' ({shown})' if shown else ''}: {truth}")
        return "; ".join(parts)

    def _values(self, row: Row) -> dict[str, Any]:
        for name in self._levels:
            if getattr(row, name) is None:
                raise ConfigurationError(
                    f"The rule {self.text!r} names {name}, which the row of {row.user} does not have.",
                    remedy="Put RiskMapLevelsOperator before this task.",
                )
        return {
            "user": row.user.casefold(),
            "source": None if row.source is None else row.source.casefold(),
            "score_level": row.score_level,
            "risk_level": row.risk_level,
            "previous_risk_level": row.previous_risk_level,
            "score": row.score,
            "previous_score": row.previous_score,
            "provisional": row.provisional,
            "has_score": row.score is not None,
            "has_previous_score": row.previous_score is not None,
        }


@lru_cache(maxsize=1)
def _context() -> Any:
    # Imported late: it costs half a second, which every reader of a DAG file would pay.
    import rule_engine

    types = {
        **dict.fromkeys(_TEXTS, rule_engine.DataType.STRING),
        **dict.fromkeys(_NUMBERS, rule_engine.DataType.FLOAT),
        **dict.fromkeys(_FLAGS, rule_engine.DataType.BOOLEAN),
    }
    return rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(types), regex_flags=re.IGNORECASE
    )


def _engine_rule(text: str) -> Any:
    from rule_engine import Rule as EngineRule
    from rule_engine import errors

    try:
        return EngineRule(text, context=_context())
    except errors.SymbolResolutionError as error:
        name = error.symbol_name
        raise RuleError(
            f"{name} is not a field of a row.",
            rule=text,
            position=_position(text, name),
            suggestion=_close(name, FIELDS),
            remedy=f"The fields are {', '.join(FIELDS)}.",
        ) from None
    except errors.AttributeResolutionError as error:
        name = error.attribute_name
        raise RuleError(
            f"{name} is not something that a text can do.",
            rule=text,
            position=_position(text, name),
            suggestion=_close(name, _ATTRIBUTES),
            remedy=f"It can do {', '.join(_ATTRIBUTES)}.",
        ) from None
    except errors.RuleSyntaxError as error:
        token = error.token
        position = len(text) if token is None else token.lexpos
        raise RuleError("The rule cannot be read from here on.", rule=text, position=position) from None
    except errors.EngineError as error:
        raise RuleError(f"The rule makes no sense: {error.message}.", rule=text) from None
    except RecursionError:
        raise RuleError("The rule is nested too deep.", rule=text) from None


def _check(node: Any, text: str, depth: int) -> None:
    kind = _kind(node)
    if depth > DEEPEST_RULE:
        raise RuleError(f"The rule is nested deeper than {DEEPEST_RULE} levels.", rule=text)
    if kind not in _OPERANDS:
        what = _REFUSED.get(kind, f"what the engine calls {kind}")
        remedy = "Use has_score or has_previous_score." if kind == "NullExpression" else ""
        raise RuleError(f"A rule may not use {what}.", rule=text, remedy=remedy)
    for child in _children(node):
        _check(child, text, depth + 1)
    # After the operands, so that a check finds only nodes that are allowed.
    check = _CHECKS.get(kind)
    if check is not None:
        check(node, text)


def _check_comparison(node: Any, text: str) -> None:
    left, right = node.left.result_type.name, node.right.result_type.name
    if left != right:
        raise _unlike(node.left, node.right, text)
    for field, literal in ((node.left, node.right), (node.right, node.left)):
        _check_level(field, literal, text)


def _check_contains(node: Any, text: str) -> None:
    if _kind(node.container) == "ArrayExpression":
        for member in node.container.value:
            if member.result_type.name != node.member.result_type.name:
                raise _unlike(node.member, member, text)
            _check_level(node.member, member, text)
    elif (node.member.result_type.name, node.container.result_type.name) != ("STRING", "STRING"):
        raise _unlike(node.member, node.container, text)


def _check_pattern(node: Any, text: str) -> None:
    if _kind(node.right) != "StringExpression":
        raise RuleError("A regular expression must be written in the rule, in quotes.", rule=text)
    pattern = node.right.value
    try:
        compile_pattern(pattern, search=node.type.endswith("fzs"))
    except UnfitPattern as error:
        start = _position(text, pattern)
        position = None if start is None else start + (error.position or 0)
        raise RuleError(f"The regular expression {error.problem}.", rule=text, position=position) from None


def _check_call(node: Any, text: str) -> None:
    if _kind(node.function) != "GetAttributeExpression":
        raise RuleError(
            "A rule may not call functions.", rule=text, remedy="A text can do starts_with and ends_with."
        )


def _check_attribute(node: Any, text: str) -> None:
    if node.name not in _ATTRIBUTES:
        raise RuleError(
            f"A rule may not use {node.name}.",
            rule=text,
            position=_position(text, node.name),
            suggestion=_close(node.name, _ATTRIBUTES),
            remedy="Text is compared without regard to case anyway.",
        )


def _check_symbol(node: Any, text: str) -> None:
    if node.scope is not None:
        raise RuleError(f"A rule may not use ${node.name}.", rule=text, position=_position(text, node.name))


_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "ComparisonExpression": _check_comparison,
    "ArithmeticComparisonExpression": _check_comparison,
    "ContainsExpression": _check_contains,
    "FuzzyComparisonExpression": _check_pattern,
    "FunctionCallExpression": _check_call,
    "GetAttributeExpression": _check_attribute,
    "SymbolExpression": _check_symbol,
}


def _check_level(field: Any, literal: Any, text: str) -> None:
    levels = _LEVELS.get(getattr(field, "name", "")) if _kind(field) == "SymbolExpression" else None
    if levels is None or _kind(literal) != "StringExpression" or literal.value.casefold() in levels:
        return
    raise RuleError(
        f"{literal.value!r} is not a value of {field.name}.",
        rule=text,
        position=_position(text, literal.value),
        suggestion=_close(literal.value.casefold(), levels),
        remedy=f"The values are {', '.join(levels)}.",
    )


def _unlike(left: Any, right: Any, text: str) -> RuleError:
    names = {"STRING": "a text", "FLOAT": "a number", "BOOLEAN": "true or false", "ARRAY": "a list"}
    kinds = [names.get(one.result_type.name, one.result_type.name.lower()) for one in (left, right)]
    anchor = right if _kind(right) in _LITERALS else left
    return RuleError(
        f"{_rendered(left)} is {kinds[0]} and {_rendered(right)} is {kinds[1]}, so they are never alike.",
        rule=text,
        position=_position(text, _rendered(anchor)),
    )


def _fold(root: Any) -> None:
    """Make all text in a rule lower case, like the values it is compared with; patterns ignore case anyway."""
    nodes = list(_walk(root))
    patterns = {id(node.right) for node in nodes if _kind(node) == "FuzzyComparisonExpression"}
    for node in nodes:
        if _kind(node) == "StringExpression" and id(node) not in patterns:
            node.value = node.value.casefold()


def _kind(node: Any) -> str:
    return type(node).__name__


def _children(node: Any) -> Iterator[Any]:
    for name in _OPERANDS[_kind(node)]:
        value = getattr(node, name)
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _walk(child)


def _parts(node: Any) -> Iterator[Any]:
    if _kind(node) == "LogicExpression":
        yield from _parts(node.left)
        yield from _parts(node.right)
    else:
        yield node


def _rendered(node: Any) -> str:
    kind = _kind(node)
    if kind == "SymbolExpression":
        return str(node.name)
    if kind in _LITERALS:
        return _shown(node.value)
    if kind == "ArrayExpression":
        return f"[{', '.join(map(_rendered, node.value))}]"
    if kind == "ContainsExpression":
        return f"{_rendered(node.member)} in {_rendered(node.container)}"
    if kind == "UnaryExpression":
        return f"{'not ' if node.type == 'not' else '-'}{_bracketed(node.right)}"
    if kind == "CoalesceExpression":
        return f"({_rendered(node.left)} ?? {_rendered(node.right)})"
    if kind == "GetAttributeExpression":
        return f"{_rendered(node.object)}.{node.name}"
    if kind == "FunctionCallExpression":
        return f"{_rendered(node.function)}({', '.join(map(_rendered, node.arguments))})"
    return f"{_bracketed(node.left)} {_SYMBOLS.get(node.type, node.type)} {_bracketed(node.right)}"


def _bracketed(node: Any) -> str:
    return f"({_rendered(node)})" if _kind(node) == "LogicExpression" else _rendered(node)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _position(text: str, part: str) -> int | None:
    found = re.search(rf"(?<!\w){re.escape(part)}", text, re.IGNORECASE)
    return found.start() if found else None


def _close(name: str, names: tuple[str, ...]) -> str | None:
    return next(iter(difflib.get_close_matches(name, names, n=1)), None)
