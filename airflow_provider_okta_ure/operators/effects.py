# SPDX-License-Identifier: Apache-2.0
"""Carrying out decisions on many users: a few at a time, one user's failure never stopping the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from airflow_provider_okta_ure.core.matching import Decision, outcome_of
from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    GroupError,
    NotFoundError,
    OktaUreError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
)

Effect: TypeAlias = Callable[[Row, OktaUser], Outcome]
"""Does one thing to one user and says what became of it; raises an OktaUreError when it was refused."""

BATCH_PER_WORKER = 8

FAILURES_THAT_MEAN_AN_OUTAGE = 10
"""So many retryable failures one after the other, and the rest is left for the next try."""

# What Okta says of a security event when the trouble is the transmitter, not the user (RFC 8935 section 2.4).
_TRANSMITTER_REFUSED = ("invalid_issuer", "invalid_audience", "invalid_key", "authentication_failed")


def concerns_everybody(error: OktaUreError) -> bool:
    """Whether an error would meet every other user, too, so that going on is pointless."""
    if isinstance(error, (AuthenticationError, ConfigurationError, GroupError, RateLimitedError)):
        return True
    if isinstance(error, NotFoundError):
        return error.resource == "UserGroup"
    return isinstance(error, ApiError) and error.code in _TRANSMITTER_REFUSED


class CarriedOut:
    """
    The outcomes of carrying out decisions, in their order.

    :param decisions: what to do; settled ones keep their outcome.
    :param effect: what to do to each of the others.
    :param workers: how many at the same time.
    """

    def __init__(self, decisions: Sequence[Decision], effect: Effect, *, workers: int) -> None:
        self._decisions = decisions
        self._effect = effect
        self._workers = workers
        self._failures_in_a_row = 0
        self.error: OktaUreError | None = None
        """What made going on pointless; the users behind it are ``failed`` as ``not_attempted``."""

    def __iter__(self) -> Iterator[Outcome]:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="okta") as pool:
            size = self._workers * BATCH_PER_WORKER
            for start in range(0, len(self._decisions), size):
                batch = self._decisions[start : start + size]
                for outcome in list(pool.map(self._settle, batch)):
                    self._count(outcome)
                    yield outcome

    def _settle(self, decision: Decision) -> Outcome:
        if decision.outcome is not None:
            return decision.outcome
        user = decision.user
        if user is None:
            raise AssertionError("a decision without outcome has a user")  # a bug, not an input
        if self.error is not None or self._failures_in_a_row >= FAILURES_THAT_MEAN_AN_OUTAGE:
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
            if concerns_everybody(error):
                self.error = self.error or error
            return _failure(decision.row, user, error)

    def _count(self, outcome: Outcome) -> None:
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
        message=str(error),
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
        PermissionDeniedError: "not_permitted",
        RateLimitedError: "rate_limited",
        ServerError: "server_error",
        TransportError: "no_answer",
    }
    return reasons.get(type(error), "refused" if isinstance(error, ApiError) else "error")
