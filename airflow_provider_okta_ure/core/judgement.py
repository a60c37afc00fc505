# SPDX-License-Identifier: Apache-2.0
"""How much one task may change before a person has to look: the blast radius, and a source that shrank."""

from __future__ import annotations

import msgspec

from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

ALWAYS_ALLOWED = 25
"""So many changes are fine whatever the percentage says, because a small group changes by large shares."""


class BlastRadius(msgspec.Struct, frozen=True, kw_only=True):
    """
    The most that one task may change.

    :param max_changes: so many users at most.
    :param max_change_percent: such a part (0..100) of the group or of all users at most, but never less
        than 25 users.
    """

    max_changes: int = 500
    max_change_percent: float = 20.0

    @classmethod
    def parse(cls, max_changes: object, max_change_percent: object) -> BlastRadius:
        """
        Return the limits that two arguments mean, which may be text from a template.

        :raises ConfigurationError: one of them is no such number.
        """
        count, percent = _number(max_changes), _number(max_change_percent)
        if count is None or count < 0 or count != int(count):
            raise ConfigurationError(
                f"max_changes is {shown(max_changes)}.", remedy="Use a whole number of users, 0 or more."
            )
        if percent is None or not 0 <= percent <= 100:
            raise ConfigurationError(
                f"max_change_percent is {shown(max_change_percent)}.", remedy="Use a number from 0 to 100."
            )
        return cls(max_changes=int(count), max_change_percent=percent)

    def allowed(self, base: int) -> int:
        """
        Return how many users may be changed.

        :param base: the size of what is changed: members of the group, or all users of the source.
        """
        return min(self.max_changes, max(ALWAYS_ALLOWED, int(base * self.max_change_percent / 100)))

    def is_exceeded(self, changes: int, base: int) -> bool:
        """Whether so many changes are more than allowed."""
        return changes > self.allowed(base)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """
    The other parts of a mapped task, of whose changes the limit is for the sum.

    :param count: how many parts there are, this one included; 1 = the task is not mapped, or it is not known.
    :param are_known: whether all others have planned already.
    :param planned: how many users the others plan to change and have not changed yet.
    """

    count: int = 1
    are_known: bool = True
    planned: int = 0

    def share(self, allowed: int) -> int:
        """Return how many of the users that may be changed are this part's, until all parts are known."""
        return max(1, allowed // self.count)


def is_outage(now: int, before: int | None, *, percent: float) -> bool:
    """
    Whether a source that has so few users is broken rather than smaller.

    As with the other limits, up to 25 users fewer are fine whatever the percentage says: 2 of 3 users are no
    outage. No users at all always are one.

    :param now: users with a fresh score in this reading.
    :param before: users with a fresh score in the last one; None = there is none to compare with.
    :param percent: the share of the last reading (0..100) below which it is an outage; 0 = never.

    >>> is_outage(159, 200, percent=80), is_outage(160, 200, percent=80)
    (True, False)
    >>> is_outage(2, 3, percent=80), is_outage(75, 100, percent=80), is_outage(74, 100, percent=80)
    (False, False, True)
    >>> is_outage(0, None, percent=80), is_outage(0, 3, percent=80), is_outage(0, 100, percent=0)
    (True, True, False)
    """
    if percent <= 0:
        return False
    if now == 0:
        return True
    return before is not None and before - now > ALWAYS_ALLOWED and now * 100 < before * percent


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(as_text(value))
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None
