"""The state of the pretend Netskope tenant: people nobody stored, and what was changed about them."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import SandboxClock, day_number
from airflow_provider_okta_ure.sandbox.hashing import number_of, text_of
from airflow_provider_okta_ure.sandbox.scores import days_inactive, score_on, scores_from, scores_on

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from airflow_provider_okta_ure.sandbox.options import Options
    from airflow_provider_okta_ure.sandbox.people import People

NO_SCORE = -1


class NetskopeState:
    """
    The tenant. Scores are integers from 0 to 1000, higher is safer. Methods can be called from any thread.

    :param people: the population.
    :param count: how many of it are Netskope users.
    :param days: how many daily scores are kept, today's included.
    :param clock: the sandbox clock.
    :param options: the switches.
    :param lock: held during every change and every request.
    """

    def __init__(
        self,
        people: People,
        count: int,
        days: int,
        clock: SandboxClock,
        options: Options,
        lock: threading.RLock,
    ) -> None:
        self.people = people
        self.generated = count
        self.days = days
        self.clock = clock
        self.options = options
        self.lock = lock
        self.token = text_of(40, people.seed, "netskope token")
        self._start_empty()

    def _start_empty(self) -> None:
        self._added: list[str] = []
        self._added_by_name: dict[str, int] = {}
        self._removed: set[int] = set()
        self._scores: dict[tuple[int, int], int | None] = {}
        self._changed_scores: set[int] = set()
        self._never: frozenset[int] = frozenset(self.people.without_score(self.generated))
        self.anomalies: list[dict[str, Any]] = []
        self.version = 0
        self.ordered = lru_cache(maxsize=2)(self._ordered)

    def clear(self) -> None:
        """Forget every change; the token stays."""
        with self.lock:
            self._start_empty()

    def rotate_token(self) -> str:
        """Revoke the API token at once and return the new one."""
        with self.lock:
            self.token = text_of(40, self.people.seed, "netskope token", self.token)
            return self.token

    # --- users

    @property
    def count(self) -> int:
        """How many users the tenant has."""
        return self.generated + len(self._added) - len(self._removed)

    def add_user(self, name: str, score: int | None = None) -> int:
        """Add a user, with this score today if one is given, and return the user's index."""
        with self.lock:
            if self.index_of(name) is not None:
                raise ValueError(f"There is already a user named {name!r}.")
            index = self.generated + len(self._added)
            self._added.append(name)
            self._added_by_name[name.lower()] = index
            self._changed()
            if score is not None:
                self.set_score(name, None, score)
            return index

    def remove_user(self, name: str) -> None:
        """Remove a user."""
        with self.lock:
            self._removed.add(self._known(name))
            self._added_by_name.pop(name.lower(), None)
            self._changed()

    def name(self, index: int) -> str:
        """Return a user's name as Netskope spells it."""
        if index >= self.generated:
            return self._added[index - self.generated]
        return self.people.netskope_name(index)

    def index_of(self, name: str) -> int | None:
        """Return the index of the user with this name in any letter case, or None."""
        index = self.people.index_of(name)
        if index is None or index >= self.generated:
            index = self._added_by_name.get(name.lower())
        return None if index is None or index in self._removed else index

    def names(self) -> Iterator[str]:
        """Return all users' names, one after the other, in order of their index."""
        return (self.name(index) for index in self.indices(0, self.generated + len(self._added)))

    def indices(self, start: int, count: int) -> list[int]:
        """Return the indices at the places ``start`` to ``start + count - 1`` among all existing users."""
        removed = sorted(self._removed)
        end = min(start + count, self.count)
        if not removed:
            return list(range(start, end))
        return [_skip(place, removed) for place in range(start, end)]

    # --- scores

    def score(self, name: str, day: date | datetime | None = None) -> int | None:
        """Return a user's score on a day (today when left out); None when there is none."""
        with self.lock:
            number = self.clock.today() if day is None else day_number(day)
            return self.score_of(self._known(name), number)

    def set_score(self, name: str, day: date | datetime | None, score: int | None) -> None:
        """Set a user's score on a day (None: today); a score of None leaves a gap on that day."""
        if score is not None and (
            isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= 1000
        ):
            raise ValueError(f"A score is a whole number from 0 to 1000, not {score!r}.")
        with self.lock:
            number = self.clock.today() if day is None else day_number(day)
            index = self._known(name)
            self._scores[index, number] = score
            self._changed_scores.add(index)
            self._changed()

    def remove_score(self, name: str, day: date | datetime | None = None) -> None:
        """Take a user's score of one day away, or all scores the tenant keeps when no day is given."""
        with self.lock:
            index, today = self._known(name), self.clock.today()
            days = [day_number(day)] if day is not None else range(today - self.days + 1, today + 1)
            for number in days:
                self._scores[index, number] = None
            self._changed_scores.add(index)
            self._changed()

    def score_of(self, index: int, day: int) -> int | None:
        """Return a user's score on a day (UTC day number), or None."""
        if (index, day) in self._scores:
            return self._scores[index, day]
        if index >= self.generated or index in self._never:
            return None
        return score_on(self.people.seed, index, day, self.options.episodes_one_in)

    def series(self, index: int, since: float) -> list[tuple[int, int]]:
        """Return (day number, score) of each day kept that starts at ``since`` (seconds) or later."""
        today = self.clock.today()
        first = max(today - self.days + 1, -int(-since // 86_400))
        days = range(first, today + 1)
        if index in self._changed_scores or index >= self.generated or index in self._never:
            scores = ((day, self.score_of(index, day)) for day in days)
            return [(day, score) for day, score in scores if score is not None]
        one_in = self.options.episodes_one_in
        return list(zip(days, scores_from(self.people.seed, index, first, today, one_in), strict=True))

    def days_inactive(self, index: int) -> int:
        """Return how many days ago a user was last active."""
        return 0 if index >= self.generated else days_inactive(self.people.seed, index)

    def all_scores(self, day: int) -> array[int]:
        """Return everybody's score on a day, :data:`NO_SCORE` where there is none."""
        scores = scores_on(self.people.seed, self.generated, day, self.options.episodes_one_in)[:]
        scores.extend(array("h", [NO_SCORE]) * len(self._added))
        for index in (*self._never, *self._removed):
            scores[index] = NO_SCORE
        for (index, changed_day), score in self._scores.items():
            if changed_day == day and index not in self._removed:
                scores[index] = NO_SCORE if score is None else score
        return scores

    def score_order(self, day: int) -> tuple[array[int], array[int]]:
        """Return everybody's score on a day, and the indices of those who have one by rising score."""
        return self.ordered(day, self.version)

    def name_order(self) -> Iterable[int]:
        """Return all indices in alphabetical order of the names."""
        order = self.people.by_name(self.generated)
        names = [name.lower() for name in self._added]
        if not names:
            return order
        for place in sorted(range(len(names)), key=names.__getitem__):
            where = bisect_left(order, names[place], key=lambda index: self.name(index).lower())
            order.insert(where, self.generated + place)
        return order

    def shuffled(self, values: list[Any], *name: object) -> list[Any]:
        """Return the values in a random order that depends on the seed and the name only."""
        mixed = values[:]
        random.Random(number_of(self.people.seed, *name)).shuffle(mixed)  # noqa: S311 - reproducible, not secret
        return mixed

    # --- inside

    def _ordered(self, day: int, _version: int) -> tuple[array[int], array[int]]:
        scores = self.all_scores(day)
        order = sorted(range(len(scores)), key=scores.__getitem__)
        without = scores.count(NO_SCORE)
        return scores, array("l", order[without:])

    def _known(self, name: str) -> int:
        index = self.index_of(name)
        if index is None:
            raise KeyError(f"Netskope has no user named {name!r}.")
        return index

    def _changed(self) -> None:
        self.version += 1


def _skip(place: int, removed: list[int]) -> int:
    """Return the index at a place, when the removed indices do not count."""
    for index in removed:
        if index > place:
            break
        place += 1
    return place
