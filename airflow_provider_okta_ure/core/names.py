# SPDX-License-Identifier: Apache-2.0
"""How names of people and groups are compared: without regard to case, and to how accents are composed."""

from __future__ import annotations

import unicodedata
from itertools import groupby


def fold(name: str) -> str:
    r"""
    Return what a name is compared by: its NFC form in lower case.

    Not :meth:`str.casefold`, which makes different people equal: it turns ``ß`` into ``ss`` and U+017F into
    ``s``. For the same reason the signs that Unicode keeps apart only for old character sets, such as the
    Kelvin sign, stay what they are; NFC would make letters of them.

    >>> fold("Ann@Corp.Example")
    'ann@corp.example'
    >>> fold("jose\u0301") == fold("JOS\u00c9")
    True
    >>> fold("gro\u00df") == fold("gross"), fold("\u212aim") == fold("kim")
    (False, False)
    """
    if name.isascii():
        return name.lower()
    return "".join(
        "".join(part) if is_sign else unicodedata.normalize("NFC", "".join(part)).lower()
        for is_sign, part in groupby(name, _is_sign)
    )


def spellings(name: str) -> list[str]:
    r"""
    Return the spellings of a name that mean the same and look the same: as it is, composed, decomposed.

    Services compare names letter by letter, so who is looked for is looked for under each of them.

    >>> spellings("ann@corp.example")
    ['ann@corp.example']
    >>> [len(one) for one in spellings("jose\u0301")]
    [5, 4]
    """
    if name.isascii():
        return [name]
    forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return [one for one in dict.fromkeys(forms) if fold(one) == fold(name)]


def is_text(name: str) -> bool:
    r"""
    Say whether a name can be sent anywhere: half of a surrogate pair cannot.

    >>> is_text("ann\U0001f389"), is_text("ann\ud83d")
    (True, False)
    """
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _is_sign(char: str) -> bool:
    """Say whether NFC makes another single character of this one."""
    stands_for = unicodedata.decomposition(char)
    return bool(stands_for) and "<" not in stands_for and " " not in stands_for
