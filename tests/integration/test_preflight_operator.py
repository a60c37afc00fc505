"""OktaPreflightOperator: the report in XCom, and a task that fails in the way that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.errors import PreflightError
from airflow_provider_okta_ure.operators.okta import OktaPreflightOperator
from tests.integration.conftest import context_of
from tests.integration.preflight_support import GROUP, state_of
from tests.integration.preflight_support import one_sandbox as one_sandbox
from tests.integration.preflight_support import world as world

if TYPE_CHECKING:
    from tests.integration.preflight_support import World


def run(world: World, context: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    world.store()
    given: dict[str, Any] = {"group_name": GROUP, **arguments}
    operator = OktaPreflightOperator(task_id="check", **given)
    return operator.execute(context or context_of())  # type: ignore[arg-type]  # what it asks of a context


def test_all_is_well_and_the_report_is_plain_json(world):
    report = run(world)
    assert report["status"] == "ok"
    assert report["counts"]["problem"] == 0
    assert {"name", "status", "message", "remedy", "retryable", "topic"} == set(report["checks"][0])


def test_trouble_for_good_fails_without_retries_and_leaves_the_report(world):
    world.okta["password"] = "wrong-token-0000"
    context = context_of()
    with pytest.raises(AirflowFailException, match=r"okta\.credentials"):
        run(world, context)
    left = context["ti"].pushed["report"]
    assert left["status"] == "problem"
    assert any(one["name"] == "netskope.users" and one["status"] == "ok" for one in left["checks"])


def test_trouble_that_may_pass_leaves_retries_to_airflow(world):
    world.sandbox.fail_next(service="okta", status=503, times=50)
    with pytest.raises(PreflightError) as caught:
        run(world)
    assert caught.value.retryable


def test_a_warning_fails_only_when_asked_to(world):
    world.sandbox.fail_next(service="okta", status=403, times=50, path_prefix="/api/v1/logs")
    assert run(world)["status"] == "warning"
    with pytest.raises(AirflowFailException, match=r"okta\.system_log"):
        run(world, fail_on_warning="true")


def test_a_dag_that_confirms_its_signals_needs_the_system_log(world):
    world.sandbox.fail_next(service="okta", status=403, times=50, path_prefix="/api/v1/logs")
    with pytest.raises(AirflowFailException, match=r"okta\.system_log"):
        run(world, confirm="True", actions="groups, push")


def test_rendered_texts_are_understood(world):
    world.sandbox.okta.providers.clear()
    report = run(
        world,
        actions="groups, push",
        group_name="New one",
        create_group="True",
        ensure_provider="True",
        check_jwks="False",
        users="100",
        max_minutes="5",
        netskope_conn_id="",
    )
    assert report["status"] == "ok"
    checks = {one["name"]: one["status"] for one in report["checks"]}
    assert checks["signing.jwks"] == "skipped"
    assert "netskope.users" not in checks


def test_a_rendered_false_is_no_true(world):
    world.sandbox.okta.providers.clear()
    with pytest.raises(AirflowFailException, match=r"okta\.registration"):
        run(world, ensure_provider="False")
    with pytest.raises(AirflowFailException, match=r"okta\.group"):
        run(world, group_name="New one", create_group="False", ensure_provider="True")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"actions": "grups"}, "groups", id="actions"),
        pytest.param({"users": "many"}, "users", id="users"),
        pytest.param({"users": "1.5"}, "users", id="half-a-user"),
        pytest.param({"strategy": "guess"}, "series", id="strategy"),
        pytest.param({"group_id": "00g1"}, "exactly one", id="two-groups"),
        pytest.param({"create_group": "perhaps"}, "create_group", id="flag"),
    ],
)
def test_a_wrong_argument_fails_for_good_and_is_named(world, wrong, says):
    with pytest.raises(AirflowFailException, match=says):
        run(world, **wrong)
    assert world.sandbox.requests == []


def test_the_operator_writes_nothing(world):
    before = state_of(world.sandbox)
    run(world, group_name="New one", create_group=True, ensure_provider=True)
    assert state_of(world.sandbox) == before
