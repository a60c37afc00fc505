# SPDX-License-Identifier: Apache-2.0
"""The client of a Netskope tenant: who its users are, and how much confidence it has in them."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_okta_ure.clients.compact_names import CompactNames
from airflow_provider_okta_ure.clients.http import ApiClient, Transport
from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.clients.netskope_list import ListReader
from airflow_provider_okta_ure.clients.netskope_names import each_once, names_in
from airflow_provider_okta_ure.clients.netskope_order import MOST_USERS
from airflow_provider_okta_ure.clients.netskope_probe import NOBODY, NetskopeProbe
from airflow_provider_okta_ure.clients.netskope_rows import RowMaker
from airflow_provider_okta_ure.clients.netskope_series import SeriesReader
from airflow_provider_okta_ure.clients.netskope_wire import (
    BUCKET,
    SCIM_PATH,
    WireScimAnswer,
    entries_in,
    milliseconds,
    repeated,
)
from airflow_provider_okta_ure.core.buckets import newest_day, oldest_needed, utc_day
from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.auth import OriginAuth
    from airflow_provider_okta_ure.clients.lists import Listing
    from airflow_provider_okta_ure.clients.netskope_list import ListedScores
    from airflow_provider_okta_ure.core.models import Row

log = logging.getLogger(__name__)

Strategy: TypeAlias = Literal["series", "list"]
"""``series`` reads daily scores and can answer for any day; ``list`` reads the newest scores page by page."""

PAGE_SIZE = 1000
PER_SECOND = 3.0
"""Netskope: 4 requests a second for an endpoint; unclear is whether all endpoints share them."""


class NetskopeClient:
    """
    Users and scores of one Netskope tenant; safe to use from many threads.

    Every score is a User Confidence Index: 0..1000, **higher is safer**.

    :param api: the way to the tenant; :meth:`connect` makes one.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._shared: dict[str, str] = {}
        """Records with several names in them, as Netskope spells them, by each of the names."""
        self._series = SeriesReader(api, self._shared)

    @classmethod
    def connect(cls, base_url: str, auth: OriginAuth, **transport: Unpack[Transport]) -> NetskopeClient:
        """
        Return a client; nothing is sent yet.

        :param base_url: the tenant's URL, from :func:`hosts.netskope_base_url`.
        :param auth: who we are, such as :class:`auth.NetskopeTokenAuth`.
        :param transport: how to reach the tenant; see :class:`http.ApiClient`.
        """
        transport.setdefault("read_timeout", 120.0)  # scores of many users take their time
        return cls(ApiClient(base_url, auth, NetskopeDialect(), per_second=PER_SECOND, **transport))

    @property
    def base_url(self) -> str:
        """The tenant's URL, without a slash at the end."""
        return self._api.base_url

    @property
    def calls(self) -> dict[str, int]:
        """How many calls were made so far, by rate limit."""
        return self._api.sent

    @property
    def limits(self) -> dict[str, int]:
        """How many calls a window of each rate limit allows, as far as answers have told it."""
        return self._api.limits

    @property
    def rate_limit_share(self) -> float:
        """How much of each window we use at most."""
        return self._api.rate_limit_share

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self._api.close()

    def check(self) -> None:
        """
        Read one user and his scores, which every use of this client needs.

        :raises OktaUreError: saying what is wrong: the host, the token, or what it may do.
        """
        page = self._scim_page(1, 1, self._api.listing(1))
        name = next(self._names_in(user.user_name for user in page.resources or () if user), NOBODY)
        self._series.read([name], milliseconds(utc_day(self._now())), 1)

    @property
    def probe(self) -> NetskopeProbe:
        """Small reads that show what the token may do."""
        return NetskopeProbe(self._api)

    def list_users(self) -> Iterator[str]:
        """
        Yield the names of all users, each once whatever its case.

        :raises UnexpectedAnswerError: the list has no end.
        """
        return self._listed(CompactNames())

    def names(self) -> CompactNames:
        """
        Return the names of all users, a million of them in some 50 MB.

        :raises UnexpectedAnswerError: the list has no end.
        """
        names = CompactNames()
        for _name in self._listed(names):
            pass
        return names

    def scores(
        self,
        as_of: datetime,
        *,
        strategy: Strategy = "series",
        users: Iterable[str] | None = None,
        carry_days: int = 7,
        now: datetime | None = None,
    ) -> Iterator[Row]:
        """
        Yield one row per user with the score that counts at a moment, higher is safer.

        :param as_of: the moment (aware): the last daily score that starts before it counts.
        :param strategy: ``series`` for any moment; ``list`` for the newest scores only, with fewer calls.
        :param users: whose scores; every name gives exactly one row, spelled as here, and several addresses
            in one text a row each. None = of all users.
        :param carry_days: how many days before that day a score may come from.
        :param now: the present moment; None = what the clock says.
        :raises ConfigurationError: ``list`` cannot answer for this moment, or the moment has no offset.
        """
        oldest, today = oldest_needed(as_of, carry_days), utc_day(now or self._now())
        if strategy == "series":
            return self._daily(as_of, self.list_users() if users is None else users, oldest, today)
        if strategy == "list":
            _require_today(as_of, today)
            return self._listed_rows(as_of, users, oldest, today)
        raise ConfigurationError(f"There is no strategy {strategy!r}.", remedy="Use 'series' or 'list'.")

    def listed_scores(
        self,
        as_of: datetime,
        *,
        until: int = HIGHEST_SCORE,
        carry_days: int = 7,
        now: datetime | None = None,
    ) -> ListedScores:
        """
        Return what the list of newest scores says of everybody whose score is not above a bound.

        :param until: the bound; 1000 = of everybody.
        :raises ConfigurationError: the list cannot answer for this moment, or the moment has no offset.
        """
        oldest, today = oldest_needed(as_of, carry_days), utc_day(now or self._now())
        _require_today(as_of, today)
        maker = RowMaker(as_of, oldest)
        return ListReader(self._api, (today - oldest).days + 1, maker).read(until)

    def rows_of(self, listed: ListedScores) -> Iterator[Row]:
        """Yield the rows of everybody in what was listed."""
        yield from listed.rows()
        _warn_of_odd(listed.odd)

    # --- inside

    def _daily(
        self, as_of: datetime, users: Iterable[str], oldest: datetime, today: datetime
    ) -> Iterator[Row]:
        # Netskope keeps the newest buckets within the cap and takes no end: the cap has to count from now.
        cap = max(1, (today - oldest).days + 1)
        maker = RowMaker(as_of, oldest)
        names = users if isinstance(users, CompactNames) else each_once(self._names_in(users))
        yield from self._series.rows(names, maker, milliseconds(oldest), cap)
        _warn_of_odd(maker.odd)

    def _listed_rows(
        self, as_of: datetime, users: Iterable[str] | None, oldest: datetime, today: datetime
    ) -> Iterator[Row]:
        maker = RowMaker(as_of, oldest)
        listed = ListReader(self._api, (today - oldest).days + 1, maker).read()
        if users is None:
            yield from self.rows_of(listed)
            return
        yield from map(listed.row_of, each_once(self._names_in(users)))
        _warn_of_odd(listed.odd)

    def _listed(self, names: CompactNames) -> Iterator[str]:
        """Yield the names of all users, and put them into these."""
        total: int | None = None
        listed = 0
        for page in self._scim_pages():
            resources = page.resources or ()
            for name in self._names_in(user.user_name for user in resources if user):
                if name.strip() and names.add(name)[1]:
                    yield name
            total = page.total_results
            listed += entries_in(resources)
        if total is None:
            return
        names.is_whole = listed >= total
        if len(names) < total:
            log.warning("Netskope says that it has %d users, and listed %d.", total, len(names))

    def _scim_pages(self) -> Iterator[WireScimAnswer]:
        start = 1
        listing = self._api.listing(PAGE_SIZE)
        before: WireScimAnswer | None = None
        while start <= MOST_USERS:
            page = self._scim_page(start, PAGE_SIZE, listing)
            if before and any(page.resources or ()) and page.resources == before.resources:
                raise repeated("users")
            before = page
            yield page
            # A page can be shorter than asked for, and then the next one starts earlier.
            start += entries_in(page.resources or ())
            if not page.resources or (page.total_results is not None and start > page.total_results):
                return
        raise UnexpectedAnswerError(f"Netskope lists more than {MOST_USERS} users.")

    def _names_in(self, said: Iterable[object]) -> Iterator[str]:
        """Yield each user's name, and remember the records that are about several users."""
        for record in said:
            for name in names_in(record):
                if name != record:
                    self._shared[fold(name)] = str(record)
                yield name

    def _scim_page(self, start: int, count: int, listing: Listing) -> WireScimAnswer:
        params = {"startIndex": str(start), "count": str(count)}
        page: WireScimAnswer = listing.page(
            "GET", SCIM_PATH, bucket=BUCKET, params=params, expect=WireScimAnswer
        ).body
        if not page.is_list:
            raise UnexpectedAnswerError("Netskope's list of users has another form: it has no users.")
        return page

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._api.timing.now(), tz=timezone.utc)


def _require_today(as_of: datetime, today: datetime) -> None:
    if newest_day(as_of) != today:
        raise ConfigurationError(
            f"Strategy 'list' knows today's scores only, not those of {newest_day(as_of):%Y-%m-%d}, "
            f"which count at {as_of.isoformat()}.",
            remedy="Use strategy='series'.",
        )


def _warn_of_odd(count: int) -> None:
    if count:
        log.warning("%d users have no score, because Netskope's value for them makes no sense.", count)
