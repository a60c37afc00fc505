# SPDX-License-Identifier: Apache-2.0
"""What is known when something is decided: read once by the engine, under the lock of what is acted on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.decisions.addresses import AddressBook

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.signals import KnownSignals
    from airflow_provider_okta_ure.core.holding import Hold
    from airflow_provider_okta_ure.core.matching import Directory
    from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel, Row


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """
    A membership that this provider gave.

    :param expires_at: when it ends; None = when the user recovers.
    :param score_level: the band of the score when it was given.
    """

    user: str
    expires_at: datetime | None = None
    score_level: str = ""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known whatever the action.

    :param as_of: the time the run is for (aware).
    :param scores: what the run has read, by :attr:`Row.key`, the lowest of each name; **higher is safer**.
    :param former_names: what users were called in rows before, by Okta id; a source can still know them so.
    :param reverted_by: the run that has reverted this very action of this run, by Okta id, or by
        :attr:`Row.key` of somebody who was not looked up.
    :param complete_until: the time of the newest later complete run of the same task on the same target:
        who has no row in it did not match its rule; None = there is none.
    """

    as_of: datetime
    scores: Mapping[str, int] = {}
    former_names: Mapping[str, Collection[str]] = {}
    reverted_by: Mapping[str, str] = {}
    complete_until: datetime | None = None

    def time_of(self, row: Row) -> datetime:
        """Return the time that a row is for."""
        return row.as_of or self.as_of

    def later_complete_run(self, row: Row) -> datetime | None:
        """Return the time of a later complete run of the same task, which has decided by its silence, too."""
        until = self.complete_until
        return until if until is not None and until > self.time_of(row) else None


class GroupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of a group and of the users whom rows are about; users are Okta ids.

    :param members: the group's real members.
    :param directory: the members, and what Okta found for the names that had to be looked up.
    :param former_members: who is not in the group any more and was not looked up, by :attr:`Row.key`.
    :param ours: the members whom this provider added.
    :param holds: which tasks hold which membership; see :mod:`holding`.
    :param later: the newest later time that anything was decided for a user of this group.
    :param recovered: users, and the times, for whom an interrupted try of this action had its effect.
    :param time_boxed: the last membership with an end of those who have not recovered since.
    """

    run: RunFacts
    members: Mapping[str, OktaUser] = {}
    directory: Directory
    former_members: Mapping[str, OktaUser] = {}
    ours: Collection[str] = ()
    holds: Mapping[str, Sequence[Hold]] = {}
    later: Mapping[str, datetime] = {}
    recovered: Collection[tuple[str, datetime]] = ()
    time_boxed: Mapping[str, Membership] = {}


class SignalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of the users whom risk signals are to be about.

    :param directory: what Okta found for the names that had to be looked up.
    :param looked_up: the names that were looked up, by :attr:`Row.key`; None = all of the rows.
    :param signaled: whom the last signal under a name was about, by :attr:`Row.key`.
    :param known: the signals about each user, by Okta id.
    :param addresses: who else has the addresses that signals would name.
    """

    run: RunFacts
    directory: Directory
    looked_up: Collection[str] | None = None
    signaled: Mapping[str, OktaUser] = {}
    known: Mapping[str, KnownSignals] = {}
    addresses: AddressBook = AddressBook(())


class UserRiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of the users whose risk is to be set.

    :param levels: each user's risk by Okta id, as Okta has it now, of those whose risk could be read.
    """

    run: RunFacts
    directory: Directory
    levels: Mapping[str, RiskLevel] = {}
