# SPDX-License-Identifier: Apache-2.0
"""What the action log knows of risk signals about the users in hand, read once before anything is decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.decisions.signals import KnownSignals, Signal, SignalState, to_level

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.action_log.log import ActionLog


DOUBT_LASTS = timedelta(days=30)
"""So long ago can a signal be that got no answer; with every later one the doubt is over."""


_INSTANT = timedelta(microseconds=1)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """
    One user whose signals are asked for.

    :param as_of: the time that the row about the user is for (aware).
    :param names: what the user may be called in the log besides the Okta id, in lower case.
    """

    user_id: str
    as_of: datetime
    names: frozenset[str] = frozenset()


class SignalHistory(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known, by Okta id.

    :param known: what deciding needs.
    :param later: the newest decision for a later time, which a replay puts back.
    """

    known: dict[str, KnownSignals]
    later: dict[str, Entry]


class SignalLog:
    """
    Reads the signals of one issuer to one org.

    :param dag_id: the DAG that asks.
    """

    def __init__(self, log: ActionLog, *, org: str, issuer: str, dag_id: str) -> None:
        self._log = log
        self._dag_id = dag_id
        self._org = org
        self._issuer = issuer

    def history(self, asked: Iterable[Asked]) -> SignalHistory:
        """Return what is known of these users; the questions are for all of them at once."""
        by_time: dict[datetime, list[Asked]] = {}
        for one in asked:
            by_time.setdefault(one.as_of, []).append(one)
        known: dict[str, KnownSignals] = {}
        later: dict[str, Entry] = {}
        for as_of, some in by_time.items():
            later.update(self._later(some, as_of))
            known.update(self._known(some, as_of, later))
        return SignalHistory(known=known, later=later)

    def last_signals(self, users: Iterable[str], as_of: datetime) -> dict[str, Entry]:
        """Return the last signal about each of these users that reached Okta, or may have, up to a time."""
        users = list(users)
        last = self._log.last_done(
            org=self._org, doing=("push_risk",), target=self._issuer, users=users, before=as_of + _INSTANT
        )
        in_doubt = self._log.in_doubt(
            org=self._org,
            action="push_risk",
            target=self._issuer,
            users=users,
            since=as_of - DOUBT_LASTS,
        )
        newer: dict[str, Entry] = {}
        for entry in in_doubt:
            _keep_last(newer, entry, last, as_of)
        return {**last, **newer}

    def _known(
        self, asked: Collection[Asked], as_of: datetime, later: Mapping[str, Entry]
    ) -> dict[str, KnownSignals]:
        ids = [one.user_id for one in asked]
        here = self._log.find(org=self._org, action="push_risk", target=self._issuer, as_of=as_of, users=ids)
        delivered = self._log.last_done(
            org=self._org, doing=("push_risk",), target=self._issuer, users=ids, before=as_of
        )
        in_doubt: dict[str, Entry] = {}
        for entry in self._log.in_doubt(org=self._org, action="push_risk", target=self._issuer, users=ids):
            _keep_last(in_doubt, entry, delivered, as_of)
        missing: dict[str, list[Entry]] = {}
        for entry in self._log.unconfirmed_pushes(
            org=self._org, target=self._issuer, users=ids, before=as_of
        ):
            known = delivered.get(entry.user_key)
            if known is None or known.as_of < entry.as_of:
                missing.setdefault(entry.user_key, []).append(entry)
        return {
            user_id: KnownSignals(
                here=_signal(here.get(user_id)),
                delivered=_signal(delivered.get(user_id)),
                in_doubt=_signal(in_doubt.get(user_id)),
                missing=tuple(to_level(one.risk_level) for one in missing.get(user_id, ())),
                later=later[user_id].as_of if user_id in later else None,
            )
            for user_id in ids
        }

    def _later(self, asked: Collection[Asked], as_of: datetime) -> dict[str, Entry]:
        """Return the newest later decision of each user; it stands there by name if nobody was looked up."""
        owners = {key: one.user_id for one in asked for key in (*one.names, one.user_id)}
        found: dict[str, Entry] = {}
        for key, entry in self._log.newest_decisions(
            org=self._org,
            doing=("push_risk",),
            target=self._issuer,
            users=owners,
            after=as_of,
            dag_id=self._dag_id,
        ).items():
            user_id = owners[key]
            # One user's address can be another one's login, and a login can be given to somebody else.
            if entry.user_id in ("", user_id):
                held = found.get(user_id)
                if held is None or held.as_of < entry.as_of:
                    found[user_id] = entry
        return found


def _keep_last(
    found: dict[str, Entry], entry: Entry, delivered: Mapping[str, Entry], as_of: datetime
) -> None:
    """Keep the last signal that may have reached Okta after the one that certainly did."""
    known, held = delivered.get(entry.user_key), found.get(entry.user_key)
    # In both orders: an old change that was pushed late may be the last that Okta heard.
    is_over = known is not None and entry.as_of < known.as_of and entry.recorded_at < known.recorded_at
    if is_over or entry.as_of > as_of:
        return
    if held is None or held.recorded_at < entry.recorded_at:
        found[entry.user_key] = entry


def _signal(entry: Entry | None) -> Signal | None:
    if entry is None:
        return None
    return Signal(
        level=to_level(entry.risk_level),
        previous=to_level(entry.previous_risk_level),
        as_of=entry.as_of,
        state=_state(entry),
        jti=entry.jti,
    )


def _state(entry: Entry) -> SignalState:
    if entry.status == "done":
        return "delivered" if entry.is_delivered else "missing"
    return "in_doubt" if entry.is_in_doubt else "refused"
