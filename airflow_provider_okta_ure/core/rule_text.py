# SPDX-License-Identifier: Apache-2.0
"""
What the text of a rule may be made of, checked before the rule engine sees it.

The engine computes constant parts of a rule while it reads them, so that a regular expression, a loop or a
power of numbers in it runs before anybody can look at the result. Hence these are refused in the text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import TypeAlias

from airflow_provider_okta_ure.core.rule_patterns import MOST_STEPS, UnfitPattern, steps_of
from airflow_provider_okta_ure.errors import RuleError

Part: TypeAlias = "tuple[str, str, int]"

_TOKEN = re.compile(
    r"""(?P<string>[bdrst]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))|(?P<comment>\#[^\n]*)|(?P<space>\s+)"""
    r"""|(?P<word>\$?[A-Za-z_]\w*)|"""
    r"""(?P<number>0(?:b[01]+|o[0-7]+|x[0-9a-fA-F]+)|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|"""
    r"""(?P<sign>=~~?|!~~?|[=<>!]=|=[<>]|<>|<<|>>|&&|\|\||\*\*|//|\?\?|&[.\[]|.)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_CONTROLS = frozenset("abfnrtv")
_MATCHING = {"=~", "=~~", "!~", "!~~"}
_FIELD_AT_THE_END = re.compile(r"(?:^|\W)(?:[A-Za-z_]\w*|\( [A-Za-z_]\w* (?:\?\? '' )?\))$")
_AFTER_PATTERN = {"", ")", "]", ",", "and", "or"}

_MEANT = {
    "&&": "and",
    "||": "or",
    "!": "not",
    "=": "==",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    **{word: word.lower() for word in ("AND", "OR", "NOT", "IN", "TRUE", "FALSE")},
    **{word: word.lower() for word in ("And", "Or", "Not", "In", "True", "False")},
}
_REFUSED = {
    **dict.fromkeys(("*", "/", "//", "%", "**"), "arithmetic beyond + and -"),
    **dict.fromkeys(("&", "|", "^", "<<", ">>"), "arithmetic on bits"),
    **dict.fromkeys(("for", "if"), "a loop"),
    **dict.fromkeys(("null", "None", "none"), "null"),
    **dict.fromkeys(("inf", "nan"), "a number that is not finite"),
    **dict.fromkeys(("{", "}"), "a set or a mapping; write a list in square brackets"),
    **dict.fromkeys(("&.", "&["), "a safe navigation"),
    "?": "a choice between two values",
    ":": "a slice or a choice between two values",
}
_REMEDIES = {"null": "Use has_score or has_previous_score, or give a default: (score ?? 1000)."}
_PREFIXES = {"b": "bytes", "d": "a date", "t": "a duration"}


def check_text(text: str) -> None:
    """
    Refuse what a rule may not be made of.

    :param text: the rule.
    :raises RuleError: with the position of the first part that cannot stay.
    """
    tokens = list(tokens_of(text))
    steps = 0
    for index, (kind, part, position) in enumerate(tokens):
        if kind == "string":
            _check_string(part, text, position)
        if kind in {"word", "sign"}:
            _check_part(part, text, position)
        if part in _MATCHING and kind == "sign":
            steps += _steps_of_pattern(tokens[index + 1 : index + 3], text, search=part.endswith("~~"))
            if steps > MOST_STEPS:
                raise RuleError(
                    "The regular expressions of the rule together take too long.",
                    rule=text,
                    position=position,
                )
            _check_matched(tokens[:index], text, position)


def tokens_of(text: str) -> Iterator[Part]:
    """Yield the parts of a rule without comments and blanks: what each is, how it is written, where."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind not in {"comment", "space"}:
            yield kind, found.group(), found.start()


def _check_part(part: str, text: str, position: int) -> None:
    if part in _MEANT:
        raise RuleError(f"A rule has no {part!r}.", rule=text, position=position, suggestion=_MEANT[part])
    if part in _REFUSED:
        raise _refusal(_REFUSED[part], text, position)
    if part.startswith("$"):
        raise RuleError(f"A rule may not use {part}.", rule=text, position=position)


def _check_string(literal: str, text: str, position: int) -> None:
    if literal[0] in _PREFIXES:
        raise _refusal(_PREFIXES[literal[0]], text, position)
    escapes = _ESCAPE.finditer(literal) if literal[0] != "r" else ()
    for found in escapes:
        # An octal escape makes a letter of a number, which is no better: 'CORP\\101' is CORPA.
        if found[1].isdigit() or found[1] in _CONTROLS or _is_control_code(found[1]):
            what = f"{found.group()} in a text is another character, and not a backslash"
            raise _control(what, text, position + found.start())
    for offset, char in enumerate(literal):
        if unicodedata.category(char) == "Cc":
            what = f"The text has the control character U+{ord(char):04X}"
            raise _control(what, text, position + offset)


def _is_control_code(escape: str) -> bool:
    try:
        return escape[0] in "xuU" and unicodedata.category(chr(int(escape[1:], 16))) == "Cc"
    except ValueError:
        return False


def _control(what: str, text: str, position: int) -> RuleError:
    return RuleError(
        f"{what}.",
        rule=text,
        position=position,
        remedy=r"Write a backslash twice, 'CORP\\bob', or put r before the quotes: r'CORP\bob'.",
    )


def _refusal(what: str, text: str, position: int) -> RuleError:
    return RuleError(
        f"A rule may not use {what}.", rule=text, position=position, remedy=_REMEDIES.get(what, "")
    )


def _check_matched(before: list[Part], text: str, position: int) -> None:
    """
    Refuse to match anything but a field, or a field with a default: a text that is put together can be long.

    Only what the engine computes while it reads the rule; the rest is checked in its tree.
    """
    shape = " ".join("''" if kind == "string" else part for kind, part, _ in before[-5:])
    if not _FIELD_AT_THE_END.search(shape):
        raise RuleError(
            "A regular expression is matched against a field.",
            rule=text,
            position=position,
            remedy='Write the field before it, such as user =~ "svc-.*" or (source ?? "") =~ "eu".',
        )


def _steps_of_pattern(following: list[Part], text: str, *, search: bool) -> int:
    """Return what the regular expression may cost; ``following`` is what comes after the operator."""
    if not following:
        return 0  # the engine says that the rule ends too early
    (kind, literal, start), after = following[0], following[1][1] if len(following) > 1 else ""
    if kind != "string" or after not in _AFTER_PATTERN:
        raise RuleError(
            "A regular expression must be written in the rule, in quotes.", rule=text, position=start
        )
    try:
        return steps_of(_value(literal), search=search)
    except UnfitPattern as error:
        offset = literal.index(literal[-1]) + 1 + (error.position or 0)
        raise RuleError(
            f"The regular expression {error.problem}.", rule=text, position=start + offset
        ) from None
    except UnicodeError:
        raise RuleError("The text has a broken escape.", rule=text, position=start) from None


def _value(literal: str) -> str:
    """Return what the engine reads from a literal with its quotes."""
    if literal[0] == "r":
        return literal[2:-1]
    inner = literal[2:-1] if literal[0] == "s" else literal[1:-1]
    escaped = codecs.encode(inner, "unicode-escape").decode().replace("\\\\", "\\")
    return codecs.decode(escaped, "unicode-escape")
