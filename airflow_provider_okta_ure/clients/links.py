# SPDX-License-Identifier: Apache-2.0
"""The ``Link`` header (RFC 8288): where the next page is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

from airflow_provider_okta_ure.clients.hosts import is_same_origin, origin_of
from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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


def joined(base: str, target: str) -> str:
    """Return a link's target as a whole URL, without a fragment; empty when it makes no sense."""
    try:
        return urldefrag(urljoin(base, target)).url
    except ValueError:
        return ""


def checked_next(url: str, seen: Collection[str], *, base_url: str, service: str) -> str:
    """
    Return the URL of the next page, when it may be followed.

    :param url: what the link says.
    :param seen: the pages read so far.
    :param base_url: the only origin to follow a link to, because the token goes with it.
    :param service: who says so.
    :raises UnexpectedAnswerError: it is on another origin, or was read before.
    """
    if not is_same_origin(url, base_url):
        elsewhere = origin_of(url) or "an address that makes no sense"
        raise UnexpectedAnswerError(
            f"{service} says that the next page is on {elsewhere}, not on {base_url}: "
            "not followed, because the token would go there."
        )
    if url in seen:
        raise UnexpectedAnswerError(
            f"{service} names a page as the next one that was read before.", topic="list-without-end"
        )
    return url


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    for match in _LINK.finditer(header):
        # RFC 8288 section 3.3: only the first rel counts; it can hold several relations.
        relation = _RELATION.search(match[2])
        relations = (relation[1] or relation[2] or "") if relation else ""
        yield match[1].strip(), relations.lower().split()
