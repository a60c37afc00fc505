"""Carrying out decisions: one user's failure is his own, and what it tells about the others is not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row
from airflow_provider_okta_ure.engine.executor import Execution, Unrecorded
from airflow_provider_okta_ure.engine.failures import concerns_everybody
from airflow_provider_okta_ure.errors import (
    InvalidRequestError,
    NotFoundError,
    OktaUreError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.engine.recorder import Attempt

DECISIONS = [
    Decision(
        row=Row(user=f"u{index}"),
        user=OktaUser(user_id=str(index), login=f"u{index}", email="", status="ACTIVE"),
    )
    for index in range(80)
]


def carried_out(error_of: Callable[[int], OktaUreError | None]) -> tuple[Execution, list[Outcome]]:
    def effect(decision: Decision, _: Attempt) -> Outcome:
        error = error_of(int(decision.user.user_id)) if decision.user is not None else None
        if error is not None:
            raise error
        return Outcome(status="done")

    act = Execution(DECISIONS, effect, workers=4, recorder=Unrecorded())
    return act, [one.outcome for one in act if one.outcome is not None]


def busy(seconds: float | None) -> OktaUreError:
    return ServerError("Busy", service="Okta", status=503, retry_after=seconds)


def refused() -> OktaUreError:
    return PermissionDeniedError("No", service="Okta", status=403, code="E0000006")


def test_the_longest_time_that_a_failure_names_is_kept() -> None:
    act, _ = carried_out(lambda index: {5: busy(20), 30: busy(70), 60: busy(None)}.get(index))
    assert (act.retry_after, act.retryable, act.error) == (70, True, None)
    assert act.failures_by_reason == {"server_error": 3}


def test_a_time_named_by_a_failure_that_is_for_good_is_not_waited_for() -> None:
    for_good = InvalidRequestError("No", service="Okta", status=400, retry_after=60)
    act, _ = carried_out(lambda index: for_good if index == 5 else None)
    assert (act.retry_after, act.retryable) == (None, False)


def test_a_used_up_limit_ends_the_work_and_keeps_its_time() -> None:
    limit = RateLimitedError("Slow", retry_after=55, service="Okta")
    act, outcomes = carried_out(lambda index: limit if index == 40 else None)
    assert act.error is limit
    assert act.retry_after == 55
    assert sum(one.status == "done" for one in outcomes) < 80


def test_refusals_of_everybody_from_the_start_are_about_the_credential() -> None:
    act, outcomes = carried_out(lambda index: refused())
    assert isinstance(act.error, PermissionDeniedError)
    assert act.failures_by_reason == {"not_permitted": 32, "not_attempted": 48}
    assert outcomes[0].message == act.error.explanation
    assert "More:" not in outcomes[0].message


def test_refusals_of_many_after_one_success_are_about_the_users() -> None:
    act, _ = carried_out(lambda index: None if index == 31 else refused())
    assert act.error is None
    assert act.failures_by_reason == {"not_permitted": 79}
    assert act.topics == {"not_permitted": "okta-not-permitted"}


@pytest.mark.parametrize(
    ("error", "everybody"),
    [
        (NotFoundError("No", service="Okta", status=404, code="E0000007", resource="User"), False),
        (NotFoundError("No", service="Okta", status=404, topic="okta-wrong-host"), True),
        (
            NotFoundError("No", service="Okta", status=404, topic="group-not-found", resource="UserGroup"),
            True,
        ),
        (PermissionDeniedError("No", service="Okta", status=403), False),
        (PermissionDeniedError("No", service="Okta", status=403, topic="okta-scope"), True),
        (PermissionDeniedError("No", service="Okta", status=401, code="E0000015"), True),
        (InvalidRequestError("No", service="Okta", status=400, topic="set-invalid-key"), True),
        (InvalidRequestError("No", service="Okta", status=400, topic="set-invalid-request"), False),
        (ServerError("No", service="Okta", status=500), False),
    ],
)
def test_the_catalogue_knows_which_refusals_concern_everybody(error: OktaUreError, everybody: bool) -> None:
    assert concerns_everybody(error) is everybody
