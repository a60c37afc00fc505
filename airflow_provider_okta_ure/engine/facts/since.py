# SPDX-License-Identifier: Apache-2.0
"""What was decided about people after a run that is to be undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.core.decisions.undoing_rules import Later, Since
from airflow_provider_okta_ure.engine.facts.names import names_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.engine.actions.undoing import Deed, Undone
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class SinceLog:
    """
    Reads what stands in the way of undoing a run on one target.

    :param undone: the run, and how much of it.
    """

    def __init__(self, session: Session, target: Target, undone: Undone) -> None:
        self._session = session
        self._target = target
        self._undone = undone

    def of_group(self, decisions: Sequence[Decision], done: Sequence[Deed]) -> dict[str, Since]:
        """Return what was decided about each user of a group since, by Okta id."""
        by_id = {one.entry.user_id: one for one in done}
        later = self.later(decisions, by_id, doing=GROUP_ACTIONS)
        last = self._session.log.last_done(
            org=self._session.org,
            doing=GROUP_ACTIONS,
            target=self._target.key,
            users=list(by_id),
            before=self._session.run.as_of,
        )
        reverts, since = self._reverts(), {}
        for user_id, deed in by_id.items():
            known, newest = later.get(user_id), last.get(user_id)
            # Two runs for the same time: the one that acted last has decided.
            if newest is not None and newest.as_of == deed.as_of and newest.action != deed.entry.action:
                known = known or _as_later(newest, reverts)
            since[user_id] = Since(later=known, was_opposite=deed.was_opposite)
        return since

    def later(
        self, decisions: Sequence[Decision], done: Mapping[str, Deed], *, doing: Sequence[LogAction]
    ) -> dict[str, Later]:
        """Return the newest later decision for each user of the target, by Okta id."""
        wanted: dict[datetime, dict[str, str]] = {}
        for decision in decisions:
            user = decision.user
            if user is not None:
                # Who was not in the group was not looked up, and stands in the log by one of their names.
                names = dict.fromkeys((user.user_id, *names_of(decision.row, user)), user.user_id)
                wanted.setdefault(done[user.user_id].as_of, {}).update(names)
        found: dict[str, Entry] = {}
        for as_of, owners in wanted.items():
            for target in self._target.keys:
                entries = self._session.log.decisions_since(
                    org=self._session.org,
                    doing=doing,
                    target=target,
                    users=owners,
                    after=as_of,
                    dag_id=self._undone.first_dag,
                    undoing=(self._undone.dag_id, self._undone.run_id),
                )
                for key, entry in entries.items():
                    user_id = owners[key]
                    # One user's address can be another one's login, and a login can get another owner.
                    if entry.user_id in ("", user_id) and not self._is_own(entry):
                        found[user_id] = max(entry, found.get(user_id, entry), key=lambda one: one.as_of)
        reverts = self._reverts()
        return {user_id: _as_later(entry, reverts) for user_id, entry in found.items()}

    def _reverts(self) -> set[tuple[str, str]]:
        """Return DAG and id of the runs that have undone this very run, wholly or in part."""
        records = self._session.log.reverts_of(dag_id=self._undone.dag_id, run_id=self._undone.run_id)
        return {(one.by_dag_id, one.by_run_id) for one in records}

    def _is_own(self, entry: Entry) -> bool:
        """Whether an earlier try of this very revert has decided it."""
        run = self._session.run
        return (entry.dag_id, entry.run_id) == (run.dag_id, run.run_id)


def _as_later(entry: Entry, reverts: Collection[tuple[str, str]]) -> Later:
    return Later(
        as_of=entry.as_of,
        dag_id=entry.dag_id,
        run_id=entry.run_id,
        undid_it=(entry.dag_id, entry.run_id) in reverts,
    )
