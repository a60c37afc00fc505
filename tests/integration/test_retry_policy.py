"""How a failed task ends: decided by Airflow's own task runner, with and without its retry policies."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.api.datamodels._generated import TIRunContext
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time import task_runner

from airflow_provider_okta_ure.errors import (
    AuthenticationError,
    ConfigurationError,
    OktaUreError,
    OutcomeError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from airflow_provider_okta_ure.operators import retry_policy
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaSecurityEventsProviderOperator,
)
from airflow_provider_okta_ure.operators.retry_policy import LONGEST_DELAY, ServiceOperator, delay_after
from airflow_provider_okta_ure.operators.run import failing_for_good

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
with_policies = pytest.mark.skipif(
    not retry_policy.HAS_RETRY_POLICIES, reason="Airflow 3.2 has no retry policies"
)

LIMITED = RateLimitedError("Slow", retry_after=40, service="Okta")
BUSY = ServerError("Busy", service="Okta", status=503, retry_after=7)
MANY = OutcomeError("Most failed.", failed=9, retryable=True, retry_after=50)
PASSING = [LIMITED, BUSY, MANY]
SILENT = [TransportError("Cut."), ServerError("Broken", service="Okta", status=500)]
FOR_GOOD = [
    AuthenticationError("No", service="Okta", status=401),
    ConfigurationError("Wrong."),
    OutcomeError("All failed.", failed=9, retryable=False, retry_after=50),
]


class Failing(ServiceOperator):
    """Fails as it is told to, the way every operator of this package does."""

    def __init__(self, *, error: Exception, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def execute(self, context: Any) -> None:
        with failing_for_good():
            raise self.error


def end_of(task: BaseOperator, *, should_retry: bool = True) -> tuple[str, Any]:
    """Return the state and the message that Airflow's task runner ends a try with."""
    server = TIRunContext.model_validate(
        {
            "dag_run": {
                "dag_id": "d",
                "run_id": "r",
                "run_after": NOW,
                "start_date": NOW,
                "run_type": "manual",
                "state": "running",
                "consumed_asset_events": [],
                "logical_date": NOW,
                "data_interval_start": NOW,
                "data_interval_end": NOW,
                "end_date": None,
                "partition_key": None,
            },
            "max_tries": task.retries or 0,
            "should_retry": should_retry,
        }
    )
    ti = task_runner.RuntimeTaskInstance.model_construct(
        id=uuid4(), task_id=task.task_id, dag_id="d", run_id="r", try_number=1, map_index=-1,
        task=task, start_date=NOW, max_tries=task.retries or 0, _ti_context_from_server=server,
    )  # fmt: skip
    ti._ti_context_from_server = server
    context: Any = {"ti": ti, "task_instance": ti, "task": task}
    with (
        mock.patch.object(task_runner, "SUPERVISOR_COMMS", create=True),
        mock.patch.object(task_runner, "_prepare", return_value=None),
        mock.patch.object(task_runner, "_execute_task", lambda context, ti, log: ti.task.execute(context)),
        mock.patch.object(task_runner, "_render_map_index", return_value=None),
    ):
        state, message, _ = task_runner.run(ti, context, task_runner.log)
    return state.value, message


def failing(error: Exception, **arguments: Any) -> BaseOperator:
    with DAG("d", schedule=None, start_date=NOW):
        return Failing(task_id="t", error=error, retries=3, retry_delay=timedelta(minutes=10), **arguments)


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_what_another_try_cannot_mend_fails_at_once_whatever_retries_say(error: OktaUreError) -> None:
    state, _ = end_of(failing(error))
    assert state == "failed"


@pytest.mark.parametrize(
    "error", [*PASSING, *SILENT, KeyError("a bug")], ids=lambda error: type(error).__name__
)
def test_what_may_pass_is_left_to_airflows_retries(error: Exception) -> None:
    assert end_of(failing(error))[0] == "up_for_retry"
    assert end_of(failing(error), should_retry=False)[0] == "failed"


@with_policies
@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_the_next_try_comes_after_the_time_that_the_service_gave(error: OktaUreError) -> None:
    _, message = end_of(failing(error))
    assert error.retry_after
    assert message.retry_delay_seconds == error.retry_after + 1
    assert f"{error.retry_after:.0f} s" in message.retry_reason


@with_policies
@pytest.mark.parametrize("error", [*SILENT, KeyError("a bug")], ids=lambda error: type(error).__name__)
def test_without_such_a_time_the_tasks_own_delay_holds(error: Exception) -> None:
    _, message = end_of(failing(error))
    assert message.retry_delay_seconds is None


@with_policies
@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_the_policy_gives_no_try_beyond_retries(error: OktaUreError) -> None:
    state, message = end_of(failing(error), should_retry=False)
    assert state == "failed"
    assert not hasattr(message, "retry_delay_seconds")


@with_policies
def test_the_policy_serves_tasks_that_raise_our_errors_themselves() -> None:
    policy = retry_policy.OktaUreRetryPolicy()
    for error in FOR_GOOD:
        decision = policy.evaluate(error, 1, 3)
        assert decision.action.value == "fail"
        assert decision.reason == str(error)
    assert policy.evaluate(LIMITED, 1, 3).retry_delay == timedelta(seconds=41)
    assert policy.evaluate(ValueError("other"), 1, 3).action.value == "default"
    assert type(retry_policy.OktaUreRetryPolicy.deserialize(policy.serialize())) is type(policy)


@with_policies
def test_a_policy_of_the_user_stays() -> None:
    from airflow.sdk import ExceptionRetryPolicy

    own = ExceptionRetryPolicy(rules=[])
    assert failing(LIMITED, retry_policy=own).retry_policy is own
    with DAG("d", schedule=None, start_date=NOW, default_args={"retry_policy": own}):
        assert OktaAddToGroupOperator(task_id="a", rows=[], group_name="x").retry_policy is own


@with_policies
def test_a_mapped_task_has_the_policy_when_it_runs() -> None:
    with DAG("d", schedule=None, start_date=NOW):
        mapped = Failing.partial(task_id="t", retries=3).expand(error=[LIMITED])
    task = mapped.unmap({"error": LIMITED})
    assert isinstance(task.retry_policy, retry_policy.OktaUreRetryPolicy)


OPERATORS = [
    (NetskopeFetchScoresOperator, {}),
    (OktaAddToGroupOperator, {"rows": [], "group_name": "x"}),
    (OktaSecurityEventsProviderOperator, {}),
]


@with_policies
@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_operators_that_call_a_service_have_the_policy(operator: Any, arguments: Any) -> None:
    assert isinstance(operator(task_id="t", **arguments).retry_policy, retry_policy.OktaUreRetryPolicy)


@pytest.mark.skipif(retry_policy.HAS_RETRY_POLICIES, reason="for Airflow 3.2")
@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_on_airflow_3_2_operators_are_as_they_were(operator: Any, arguments: Any) -> None:
    assert not hasattr(operator(task_id="t", **arguments), "retry_policy")


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        pytest.param(LIMITED, timedelta(seconds=41), id="limit"),
        pytest.param(RateLimitedError("Slow", retry_after=0, service="Okta"), None, id="no-time"),
        pytest.param(RateLimitedError("Slow", retry_after=1e12, service="Okta"), LONGEST_DELAY, id="absurd"),
        pytest.param(FOR_GOOD[2], None, id="for-good"),
        pytest.param(KeyError(), None, id="not-ours"),
    ],
)
def test_the_delay_is_the_services_own_and_never_absurd(
    error: BaseException, delay: timedelta | None
) -> None:
    assert delay_after(error) == delay


def test_the_reason_of_a_task_that_failed_for_good_is_the_whole_message() -> None:
    with pytest.raises(AirflowFailException) as caught, failing_for_good():
        raise FOR_GOOD[0]
    assert str(caught.value) == str(FOR_GOOD[0])
    assert str(caught.value).endswith("More: `airflow okta-ure explain okta-api-token`")
    assert caught.value.__cause__ is FOR_GOOD[0]
