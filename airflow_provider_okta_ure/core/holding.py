# SPDX-License-Identifier: Apache-2.0
"""Who wants whom in a group: a member stays until the last holder lets go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

NOT_OURS = "reverted_not_ours"
"""The reason of an addition that brings back whom somebody else had added: they are not ours."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """
    One task's claim that a user belongs in a group.

    :param as_of: the newest time as of which the task decided about the user (aware).
    :param held: False = it has let go.
    :param expires_at: when the claim ends by itself; None = when the user recovers.
    :param score_level: the band of the score when the claim began.
    :param user_name: the name in the source.
    """

    dag_id: str
    task_id: str
    as_of: datetime
    held: bool = True
    expires_at: datetime | None = None
    score_level: str = ""
    user_name: str = ""

    @property
    def holder(self) -> str:
        """The task, for people."""
        return f"{self.dag_id}.{self.task_id}" if self.dag_id else self.task_id

    def is_over(self, as_of: datetime) -> bool:
        """Whether the time of the claim has run out."""
        return self.expires_at is not None and self.expires_at <= as_of

    def is_active(self, as_of: datetime) -> bool:
        """Whether the task wants the user in the group."""
        return self.held and not self.is_over(as_of)


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True):
    """
    Whose claims change when a task undoes what another DAG did.

    :param dag_id: the DAG whose run is undone; only its claims end, and no other DAG's begins.
    :param ended: the time as of which the claims ended that are restored, by Okta id.
    :param not_ours: Okta ids of those who come back and whom somebody else had added.
    """

    dag_id: str
    ended: Mapping[str, datetime] = {}
    not_ours: frozenset[str] = frozenset()


def renewed(before: Hold | None, now: Hold, *, is_new_membership: bool) -> Hold:
    """
    Return the claim after its task has decided that the user belongs in the group.

    A time-boxed claim is not extended by finding the user in the group again; only another band of the score,
    or a membership that begins anew, begins another one. A task that gives no end any more takes it away.

    :param before: the claim that the task had.
    :param now: the claim that it makes.
    :param is_new_membership: whether the user is added now, rather than found in the group.
    """
    if before is None or not before.held or is_new_membership or now.expires_at is None:
        return now
    if before.is_over(now.as_of) and before.score_level != now.score_level:
        return now
    return msgspec.structs.replace(now, expires_at=before.expires_at, score_level=before.score_level)


def others(holds: Iterable[Hold], *, dag_id: str, as_of: datetime) -> list[Hold]:
    """
    Return the claims of other DAGs that still count, by the name of the holder.

    A claim without a DAG is nobody's: the member was added outside Airflow, so any DAG may release them.
    """
    found = [one for one in holds if one.dag_id not in ("", dag_id) and one.is_active(as_of)]
    return sorted(found, key=lambda one: one.holder)
