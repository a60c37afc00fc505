# SPDX-License-Identifier: Apache-2.0
"""PEM (RFC 7468) as people paste it: line ends spelled out or lost, text around it."""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class PemBlock(NamedTuple):
    """
    One block, without the text around it.

    :param label: what it says it is, such as ``PRIVATE KEY``.
    :param inside: what stands between the two lines with the label.
    """

    label: str
    inside: str

    @property
    def is_private(self) -> bool:
        return "PRIVATE KEY" in self.label

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a password: PKCS#8 says so in its label, PKCS#1 in a header."""
        return self.is_private and ("ENCRYPTED" in self.label or "ENCRYPTED" in self.inside)

    @property
    def text(self) -> bytes:
        """The block with its line ends, which a one-line form field turns into spaces."""
        packed = "".join(self.inside.split())
        lines = "\n".join(textwrap.wrap(packed, 64)) if _BASE64.fullmatch(packed) else self.inside.strip("\n")
        return f"-----BEGIN {self.label}-----\n{lines}\n-----END {self.label}-----\n".encode()


def pem_blocks(text: str) -> list[PemBlock]:
    """Return the blocks of a text, those with private keys first: a certificate can stand next to its key."""
    found = _PEM.findall(text.replace("\\r", "").replace("\\n", "\n").replace("\r", ""))
    return sorted((PemBlock(*one) for one in found), key=lambda block: not block.is_private)


def is_encrypted(text: str) -> bool:
    """Whether a text is a private key that needs a password."""
    return any(block.is_encrypted for block in pem_blocks(text)[:1])
