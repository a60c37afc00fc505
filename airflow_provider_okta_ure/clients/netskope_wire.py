# SPDX-License-Identifier: Apache-2.0
"""Netskope's JSON and our buckets, one turned into the other; names, paths and units live only here."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.clients.answers import clean_text
from airflow_provider_okta_ure.core.buckets import Bucket
from airflow_provider_okta_ure.core.levels import check_score
from airflow_provider_okta_ure.errors import ConfigurationError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUCKET = "REST API v2"
SERIES_PATH = "/api/v2/incidents/uba/getuci"
LIST_PATH = "/api/v2/incidents/users/getuci"
SCIM_PATH = "/api/v2/scim/Users"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = 253_402_300_799_999  # the end of the year 9999, in milliseconds
# What a moment between 2001 and 2200 is in each; as milliseconds, it would be before 1973 or after 30000.
_OTHER_UNITS = {
    "seconds": (1_000_000_000, 7_300_000_000),
    "microseconds": (10**15, 73 * 10**14),
    "nanoseconds": (10**18, 73 * 10**17),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class WireConfidence(msgspec.Struct, rename="camel"):
    """A score of one day; not typed, because a single odd value must not cost the other users theirs."""

    start: Any = None
    confidence_score: Any = None


class WireSeries(msgspec.Struct, rename="camel"):
    """One user's scores; ``user_id`` can be spelled otherwise than it was asked for."""

    user_id: str | int
    confidences: list[WireConfidence | None] | None = None


class WireSeriesAnswer(msgspec.Struct, rename="camel"):
    users_uci: list[WireSeries | None]


class WireListed(msgspec.Struct, rename="camel"):
    """One user of the list, with the newest score."""

    user: str | int | None = None
    start: Any = None
    confidence_score: Any = None


class WireListAnswer(msgspec.Struct, rename="camel"):
    """A page of the list; a total that makes no sense is none, and then an empty page is the end."""

    results: list[WireListed | None]
    total_count: int | None = None


class WireScimUser(msgspec.Struct, rename="camel"):
    user_name: str | int | None = None


class WireScimAnswer(msgspec.Struct, rename="camel"):
    total_results: int | None = None
    # SCIM (RFC 7644 section 3.4.2) leaves the list out when it is empty, and null is the same (RFC 7643
    # section 2.5).
    resources: list[WireScimUser | None] | None = msgspec.field(name="Resources", default=None)

    @property
    def is_list(self) -> bool:
        """Whether it says anything that a list says; nothing else tells it from another JSON object."""
        return self.total_results is not None or self.resources is not None


def milliseconds(moment: datetime) -> int:
    """Return a moment as Netskope counts: milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_bucket(start: object, score: object) -> tuple[Bucket | None, bool]:
    """
    Return the bucket of a day, and whether its score is one.

    :return: None when not even the day is known; a bucket without score when the score makes no sense.
    """
    whole = _whole(start)
    if whole is None or not 0 <= whole <= _LAST:
        return None, False
    day = _EPOCH + timedelta(milliseconds=whole)
    try:
        return Bucket(day, check_score(score)), True
    except ConfigurationError:
        return Bucket(day, None), False


def plain_numbers(start: object, score: object) -> tuple[int, int] | None:
    """Return a start and a score that are what they should be, the usual case; None = look more closely."""
    if type(start) is int and type(score) is int and 0 <= start <= _LAST and 0 <= score <= 1000:
        return start, score
    return None


def entries_in(page: Sequence[object]) -> int:
    """
    Return by how much a page brings us on.

    Whether a null stands in the place of an entry or between two is not known. Taken for the latter, an
    entry at the worst comes twice, and none is passed over.
    """
    return sum(1 for one in page if one is not None) or len(page)


def repeated(of: str) -> UnexpectedAnswerError:
    """Return the error that a list has no end."""
    return UnexpectedAnswerError(
        f"Netskope gave the same page of its list of {of} twice, so the list has no end.",
        topic="list-without-end",
    )


def check_unit(starts: Iterable[object]) -> None:
    """
    Refuse scores whose times are all in another unit: they would all be of days long ago, so nobody's.

    :raises UnexpectedAnswerError: saying what was seen.
    """
    unit, first, count = "", None, 0
    for start in starts:
        if start is None:
            continue
        seen = _unit(start)
        if not seen or seen != (unit or seen):
            return
        unit, first, count = seen, first or start, count + 1
    if unit:
        raise UnexpectedAnswerError(
            f"Netskope's scores have times in {unit}, such as {clean_text(str(first))}, in all {count} "
            "places; its documents say milliseconds since 1970.",
            remedy="No score was used. Ask Netskope what has changed in its answers.",
        )


def _unit(start: object) -> str:
    """Return the unit that a time must be in to be of our days; empty = milliseconds, or it is no time."""
    whole = _whole(start)
    if whole is None:
        return "text" if isinstance(start, str) and _DATE.match(start) else ""
    return next((unit for unit, (low, high) in _OTHER_UNITS.items() if low <= whole < high), "")


def _whole(value: object) -> int | None:
    """Return a whole number, however it is written; None for everything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
