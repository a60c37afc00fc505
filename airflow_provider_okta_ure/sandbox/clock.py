"""The sandbox's own clock: real, shifted or frozen, and the only source of time in here."""

from __future__ import annotations

import threading
import time
from datetime import date, datetime, timezone

SECONDS_PER_DAY = 86_400


class SandboxClock:
    """
    A clock that can be set, advanced and frozen; safe to use from several threads.

    A frozen clock moves only by :meth:`advance`, so a client whose ``sleep`` is ``clock.advance`` waits
    virtually: rate limit windows, ``Date`` headers and log timestamps follow this clock, never the machine's.

    :param now: the moment to start from (aware); the machine's time when left out.
    :param frozen: whether time stands still between calls of :meth:`advance`.
    """

    def __init__(self, now: datetime | None = None, *, frozen: bool = False) -> None:
        self._lock = threading.Lock()
        self._frozen = frozen
        self._base = time.time() if now is None else _timestamp_of(now)
        self._mark = time.monotonic()

    def timestamp(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        with self._lock:
            return self._read()

    def now(self) -> datetime:
        """Return the current moment as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.timestamp(), tz=timezone.utc)

    def today(self) -> int:
        """Return the number of the current UTC day since 1970-01-01."""
        return int(self.timestamp() // SECONDS_PER_DAY)

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still between calls of :meth:`advance`."""
        return self._frozen

    def advance(self, seconds: float) -> None:
        """Move the clock forward; negative seconds are refused, because time never runs backwards."""
        if seconds < 0:
            raise ValueError("The clock only advances by zero or more seconds; use set() to go back.")
        with self._lock:
            self._base += seconds

    def set(self, now: datetime) -> None:
        """Put the clock at this moment; it stays frozen or running as it was."""
        with self._lock:
            self._base = _timestamp_of(now)
            self._mark = time.monotonic()

    def freeze(self) -> None:
        """Stop the clock at the present moment."""
        with self._lock:
            self._base = self._read()
            self._frozen = True

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        with self._lock:
            self._mark = time.monotonic()
            self._frozen = False

    def _read(self) -> float:
        return self._base if self._frozen else self._base + time.monotonic() - self._mark


def iso_milliseconds(timestamp: float) -> str:
    """Return the form Okta writes times in, ``2026-11-23T03:00:00.000Z``."""
    moment = datetime.fromtimestamp(timestamp, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse_iso(text: str) -> float:
    """
    Return the timestamp of an ISO 8601 text; a text without a zone is read as UTC.

    :raises ValueError: when the text is no date.
    """
    text = text.strip().replace(" ", "+")
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    moment = datetime.fromisoformat(_pad_fraction(text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def day_number(day: date | datetime) -> int:
    """Return the UTC day number of a date, or of the day an aware datetime falls on."""
    if isinstance(day, datetime):
        return int(_timestamp_of(day) // SECONDS_PER_DAY)
    return (day - date(1970, 1, 1)).days


def _timestamp_of(moment: datetime) -> float:
    if moment.tzinfo is None:
        raise ValueError("The sandbox clock needs an aware datetime, for example with tzinfo=timezone.utc.")
    return moment.timestamp()


def _pad_fraction(text: str) -> str:
    """Return the text with a fraction of exactly six digits, which is all that Python 3.10 can read."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"
