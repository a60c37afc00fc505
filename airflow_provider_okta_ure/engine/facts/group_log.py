# SPDX-License-Identifier: Apache-2.0
"""What the action log knows of a group and the users in hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.core.decisions.facts import Membership
from airflow_provider_okta_ure.core.holding import NOT_OURS
from airflow_provider_okta_ure.engine.facts.names import names_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.holding import Hold
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target

ADD: LogAction = "add_to_group"
REMOVE: LogAction = "remove_from_group"


class GroupLog:
    """
    Reads the action log about one group; every question is about the users it is given.

    :param target: the group.
    """

    def __init__(self, session: Session, target: Target) -> None:
        self._session = session
        self._log = session.log
        self._target = target

    def ours(self, users: Iterable[str]) -> frozenset[str]:
        """Return those of the Okta ids whom this provider added, and whom no later removal ended."""
        last = self._log.last_done(
            org=self._session.org, doing=GROUP_ACTIONS, target=self._target.key, users=users
        )
        return frozenset(
            user_id for user_id, entry in last.items() if entry.action == ADD and entry.reason != NOT_OURS
        )

    def holds(self, users: Iterable[str]) -> dict[str, list[Hold]]:
        """Return which DAG's tasks hold the memberships of these users, by Okta id."""
        return self._log.holds_on(org=self._session.org, target=self._target.key, users=users)

    def later(self, decisions: Iterable[Decision]) -> dict[str, datetime]:
        """Return the newest later time that anything was decided for each user of this group, by Okta id."""
        run = self._session.run
        wanted: dict[datetime, dict[str, str]] = {}
        for decision in decisions:
            user = decision.to_act_on
            if user is not None:
                # Who was not in the group was not looked up, so they stand in the log by one of their names.
                keys = dict.fromkeys((user.user_id, *names_of(decision.row, user)), user.user_id)
                wanted.setdefault(decision.row.as_of or run.as_of, {}).update(keys)
        found: dict[str, datetime] = {}
        for time, owners in wanted.items():
            for target in self._target.keys:
                entries = self._log.newest_decisions(
                    org=self._session.org,
                    doing=GROUP_ACTIONS,
                    target=target,
                    users=owners,
                    after=time,
                    dag_id=run.dag_id,
                )
                for key, entry in entries.items():
                    user_id = owners[key]
                    found[user_id] = max(entry.as_of, found.get(user_id, entry.as_of))
        return found

    def is_overtaken(self, action: LogAction) -> bool:
        """Whether this task has decided something about the group as of a later time than the run's."""
        run = self._session.run
        times = [
            self._log.newest_moment(
                org=self._session.org,
                action=action,
                target=target,
                dag_id=run.dag_id,
                task_id=run.task_id,
                not_by_run=run.run_id,
                after=run.as_of,
            )
            for target in self._target.keys
        ]
        complete = self._log.later_complete_run(
            org=self._session.org,
            action=action,
            targets=self._target.keys,
            dag_id=run.dag_id,
            task_id=run.task_id,
            after=run.as_of,
            not_by_run=run.run_id,
        )
        return complete is not None or any(time is not None and time > run.as_of for time in times)

    def time_boxed(self, decisions: Iterable[Decision]) -> dict[str, Membership]:
        """
        Return the last membership that this DAG gave each user to act on, if it had an end, by Okta id.

        Who has recovered since is left out: a rule, and not the end of the time, removed them from the group,
        or would have if they had still been in it.
        """
        names = {one.to_act_on.user_id: one.row.key for one in decisions if one.to_act_on is not None}
        added = self._log.last_done(
            org=self._session.org,
            doing=(ADD,),
            target=self._target.key,
            users=names,
            dag_id=self._session.run.dag_id,
        )
        boxed = {user_id: entry for user_id, entry in added.items() if entry.expires_at is not None}
        recovered_at = self._recoveries([*boxed, *(names[user_id] for user_id in boxed)])
        return {
            user_id: Membership(
                user=entry.user_name, expires_at=entry.expires_at, score_level=entry.score_level
            )
            for user_id, entry in boxed.items()
            # Who was not in the group was not looked up in Okta, so they stand there by name.
            if not any(
                key in recovered_at and recovered_at[key] > entry.as_of for key in (user_id, names[user_id])
            )
        }

    def _recoveries(self, keys: Sequence[str]) -> dict[str, datetime]:
        """Return the last time that a rule, and not the end of the time, released each user, by key."""
        found: dict[str, datetime] = {}
        for target in self._target.keys:
            releases = self._log.last_releases(org=self._session.org, target=target, users=keys)
            for key, time in releases.items():
                found[key] = max(time, found.get(key, time))
        return found

    def settle_interrupted(self, members: Collection[str]) -> frozenset[tuple[LogAction, str, datetime]]:
        """
        Record what became of additions and removals whose answer is not known: the group shows it.

        Only while no other task acts on the group.

        :param members: Okta ids of the group's real members.
        :return: action, Okta id and time of those that had their effect.
        """
        recovered: set[tuple[LogAction, str, datetime]] = set()
        settled: dict[int | None, Entry] = {}
        for entry in self._in_doubt(members):
            if (entry.user_key in members) == (entry.action == ADD):
                recovered.add((entry.action, entry.user_key, entry.as_of))
                settled[entry.id] = msgspec.structs.replace(
                    entry,
                    status="done",
                    # Whose membership it is has to be known also when the task was killed.
                    reason=NOT_OURS if entry.reason == NOT_OURS else "recovered",
                    message="",
                    recorded_at=self._session.now(),
                )
            else:
                settled[entry.id] = msgspec.structs.replace(
                    entry,
                    status="failed",
                    reason="interrupted",
                    message="the try was interrupted before it had an effect",
                    recorded_at=self._session.now(),
                )
        if settled:
            self._log.finish(list(settled.values()))
        return frozenset(recovered)

    def _in_doubt(self, members: Collection[str]) -> list[Entry]:
        """Return what was never written down, and the failures whose effect the members show."""
        org, target = self._session.org, self._target.key
        unfinished = self._log.unfinished(org=org, doing=GROUP_ACTIONS, target=target)
        added = self._log.in_doubt(org=org, action=ADD, target=target)
        removed = self._log.in_doubt(org=org, action=REMOVE, target=target)
        return [
            *unfinished,
            *(one for one in added if one.user_key in members),
            *(one for one in removed if one.user_key not in members),
        ]
