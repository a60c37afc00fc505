# SPDX-License-Identifier: Apache-2.0
"""Whether what a run did to somebody is still so, and nothing later was decided: only then it is undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision, Rule


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """
    A later decision about a user.

    :param as_of: the time that it is for.
    :param dag_id: with ``run_id``, the run that decided.
    :param undid_it: whether that run is a revert of the very run that is undone.
    """

    as_of: datetime
    dag_id: str = ""
    run_id: str = ""
    undid_it: bool = False

    def __str__(self) -> str:
        who = f"the run {self.run_id} of {self.dag_id}" if self.run_id else self.dag_id
        if self.undid_it:
            return f"already undone by {who}"
        by = f" by {who}" if who else ""
        return (
            f"a later decision, as of {self.as_of:%Y-%m-%d %H:%M} UTC{by}, has been made for this user, so "
            "this one is not undone"
        )


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """
    What happened to one user after what is undone.

    :param later: a later decision; None = there is none.
    :param was_opposite: whether the run also did the opposite to the same user.
    """

    later: Later | None = None
    was_opposite: bool = False


def decided_since(since: Mapping[str, Since]) -> Rule:
    """
    Return the rule that leaves alone whom something later was decided about, or who is not there any more.

    :param since: by Okta id.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None:
            return decision
        if user.is_deprovisioned:
            return decision.skipped("user_deprovisioned")
        known = since.get(user.user_id) or Since()
        if known.was_opposite:
            text = "the run both added and removed this user, so nothing has to be undone"
            return decision.skipped("not_revertible", text)
        if known.later is None:
            return decision
        return decision.skipped("later_decision", str(known.later))

    return rule


def only_members(members: Collection[str]) -> Rule:
    """Return the rule that finds nothing to undo where the user is not in the group any more."""

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or user.user_id in members:
            return decision
        return decision.unchanged("not_a_member")

    return rule
