# SPDX-License-Identifier: Apache-2.0
"""When Airflow tries a failed task again: after the time that the service gave, and never in vain."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.operators.plain_log import PlainLogMixin

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError:  # Airflow 3.2 has no retry policies: `retries` and `retry_delay` alone decide
    HAS_RETRY_POLICIES = False
else:
    HAS_RETRY_POLICIES = True

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_DELAY = timedelta(days=1)
"""What Airflow allows a task's own `retry_delay` to grow to."""


def delay_after(error: BaseException) -> timedelta | None:
    """
    Return how long to wait before a failed task is tried again; None = as long as the task says.

    A little longer than the service said, because it counts in whole seconds; at most a day.
    """
    seconds = getattr(error, "retry_after", None)
    if not isinstance(error, OktaUreError) or not error.retryable or not seconds:
        return None
    return min(timedelta(seconds=float(seconds) + 1), LONGEST_DELAY)


if HAS_RETRY_POLICIES:

    class OktaUreRetryPolicy(RetryPolicy):
        """
        Try a task again when the service said that it may help, and fail it at once when nothing can.

        Every operator of this package that calls a service has it unless it is given another one. It also
        works for tasks of your own that use the hooks. It never goes beyond the task's ``retries``.
        """

        def evaluate(
            self,
            exception: BaseException,
            try_number: int,
            max_tries: int,
            context: Context | None = None,
        ) -> RetryDecision:
            if not isinstance(exception, OktaUreError):
                return RetryDecision.default()
            if not exception.retryable:
                return RetryDecision.fail(reason=str(exception))
            delay = delay_after(exception)
            if delay is None:
                return RetryDecision.default()
            return RetryDecision.retry(
                delay=delay,
                reason=f"{type(exception).__name__}: the service expects us again in "
                f"{exception.retry_after:.0f} s.",
            )

        def serialize(self) -> dict[str, Any]:
            return {}

        @classmethod
        def deserialize(cls, data: dict[str, Any]) -> OktaUreRetryPolicy:
            return cls()


class ServiceOperator(PlainLogMixin, BaseOperator):
    """
    Call a service; when it asks for patience, Airflow tries the task again after the time it gave.

    On Airflow 3.2, which has no retry policies, after the task's own ``retry_delay``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Afterwards, so that a policy of the DAG's default_args is seen and stays.
        if HAS_RETRY_POLICIES and self.retry_policy is None:
            self.retry_policy = OktaUreRetryPolicy()
