# SPDX-License-Identifier: Apache-2.0
"""Asking Okta, once and with few calls, why risk signals that it accepted are not in its System Log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_okta_ure.clients.scopes import LOGS_READ, PROVIDERS_READ, USERS_READ
from airflow_provider_okta_ure.core.deliveries import CLOCKS_DIFFER_BY, Senders, Sighting, match
from airflow_provider_okta_ure.core.missing import Evidence, Existence, Missing, Registered, explain
from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.delivery.watch import KEPT
from airflow_provider_okta_ure.errors import OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.delivery.watch import Watch

log = logging.getLogger(__name__)

FoundT = TypeVar("FoundT")

ASKED_ABOUT = 100
"""So many users are looked up; when more are missing, it is not because of the single user."""

IDS_PER_FILTER = 25
MOST_OLD_EVENTS = 2000


class Diagnosis:
    """
    Looks into why signals are missing; what Okta does not let us read stays unknown.

    :param watch: what was read of the System Log so far.
    :param action_log: what was pushed.
    :param client_for: returns a client for one scope. Okta may refuse a request for scopes of which one was
        not granted as a whole, so each question has a client of its own.
    """

    def __init__(self, watch: Watch, action_log: ActionLog, client_for: Callable[[str], OktaClient]) -> None:
        self._watch = watch
        self._log = action_log
        self._client_for = client_for

    def explain(self, missing: Sequence[Entry]) -> list[tuple[Entry, Missing]]:
        """Return the likely reason for each missing signal."""
        looked_up = missing[:ASKED_ABOUT]
        registered = self._registered({one.target for one in missing})
        users = self._users(looked_up) or {}
        old_news = self._old_news(looked_up) or set()
        senders = self._other_senders(missing)
        return [
            (
                one,
                explain(
                    Evidence(
                        provider=registered.get(one.target, "unknown"),
                        user=users.get(one.user_id, "unknown"),
                        login=one.login,
                        other_sender=senders.get(one.id or 0, ""),
                        is_old_news=one.id in old_news,
                    )
                ),
            )
            for one in missing
        ]

    def _registered(self, issuers: Iterable[str]) -> Mapping[str, Registered]:
        providers = self._ask(
            lambda: list(self._client_for(PROVIDERS_READ).list_security_events_providers()),
            "security events providers",
        )
        if providers is None:
            return {}
        known: dict[str, Registered] = {
            one.issuer: "active" if one.is_active else "inactive" for one in providers
        }
        return {issuer: known.get(issuer, "gone") for issuer in issuers}

    def _users(self, entries: Sequence[Entry]) -> Mapping[str, Existence] | None:
        """Return what became of the users, by Okta id."""
        # By id, because a user can have been renamed since.
        ids = {one.user_id for one in entries if one.user_id}
        found = self._ask(lambda: list(self._client_for(USERS_READ).find_users_by_id(ids)), "users")
        if found is None:
            return None
        status: dict[str, Existence] = {
            user.user_id: "deprovisioned" if user.is_deprovisioned else "there" for user in found
        }
        return {one.user_id: status.get(one.user_id, "gone") for one in entries if one.user_id}

    def _old_news(self, entries: Sequence[Entry]) -> set[int | None] | None:
        """Return the numbers of the signals that Okta has an earlier event for, which no push explains."""
        first = min(one.as_of for one in entries)
        since = max(first, min(one.started_at for one in entries) - KEPT)
        until = max(one.started_at for one in entries) - CLOCKS_DIFFER_BY
        if since >= until:
            return None
        begin, end = self._watch.okta_time(since), self._watch.okta_time(until)
        events = self._ask(lambda: self._earlier(entries, begin, end), "the System Log")
        if not events:
            return None
        unexplained = self._unexplained(entries, events, since)
        return {
            one.id
            for one in entries
            for event in unexplained
            if one.user_id in event.user_ids and self._watch.wanted.senders.include(event, one.target)
        }

    def _unexplained(
        self, entries: Sequence[Entry], events: Sequence[Sighting], since: datetime
    ) -> list[Sighting]:
        """Return the events that no other push in the action log has led to."""
        missing = {one.id for one in entries}
        tried = self._log.pushes_since(
            org=entries[0].org, user_keys=(one.user_key for one in entries), since=since
        )
        others = [one for one in tried if one.id not in missing]
        explained = {one.log_event_id for one in others}
        explained |= {one.event_id for one in self._watch.matched(others, events).values()}
        return [event for event in events if event.event_id not in explained]

    def _earlier(self, entries: Sequence[Entry], since: datetime, until: datetime) -> list[Sighting]:
        client = self._client_for(LOGS_READ)
        ids = sorted({one.user_id for one in entries})
        events: list[Sighting] = []
        for start in range(0, len(ids), IDS_PER_FILTER):
            some = ids[start : start + IDS_PER_FILTER]
            events += islice(client.list_received(since, until, some), MOST_OLD_EVENTS)
        return events

    def _other_senders(self, missing: Sequence[Entry]) -> Mapping[int, str]:
        """Return who else sent a signal about the user at that time, by the number of the missing one."""
        issuers = {one.target for one in missing}
        strangers = [
            one
            for one in self._watch.sightings
            if not any(self._watch.wanted.senders.include(one, issuer) for issuer in issuers)
        ]
        found = match(map(self._watch.to_push, missing), strangers, Senders(anybody=True))
        return {number: one.sender for number, one in found.items()}

    def _ask(self, question: Callable[[], FoundT], what: str) -> FoundT | None:
        """Return what Okta says, or None when it does not say: the reason of a miss is worth no failure."""
        try:
            return question()
        except OktaUreError as error:
            log.info(
                "Why risk signals are missing cannot be told from %s: %s", what, in_one_line(error.message)
            )
            return None
