# SPDX-License-Identifier: Apache-2.0
"""One action on one target as the action log knows it: what was done before, and what this task does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry, LogAction, LogStatus
from airflow_provider_okta_ure.action_log.plans import PlanRecord, write_plan
from airflow_provider_okta_ure.core.history import Membership, Step
from airflow_provider_okta_ure.core.holding import NOT_OURS
from airflow_provider_okta_ure.core.judgement import ChangedToday, Parts
from airflow_provider_okta_ure.core.models import RiskLevel
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plans import Change, PlanInOrg
from airflow_provider_okta_ure.core.reverting import run_reverted

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.holding import Hold, OnBehalf
    from airflow_provider_okta_ure.core.matching import Decision
    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Row
    from airflow_provider_okta_ure.operators.identity import RunIdentity

ADD: LogAction = "add_to_group"
REMOVE: LogAction = "remove_from_group"
PUSH: LogAction = "push_risk"
GROUP_ACTIONS: tuple[LogAction, ...] = (ADD, REMOVE)

USERS_OF_SOURCE = "users of the source"
"""What a part is measured against when the source's size is known."""

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


class Turns:
    """
    What a task keeps for itself, so that no other task acts on the same meanwhile.

    :param log: the action log, which keeps the locks.
    """

    def __init__(self, log: ActionLog) -> None:
        self._log = log
        self._held: set[str] = set()
        self._locks = ExitStack()

    def take(self, name: str) -> None:
        """
        Wait until no other task keeps this; what is kept already is kept on.

        :raises LockedError: another task kept it for too long.
        """
        if name not in self._held:
            self._locks.enter_context(self._log.lock(name))
            self._held.add(name)

    def close(self) -> None:
        """Let the others take their turn."""
        self._held.clear()
        self._locks.close()


class Journal:
    """
    Reads and writes the action log for one task.

    :param log: the action log.
    :param run: whose task it is.
    :param org: the Okta org's URL.
    :param action: what is done.
    :param turns: what the task keeps for itself, if it does several things one after the other.
    :param now: the clock on the wall, for the record, and for which day the limits of a day are.
    """

    def __init__(
        self,
        log: ActionLog,
        run: RunIdentity,
        *,
        org: str,
        action: Action,
        turns: Turns | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.log = log
        self.run = run
        self.org = org
        self.action = action
        self.approved_by = ""
        """Who approved what is done from here on."""
        self._now = now or _now
        self.target = ""
        self.target_name = ""
        self.expires_at: datetime | None = None
        self.on_behalf: OnBehalf | None = None
        self._tried: dict[tuple[str, datetime], Entry] = {}
        self._in_doubt: set[tuple[str, datetime]] = set()
        self._recovered: set[tuple[LogAction, str, datetime]] = set()
        self._revisions: dict[tuple[str, datetime], int] = {}
        self._memberships: dict[str, Entry] | None = None
        self._scores: dict[str, int] | None = None
        self._turns = turns or Turns(log)
        self._has_claim = False

    def take_turn(self, what: str) -> None:
        """
        Wait until no other task acts on the same, and keep it for this one until :meth:`close`.

        :param what: two tasks that say the same take turns; to say it twice is no harm.
        :raises LockedError: another task kept it for too long.
        """
        self._turns.take(f"{self.org} {what}")

    def close(self) -> None:
        """Let the others take their turn."""
        try:
            self.end_claim()
        finally:
            self._turns.close()

    def end_claim(self) -> None:
        """Say that this task is over: what it has changed stands in the log, and it changes nobody else."""
        if self._has_claim:
            self._has_claim = False
            self.log.end_claim(task=self.run.task, before=self._midnight())

    def aim(self, target: str, target_name: str = "") -> None:
        """Name the group, or the issuer, that everything from here on is about."""
        self.target, self.target_name = target, target_name
        self._memberships = None

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

        A person is their Okta id, whatever they are called; who was not looked up, or is not in Okta, stands
        there by name.
        """
        return user.user_id if user is not None else row.key

    # --- what was before

    def load(self, decisions: Iterable[Decision]) -> None:
        """Read what is known of this very action, for the same time, on the users of decisions."""
        wanted: dict[datetime, list[str]] = {}
        for one in decisions:
            wanted.setdefault(self.moment(one.row), []).append(self.key(one.row, one.user))
        for moment, keys in wanted.items():
            found = self.log.find(
                org=self.org, action=self.action, target=self.target, as_of=moment, users=keys
            )
            self._tried.update(((key, moment), entry) for key, entry in found.items())
            self._in_doubt.update((key, moment) for key, entry in found.items() if entry.is_in_doubt)

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
                not_by_run=self.run.run_id,
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
                    entry,
                    status="done",
                    # Whose membership it is has to be known also when the task was killed.
                    reason=NOT_OURS if entry.reason == NOT_OURS else "recovered",
                    message="",
                    recorded_at=self._now(),
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
            self._memberships = None

    def _group_actions_in_doubt(self, action: LogAction, users: Iterable[str]) -> list[Entry]:
        return self.log.in_doubt(org=self.org, action=action, target=self.target, users=users)

    def is_recovered(self, decision: Decision) -> bool:
        """Whether an interrupted try of this very action had its effect on the user."""
        user = decision.user
        return user is not None and (self.action, user.user_id, self.moment(decision.row)) in self._recovered

    def memberships(self) -> dict[str, Entry]:
        """Return the additions to this group that no later removal has ended, by Okta id."""
        if self._memberships is None:
            self._memberships = {
                user_id: entry
                for user_id, entry in self._last(GROUP_ACTIONS, None).items()
                if entry.action == "add_to_group" and entry.reason != NOT_OURS
            }
        return self._memberships

    def scores_of_run(self) -> dict[str, int]:
        """Return the lowest score of each name that this DAG run has read, by :attr:`Row.key`."""
        if self._scores is None:
            run = self.run
            self._scores = (
                self.log.least_safe_scores(dag_id=run.dag_id, run_id=run.run_id) if run.run_id else {}
            )
        return self._scores

    def holds(self) -> dict[str, list[Hold]]:
        """Return which DAG's tasks hold which membership of this group, by Okta id."""
        return self.log.holds_on(org=self.org, target=self.target)

    def group_known_as(self, name: str) -> str | None:
        """Return the id of the group that a name stood for the last time."""
        key = fold(name)
        return self.log.ids_of_names(org=self.org, kind="group", known_as=[key]).get(key)

    def remember_group(self, name: str, group_id: str) -> None:
        """Remember which group a name stands for."""
        if name and self.group_known_as(name) != group_id:
            self.log.remember_group(org=self.org, name=name, group_id=group_id, now=self._now())

    def time_boxed(self, decisions: Iterable[Decision]) -> dict[str, Membership]:
        """
        Return the last membership that this DAG gave each user to act on, if it had an end.

        Who has recovered since is left out.

        A user has recovered when a rule, and not the end of the time, removed them from the group, or would
        have if they had still been in it.

        :return: by Okta id.
        """
        names = {one.to_act_on.user_id: one.row.key for one in decisions if one.to_act_on is not None}
        added = self._last(("add_to_group",), names, dag_id=self.run.dag_id)
        boxed = {user_id: entry for user_id, entry in added.items() if entry.expires_at is not None}
        recovered_at = self._recoveries([*boxed, *(names[user_id] for user_id in boxed)])
        return {
            user_id: Membership(
                user=entry.user_name, expires_at=entry.expires_at, score_level=entry.score_level
            )
            for user_id, entry in boxed.items()
            # Who was not in the group was not looked up in Okta, so they stand there by name.
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

    def population(self, decisions: Sequence[Decision]) -> tuple[int, str]:
        """
        Return how many users a change is measured against, and what they are, for people.

        They are the users that the sources of the rows had when they were last read, however many rows there
        are; of rows without such a source, only the people themselves are known, each once. Rows about nobody
        in Okta make no limit larger.
        """
        sources = {one.row.source for one in decisions if one.row.source}
        size = sum(self.log.size_of_source(source, not_after=self.run.as_of) for source in sources)
        if size:
            return size, USERS_OF_SOURCE
        return len({one.user.user_id for one in decisions if one.user is not None}), "users in the rows"

    def parts(self, task: object) -> Parts:
        """
        Return what is known of the other parts of a mapped task.

        :param task: the task instance, which can tell how many there are.
        """
        count = _count_parts(task, self.run)
        if count < 2:
            return Parts()
        of_task = {"dag_id": self.run.dag_id, "run_id": self.run.run_id, "task_id": self.run.task_id}
        planned = self.log.planned_elsewhere(map_index=self.run.map_index, **of_task)
        return Parts(
            count=count,
            are_known=len(self.log.parts_that_ran(**of_task) - {self.run.map_index}) >= count - 1,
            planned=frozenset(planned),
        )

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

    def changed_today(self) -> ChangedToday:
        """Return who was changed in this org since midnight UTC, or is about to be, by any task."""
        run = self.run
        return ChangedToday.of(
            self.log.changed_since(org=self.org, since=self._midnight(), task=run.task, try_id=run.try_id)
        )

    def claim(self, people: Collection[str]) -> None:
        """Write whom this task is about to change, so that others that plan now count them."""
        if self.run.dag_id and people:
            self._has_claim = True
            self.log.claim(
                org=self.org, task=self.run.task, try_id=self.run.try_id, people=people, now=self._now()
            )

    def _midnight(self) -> datetime:
        return self._now().replace(hour=0, minute=0, second=0, microsecond=0)

    def done_since(self, moment: datetime) -> set[str]:
        """
        Return the Okta ids of the users for whom this task, any part of it, has done this since a moment.

        A group that was deleted since is known by its name; a signal that Okta's System Log does not have is
        not done.
        """
        run, name = self.run, fold(self.target_name)
        entries = self.log.carried_out(
            org=self.org,
            action=self.action,
            target=None,
            dag_id=run.dag_id,
            run_id=run.run_id,
            task_id=run.task_id,
        )
        return {
            one.user_id
            for one in entries
            if one.is_delivered
            and one.recorded_at >= moment
            and (one.target in self.targets or fold(one.target_name) == name)
        }

    def write_plan(self, planned: PlanInOrg) -> None:
        """Write down what the task plans; what it planned in an earlier try is not planned any more."""
        record = PlanRecord.of(
            self.run.task,
            planned,
            try_id=self.run.try_id,
            made_at=self._now(),
            triggered_by=self.run.triggered_by,
        )
        with self.log.database.writing() as connection:
            write_plan(connection, record)

    def forget_plan(self) -> None:
        """Delete what earlier tries of this task planned and were refused: it is not planned any more."""
        self.log.forget_plan(self.run.task)

    def not_reverted(self) -> Step:
        """Return the step that does nothing again of what was reverted of this very run."""
        run = self.run
        records = self.log.reverts_of(dag_id=run.dag_id, run_id=run.run_id) if run.run_id else []

        def who(decision: Decision) -> str:
            key = self.key(decision.row, decision.user)
            found = (one for one in records if one.org == self.org and one.is_about(self.action, key))
            return next((f"the run {one.by_run_id} of {one.by_dag_id}" for one in found), "")

        return run_reverted(who)

    def _last(
        self, doing: Sequence[LogAction], keys: Iterable[str] | None, *, dag_id: str | None = None
    ) -> dict[str, Entry]:
        return self.log.last_done(org=self.org, doing=doing, target=self.target, users=keys, dag_id=dag_id)

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

    def first_tried_at(self, row: Row, user: OktaUser) -> datetime:
        """Return when this action was first tried for a user; in whole seconds, for ``iat``."""
        return self._tried[self.key(row, user), self.moment(row)].started_at

    def revision(self, row: Row, user: OktaUser | None) -> int:
        """Return which revision of this action for this time is being carried out on a user."""
        return self._revisions.get((self.key(row, user), self.moment(row)), 0)

    def begin(self, decisions: Sequence[Decision]) -> None:
        """Write down, before the effects, what is going to be tried."""
        for decision in decisions:
            self._count_revision(decision)
        intents = [self._entry(decision, "started") for decision in decisions]
        self.log.begin(intents, self.on_behalf)
        for intent in intents:
            key = intent.user_key, intent.as_of
            last = self._tried.get(key)
            if last is None or last.revision != intent.revision or not _may_have_arrived(last):
                self._tried[key] = intent

    def _count_revision(self, decision: Decision) -> None:
        """
        Begin a new revision where the last one is over, and this effect is another.

        The level was corrected, a signal did not arrive, or somebody else has undone what was done: what was
        done stays on record, and the new effect is recorded beside it.
        """
        key = self.key(decision.row, decision.user), self.moment(decision.row)
        last = self._tried.get(key)
        if last is None:
            return
        is_another = last.status == "done" or (
            last.is_in_doubt and self.action == PUSH and last.risk_level != (decision.row.risk_level or "")
        )
        self._revisions[key] = last.revision + (1 if is_another else 0)

    def finish(self, done: Sequence[tuple[Decision, Outcome]]) -> None:
        """Write down what became of it."""
        told = [one for one in done if not self._stays_in_doubt(*one)]
        # Where two names stand for one user, the name that was skipped must not hide what became of him.
        told.sort(key=lambda one: one[1].status != "skipped")
        if told:
            entries = [self._entry(decision, outcome.status, outcome) for decision, outcome in told]
            self.log.finish(entries, self.on_behalf)

    def plan_only(self, planned: Sequence[tuple[Decision, Outcome]]) -> None:
        """Write down what would be done; it changes nothing that was done or decided."""
        if planned:
            self.log.finish([self._entry(decision, "planned", outcome) for decision, outcome in planned])

    def _stays_in_doubt(self, decision: Decision, outcome: Outcome) -> bool:
        """Whether an earlier try may have had the effect, and this one has done nothing to find out."""
        tried_again = outcome.status in ("done", "failed") and outcome.reason != "not_attempted"
        key = self.key(decision.row, decision.user), self.moment(decision.row)
        return not tried_again and key in self._in_doubt

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
            revision=self.revision(row, user),
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
            rule=row.rule_text,
            score=row.score,
            score_level=row.score_level or "",
            risk_level=row.risk_level or "",
            previous_risk_level=row.previous_risk_level or "",
            status=status,
            expires_at=self.expires_at if self._begins_hold(status, outcome) else None,
            approved_by=self.approved_by,
        )
        entry = msgspec.structs.replace(entry, **said)
        if self.on_behalf and status in ("started", "done") and entry.user_id in self.on_behalf.not_ours:
            return msgspec.structs.replace(entry, reason=NOT_OURS)
        return entry

    def _begins_hold(self, status: LogStatus, outcome: Outcome | None) -> bool:
        is_member = outcome is not None and outcome.reason == "already_member"
        return self.action == ADD and (status in ("started", "done") or is_member)


def _may_have_arrived(entry: Entry) -> bool:
    return entry.status == "done" or entry.is_in_doubt


def _count_parts(task: object, run: RunIdentity) -> int:
    """Return how many parts a task is mapped to; 1 = it is not mapped, or Airflow does not tell."""
    count = getattr(task, "get_ti_count", None)
    if run.map_index < 0 or count is None:
        return 1
    found: int = count(dag_id=run.dag_id, task_ids=[run.task_id], run_ids=[run.run_id])
    return found


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
