# SPDX-License-Identifier: Apache-2.0
"""Looking again and again for the risk signals of one DAG run in Okta's System Log, with few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.core.deliveries import CLOCKS_DIFFER_BY, Push, Senders, Sighting, match

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.clients.okta_log import ReceivedTail

KEPT = timedelta(days=90)
"""Okta: how long the System Log keeps an event."""


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which signals are looked for.

    :param org: the Okta org's URL.
    :param within: how long after the last push an event may take to show up.
    :param senders: whose events count as ours.
    """

    org: str
    dag_id: str
    run_id: str
    within: timedelta
    senders: Senders = Senders()


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a look has shown.

    :param confirmed: how many signals of the run are in the System Log.
    :param missing: the others, in the order of their numbers.
    :param is_over: nothing is missing, or the time for it to show up is over.
    :param elsewhere: how many signals the run sent to other orgs.
    """

    confirmed: int
    missing: Sequence[Entry]
    is_over: bool
    elsewhere: int = 0


class Watch:
    """
    Watches Okta's System Log for the signals of one DAG run.

    What it finds is written into the action log at once, so one that starts anew, after a crash or in
    another process, goes on with what is missing. One that stays reads every page of the log once.

    :param wanted: which signals.
    :param connect: returns the client of the org; called when there is something to ask.
    :param now: the clock on the wall that the action log was written by.
    """

    def __init__(
        self, wanted: Wanted, connect: Callable[[], OktaClient], *, now: Callable[[], datetime] = _now
    ) -> None:
        self.wanted = wanted
        self._connect = connect
        self._now = now
        self._ahead = timedelta(0)
        self._tail: ReceivedTail | None = None
        self._seen: dict[str, Sighting] = {}

    @property
    def sightings(self) -> Sequence[Sighting]:
        """The events about the run's users that were read so far, whoever sent them."""
        return list(self._seen.values())

    def okta_time(self, moment: datetime) -> datetime:
        """Return what Okta's clock showed at a moment of ours."""
        return moment + self._ahead

    def to_push(self, entry: Entry) -> Push:
        """Return an entry of the action log as a push, by Okta's clock."""
        return Push(
            number=entry.id or 0,
            user_id=entry.user_id,
            issuer=entry.target,
            at=self.okta_time(entry.started_at),
            event_id=entry.log_event_id,
        )

    def look(self, log: ActionLog) -> Progress:
        """
        Read what the System Log has by now, and write down what was found.

        :raises OktaUreError: Okta or the action log cannot be used.
        """
        sent = log.pushed_in_run(dag_id=self.wanted.dag_id, run_id=self.wanted.run_id)
        org = log.known_org(self.wanted.org) or self.wanted.org
        pushed = [one for one in sent if one.org == org]
        missing = [one for one in pushed if one.confirmation != "confirmed"]
        if missing:
            missing = self._still_missing(log, missing)
        return Progress(
            confirmed=len(pushed) - len(missing),
            missing=missing,
            is_over=not missing or self._is_overdue(pushed),
            elsewhere=len(sent) - len(pushed),
        )

    def _still_missing(self, log: ActionLog, missing: Sequence[Entry]) -> list[Entry]:
        """Look for what is missing, write down what is found, and return the rest."""
        since = min(one.started_at for one in missing) - CLOCKS_DIFFER_BY
        # Read before the log is: a push that comes later cannot have led to an event that we see.
        tried = log.pushes_since(org=missing[0].org, user_keys=(one.user_key for one in missing), since=since)
        ours = {one.id for one in missing}
        users = {one.user_id for one in missing}
        found: dict[int, Sighting] = {}
        for page in self._read(since):
            self._remember(page, users)
            # Matching a large run takes a moment: not before there is an event for each.
            if len(self._seen) >= len(ours):
                found = self.matched(tried, self._seen.values())
                if ours <= found.keys():
                    break
        else:
            found = self.matched(tried, self._seen.values())
        log.confirm([_confirmed(number, one) for number, one in found.items() if number in ours])
        return [one for one in missing if one.id not in found]

    def matched(self, tried: Iterable[Entry], sightings: Iterable[Sighting]) -> dict[int, Sighting]:
        """Return the event of each tried push that has one, by the entry's number."""
        return match(map(self.to_push, tried), sightings, self.wanted.senders)

    def _remember(self, page: Iterable[Sighting], users: set[str]) -> None:
        for sighting in page:
            if not users.isdisjoint(sighting.user_ids):
                self._seen[sighting.event_id] = sighting

    def _read(self, since: datetime) -> Iterable[Sequence[Sighting]]:
        """Return the pages of the log that were not read before."""
        if self._tail is not None:
            return self._tail.read()
        before = self._now()
        tail = self._begin(since)
        pages = tail.read()
        first = list(islice(pages, 1))
        self._ahead = _difference(tail.now, before, self._now())
        if self._ahead < timedelta(0):
            # Our clock is ahead of Okta's, so this began too late.
            tail = self._begin(since)
            first, pages = [], tail.read()
        self._tail = tail
        return chain(first, pages)

    def _begin(self, since: datetime) -> ReceivedTail:
        oldest = self._now() - KEPT
        return self._connect().tail_received(self.okta_time(max(since, oldest)))

    def _is_overdue(self, pushed: Sequence[Entry]) -> bool:
        tail = self._tail
        now = tail.now if tail is not None and tail.now is not None else self.okta_time(self._now())
        return now >= self.okta_time(max(one.recorded_at for one in pushed)) + self.wanted.within


def _difference(okta: datetime | None, before: datetime, after: datetime) -> timedelta:
    """
    Return how far Okta's clock is ahead of ours, as far as that is certain.

    :param okta: its clock, in whole seconds, at some moment between the two of ours.
    """
    if okta is None:
        return timedelta(0)
    at_least, at_most = okta - after, okta + timedelta(seconds=1) - before
    return max(at_least, min(at_most, timedelta(0)))


def _confirmed(number: int, sighting: Sighting) -> Found:
    return Found(
        entry_id=number,
        confirmation="confirmed",
        confirmed_at=sighting.published,
        log_event_id=sighting.event_id[:64],
    )
