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


def _is_sign(char: str) -> bool:
    """Say whether NFC makes another single character of this one."""
    stands_for = unicodedata.decomposition(char)
    return bool(stands_for) and "<" not in stands_for and " " not in stands_for
