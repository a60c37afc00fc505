# SPDX-License-Identifier: Apache-2.0
"""Small reads that show what a token may do in a Netskope tenant; nothing here writes, or waits for long."""

from __future__ import annotations

from datetime import datetime, timezone
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
)
from airflow_provider_okta_ure.clients.retries import BRIEF
from airflow_provider_okta_ure.core.buckets import utc_day

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.clients.http import ApiClient

NOBODY = "nobody@netskope.example"


class NetskopeProbe:
    """
    Reads one thing of each kind.

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

    def read_user(self) -> str:
        """Return the name of some user; empty when the tenant shows none."""
        params = {"startIndex": "1", "count": "1"}
        page = self._api.call("GET", SCIM_PATH, bucket=BUCKET, params=params, expect=WireScimAnswer).body
        users = (user.user_name for user in page.resources or () if user)
        return next((name for said in users for name in names_in(said)), "")

    def read_series(self, user: str = "") -> None:
        """
        Read one user's newest daily score.

        :param user: whose; empty = a name that nobody has, which Netskope answers as well.
        """
        today = datetime.fromtimestamp(self._api.timing.now(), tz=timezone.utc)
        body = {"users": [user or NOBODY], "fromTime": milliseconds(utc_day(today)), "capPerUser": 1}
        self._api.call(
            "POST", SERIES_PATH, bucket=BUCKET, json=body, repeatable=True, expect=WireSeriesAnswer
        )

    def read_list(self) -> None:
        """Read one entry of the list of newest scores."""
        params = {"statistics": "true", "offset": "0", "limit": "1"}
        params |= {"sortby": "confidenceScore", "sortorder": "asc"}
        body = {"usersActiveInLastDays": 1, "ratingRank": "all"}
        self._api.call(
            "POST", LIST_PATH, bucket=BUCKET, params=params, json=body, repeatable=True, expect=WireListAnswer
        )
