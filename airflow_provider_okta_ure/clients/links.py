# SPDX-License-Identifier: Apache-2.0
"""The ``Link`` header (RFC 8288): where the next page is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The quoted strings are part of the pattern because they may contain commas and semicolons.
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\*?(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)')
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)


def next_link(header: str) -> str:
    """
    Return the target of the first link with the relation ``next``; empty when there is none.

    :param header: the value of the header; the values of repeated headers are joined by commas.
    """
    for target, relations in _links(header):
        if "next" in relations:
            return target
    return ""


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    for match in _LINK.finditer(header):
        # RFC 8288 section 3.3: only the first rel counts; it can hold several relations.
        relation = _RELATION.search(match[2])
        relations = (relation[1] or relation[2] or "") if relation else ""
        yield match[1].strip(), relations.lower().split()
