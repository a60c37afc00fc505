# SPDX-License-Identifier: Apache-2.0
"""
Which regular expressions a rule may use: only those that stay fast on every user name.

Python's matcher tries every way to split a text among the repeats of a pattern. Two repeats that can take the
same character, one inside the other, make the number of ways grow exponentially. So the parsed pattern is
measured first: the steps that a name of 320 characters can cost must stay near the square of its length.
What cannot be measured is refused.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from airflow_provider_okta_ure.core.rule_characters import Characters, Chars, Node

LONGEST_PATTERN = 200
"""The longest regular expression, in characters."""

LONGEST_TEXT = 320
"""The longest text that a regular expression is tested on, in characters."""

MOST_STEPS = 64 * (LONGEST_TEXT + 1) ** 2
"""What all regular expressions of a rule together may cost for one row; a step takes some nanoseconds."""

_NOTHING: Chars = frozenset()
_ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "ANY", "IN"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_GROUPS = {"SUBPATTERN", "ATOMIC_GROUP"}
_KNOWN = _ONE_CHARACTER | _REPEATS | _GROUPS | {"AT", "BRANCH"}
_REFUSED = {
    "ASSERT": "looks ahead or behind",
    "ASSERT_NOT": "looks ahead or behind",
    "GROUPREF": "refers back to a group",
    "GROUPREF_EXISTS": "refers back to a group",
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
    steps_of(pattern, search=search)
    return re.compile(pattern, re.IGNORECASE)


def steps_of(pattern: str, *, search: bool) -> int:
    """
    Return an upper bound for the steps that matching the longest text can take.

    :param pattern: see :func:`compile_pattern`.
    :raises UnfitPattern: see :func:`compile_pattern`.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise UnfitPattern(f"has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed")
    try:
        re.compile(pattern, re.IGNORECASE)
        parsed = parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnfitPattern(f"is not a regular expression: {error}", getattr(error, "pos", None)) from None
    if parsed.state.flags & ~(re.IGNORECASE | re.UNICODE):
        raise UnfitPattern("sets flags; case is ignored anyway, and the others are not supported")
    size = _Measure(list(parsed)).size
    steps = size.ways * size.length * (LONGEST_TEXT if search else 1)
    if steps > MOST_STEPS:
        raise UnfitPattern("has too many repeats that compete for the same characters")
    return steps


def parse(pattern: str) -> Any:
    """Return the tree that the parser behind ``re`` makes: the pattern as the matcher sees it."""
    parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    return parser.parse(pattern, re.IGNORECASE)


class _Size(NamedTuple):
    """
    What a part of a pattern can cost.

    :param ways: in how many ways it can divide a text among its repeats.
    :param length: how many steps the matcher can take on each way.
    """

    ways: int
    length: int


class _Measure:
    """
    Bound what the matcher may have to do for the longest text.

    :param nodes: the parsed pattern.
    """

    def __init__(self, nodes: list[Node]) -> None:
        for name, _ in _walk(nodes):
            if str(name) in _REFUSED:
                raise UnfitPattern(_REFUSED[str(name)])
            if str(name) not in _KNOWN:
                raise UnfitPattern(f"uses {str(name).lower()}, which is not supported")
        self._characters = Characters(_codes(nodes))
        self.size = self._size(nodes, _NOTHING)

    def _size(self, nodes: Iterable[Node], follow: Chars) -> _Size:
        """
        Return what a part of the pattern can cost.

        :param follow: the characters that the rest of the pattern can start with.
        """
        ways, length = 1, 1
        for node in reversed(list(nodes)):
            one = self._size_of(node, follow)
            ways, length = ways * one.ways, length + one.length
            follow = self._before(node, follow)
        return _Size(ways, length)

    def _before(self, node: Node, follow: Chars) -> Chars:
        """Return what the pattern can start with from ``node`` on."""
        if str(node[0]) == "AT":
            # Nothing can follow the end of the text, so a repeat before it has nothing to compete with.
            return _NOTHING if str(node[1]).startswith("AT_END") else follow
        return self._first(node) | (follow if _can_be_empty(node) else _NOTHING)

    def _size_of(self, node: Node, follow: Chars) -> _Size:
        name, value = str(node[0]), node[1]
        if name == "BRANCH":
            sizes = [self._size(branch, follow) for branch in value[1]]
            return _Size(sum(one.ways for one in sizes), len(sizes) + max(one.length for one in sizes))
        if name in _REPEATS:
            least, most, body = value
            return self._size_of_repeat(least, most, list(body), follow)
        if name == "SUBPATTERN" and (value[1] or value[2]):
            raise UnfitPattern("sets flags; case is ignored anyway, and the others are not supported")
        return self._size(_inner(node), follow) if name in _GROUPS else _Size(1, 1)

    def _size_of_repeat(self, least: int, most: int, nodes: list[Node], follow: Chars) -> _Size:
        if most > 1:
            if all(map(_can_be_empty, nodes)):
                raise UnfitPattern("repeats something that can be empty")
            for node in _walk(nodes):
                self._check_inside_repeat(node)
            # Each round has one way only, as has been checked.
            inside = _Size(1, self._size(nodes, _NOTHING).length)
        else:
            inside = self._size(nodes, follow)
        least, most = min(least, LONGEST_TEXT), min(most, LONGEST_TEXT)
        if self._first_of(nodes) & follow:
            return _Size(inside.ways * (most - least + 1), inside.length * max(least, 1))
        return _Size(inside.ways, inside.length * max(most, 1))

    def _check_inside_repeat(self, node: Node) -> None:
        name, value = str(node[0]), node[1]
        if name in _REPEATS and value[0] != value[1]:
            raise UnfitPattern("repeats something that repeats itself")
        if name in _REPEATS and value[1] > 1 and all(map(_can_be_empty, value[2])):
            # A count of nothing: each round of the outer repeat would go through all of it.
            raise UnfitPattern("repeats something that can be empty")
        if name == "BRANCH":
            taken: Chars = _NOTHING
            for branch in value[1]:
                first = self._first_of(branch)
                if not first or first & taken:
                    raise UnfitPattern("repeats alternatives that can start with the same character")
                taken |= first

    def _first_of(self, nodes: Iterable[Node]) -> Chars:
        first: Chars = _NOTHING
        for node in nodes:
            first |= self._first(node)
            if not _can_be_empty(node):
                break
        return first

    def _first(self, node: Node) -> Chars:
        """Return the characters that a match of this node can start with."""
        name, value = str(node[0]), node[1]
        if name in _ONE_CHARACTER:
            return self._characters.taken_by(node)
        if name == "BRANCH":
            return frozenset().union(*(self._first_of(branch) for branch in value[1]))
        return self._first_of(_inner(node))


def _inner(node: Node) -> list[Node]:
    """Return the nodes that a group or a repeat is around."""
    name, value = str(node[0]), node[1]
    if name == "SUBPATTERN":
        return list(value[3])
    if name == "ATOMIC_GROUP":
        return list(value)
    return list(value[2]) if name in _REPEATS else []


def _walk(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        branches = node[1][1] if str(node[0]) == "BRANCH" else [_inner(node)]
        for branch in branches:
            yield from _walk(branch)


def _can_be_empty(node: Node) -> bool:
    name, value = str(node[0]), node[1]
    if name == "AT":
        return True
    if name == "BRANCH":
        return any(all(map(_can_be_empty, branch)) for branch in value[1])
    if name in _REPEATS and value[0] == 0:
        return True
    return name in _REPEATS | _GROUPS and all(map(_can_be_empty, _inner(node)))


def _codes(nodes: Iterable[Node]) -> set[int]:
    """Return where what the pattern names begins, and where it is over: each character, and each range."""
    found: set[int] = set()
    for kind, value in _walk(nodes):
        for name, part in value if str(kind) == "IN" else [(kind, value)]:
            if str(name) == "RANGE":
                found.update((part[0], part[1] + 1))
            elif str(name) in {"LITERAL", "NOT_LITERAL"}:
                found.update((part, part + 1))
    return found
