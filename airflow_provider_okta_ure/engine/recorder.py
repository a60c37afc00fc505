# SPDX-License-Identifier: Apache-2.0
"""Writes into the action log what one task tries, does and decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.core.holding import NOT_OURS
from airflow_provider_okta_ure.engine.facts.tries import user_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction, LogStatus
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.holding import OnBehalf
    from airflow_provider_okta_ure.engine.facts.tries import Key, Tries
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


NOT_ATTEMPTED = "not_attempted"
WAITS = "waits_for_rate_limit"
NOT_SENT = (NOT_ATTEMPTED, WAITS)
"""Reasons of users for whom this try sent nothing: after the failures before, or until the next window."""


class Attempt(NamedTuple):
    """
    One try of an action on a user.

    :param started_at: when this effect was first tried, in whole seconds; the ``iat`` of a risk signal.
    :param revision: which effect for the same time it is, counted from 0.
    """

    started_at: datetime
    revision: int


class Recorder:
    """
    The record of one action on one target, by one task.

    :param tries: earlier tries of the same action.
    :param approved_by: who approved what is done.
    :param expires_at: when memberships that begin end; None = when the user recovers.
    :param on_behalf: whose holds change, if not those of the task's own DAG.
    """

    def __init__(
        self,
        session: Session,
        action: LogAction,
        target: Target,
        tries: Tries,
        *,
        approved_by: str = "",
        expires_at: datetime | None = None,
        on_behalf: OnBehalf | None = None,
    ) -> None:
        self._session = session
        self._action = action
        self._target = target
        self._tries = tries
        self._approved_by = approved_by
        self._expires_at = expires_at
        self._on_behalf = on_behalf
        self._attempts: dict[Key, Attempt] = {}

    def begin(self, decisions: Sequence[Decision]) -> list[Attempt]:
        """Record, before the effects, what is going to be tried; return the attempt for each decision."""
        now = self._session.now()
        attempts = [self._attempt(one, now) for one in decisions]
        self._attempts.update(
            (self._tries.key(one), attempt) for one, attempt in zip(decisions, attempts, strict=True)
        )
        intents = [self._entry(one, "started", now) for one in decisions]
        self._session.log.begin(intents, self._on_behalf, _addresses(decisions))
        return attempts

    def finish(self, decisions: Sequence[Decision]) -> None:
        """Record how decisions ended."""
        known = [one for one in decisions if not self._stays_in_doubt(one)]
        # Where two names stand for one user, the name that was skipped must not hide how the other ended.
        known.sort(key=lambda one: one.outcome is None or one.outcome.status != "skipped")
        if known:
            now = self._session.now()
            entries = [self._entry(one, one.outcome.status, now) for one in known if one.outcome]
            self._session.log.finish(entries, self._on_behalf, _addresses(known))

    def plan(self, decisions: Sequence[Decision]) -> None:
        """Record what would be done; it changes nothing that was done or decided."""
        if decisions:
            now = self._session.now()
            self._session.log.finish([self._entry(one, "planned", now) for one in decisions])

    def _attempt(self, decision: Decision, now: datetime) -> Attempt:
        """
        Return the attempt: a new revision where the last one is over, and this effect is another.

        The level was corrected, a signal did not arrive, or somebody else has undone what was done: what was
        done stays on record, and the new effect is recorded beside it.
        """
        last, started_at = self._tries.last(decision), now.replace(microsecond=0)
        if last is None:
            return Attempt(started_at, 0)
        is_another = last.status == "done" or (
            last.is_in_doubt
            and self._action == "push_risk"
            and last.risk_level != (decision.row.risk_level or "")
        )
        if is_another:
            return Attempt(started_at, last.revision + 1)
        # One that may have arrived is sent again as it was, byte for byte.
        return Attempt(last.started_at if last.is_in_doubt else started_at, last.revision)

    def _stays_in_doubt(self, decision: Decision) -> bool:
        """Whether an earlier try may have had the effect, and this one has done nothing to find out."""
        outcome, last = decision.outcome, self._tries.last(decision)
        if outcome is None or last is None or not last.is_in_doubt:
            return False
        return outcome.status not in ("done", "failed") or outcome.reason in NOT_SENT

    def _entry(self, decision: Decision, status: LogStatus, now: datetime) -> Entry:
        row, user, outcome, run = decision.row, decision.user, decision.outcome, self._session.run
        attempt = self._attempts.get(self._tries.key(decision))
        revision = attempt.revision if attempt is not None else 0
        entry = Entry(
            org=self._session.org,
            action=self._action,
            target=self._target.key,
            target_name=self._target.name,
            user_key=user_key(decision),
            as_of=self._tries.time_of(row),
            revision=revision,
            user_name=row.user,
            user_id=decision.user_id,
            login=user.login if user is not None else "",
            started_at=now.replace(microsecond=0),
            recorded_at=now,
            dag_id=run.dag_id,
            run_id=run.run_id,
            task_id=run.task_id,
            map_index=run.map_index,
            try_number=run.try_number,
            source=row.source or "",
            rule=row.rule_text,
            score=row.score,
            score_level=row.score_level or "",
            risk_level=row.risk_level or "",
            previous_risk_level=row.previous_risk_level or "",
            status=status,
            expires_at=self._expires_at if self._begins_hold(decision, status) else None,
            approved_by=self._approved_by,
        )
        if outcome is not None and status != "started":
            entry = msgspec.structs.replace(entry, **_what_came_of_it(decision))
        if self._on_behalf and status in ("started", "done") and entry.user_id in self._on_behalf.not_ours:
            return msgspec.structs.replace(entry, reason=NOT_OURS)
        return entry

    def _begins_hold(self, decision: Decision, status: LogStatus) -> bool:
        outcome = decision.outcome
        is_member = outcome is not None and outcome.reason == "already_member"
        return self._action == "add_to_group" and (status in ("started", "done") or is_member)


def _what_came_of_it(decision: Decision) -> Mapping[str, object]:
    outcome = decision.outcome
    if outcome is None:
        return {}
    return {
        "reason": outcome.reason,
        "message": outcome.message,
        "http_status": outcome.http_status,
        "request_id": outcome.request_id,
        "jti": outcome.jti,
    }


def _addresses(decisions: Sequence[Decision]) -> dict[str, str]:
    """Return the e-mail addresses of the users, by Okta id: a source can know them by either name."""
    return {one.user.user_id: one.user.email for one in decisions if one.user is not None and one.user.email}
