# SPDX-License-Identifier: Apache-2.0
"""One action on one target as the action log knows it: what was done before, and what this task does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry, LogAction, LogStatus
from airflow_provider_okta_ure.core.history import Membership
from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plans import Change

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.matching import Decision
    from airflow_provider_okta_ure.core.models import Action, Outcome, Row
    from airflow_provider_okta_ure.operators.identity import RunIdentity

ADD: LogAction = "add_to_group"
REMOVE: LogAction = "remove_from_group"
GROUP_ACTIONS: tuple[LogAction, ...] = (ADD, REMOVE)

_LONGEST_TARGET = 255


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


def missing_group(name: str) -> str:
    """Return what stands for a group of this name while there is none; an id never looks like it."""
    return f"name:{fold(name)}"[:_LONGEST_TARGET]


class CarriedOutBefore(NamedTuple):
    """
    What a task has carried out before this try, or may have.

    :param here: in an earlier try.
    :param elsewhere: in other parts of the same mapped task.
    """

    here: list[Change]
    elsewhere: list[Change]

    @property
    def user_ids(self) -> set[str]:
        """The Okta ids of the users that it was about."""
        return {change.user_id for change in (*self.here, *self.elsewhere)}


class Journal:
    """
    Reads and writes the action log for one task.

    :param log: the action log.
    :param run: whose task it is.
    :param org: the Okta org's URL.
    :param action: what is done.
    :param approved_by: who approved it.
    :param now: the clock on the wall, for the record only.
    """

    def __init__(
        self,
        log: ActionLog,
        run: RunIdentity,
        *,
        org: str,
        action: Action,
        approved_by: str = "",
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.log = log
        self.run = run
        self.org = org
        self.action = action
        self.approved_by = approved_by
        self._now = now
        self.target = ""
        self.target_name = ""
        self.expires_at: datetime | None = None
        self._tried: dict[tuple[str, datetime], Entry] = {}
        self._in_doubt: set[tuple[str, datetime]] = set()
        self._recovered: set[tuple[LogAction, str, datetime]] = set()
        self._users_before: dict[str, OktaUser] | None = None
        self._turns = ExitStack()
        self._held: set[str] = set()

    def take_turn(self, what: str) -> None:
        """
        Wait until no other task acts on the same, and keep it for this one until :meth:`close`.

        :param what: two tasks that say the same take turns; to say it twice is no harm.
        :raises LockedError: another task kept it for too long.
        """
        name = f"{self.org} {what}"
        if name not in self._held:
            self._turns.enter_context(self.log.lock(name))
            self._held.add(name)

    def close(self) -> None:
        """Let the others take their turn."""
        self._held.clear()
        self._turns.close()

    def aim(self, target: str, target_name: str = "") -> None:
        """Name the group, or the issuer, that everything from here on is about."""
        self.target, self.target_name = target, target_name

    def aim_at_missing_group(self, name: str) -> None:
        """Name a group that is not there; what is decided about it holds when it has been made."""
        self.aim(missing_group(name), name)

    @property
    def targets(self) -> tuple[str, ...]:
        """The group or the issuer; then what stood for a group before it was made."""
        if self.action not in GROUP_ACTIONS:
            return (self.target,)
        return tuple(dict.fromkeys((self.target, missing_group(self.target_name))))

    def moment(self, row: Row) -> datetime:
        """Return the moment that a row speaks for."""
        return row.as_of or self.run.as_of

    def key(self, row: Row, user: OktaUser | None) -> str:
        """
        Return what a user is called in the log.

        In groups it is the Okta user, whatever he is called elsewhere; a risk signal follows the name in the
        source, so that nobody has to be looked up to learn that nothing has changed.
        """
        return user.user_id if user is not None and self.action in GROUP_ACTIONS else row.key

    # --- what was before

    def tried(self, rows: Iterable[tuple[Row, OktaUser | None]]) -> dict[tuple[str, datetime], Entry]:
        """Return, and remember, what is known of this very action of this very moment, by key and moment."""
        wanted: dict[datetime, list[str]] = {}
        for row, user in rows:
            wanted.setdefault(self.moment(row), []).append(self.key(row, user))
        for moment, keys in wanted.items():
            found = self.log.find(
                org=self.org, action=self.action, target=self.target, as_of=moment, users=keys
            )
            self._tried.update(((key, moment), entry) for key, entry in found.items())
            self._in_doubt.update((key, moment) for key, entry in found.items() if entry.is_in_doubt)
        return self._tried

    def delivered_before(self, rows: Iterable[Row]) -> dict[str, Entry]:
        """Return what was last delivered to Okta before each row's moment, by key."""
        found: dict[str, Entry] = {}
        for moment, keys in self._by_moment(rows).items():
            found.update(self._last(("push_risk",), keys, before=moment))
        return found

    def later_pushes(self, rows: Iterable[Row]) -> dict[str, Entry]:
        """Return the newest decision that speaks for a later moment than each row, by key."""
        found: dict[str, Entry] = {}
        for moment, keys in self._by_moment(rows).items():
            found.update(self._later(("push_risk",), keys, moment))
        return found

    def pushes_in_doubt(self, rows: Iterable[Row], delivered: Mapping[str, Entry]) -> dict[str, Entry]:
        """
        Return the last signal that may have reached Okta after the one that certainly did, by key.

        Its try was interrupted, or got no answer. An old change that was pushed late counts as well.

        :param delivered: what was last delivered before each row's moment.
        """
        moments = {row.key: self.moment(row) for row in rows}
        found: dict[str, Entry] = {}
        for entry in self.log.in_doubt(org=self.org, action="push_risk", target=self.target, users=moments):
            known, held = delivered.get(entry.user_key), found.get(entry.user_key)
            # In both orders: an old change that was pushed late may be the last that Okta heard.
            is_over = known is not None and (
                entry.as_of < known.as_of and entry.recorded_at < known.recorded_at
            )
            if is_over or entry.as_of > moments[entry.user_key]:
                continue
            if held is None or held.recorded_at < entry.recorded_at:
                found[entry.user_key] = entry
        return found

    def later_group_actions(self, decisions: Iterable[Decision]) -> dict[str, datetime]:
        """Return the newest later moment that anything was decided for each user of this group, by id."""
        wanted: dict[datetime, dict[str, str]] = {}
        for decision in decisions:
            user = decision.to_act_on
            if user is not None:
                # Who was not in the group was not looked up in Okta, so he stands there by one of his names.
                keys = dict.fromkeys((user.user_id, *names_of(decision.row, user)), user.user_id)
                wanted.setdefault(self.moment(decision.row), {}).update(keys)
        found: dict[str, datetime] = {}
        for moment, owners in wanted.items():
            for target in self.targets:
                for key, entry in self._later(GROUP_ACTIONS, owners, moment, target=target).items():
                    user_id = owners[key]
                    found[user_id] = max(entry.as_of, found.get(user_id, entry.as_of))
        return found

    def is_overtaken(self) -> bool:
        """Whether something was decided for this group as of a later moment than the run's."""
        moments = [
            self.log.newest_moment(
                org=self.org,
                action=self.action,
                target=target,
                dag_id=self.run.dag_id,
                task_id=self.run.task_id,
            )
            for target in self.targets
        ]
        return any(moment is not None and moment > self.run.as_of for moment in moments)

    def settle_interrupted(self, members: Collection[str]) -> None:
        """
        Write down what became of additions and removals whose answer is not known: the group shows it.

        Only while no other task acts on the group.

        :param members: Okta ids of the group's real members.
        """
        unfinished = self.log.unfinished(org=self.org, doing=GROUP_ACTIONS, target=self.target)
        gone = self.memberships().keys() - set(members)
        seen = [
            *unfinished,
            *self._group_actions_in_doubt(ADD, members),
            *self._group_actions_in_doubt(REMOVE, gone),
        ]
        settled = {}
        for entry in seen:
            if (entry.user_key in members) == (entry.action == ADD):
                self._recovered.add((entry.action, entry.user_key, entry.as_of))
                settled[entry.id] = msgspec.structs.replace(
                    entry, status="done", reason="recovered", message="", recorded_at=self._now()
                )
            else:
                settled[entry.id] = msgspec.structs.replace(
                    entry,
                    status="failed",
                    reason="interrupted",
                    message="the try was interrupted before it had an effect",
                    recorded_at=self._now(),
                )
        if settled:
            self.log.finish(list(settled.values()))

    def _group_actions_in_doubt(self, action: LogAction, users: Iterable[str]) -> list[Entry]:
        return self.log.in_doubt(org=self.org, action=action, target=self.target, users=users)

    def is_recovered(self, decision: Decision) -> bool:
        """Whether an interrupted try of this very action had its effect on the user."""
        user = decision.user
        return user is not None and (self.action, user.user_id, self.moment(decision.row)) in self._recovered

    def memberships(self) -> dict[str, Entry]:
        """Return the additions to this group that no later removal has ended, by Okta id."""
        return {
            user_id: entry
            for user_id, entry in self._last(GROUP_ACTIONS, None).items()
            if entry.action == "add_to_group"
        }

    def time_boxed(self, decisions: Iterable[Decision]) -> dict[str, Membership]:
        """
        Return the last membership of each user to act on, if it had an end and he has not recovered since.

        A user has recovered when a rule, and not the end of the time, took him out of the group, or would
        have if he had still been in it.

        :return: by Okta id.
        """
        names = {one.to_act_on.user_id: one.row.key for one in decisions if one.to_act_on is not None}
        added = self._last(("add_to_group",), names)
        boxed = {user_id: entry for user_id, entry in added.items() if entry.expires_at is not None}
        recovered_at = self._recoveries([*boxed, *(names[user_id] for user_id in boxed)])
        return {
            user_id: Membership(
                user=entry.user_name, expires_at=entry.expires_at, score_level=entry.score_level
            )
            for user_id, entry in boxed.items()
            # Who was not in the group was not looked up in Okta, so he stands there by his name.
            if not any(
                key in recovered_at and recovered_at[key] > entry.as_of for key in (user_id, names[user_id])
            )
        }

    def _recoveries(self, keys: Iterable[str]) -> dict[str, datetime]:
        """Return the last moment that a rule, and not the end of the time, released each user, by key."""
        keys, found = list(keys), dict[str, datetime]()
        for target in self.targets:
            for key, moment in self.log.last_releases(org=self.org, target=target, users=keys).items():
                found[key] = max(moment, found.get(key, moment))
        return found

    def population(self, rows: Sequence[Row]) -> tuple[int, str]:
        """
        Return how many users a change is measured against, and what they are, for people.

        They are the users that the sources of the rows had when they were last read; of rows without such a
        source, only the rows themselves are known.
        """
        sources = {row.source for row in rows if row.source}
        size = sum(self.log.size_of_source(source, not_after=self.run.as_of) for source in sources)
        return (size, "users of the source") if size >= len(rows) else (len(rows), "rows")

    def carried_out(self) -> CarriedOutBefore:
        """Return what this very task has carried out already, or may have."""
        run = self.run
        if not run.run_id:
            return CarriedOutBefore([], [])
        done = self.log.carried_out(
            org=self.org,
            action=self.action,
            target=self.target,
            dag_id=run.dag_id,
            run_id=run.run_id,
            task_id=run.task_id,
        )
        return CarriedOutBefore(
            [_change(entry) for entry in done if entry.map_index == run.map_index],
            [_change(entry) for entry in done if entry.map_index != run.map_index],
        )

    def users_before(self) -> dict[str, OktaUser]:
        """Return whom this very task has acted on already, or may have, by the name in the source."""
        if self._users_before is None:
            before = self.carried_out()
            self._users_before = {
                fold(change.user): OktaUser(user_id=change.user_id, login=change.login, email="", status="")
                for change in (*before.here, *before.elsewhere)
            }
        return self._users_before

    def _by_moment(self, rows: Iterable[Row]) -> dict[datetime, list[str]]:
        keys: dict[datetime, list[str]] = {}
        for row in rows:
            keys.setdefault(self.moment(row), []).append(row.key)
        return keys

    def _last(
        self, doing: Sequence[LogAction], keys: Iterable[str] | None, before: datetime | None = None
    ) -> dict[str, Entry]:
        return self.log.last_done(org=self.org, doing=doing, target=self.target, users=keys, before=before)

    def _later(
        self, doing: Sequence[LogAction], keys: Iterable[str], after: datetime, *, target: str | None = None
    ) -> dict[str, Entry]:
        return self.log.newest_decisions(
            org=self.org,
            doing=doing,
            target=self.target if target is None else target,
            users=keys,
            after=after,
            dag_id=self.run.dag_id,
        )

    # --- what is done now

    def started_at(self, row: Row, user: OktaUser) -> datetime:
        """Return when this action was first tried for a user; a moment with whole seconds, for ``iat``."""
        return self._tried[self.key(row, user), self.moment(row)].started_at

    def begin(self, decisions: Sequence[Decision]) -> None:
        """Write down, before the effects, what is going to be tried."""
        intents = [self._intent(decision) for decision in decisions]
        self.log.begin(intents)
        for intent in intents:
            self._tried.setdefault((intent.user_key, intent.as_of), intent)

    def finish(self, done: Sequence[tuple[Decision, Outcome]]) -> None:
        """Write down what became of it."""
        told = [one for one in done if not self._stays_in_doubt(*one)]
        # Where two names stand for one user, the name that was skipped must not hide what became of him.
        told.sort(key=lambda one: one[1].status != "skipped")
        if told:
            self.log.finish([self._entry(decision, outcome.status, outcome) for decision, outcome in told])

    def _stays_in_doubt(self, decision: Decision, outcome: Outcome) -> bool:
        """Whether an earlier try may have had the effect, and this one has done nothing to find out."""
        tried_again = outcome.status in ("done", "failed") and outcome.reason != "not_attempted"
        key = self.key(decision.row, decision.user), self.moment(decision.row)
        return not tried_again and key in self._in_doubt

    def _intent(self, decision: Decision) -> Entry:
        return self._entry(decision, "started")

    def _entry(self, decision: Decision, status: LogStatus, outcome: Outcome | None = None) -> Entry:
        row, user, now = decision.row, decision.user, self._now()
        said: Mapping[str, object] = {} if outcome is None else _said(outcome)
        entry = Entry(
            org=self.org,
            action=self.action,
            target=self.target,
            target_name=self.target_name,
            user_key=self.key(row, user),
            as_of=self.moment(row),
            user_name=row.user,
            user_id=user.user_id if user else outcome.user_id if outcome else "",
            login=user.login if user else "",
            started_at=now.replace(microsecond=0),
            recorded_at=now,
            dag_id=self.run.dag_id,
            run_id=self.run.run_id,
            task_id=self.run.task_id,
            map_index=self.run.map_index,
            try_number=self.run.try_number,
            source=row.source or "",
            rule=row.rule or "",
            score=row.score,
            score_level=row.score_level or "",
            risk_level=row.risk_level or "",
            previous_risk_level=row.previous_risk_level or "",
            status=status,
            expires_at=self.expires_at if status in ("started", "done") else None,
            approved_by=self.approved_by,
        )
        return msgspec.structs.replace(entry, **said)


def names_of(row: Row, user: OktaUser) -> frozenset[str]:
    """Return what a user is called, in lower case: in this row, and in others by login or e-mail address."""
    return frozenset((row.key, fold(user.login), fold(user.email))) - {""}


def _change(entry: Entry) -> Change:
    return Change(
        user=entry.user_name,
        user_id=entry.user_id,
        login=entry.login,
        score=entry.score,
        risk_level=_level(entry.risk_level),
        previous_risk_level=_level(entry.previous_risk_level),
    )


def _level(text: str) -> RiskLevel | None:
    level: RiskLevel | None = msgspec.convert(text or None, type=RiskLevel | None)
    return level


def _said(outcome: Outcome) -> dict[str, object]:
    return {
        "reason": outcome.reason,
        "message": outcome.message,
        "http_status": outcome.http_status,
        "request_id": outcome.request_id,
        "jti": outcome.jti,
    }
