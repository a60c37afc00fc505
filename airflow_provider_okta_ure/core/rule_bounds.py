# SPDX-License-Identifier: Apache-2.0
"""The highest score that a rule can match, read from its syntax tree, without any row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from airflow_provider_okta_ure.core import rule_checks as checks
from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE, LOWEST_SCORE

NONE = LOWEST_SCORE - 1
"""Below every score: nothing can match."""

_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}


def highest_match(node: Any, *, truth: bool = True) -> int:
    """
    Return a score above which a part of a rule never has a truth value, whatever else a row holds.

    The highest score of all means that no bound is known: it is always right, and never too low.

    :param node: a node of a tree that :mod:`rule_checks` has accepted.
    :param truth: the value that is asked about.
    """
    bound = _BOUNDS.get(checks.kind(node))
    return HIGHEST_SCORE if bound is None else bound(node, truth)


def _of_logic(node: Any, truth: bool) -> int:
    both = [highest_match(one, truth=truth) for one in (node.left, node.right)]
    # a and b is false when one of them is; a or b is false when both are.
    return min(both) if (node.type == "and") is truth else max(both)


def _of_unary(node: Any, truth: bool) -> int:
    return highest_match(node.right, truth=not truth) if node.type == "not" else HIGHEST_SCORE


def _of_comparison(node: Any, truth: bool) -> int:
    operator = node.type
    if _is_score(node.left):
        number = _number(node.right)
    elif _is_score(node.right):
        number, operator = _number(node.left), _MIRRORED[operator]
    else:
        return HIGHEST_SCORE
    if number is None:
        return HIGHEST_SCORE
    operator = operator if truth else _OPPOSITE[operator]
    if operator in ("le", "eq"):
        return _clamped(math.floor(number))
    return _clamped(math.ceil(number) - 1) if operator == "lt" else HIGHEST_SCORE


def _of_list(node: Any, truth: bool) -> int:
    if not truth or not _is_score(node.member) or checks.kind(node.container) != "ArrayExpression":
        return HIGHEST_SCORE
    numbers = [_number(one) for one in node.container.value]
    known = [one for one in numbers if one is not None]
    return _clamped(math.floor(max(known, default=NONE))) if len(known) == len(numbers) else HIGHEST_SCORE


def _of_literal(node: Any, truth: bool) -> int:
    return HIGHEST_SCORE if node.value is truth else NONE


def _is_score(node: Any) -> bool:
    return checks.kind(node) == "SymbolExpression" and node.name == "score"


def _number(node: Any) -> Any:
    """Return the value of a number that is written in the rule."""
    if checks.kind(node) == "UnaryExpression" and node.type != "not":
        inner = _number(node.right)
        return None if inner is None else -inner
    return node.value if checks.kind(node) == "FloatExpression" else None


def _clamped(score: int) -> int:
    return max(NONE, min(HIGHEST_SCORE, score))


_BOUNDS: dict[str, Callable[[Any, bool], int]] = {
    "LogicExpression": _of_logic,
    "UnaryExpression": _of_unary,
    "ComparisonExpression": _of_comparison,
    "ArithmeticComparisonExpression": _of_comparison,
    "ContainsExpression": _of_list,
    "BooleanExpression": _of_literal,
}
