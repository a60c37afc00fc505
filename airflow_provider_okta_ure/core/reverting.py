# SPDX-License-Identifier: Apache-2.0
"""Whether what a run did to somebody is still so, and nothing later was decided: only then it is undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.matching import Decision, leave, skip

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.history import Step


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """
    What happened to one user after what is undone.

    :param later: the time of a later decision; None = there is none.
    :param was_opposite: whether the run also did the opposite to the same user.
    """

    later: datetime | None = None
    was_opposite: bool = False


def decided_since(since: Mapping[str, Since]) -> Step:
    """
    Return the step that leaves alone whom something later was decided about, or who is not there any more.

    :param since: by Okta id.
    """

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None:
            return decision
        if user.is_deprovisioned:
            return skip(decision.row, "user_deprovisioned", user=user)
        known = since.get(user.user_id) or Since()
        if known.was_opposite:
            text = "the run both added and removed this user, so nothing has to be undone"
            return skip(decision.row, "not_revertible", user=user, message=text)
        if known.later is None:
            return decision
        text = (
            f"a later decision, as of {known.later:%Y-%m-%d %H:%M} UTC, has been made for this user, so this "
            "one is not undone"
        )
        return skip(decision.row, "later_decision", user=user, message=text)

    return step


def only_members(members: Collection[str]) -> Step:
    """Return the step that finds nothing to undo where the user is not in the group any more."""

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or user.user_id in members:
            return decision
        return leave(decision.row, "not_a_member", user=user)

    return step


def only_others(members: Collection[str]) -> Step:
    """Return the step that finds nothing to undo where the user is in the group again."""

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or user.user_id not in members:
            return decision
        return leave(decision.row, "already_member", user=user)

    return step


def run_reverted(by: Callable[[Decision], str]) -> Step:
    """
    Return the step that does nothing again of a run that was reverted.

    :param by: which run reverted this action on this user; empty = none did.
    """

    def step(decision: Decision) -> Decision:
        who = by(decision) if decision.outcome is None else ""
        if not who:
            return decision
        text = f"this run was reverted by {who}, so it does nothing again; reverting that run lifts it"
        return skip(decision.row, "run_reverted", user=decision.user, message=text)

    return step
