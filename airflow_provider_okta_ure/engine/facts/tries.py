# SPDX-License-Identifier: Apache-2.0
"""Earlier tries of the very same action for the same time, on the users in hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry  # noqa: TC001  # msgspec reads it
from airflow_provider_okta_ure.core.models import Outcome

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.engine.run import Run
    from airflow_provider_okta_ure.engine.session import Session

Key: TypeAlias = tuple[str, datetime]
"""A user as in :func:`user_key`, and the time that a row is for."""


class Tries(msgspec.Struct, frozen=True):
    """
    What was tried before.

    :param as_of: the time of the run, for rows that have none.
    :param entries: the last revision of each.
    """

    as_of: datetime
    entries: Mapping[Key, Entry] = {}

    @classmethod
    def read(cls, session: Session, action: LogAction, target: str, decisions: Iterable[Decision]) -> Tries:
        """Return the earlier tries about the users of decisions; one question for each time."""
        as_of = session.run.as_of
        wanted: dict[datetime, list[str]] = {}
        for one in decisions:
            wanted.setdefault(one.row.as_of or as_of, []).append(user_key(one))
        entries: dict[Key, Entry] = {}
        for time, users in wanted.items():
            found = session.log.find(org=session.org, action=action, target=target, as_of=time, users=users)
            entries.update(((key, time), entry) for key, entry in found.items())
        return cls(as_of, entries)

    def time_of(self, row: Row) -> datetime:
        """Return the time that a row is for."""
        return row.as_of or self.as_of

    def key(self, decision: Decision) -> Key:
        """Return what a decision is found by."""
        return user_key(decision), self.time_of(decision.row)

    def last(self, decision: Decision) -> Entry | None:
        """Return the last try; None = this is the first."""
        return self.entries.get(self.key(decision))

    def finished_by(self, run: Run, decision: Decision) -> Decision:
        """
        Return a decision to do nothing more, as done, if this very try of the task has done it.

        A task that gave its worker slot back goes on in another process, and reports the whole.
        """
        entry, outcome = self.last(decision), decision.outcome
        if entry is None or entry.status != "done":
            return decision
        # Since then, a later run may have decided otherwise: done it is all the same.
        if outcome is None or outcome.status not in ("unchanged", "skipped"):
            return decision
        mine = (run.dag_id, run.run_id, run.task_id, run.map_index, run.try_number)
        if (entry.dag_id, entry.run_id, entry.task_id, entry.map_index, entry.try_number) != mine:
            return decision
        return decision.settled(
            Outcome(
                status="done",
                reason=entry.reason,
                message=entry.message,
                http_status=entry.http_status,
                request_id=entry.request_id,
                jti=entry.jti,
            )
        )


def user_key(decision: Decision) -> str:
    """
    Return what a user is called in the log.

    A person is their Okta id, whatever they are called; who was not looked up, or is not in Okta, stands
    there by name.
    """
    return decision.user.user_id if decision.user is not None else decision.row.key
