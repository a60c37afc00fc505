# SPDX-License-Identifier: Apache-2.0
"""Which event of Okta's System Log belongs to which risk signal: by user, sender, time and number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

CLOCKS_AGREE_WITHIN = timedelta(seconds=2)
"""Okta tells the time in whole seconds, so two clocks cannot be compared more exactly."""

CLOCKS_DIFFER_BY = timedelta(seconds=60)
"""Okta's own advice is to look from a minute before the push; further apart, nothing belongs together."""


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """
    A risk signal that was pushed, or may have been.

    :param number: the entry's number in the action log.
    :param user_id: the Okta user's id.
    :param issuer: who signed it.
    :param at: when it was first tried, by Okta's clock (aware).
    :param event_id: the event in the System Log that is known to belong to it; empty = none is.
    """

    number: int
    user_id: str
    issuer: str
    at: datetime
    event_id: str = ""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """
    An event of the System Log that says that Okta took in a risk signal.

    :param published: when, by Okta's clock (aware).
    :param user_ids: the users it is about.
    :param senders: everything that names the sender: his id, his names.
    :param sender: the name to show of him.
    """

    event_id: str
    published: datetime
    user_ids: tuple[str, ...]
    senders: frozenset[str] = frozenset()
    sender: str = ""


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """
    Whose events count.

    :param also_known_as: how Okta may name the sender instead of by the issuer: the security events
        provider's name.
    :param anybody: it does not matter who sent it.
    """

    also_known_as: str = ""
    anybody: bool = False

    def include(self, sighting: Sighting, issuer: str) -> bool:
        """Whether an event may belong to a push of this issuer."""
        return self.anybody or not sighting.senders.isdisjoint({issuer, self.also_known_as} - {""})


def match(pushes: Iterable[Push], sightings: Iterable[Sighting], whose: Senders) -> dict[int, Sighting]:
    """
    Return the event of each push that has one, by the number of the push.

    An event proves one push, the latest one before it that no other event proves; of several that the clocks
    cannot tell apart, the oldest one: Okta may know only its level, and a signal that is sent once more does
    no harm. So where several pushes for one user are close together and an event is missing, as many pushes
    are without one; which of them Okta ignored, the log does not say.

    :param pushes: all that may have led to an event, also those of other runs.
    :param whose: the events of whom.
    """
    known = list(pushes)
    taken = {one.event_id for one in known if one.event_id}
    events: defaultdict[str, dict[str, Sighting]] = defaultdict(dict)
    for sighting in sightings:
        if sighting.event_id not in taken:
            for user_id in sighting.user_ids:
                events[user_id][sighting.event_id] = sighting
    open_pushes: defaultdict[tuple[str, str], list[Push]] = defaultdict(list)
    for push in known:
        if not push.event_id and push.user_id in events:
            open_pushes[push.user_id, push.issuer].append(push)

    found: dict[int, Sighting] = {}
    for (user_id, issuer), mine in open_pushes.items():
        ours = [one for one in events[user_id].values() if whose.include(one, issuer)]
        found.update(_match_one(mine, ours))
    return found


def _match_one(pushes: Sequence[Push], sightings: Sequence[Sighting]) -> dict[int, Sighting]:
    """Match the pushes of one user by one issuer; first as if all clocks agreed, then the rest."""
    found: dict[int, Sighting] = {}
    used: set[str] = set()
    in_order = sorted(sightings, key=lambda one: (one.published, one.event_id))
    for slack in (CLOCKS_AGREE_WITHIN, CLOCKS_DIFFER_BY):
        for sighting in in_order:
            before = [
                push for push in pushes if push.number not in found and push.at - slack <= sighting.published
            ]
            if before and sighting.event_id not in used:
                used.add(sighting.event_id)
                found[_oldest_of_the_latest(before, slack).number] = sighting
    return found


def _oldest_of_the_latest(pushes: Sequence[Push], slack: timedelta) -> Push:
    """Return the oldest of the pushes that are as late as the latest one, as far as clocks can tell."""
    latest = max(one.at for one in pushes)
    return min((one for one in pushes if one.at >= latest - slack), key=lambda one: (one.at, one.number))
