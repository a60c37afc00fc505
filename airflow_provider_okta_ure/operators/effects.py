# SPDX-License-Identifier: Apache-2.0
"""Carrying out decisions on many users: a few at a time, one user's failure never stopping the rest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from airflow_provider_okta_ure.clients.okta_errors import NOT_IN_THIS_STATUS
from airflow_provider_okta_ure.core.matching import Decision, outcome_of
from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    GroupError,
    NotFoundError,
    NotRestoredError,
    OktaUreError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnexpectedFailureError,
)

Effect: TypeAlias = Callable[[Row, OktaUser], Outcome]
"""Does one thing to one user and says what became of it; raises an OktaUreError when it was refused."""

BATCH_PER_WORKER = 8

FAILURES_THAT_MEAN_AN_OUTAGE = 10
"""So many retryable failures one after the other, and the rest is left for the next try."""


def concerns_everybody(error: OktaUreError) -> bool:
    """
    Whether an error would meet every other user, too, so that going on is pointless.

    The catalogue knows it of Okta's refusals: the token, a missing scope or feature, the group, the
    registration as a transmitter.
    """
    if isinstance(error, (AuthenticationError, ConfigurationError, GroupError, RateLimitedError)):
        return True
    if isinstance(error, NotFoundError) and error.resource == "User":
        return False
    return isinstance(error, ApiError) and error.concerns_everybody


class CarriedOut:
    """
    The outcomes of carrying out decisions, in their order.

    :param decisions: what to do; settled ones keep their outcome.
    :param effect: what to do to each of the others.
    :param workers: how many at the same time.
    :param before: is told of some decisions before their effects are tried.
    :param after: is told what became of them.
    :param may_go_on: is asked before each batch; after a no, the rest is only ``planned``, as ``paused``.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        effect: Effect,
        *,
        workers: int,
        before: Callable[[Sequence[Decision]], None],
        after: Callable[[Sequence[tuple[Decision, Outcome]]], None],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._decisions = decisions
        self._effect = effect
        self._workers = workers
        self._before = before
        self._after = after
        self._may_go_on = may_go_on
        self._is_paused = False
        self._failures_in_a_row = 0
        self._lock = threading.Lock()
        self._refused_from_the_start: int | None = 0
        self.error: OktaUreError | None = None
        """What made going on pointless; the users behind it are ``failed`` as ``not_attempted``."""
        self.failures_by_reason: Counter[str] = Counter()
        """How many users failed, for each reason code."""
        self.topics: dict[str, str] = {}
        """The catalogue's topic of the first failure, for each reason code."""
        self.retryable = False
        """Whether another try may not meet one of the failures again."""
        self.retry_after: float | None = None
        """Seconds after which the service expects us again, as far as one of the failures says."""

    def __iter__(self) -> Iterator[Outcome]:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="okta") as pool:
            size = self._workers * BATCH_PER_WORKER
            for start in range(0, len(self._decisions), size):
                batch = self._decisions[start : start + size]
                if not self._is_given_up:
                    self._is_paused = self._is_paused or not self._may_go_on()
                if not (self._is_given_up or self._is_paused):
                    self._before(batch)
                outcomes = list(pool.map(self._settle, batch))
                if not self._is_paused:
                    self._after(list(zip(batch, outcomes, strict=True)))
                for outcome in outcomes:
                    self._count(outcome)
                    yield outcome

    @property
    def _is_given_up(self) -> bool:
        return self.error is not None or self._failures_in_a_row >= FAILURES_THAT_MEAN_AN_OUTAGE

    def _settle(self, decision: Decision) -> Outcome:
        if decision.outcome is not None:
            return decision.outcome
        user = decision.user
        if user is None:
            raise AssertionError("a decision without outcome has a user")  # a bug, not an input
        if self._is_paused:
            return outcome_of(decision.row, "planned", "paused", user=user)
        if self._is_given_up:
            return outcome_of(
                decision.row,
                "failed",
                "not_attempted",
                user=user,
                message="given up after the failures before",
                retryable=self.error is None or self.error.retryable,
            )
        try:
            return self._effect(decision.row, user)
        except OktaUreError as error:
            if isinstance(error, ApiError) and error.code == NOT_IN_THIS_STATUS:
                # Deprovisioned since the user was looked up: nobody can do anything about it.
                text = "the Okta user was deprovisioned in the meantime"
                return outcome_of(decision.row, "skipped", "user_deprovisioned", user=user, message=text)
            self._take_in(error)
            return _failure(decision.row, user, error)
        except Exception as error:  # noqa: BLE001  # a fault of ours, and nobody may stay half done
            return self._unexpected(decision.row, user, error)

    def _unexpected(self, row: Row, user: OktaUser, error: Exception) -> Outcome:
        """Return the outcome of an effect that ended in an exception of which nobody thought."""
        # Its words are not ours, so they stand in the traceback alone.
        ours = UnexpectedFailureError(f"{type(error).__name__} while {row.user} was acted on.")
        ours.__cause__ = error
        with self._lock:
            self.error = self.error or ours
        # Whether Okta was reached is not known, so that it stays in doubt until the next try looks.
        return _failure(row, user, ours)

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
            self.topics.setdefault(_reason_of(error), error.topic)

    def _count(self, outcome: Outcome) -> None:
        if outcome.status == "failed":
            self.failures_by_reason[outcome.reason] += 1
            self.retryable = self.retryable or outcome.retryable
        elif outcome.status == "done":
            self._refused_from_the_start = None
        if outcome.status == "failed" and outcome.retryable:
            self._failures_in_a_row += 1
        elif outcome.status in ("done", "failed"):
            self._failures_in_a_row = 0


def _failure(row: Row, user: OktaUser, error: OktaUreError) -> Outcome:
    return outcome_of(
        row,
        "failed",
        _reason_of(error),
        user=user,
        message=error.explanation,
        retryable=error.retryable,
        http_status=error.status if isinstance(error, ApiError) else None,
        request_id=error.request_id if isinstance(error, ApiError) else "",
    )


def _reason_of(error: OktaUreError) -> str:
    if isinstance(error, GroupError):
        return error.reason
    if isinstance(error, NotFoundError) and error.resource == "User":
        return "user_not_in_okta"
    reasons: dict[type[OktaUreError], str] = {
        AuthenticationError: "not_authenticated",
        NotRestoredError: "not_restored",
        PermissionDeniedError: "not_permitted",
        RateLimitedError: "rate_limited",
        ServerError: "server_error",
        TransportError: "no_answer",
    }
    return reasons.get(type(error), "refused" if isinstance(error, ApiError) else "error")
