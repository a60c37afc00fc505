# SPDX-License-Identifier: Apache-2.0
"""The users about whom a signal was sent: which rows are about them, without looking everybody up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.signals import level_of
from airflow_provider_okta_ure.core.models import OktaUser
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import RiskLevel, Row
    from airflow_provider_okta_ure.engine.facts.signal_log import SignalLog
    from airflow_provider_okta_ure.engine.session import Session


class SignaledUsers:
    """
    Users and the signal that was, or may have been, delivered last.

    :param last: the signals, by Okta id.
    :param ids: the Okta ids that names stood for the last time, by :attr:`Row.key`.
    """

    def __init__(self, last: Mapping[str, Entry], ids: Mapping[str, str] | None = None) -> None:
        self._last = last
        self._by_name = {name: last[user_id] for name, user_id in (ids or {}).items() if user_id in last}
        for entry in sorted(last.values(), key=lambda one: (one.as_of, one.recorded_at)):
            for name in (entry.user_name, entry.login):
                self._by_name[fold(name)] = entry

    @classmethod
    def read(cls, session: Session, log: SignalLog, rows: Sequence[Row]) -> SignaledUsers:
        """
        Return the users whom rows can be about.

        They are those whom the names of the rows stood for before, and those whose last level is above low:
        they can have other names by now.
        """
        ids = session.log.ids_of_names(org=session.org, kind="user", known_as=(row.key for row in rows))
        users = {*ids.values(), *(one.user_id for one in session.log.tracked(session.org))}
        return cls(log.last_signals(users, session.run.as_of), ids)

    def under_name(self, key: str) -> Entry | None:
        """Return the last signal about whoever had this name then; the name can be somebody else's by now."""
        return self._by_name.get(key)

    def users_under_names(self, rows: Iterable[Row]) -> dict[str, OktaUser]:
        """Return whom the last signal under each row's name was about, by :attr:`Row.key`."""
        return {
            row.key: OktaUser(user_id=entry.user_id, login=entry.login, email="", status="")
            for row in rows
            if (entry := self._by_name.get(row.key)) is not None
        }

    def changed(self, rows: Iterable[Row], as_of: Callable[[Row], datetime]) -> set[str]:
        """
        Return the names of rows about users of whom one row has another level than the one delivered last.

        One user can have several rows, under each of their names.

        :param as_of: returns the time that a row is for.
        """
        known = [(row, entry) for row in rows if (entry := self._by_name.get(row.key)) is not None]
        changed = {entry.user_key for row, entry in known if not _has_level(entry, level_of(row), as_of(row))}
        return {row.key for row, entry in known if entry.user_key in changed}

    def renamed(self, client: OktaClient, rows: Sequence[Row], scores: Collection[str]) -> set[str]:
        """
        Return the names of rows that are about users whom the log knows under other names.

        Only users whose level is above low are looked up, by their Okta id: those whose known names the
        source does not have any more, and those whom a row names: the name can be somebody else's by now.

        :param rows: about whom the source has a score.
        :param scores: the names of everybody about whom the run has read a score; empty = not known.
        :return: names as in :attr:`Row.key`.
        """
        keys = {row.key for row in rows}
        lost = [
            entry.user_id
            for entry in self._last.values()
            if entry.user_id
            and entry.risk_level not in ("", "none", "low")
            and ({fold(entry.user_name), fold(entry.login)} & keys or fold(entry.user_name) not in scores)
        ]
        users = client.find_users_by_id(lost) if lost else ()
        return {name for user in users for name in (fold(user.login), fold(user.email)) if name in keys}


def _has_level(entry: Entry, level: RiskLevel, as_of: datetime) -> bool:
    return entry.is_delivered and entry.as_of < as_of and entry.risk_level == level
