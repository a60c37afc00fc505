# SPDX-License-Identifier: Apache-2.0
"""What a task has carried out before this try, in earlier tries and in its other mapped parts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airflow_provider_okta_ure.core.models import RiskLevel
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plans import Change

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class CarriedOutBefore(NamedTuple):
    """
    What a task has carried out before this try, or may have.

    :param here: in an earlier try.
    :param elsewhere: in other parts of the same mapped task.
    """

    here: list[Change]
    elsewhere: list[Change]

    @classmethod
    def read(cls, session: Session, action: LogAction, target: str) -> CarriedOutBefore:
        """Return what this very task has done on a target."""
        run = session.run
        if not run.run_id:
            return cls([], [])
        done = session.log.carried_out(
            org=session.org,
            action=action,
            target=target,
            dag_id=run.dag_id,
            run_id=run.run_id,
            task_id=run.task_id,
        )
        return cls(
            [_change(entry) for entry in done if entry.map_index == run.map_index],
            [_change(entry) for entry in done if entry.map_index != run.map_index],
        )

    @property
    def user_ids(self) -> set[str]:
        """The Okta ids of the users that it was about."""
        return {change.user_id for change in (*self.here, *self.elsewhere)}


def done_since(session: Session, action: LogAction, target: Target, time: datetime) -> set[str]:
    """
    Return the Okta ids of the users for whom this task, any part of it, has done this since a time.

    A group that was deleted since is known by its name; a signal that Okta's System Log does not have is
    not done.
    """
    run, name = session.run, fold(target.name)
    entries = session.log.carried_out(
        org=session.org,
        action=action,
        target=None,
        dag_id=run.dag_id,
        run_id=run.run_id,
        task_id=run.task_id,
    )
    return {
        one.user_id
        for one in entries
        if one.is_delivered
        and one.recorded_at >= time
        and (one.target in target.keys or fold(one.target_name) == name)
    }


def _change(entry: Entry) -> Change:
    return Change(
        user=entry.user_name,
        user_id=entry.user_id,
        login=entry.login,
        score=entry.score,
        risk_level=_level(entry.risk_level),
        previous_risk_level=_level(entry.previous_risk_level),
    )


def _level(text: str) -> RiskLevel | None:
    level: RiskLevel | None = msgspec.convert(text or None, type=RiskLevel | None)
    return level
