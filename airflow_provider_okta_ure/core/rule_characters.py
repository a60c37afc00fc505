# SPDX-License-Identifier: Apache-2.0
"""
Which characters a part of a regular expression takes, as Python's own matcher says.

Without regard to case, ``i`` also matches U+0130 and U+0131, ``k`` the Kelvin sign, ``s`` the long s. No list
of ours would stay complete, so the matcher is asked. It is asked about one character of each kind only: two
characters are of one kind when they stand beside each other, have no other case, are in the same categories,
and are not told apart by the pattern.
"""

from __future__ import annotations

import importlib
import re
import sys
from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

Node: TypeAlias = "tuple[Any, Any]"
Chars: TypeAlias = "frozenset[str]"

_CATEGORIES = (r"\d+", r"\s+", r"\w+", r"\n")
_CHUNK = 1_024


class Characters:
    """
    The characters that parts of one pattern take, one of each kind.

    :param codes: the code points that the pattern names, and those after the end of each of its ranges.
    """

    def __init__(self, codes: Iterable[int]) -> None:
        named = {chr(code) for code in codes if code <= sys.maxunicode}
        self._text = "".join(sorted(_one_of_each_kind() | named))
        self._known: dict[str, Chars] = {}

    def taken_by(self, node: Node) -> Chars:
        """
        Return the characters that a node of the parsed pattern takes; two nodes compete if they share one.

        >>> from airflow_provider_okta_ure.core.rule_patterns import parse
        >>> (kelvin,) = parse("\u212a")
        >>> sorted(Characters(()).taken_by(kelvin))
        ['K', 'k', '\u212a']

        :param node: a node that takes exactly one character.
        """
        key = repr(node)
        if key not in self._known:
            self._known[key] = frozenset(_compiled(node).findall(self._text))
        return self._known[key]


def _compiled(node: Node) -> re.Pattern[str]:
    """Return a pattern of this one node; what the public interface has no way to ask for."""
    is_new = sys.version_info >= (3, 11)
    parser = importlib.import_module("re._parser" if is_new else "sre_parse")
    compiler = importlib.import_module("re._compiler" if is_new else "sre_compile")
    found: re.Pattern[str] = compiler.compile(
        parser.SubPattern(parser.State(), [node]), re.IGNORECASE | re.UNICODE
    )
    return found


@lru_cache(maxsize=1)
def _one_of_each_kind() -> Chars:
    """Return each character that has another case, and the first of each run of the others that are alike."""
    everything = array("I", range(sys.maxunicode + 1)).tobytes().decode(f"utf-32-{_ORDER}", "surrogatepass")
    starts = {0}
    for category in _CATEGORIES:
        for found in re.finditer(category, everything):
            starts.update(found.span())
    for first in range(0, len(everything), _CHUNK):
        chunk = everything[first : first + _CHUNK]
        if chunk.lower() == chunk == chunk.upper():
            continue
        for code, char in enumerate(chunk, start=first):
            if char.lower() != char or char.upper() != char:
                starts.update((code, code + 1))
    starts.discard(len(everything))
    return frozenset(map(chr, starts))


_ORDER = "le" if sys.byteorder == "little" else "be"
