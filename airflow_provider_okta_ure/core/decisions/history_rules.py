# SPDX-License-Identifier: Apache-2.0
"""Rules that settle a decision because of what is so already, or was done or decided before."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.holding import others
from airflow_provider_okta_ure.core.models import Outcome

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision, Rule
    from airflow_provider_okta_ure.core.decisions.facts import Membership, RunFacts
    from airflow_provider_okta_ure.core.holding import Hold
    from airflow_provider_okta_ure.core.models import OktaUser


def already_member(members: Container[str]) -> Rule:
    """Return the rule that finds done what is to be added and is there; members are Okta ids."""

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        return decision.unchanged("already_member") if user and user.user_id in members else decision

    return rule


def not_a_member(members: Container[str]) -> Rule:
    """
    Return the rule that finds done what is to be removed and is not there; members are Okta ids.

    Whom no member answers to was not looked up: whoever it is, they are not in the group.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        is_unknown = decision.outcome is not None and decision.outcome.reason == "user_not_in_okta"
        if is_unknown or (user is not None and user.user_id not in members):
            return decision.unchanged("not_a_member")
        return decision

    return rule


def with_user(former_members: Mapping[str, OktaUser]) -> Rule:
    """
    Return the rule that names the user whom a settled row about nobody stood for before.

    Whom an earlier try has removed is not in the group, so nobody looks them up again.

    :param former_members: by :attr:`Row.key`.
    """

    def rule(decision: Decision) -> Decision:
        outcome, user = decision.outcome, former_members.get(decision.row.key)
        if decision.user is not None or user is None or outcome is None or outcome.status != "unchanged":
            return decision
        return msgspec.structs.replace(decision, user=user)

    return rule


def superseded(later: Mapping[str, datetime], run: RunFacts) -> Rule:
    """
    Return the rule that skips users about whom a later time has decided.

    :param later: the newest later time that something was decided for a user, by Okta id. A later complete
        run of the same task decides also about those of whom it has no row.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None:
            return decision
        time = later.get(user.user_id) or run.later_complete_run(decision.row)
        return decision if time is None else superseded_by(time, decision)

    return rule


def superseded_by(time: datetime, decision: Decision) -> Decision:
    """Return the decision to leave a user alone because of one for a later time."""
    text = f"a later decision, as of {time:%Y-%m-%d %H:%M} UTC, has been made for this user"
    return decision.skipped("superseded", text)


def recovered(found: Collection[tuple[str, datetime]], run: RunFacts) -> Rule:
    """
    Return the rule that reports as done what an interrupted try of this action has carried out.

    :param found: the Okta ids and times of those tries.
    """

    def rule(decision: Decision) -> Decision:
        outcome, user = decision.outcome, decision.user
        if outcome is None or outcome.status != "unchanged" or user is None:
            return decision
        if (user.user_id, run.time_of(decision.row)) not in found:
            return decision
        return decision.settled(Outcome(status="done", reason="recovered"))

    return rule


def held_by_others(holds: Mapping[str, Sequence[Hold]], *, dag_id: str, as_of: datetime) -> Rule:
    """
    Return the rule that keeps members whom other DAGs still want in the group.

    :param holds: which tasks hold which membership, by Okta id.
    :param dag_id: the DAG whose own holds do not count.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        held = others(holds.get(user.user_id, ()), dag_id=dag_id, as_of=as_of) if user is not None else []
        if not held:
            return decision
        who = ", ".join(f"{one.holder} (as of {one.as_of:%Y-%m-%d %H:%M} UTC)" for one in held)
        return decision.skipped(
            "held_by_others", f"stays in the group for {who}, and leaves it when the last of them lets go"
        )

    return rule


def not_ours(ours: Collection[str]) -> Rule:
    """
    Return the rule that skips members whom somebody else added.

    :param ours: Okta ids of the members whom this provider added.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or user.user_id in ours:
            return decision
        return decision.skipped("not_added_by_us", "somebody else added this user to the group")

    return rule


def time_over(ended: Mapping[str, Membership], as_of: datetime) -> Rule:
    """
    Return the rule that does not add those again whose time in the group is over.

    A time-boxed membership ends even if no score changed; so the same band of the score is no reason to
    begin another one. A different band is, and so is a recovery in between.

    :param ended: the last time-boxed membership of each user who has not recovered since, by Okta id.
    """

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        last = ended.get(user.user_id) if user is not None else None
        if last is None or last.expires_at is None or last.expires_at > as_of:
            return decision
        if last.score_level != (decision.row.score_level or ""):
            return decision
        return decision.skipped("time_over", "was in the group for the whole time for this level")

    return rule


def run_reverted(run: RunFacts) -> Rule:
    """Return the rule that does nothing again of a run that was reverted."""

    def rule(decision: Decision) -> Decision:
        if decision.outcome is not None or not run.reverted_by:
            return decision
        key = decision.user.user_id if decision.user is not None else decision.row.key
        who = run.reverted_by.get(key)
        if who is None:
            return decision
        text = f"this run was reverted by {who}, so it does nothing again; reverting that run lifts it"
        return decision.skipped("run_reverted", text)

    return rule
