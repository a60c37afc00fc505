# SPDX-License-Identifier: Apache-2.0
"""Whether a risk signal is sent for a user: only what was delivered counts as told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.history import History, record_only, superseded_by
from airflow_provider_okta_ure.core.matching import Decision, leave, outcome_of
from airflow_provider_okta_ure.core.models import RiskLevel, Row  # msgspec reads them
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

SignalState: TypeAlias = Literal["delivered", "in_doubt", "missing", "refused"]
"""
What is known of a signal: Okta took it in; no answer tells; Okta's System Log does not have it; it was not
sent, or refused. Only the first is certain to have reached Okta, and only the second may have.
"""

MOST_UNCONFIRMED = 3
"""So many times a signal is sent that Okta's System Log then does not have."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """
    One signal about one user, as the action log knows it.

    :param level: the level it told; up is risk.
    :param previous: the level from before that it told.
    :param as_of: the time it is for (aware).
    """

    level: RiskLevel
    previous: RiskLevel
    as_of: datetime
    state: SignalState
    jti: str = ""


class KnownSignals(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of one user's signals, seen from the time that a row is for.

    :param here: the last one for this very time.
    :param delivered: the last one that was delivered for an earlier time.
    :param in_doubt: the last one since then that may have been delivered.
    :param missing: the levels of the signals since then that Okta's System Log does not have, oldest first.
    :param later: the newest later time that was decided about the user.
    """

    here: Signal | None = None
    delivered: Signal | None = None
    in_doubt: Signal | None = None
    missing: tuple[RiskLevel, ...] = ()
    later: datetime | None = None

    @property
    def was_told(self) -> bool:
        """Whether Okta was told a level of this user, or may have been."""
        here_counts = self.here is not None and self.here.state in ("delivered", "in_doubt")
        return here_counts or self.delivered is not None or self.in_doubt is not None

    @property
    def is_certain(self) -> bool:
        """Whether it is known what Okta was told last."""
        return self.in_doubt is None and (self.here is None or self.here.state != "in_doubt")

    def level_before(self, level: RiskLevel) -> RiskLevel:
        """
        Return the level from before: the one that was delivered last, ``none`` if nothing was.

        What may have been delivered counts where it says something else than ``level``. A signal that is sent
        again because no answer came says what it said the first time.
        """
        here = self.here
        if here is not None and here.state == "in_doubt":
            return here.previous if here.level == level else here.level
        if here is not None and here.state == "delivered":
            return here.level
        if self.in_doubt is not None and self.in_doubt.level != level:
            return self.in_doubt.level
        return self.delivered.level if self.delivered is not None else "none"

    def times_missing(self, level: RiskLevel) -> int:
        """Return how often in a row this level was sent and not found in Okta's System Log."""
        times = 0
        for one in reversed(self.missing):
            if one != level:
                break
            times += 1
        return times


class PushMode(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which signals a task sends.

    :param history: what it does where a later time was decided already.
    :param only_changes: only for users whose level is not the one that Okta was told.
    :param only_known: only for users of whom Okta was told a level.
    :param most_unconfirmed: so many times a signal is sent that Okta's System Log then does not have.
    """

    history: History = "protect"
    only_changes: bool = True
    only_known: bool = False
    most_unconfirmed: int = MOST_UNCONFIRMED


def decide_signal(decision: Decision, known: KnownSignals, mode: PushMode) -> Decision:
    """
    Return the decision about one user: settled, or to be pushed with the level from before in its row.

    :param decision: one whose user is known; settled ones are returned as they are.
    """
    user, row = decision.to_act_on, decision.row
    if user is None:
        return decision
    level = level_of(row)
    if known.here is not None and known.here.state == "delivered" and known.here.level == level:
        unchanged = outcome_of(row, "unchanged", "already_delivered", user=user, jti=known.here.jti)
        return Decision(row=row, user=user, outcome=unchanged)
    if mode.history == "protect" and known.later is not None:
        return superseded_by(known.later, decision)
    if mode.only_known and not known.was_told:
        return leave(row, "never_told", user=user)
    row = msgspec.structs.replace(row, previous_risk_level=known.level_before(level))
    if mode.only_changes and known.is_certain and row.previous_risk_level == level:
        return leave(row, "same_level", user=user)
    decision = Decision(row=row, user=user)
    if mode.history == "record":
        return record_only(decision)
    if known.times_missing(level) >= mode.most_unconfirmed:
        return _never_confirmed(decision, known.times_missing(level))
    return decision


def level_of(row: Row) -> RiskLevel:
    """Return the level that a row is to tell; up is risk."""
    return row.risk_level or "none"


def to_level(text: str) -> RiskLevel:
    """Return the level that a text of the action log means; empty = ``none``."""
    level: RiskLevel = msgspec.convert(text or "none", type=RiskLevel)
    return level


def to_most_unconfirmed(value: object) -> int:
    """
    Return how often a signal is sent that does not arrive.

    :raises ConfigurationError: it is no whole number from 1 on.
    """
    text = as_text(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(
            f"most_unconfirmed is {shown(value)}.", remedy="Use a whole number, 1 or more."
        )
    return int(text)


def _never_confirmed(decision: Decision, times: int) -> Decision:
    text = (
        f"Okta answered 202 to this level {times} times, and its System Log has none of these signals. "
        "Look at the task that confirms them for the likely reason; when it is fixed, raise most_unconfirmed "
        "to send it again"
    )
    failed = outcome_of(decision.row, "failed", "never_confirmed", user=decision.user, message=text)
    return Decision(row=decision.row, user=decision.user, outcome=failed)
