# SPDX-License-Identifier: Apache-2.0
"""Carries decisions out: a few users at a time, one user's failure never stopping the rest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from airflow_provider_okta_ure.clients.okta_errors import NOT_IN_THIS_STATUS
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.engine.failures import concerns_everybody, failed, reason_of
from airflow_provider_okta_ure.engine.recorder import NOT_ATTEMPTED, WAITS, Attempt
from airflow_provider_okta_ure.errors import (
    ApiError,
    OktaUreError,
    PermissionDeniedError,
    UnexpectedFailureError,
    WindowUsedUpError,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.engine.recorder import Recorder

BATCH_PER_WORKER = 8

FAILURES_THAT_MEAN_AN_OUTAGE = 10
"""So many retryable failures one after the other, and the rest is left for the next try."""

NO_ATTEMPT = Attempt(datetime.fromtimestamp(0, tz=timezone.utc), 0)


class Effect(Protocol):
    """Does one thing to one user, and returns how it ended; raises an OktaUreError when it was refused."""

    def __call__(self, decision: Decision, attempt: Attempt, /) -> Outcome: ...


class Execution:
    """
    The carrying out of decisions that are not settled; iterating it does the work.

    :param decisions: what to do.
    :param effect: what to do to each user.
    :param workers: how many at the same time.
    :param recorder: records each batch before its effects and after them.
    :param may_go_on: is asked before each batch; after a no, the rest is only ``planned``, as ``paused``.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        effect: Effect,
        *,
        workers: int,
        recorder: Recorder | Unrecorded,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._decisions = decisions
        self._effect = effect
        self._workers = workers
        self._recorder = recorder
        self._may_go_on = may_go_on
        self._is_paused = False
        self._failures_in_a_row = 0
        self._lock = threading.Lock()
        self._refused_from_the_start: int | None = 0
        self.error: OktaUreError | None = None
        """What made going on pointless; the users behind it are ``failed`` as ``not_attempted``."""
        self.wait: WindowUsedUpError | None = None
        """What has to be waited for before the rest can be done."""
        self.failures_by_reason: Counter[str] = Counter()
        """How many users failed, for each reason code."""
        self.topics: dict[str, str] = {}
        """The catalogue's topic of the first failure, for each reason code."""
        self.retryable = False
        """Whether another try may not meet one of the failures again."""
        self.retry_after: float | None = None
        """Seconds after which the service expects us again, as far as one of the failures says."""

    def __iter__(self) -> Iterator[Decision]:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="okta") as pool:
            size = self._workers * BATCH_PER_WORKER
            for start in range(0, len(self._decisions), size):
                batch = self._decisions[start : start + size]
                if not self._is_stopped:
                    self._is_paused = not self._may_go_on()
                for one in self._carry_out_batch(batch, pool):
                    self._count(one)
                    yield one

    def _carry_out_batch(self, batch: Sequence[Decision], pool: ThreadPoolExecutor) -> list[Decision]:
        if not self._is_stopped:
            attempts = self._recorder.begin(batch)
            ended = list(pool.map(self._carry_out, batch, attempts))
            self._recorder.finish(ended)
            return ended
        ended = [one.settled(self._left()) for one in batch]
        if self._is_given_up:
            # Who only waits, or is only planned, has no record of this try.
            self._recorder.finish(ended)
        return ended

    @property
    def is_whole(self) -> bool:
        """Whether the action was tried for everybody."""
        return not self._is_stopped

    @property
    def _is_stopped(self) -> bool:
        return self._is_paused or self.wait is not None or self._is_given_up

    @property
    def _is_given_up(self) -> bool:
        return self.error is not None or self._failures_in_a_row >= FAILURES_THAT_MEAN_AN_OUTAGE

    def _left(self) -> Outcome:
        """Return the outcome of a user for whom nothing is sent."""
        if self._is_given_up:
            return Outcome(
                status="failed",
                reason=NOT_ATTEMPTED,
                message="given up after the failures before",
                retryable=self.error is None or self.error.retryable,
            )
        if self.wait is not None:
            return Outcome(status="failed", reason=WAITS, message="waits for the rate limit", retryable=True)
        return Outcome(status="planned", reason="paused")

    def _carry_out(self, decision: Decision, attempt: Attempt) -> Decision:
        return decision.settled(self._left() if self._is_stopped else self._attempt(decision, attempt))

    def _attempt(self, decision: Decision, attempt: Attempt) -> Outcome:
        try:
            return self._effect(decision, attempt)
        except WindowUsedUpError as error:
            with self._lock:
                self.wait = self.wait or error
            return self._left()
        except OktaUreError as error:
            if isinstance(error, ApiError) and error.code == NOT_IN_THIS_STATUS:
                # Deprovisioned since the user was looked up: nobody can do anything about it.
                text = "the Okta user was deprovisioned in the meantime"
                return Outcome(status="skipped", reason="user_deprovisioned", message=text)
            self._take_in(error)
            return failed(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours, and nobody may stay half done
            return self._unexpected(decision, error)

    def _unexpected(self, decision: Decision, error: Exception) -> Outcome:
        """Return the outcome of an effect that ended in an exception of which nobody thought."""
        # Its words are not ours, so they stand in the traceback alone.
        ours = UnexpectedFailureError(f"{type(error).__name__} while {decision.row.user} was acted on.")
        ours.__cause__ = error
        with self._lock:
            self.error = self.error or ours
        # Whether Okta was reached is not known, so that it stays in doubt until the next try looks.
        return failed(ours)

    def _take_in(self, error: OktaUreError) -> None:
        with self._lock:
            if concerns_everybody(error):
                self.error = self.error or error
            if isinstance(error, PermissionDeniedError) and self._refused_from_the_start is not None:
                self._refused_from_the_start += 1
                if self._refused_from_the_start >= self._workers * BATCH_PER_WORKER:
                    # So many, and not one who may be changed: it is the token or the org, not the users.
                    self.error = self.error or error
            if error.retryable and error.retry_after:
                self.retry_after = max(self.retry_after or 0.0, error.retry_after)
            self.topics.setdefault(reason_of(error), error.topic)

    def _count(self, decision: Decision) -> None:
        outcome = decision.outcome
        if outcome is None or outcome.reason == WAITS:
            return
        if outcome.status == "failed":
            self.failures_by_reason[outcome.reason] += 1
            self.retryable = self.retryable or outcome.retryable
        elif outcome.status == "done":
            self._refused_from_the_start = None
        if outcome.status == "failed" and outcome.retryable:
            self._failures_in_a_row += 1
        elif outcome.status in ("done", "failed"):
            self._failures_in_a_row = 0


class Unrecorded:
    """Records nothing: for a preview, which only looks."""

    def begin(self, decisions: Sequence[Decision]) -> list[Attempt]:
        """Return attempts that nobody counts."""
        return [NO_ATTEMPT] * len(decisions)

    def finish(self, decisions: Sequence[Decision]) -> None:
        """Record nothing."""
