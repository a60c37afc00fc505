# SPDX-License-Identifier: Apache-2.0
"""Reading a list page by page, with limits for all of its pages together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_okta_ure.clients.links import checked_next, joined
from airflow_provider_okta_ure.clients.unpacking import MIB
from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.answers import Reply
    from airflow_provider_okta_ure.clients.http import ApiClient

LARGEST_PAGE = 200
"""Of the lists that take no size of a page."""

FEWEST_PAGES = 20_000
"""So many are always read: a service may put fewer entries in a page than it was asked for."""


class ListLimits(NamedTuple):
    """
    What the pages of one list may take together; an org of 1,000,000 users needs less than half of each.

    :param entries: how many entries there may be; that many fill the pages that are read.
    :param size: bytes, after unpacking.
    :param seconds: the time of all calls, with what they wait for rate limits.
    """

    entries: int = 4_000_000
    size: int = 4096 * MIB
    seconds: float = 6 * 3600.0


class Listing:
    """
    Reads the pages of one list.

    :param api: the way to the service.
    :param page_size: how many entries were asked for in a page.
    :param limits: of all pages together.
    """

    def __init__(self, api: ApiClient, page_size: int, limits: ListLimits) -> None:
        self._api = api
        self._limits = limits
        self._most_pages = max(min(FEWEST_PAGES, limits.entries), limits.entries // page_size)
        self._seen: set[str] = set()
        self._pages = 0
        self._size = 0
        self._spent = 0.0

    def page(self, method: str, path: str, **how: Any) -> Reply[Any]:
        """
        Return the next page; the arguments are those of :meth:`ApiClient.call`.

        :raises UnexpectedAnswerError: the list has taken more than it may.
        """
        self._check(path)
        clock = self._api.timing.monotonic
        started = clock()
        reply = self._api.call(method, path, **how)
        self._spent += clock() - started
        self._size += reply.size
        self._pages += 1
        # As it was asked for, and as it was sent: the two can be spelled differently.
        self._seen |= {joined(self._api.base_url, path), reply.url}
        return reply

    def after(self, reply: Reply[Any], target: str) -> str:
        """
        Return the URL of the next page, when it may be followed.

        :param target: what the answer says.
        :raises UnexpectedAnswerError: it is on another origin, or was read before.
        """
        return checked_next(
            joined(reply.url, target),
            self._seen,
            base_url=self._api.base_url,
            service=self._api.service,
        )

    def _check(self, path: str) -> None:
        limits = self._limits
        beyond = (
            (self._pages >= self._most_pages, f"{self._most_pages} pages"),
            (self._size > limits.size, f"{limits.size // MIB} MiB"),
            (self._spent > limits.seconds, f"{limits.seconds / 3600:g} hours"),
        )
        for is_beyond, most in beyond:
            if is_beyond:
                raise UnexpectedAnswerError(
                    f"{self._api.service}'s list at {path.partition('?')[0]} has no end after {most}. "
                    "It was not read any further.",
                    topic="list-without-end",
                )
