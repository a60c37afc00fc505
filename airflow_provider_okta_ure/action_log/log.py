# SPDX-License-Identifier: Apache-2.0
"""The action log as deciding and acting see it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log import (
    approvals,
    changes,
    confirming,
    holders,
    names,
    plans,
    reading,
    retention,
    reverts,
    run_scores,
    searching,
    summaries,
    tasks,
    tracking,
    writing,
)
from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.locks import Waiting, held
from airflow_provider_okta_ure.action_log.migrating import upgrade
from airflow_provider_okta_ure.errors import ActionLogError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.core.holding import Hold, OnBehalf


log = logging.getLogger(__name__)

ENTRIES_AT_ONCE = 1000
"""How many entries :meth:`ActionLog.iterate` holds at a time."""


class ActionLog:
    """
    The action log in one database; :meth:`open` makes one whose table is up to date.

    Every method raises :class:`ActionLogError` when the database cannot be used.

    :param database: where the table is.
    :param waiting: how to wait for another run's lock.
    """

    def __init__(self, database: Database, waiting: Waiting | None = None) -> None:
        self.database = database
        self._waiting = waiting or Waiting()
        self._has_written = False

    @classmethod
    def open(cls, url: URL | str, waiting: Waiting | None = None) -> ActionLog:
        """
        Return the log in a database, its table made or brought up to date.

        :param url: an SQLAlchemy URL of SQLite or PostgreSQL.
        :raises ConfigurationError: it is of another kind, or its driver is not installed.
        """
        log = cls(Database(url), waiting)
        upgrade(log.database, log._waiting)
        return log

    def close(self) -> None:
        """Count what was written, so that long periods are read at once, and close all connections."""
        try:
            if self._has_written:
                self.summarise()
        except ActionLogError as error:
            # What is not counted is read from the actions themselves: slower, and as right.
            log.warning("The summaries of the action log are not up to date: %s", error.message)
        finally:
            self.database.close()

    def summarise(self) -> None:
        """Count the moments whose entries have changed, those that somebody else left behind included."""
        with self.database.reading() as connection:
            stale = summaries.stale_moments(connection)
        for moment in stale:
            with self.database.writing() as connection:
                summaries.count_again(connection, moment)
        self._has_written = False

    def lock(self, name: str, patience: float | None = None) -> AbstractContextManager[None]:
        """
        Hold the lock of this name, so that two runs on the same target take turns.

        :param patience: seconds to wait at most; None = as long as this log waits by default.
        :raises LockedError: another run kept it for too long.
        """
        waiting = self._waiting
        if patience is not None:
            waiting = replace(waiting, seconds=min(patience, waiting.seconds))
        return held(self.database, name, waiting)

    def begin(
        self,
        entries: Sequence[Entry],
        on_behalf: OnBehalf | None = None,
        addresses: Mapping[str, str] = {},
    ) -> None:
        """
        Write, before the effects, that they are going to be tried.

        :param on_behalf: whose claims on members change, if not those of the task that acts.
        :param addresses: e-mail addresses by Okta id, by which tracked users are found in a source.
        """
        with self.database.writing() as connection:
            writing.write_intents(connection, entries, on_behalf)
            self._follow(connection, entries, addresses)

    def finish(
        self,
        entries: Sequence[Entry],
        on_behalf: OnBehalf | None = None,
        addresses: Mapping[str, str] = {},
    ) -> None:
        """
        Write what became of effects; an effect once ``done`` stays done.

        :param on_behalf: whose claims on members change, if not those of the task that acts.
        :param addresses: e-mail addresses by Okta id, by which tracked users are found in a source.
        """
        with self.database.writing() as connection:
            writing.write_outcomes(connection, entries, on_behalf)
            self._follow(connection, entries, addresses)

    def find(
        self, *, org: str, action: LogAction, target: str, as_of: datetime, users: Iterable[str]
    ) -> dict[str, Entry]:
        """Return the entries of one action of one moment, by user key."""
        with self.database.reading() as connection:
            return reading.find_entries(
                connection, org=org, action=action, target=target, as_of=as_of, users=users
            )

    def last_done(
        self,
        *,
        org: str,
        doing: Sequence[LogAction],
        target: str,
        users: Iterable[str] | None = None,
        before: datetime | None = None,
        dag_id: str | None = None,
    ) -> dict[str, Entry]:
        """Return each user's newest ``done`` entry; see :func:`reading.last_done`."""
        with self.database.reading() as connection:
            return reading.last_done(
                connection, org=org, doing=doing, target=target, users=users, before=before, dag_id=dag_id
            )

    def newest_decisions(
        self,
        *,
        org: str,
        doing: Sequence[LogAction],
        target: str,
        users: Iterable[str],
        after: datetime,
        dag_id: str,
    ) -> dict[str, Entry]:
        """Return the newest later entry that decided something; see :func:`reading.newest_decisions`."""
        with self.database.reading() as connection:
            return reading.newest_decisions(
                connection, org=org, doing=doing, target=target, users=users, after=after, dag_id=dag_id
            )

    def decisions_since(
        self,
        *,
        org: str,
        doing: Sequence[LogAction],
        target: str,
        users: Iterable[str],
        after: datetime,
        dag_id: str,
        undoing: tuple[str, str],
    ) -> dict[str, Entry]:
        """
        Return the newest later entry that stands in the way of undoing what a run did.

        :param undoing: DAG and id of the run; see :func:`reverts.counts_for_undoing`.
        """
        of_dag, run_id = undoing
        with self.database.reading() as connection:
            return reading.newest_decisions(
                connection,
                org=org,
                doing=doing,
                target=target,
                users=users,
                after=after,
                dag_id=dag_id,
                only=reverts.counts_for_undoing(connection, org=org, dag_id=of_dag, run_id=run_id),
            )

    def newest_moment(
        self,
        *,
        org: str,
        action: LogAction,
        target: str,
        dag_id: str,
        task_id: str,
        not_by_run: str = "",
        after: datetime | None = None,
    ) -> datetime | None:
        """Return the newest time as of which a task decided anything for a target; None = it never did."""
        with self.database.reading() as connection:
            return reading.newest_moment(
                connection,
                org=org,
                action=action,
                target=target,
                dag_id=dag_id,
                task_id=task_id,
                not_by_run=not_by_run,
                after=after,
            )

    def unconfirmed_pushes(
        self, *, org: str, target: str, users: Iterable[str], before: datetime
    ) -> list[Entry]:
        """Return the signals that Okta's System Log does not have, the oldest first."""
        with self.database.reading() as connection:
            return reading.unconfirmed_pushes(connection, org=org, target=target, users=users, before=before)

    def holds_on(self, *, org: str, target: str, users: Iterable[str] | None = None) -> dict[str, list[Hold]]:
        """Return the claims on the members of a group, by user key; see :mod:`holders`."""
        with self.database.reading() as connection:
            return holders.holds_on(connection, org=org, target=target, users=users)

    def ids_of_names(self, *, org: str, kind: names.Kind, known_as: Iterable[str]) -> dict[str, str]:
        """Return the Okta ids that names stood for the last time; see :mod:`names`."""
        with self.database.reading() as connection:
            return names.ids_of_names(connection, org=org, kind=kind, known_as=known_as)

    def names_of_ids(self, *, org: str, ids: Iterable[str]) -> dict[str, set[str]]:
        """Return the names under which tasks have met users, by Okta id; see :mod:`names`."""
        with self.database.reading() as connection:
            return names.names_of_ids(connection, org=org, ids=ids)

    def remember_group(self, *, org: str, name: str, group_id: str, now: datetime) -> None:
        """Remember which group a name stands for."""
        with self.database.writing() as connection:
            names.write_group_name(connection, org=org, name=name, group_id=group_id, now=now)

    def remember_users(self, *, org: str, ids: Mapping[str, str], now: datetime) -> None:
        """Remember whom names of users stand for, as Okta ids by name."""
        with self.database.writing() as connection:
            names.write_user_names(connection, org=org, ids=ids, now=now)

    def org_at(self, url: str, find_id: Callable[[], str | None]) -> str:
        """
        Return what the org at a URL is called here: the first URL that it was seen at.

        An org is one org whatever host it is reached by: its own domain, the ``-admin`` host, another alias.

        :param find_id: asks for Okta's id of the org, when nobody has been at this URL before; None = it
            cannot be told, so that the URL stands for the org.
        """
        org = self.known_org(url)
        if org is not None:
            return org
        org_id = find_id()
        if not org_id:
            log.warning("Okta does not tell which org is at %s, so its URL stands for it.", url)
            return url
        with self.database.writing() as connection:
            org = names.remember_org(connection, url, org_id)
        if org != url:
            log.warning("The org at %s is the one that the action log knows as %s.", url, org)
        return org

    def known_org(self, url: str) -> str | None:
        """Return what the org at a URL is called here; None = no task has been there."""
        with self.database.reading() as connection:
            return names.known_org(connection, url)

    def remember_scores(
        self, task: tasks.TaskKey, source: str, scores: Mapping[str, int], *, now: datetime
    ) -> None:
        """Write what a task read from a source, for the other tasks of its run; see :mod:`run_scores`."""
        with self.database.writing() as connection:
            run_scores.write_run_scores(connection, task, source, scores, now=now)

    def least_safe_scores(self, *, dag_id: str, run_id: str) -> dict[str, int]:
        """Return the lowest score of each name that a run has read, by :attr:`Row.key`."""
        with self.database.reading() as connection:
            return run_scores.least_safe_scores(connection, dag_id=dag_id, run_id=run_id)

    def unfinished(self, *, org: str, doing: Sequence[LogAction], target: str) -> list[Entry]:
        """Return what was tried on a target and never written down; see :func:`reading.unfinished`."""
        with self.database.reading() as connection:
            return reading.unfinished(connection, org=org, doing=doing, target=target)

    def in_doubt(
        self,
        *,
        org: str,
        action: LogAction,
        target: str,
        users: Iterable[str] | None = None,
        since: datetime | None = None,
    ) -> list[Entry]:
        """Return what may have been done to users and may not; see :func:`reading.in_doubt`."""
        with self.database.reading() as connection:
            return reading.in_doubt(
                connection, org=org, action=action, target=target, users=users, since=since
            )

    def last_releases(self, *, org: str, target: str, users: Iterable[str]) -> dict[str, datetime]:
        """Return when each user was last released from a group by a rule; see :mod:`reading`."""
        with self.database.reading() as connection:
            return reading.last_releases(connection, org=org, target=target, users=users)

    def carried_out(
        self, *, org: str, action: LogAction, target: str | None, dag_id: str, run_id: str, task_id: str
    ) -> list[Entry]:
        """Return what one task of one run has carried out, or may have, in all its tries and parts."""
        with self.database.reading() as connection:
            return reading.carried_out(
                connection,
                org=org,
                action=action,
                target=target,
                dag_id=dag_id,
                run_id=run_id,
                task_id=task_id,
            )

    def parts_that_ran(self, *, dag_id: str, run_id: str, task_id: str) -> set[int]:
        """Return the map indexes of the parts of a mapped task of which a try has ended."""
        with self.database.reading() as connection:
            return tasks.parts_that_ran(connection, dag_id=dag_id, run_id=run_id, task_id=task_id)

    def changed_since(
        self, *, org: str, since: datetime, task: tasks.TaskKey, try_id: str
    ) -> list[changes.Changed]:
        """Return who was changed in an org since a moment, and who is about to be; see :mod:`changes`."""
        with self.database.reading() as connection:
            return [
                *changes.changed_since(connection, org=org, since=since),
                *changes.claimed_since(connection, org=org, since=since, task=task, try_id=try_id),
            ]

    def claim(
        self, *, org: str, task: tasks.TaskKey, try_id: str, people: Collection[str], now: datetime
    ) -> None:
        """Write whom a task is about to change; see :mod:`changes`."""
        with self.database.writing() as connection:
            changes.write_claim(connection, org=org, task=task, try_id=try_id, people=people, now=now)

    def end_claim(self, *, task: tasks.TaskKey, before: datetime) -> None:
        """Remove the claim of a task that has ended, and those of days before a moment."""
        with self.database.writing() as connection:
            changes.delete_claims(connection, task=task, before=before)

    def planned_elsewhere(self, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> set[str]:
        """Return the users whom the other parts of a mapped task were refused to change so far."""
        with self.database.reading() as connection:
            return plans.planned_elsewhere(
                connection, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index
            )

    def forget_plan(self, task: tasks.TaskKey) -> None:
        """Delete what a task planned in earlier tries, because this one carries something out, or nothing."""
        with self.database.writing() as connection:
            plans.forget_plans_of(connection, task)

    def last_reading(self, *, org: str, target: str, source: str, before: datetime) -> Entry | None:
        """Return the last reading of a source that speaks for an earlier moment."""
        with self.database.reading() as connection:
            return reading.last_reading(connection, org=org, target=target, source=source, before=before)

    def size_of_source(self, source: str, *, not_after: datetime) -> int:
        """Return how many users a source had when it was last read; 0 = it never was."""
        with self.database.reading() as connection:
            return reading.size_of_source(connection, source, not_after=not_after)

    def pushed_in_run(self, *, dag_id: str, run_id: str) -> list[Entry]:
        """Return the risk signals that a DAG run delivered."""
        with self.database.reading() as connection:
            return confirming.pushed_in_run(connection, dag_id=dag_id, run_id=run_id)

    def pushes_since(self, *, org: str, user_keys: Iterable[str], since: datetime) -> list[Entry]:
        """Return the risk signals about some users that any run tried since; see :mod:`confirming`."""
        with self.database.reading() as connection:
            return confirming.pushes_since(connection, org=org, user_keys=user_keys, since=since)

    def confirm(self, found: Sequence[confirming.Found]) -> None:
        """Write what the System Log says of pushed risk signals."""
        with self.database.writing() as connection:
            confirming.write_confirmations(connection, found)
            summaries.mark_stale(connection, confirming.moments_of(connection, found))
            tracking.derive_states_of(connection, (one.entry_id for one in found))
            self._has_written = True

    def revert(self, records: Sequence[reverts.Revert]) -> None:
        """Write that a run is reverted, so that it does nothing again; see :mod:`reverts`."""
        with self.database.writing() as connection:
            reverts.write_reverts(connection, records)

    def recount_claims(
        self, *, org: str, dag_id: str, run_id: str, settled: Collection[tuple[str, str]]
    ) -> holders.Changed:
        """Let claims on members be as without a run that was reverted; see :mod:`holders`."""
        with self.database.writing() as connection:
            return holders.recount_claims(connection, org=org, dag_id=dag_id, run_id=run_id, settled=settled)

    def reverts_of(self, *, dag_id: str, run_id: str) -> list[reverts.Revert]:
        """Return the reverts of a run that are in effect."""
        with self.database.reading() as connection:
            return reverts.reverts_of(connection, dag_id=dag_id, run_id=run_id)

    def first_dag(self, *, dag_id: str, run_id: str) -> str:
        """Return the DAG whose decisions a run is about; see :func:`reverts.first_dag`."""
        with self.database.reading() as connection:
            return reverts.first_dag(connection, dag_id=dag_id, run_id=run_id)

    def orgs_of_run(self, *, dag_id: str, run_id: str) -> set[str]:
        """Return the orgs and tenants that a run used; empty = the run is not known."""
        with self.database.reading() as connection:
            return reverts.orgs_of_run(connection, dag_id=dag_id, run_id=run_id)

    def known_runs(self, *, dag_id: str) -> list[str]:
        """Return the ids of the newest runs of a DAG."""
        with self.database.reading() as connection:
            return reverts.known_runs(connection, dag_id=dag_id)

    def known_dags(self) -> list[str]:
        """Return the ids of the DAGs whose runs are known."""
        with self.database.reading() as connection:
            return reverts.known_dags(connection)

    def tracked(self, org: str = "") -> list[tracking.Tracked]:
        """
        Return the users whom something is open for: a membership that we gave, or a level above ``low``.

        What was tried and may have happened is open, too. The cost is that of the users returned, however
        long the history is.

        :param org: only of this org; empty = of all.
        """
        with self.database.reading() as connection:
            return tracking.tracked_users(connection, org=org)

    def members_by_us(self, *, org: str, target: str, users: Iterable[str] | None = None) -> dict[str, Entry]:
        """Return the additions to a group that no later removal has ended; see :mod:`tracking`."""
        with self.database.reading() as connection:
            return tracking.members_by_us(connection, org=org, target=target, users=users)

    def open_levels(
        self, *, org: str, action: LogAction, target: str, users: Iterable[str] | None = None
    ) -> dict[str, Entry]:
        """Return the last signals above ``low``, delivered or in doubt; see :mod:`tracking`."""
        with self.database.reading() as connection:
            return tracking.open_levels(connection, org=org, action=action, target=target, users=users)

    def ids_known_as(self, *, org: str, names: Iterable[str]) -> dict[str, set[str]]:
        """Return the Okta ids of users who were ever acted on under these names; see :mod:`tracking`."""
        with self.database.reading() as connection:
            return tracking.ids_known_as(connection, org=org, names=names)

    def later_complete_run(
        self,
        *,
        org: str,
        action: LogAction,
        targets: Collection[str],
        dag_id: str,
        task_id: str,
        after: datetime,
        not_by_run: str,
    ) -> datetime | None:
        """Return the newest later time for which a task decided about all; see :mod:`tasks`."""
        with self.database.reading() as connection:
            return tasks.later_complete_run(
                connection,
                org=org,
                action=action,
                targets=targets,
                dag_id=dag_id,
                task_id=task_id,
                after=after,
                not_by_run=not_by_run,
            )

    def read_whole(self, *, dag_id: str, run_id: str, sources: Collection[str]) -> bool:
        """Return whether the fetches of a DAG run read all of these sources whole; see :mod:`tasks`."""
        with self.database.reading() as connection:
            return tasks.read_whole(connection, dag_id=dag_id, run_id=run_id, sources=sources)

    def record_task(self, summary: tasks.TaskSummary) -> None:
        """Write what a task decided and cost."""
        with self.database.writing() as connection:
            tasks.write_task(connection, summary)

    def search(
        self, wanted: searching.Filter, *, limit: int = 100, after: searching.Cursor | None = None
    ) -> list[Entry]:
        """Return the next entries of a filtered log, the newest first."""
        with self.database.reading() as connection:
            return searching.search(connection, wanted, limit=limit, after=after)

    def count(self, wanted: searching.Filter, *, most: int | None = None) -> int:
        """Return how many entries a filter matches, counting no further than ``most``."""
        with self.database.reading() as connection:
            return searching.count(connection, wanted, most=most)

    def iterate(self, wanted: searching.Filter) -> Iterator[Entry]:
        """
        Yield all entries that a filter matches, the oldest first.

        A connection is used for one batch of entries at a time: none is kept while the entries are written to
        somebody who reads slowly, or has stopped reading.
        """
        after: searching.Cursor | None = None
        while True:
            with self.database.reading() as connection:
                batch = searching.search(
                    connection, wanted, limit=ENTRIES_AT_ONCE, after=after, newest_first=False
                )
            yield from batch
            if len(batch) < ENTRIES_AT_ONCE:
                return
            after = searching.Cursor(batch[-1].as_of, batch[-1].id or 0)

    def prune(self, older_than: datetime) -> int:
        """Delete what is old and not needed, and return how many entries; see :func:`retention.prune`."""
        with self.database.writing() as connection:
            summaries.mark_stale_before(connection, older_than)
        deleted = retention.prune(self.database, older_than)
        self._forget(older_than)
        return deleted

    def prunable(self, older_than: datetime) -> int:
        """Return how many entries :meth:`prune` would delete."""
        return retention.prunable(self.database, older_than)

    def _forget(self, older_than: datetime) -> None:
        """Forget, after the entries themselves, what was derived from them and what stands beside them."""
        self.summarise()
        with self.database.writing() as connection:
            summaries.forget_people(connection, older_than)
            tracking.forget_names(connection)
            tasks.forget_tasks(connection, older_than)
            approvals.forget_approvals(connection, older_than)
            plans.forget_plans(connection, older_than)
            reverts.forget_reverts(connection, older_than)

    def _follow(self, connection: Connection, entries: Sequence[Entry], addresses: Mapping[str, str]) -> None:
        """Bring up to date, in the same transaction, what is derived from entries that were written."""
        summaries.mark_stale(connection, (entry.as_of for entry in entries))
        tracking.note_names(connection, entries, addresses)
        tracking.derive_states(connection, entries)
        self._has_written = True
