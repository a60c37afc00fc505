# SPDX-License-Identifier: Apache-2.0
"""The users of whom Okta was told a level: which rows are about them, without looking everybody up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.models import OktaUser
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.signals import level_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import RiskLevel, Row


class SignaledUsers:
    """
    Users and the signal that was, or may have been, delivered last.

    :param told: by Okta id.
    """

    def __init__(self, told: Mapping[str, Entry]) -> None:
        self._told = told
        self._by_name: dict[str, Entry] = {}
        for entry in sorted(told.values(), key=lambda one: (one.as_of, one.recorded_at)):
            for name in (entry.user_name, entry.login):
                self._by_name[fold(name)] = entry

    def under_name(self, key: str) -> Entry | None:
        """Return the last signal about whoever had this name then; the name can be somebody else's by now."""
        return self._by_name.get(key)

    def user_under_name(self, key: str) -> OktaUser | None:
        """Return whom the last signal about this name was about, as they were then."""
        entry = self._by_name.get(key)
        if entry is None:
            return None
        return OktaUser(user_id=entry.user_id, login=entry.login, email="", status="")

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
            for entry in self._told.values()
            if entry.user_id
            and entry.risk_level not in ("", "none", "low")
            and ({fold(entry.user_name), fold(entry.login)} & keys or fold(entry.user_name) not in scores)
        ]
        users = client.find_users_by_id(lost) if lost else ()
        return {name for user in users for name in (fold(user.login), fold(user.email)) if name in keys}


def _has_level(entry: Entry, level: RiskLevel, as_of: datetime) -> bool:
    return entry.is_delivered and entry.as_of < as_of and entry.risk_level == level
