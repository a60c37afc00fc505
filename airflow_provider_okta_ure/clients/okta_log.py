# SPDX-License-Identifier: Apache-2.0
"""Okta's System Log: read between two moments, or followed from a moment on."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from airflow_provider_okta_ure.clients.answers import clean_text
from airflow_provider_okta_ure.clients.dialects import server_time
from airflow_provider_okta_ure.clients.links import next_link
from airflow_provider_okta_ure.clients.okta_wire import text_literal
from airflow_provider_okta_ure.core.deliveries import Sighting
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_okta_ure.clients.http import ApiClient

LOGS_PATH = "/api/v1/logs"
LOGS_BUCKET = "/api/v1/logs"
LARGEST_PAGE = 1000

RECEIVED = "security.events.provider.receive_event"
"""Okta: the type of the event that says that a security event token was taken in."""


class WireActor(msgspec.Struct, rename="camel"):
    """Who did it, or to whom; Okta leaves out what it does not know."""

    id: str | None = None
    type: str | None = None
    alternate_id: str | None = None
    display_name: str | None = None


class WireLogEvent(msgspec.Struct, rename="camel"):
    """What we read of an event; its ``debugContext`` is no contract, so it is not looked at."""

    uuid: str
    # A time without an offset could not be compared with any other.
    published: Annotated[datetime, msgspec.Meta(tz=True)]
    event_type: str
    actor: WireActor | None = None
    target: list[WireActor | None] | None = None

    def to_sighting(self) -> Sighting:
        actor = self.actor or WireActor()
        targets = [one for one in self.target or () if one is not None]
        names = (actor.id, actor.alternate_id, actor.display_name)
        return Sighting(
            event_id=self.uuid,
            published=self.published,
            user_ids=tuple(one.id for one in targets if one.type == "User" and one.id),
            senders=frozenset(name for name in names if name),
            sender=clean_text(actor.display_name or actor.id),
        )


def received_filter(user_ids: Iterable[str] = ()) -> str:
    """
    Return Okta's expression for the risk signals that it took in.

    >>> received_filter(["00u1"])
    'eventType eq "security.events.provider.receive_event" and (target.id eq "00u1")'

    :param user_ids: only those about these users; none = about anybody.
    """
    about = " or ".join(f"target.id eq {text_literal(user_id)}" for user_id in user_ids)
    taken_in = f"eventType eq {text_literal(RECEIVED)}"
    return f"{taken_in} and ({about})" if about else taken_in


class ReceivedTail:
    """
    The risk signals that Okta took in from a moment on, in the order in which its log stored them.

    Each :meth:`read` goes on where the one before stopped, also when the reader stopped early.

    :param api: the way to the org.
    :param since: by Okta's clock (aware).
    """

    def __init__(self, api: ApiClient, since: datetime) -> None:
        self._api = api
        self._next = LOGS_PATH
        self._params: dict[str, str] | None = {
            "since": wire_moment(since),
            "sortOrder": "ASCENDING",
            "limit": str(LARGEST_PAGE),
            "filter": received_filter(),
        }
        self.now: datetime | None = None
        """Okta's clock at the newest answer, in whole seconds; None = no answer has told it."""

    def read(self) -> Iterator[list[Sighting]]:
        """
        Yield the pages that are there by now.

        :raises OktaUreError: Okta refused or gave no answer; reading again starts with the same page.
        """
        listing = self._api.listing(LARGEST_PAGE)
        while True:
            reply = listing.page(
                "GET", self._next, bucket=LOGS_BUCKET, params=self._params, expect=list[WireLogEvent]
            )
            stamp = server_time(reply.headers)
            self.now = self.now if stamp is None else datetime.fromtimestamp(stamp, tz=timezone.utc)
            if not reply.body:
                # Okta: without an end the log always names a next page; here it would be this one again.
                return
            target = next_link(reply.headers.get("Link", ""))
            if target:
                self._next = listing.after(reply, target)
                self._params = None
            yield [event.to_sighting() for event in reply.body if event.event_type == RECEIVED]
            if not target:
                return


def wire_moment(moment: datetime) -> str:
    """
    Return a moment as Okta's log wants it.

    :raises ConfigurationError: it has no UTC offset.
    """
    if moment.utcoffset() is None:
        raise ConfigurationError(
            f"The moment {moment.isoformat()} has no UTC offset.", remedy="Use an aware datetime."
        )
    utc = moment.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


class OktaLogCalls:
    """The System Log."""

    _api: ApiClient

    def tail_received(self, since: datetime) -> ReceivedTail:
        """Return the risk signals that Okta took in from a moment on; nothing is read yet."""
        return ReceivedTail(self._api, since)

    def list_received(self, since: datetime, until: datetime, user_ids: Iterable[str]) -> Iterator[Sighting]:
        """
        Yield the risk signals about some users that Okta took in between two moments.

        :param user_ids: so many that they fit into one expression; at least one.
        """
        pages = self._api.pages(
            LOGS_PATH,
            bucket=LOGS_BUCKET,
            params={
                "since": wire_moment(since),
                "until": wire_moment(until),
                "sortOrder": "ASCENDING",
                "limit": str(LARGEST_PAGE),
                "filter": received_filter(user_ids),
            },
            expect=list[WireLogEvent],
        )
        for page in pages:
            yield from (event.to_sighting() for event in page)

    def list_log_events(
        self,
        since: datetime,
        until: datetime | None = None,
        filter: str | None = None,  # noqa: A002  # Okta's word
        limit: int = LARGEST_PAGE,
    ) -> Iterator[dict[str, Any]]:
        """
        Yield events of the System Log, as Okta describes them.

        :param since: from when on.
        :param until: up to when; None = all there are by now, in the order they were stored.
        :param filter: an expression of Okta's.
        :param limit: how many events in a page, at most 1000.
        """
        params = {"since": wire_moment(since), "sortOrder": "ASCENDING", "limit": str(limit)}
        if until is not None:
            params["until"] = wire_moment(until)
        if filter:
            params["filter"] = filter
        # Okta: without an end, the log always names a next page, for those who wait for more.
        pages = self._api.pages(
            LOGS_PATH,
            bucket=LOGS_BUCKET,
            params=params,
            until_empty=until is None,
            expect=list[dict[str, Any]],
        )
        for page in pages:
            yield from page
