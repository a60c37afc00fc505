# SPDX-License-Identifier: Apache-2.0
"""What the parsed form of a rule may be made of: the fields, their types and the engine's nodes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS
from airflow_provider_okta_ure.core.rule_patterns import LONGEST_TEXT
from airflow_provider_okta_ure.errors import RuleError

DEEPEST_RULE = 40
"""How many operators may stand inside each other; a chain of the same and/or counts once."""

TEXTS = ("user", "source", "score_level", "risk_level", "previous_risk_level")
NUMBERS = ("score", "previous_score")
FLAGS = ("provisional", "has_score", "has_previous_score")
LEVELS = {"score_level": SCORE_LEVELS, "risk_level": RISK_LEVELS, "previous_risk_level": RISK_LEVELS}
NULLABLE = (*NUMBERS, "source")
FIELDS = (*TEXTS, *NUMBERS, *FLAGS)

ATTRIBUTES = ("starts_with", "ends_with", "length", "is_empty")

_LITERALS = ("StringExpression", "FloatExpression", "BooleanExpression")

# Which parts of rule-engine's language a rule may use, with the attributes that hold their operands. What
# is not here is refused, so that a new release of the engine cannot add a loop behind our back.
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

_BRACKETED = (
    "LogicExpression",
    "ComparisonExpression",
    "ArithmeticComparisonExpression",
    "FuzzyComparisonExpression",
    "ContainsExpression",
)
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


_REFUSED = {"GetItemExpression": "an index", "GetSliceExpression": "a slice"}
_TYPES = {
    "STRING": "a text",
    "FLOAT": "a number",
    "BOOLEAN": "true or false",
    "ARRAY": "a list",
    "FUNCTION": "a call that lacks its ()",
}


def check_tree(root: Any, text: str) -> None:
    """
    Refuse what the engine would accept and a rule may not do.

    :param root: the engine's tree.
    :param text: the rule it was made from.
    """
    _check(root, text, 0)
    if root.result_type.name != "BOOLEAN":
        raise RuleError(
            f"The rule is {_type_of(root)}, not true or false.",
            rule=text,
            remedy="Compare something, for example score <= 500.",
        )


def _check(node: Any, text: str, depth: int) -> None:
    name = kind(node)
    if depth > DEEPEST_RULE:
        raise RuleError(f"The rule is nested deeper than {DEEPEST_RULE} levels.", rule=text)
    if name not in _OPERANDS:
        what = _REFUSED.get(name, f"what the engine calls {name}")
        raise RuleError(f"A rule may not use {what}.", rule=text)
    for child in children(node):
        is_chain = name == kind(child) == "LogicExpression" and node.type == child.type
        _check(child, text, depth if is_chain else depth + 1)
    # After the operands, so that a check finds only nodes that are allowed.
    check = _CHECKS.get(name)
    if check is not None:
        check(node, text)


def _check_logic(node: Any, text: str) -> None:
    for operand in (node.left, node.right):
        _check_truth(operand, node.type, text)


def _check_unary(node: Any, text: str) -> None:
    if node.type == "not":
        _check_truth(node.right, "not", text)
    elif node.right.result_type.name != "FLOAT":
        raise RuleError(
            f"{rendered(node.right)} is {_type_of(node.right)}, which has no negative.",
            rule=text,
            position=_position(text, node.right),
        )


def _check_truth(node: Any, operator: str, text: str) -> None:
    if node.result_type.name != "BOOLEAN":
        raise RuleError(
            f"{operator} needs true or false, and {rendered(node)} is {_type_of(node)}.",
            rule=text,
            position=_position_of_operand(text, node),
            remedy="Compare it with something.",
        )


def _check_comparison(node: Any, text: str) -> None:
    left, right = node.left, node.right
    if left.result_type.name != right.result_type.name:
        raise _unlike(left, right, text)
    for field, literal in ((left, right), (right, left)):
        _check_level(field, literal, text)


def _check_order(node: Any, text: str) -> None:
    _check_comparison(node, text)
    for operand in (node.left, node.right):
        if kind(operand) == "SymbolExpression" and operand.name in LEVELS:
            raise RuleError(
                f"{operand.name} is a text, and texts are ordered by the alphabet.",
                rule=text,
                position=_position(text, operand),
                remedy=f'Name the levels: {operand.name} in ["{LEVELS[operand.name][1]}", '
                f'"{LEVELS[operand.name][2]}"].',
            )


def _check_contains(node: Any, text: str) -> None:
    member, container = node.member, node.container
    if kind(container) == "ArrayExpression":
        for one in container.value:
            if one.result_type.name != member.result_type.name:
                raise _unlike(member, one, text)
            _check_level(member, one, text)
    elif (member.result_type.name, container.result_type.name) != ("STRING", "STRING"):
        raise _unlike(member, container, text)


def _check_pattern(node: Any, text: str) -> None:
    # The pattern itself was checked in the text, before the engine could run it.
    if kind(node.right) != "StringExpression":
        raise RuleError("A regular expression must be written in the rule, in quotes.", rule=text)
    if not all(map(_has_a_bounded_length, walk(node.left))):
        raise RuleError(
            f"A regular expression is matched against a field, and not against {rendered(node.left)}.",
            rule=text,
        )


def _has_a_bounded_length(node: Any) -> bool:
    if kind(node) == "StringExpression":
        return len(node.value) <= LONGEST_TEXT
    return kind(node) in ("SymbolExpression", "CoalesceExpression")


def _check_call(node: Any, text: str) -> None:
    if kind(node.function) != "GetAttributeExpression":
        raise RuleError(
            "A rule may not call functions.", rule=text, remedy="A text can do starts_with and ends_with."
        )


def _check_attribute(node: Any, text: str) -> None:
    if node.name not in ATTRIBUTES or node.object.result_type.name != "STRING":
        raise RuleError(
            f"A rule may not use {node.name} of {_type_of(node.object)}.",
            rule=text,
            position=position_of(text, node.name),
            suggestion=close(node.name, ATTRIBUTES),
            remedy=f"A text can do {', '.join(ATTRIBUTES)}, and is compared without regard to case anyway.",
        )


_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "LogicExpression": _check_logic,
    "UnaryExpression": _check_unary,
    "ComparisonExpression": _check_comparison,
    "ArithmeticComparisonExpression": _check_order,
    "ContainsExpression": _check_contains,
    "FuzzyComparisonExpression": _check_pattern,
    "FunctionCallExpression": _check_call,
    "GetAttributeExpression": _check_attribute,
}


_SAME_TYPES = {
    "ComparisonExpression",
    "ArithmeticComparisonExpression",
    "CoalesceExpression",
    "AddExpression",
    "SubtractExpression",
}


def find_mismatch(root: Any, text: str) -> RuleError | None:
    """
    Return what is wrong in a tree that was built without the types of the fields, if two types clash.

    The engine says only that there is a mismatch, not between what.
    """
    for node in walk(root):
        if kind(node) == "ContainsExpression":
            left, right = node.member, node.container
        elif kind(node) in _SAME_TYPES:
            left, right = node.left, node.right
        else:
            continue
        types = {_type_name(left), _type_name(right)}
        if len(types) > 1 and not types & {"UNDEFINED", "ARRAY"}:
            return _unlike(left, right, text)
    return None


def _type_name(node: Any) -> str:
    if kind(node) == "SymbolExpression" and node.name in FIELDS:
        return "FLOAT" if node.name in NUMBERS else "STRING" if node.name in TEXTS else "BOOLEAN"
    return str(node.result_type.name)


def _type_of(node: Any) -> str:
    return type_words(_type_name(node))


def type_words(name: str) -> str:
    """Return the engine's name of a type in words."""
    return _TYPES.get(name, name.lower())


def _check_level(field: Any, literal: Any, text: str) -> None:
    levels = _levels_of(field)
    if levels is None:
        return
    if kind(literal) == "SymbolExpression" and _levels_of(literal) != levels:
        # "high" is a band of scores on one scale and the riskiest level on the other: one word, two meanings.
        raise RuleError(
            f"{field.name} and {literal.name} are not on the same scale, so comparing them says nothing.",
            rule=text,
            position=_position(text, literal, beside=field),
            remedy=f"Compare {field.name} with {', '.join(levels)}.",
        )
    if kind(literal) != "StringExpression" or literal.value.casefold() in levels:
        return
    raise RuleError(
        f"{literal.value!r} is not a value of {field.name}.",
        rule=text,
        position=_position(text, literal, beside=field),
        suggestion=close(literal.value.casefold(), levels),
        remedy=f"The values are {', '.join(levels)}.",
    )


def _levels_of(node: Any) -> tuple[str, ...] | None:
    return LEVELS.get(node.name) if kind(node) == "SymbolExpression" else None


def _unlike(left: Any, right: Any, text: str) -> RuleError:
    anchor, other = (right, left) if kind(right) in _LITERALS else (left, right)
    return RuleError(
        f"{rendered(left)} is {_type_of(left)} and {rendered(right)} is {_type_of(right)}, "
        "so they are never alike.",
        rule=text,
        position=_position(text, anchor, beside=other),
    )


def kind(node: Any) -> str:
    """Return the engine's name for what a node is."""
    return type(node).__name__


def children(node: Any) -> Iterator[Any]:
    """Yield the operands of a node."""
    for name in _OPERANDS.get(kind(node), ()):
        value = getattr(node, name)
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def walk(node: Any) -> Iterator[Any]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def parts(node: Any) -> Iterator[Any]:
    """Yield what and/or connect at the top of a rule."""
    if kind(node) == "LogicExpression":
        yield from parts(node.left)
        yield from parts(node.right)
    else:
        yield node


_FORMS: dict[str, Callable[[Any], str]] = {
    "ArrayExpression": lambda node: f"[{_listed(node.value)}]",
    "ContainsExpression": lambda node: f"{_bracketed(node.member)} in {_bracketed(node.container)}",
    "UnaryExpression": lambda node: f"{'not ' if node.type == 'not' else '-'}{_bracketed(node.right)}",
    "CoalesceExpression": lambda node: f"({rendered(node.left)} ?? {rendered(node.right)})",
    "GetAttributeExpression": lambda node: f"{rendered(node.object)}.{node.name}",
    "FunctionCallExpression": lambda node: f"{rendered(node.function)}({_listed(node.arguments)})",
}


def _listed(nodes: Iterable[Any]) -> str:
    return ", ".join(map(rendered, nodes))


def rendered(node: Any) -> str:
    """Return a node as a person would write it."""
    name = kind(node)
    if name == "SymbolExpression":
        return str(node.name)
    if name in _LITERALS:
        return shown(node.value)
    form = _FORMS.get(name)
    if form is not None:
        return form(node)
    return f"{_bracketed(node.left)} {_SYMBOLS.get(node.type, node.type)} {_bracketed(node.right)}"


def _bracketed(node: Any) -> str:
    return f"({rendered(node)})" if kind(node) in _BRACKETED else rendered(node)


def shown(value: object) -> str:
    """Return a value as a person would write it in a rule."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _position(text: str, node: Any, beside: Any = None) -> int | None:
    """Return where a node is written, preferably close to the node that it is compared with."""
    found = [one.start() for one in re.finditer(_written(node), text, re.IGNORECASE)]
    anchors = [] if beside is None else [one.start() for one in re.finditer(_written(beside), text)]
    if not anchors:
        return found[0] if found else None
    return min(found, key=lambda start: min((start < one, abs(start - one)) for one in anchors), default=None)


def _position_of_operand(text: str, node: Any) -> int | None:
    """Return where a node is an operand of and, or, not, and not of a comparison."""
    alone = rf"(?:^|\band|\bor|\bnot|\()\s*(?P<it>{_written(node)})\s*(?:$|and\b|or\b|\))"
    found = re.search(alone, _outside_texts(text), re.IGNORECASE)
    return found.start("it") if found else _position(text, node)


def _outside_texts(text: str) -> str:
    """Return a rule with what is in quotes blanked out, so that a word is not found there."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', lambda one: " " * len(one.group()), text)


def _written(node: Any) -> str:
    """Return a regular expression that finds a node in the text of its rule."""
    if kind(node) == "StringExpression":
        return f"[\"']{re.escape(node.value)}[\"']"
    return rf"(?<![\w.\"']){re.escape(rendered(node))}(?![\w\"'])"


def position_of(text: str, word: str) -> int | None:
    """Return where a word is written first."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", _outside_texts(text))
    return found.start() if found else None


def close(name: str, names: tuple[str, ...]) -> str | None:
    """Return the name that was probably meant."""
    return next(iter(difflib.get_close_matches(name.lower(), names, n=1)), None)
