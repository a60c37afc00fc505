# SPDX-License-Identifier: Apache-2.0
"""Netskope's JSON and our buckets, one turned into the other; names, paths and units live only here."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from airflow_provider_okta_ure.core.buckets import Bucket
from airflow_provider_okta_ure.core.levels import check_score
from airflow_provider_okta_ure.errors import ConfigurationError

BUCKET = "REST API v2"
SERIES_PATH = "/api/v2/incidents/uba/getuci"
LIST_PATH = "/api/v2/incidents/users/getuci"
SCIM_PATH = "/api/v2/scim/Users"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = 253_402_300_799_999  # the end of the year 9999, in milliseconds


class WireConfidence(msgspec.Struct, rename="camel"):
    """A score of one day; not typed, because a single odd value must not cost the other users theirs."""

    start: Any = None
    confidence_score: Any = None


class WireSeries(msgspec.Struct, rename="camel"):
    """One user's scores; ``user_id`` can be spelled otherwise than it was asked for."""

    user_id: str
    confidences: list[WireConfidence] | None = None


class WireSeriesAnswer(msgspec.Struct, rename="camel"):
    users_uci: list[WireSeries]


class WireListed(msgspec.Struct, rename="camel"):
    """One user of the list, with the newest score."""

    user: str
    start: Any = None
    confidence_score: Any = None


class WireListAnswer(msgspec.Struct, rename="camel"):
    total_count: int
    results: list[WireListed]


class WireScimUser(msgspec.Struct, rename="camel"):
    user_name: str | None = None


class WireScimAnswer(msgspec.Struct, rename="camel"):
    total_results: int
    # SCIM (RFC 7644 section 3.4.2) leaves the list out when it is empty.
    resources: list[WireScimUser] = msgspec.field(name="Resources", default_factory=list)


def milliseconds(moment: datetime) -> int:
    """Return a moment as Netskope counts: milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_bucket(start: object, score: object) -> tuple[Bucket | None, bool]:
    """
    Return the bucket of a day, and whether its score is one.

    :return: None when not even the day is known; a bucket without score when the score makes no sense.
    """
    if type(start) is not int or not 0 <= start <= _LAST:
        return None, False
    day = _EPOCH + timedelta(milliseconds=start)
    try:
        return Bucket(day, check_score(score)), True
    except ConfigurationError:
        return Bucket(day, None), False
