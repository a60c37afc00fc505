# SPDX-License-Identifier: Apache-2.0
"""
The life of an entry, as one table: which status may replace which, and what an entry counts as.

An entry is written as ``started`` before its effect is tried, and again when the outcome is known. A retry, a
clear or another run for the same time writes the same entry once more. What then stays is decided here, and
so is what it means to everybody who reads the log. Conditions in SQL and tests in Python are both made from
these tables, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, and_, false, literal_column, or_

from airflow_provider_okta_ure.core.holding import NOT_OURS

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]

LogAction: TypeAlias = Literal[
    "add_to_group", "remove_from_group", "push_risk", "upsert_risk", "no_action", "fetch_scores"
]
"""The actions of reports, and reading a source, which is remembered to tell an outage from a recovery."""

LogStatus: TypeAlias = Literal["started", "done", "unchanged", "skipped", "failed", "planned"]
"""The status of outcomes, and ``started``: an effect that may have happened and whose answer is not known."""

STATUSES: tuple[LogStatus, ...] = ("done", "unchanged", "skipped", "failed", "planned", "started")
"""Every status, in the order in which people read them."""

GROUP_ACTIONS: tuple[LogAction, ...] = ("add_to_group", "remove_from_group")
LEVEL_ACTIONS: tuple[LogAction, ...] = ("push_risk", "upsert_risk")
CHANGES: tuple[LogAction, ...] = (*GROUP_ACTIONS, *LEVEL_ACTIONS)
"""The actions that change something in Okta; the others only record or read."""

REPLACES: dict[LogStatus, tuple[LogStatus, ...]] = {
    # An intent, before the effect. What is done stays done, and is not tried again.
    "started": ("started", "unchanged", "skipped", "failed", "planned"),
    "done": ("started", "done", "unchanged", "skipped", "failed", "planned"),
    # Who was left alone this time may have been acted on before: that stays, to be found out.
    "unchanged": ("unchanged", "skipped", "failed", "planned"),
    "skipped": ("unchanged", "skipped", "failed", "planned"),
    "failed": ("started", "unchanged", "skipped", "failed", "planned"),
    # A plan changes nothing that was done or decided.
    "planned": ("planned",),
}
"""Which statuses a new status may replace in the entry of the same action as of the same time."""

NOT_TRIED = ("not_attempted", "waits_for_rate_limit", "interrupted", "never_confirmed")
"""Reasons of failures for which nothing was sent, or for which it is known that it had no effect."""

EXPIRED = "expired"
"""The reason of a removal because the time was over, which is no release by a rule."""

ALREADY_MEMBER = "already_member"
"""The reason of an addition that found the user in the group."""

HELD_BY_OTHERS = "held_by_others"
"""The reason of a removal that ended only the claims of its own DAG."""

ADOPTED = "adopted"
"""The reason of a member whom somebody else added and who is to be released; without a DAG nobody's claim."""

LOW_LEVELS = ("", "none", "low")
"""Okta's levels at which nothing is open for a user; an empty one was never mapped."""


class HasLife(Protocol):
    """What is asked of an entry."""

    @property
    def action(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def http_status(self) -> int | None: ...

    @property
    def confirmation(self) -> str: ...


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """
    One way to count as something; every part has to hold, and what is left out does not matter.

    :param status: any of these.
    :param action: any of these; empty = whichever.
    :param reason: any of these; empty = whichever.
    :param not_reason: none of these.
    :param not_confirmation: not this; empty = whichever.
    :param is_unanswered: whether the service must have left open what happened: no answer, or a failure
        inside it.
    """

    status: tuple[LogStatus, ...]
    action: tuple[LogAction, ...] = ()
    reason: tuple[str, ...] = ()
    not_reason: tuple[str, ...] = ()
    not_confirmation: str = ""
    is_unanswered: bool = False

    def __contains__(self, entry: HasLife) -> bool:
        return (
            entry.status in self.status
            and (not self.action or entry.action in self.action)
            and (not self.reason or entry.reason in self.reason)
            and entry.reason not in self.not_reason
            and not (self.not_confirmation and entry.confirmation == self.not_confirmation)
            and not (self.is_unanswered and entry.http_status is not None and entry.http_status < _SERVERS)
        )

    def in_sql(self, table: Columns) -> ColumnElement[bool]:
        """Return the same as a condition on rows, with the values written out, as partial indexes need it."""
        return and_(
            *(
                _is_one_of(table[name], values)
                for name in ("action", "status", "reason")
                if (values := getattr(self, name))
            ),
            *(table.reason != _text(one) for one in self.not_reason),
            *([table.confirmation != _text(self.not_confirmation)] if self.not_confirmation else []),
            *(
                [or_(table.http_status.is_(None), table.http_status >= literal_column(str(_SERVERS)))]
                if self.is_unanswered
                else []
            ),
        )


_SERVERS = 500
"""From this HTTP status on, the service itself failed, and cannot say whether before or after the effect."""


class Meaning(msgspec.Struct, frozen=True):
    """
    What an entry counts as: something that one of these cases describes.

    >>> from types import SimpleNamespace
    >>> def entry(status, **more):
    ...     plain = {"action": "add_to_group", "reason": "", "http_status": None, "confirmation": ""}
    ...     return SimpleNamespace(**{**plain, "status": status, **more})
    >>> entry("started") in IN_DOUBT, entry("failed") in IN_DOUBT
    (True, True)

    A refusal had no effect, and neither had what was never sent.

    >>> entry("failed", http_status=403) in IN_DOUBT, entry("failed", reason="not_attempted") in IN_DOUBT
    (False, False)
    >>> entry("done", action="push_risk", confirmation="missing") in DELIVERED
    False
    >>> print(EFFECT.in_words)
    status IN ('done', 'started')
    """

    cases: tuple[Case, ...]

    def __contains__(self, entry: HasLife) -> bool:
        return any(entry in case for case in self.cases)

    def __or__(self, other: Meaning) -> Meaning:
        return Meaning((*self.cases, *other.cases))

    def in_sql(self, table: Columns) -> ColumnElement[bool]:
        """Return the same as a condition on rows of actions, or of something with their columns."""
        return or_(false(), *(case.in_sql(table) for case in self.cases))

    @property
    def statuses(self) -> tuple[LogStatus, ...]:
        """Each status that an entry of this meaning can have."""
        return tuple(dict.fromkeys(status for case in self.cases for status in case.status))

    @property
    def in_words(self) -> str:
        """The condition as text, without the name of a table: what a partial index is declared with."""
        from sqlalchemy import column, table

        names = ("action", "status", "reason", "confirmation", "http_status")
        return str(self.in_sql(table("a", *map(column, names)).c)).replace("a.", "")


EFFECT = Meaning((Case(status=("done", "started")),))
"""An effect that happened, or may have; most rows only say that everything was right already."""

DONE = Meaning((Case(status=("done",)),))
"""An effect that happened, as far as its answer says."""

DECISION = Meaning((Case(status=("started", "done", "unchanged", "failed")),))
"""A decision about a user, whether or not it needed a write; being skipped is none, and a plan is none."""

STARTED = Meaning((Case(status=("started",)),))
"""Tried, and no outcome was written."""

IN_DOUBT = Meaning(
    (Case(status=("started",)), Case(status=("failed",), not_reason=NOT_TRIED, is_unanswered=True))
)
"""An effect that was tried and may have happened, because no answer says so."""

UNCERTAIN = Meaning((Case(status=("started", "failed")),))
"""All that can be in doubt: few rows among many."""

MAY_HAVE_ARRIVED = DONE | IN_DOUBT
"""An effect that is certain or in doubt: it keeps the time of its first try, to be sent again as it was."""

DELIVERED = Meaning((Case(status=("done",), not_confirmation="missing"),))
"""A signal that Okta took in, as far as is known: 202 alone is not proof."""

SIGNAL = Meaning((Case(status=("done",), action=("push_risk",)),))
"""A signal that was sent; whether Okta's System Log has it stands beside it."""

TRIED_SIGNAL = Meaning((Case(status=("done", "started", "failed"), action=("push_risk",)),))
"""A signal that Okta may have got, failures included."""

LAST_DONE = Meaning(
    (
        Case(status=("done",), not_confirmation="missing"),
        # An addition whose answer is not known may have happened; a removal may not have.
        Case(status=("started",), action=("add_to_group",), not_confirmation="missing"),
    )
)
"""What counts as having been done to a user, when the last such thing is asked for."""

RELEASE = Meaning((Case(status=("done", "unchanged"), action=("remove_from_group",), not_reason=(EXPIRED,)),))
"""A rule released a user from a group, member or not; the end of a time-boxed membership is none."""

ADDITION = Meaning((Case(status=("done",), action=("add_to_group",)),))
"""A user was added to a group."""

OPENS_MEMBERSHIP = Meaning(
    (
        Case(status=("done", "started"), action=("add_to_group",), not_reason=(NOT_OURS,)),
        Case(
            status=("failed",),
            action=("add_to_group",),
            not_reason=(*NOT_TRIED, NOT_OURS),
            is_unanswered=True,
        ),
    )
)
"""A user is in a group because of us, or may be, until a rule releases them."""

BEGINS_CLAIM = Meaning(
    (
        Case(status=("started", "done"), action=("add_to_group",)),
        Case(status=("unchanged",), action=("add_to_group",), reason=(ALREADY_MEMBER,)),
    )
)
"""A task wants a user in a group from now on, whether it had to add the user or not."""

ENDS_CLAIM = RELEASE | Meaning(
    (Case(status=("skipped",), action=("remove_from_group",), reason=(HELD_BY_OTHERS,)),)
)
"""A task wants a user in a group no longer, whether or not the user left it."""

KNOWN = Meaning((Case(status=("started", "done", "unchanged")),))
"""A task found out which user in Okta a name stands for, and acted on that user or had no need to."""

CHANGE = Meaning((Case(status=("done",), action=CHANGES),))
"""Something that was changed in Okta."""

NOTABLE: tuple[LogStatus, ...] = tuple(status for status in STATUSES if status != "unchanged")
"""Every status that somebody may want to read about: all but that everything was right already."""


def may_replace(
    old: ColumnElement[str], new: ColumnElement[str], among: Sequence[LogStatus]
) -> ColumnElement[bool]:
    """
    Return in SQL whether a new status may replace an old one.

    :param among: the statuses that the new one can be.
    """
    return or_(
        false(),
        *(
            and_(new == _text(status), old.in_([_text(one) for one in REPLACES[status]]))
            if len(REPLACES[status]) < len(REPLACES)
            else new == _text(status)
            for status in among
        ),
    )


def _is_one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    return column == _text(values[0]) if len(values) == 1 else column.in_([_text(one) for one in values])


def _text(value: str) -> ColumnElement[str]:
    # Written out, without parameters: only so do databases see that an index of just these rows will do.
    return literal_column(f"'{value}'")
