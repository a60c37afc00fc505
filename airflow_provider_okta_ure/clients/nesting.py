# SPDX-License-Identifier: Apache-2.0
"""How deep and how large JSON is, found out before anything is made of it."""

from __future__ import annotations

MOST_NESTED = 64
"""Levels; what the services answer has at most six. Python's own limit is near 1000, and ends a task."""

MOST_VALUES = 2_000_000
"""In one answer; a page of 1000 log events has some 100,000. A few bytes of JSON can need 100 of memory."""

_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(one for one in range(256) if one not in b'"[]{}')


def is_too_nested(content: bytes) -> bool:
    """
    Whether a text of JSON has more levels or more values than are taken.

    Text that is no JSON is taken for JSON as far as it goes, so a reader that is kinder is safe as well.

    >>> is_too_nested(b'{"a": [1, "[[["]}'), is_too_nested(b"[" * 1000)
    (False, True)
    """
    opened = content.count(b"[") + content.count(b"{")
    if opened + content.count(b",") > MOST_VALUES:
        return True
    return opened > MOST_NESTED and _is_deep(content)


def _is_deep(content: bytes) -> bool:
    # Each step is one pass in C over all of it; a loop over characters would take seconds.
    plain = content.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in content else content
    marks = plain.translate(_TO_SQUARE, _NO_MARKS)
    brackets = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    for _ in range(MOST_NESTED):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            # What is left closes nothing: a text that breaks off, or is no JSON.
            return brackets.count(b"[") > MOST_NESTED
        brackets = shorter
    return bool(brackets)
