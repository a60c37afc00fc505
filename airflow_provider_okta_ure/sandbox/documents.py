"""The pretend static host: documents that a transmitter of risk signals would publish."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.http import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PREFIX = "/sandbox/static/"
_PART = r"(?!\.+(?:/|$))[A-Za-z0-9._~-]+"
_NAME = re.compile(rf"{_PART}(/{_PART})*")


class Documents:
    """Documents by name, each with the content type and status it is served with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._documents: dict[str, tuple[Answer, float]] = {}
        #: How often each document was read, also by the pretend Okta itself.
        self.reads: Counter[str] = Counter()

    def publish(
        self,
        name: str,
        content: bytes,
        content_type: str,
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
        drip: float = 0.0,
    ) -> None:
        """
        Publish a document, or replace the one of this name.

        :param headers: further headers, for example ``Location`` together with a status of 302.
        :param delay: real seconds until the answer begins.
        :param drip: real seconds the body takes, a bit at a time and without saying how long it is.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"A document's name is made of letters, digits and ._~-/, not {name!r}.")
        lines = {"Content-Type": content_type, **(headers or {})}
        if any(character in text for line in lines.items() for text in line for character in "\r\n\0"):
            raise ValueError("A content type is one line, and so is every other header.")
        if not 200 <= status <= 599 or delay < 0 or drip < 0:
            raise ValueError("A status is a number from 200 to 599, and delay and drip are not negative.")
        with self._lock:
            self._documents[name] = (Answer(status, content, list(lines.items()), drip), delay)

    def withdraw(self, name: str) -> None:
        """Withdraw a document; 404 from now on."""
        with self._lock:
            self._documents.pop(name, None)

    def clear(self) -> None:
        """Withdraw everything."""
        with self._lock:
            self._documents.clear()
            self.reads.clear()

    def names(self) -> list[str]:
        """Return the names of all documents."""
        with self._lock:
            return sorted(self._documents)

    async def answer(self, name: str) -> Answer:
        """Return the document as an HTTP answer, as late as it was published to be."""
        with self._lock:
            self.reads[name] += 1
            kept = self._documents.get(name)
        if kept is None:
            return Answer(404, b"Not found", [("Content-Type", "text/plain")])
        document, delay = kept
        if delay:
            await asyncio.sleep(delay)
        return replace(document, headers=[*document.headers])


def refuse_private_parts(jwks: Mapping[str, Any]) -> None:
    """
    Refuse a JWKS that would publish private keys.

    :raises ValueError: when a key has private members.
    """
    for key in jwks.get("keys", ()):
        if isinstance(key, dict) and key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}:
            raise ValueError("This JWKS holds a private key; publish the public part only.")
