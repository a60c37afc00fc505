# SPDX-License-Identifier: Apache-2.0
"""Whom rows are about: looked up in Okta by name, and by the Okta id that a name stood for before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.matching import Directory
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import OktaUser


class People:
    """
    Finds the users of one org.

    :param client: of the org.
    :param log: knows whom names stood for.
    :param org: what the org is called in the action log.
    """

    def __init__(self, client: OktaClient, log: ActionLog, org: str) -> None:
        self._client = client
        self._log = log
        self._org = org

    def directory(self, names: Sequence[str], known: Iterable[OktaUser] = ()) -> Directory:
        """
        Return the users with these logins or e-mail addresses.

        A name that nobody has any more is its former owner's, if a task has acted on them under that name:
        from the first look-up on, a person is their Okta id, whatever they are called later.

        :param known: users who need not be looked up.
        """
        known = list(known)
        users = [*known, *self._client.find_users(names)]
        directory = Directory(users)
        unknown = [name for name in names if directory.match(name).reason == "user_not_in_okta"]
        return Directory(users, self._renamed(unknown, known)) if unknown else directory

    def _renamed(self, names: Iterable[str], known: Sequence[OktaUser]) -> dict[str, OktaUser]:
        ids = self.ids_of(names)
        by_id = {user.user_id: user for user in known}
        missing = {user_id for user_id in ids.values() if user_id not in by_id}
        if missing:
            by_id.update((user.user_id, user) for user in self._client.find_users_by_id(missing))
        return {
            name: by_id[user_id]
            for name, user_id in ids.items()
            if user_id in by_id and not by_id[user_id].is_deprovisioned
        }

    def ids_of(self, names: Iterable[str]) -> dict[str, str]:
        """Return the Okta ids that names stood for the last time, by :func:`names.fold` of the name."""
        return self._log.ids_of_names(org=self._org, kind="user", known_as=map(fold, names))
