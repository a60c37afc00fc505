# SPDX-License-Identifier: Apache-2.0
"""What was done before, applied to what is decided now: repeated, overtaken, ours, over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.matching import Decision, outcome_of, skip
from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.holding import Hold
    from airflow_provider_okta_ure.core.models import OktaUser

History: TypeAlias = Literal["protect", "replay", "record"]
"""
What a push does in an interval that a later one has overtaken: nothing, push the old change and then the
newest level again, or only write it down (also when nothing has overtaken it).
"""

HISTORIES: tuple[History, ...] = ("protect", "replay", "record")


def to_history(value: object) -> History:
    """
    Return the way to treat the past that an argument names.

    :raises ConfigurationError: it names none.
    """
    for history in HISTORIES:
        if value == history:
            return history
    raise ConfigurationError(f"history is {shown(value)}.", remedy='Use "protect", "replay" or "record".')


Step: TypeAlias = Callable[[Decision], Decision]
"""Settles a decision for one reason, or returns it as it is."""


def settle(decisions: Iterable[Decision], *steps: Step) -> list[Decision]:
    """Return the decisions after all steps, in this order."""
    settled = list(decisions)
    for step in steps:
        settled = [step(decision) for decision in settled]
    return settled


def with_user(decision: Decision, users: Mapping[str, OktaUser]) -> Decision:
    """
    Return a settled decision about nobody with the user that the same name stood for before.

    Whom an earlier try has removed is not in the group, so nobody looks him up again.

    :param users: whom earlier tries acted on, by :attr:`Row.key`.
    """
    outcome, user = decision.outcome, users.get(decision.row.key)
    if decision.user is not None or user is None or outcome is None or outcome.status != "unchanged":
        return decision
    return Decision(
        row=decision.row,
        user=user,
        outcome=msgspec.structs.replace(outcome, user_id=user.user_id, login=user.login),
    )


def superseded(later: Mapping[str, datetime], key: Callable[[Decision], str]) -> Step:
    """
    Return the step that skips whom a later time has been decided for.

    :param later: the newest later time that something was decided for a user, by ``key``.
    """

    def step(decision: Decision) -> Decision:
        time = later.get(key(decision)) if decision.outcome is None else None
        return decision if time is None else superseded_by(time, decision)

    return step


def superseded_by(time: datetime, decision: Decision) -> Decision:
    """Return the decision to leave a user alone because of one for a later time."""
    text = f"a later decision, as of {time:%Y-%m-%d %H:%M} UTC, has been made for this user"
    return skip(decision.row, "superseded", user=decision.user, message=text)


def recovered(is_recovered: Callable[[Decision], bool]) -> Step:
    """
    Return the step that finds done what an interrupted try has carried out.

    :param is_recovered: whether an interrupted try of this very action had its effect on the user.
    """

    def step(decision: Decision) -> Decision:
        outcome = decision.outcome
        if outcome is None or outcome.status != "unchanged" or not is_recovered(decision):
            return decision
        done = outcome_of(decision.row, "done", "recovered", user=decision.user)
        return Decision(row=decision.row, user=decision.user, outcome=done)

    return step


def held_by_others(holds: Mapping[str, Sequence[Hold]]) -> Step:
    """
    Return the step that keeps members whom other DAGs still want in the group.

    :param holds: the claims of other DAGs, by Okta id.
    """

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        held = holds.get(user.user_id, ()) if user is not None else ()
        if not held:
            return decision
        who = ", ".join(f"{one.holder} (as of {one.as_of:%Y-%m-%d %H:%M} UTC)" for one in held)
        text = f"stays in the group for {who}, and leaves it when the last of them lets go"
        return skip(decision.row, "held_by_others", user=user, message=text)

    return step


def not_ours(ours: Collection[str]) -> Step:
    """
    Return the step that skips members whom somebody else added.

    :param ours: Okta ids of the members whom this provider added.
    """

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or user.user_id in ours:
            return decision
        text = "somebody else added this user to the group"
        return skip(decision.row, "not_added_by_us", user=user, message=text)

    return step


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """
    A membership that this provider gave.

    :param expires_at: when it ends; None = when the user recovers.
    :param score_level: the band of the score when it was given.
    """

    user: str
    expires_at: datetime | None = None
    score_level: str = ""


def time_over(ended: Mapping[str, Membership], as_of: datetime) -> Step:
    """
    Return the step that does not add those again whose time in the group is over.

    A time-boxed membership ends even if no score changed; so the same band of the score is no reason to
    begin another one. A different band is, and so is a recovery in between.

    :param ended: the last time-boxed membership of each user who has not recovered since, by Okta id.
    """

    def step(decision: Decision) -> Decision:
        user = decision.to_act_on
        last = ended.get(user.user_id) if user is not None else None
        if last is None or last.expires_at is None or last.expires_at > as_of:
            return decision
        if last.score_level != (decision.row.score_level or ""):
            return decision
        text = "was in the group for the whole time for this level"
        return skip(decision.row, "time_over", user=user, message=text)

    return step


def record_only(decision: Decision) -> Decision:
    """Skip everybody, so that only the action log knows."""
    if decision.outcome is not None:
        return decision
    return skip(decision.row, "record_only", user=decision.user, message="written into the action log only")
