# SPDX-License-Identifier: Apache-2.0
"""What is known of the risk signals about one user: only a delivered one counts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

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
