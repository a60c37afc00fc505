# SPDX-License-Identifier: Apache-2.0
"""What a run did that can be undone, and what cannot, as the action log knows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.decisions.signals import to_level
from airflow_provider_okta_ure.core.models import OktaUser, Row
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.suggestions import did_you_mean
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction, LogStatus
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.clients.okta import OktaClient

UNDOABLE: tuple[LogAction, ...] = ("add_to_group", "push_risk", "remove_from_group")
"""
The actions that can be undone, in this order: who was added leaves first, because a group like this one
takes something away from its members, and who was removed comes back last.
"""

NOT_REVERTIBLE = "not_revertible"
NOTHING_DONE = "nothing_done"

_NOTABLE: tuple[LogStatus, ...] = ("started", "done", "failed", "planned")
_WHY = {
    "upsert_risk": "the risk from before is not known, so it cannot be set again",
    "no_action": "the run only recorded this user",
}


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """
    The run that is undone, and how much of it.

    :param org: what the Okta org is called in the action log.
    :param first_dag: the DAG whose decisions the run is about; see :func:`reverts.first_dag`.
    :param actions: which of its actions.
    :param user_ids: for whom; None = everybody.
    """

    org: str
    dag_id: str
    run_id: str
    first_dag: str
    actions: tuple[LogAction, ...] = UNDOABLE
    user_ids: frozenset[str] | None = None

    def in_words(self, action: LogAction) -> str:
        """Return what undoing one of the actions is, for people."""
        return f"undoes {action} of the run {self.run_id} of {self.dag_id}"

    def is_about(self, entry: Entry) -> bool:
        """Whether an entry of the run is to be undone, or to be listed as what cannot be."""
        return entry.org == self.org and (self.user_ids is None or entry.user_id in self.user_ids)


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the run did to one user on one target.

    :param entry: the last entry about it.
    :param level_before: of a risk signal, the level that Okta was told before the run.
    :param was_opposite: whether the run also did the opposite to the same user.
    """

    entry: Entry
    level_before: str = ""
    was_opposite: bool = False

    @property
    def as_of(self) -> datetime:
        """The time that the run's decision was for."""
        return self.entry.as_of


class Left(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What is not undone, and why.

    :param reason: ``not_revertible`` or ``nothing_done``.
    """

    user: str
    user_id: str = ""
    action: str
    target: str = ""
    reason: str
    message: str


def entries_of_run(log: ActionLog, *, dag_id: str, run_id: str, every: bool = False) -> list[Entry]:
    """
    Return what a run did, tried or planned.

    :param every: also what it found to be right already, or left alone.
    """
    return list(log.iterate(Filter(dag_ids=[dag_id], run_id=run_id, status=() if every else _NOTABLE)))


def deeds(entries: Iterable[Entry], undone: Undone, *, action: LogAction, target: str) -> list[Deed]:
    """Return what a run did, or may have done, to each user on one target, in the order of the log."""
    opposite = {"add_to_group": "remove_from_group", "remove_from_group": "add_to_group"}.get(action)
    found: dict[str, list[Entry]] = {}
    others: set[str] = set()
    for entry in entries:
        if entry.target != target or not entry.user_id or not undone.is_about(entry):
            continue
        if entry.action == action and _may_have_happened(entry):
            found.setdefault(entry.user_id, []).append(entry)
        elif entry.action == opposite and _may_have_happened(entry):
            others.add(entry.user_id)
    return [
        Deed(
            entry=max(some, key=_order),
            level_before=min(some, key=_order).previous_risk_level,
            was_opposite=user_id in others,
        )
        for user_id, some in found.items()
    ]


def decisions_about(client: OktaClient, done: Sequence[Deed], known: Sequence[OktaUser]) -> list[Decision]:
    """
    Return a decision for each person, who is read from Okta by id; who is not there any more is skipped.

    :param known: users who need not be read.
    """
    users = {user.user_id: user for user in known}
    missing = {one.entry.user_id for one in done} - users.keys()
    users.update((user.user_id, user) for user in client.find_users_by_id(missing))
    return [_decision(one, users.get(one.entry.user_id)) for one in done]


def _decision(deed: Deed, user: OktaUser | None) -> Decision:
    entry = deed.entry
    row = Row(user=entry.user_name or entry.login or entry.user_id, source=entry.source or None)
    if entry.action == "push_risk":
        row = msgspec.structs.replace(row, risk_level=to_level(deed.level_before))
    if user is not None:
        return Decision(row=row, user=user)
    then = OktaUser(user_id=entry.user_id, login=entry.login, email="", status="")
    return Decision(row=row, user=then).skipped("user_not_in_okta", "the Okta user was deleted since then")


def targets(entries: Iterable[Entry], undone: Undone) -> list[tuple[LogAction, str]]:
    """Return the actions and targets of a run that are to be undone, in the order in which to do it."""
    found = {
        (entry.action, entry.target)
        for entry in entries
        if undone.is_about(entry) and entry.action in undone.actions and _is_effect(entry)
    }
    return sorted(found, key=lambda one: (UNDOABLE.index(one[0]), one[1]))


def left(entries: Iterable[Entry], undone: Undone) -> list[Left]:
    """Return what a run did, tried or planned and what is not undone, with the reason."""
    found = []
    for entry in entries:
        if not undone.is_about(entry) or entry.action == "fetch_scores":
            continue
        if not _is_effect(entry):
            text = f"the run did nothing to this user: {entry.status}"
            text += f" ({entry.reason})" if entry.reason else ""
            found.append(_left(entry, NOTHING_DONE, text))
        elif entry.action == "no_action":
            found.append(_left(entry, NOTHING_DONE, _WHY["no_action"]))
        elif entry.action not in UNDOABLE:
            found.append(_left(entry, NOT_REVERTIBLE, _WHY[entry.action]))
    return found


def users_named(
    entries: Sequence[Entry], names: Collection[str], people: Iterable[OktaUser]
) -> frozenset[str]:
    """
    Return the Okta ids of people about whom a run decided, by login, name in the source or Okta id.

    :param people: the same people as they are called in Okta now.
    :raises ConfigurationError: the run decided about nobody of a name, or about several people.
    """
    known = _known_names(entries, people)
    found: set[str] = set()
    for name in names:
        ids = known.get(name) or known.get(fold(name)) or set()
        if not ids:
            raise ConfigurationError(
                f"The run decided about nobody named {name!r}.{did_you_mean(name, known)} "
                "Nothing was undone.",
                remedy="Give logins, names as in the source, or Okta ids of people whom the run was about.",
            )
        if len(ids) > 1:
            raise ConfigurationError(
                f"The run decided about {len(ids)} people named {name!r}. Nothing was undone.",
                remedy=f"Give the Okta id: {', '.join(sorted(ids))}.",
            )
        found |= ids
    return frozenset(found)


def _known_names(entries: Iterable[Entry], people: Iterable[OktaUser]) -> dict[str, set[str]]:
    """Return the Okta ids that each name stands for."""
    known: dict[str, set[str]] = {}
    for entry in entries:
        for name in (entry.user_id, fold(entry.user_name), fold(entry.login)):
            if entry.user_id and name:
                known.setdefault(name, set()).add(entry.user_id)
    for user in people:
        for name in {fold(user.login), fold(user.email)} - {""}:
            known.setdefault(name, set()).add(user.user_id)
    return known


def unknown_run(log: ActionLog, *, dag_id: str, run_id: str) -> ConfigurationError:
    """Return the error that says that the action log knows no such run, and which ones are called alike."""
    runs: list[str] = log.known_runs(dag_id=dag_id) if dag_id.isprintable() else []
    if not runs:
        dags = log.known_dags()
        hint = did_you_mean(dag_id, dags)
        return ConfigurationError(
            f"The action log knows no run of a DAG {dag_id!r}.{hint}", topic="unknown-run"
        )
    return ConfigurationError(
        f"The action log knows no run {run_id!r} of the DAG {dag_id}.{did_you_mean(run_id, runs)}",
        remedy=f"The newest runs are {', '.join(runs[:5])}.",
        topic="unknown-run",
    )


def _is_effect(entry: Entry) -> bool:
    return entry.status == "done" or entry.is_in_doubt


def _may_have_happened(entry: Entry) -> bool:
    """Whether this is to be undone; a group's members show of every try but the one just now what it did."""
    if entry.action == "push_risk":
        return _is_effect(entry)
    return entry.status == "done" or (entry.status == "started" and entry.action == "add_to_group")


def _order(entry: Entry) -> tuple[Any, ...]:
    return entry.as_of, entry.revision, entry.id or 0


def _left(entry: Entry, reason: str, message: str) -> Left:
    return Left(
        user=entry.user_name,
        user_id=entry.user_id,
        action=entry.action,
        target=entry.target_name or entry.target,
        reason=reason,
        message=message,
    )
