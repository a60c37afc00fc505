# SPDX-License-Identifier: Apache-2.0
"""The list of everybody's newest score: to its end, or in order of score up to a bound."""

from __future__ import annotations

import logging
from array import array
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.compact_names import CompactNames
from airflow_provider_okta_ure.clients.netskope_names import names_in
from airflow_provider_okta_ure.clients.netskope_order import MOST_USERS, OrderedPages
from airflow_provider_okta_ure.clients.netskope_wire import (
    BUCKET,
    LIST_PATH,
    WireListAnswer,
    WireListed,
    check_unit,
    entries_in,
    plain_numbers,
    repeated,
)
from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE
from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_okta_ure.clients.http import ApiClient
    from airflow_provider_okta_ure.clients.lists import Listing
    from airflow_provider_okta_ure.clients.netskope_rows import RowMaker, Value
    from airflow_provider_okta_ure.core.models import Row

log = logging.getLogger(__name__)

PAGE_SIZE = 1000
SORT_ORDERS = ("asc", "desc", "asc")
"""How often, and from which end, a list that changes while it is read is read."""

_NO_SCORE = -1


class ListedScores:
    """
    The entries of the list by user, some 60 bytes each.

    Nearly everybody has one entry that makes sense, which is two numbers. All entries of the others are kept
    as they came.

    :param maker: makes rows of them.
    """

    def __init__(self, maker: RowMaker) -> None:
        self.names = CompactNames()
        self._maker = maker
        self.total = 0
        """How many entries Netskope says the list has."""
        self.is_to_the_end = True
        """Whether the list was read to its end, and not only to a bound."""
        self._starts = array("q")
        self._scores = array("h")
        self._several: dict[int, list[tuple[str, object, object]]] = {}

    @property
    def odd(self) -> int:
        """How many users whose rows were made have no score, because their value makes no sense."""
        return self._maker.odd

    def add(self, name: str, start: object, score: object) -> None:
        """Keep an entry; the same one again changes nothing."""
        index, is_new = self.names.add(name)
        if is_new:
            plain = plain_numbers(start, score)
            self._starts.append(plain[0] if plain else 0)
            self._scores.append(plain[1] if plain else _NO_SCORE)
            if plain is None:
                self._several[index] = [(name, start, score)]
            return
        before = self._several.get(index) or [(self.names[index], self._starts[index], self._scores[index])]
        if (name, start, score) not in before:
            self._several[index] = [*before, (name, start, score)]

    def rows(self) -> Iterator[Row]:
        """Yield everybody's row, with the name as it was spelled first."""
        for index, name in enumerate(self.names):
            yield self._row_at(index, name)

    def row_of(self, name: str) -> Row:
        """Return the row of a name, spelled as here; who is not listed has no score."""
        index = self.names.index_of(name)
        return self._maker.carefully(name, (), ()) if index is None else self._row_at(index, name)

    def check_unit(self) -> None:
        """:raises UnexpectedAnswerError: the times are all in another unit than documented."""
        odd = (start for records in self._several.values() for _name, start, _score in records)
        check_unit(chain((start for start in self._starts if start), odd))

    def _row_at(self, index: int, name: str) -> Row:
        records = self._several.get(index)
        if records is None:
            start, score = self._starts[index], self._scores[index]
            row = self._maker.of_one(name, start, score)
            if row is not None:
                return row
            records = [(name, start, score)]
        exact: list[Value] = [(start, score) for spelled, start, score in records if spelled == name]
        others: list[Value] = [(start, score) for spelled, start, score in records if spelled != name]
        return self._maker.carefully(name, exact, others)


class ListReader:
    """
    Reads the list.

    :param api: the way to the tenant.
    :param active_days: how many days ago users were active at the most.
    :param maker: makes rows of the entries.
    """

    def __init__(self, api: ApiClient, active_days: int, maker: RowMaker) -> None:
        self._api = api
        self._active_days = active_days
        self._listed = ListedScores(maker)
        self._nameless = 0
        self._shared: dict[object, int] = {}

    def read(self, until: int = HIGHEST_SCORE) -> ListedScores:
        """
        Return the entries of everybody whose score is not above a bound, and maybe of others.

        With a bound the list is read by rising score, as far as it goes. If it turns out to be in another
        order, it is read to its end as without one.

        :param until: the bound; 1000 = read all of it.
        """
        is_read = until < HIGHEST_SCORE and self._read_in_order(until)
        if not is_read:
            self._read_all()
        if self._nameless:
            log.warning(
                "%d entries of Netskope's list were left out, because they name nobody.", self._nameless
            )
        self._listed.check_unit()
        return self._listed

    # --- to its end

    def _read_all(self) -> None:
        """
        Read all entries.

        A list that changes while it is read hides users who slip to a page already read. So it is read
        again, from the other end, where pages end between other users.
        """
        for order in SORT_ORDERS:
            self._nameless = 0
            for page in self._pages(order):
                self._listed.total = page.total_count or 0
                self._take(page.results)
            entries = len(self._listed.names) - sum(self._shared.values()) + self._nameless
            if entries >= self._listed.total:
                break
        else:
            self._listed.names.is_whole = False
            log.warning(
                "Netskope says that it has scores of %d users, and listed %d.", self._listed.total, entries
            )

    def _pages(self, order: str) -> Iterator[WireListAnswer]:
        offset = 0
        listing = self._api.listing(PAGE_SIZE)
        before: WireListAnswer | None = None
        while offset <= MOST_USERS:
            page = self._page(offset, order, listing)
            if before and any(page.results) and page.results == before.results:
                raise repeated("scores")
            before = page
            yield page
            offset += entries_in(page.results)
            if not page.results or (page.total_count is not None and offset >= page.total_count):
                return
        raise UnexpectedAnswerError(f"Netskope lists more than {MOST_USERS} users.")

    # --- by rising score

    def _read_in_order(self, until: int) -> bool:
        """
        Read the entries up to a bound; return whether they came in order, so that this is all of them.

        Each page begins with the last entry of the page before. When it does not, the list has changed in
        between: who is missing between the two pages is read by going back, and who has moved to a page
        already read, by reading all pages once more.
        """
        for _ in range(2):
            self._nameless = 0
            read = partial(self._page, order="asc", listing=self._api.listing(PAGE_SIZE))
            pages = OrderedPages(read, until)
            for page in pages:
                self._listed.total = page.total_count or 0
                self._take(page.results)
            if not pages.are_in_order:
                log.info(
                    "Netskope's list of scores is not in order of score, so it is read to its end: up to "
                    "%d users.",
                    self._listed.total,
                )
                return False
            self._listed.is_to_the_end = pages.are_to_the_end
            if not pages.have_slipped:
                break
        return True

    # --- both

    def _take(self, entries: list[WireListed | None]) -> None:
        add = self._listed.add
        for one in entries:
            names = names_in(one.user) if one is not None else []
            if one is None or not names:
                self._nameless += 1
                continue
            for name in names:
                add(name, one.start, one.confidence_score)
            if len(names) > 1:
                self._shared[one.user] = len(names) - 1

    def _page(self, offset: int, order: str, listing: Listing) -> WireListAnswer:
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
            json={"usersActiveInLastDays": self._active_days, "ratingRank": "all"},
            repeatable=True,
            expect=WireListAnswer,
        ).body
        return page
