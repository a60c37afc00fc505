"""The journal: what arrived, when, and how it was answered; never a credential."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECRET_PARAMETER = re.compile(
    r"((?:^|&)[^=&]*(?:token|secret|key|password|assertion|code)[^=&]*=)[^&]*", re.IGNORECASE
)


def hide_secrets(form: str) -> str:
    """Return a query string or form with the values replaced that look like secrets."""
    return _SECRET_PARAMETER.sub(r"\1***", form)


@dataclass(slots=True)
class JournalEntry:
    """
    One request to a pretend service and the answer it got.

    ``status`` is None until the answer is sent, and stays None when the connection was cut before one.
    """

    service: str
    method: str
    path: str
    query: str
    at: float
    body: bytes = field(repr=False)
    has_authorization: bool
    authorization_scheme: str | None
    content_type: str | None
    user_agent: str | None
    retry_count: str | None
    request_id: str
    status: int | None = None
    bucket: str | None = None
    fault: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query string, decoded; of a repeated parameter the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def line(self) -> str:
        """Return the entry as one log line without secrets, headers or bodies."""
        query = "?" + hide_secrets(self.query) if self.query else ""
        fault = f" fault={self.fault}" if self.fault else ""
        target = "".join(character if character.isprintable() else "?" for character in self.path + query)
        answer = self.status or "no answer"
        return f"{self.service} {self.method} {target} -> {answer}{fault} [{self.request_id}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the entry for the control routes; of the body only its size."""
        return {
            "service": self.service,
            "method": self.method,
            "path": self.path,
            "query": hide_secrets(self.query),
            "status": self.status,
            "bucket": self.bucket,
            "at": self.at,
            "has_authorization": self.has_authorization,
            "authorization_scheme": self.authorization_scheme,
            "content_type": self.content_type,
            "user_agent": self.user_agent,
            "retry_count": self.retry_count,
            "request_id": self.request_id,
            "body_bytes": len(self.body),
            "fault": self.fault,
        }


class Journal:
    """The last requests, oldest first; it forgets the oldest ones beyond its size."""

    def __init__(self, size: int) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=size)

    def add(self, entry: JournalEntry) -> None:
        """Remember a request."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def entries(self) -> list[JournalEntry]:
        """Return all remembered requests, oldest first."""
        return list(self._entries)

    def find(
        self, service: str | None = None, method: str | None = None, path_prefix: str | None = None
    ) -> list[JournalEntry]:
        """Return the requests that match everything given."""
        return [
            entry
            for entry in self._entries
            if (service is None or entry.service == service)
            and (method is None or entry.method == method.upper())
            and (path_prefix is None or entry.path.startswith(path_prefix))
        ]

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self.entries())

    def __len__(self) -> int:
        return len(self._entries)
