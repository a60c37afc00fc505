# SPDX-License-Identifier: Apache-2.0
"""What was done before, applied to what is decided now: repeated, overtaken, ours, over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.matching import Decision, leave, outcome_of, skip
from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel
from airflow_provider_okta_ure.errors import ConfigurationError

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
    raise ConfigurationError(f"history is {value!r}.", remedy='Use "protect", "replay" or "record".')


Step: TypeAlias = Callable[[Decision], Decision]
"""Settles a decision for one reason, or returns it as it is."""


def settle(decisions: Iterable[Decision], *steps: Step) -> list[Decision]:
    """Return the decisions after all steps, in this order."""
    settled = list(decisions)
    for step in steps:
        settled = [step(decision) for decision in settled]
    return settled


def with_previous_level(levels: Mapping[str, str]) -> Step:
    """
    Return the step that gives a row the level that Okta was last told as its previous one.

    Whom Okta was told nothing about keeps what the row says: the level of the previous day, or none.

    :param levels: the level from before, by :attr:`Row.key`.
    """

    def step(decision: Decision) -> Decision:
        row = decision.row
        if decision.outcome is not None or row.key not in levels:
            return decision
        told = msgspec.structs.replace(row, previous_risk_level=_level(levels[row.key]))
        return Decision(row=told, user=decision.user)

    return step


def with_user_id(decision: Decision, user_ids: Mapping[str, str]) -> Decision:
    """
    Return a settled decision that says whom it is about, when that is known from before.

    :param user_ids: Okta ids by :attr:`Row.key`.
    """
    outcome = decision.outcome
    if outcome is None or outcome.user_id or decision.row.key not in user_ids:
        return decision
    known = msgspec.structs.replace(outcome, user_id=user_ids[decision.row.key])
    return Decision(row=decision.row, user=decision.user, outcome=known)


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
    Return the step that skips whom a later moment has been decided for.

    :param later: the newest later moment that something was decided for a user, by ``key``.
    """

    def step(decision: Decision) -> Decision:
        moment = later.get(key(decision)) if decision.outcome is None else None
        if moment is None:
            return decision
        text = f"a later decision, as of {moment:%Y-%m-%d %H:%M} UTC, has been made for this user"
        return skip(decision.row, "superseded", user=decision.user, message=text)

    return step


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


def already_delivered(tokens: Mapping[str, str]) -> Step:
    """
    Return the step that leaves alone whom Okta was told this very change already.

    :param tokens: the ids of the tokens that told it, by :attr:`Row.key`.
    """

    def step(decision: Decision) -> Decision:
        jti = tokens.get(decision.row.key) if decision.outcome is None else None
        if jti is None:
            return decision
        unchanged = outcome_of(decision.row, "unchanged", "already_delivered", user=decision.user, jti=jti)
        return Decision(row=decision.row, user=decision.user, outcome=unchanged)

    return step


def never_told(delivered: Collection[str]) -> Step:
    """
    Return the step that leaves alone of whom Okta was never told a level.

    :param delivered: keys of the users of whom it was.
    """

    def step(decision: Decision) -> Decision:
        known = decision.outcome is not None or decision.row.key in delivered
        return decision if known else leave(decision.row, "never_told", user=decision.user)

    return step


def same_level(in_doubt: Collection[str] = ()) -> Step:
    """
    Return the step that leaves alone whose level is the one from before.

    :param in_doubt: keys of the users of whom it is not known what Okta was told last; they are told again.
    """

    def step(decision: Decision) -> Decision:
        row = decision.row
        changed = decision.outcome is not None or row.risk_level != (row.previous_risk_level or "none")
        return decision if changed or row.key in in_doubt else leave(row, "same_level", user=decision.user)

    return step


def record_only(decision: Decision) -> Decision:
    """Skip everybody, so that only the action log knows."""
    if decision.outcome is not None:
        return decision
    return skip(decision.row, "record_only", user=decision.user, message="written into the action log only")


def _level(text: str) -> RiskLevel:
    level: RiskLevel = msgspec.convert(text, type=RiskLevel)
    return level
