# SPDX-License-Identifier: Apache-2.0
"""Small reads that show what a token may do in a Netskope tenant; nothing here writes, or waits for long."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.netskope_names import names_in
from airflow_provider_okta_ure.clients.netskope_wire import (
    BUCKET,
    LIST_PATH,
    SCIM_PATH,
    SERIES_PATH,
    WireListAnswer,
    WireScimAnswer,
    WireSeriesAnswer,
    milliseconds,
    to_bucket,
)
from airflow_provider_okta_ure.clients.retries import BRIEF
from airflow_provider_okta_ure.core.buckets import utc_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.clients.http import ApiClient

NOBODY = "nobody@netskope.example"

USERS_READ = 100
DAYS_READ = 7
_DAY = timedelta(days=1)


class NetskopeProbe:
    """
    Reads a little of each kind.

    :param api: the way to the tenant.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api.with_patience(BRIEF)

    @property
    def limits(self) -> dict[str, int]:
        """Requests per second that the tenant allows, by bucket, as far as answers said so."""
        return self._api.limits

    @property
    def rate_limit_share(self) -> float:
        """How much of them we use at most."""
        return self._api.rate_limit_share

    def glimpse(self) -> Glimpse:
        """Return what the tenant shows to somebody without a token."""
        return self._api.glimpse(f"{SCIM_PATH}?startIndex=1&count=1")

    def read_users(self) -> list[str]:
        """Return the names of the first users; empty when the tenant shows none."""
        params = {"startIndex": "1", "count": str(USERS_READ)}
        page = self._api.call("GET", SCIM_PATH, bucket=BUCKET, params=params, expect=WireScimAnswer).body
        users = (user.user_name for user in page.resources or () if user)
        return [name for said in users for name in names_in(said)][:USERS_READ]

    def read_series(self, users: Sequence[str] = ()) -> datetime | None:
        """
        Return the newest day that some users have a score of; None = they have none of the last days.

        :param users: whose; empty = a name that nobody has, which Netskope answers as well.
        """
        body = {
            "users": list(users) or [NOBODY],
            "fromTime": milliseconds(utc_day(self._now()) - DAYS_READ * _DAY),
            "capPerUser": DAYS_READ + 1,
        }
        answer = self._api.call(
            "POST", SERIES_PATH, bucket=BUCKET, json=body, repeatable=True, expect=WireSeriesAnswer
        ).body
        return self._newest(
            one.start for part in answer.users_uci if part for one in part.confidences or () if one
        )

    def read_list(self) -> datetime | None:
        """Return the newest day of the first entries of the list of newest scores; None = it has no entry."""
        params = {"statistics": "true", "offset": "0", "limit": str(USERS_READ)}
        params |= {"sortby": "confidenceScore", "sortorder": "asc"}
        body = {"usersActiveInLastDays": DAYS_READ, "ratingRank": "all"}
        answer = self._api.call(
            "POST", LIST_PATH, bucket=BUCKET, params=params, json=body, repeatable=True, expect=WireListAnswer
        ).body
        return self._newest(one.start for one in answer.results if one)

    def _newest(self, starts: Iterable[object]) -> datetime | None:
        buckets = (to_bucket(start, None)[0] for start in starts)
        return max((one.start for one in buckets if one is not None), default=None)

    def age_of(self, day: datetime) -> timedelta:
        """Return how old the score of a day is, counted from its start to the start of today."""
        return utc_day(self._now()) - day

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._api.timing.now(), tz=timezone.utc)
