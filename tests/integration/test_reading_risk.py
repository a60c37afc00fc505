"""Reading many users' risk: in parallel, in batches, and no further than makes sense."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_okta_ure.core.models import OktaUser, UserRisk
from airflow_provider_okta_ure.engine.facts.user_risks import read_risks
from airflow_provider_okta_ure.errors import (
    ApiError,
    OktaUreError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)

LOW = UserRisk(level="low")
USERS = [
    OktaUser(user_id=f"00u{index}", login=f"u{index}", email="", status="ACTIVE") for index in range(100)
]


class FakeClient:
    """Answers as it is told to, and counts the calls."""

    def __init__(self, answer: Callable[[int], UserRisk | OktaUreError]) -> None:
        self.answer = answer
        self.calls = 0
        self._lock = threading.Lock()

    def describe_user_risk(self, user_id: str) -> UserRisk:
        with self._lock:
            self.calls += 1
        found = self.answer(int(user_id[3:]))
        if isinstance(found, OktaUreError):
            raise found
        return found


def read(answer: Callable[[int], UserRisk | OktaUreError], workers: int = 4) -> tuple[FakeClient, Any]:
    client = FakeClient(answer)
    try:
        return client, read_risks(client, USERS, workers=workers)  # type: ignore[arg-type]  # all that is called
    except OktaUreError as error:
        return client, error


def refused(code: str = "E0000006", *, topic: str = "okta-risk-not-permitted") -> ApiError:
    return PermissionDeniedError("No", service="Okta", status=403, code=code, topic=topic)


def disturbed() -> ApiError:
    return ServerError("Broken", service="Okta", status=503, retry_after=30)


def test_everybody_is_read_once() -> None:
    client, readings = read(lambda index: LOW)
    assert readings == {user.user_id: LOW for user in USERS}
    assert client.calls == len(USERS)


def test_nobody_is_read_when_there_is_nobody() -> None:
    client = FakeClient(lambda index: LOW)
    assert read_risks(client, [], workers=4) == {}  # type: ignore[arg-type]  # all that is called
    assert client.calls == 0


def test_as_many_at_a_time_as_there_are_workers() -> None:
    meeting = threading.Barrier(5, timeout=10)

    def answer(index: int) -> UserRisk:
        meeting.wait()  # breaks unless five readings are under way together
        return LOW

    _, readings = read(answer, workers=5)
    assert len(readings) == len(USERS)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(refused("E0000015", topic="okta-risk-unavailable"), id="no-licence"),
        pytest.param(refused(topic="okta-scope"), id="no-scope"),
        pytest.param(RateLimitedError("Slow", retry_after=40, service="Okta"), id="rate-limit"),
    ],
)
def test_what_concerns_everybody_ends_the_reading_after_one_batch(error: OktaUreError) -> None:
    client, found = read(lambda index: error if index == 20 else LOW)
    assert found is error
    assert client.calls == 32


def test_a_role_that_covers_nobody_ends_the_reading_and_one_that_covers_some_does_not() -> None:
    client, found = read(lambda index: refused())
    assert isinstance(found, PermissionDeniedError)
    assert client.calls == 32
    client, readings = read(lambda index: LOW if index == 31 else refused())
    assert client.calls == len(USERS)
    assert sum(isinstance(one, PermissionDeniedError) for one in readings.values()) == 99


def test_a_disturbed_okta_is_left_alone_and_the_time_it_gave_is_kept() -> None:
    client, found = read(lambda index: disturbed() if index >= 40 else LOW)
    assert isinstance(found, ServerError)
    assert (found.retryable, found.retry_after) == (True, 30)
    assert client.calls == 64


def test_some_users_that_cannot_be_read_do_not_cost_the_others() -> None:
    _, readings = read(lambda index: disturbed() if index % 12 == 0 else LOW)
    assert sum(isinstance(one, ServerError) for one in readings.values()) == 9
    assert sum(one == LOW for one in readings.values()) == 91
