r"""
The SCIM-like expressions of ``search`` and ``filter``: a tokenizer, a recursive descent parser, an evaluator.

Grammar (operators in any letter case, attribute names as they are)::

    either  = all ("or" all)*
    all     = single ("and" single)*
    single  = "not" single | "(" either ")" | attribute "pr" | attribute operator value
    value   = "\"" ... "\"" | number | true | false | null
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import iso_milliseconds, parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"]+))""", re.DOTALL
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MAX_DEPTH = 50

OPERATORS = frozenset(("eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"))


class ExpressionError(ValueError):
    """An expression that cannot be read, or says what this endpoint does not support."""


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison; ``value`` is None for ``pr``."""

    attribute: str
    operator: str
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Every:
    """True when all its parts are."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True when one of its parts is."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """True when its part is not."""

    part: Node


Node = Compare | Every | Some | Negated


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    What an endpoint understands.

    :param operators_of: returns the operators an attribute takes; empty for an unknown attribute.
    :param case_sensitive: whether values are compared by letter case.
    :param allows_not: whether ``not`` exists.
    :param dates: attributes that hold times, which are compared as times.
    :param max_terms: how many comparisons one expression may have.
    """

    operators_of: Callable[[str], frozenset[str]]
    case_sensitive: bool = False
    allows_not: bool = False
    dates: frozenset[str] = frozenset()
    max_terms: int = 1_000_000


def parse(text: str, dialect: Dialect) -> Node:
    """
    Return the tree of an expression.

    :raises ExpressionError: saying what is wrong with it.
    """
    parser = _Parser(_tokens(text), dialect)
    node = parser.either(0)
    parser.expect_end()
    return node


def evaluate(node: Node, dialect: Dialect, values_of: Callable[[str], list[Any]]) -> bool:
    """Return whether a thing matches; ``values_of`` returns an attribute's values (several in an array)."""
    if isinstance(node, Compare):
        return any(_holds(node, dialect, value) for value in values_of(node.attribute)) or (
            node.operator == "ne" and not values_of(node.attribute)
        )
    if isinstance(node, Every):
        return all(evaluate(part, dialect, values_of) for part in node.parts)
    if isinstance(node, Some):
        return any(evaluate(part, dialect, values_of) for part in node.parts)
    return not evaluate(node.part, dialect, values_of)


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], dialect: Dialect) -> None:
        self._tokens = tokens
        self._place = 0
        self._dialect = dialect
        self._terms = 0

    def either(self, depth: int) -> Node:
        parts = [self._all(depth)]
        while self._take_word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def expect_end(self) -> None:
        if self._place < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._place][1]!r}")

    def _all(self, depth: int) -> Node:
        parts = [self._single(depth)]
        while self._take_word("and"):
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _single(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ExpressionError("nested too deeply")
        kind, text = self._next("an attribute")
        if kind == "open":
            node = self.either(depth + 1)
            if self._next("')'")[0] != "close":
                raise ExpressionError("')' expected")
            return node
        if kind != "word":
            raise ExpressionError(f"attribute expected, not {text!r}")
        if text.lower() == "not":
            if not self._dialect.allows_not:
                raise ExpressionError("operator 'not' is not supported")
            return Negated(self._single(depth + 1))
        return self._comparison(text)

    def _comparison(self, attribute: str) -> Node:
        self._terms += 1
        if self._terms > self._dialect.max_terms:
            raise ExpressionError("too many terms")
        known = self._dialect.operators_of(attribute)
        if not known:
            raise ExpressionError(f"attribute {attribute!r} is not supported")
        kind, text = self._next("an operator")
        operator = text.lower()
        if kind != "word" or operator not in OPERATORS:
            raise ExpressionError(f"unknown operator {text!r}")
        if operator not in known:
            raise ExpressionError(f"operator {operator!r} is not supported for {attribute!r}")
        value = None if operator == "pr" else self._value(attribute)
        return Compare(attribute, operator, value)

    def _value(self, attribute: str) -> str | float | bool | None:
        kind, text = self._next("a value")
        value: str | float | bool | None
        if kind == "string":
            value = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        elif kind == "word" and text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        elif kind == "word" and _NUMBER.fullmatch(text):
            value = float(text)
        else:
            raise ExpressionError(f"value expected, not {text!r}")
        return _comparable_time(str(value)) if attribute in self._dialect.dates else value

    def _next(self, expected: str) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise ExpressionError(f"{expected} expected at the end")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take_word(self, word: str) -> bool:
        if self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if kind == "word" and text.lower() == word:
                self._place += 1
                return True
        return False


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    place = 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(f"cannot read {text[place : place + 20]!r}")
        tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    if not tokens:
        raise ExpressionError("empty expression")
    return tokens


def _holds(node: Compare, dialect: Dialect, actual: Any) -> bool:
    if node.operator == "pr":
        return actual not in (None, "", [])
    if actual is None:
        return (node.value is None) == (node.operator == "eq") and node.operator in ("eq", "ne")
    wanted = node.value
    if node.attribute in dialect.dates:
        actual = _comparable_time(str(actual))
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return _compare(node.operator, str(actual).lower(), str(wanted).lower())
    if isinstance(actual, int | float) and isinstance(wanted, int | float):
        return _compare(node.operator, actual, wanted)
    left, right = str(actual), _as_text(wanted)
    if not dialect.case_sensitive:
        left, right = left.lower(), right.lower()
    return _compare(node.operator, left, right)


def _compare(operator: str, left: Any, right: Any) -> bool:
    return bool(_COMPARISONS[operator](left, right))


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "co": lambda left, right: str(right) in str(left),
    "sw": lambda left, right: str(left).startswith(str(right)),
    "ew": lambda left, right: str(left).endswith(str(right)),
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


def _as_text(value: str | float | None) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _comparable_time(text: str) -> str:
    try:
        return iso_milliseconds(parse_iso(text))
    except ValueError as error:
        raise ExpressionError(f"{text!r} is not a time") from error
