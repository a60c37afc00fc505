# SPDX-License-Identifier: Apache-2.0
"""Where people find a document that a message names: on the web if somebody says where, else by a command."""

from __future__ import annotations

import re
from collections.abc import Callable

# Not a part of an address: a text may have been through here before.
_PATH = re.compile(r"(?<![\w/.-])docs/([a-z-]+)\.md(?:#([\w-]+))?")


def _nowhere() -> str:
    return ""


_find_url: Callable[[], str] = _nowhere


def find_documents_by(find_url: Callable[[], str]) -> None:
    """
    Set how the web address of the documents is found, for all messages of this process.

    :param find_url: returns the address of the folder of the documents, or one with ``{page}`` where the name
        of the document belongs; empty = there is none.
    """
    global _find_url  # one setting of the process, for errors from anywhere
    _find_url = find_url


def linked(text: str) -> str:
    """
    Return a text in which documents are named in a way that its reader can follow.

    >>> linked("Publish it; docs/keys.md shows how.")
    'Publish it; `airflow okta-ure explain keys` shows how.'
    """
    return _PATH.sub(lambda found: _document(found[1], found[2] or ""), text)


def link_to(topic: str) -> str:
    """
    Return where a topic of the troubleshooting page is explained.

    >>> link_to("okta-api-token")
    '`airflow okta-ure explain okta-api-token`'
    """
    return _document("troubleshooting", topic)


def _document(page: str, anchor: str) -> str:
    url = _find_url().strip()
    if not url:
        return f"`airflow okta-ure explain {anchor or page}`"
    # Not str.format, which other braces in an address would break.
    whole = url.replace("{page}", page) if "{page}" in url else f"{url.rstrip('/')}/{page}.md"
    return f"{whole}#{anchor}" if anchor else whole
