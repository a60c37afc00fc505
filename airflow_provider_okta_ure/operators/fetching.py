# SPDX-License-Identifier: Apache-2.0
"""Reading a tenant so that only those are kept who match a rule or are tracked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.levels import HIGHEST_SCORE
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.tracking import Tracked
    from airflow_provider_okta_ure.clients.compact_names import CompactNames
    from airflow_provider_okta_ure.clients.netskope import NetskopeClient, Strategy
    from airflow_provider_okta_ure.clients.netskope_list import ListedScores
    from airflow_provider_okta_ure.core.keeping import Keep
    from airflow_provider_okta_ure.core.models import OktaUser, Row
    from airflow_provider_okta_ure.core.readings import Reading


class People(msgspec.Struct, frozen=True, kw_only=True):
    """
    Whom a reading keeps whatever their score, and by which names they may be in the source.

    :param tracked: the users whom something is open for.
    :param find: returns users by their Okta id, as they are called today; None = nobody is asked.
    :param other_names: returns by which other folded names the action log knows the people of some names.
    """

    tracked: Sequence[Tracked] = ()
    find: Callable[[Collection[str]], Iterable[OktaUser]] | None = None
    other_names: Callable[[Collection[str]], Collection[str]] = lambda _keys: ()

    @property
    def names(self) -> set[str]:
        """All names of all of them, folded."""
        return {name for one in self.tracked for name in one.names}

    def present_names(self, is_known: Callable[[str], bool]) -> set[str]:
        """
        Return today's names of those of whom the source has none of the names that the log knows.

        They may have been renamed: an Okta id stays, whatever somebody is called later.

        :param is_known: whether the source has a folded name.
        """
        return self._names_today([one for one in self.tracked if not any(map(is_known, one.names))])

    def names_of_improved(self, is_kept: Callable[[str], bool], matched: Collection[str]) -> set[str]:
        """
        Return today's names of those whose rows no rule matches any more, because something may end for them.

        Their old name can be somebody else's by now, and the source can have got a second name of theirs,
        with a less safe score.

        :param is_kept: whether there is a row of a folded name.
        :param matched: the folded names of the rows that a rule matches.
        """
        return self._names_today(
            [one for one in self.tracked if one.names.isdisjoint(matched) and any(map(is_kept, one.names))]
        )

    def _names_today(self, users: Sequence[Tracked]) -> set[str]:
        ids = [one.user_id for one in users if one.user_id]
        if not ids or self.find is None:
            return set()
        return {fold(name) for user in self.find(ids) for name in (user.login, user.email) if name}


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """
    One reading of everybody in a tenant.

    :param client: of the tenant.
    :param as_of: the time that the reading is for (aware).
    :param carry_days: how many days back a score still counts.
    :param people: whom to keep besides those whom a rule matches.
    """

    client: NetskopeClient
    as_of: datetime
    carry_days: int
    people: People

    def named(self, reading: Reading, keep: Keep | None, users: Sequence[str], *, strategy: Strategy) -> None:
        """Read the scores of these users, and of nobody else."""
        if keep is not None:
            keep.names |= self.people.names
        reading.take(
            self.client.scores(self.as_of, strategy=strategy, users=users, carry_days=self.carry_days)
        )

    def daily(self, reading: Reading, keep: Keep | None) -> bool:
        """
        Read everybody's daily scores; return whether these are all users that there are.

        :param keep: gets the names of tracked users; None = everybody is kept.
        """
        names = self.client.names()
        if keep is None:
            reading.take(self._series(names))
            return names.is_whole
        keep.names |= self.people.names
        keep.names |= self.people.present_names(names.__contains__)
        reading.take(self._series(names))
        for more in (self._improved(reading, keep), self._others(reading, keep)):
            reading.add(self._series(_spelled(more, names)), were_read=True)
        return names.is_whole

    def listed(self, reading: Reading, keep: Keep | None) -> ListedScores:
        """
        Read the list of newest scores, no further than a rule can match, and return what is in it.

        :param keep: gets the names of tracked users; None = everybody is kept.
        """
        until = HIGHEST_SCORE if keep is None else keep.highest
        if keep is not None:
            keep.names |= self.people.names
        listed = self.client.listed_scores(self.as_of, until=until, carry_days=self.carry_days)
        reading.take(self.client.rows_of(listed))
        if keep is not None:
            self._complete(reading, keep, listed)
        return listed

    def _complete(self, reading: Reading, keep: Keep, listed: ListedScores) -> None:
        """Add the rows of tracked users, and the second rows of others, whose scores are higher."""
        self._add(keep.names, reading, listed)
        present = self.people.present_names(lambda name: name in listed.names or reading.has(name))
        keep.names |= present
        self._add(present, reading, listed)
        self._add(self._improved(reading, keep), reading, listed)
        self._add(self._others(reading, keep), reading, listed)

    def _add(self, names: Iterable[str], reading: Reading, listed: ListedScores) -> None:
        missing = sorted(name for name in names if not reading.has(name))
        reading.add(map(listed.row_of, _spelled(missing, listed.names)), were_read=True)
        if listed.is_to_the_end:
            return
        unseen = [name for name in missing if name not in listed.names]
        reading.add(map(_as_listed, filter(_is_scored, self._series(unseen))), were_read=False)

    def _series(self, names: CompactNames | Sequence[str]) -> Iterator[Row]:
        return self.client.scores(self.as_of, users=names, carry_days=self.carry_days)

    def _improved(self, reading: Reading, keep: Keep) -> list[str]:
        """Return names of today, not known so far, of tracked users whose rows no rule matches any more."""
        matched = {row.key for row in reading.rows if keep.matches(row)}
        new = self.people.names_of_improved(reading.has, matched) - keep.names
        keep.names |= new
        return sorted(new)

    def _others(self, reading: Reading, keep: Keep) -> list[str]:
        """
        Return other names of those who are kept because of their score.

        One person can have two rows in a source, and tasks decide by the less safe one.
        """
        known = self.people.other_names(reading.keys - keep.names)
        return sorted(name for name in known if not reading.has(name))


def _spelled(keys: Iterable[str], names: CompactNames) -> list[str]:
    """Return those of some folded names that a source has, as it spells them."""
    return [names[index] for key in keys if (index := names.index_of(key)) is not None]


def _is_scored(row: Row) -> bool:
    return row.score is not None


def _as_listed(row: Row) -> Row:
    """Return a row as the list would have given it: it knows no score from before."""
    return msgspec.structs.replace(row, previous_score=None, previous_score_at=None)
