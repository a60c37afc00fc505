# SPDX-License-Identifier: Apache-2.0
"""Whether a task may make the change that it has planned: not too many, and as approved."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import BlastRadiusError, NotApprovedError, PlanChangedError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.guardrails.consent import AcceptedPlans, Approved
    from airflow_provider_okta_ure.core.guardrails.limits import BlastRadius, ChangedToday, DailyBound, Parts
    from airflow_provider_okta_ure.core.plans import Proposal

_NAMES_SHOWN = 10


def require_approved(proposal: Proposal, approved: Approved, *, shown: Callable[[str], str]) -> None:
    """
    Refuse a change that is not just one of the plans that a person has approved.

    :param shown: returns a name as it may stand in a log.
    :raises PlanChangedError: it is none of them.
    """
    plan, done = proposal.plan, "more " if proposal.done else ""
    if approved.changed:
        raise PlanChangedError(
            f"The plan of {', '.join(approved.changed)} was made again or changed since it was shown, so "
            f"what {plan.action} would do now is not what was approved. Nothing {done}was written."
        )
    of_action = [one for one in approved.plans if one.plan.action == plan.action]
    # A task without rows has planned nothing, and so did not find out what it acts on.
    about = [one for one in of_action if proposal.applies_where(one) or not one.plan.changes] or of_action
    differences = [proposal.differs_from(one, shown=shown) for one in about]
    if "" in differences or not (differences or plan.changes):
        return
    difference = min(differences, key=len, default=f"no plan to {plan.action} was shown")
    raise PlanChangedError(
        f"What {plan.action} would do now is not the plan that was approved: {difference}. "
        f"Nothing {done}was written."
    )


def require_done_once(
    proposal: Proposal, approved: Approved, done: Collection[str], *, shown: Callable[[str], str]
) -> None:
    """
    Refuse to do again what was done under an approval already, and undone by somebody since.

    :param done: Okta ids of the users for whom it was done since the question.
    :raises NotApprovedError: there is such a user.
    """
    again = [shown(one.user) for one in proposal.plan.changes if one.user_id in done]
    if again:
        names = ", ".join(again[:_NAMES_SHOWN])
        raise NotApprovedError(
            f"What {approved.by} approved was done for {names} already, and somebody has undone it since. "
            "Nothing more was written."
        )


def require_small(
    proposal: Proposal,
    limits: BlastRadius,
    *,
    shown: Callable[[str], str],
    parts: Parts,
    accepted: AcceptedPlans,
    today: frozenset[str] = frozenset(),
) -> bool:
    """
    Refuse a change that is too large, and return whether only an accepted plan allows it.

    The limit is for one UTC day: for all parts of a mapped task together, all groups and all runs. As long
    as not all parts have planned, each may use its share; what is more waits, by way of another try, until
    the sum is known.

    :param shown: returns a name as it may stand in a log.
    :param parts: the other parts of the task.
    :param accepted: the plans that may be of any size, as far as the bound of the day lets them.
    :param today: whom the task has changed since midnight, or is about to change, in any run, part and group.
    :raises BlastRadiusError: it is more than allowed.
    """
    plan = proposal.plan
    if not plan.changes:
        return False
    if any(proposal.has_content_of(one) for one in accepted.plans):
        return True
    # Each person counts once, however often and wherever the task changes them.
    before = today | proposal.done_ids
    size = len(before | parts.planned | {change.user_id for change in plan.changes})
    # Of a mapped task's rows only this part's are known; who was removed today is no member any more.
    gone = len(before - proposal.done_ids) if plan.action == "remove_from_group" else 0
    base = max(plan.base + gone, size)
    if not limits.is_exceeded(size, base):
        _require_share(proposal, limits.allowed(base), parts)
        return False
    names = ", ".join(shown(change.user) for change in plan.changes[:_NAMES_SHOWN])
    part = f" ({100 * size / base:.1f} %)"
    done = f", {len(before)} of which it has changed already today" if before else ""
    unknown = (
        f" approved_plan names {', '.join(accepted.unknown)}, and the action log has no plan of this DAG for "
        "this org with that id."
        if accepted.unknown
        else ""
    )
    raise BlastRadiusError(
        f"{plan.action} would change {size} of {base} {plan.base_name}{part}{done}; "
        f"allowed are {limits.allowed(base)} "
        f"(max_changes {limits.max_changes}, max_change_percent {limits.max_change_percent:g} %)."
        f"{unknown} "
        f"Nothing {'more ' if before else ''}was written. First: {names}. Plan: {plan.plan_id}.",
        plan_id=plan.plan_id,
    )


def require_within_the_day(
    proposal: Proposal,
    bound: DailyBound,
    today: ChangedToday,
    *,
    users: int,
    shown: Callable[[str], str],
) -> None:
    """
    Refuse a change with which all tasks together would change too many users of the org on one UTC day.

    :param today: who was changed since midnight, or is about to be.
    :param users: how many users the source has; 0 = it is not known.
    :param shown: returns a name as it may stand in a log.
    :raises BlastRadiusError: it is more than allowed.
    """
    plan, allowed, before = proposal.plan, bound.allowed(users), today.everybody
    after = before | {change.user_id for change in plan.changes}
    if allowed is None or not plan.changes or len(after) <= max(allowed, len(before)):
        return
    names = ", ".join(shown(change.user) for change in plan.changes[:_NAMES_SHOWN])
    already = f"; {len(before)} were changed today already: {today.in_words()}" if before else ""
    raise BlastRadiusError(
        f"{plan.action} would make it {len(after)} users changed today, UTC, by all tasks of all DAGs in "
        f"this org{already}. Allowed are {allowed} (max_changed_users_per_day of the Okta connection). "
        f"Nothing was written. First: {names}. Plan: {plan.plan_id}.",
        plan_id=plan.plan_id,
        topic="daily-bound",
    )


def _require_share(proposal: Proposal, allowed: int, parts: Parts) -> None:
    if parts.are_known or proposal.own_size <= parts.share(allowed):
        return
    raise BlastRadiusError(
        f"{proposal.plan.action} would change {proposal.own_size} users in this part of {parts.count}. Until "
        f"all parts are known, its share of the {allowed} that may be changed is {parts.share(allowed)}. "
        "Nothing was written; the next try knows the other parts.",
        plan_id=proposal.plan.plan_id,
        retryable=True,
    )
