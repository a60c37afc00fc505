# SPDX-License-Identifier: Apache-2.0
"""Where in the text of a rule two types do not fit, when the rule engine says only that they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.rule_checks import FLAGS, NUMBERS, TEXTS

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.rule_text import Part

_TYPES = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys((*FLAGS, "true", "false"), "flag"),
    "length": "number",
    "is_empty": "flag",
}
_COMPARE = {"==", "!=", "<", "<=", ">", ">=", "??"}
_MATCH = {"=~", "=~~", "!~", "!~~"}
_FITS = {"+": {"number", "text"}, "-": {"number"}, **{sign: {"text"} for sign in _MATCH}}


def position_of_mismatch(tokens: Sequence[Part]) -> int | None:
    """
    Return where the first operand begins that does not fit its operator; None = the text does not show it.

    :param tokens: the parts of the rule, in their order.
    """
    for index in range(1, len(tokens) - 1):
        sign = tokens[index][1]
        left, right = tokens[index - 1], tokens[index + 1]
        if sign in _FITS or sign in _COMPARE:
            wrong = _wrong_operand(left, sign, right)
            if wrong is not None:
                return wrong[2]
        elif sign == "(" and left[1] in ("starts_with", "ends_with") and _type(right) not in ("text", None):
            return right[2]
    return None


def _wrong_operand(left: Part, sign: str, right: Part) -> Part | None:
    fits = _FITS.get(sign)
    for operand in (left, right):
        if fits is not None and _type(operand) not in {*fits, None}:
            return operand
    if _type(left) != _type(right) and _type(left) is not None and _type(right) is not None:
        return right
    return None


def _type(token: Part) -> str | None:
    kind, part, _ = token
    if kind == "string":
        return "text"
    return "number" if kind == "number" else _TYPES.get(part)
