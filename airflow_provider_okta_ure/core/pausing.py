# SPDX-License-Identifier: Apache-2.0
"""The pause switch as a value: who stopped all writes, since when and why."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import msgspec

VARIABLE = "okta_ure_paused"
"""The Airflow Variable that is the switch."""
PAUSED = "paused"
"""The reason of what is only planned because of the switch."""

_NOT_PAUSED = ("", "false", "0", "no")
_LONGEST = 500
_UNREADABLE = f"the Airflow Variable {VARIABLE} holds JSON that cannot be read"


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """
    All writes are stopped.

    :param since: when it began; None = not known.
    :param by: who stopped them; empty = not known.
    :param reason: why; empty = not known.
    """

    since: datetime | None = None
    by: str = ""
    reason: str = ""

    @classmethod
    def read(cls, text: object) -> Pause | None:
        """
        Return what the value of the Variable means; None = nothing is paused.

        What cannot be understood pauses: only a few words say that nothing is paused.

        >>> Pause.read(" False "), Pause.read(None)
        (None, None)
        >>> Pause.read("wrong tenant").reason
        'wrong tenant'

        :param text: the value; None = there is no such Variable.
        """
        if text is None or str(text).strip().lower() in _NOT_PAUSED:
            return None
        said = str(text).strip()
        if said[0] in "{[":
            return cls._of_json(said)
        return cls() if said.lower() in ("true", "1", "yes") else cls(reason=_one_line(said))

    @classmethod
    def _of_json(cls, text: str) -> Pause:
        try:
            fields = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            return cls(reason=_UNREADABLE)
        if not isinstance(fields, dict):
            return cls(reason=_UNREADABLE)
        return cls(
            since=_moment(fields.get("since")),
            by=_one_line(fields.get("by")),
            reason=_one_line(fields.get("reason")),
        )

    def to_text(self) -> str:
        """Return the value of the Variable."""
        since = self.since.astimezone(timezone.utc).isoformat() if self.since else None
        return msgspec.json.encode({"since": since, "by": self.by, "reason": self.reason}).decode()

    def in_words(self) -> str:
        """
        Return who paused, since when and why, as the end of a sentence.

        >>> Pause(by="ann", reason="wrong tenant").in_words()
        'paused by ann: wrong tenant'
        """
        since = f" since {self.since.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if self.since else ""
        by = f" by {self.by}" if self.by else ""
        return f"paused{since}{by}{f': {self.reason}' if self.reason else ''}"


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
        # In UTC when it has no offset, as everywhere else in this package.
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _one_line(value: Any) -> str:
    """Return text as it may stand in a log line: not long, on one line, without control characters."""
    if value is None:
        return ""
    text = " ".join("".join(char if char.isprintable() else " " for char in str(value)).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
