# SPDX-License-Identifier: Apache-2.0
"""The pages of the list by rising score, up to a bound, and whether they can be relied on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.netskope_wire import entries_in, plain_numbers, repeated
from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.netskope_wire import WireListAnswer, WireListed

MOST_USERS = 5_000_000

_WIDER = 8
"""By how much more two pages overlap after they did not meet."""

_MOST_FALLEN = 10
"""So many new users of a page may have a score below the one that the page before ended with."""


class OrderedPages:
    """
    Yields pages until one of them has a score above the bound, but at least two.

    Two pages have one entry in common: where the first entry of a page is not the last one of the page
    before, the list has changed in between.

    :param read: returns the page that begins at an entry, counted from 0.
    :param until: the bound.
    """

    def __init__(self, read: Callable[[int], WireListAnswer], until: int) -> None:
        self._read = read
        self._until = until
        self._overlap = 1
        self.are_in_order = True
        """False = scores fall somewhere, or two pages do not meet; what was yielded is not all there is."""
        self.are_to_the_end = False
        """Whether the last page is also the last one of the list."""
        self.have_slipped = False
        """Whether the list has changed between two pages."""

    def __iter__(self) -> Iterator[WireListAnswer]:
        before: list[WireListed] = []
        offset = end = 0
        while end <= MOST_USERS:
            page = self._read(offset)
            entries = [one for one in page.results if one is not None]
            if entries and entries == before:
                raise repeated("scores")
            if before and entries and not self._meet(before, entries):
                if not self.are_in_order:
                    return
                offset = end - self._overlap
                continue
            yield page
            end = offset + entries_in(page.results)
            if self._is_last(page, entries, end, is_first=not before):
                return
            before = entries or before
            offset = max(end - self._overlap, offset + 1) if entries else end
        raise UnexpectedAnswerError(f"Netskope lists more than {MOST_USERS} users.")

    def _meet(self, before: list[WireListed], entries: list[WireListed]) -> bool:
        """Return whether nobody can be between two pages; else they have to overlap more."""
        first = entries[0].user
        if first == before[-min(self._overlap, len(before))].user:
            return True
        self.have_slipped = True
        known = {one.user for one in before}
        if first in known:
            scores = _scores_of(before)
            lower = [one for one in _scores_of(entries, without=known) if scores and one < scores[-1]]
            # A few have fallen in between; more are pages that are sorted each by itself.
            self.are_in_order = len(lower) <= _MOST_FALLEN
            return self.are_in_order
        self._overlap *= _WIDER
        self.are_in_order = self._overlap < len(before)
        return False

    def _is_last(self, page: WireListAnswer, entries: list[WireListed], end: int, *, is_first: bool) -> bool:
        scores = _scores_of(entries)
        if any(lower > higher for lower, higher in pairwise(scores)):
            self.are_in_order = False
            return True
        total = page.total_count
        self.are_to_the_end = not page.results or (total is not None and end >= total)
        if not page.results and total is not None and end < total:
            # It ends before its end: nothing about it can be relied on.
            self.are_in_order = False
        # Without a total nobody could tell a source that has shrunk from one not read to its end, and
        # one page does not tell whether the list is in order or only the page.
        if total is None or is_first:
            return self.are_to_the_end
        return self.are_to_the_end or (bool(scores) and scores[-1] > self._until)


def _scores_of(entries: list[WireListed], without: Collection[object] = ()) -> list[int]:
    """Return the scores that make sense, in the order of the entries."""
    return [
        plain[1]
        for one in entries
        if one.user not in without and (plain := plain_numbers(one.start, one.confidence_score))
    ]
