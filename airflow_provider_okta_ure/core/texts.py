# SPDX-License-Identifier: Apache-2.0
"""Reason texts, a sentence with the fields of a row filled in; and text from outside on one line of a log."""

from __future__ import annotations

import re
import reprlib
import unicodedata
from string import Formatter

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.errors import ConfigurationError


class ReasonText:
    """
    A sentence such as ``Netskope score {score} ({score_level})``, to be filled in per user.

    :param template: text with names of row fields in braces; ``{{`` and ``}}`` stand for a brace.
    :param argument: the operator argument it came from, for the error message.
    :raises ConfigurationError: the braces do not match, or a name is not a field of a row.
    """

    def __init__(self, template: str, *, argument: str = "reason") -> None:
        fields = ", ".join(Row.__struct_fields__)
        try:
            pieces = list(Formatter().parse(template))
        except ValueError as error:
            raise ConfigurationError(
                f"{argument}: {error}.", remedy=f"Write a field as {{score}}; the fields are {fields}."
            ) from None
        for _, name, spec, conversion in pieces:
            # Only plain names: an attribute or index would reach into Python objects.
            if name is not None and (name not in Row.__struct_fields__ or spec or conversion):
                raise ConfigurationError(
                    f"{argument}: {{{name}}} is not a field of a row.", remedy=f"The fields are {fields}."
                )
        self._template = template

    def fill(self, row: Row) -> str:
        """
        Return the sentence for one row; a missing value reads ``none``.

        >>> ReasonText("score {score}, was {previous_score}").fill(Row(user="ann@x.example", score=312))
        'score 312, was none'
        """
        values = {name: getattr(row, name) for name in Row.__struct_fields__}
        return self._template.format(
            **{name: "none" if value is None else value for name, value in values.items()}
        )


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
    Return a value for a message, short and however deep it is nested; ``repr`` would give up, or never end.

    >>> shown([[[[[[[[]]]]]]]])
    '[[[[[[...]]]]]]'
    """
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
