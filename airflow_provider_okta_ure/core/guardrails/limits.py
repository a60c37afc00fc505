# SPDX-License-Identifier: Apache-2.0
"""How much one task may change before a person has to look: the blast radius, and a source that shrank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

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
    :param planned: the Okta ids of the users whom the others plan to change and have not changed yet.
    """

    count: int = 1
    are_known: bool = True
    planned: frozenset[str] = frozenset()

    def share(self, allowed: int) -> int:
        """Return how many of the users that may be changed are this part's, until all parts are known."""
        return max(1, allowed // self.count)


class ChangedToday(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who was changed in an org since midnight UTC, or is about to be; without what a person approved.

    :param by_task: Okta ids, by DAG and task.
    :param accepted: those of whom only the id of a plan allowed it: they count for the org, and not for the
        task whose limit it lifted.
    """

    by_task: dict[tuple[str, str], frozenset[str]] = {}
    accepted: dict[tuple[str, str], frozenset[str]] = {}

    @classmethod
    def of(cls, changed: Iterable[tuple[str, str, str, bool]]) -> ChangedToday:
        """Return it from (DAG, task, Okta id, whether the id of a plan allowed it), in any order."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        accepted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for dag_id, task_id, user_id, is_accepted in changed:
            found[dag_id, task_id].add(user_id)
            if is_accepted:
                accepted[dag_id, task_id].add(user_id)
        return cls(
            by_task={task: frozenset(ids) for task, ids in found.items()},
            accepted={task: frozenset(ids) for task, ids in accepted.items()},
        )

    def of_task(self, dag_id: str, task_id: str) -> frozenset[str]:
        """Return whom a DAG's task has changed within its limit, in all its runs, parts and groups."""
        task = dag_id, task_id
        return self.by_task.get(task, frozenset()) - self.accepted.get(task, frozenset())

    @property
    def everybody(self) -> frozenset[str]:
        """The Okta ids of all of them."""
        return frozenset().union(*self.by_task.values())

    def in_words(self, most: int = 5) -> str:
        """
        Return which tasks changed how many users, those with the most first.

        >>> ChangedToday.of(
        ...     [("sync", "add", "1", False), ("sync", "add", "2", True), ("watch", "add", "1", False)]
        ... ).in_words()
        'sync.add 2, watch.add 1'
        """
        ranked = sorted(self.by_task.items(), key=lambda one: (-len(one[1]), one[0]))
        listed = [f"{dag_id or '-'}.{task_id or '-'} {len(ids)}" for (dag_id, task_id), ids in ranked[:most]]
        more = [f"and {len(ranked) - most} more tasks"] if len(ranked) > most else []
        return ", ".join([*listed, *more])


class DailyBound(msgspec.Struct, frozen=True, kw_only=True):
    """
    The most users that all tasks together may change in one org on one UTC day without approval.

    :param count: so many users; None = not by number.
    :param percent: such a part (0..100) of the source's users, but never less than 25; None = not by part.
    """

    count: int | None = 500
    percent: float | None = 50.0

    @classmethod
    def parse(cls, value: object, called: str = "max_changed_users_per_day") -> DailyBound:
        """
        Return the bound that a setting means.

        >>> DailyBound.parse("none").allowed(10) is None, DailyBound.parse("10%").allowed(1000)
        (True, 100)
        >>> DailyBound.parse(None).allowed(300), DailyBound.parse(None).allowed(5000)
        (500, 2500)

        :param value: a number of users, a part such as ``"10%"``, or ``"none"``; None = 500 users or half of
            the source's users, whichever are more.
        :param called: what the setting is called, for the error.
        :raises ConfigurationError: it is none of these.
        """
        if value is None:
            return cls()
        text = str(value).strip().lower()
        if text == "none":
            return cls(count=None, percent=None)
        number = _number(text.removesuffix("%")) if not isinstance(value, bool) else None
        if number is not None and text.endswith("%") and 0 < number <= 100:
            return cls(count=None, percent=number)
        if number is not None and not text.endswith("%") and number >= 0 and number == int(number):
            return cls(count=int(number), percent=None)
        raise ConfigurationError(
            f"{called} is {value!r}.",
            remedy='Use a number of users, a part of the source\'s users such as "10%", or "none".',
        )

    def allowed(self, users: int) -> int | None:
        """
        Return how many users may be changed; None = any number.

        :param users: how many users the source has; 0 = it is not known.
        """
        part = None if self.percent is None else max(ALWAYS_ALLOWED, int(users * self.percent / 100))
        given = [one for one in (self.count, part) if one is not None]
        return max(given, default=None)


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
