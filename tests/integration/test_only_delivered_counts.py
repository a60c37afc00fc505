"""Who has to be told a level, and from which: only what was delivered to Okta counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.engine import session
from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import OktaPushRiskOperator
from tests.integration.conftest import CLOCK
from tests.integration.exchange import Exchange, day

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    return Exchange(okta)


def refused(exchange: Exchange, number: int, rows: dict[str, int], **arguments: Any) -> None:
    """Push and see the task fail."""
    with pytest.raises(Exception, match=r".") as caught:
        exchange.push(number, rows, **arguments)
    assert isinstance(caught.value, OktaUreError) or caught.type.__name__ == "AirflowFailException"


def deny_signals(exchange: Exchange, status: int) -> None:
    exchange.sandbox.fail_next(
        service="okta", kind="status", status=status, times=50, path_prefix="/security/api/v1/security-events"
    )


def nobody_confirms() -> None:
    """Let the proof of delivery find none of the signals so far."""
    log = open_action_log()
    found = [one for one in log.iterate(Filter(action=["push_risk"])) if one.status == "done"]
    log.confirm([Found(entry_id=one.id or 0, confirmation="missing") for one in found])
    log.close()


def test_somebody_at_risk_for_days_is_told_by_the_first_run(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    assert exchange.told("ann") == [("none", "high")]


def test_a_level_that_was_delivered_is_not_sent_again_and_its_change_is_sent_from_it(
    exchange: Exchange,
) -> None:
    exchange.user("ann")
    for number, score in ((1, 100), (2, 200), (3, 700), (4, 720), (5, 900)):
        exchange.push(number, {"ann": score})
    assert exchange.told("ann") == [("none", "high"), ("high", "medium"), ("medium", "low")]


@pytest.mark.parametrize("status", [400, 401, 403, 429])
def test_a_refused_signal_is_sent_by_the_next_run(exchange: Exchange, status: int) -> None:
    exchange.user("ann")
    exchange.push(0, {"ann": 900})
    deny_signals(exchange, status)
    refused(exchange, 1, {"ann": 100})
    exchange.sandbox.clear_faults()
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "low"), ("low", "high")]


@pytest.mark.parametrize("arguments", [{"dry_run": True}, {"history": "record"}, {"max_changes": 0}])
def test_what_was_planned_recorded_or_too_much_is_sent_by_the_next_run(
    exchange: Exchange, arguments: dict[str, Any]
) -> None:
    exchange.user("ann")
    if "max_changes" in arguments:
        refused(exchange, 1, {"ann": 100}, **arguments)
    else:
        exchange.push(1, {"ann": 100}, **arguments)
    assert exchange.told("ann") == []
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "high")]


def test_a_signal_that_the_system_log_does_not_have_is_sent_again(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    nobody_confirms()
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "high"), ("none", "high")]
    ids = [one["claims"]["jti"] for one in exchange.sandbox.okta.accepted_events]
    assert len(set(ids)) == 2


def test_it_is_sent_again_by_a_cleared_run_too_under_an_id_of_its_own(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    nobody_confirms()
    exchange.push(1, {"ann": 100}, try_number=2)
    assert len(exchange.told("ann")) == 2


def test_a_level_that_may_have_arrived_after_the_one_that_did_is_corrected(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 900})
    exchange.sandbox.fail_next(
        service="okta", kind="lost_answer", times=50, path_prefix="/security/api/v1/security-events"
    )
    refused(exchange, 2, {"ann": 100})
    exchange.sandbox.clear_faults()
    exchange.push(3, {"ann": 900}, only_known=True)
    assert exchange.told("ann")[-1] == ("high", "low")


def test_after_three_times_it_is_a_failure_that_somebody_sees(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.user("bob")
    for number in (1, 2, 3):
        exchange.push(number, {"ann": 100})
        nobody_confirms()
    refused(exchange, 4, {"ann": 100, "bob": 100})
    assert len(exchange.told("ann")) == 3
    assert exchange.told("bob") == [("none", "high")]
    # The cause was fixed.
    exchange.push(5, {"ann": 100}, most_unconfirmed=4)
    assert len(exchange.told("ann")) == 4


def test_a_signal_that_was_confirmed_is_not_sent_again(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    log = open_action_log()
    (entry,) = log.iterate(Filter(action=["push_risk"]))
    log.confirm([Found(entry_id=entry.id or 0, confirmation="confirmed", confirmed_at=day(1))])
    log.close()
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "high")]


def test_a_day_that_was_corrected_tells_the_corrected_level(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    exchange.push(1, {"ann": 700}, try_number=2)
    exchange.push(1, {"ann": 100}, try_number=3)
    assert exchange.told("ann") == [("none", "high"), ("high", "medium"), ("medium", "high")]
    log = open_action_log()
    kept = [(one.revision, one.risk_level, one.status) for one in log.iterate(Filter(action=["push_risk"]))]
    log.close()
    assert kept == [(0, "high", "done"), (1, "medium", "done"), (2, "high", "done")]


def test_a_cleared_run_whose_level_is_the_same_sends_nothing(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    report = exchange.push(1, {"ann": 100}, try_number=2)
    assert report["reasons"] == {"unchanged:already_delivered": 1}
    assert exchange.told("ann") == [("none", "high")]


def test_a_signal_refused_for_its_time_gets_a_fresh_one(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.user("ann")
    exchange.sandbox.options.set_iat_max_future_seconds = 300
    clock = exchange.sandbox.clock
    monkeypatch.setattr(session, "utc_now", lambda: clock.now() + timedelta(minutes=20))
    refused(exchange, 1, {"ann": 100})
    monkeypatch.setattr(session, "utc_now", clock.now)
    exchange.push(1, {"ann": 100}, try_number=2)
    assert exchange.told("ann") == [("none", "high")]


def test_without_an_answer_the_same_bytes_are_sent_again(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.sandbox.fail_next(
        service="okta", kind="lost_answer", times=50, path_prefix="/security/api/v1/security-events"
    )
    refused(exchange, 1, {"ann": 100})
    exchange.sandbox.clear_faults()
    exchange.push(1, {"ann": 100}, try_number=2)
    assert exchange.told("ann") == [("none", "high")]


def test_who_improves_and_was_never_told_of_is_left_alone(exchange: Exchange) -> None:
    exchange.user("ann")
    report = exchange.push(1, {"ann": 900}, only_known=True)
    assert report["reasons"] == {"unchanged:never_told": 1}
    exchange.push(2, {"ann": 100})
    exchange.push(3, {"ann": 900}, only_known=True)
    assert exchange.told("ann") == [("none", "high"), ("high", "low")]


def test_a_row_for_a_time_in_the_future_is_refused(exchange: Exchange) -> None:
    exchange.user("ann")
    row = {"user": "ann@new.example", "score": 100, "risk_level": "high"}
    later = (CLOCK + timedelta(days=3)).isoformat()
    operator = OktaPushRiskOperator(task_id="push_risk", rows=[{**row, "as_of": later}], ensure_provider=True)
    with pytest.raises(AirflowFailException, match=r"field 'as_of': .* is in the future"):
        exchange.task(operator, 1)
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "high")]
