# SPDX-License-Identifier: Apache-2.0
"""
Which regular expressions a rule may use: only those that stay fast on every user name.

Python's matcher tries every way to split a text among the repeats of a pattern. Two repeats that can take the
same character, one inside the other, make the number of ways grow exponentially. So the parsed pattern is
measured first: the steps that a name of 320 characters can cost must stay near the square of its length.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

LONGEST_PATTERN = 200
"""The longest regular expression, in characters."""

_LONGEST_TEXT = 320
_MOST_STEPS = 4 * (_LONGEST_TEXT + 1) ** 2

_Node: TypeAlias = "tuple[Any, Any]"
_Chars: TypeAlias = "frozenset[str]"

_NOTHING: _Chars = frozenset()
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_REFUSED = {
    "ASSERT": "looks ahead or behind",
    "ASSERT_NOT": "looks ahead or behind",
    "GROUPREF": "refers back to a group",
    "GROUPREF_EXISTS": "refers back to a group",
}
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


class UnfitPattern(Exception):  # noqa: N818 - it never leaves the rules: they turn it into a RuleError
    """
    The pattern cannot be used.

    :param problem: what is wrong with it, to follow "the pattern ...".
    :param position: where in the pattern, counted from 0; None = as a whole.
    """

    def __init__(self, problem: str, position: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.position = position


def compile_pattern(pattern: str, *, search: bool) -> re.Pattern[str]:
    """
    Return the compiled pattern, which ignores case.

    >>> compile_pattern(r"svc-[a-z0-9]+@", search=False).match("SVC-7@corp.example") is not None
    True
    >>> compile_pattern("(a+)+b", search=False)
    Traceback (most recent call last):
    ...
    airflow_provider_okta_ure.core.rule_patterns.UnfitPattern: repeats something that repeats itself

    :param pattern: the regular expression.
    :param search: whether it may start anywhere in the text, which costs one more loop.
    :raises UnfitPattern: when it is too long, invalid, or could take too long on some text.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise UnfitPattern(f"has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed")
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
        parsed = _parser().parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnfitPattern(f"is not a regular expression: {error}", getattr(error, "pos", None)) from None
    if parsed.state.flags & ~(re.IGNORECASE | re.UNICODE):
        raise UnfitPattern("sets flags; case is ignored anyway, and the others are not supported")
    nodes = list(parsed)
    if _Measure(nodes).steps() * (_LONGEST_TEXT if search else 1) > _MOST_STEPS:
        raise UnfitPattern("has too many repeats that compete for the same characters")
    return compiled


def _parser() -> Any:
    """Return the parser behind ``re``; the tree it gives is the pattern as the matcher sees it."""
    return importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


class _Measure:
    """
    Bound what the matcher may have to do for the longest text.

    :param nodes: the parsed pattern.
    """

    def __init__(self, nodes: list[_Node]) -> None:
        # Two classes of characters overlap if and only if they share one of these.
        self._alphabet = _both_cases({*range(128), 0xE9, 0xDF, 0x6F22, *_codes(nodes)})
        self._nodes = nodes
        self._longest_run = 1

    def steps(self) -> int:
        """Return an upper bound: every way to split the text, and one more run through it for each."""
        return self.ways(self._nodes, _NOTHING) * self._longest_run

    def ways(self, nodes: Iterable[_Node], follow: _Chars) -> int:
        """
        Return an upper bound for the number of splits.

        :param nodes: a part of the pattern.
        :param follow: the characters that the rest of the pattern can start with.
        """
        total = 1
        for node in reversed(list(nodes)):
            total *= self._ways_of(node, follow)
            follow = self._before(node, follow)
        return total

    def _before(self, node: _Node, follow: _Chars) -> _Chars:
        """Return what the pattern can start with from ``node`` on."""
        if str(node[0]) == "AT":
            # Nothing can follow the end of the text, so a repeat before it has nothing to compete with.
            return _NOTHING if str(node[1]).startswith("AT_END") else follow
        return self._first(node) | (follow if _can_be_empty(node) else _NOTHING)

    def _ways_of(self, node: _Node, follow: _Chars) -> int:
        name, value = str(node[0]), node[1]
        if name in _REFUSED:
            raise UnfitPattern(_REFUSED[name])
        if name == "BRANCH":
            return sum(self.ways(branch, follow) for branch in value[1])
        if name in _REPEATS:
            least, most, body = value
            return self._ways_of_repeat(least, most, list(body), follow)
        if name == "SUBPATTERN" and (value[1] or value[2]):
            raise UnfitPattern("sets flags; case is ignored anyway, and the others are not supported")
        inner = _inner(node)
        return self.ways(inner, follow) if inner else 1

    def _ways_of_repeat(self, least: int, most: int, nodes: list[_Node], follow: _Chars) -> int:
        if most > 1:
            for node in _walk(nodes):
                self._check_inside_repeat(node)
            if all(map(_can_be_empty, nodes)):
                raise UnfitPattern("repeats something that can be empty")
            inside = 1
        else:
            inside = self.ways(nodes, follow)
        choices = min(most, _LONGEST_TEXT) - min(least, _LONGEST_TEXT) + 1
        if self._first_of(nodes) & follow:
            return inside * choices
        self._longest_run = max(self._longest_run, choices)
        return inside

    def _check_inside_repeat(self, node: _Node) -> None:
        name, value = str(node[0]), node[1]
        if name in _REFUSED:
            raise UnfitPattern(_REFUSED[name])
        if name in _REPEATS and value[0] != value[1]:
            raise UnfitPattern("repeats something that repeats itself")
        if name == "BRANCH":
            taken: _Chars = _NOTHING
            for branch in value[1]:
                first = self._first_of(branch)
                if not first or first & taken:
                    raise UnfitPattern("repeats alternatives that can start with the same character")
                taken |= first

    def _first_of(self, nodes: Iterable[_Node]) -> _Chars:
        first: _Chars = _NOTHING
        for node in nodes:
            first |= self._first(node)
            if not _can_be_empty(node):
                break
        return first

    def _first(self, node: _Node) -> _Chars:
        """Return the characters (of the alphabet) that a match of this node can start with."""
        name, value = str(node[0]), node[1]
        if name == "LITERAL":
            return _both_cases({value})
        if name == "NOT_LITERAL":
            return self._alphabet - _both_cases({value})
        if name == "ANY":
            return self._alphabet - {"\n"}
        if name == "IN":
            return self._class(value)
        if name == "BRANCH":
            return frozenset().union(*(self._first_of(branch) for branch in value[1]))
        return self._first_of(_inner(node))

    def _class(self, items: list[_Node]) -> _Chars:
        chosen: set[str] = set()
        negated = False
        for kind, value in items:
            name = str(kind)
            if name == "NEGATE":
                negated = True
            elif name == "CATEGORY":
                category = re.compile(_CATEGORIES[str(value)])
                chosen.update(char for char in self._alphabet if category.match(char))
            else:
                low, high = value if name == "RANGE" else (value, value)
                chosen |= _both_cases(ord(char) for char in self._alphabet if low <= ord(char) <= high)
        return self._alphabet - chosen if negated else frozenset(chosen)


def _inner(node: _Node) -> list[_Node]:
    """Return the nodes that a group or a repeat is around."""
    name, value = str(node[0]), node[1]
    if name == "SUBPATTERN":
        return list(value[3])
    if name == "ATOMIC_GROUP":
        return list(value)
    return list(value[2]) if name in _REPEATS else []


def _walk(nodes: Iterable[_Node]) -> Iterator[_Node]:
    for node in nodes:
        yield node
        branches = node[1][1] if str(node[0]) == "BRANCH" else [_inner(node)]
        for branch in branches:
            yield from _walk(branch)


def _can_be_empty(node: _Node) -> bool:
    name, value = str(node[0]), node[1]
    if name == "AT":
        return True
    if name == "BRANCH":
        return any(all(map(_can_be_empty, branch)) for branch in value[1])
    if name in _REPEATS and value[0] == 0:
        return True
    return name in _REPEATS | {"SUBPATTERN", "ATOMIC_GROUP"} and all(map(_can_be_empty, _inner(node)))


def _codes(nodes: Iterable[_Node]) -> set[int]:
    """Return every character that the pattern names, also as the end of a range."""
    found: set[int] = set()
    for kind, value in _walk(nodes):
        for name, part in value if str(kind) == "IN" else [(kind, value)]:
            if str(name) == "RANGE":
                found.update(part)
            elif str(name) in {"LITERAL", "NOT_LITERAL"}:
                found.add(part)
    return found


def _both_cases(codes: Iterable[int]) -> _Chars:
    chars = {chr(code) for code in codes}
    cased = chars | {char.lower() for char in chars} | {char.upper() for char in chars}
    return frozenset(char for char in cased if len(char) == 1)
