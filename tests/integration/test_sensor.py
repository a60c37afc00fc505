"""The sensor and its trigger against the sandbox, with signals that the real operator pushed."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_okta_ure.delivery.watch import Watch
from airflow_provider_okta_ure.engine import session
from airflow_provider_okta_ure.errors import DeliveryError, ServerError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import OktaPushRiskOperator
from airflow_provider_okta_ure.operators.retry_policy import HAS_RETRY_POLICIES
from airflow_provider_okta_ure.sensors.okta import OktaRiskEventSensor
from airflow_provider_okta_ure.triggers.okta import OktaRiskEventTrigger
from tests.integration.conftest import NOW, FakeTaskInstance, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

LOGS = "/api/v1/logs"
TRIGGER = "airflow_provider_okta_ure.triggers.okta"


def context(run: str = "r1", at: Any = NOW) -> dict[str, Any]:
    task = FakeTaskInstance()
    for name, value in {"dag_id": "d", "run_id": run, "task_id": "t"}.items():
        setattr(task, name, value)
    return {**context_of(at), "ti": task}


def push(*names: str, run: str = "r1", at: Any = NOW, **more: Any) -> dict[str, Any]:
    rows = [
        {"user": name, "score": 100, "risk_level": "high", "previous_risk_level": "none"} for name in names
    ]
    operator = OktaPushRiskOperator(task_id="push", rows=rows, ensure_provider=True, **more)
    report: dict[str, Any] = operator.execute(context(run, at))  # type: ignore[arg-type]  # a small context
    return report


def sensor(**arguments: Any) -> Any:
    return OktaRiskEventSensor(task_id="confirm", **{"deferrable": False, **arguments})


def confirm(run: str = "r1", **arguments: Any) -> dict[str, Any]:
    result: dict[str, Any] = sensor(**arguments).execute(context(run))
    return result


def ignore_signals(okta: Sandbox, *logins: str) -> None:
    """Make Okta accept signals about these users with 202 and ignore them: it does not know the subject."""
    for login in logins:
        user = okta.okta.find_user(login)
        assert user is not None
        okta.okta.change_user(user.id, status="DEPROVISIONED")


@pytest.fixture(autouse=True)
def _virtual_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody tell the time by the sandbox's clock, and let waiting move it."""
    okta: Sandbox = request.getfixturevalue("okta")
    monkeypatch.setattr(session, "utc_now", okta.clock.now)
    monkeypatch.setitem(Watch.__init__.__kwdefaults__ or {}, "now", okta.clock.now)

    async def pass_time(seconds: float) -> None:
        okta.clock.advance(seconds)

    monkeypatch.setattr(
        "airflow.sdk.bases.sensor.time",
        SimpleNamespace(sleep=okta.clock.advance, monotonic=okta.clock.timestamp),
    )
    monkeypatch.setattr(f"{TRIGGER}.time", SimpleNamespace(monotonic=okta.clock.timestamp))
    monkeypatch.setattr(f"{TRIGGER}.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": pass_time}))


@pytest.fixture
def people(okta: Sandbox) -> list[str]:
    names = [f"p{number}@new.example" for number in range(6)]
    for name in names:
        okta.okta.add_user(login=name)
    return names


def entries(run: str = "r1") -> dict[str, str]:
    log = open_action_log()
    found: dict[str, str] = {one.login: one.confirmation for one in log.pushed_in_run(dag_id="d", run_id=run)}
    log.close()
    return found


def unseen(okta: Sandbox, *logins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Okta accept the signals about these users with 202, and ignore them."""
    from airflow_provider_okta_ure.sandbox.okta.security_events import SecurityEventRoutes

    original = SecurityEventRoutes._subject

    def subject(self: Any, event: dict[str, Any]) -> Any:
        user, why_not = original(self, event)
        return (None, "ignored by the test") if user is not None and user.login in logins else (user, why_not)

    monkeypatch.setattr(SecurityEventRoutes, "_subject", subject)


def test_every_signal_that_the_operator_pushed_is_confirmed(okta, people):
    push(*people)
    okta.clear_requests()
    result = confirm()
    assert result == {
        "total": 6,
        "counts": {"confirmed": 6, "missing": 0},
        "reasons": {},
        "missing": [],
    }
    assert set(entries().values()) == {"confirmed"}
    assert [one.path for one in okta.requests_to("okta")] == [LOGS]


@pytest.mark.parametrize("what", ["nothing", "dry", "another-run"])
def test_nothing_pushed_is_success_at_once_without_a_call(okta, people, what):
    if what == "dry":
        push(*people, dry_run=True)
    if what == "another-run":
        push(*people, run="another")
    okta.clear_requests()
    assert confirm(deferrable=True)["total"] == 0
    assert okta.requests_to("okta") == []


def test_a_signal_that_okta_ignored_fails_the_task_and_is_named_with_the_reason(okta, people, monkeypatch):
    unseen(okta, people[2], monkeypatch=monkeypatch)
    push(*people)
    given = context()
    with pytest.raises(
        DeliveryError, match=r"1 of 6 .*not_in_log: p2@new.example: .*explain signals-missing`"
    ) as caught:
        sensor().execute(given)
    assert caught.value.retryable
    report = given["ti"].pushed["report"]
    assert report["counts"] == {"confirmed": 5, "missing": 1}
    assert report["reasons"] == {"missing:not_in_log": 1}
    assert report["missing"][0]["user"] == people[2]
    assert report["missing"][0]["jti"]
    assert entries()[people[2]] == "missing"
    assert sorted(entries().values()) == ["confirmed"] * 5 + ["missing"]


def test_what_time_cannot_mend_fails_for_good(okta, people, monkeypatch):
    unseen(okta, people[2], monkeypatch=monkeypatch)
    push(*people)
    ignore_signals(okta, people[2])
    with pytest.raises(AirflowFailException, match="user_deprovisioned"):
        confirm()


@pytest.mark.parametrize(
    ("fail_on", "fails"),
    [
        pytest.param(1, True, id="one"),
        pytest.param("2", False, id="two"),
        pytest.param("10%", True, id="a-tenth"),
        pytest.param("50%", False, id="half"),
        pytest.param("never", False, id="never"),
    ],
)
def test_how_many_missing_signals_fail_the_task_can_be_said(okta, people, monkeypatch, fail_on, fails):
    unseen(okta, people[0], monkeypatch=monkeypatch)
    push(*people)
    if fails:
        with pytest.raises(DeliveryError):
            confirm(fail_on_missing=fail_on)
    else:
        assert confirm(fail_on_missing=fail_on)["counts"] == {"confirmed": 5, "missing": 1}


def test_soft_fail_skips_instead(okta, people, monkeypatch):
    unseen(okta, people[0], monkeypatch=monkeypatch)
    push(*people)
    with pytest.raises(AirflowSkipException, match="1 of 6"):
        confirm(soft_fail=True)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("fail_on_missing", "some"), ("within", "soon"), ("within", ""), ("match_issuer", "maybe")],
)
def test_a_wrong_argument_is_named_and_fails_for_good(okta, people, argument, value):
    with pytest.raises(AirflowFailException, match=argument):
        confirm(**{argument: value})


@pytest.mark.parametrize("how", ["masked", "hashed"])
def test_names_are_hidden_where_the_setting_says_so(okta, people, monkeypatch, how):
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", how)
    unseen(okta, people[0], monkeypatch=monkeypatch)
    push(*people)
    given = context()
    with pytest.raises(DeliveryError) as caught:
        sensor().execute(given)
    assert people[0] not in json.dumps(given["ti"].pushed) + str(caught.value)


def test_an_event_that_is_late_is_waited_for(okta, people):
    okta.options.log_delay_seconds = 50
    push(*people)
    okta.clear_requests()
    assert confirm()["counts"] == {"confirmed": 6, "missing": 0}
    assert len(okta.requests_to("okta")) == 5  # now, and after 15, 30, 45 and 60 seconds


def test_an_event_that_is_too_late_is_missing_and_a_retry_finds_it(okta, people):
    okta.options.log_delay_seconds = 900
    push(*people)
    with pytest.raises(DeliveryError):
        confirm(within="2m")
    okta.clock.advance(900)
    assert confirm(within="2m")["counts"] == {"confirmed": 6, "missing": 0}


def test_airflows_own_timeout_ends_it_without_a_result(okta, people, monkeypatch):
    okta.options.log_delay_seconds = 900
    push(*people)
    with pytest.raises(AirflowSensorTimeout):
        confirm(timeout=30)


def test_in_reschedule_mode_each_process_goes_on_with_what_is_missing(okta, people):
    okta.options.log_delay_seconds = 20
    push(*people)
    given = context()
    given["ti"].get_first_reschedule_date = lambda context: None
    with pytest.raises(AirflowRescheduleException):
        sensor(mode="reschedule").execute(given)
    okta.clock.advance(30)
    assert sensor(mode="reschedule").execute(given)["counts"] == {"confirmed": 6, "missing": 0}


def test_the_operator_killed_after_okta_took_the_signal_and_tried_again_is_confirmed(okta, people):
    """The answer of the first try got lost; the second sent the same bytes, which Okta ignored."""
    okta.fail_next(service="okta", kind="lost_answer", path_prefix="/security/", times=1)
    push(*people)
    assert len(okta.okta.ignored_events) == 1
    assert confirm()["counts"] == {"confirmed": 6, "missing": 0}


def test_two_runs_are_confirmed_each_by_its_own_events(okta, people, monkeypatch):
    push(*people, run="r1")
    okta.clock.advance(10)
    unseen(okta, people[1], monkeypatch=monkeypatch)
    push(*people, run="r2", at=NOW + timedelta(hours=1), only_changes=False)
    assert confirm("r1")["counts"] == {"confirmed": 6, "missing": 0}
    assert confirm("r2", fail_on_missing="never")["counts"] == {"confirmed": 5, "missing": 1}


# --- deferred


def deferred(given: dict[str, Any], **arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        sensor(deferrable=True, **arguments).execute(given)
    return caught.value


def events_of(trigger: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def rebuilt(trigger: Any) -> Any:
    """Return the trigger as the triggerer makes it, from what Airflow has stored."""
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(**arguments)


def test_deferred_it_waits_in_the_triggerer_and_looks_for_itself_at_the_end(okta, people):
    okta.options.log_delay_seconds = 40
    push(*people)
    given = context()
    waiting = deferred(given)
    assert isinstance(waiting.trigger, OktaRiskEventTrigger)
    assert events_of(rebuilt(waiting.trigger)) == [{"status": "over"}]
    okta.clear_requests()
    result = sensor(deferrable=True).execute_complete(given, {"status": "over"})
    assert result["counts"] == {"confirmed": 6, "missing": 0}
    # The trigger has written everything into the action log, so nothing has to be asked again.
    assert okta.requests_to("okta") == []


def test_what_is_there_at_once_needs_no_triggerer(okta, people):
    push(*people)
    assert confirm(deferrable=True)["counts"] == {"confirmed": 6, "missing": 0}


def test_what_airflow_stores_of_the_trigger_holds_neither_secret_nor_name(okta, people, signing_key):
    okta.options.log_delay_seconds = 40
    push(*people)
    stored = json.dumps(deferred(context(), okta_conn_id="okta_default").trigger.serialize())
    assert "okta_default" in stored
    for secret in (okta.okta_token, *people, signing_key.pem.splitlines()[1]):
        assert secret not in stored


def test_a_trigger_that_ends_in_the_middle_is_started_anew(okta, people):
    """The triggerer restarts after the first look: nothing is lost, nothing is confirmed twice."""
    okta.options.log_delay_seconds = 40
    push(*people)
    given = context()
    trigger = deferred(given).trigger

    async def one_look() -> None:
        running = rebuilt(trigger).run()
        task = asyncio.ensure_future(anext(running))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(one_look())
    okta.clock.advance(60)
    assert events_of(rebuilt(trigger)) == [{"status": "over"}]
    assert set(entries().values()) == {"confirmed"}


def test_two_triggerers_at_once_do_no_harm(okta, people):
    okta.options.log_delay_seconds = 40
    push(*people)
    trigger = deferred(context()).trigger
    assert events_of(rebuilt(trigger)) == events_of(rebuilt(trigger)) == [{"status": "over"}]
    assert set(entries().values()) == {"confirmed"}


def test_a_trigger_ends_when_the_time_is_over(okta, people, monkeypatch):
    unseen(okta, people[0], monkeypatch=monkeypatch)
    push(*people)
    given = context()
    assert events_of(rebuilt(deferred(given).trigger)) == [{"status": "over"}]
    with pytest.raises(DeliveryError, match="1 of 6"):
        sensor(deferrable=True).execute_complete(given, {"status": "over"})


def test_a_trigger_outlives_an_outage_of_okta(okta, people, no_patience):
    okta.options.log_delay_seconds = 40
    push(*people)
    trigger = rebuilt(deferred(context()).trigger)
    okta.fail_next(service="okta", status=503, path_prefix=LOGS, times=3)
    assert events_of(trigger) == [{"status": "over"}]
    assert set(entries().values()) == {"confirmed"}


def test_a_trigger_that_cannot_look_hands_the_waiting_back_to_the_task(okta, people, connect, no_patience):
    okta.options.log_delay_seconds = 40
    push(*people)
    given = context()
    trigger = rebuilt(deferred(given).trigger)
    okta.fail_next(service="okta", status=401, path_prefix=LOGS, times=1)
    (event,) = events_of(trigger)
    assert event["status"] == "trouble"
    assert "explain okta-api-token`" in event["message"]
    result = sensor(deferrable=True).execute_complete(given, event)
    assert result["counts"] == {"confirmed": 6, "missing": 0}


def test_an_outage_during_a_look_of_the_task_is_left_to_its_retries(okta, people, no_patience):
    push(*people)
    okta.fail_next(service="okta", status=503, path_prefix=LOGS, times=1)
    with pytest.raises(ServerError):
        confirm()
    assert confirm()["counts"] == {"confirmed": 6, "missing": 0}


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client of the log give up at the first refusal."""
    from airflow_provider_okta_ure.clients.retries import RetryPolicy

    monkeypatch.setattr("airflow_provider_okta_ure.clients.http.RetryPolicy", lambda: RetryPolicy(attempts=1))


@pytest.mark.parametrize(("configured", "expected"), [("True", True), ("False", False)])
def test_whether_it_defers_is_airflows_setting_by_default(monkeypatch, configured, expected):
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", configured)
    assert OktaRiskEventSensor(task_id="t").deferrable is expected
    assert OktaRiskEventSensor(task_id="t", deferrable=not expected).deferrable is not expected


def test_its_defaults_are_those_of_waiting_for_oktas_log():
    made = OktaRiskEventSensor(task_id="t")
    assert made.poke_interval == 15
    assert bool(getattr(made, "retry_policy", None)) is HAS_RETRY_POLICIES


def test_a_service_app_needs_the_scope_of_the_log_and_no_other(
    okta: Sandbox, people: list[str], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the scopes that only tell the reason, the reason is general, and the result is the same."""
    unseen(okta, people[0], monkeypatch=monkeypatch)
    push(*people)
    connect(
        "app",
        conn_type="okta",
        host=okta.okta_url,
        login=okta.okta_client_id,
        extra={
            "auth_method": "private_key_jwt",
            "client_private_key": okta.okta_client_private_key,
            "scopes": "okta.logs.read",
        },
    )
    result = confirm(okta_conn_id="app", fail_on_missing="never")
    assert result["counts"] == {"confirmed": 5, "missing": 1}
    assert result["reasons"] == {"missing:not_in_log": 1}
