# SPDX-License-Identifier: Apache-2.0
"""Text and values from outside as they may stand in logs and messages: short, and on one line."""

from __future__ import annotations

import re
import reprlib
import unicodedata

_COMMANDS = re.compile(r":(?=(?:end)?group\b)", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def in_one_line(text: str) -> str:
    r"""
    Return a text from outside as it may stand in a log: on one line, and without commands to who shows it.

    Control characters become the sign for them, one for one; what turns the direction of a line round, or
    cannot be seen, becomes U+FFFD. A ``:group`` is no command of Airflow's log any more.

    >>> in_one_line("ann\x1b[31m\n::endgroup::")
    'ann\u241b[31m\u240a:: endgroup::'
    """
    if text.isprintable() and ":" not in text:
        return text
    return _COMMANDS.sub(": ", "".join(map(_visible, text)))


def _visible(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    if ord(char) < 0x20:
        return chr(0x2400 + ord(char))
    return "\ufffd" if unicodedata.category(char) in _UNPRINTABLE else char


def shown(value: object) -> str:
    """
    Return a value for a message, short however large it is; ``repr`` gives up on what is nested too deep.

    >>> shown([[[[[[[[]]]]]]]])
    '[[[[[[...]]]]]]'
    """
    try:
        return _SHORT.repr(value)
    except ValueError:
        # An int with more digits than Python writes.
        return f"a number of type {type(value).__name__}"


def as_text(value: object) -> str:
    """
    Return the text that an argument is, if it is a text, a number, true or false; empty for anything else.

    >>> as_text(25), as_text(True), as_text([25])
    ('25', 'True', '')
    """
    if not isinstance(value, (str, int, float)):
        return ""
    try:
        return str(value)
    except ValueError:
        return ""


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
