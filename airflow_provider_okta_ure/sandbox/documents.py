"""The pretend static host: documents that a transmitter of risk signals would publish."""

from __future__ import annotations

import re
import threading
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
        self._documents: dict[str, Answer] = {}

    def publish(self, name: str, content: bytes, content_type: str, status: int = 200) -> None:
        """Publish a document, or replace the one of this name."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"A document's name is made of letters, digits and ._~-/, not {name!r}.")
        if any(character in content_type for character in "\r\n\0"):
            raise ValueError("A content type is one line.")
        with self._lock:
            self._documents[name] = Answer(status, content, [("Content-Type", content_type)])

    def withdraw(self, name: str) -> None:
        """Withdraw a document; 404 from now on."""
        with self._lock:
            self._documents.pop(name, None)

    def clear(self) -> None:
        """Withdraw everything."""
        with self._lock:
            self._documents.clear()

    def names(self) -> list[str]:
        """Return the names of all documents."""
        with self._lock:
            return sorted(self._documents)

    def answer(self, name: str) -> Answer:
        """Return the document as an HTTP answer."""
        with self._lock:
            kept = self._documents.get(name)
        if kept is None:
            return Answer(404, b"Not found", [("Content-Type", "text/plain")])
        return Answer(kept.status, kept.body, [*kept.headers])


def refuse_private_parts(jwks: Mapping[str, Any]) -> None:
    """
    Refuse a JWKS that would publish private keys.

    :raises ValueError: when a key has private members.
    """
    for key in jwks.get("keys", ()):
        if isinstance(key, dict) and key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}:
            raise ValueError("This JWKS holds a private key; publish the public part only.")
