# SPDX-License-Identifier: Apache-2.0
"""The client of a Netskope tenant: who its users are, and how much confidence it has in them."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timezone
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_okta_ure.clients.http import ApiClient, Transport
from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.clients.netskope_names import ByName, each_once, names_in
from airflow_provider_okta_ure.clients.netskope_probe import NOBODY, NetskopeProbe
from airflow_provider_okta_ure.clients.netskope_wire import (
    BUCKET,
    LIST_PATH,
    SCIM_PATH,
    SERIES_PATH,
    WireListAnswer,
    WireScimAnswer,
    WireSeries,
    WireSeriesAnswer,
    check_unit,
    milliseconds,
    to_bucket,
)
from airflow_provider_okta_ure.core.buckets import Bucket, newest_day, oldest_needed, select_buckets, utc_day
from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.names import fold, is_text, spellings
from airflow_provider_okta_ure.errors import ConfigurationError, InvalidRequestError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.auth import OriginAuth
    from airflow_provider_okta_ure.clients.lists import Listing

log = logging.getLogger(__name__)

_Value: TypeAlias = tuple[object, object]
"""A day as Netskope writes it, and its score."""

Strategy: TypeAlias = Literal["series", "list"]
"""``series`` reads daily scores and can answer for any day; ``list`` reads the newest scores page by page."""

USERS_PER_CALL = 500
PAGE_SIZE = 1000
PER_SECOND = 3.0
"""Netskope: 4 requests a second for an endpoint; unclear is whether all endpoints share them."""

MOST_USERS = 5_000_000
SORT_ORDERS = ("asc", "desc", "asc")
"""How often, and from which end, a list that changes while it is read is read."""


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
        self._read_series([name], milliseconds(utc_day(self._now())), 1)

    @property
    def probe(self) -> NetskopeProbe:
        """Small reads that show what the token may do."""
        return NetskopeProbe(self._api)

    def list_users(self) -> Iterator[str]:
        """
        Yield the names of all users, each once whatever its case.

        :raises UnexpectedAnswerError: the list has no end.
        """
        seen: set[str] = set()
        start = 1
        listing = self._api.listing(PAGE_SIZE)
        before: WireScimAnswer | None = None
        while True:
            page = self._scim_page(start, PAGE_SIZE, listing)
            if before and any(page.resources or ()) and page.resources == before.resources:
                raise _repeated("users")
            before = page
            for name in self._names_in(user.user_name for user in page.resources or () if user):
                if fold(name) not in seen:
                    seen.add(fold(name))
                    yield name
            # A page can be shorter than asked for, and then the next one starts earlier.
            start += _entries(page.resources or ())
            if not page.resources or (page.total_results is not None and start > page.total_results):
                break
            if start > MOST_USERS:
                raise UnexpectedAnswerError(f"Netskope lists more than {MOST_USERS} users.")
        if page.total_results is not None and len(seen) < page.total_results:
            log.warning("Netskope says that it has %d users, and listed %d.", page.total_results, len(seen))

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
            return self._series(as_of, self.list_users() if users is None else users, oldest, today)
        if strategy == "list":
            return self._list(as_of, users, oldest, today)
        raise ConfigurationError(f"There is no strategy {strategy!r}.", remedy="Use 'series' or 'list'.")

    # --- series

    def _series(
        self, as_of: datetime, users: Iterable[str], oldest: datetime, today: datetime
    ) -> Iterator[Row]:
        # Netskope keeps the newest buckets within the cap and takes no end: the cap has to count from now.
        cap = max(1, (today - oldest).days + 1)
        odd = 0
        for batch in self._batches(each_once(self._names_in(users))):
            series: ByName[list[_Value]] = ByName()
            asked = dict.fromkeys(one for spelled in batch.values() for one in spelled)
            for found in self._read_in_parts(list(asked), milliseconds(oldest), cap) if asked else ():
                series.add(names_in(found.user_id), _values_of(found))
            for name in batch:
                exact, others = series.of(name)
                row, is_odd = _row(name, chain(*exact), chain(*others), as_of, oldest)
                odd += is_odd
                yield row
        _warn_of_odd(odd)

    def _batches(self, names: Iterable[str]) -> Iterator[dict[str, list[str]]]:
        """Yield the names, with what Netskope may call each, in groups that one call can ask for."""
        batch: dict[str, list[str]] = {}
        size = 0
        for name in names:
            shared = self._shared.get(fold(name))
            asked = [*spellings(name), *([shared] if shared else [])] if is_text(name) else []
            if batch and size + len(asked) > USERS_PER_CALL:
                yield batch
                batch, size = {}, 0
            batch[name] = asked
            size += len(asked)
        if batch:
            yield batch

    def _names_in(self, said: Iterable[object]) -> Iterator[str]:
        """Yield each user's name, and remember the records that are about several users."""
        for record in said:
            for name in names_in(record):
                if name != record:
                    self._shared[fold(name)] = str(record)
                yield name

    def _read_in_parts(self, names: list[str], from_time: int, cap: int) -> Iterator[WireSeries]:
        parts = deque([names])
        while parts:
            part = parts.popleft()
            try:
                yield from self._read_series(part, from_time, cap)
            except InvalidRequestError as error:
                # Netskope says 512 in one place and 500 in another; whatever it is, half of it may do.
                if error.status not in (400, 413) or len(part) == 1:
                    raise
                half = len(part) // 2
                parts.extendleft((part[half:], part[:half]))

    def _read_series(self, names: list[str], from_time: int, cap: int) -> list[WireSeries]:
        said = self._api.call(
            "POST",
            SERIES_PATH,
            bucket=BUCKET,
            json={"users": names, "fromTime": from_time, "capPerUser": cap},
            repeatable=True,
            expect=WireSeriesAnswer,
        ).body
        found = [one for one in said.users_uci if one is not None]
        check_unit(start for one in found for start, _score in _values_of(one))
        return found

    # --- list

    def _list(
        self, as_of: datetime, users: Iterable[str] | None, oldest: datetime, today: datetime
    ) -> Iterator[Row]:
        if newest_day(as_of) != today:
            raise ConfigurationError(
                f"Strategy 'list' knows today's scores only, not those of {newest_day(as_of):%Y-%m-%d}, "
                f"which count at {as_of.isoformat()}.",
                remedy="Use strategy='series'.",
            )
        return self._list_rows(as_of, users, oldest, (today - oldest).days + 1)

    def _list_rows(
        self, as_of: datetime, users: Iterable[str] | None, oldest: datetime, active_days: int
    ) -> Iterator[Row]:
        listed = self._read_list(active_days)
        odd = 0
        for name in each_once(listed.names() if users is None else self._names_in(users)):
            exact, others = listed.of(name)
            row, is_odd = _row(name, exact, others, as_of, oldest)
            odd += is_odd
            yield row
        _warn_of_odd(odd)

    def _read_list(self, active_days: int) -> ByName[_Value]:
        """
        Return all entries by user.

        A list that changes while it is read hides users who slip to a page already read. So it is read
        again, from the other end, where pages end between other users.
        """
        listed: ByName[_Value] = ByName()
        shared: dict[object, int] = {}
        total = 0
        for order in SORT_ORDERS:
            nameless = 0
            for page in self._list_pages(active_days, order):
                total = page.total_count or 0
                for one in page.results:
                    names = names_in(one.user) if one else []
                    if one is None or not names:
                        nameless += 1
                        continue
                    listed.add(names, (one.start, one.confidence_score))
                    if len(names) > 1:
                        shared[one.user] = len(names) - 1
            entries = len(listed) - sum(shared.values()) + nameless
            if entries >= total:
                break
        else:
            log.warning("Netskope says that it has scores of %d users, and listed %d.", total, entries)
        if nameless:
            log.warning("%d entries of Netskope's list were left out, because they name nobody.", nameless)
        check_unit(start for start, _score in listed.records())
        return listed

    def _list_pages(self, active_days: int, order: str) -> Iterator[WireListAnswer]:
        offset = 0
        listing = self._api.listing(PAGE_SIZE)
        before: WireListAnswer | None = None
        while offset <= MOST_USERS:
            page = self._list_page(offset, active_days, order, listing)
            if before and any(page.results) and page.results == before.results:
                raise _repeated("scores")
            before = page
            yield page
            offset += _entries(page.results)
            if not page.results or (page.total_count is not None and offset >= page.total_count):
                return
        raise UnexpectedAnswerError(f"Netskope lists more than {MOST_USERS} users.")

    def _list_page(self, offset: int, active_days: int, order: str, listing: Listing) -> WireListAnswer:
        page: WireListAnswer = listing.page(
            "POST",
            LIST_PATH,
            bucket=BUCKET,
            params={
                "statistics": "true",
                "offset": str(offset),
                "limit": str(PAGE_SIZE),
                "sortby": "confidenceScore",
                "sortorder": order,
            },
            json={"usersActiveInLastDays": active_days, "ratingRank": "all"},
            repeatable=True,
            expect=WireListAnswer,
        ).body
        return page

    # --- both

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


def _entries(page: Sequence[object]) -> int:
    """
    Return by how much a page brings us on.

    Whether a null stands in the place of an entry or between two is not known. Taken for the latter, an
    entry at the worst comes twice, and none is passed over.
    """
    return sum(1 for one in page if one is not None) or len(page)


def _repeated(of: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"Netskope gave the same page of its list of {of} twice, so the list has no end.",
        topic="list-without-end",
    )


def _warn_of_odd(count: int) -> None:
    if count:
        log.warning("%d users have no score, because Netskope's value for them makes no sense.", count)


def _values_of(series: WireSeries) -> list[_Value]:
    return [(one.start, one.confidence_score) for one in series.confidences or () if one is not None]


def _row(
    name: str, exact: Iterable[_Value], others: Iterable[_Value], as_of: datetime, oldest: datetime
) -> tuple[Row, bool]:
    """
    Return a user's row, and whether it has no score because the value that counts makes no sense.

    :param exact: what stands under just this name.
    :param others: what stands under other spellings of it; counts for days that the name itself has not.
    """
    buckets: list[Bucket] = []
    odd: set[datetime] = set()
    for values in (exact, others):
        known = {utc_day(bucket.start) for bucket in buckets}
        for start, score in values:
            bucket, makes_sense = to_bucket(start, score)
            # Netskope's own lower bound is not relied on: its unit is not documented beyond doubt.
            if bucket is None or bucket.start < oldest or utc_day(bucket.start) in known:
                continue
            buckets.append(bucket)
            if not makes_sense:
                odd.add(bucket.start)
    current, previous, provisional = select_buckets(buckets, as_of)
    if current is None or current.score is None:
        return Row(user=name, as_of=as_of), current is not None and current.start in odd
    return (
        Row(
            user=name,
            score=current.score,
            score_at=current.start,
            previous_score=previous.score if previous else None,
            previous_score_at=previous.start if previous and previous.score is not None else None,
            provisional=provisional,
            as_of=as_of,
        ),
        False,
    )
