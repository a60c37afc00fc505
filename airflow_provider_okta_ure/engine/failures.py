# SPDX-License-Identifier: Apache-2.0
"""What an error of a call means for the user it met, and for all others."""

from __future__ import annotations

from airflow_provider_okta_ure.core.models import Outcome
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
)

_REASONS: dict[type[OktaUreError], str] = {
    AuthenticationError: "not_authenticated",
    NotRestoredError: "not_restored",
    PermissionDeniedError: "not_permitted",
    RateLimitedError: "rate_limited",
    ServerError: "server_error",
    TransportError: "no_answer",
}


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


def failed(error: OktaUreError) -> Outcome:
    """Return the outcome of a user whom an error met."""
    return Outcome(
        status="failed",
        reason=reason_of(error),
        message=error.explanation,
        retryable=error.retryable,
        http_status=error.status if isinstance(error, ApiError) else None,
        request_id=error.request_id if isinstance(error, ApiError) else "",
    )


def reason_of(error: OktaUreError) -> str:
    """Return the reason code of an error."""
    if isinstance(error, GroupError):
        return error.reason
    if isinstance(error, NotFoundError) and error.resource == "User":
        return "user_not_in_okta"
    return _REASONS.get(type(error), "refused" if isinstance(error, ApiError) else "error")
