# SPDX-License-Identifier: Apache-2.0
"""An entry of the catalogue: what happened, why, what to do, and by which answers it is recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SERVER_FAILURES = tuple(status for status in range(500, 600) if status != 501)
"""The statuses by which a service says that the trouble is its own."""


@dataclass(frozen=True)
class Answer:
    """
    The answers that an entry explains; what is left empty does not matter.

    :param service: ``Okta`` or ``Netskope``.
    :param code: the service's error code, exactly.
    :param says: a part of what the service said, in lower case.
    :param path: path of the request; ``*`` stands for one segment or a part of it, ``**`` for any number.
    :param methods: HTTP methods of the request.
    :param statuses: HTTP statuses of the answer.
    """

    service: str
    code: str = ""
    says: str = ""
    path: str = ""
    methods: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()

    @property
    def weight(self) -> int:
        """How specific this is: a code outweighs a text, a text a path, a path a method, that a status."""
        return (
            16 * bool(self.code)
            + 8 * bool(self.says)
            + 4 * bool(self.path)
            + 2 * bool(self.methods)
            + bool(self.statuses)
        )

    def fits(self, *, service: str, status: int, code: str, said: str, method: str, path: str) -> bool:
        """Whether an answer is one of these."""
        return (
            self.service == service
            and self.code in ("", code)
            and self.says in said.lower()
            and (not self.methods or method in self.methods)
            and (not self.statuses or status in self.statuses)
            and (not self.path or re.fullmatch(_pattern(self.path), path) is not None)
        )


@dataclass(frozen=True)
class Entry:
    """
    One kind of trouble.

    :param topic: its name, and the anchor of its section in the document; never changes.
    :param title: the heading of that section.
    :param what: what happened.
    :param why: why it happens.
    :param remedy: what to do, in one to three sentences; ends every message about it. ``{scope}`` in it is
        replaced by the OAuth scope that the service names.
    :param steps: the same at length, for the document.
    :param seen: exact messages and codes that people search for.
    :param answers: the answers of a service that mean this.
    :param reasons: the reason codes of reports that mean this.
    :param jwks_reasons: the reasons of a ``JwksError`` that mean this.
    :param concerns_everybody: it would meet every other user, too, so that going on is pointless.
    """

    topic: str
    title: str
    what: str
    why: str
    remedy: str
    steps: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    reasons: tuple[str, ...] = ()
    jwks_reasons: tuple[str, ...] = ()
    concerns_everybody: bool = False

    def advice(self, scope: str = "") -> str:
        """
        Return what to do.

        :param scope: the OAuth scope that the service names; empty = it names none.
        """
        return self.remedy.replace("{scope}", scope or "that this call needs")


@dataclass(frozen=True)
class Chapter:
    """
    Entries that belong together.

    :param anchor: the anchor of its heading in the document.
    :param introduction: a sentence or two below the heading; may be empty.
    """

    anchor: str
    title: str
    introduction: str = ""
    entries: tuple[Entry, ...] = field(default=())


def _pattern(path: str) -> str:
    return re.escape(path).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
