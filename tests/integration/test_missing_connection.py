"""An id of a connection that does not exist: an error that names it and says what to do, without retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks import finding
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaNoActionOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from tests.integration.exchange import GROUP, Exchange, rows_of
from tests.integration.judging_support import logged, writes
from tests.integration.test_revert import revert

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

SAID = r"There is no connection 'nowhere'\. Create it .* AIRFLOW_CONN_NOWHERE; or correct the id"


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    known.user("ann")
    return known


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        pytest.param(OktaAddToGroupOperator, {"group_name": GROUP}, id="add"),
        pytest.param(OktaRemoveFromGroupOperator, {"group_name": GROUP}, id="remove"),
        pytest.param(OktaPushRiskOperator, {}, id="push"),
    ],
)
def test_a_task_fails_for_good_and_names_it(exchange: Exchange, kind: Any, arguments: Any) -> None:
    operator = kind(task_id="act", rows=rows_of({"ann": 100}), okta_conn_id="nowhere", **arguments)
    with pytest.raises(AirflowFailException, match=SAID):
        exchange.task(operator, 1)
    assert writes(exchange.sandbox) == []


def test_so_does_a_revert(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    with pytest.raises(AirflowFailException, match=SAID):
        revert(1, okta_conn_id="nowhere")
    assert exchange.members == {"ann"}


def test_what_only_records_needs_none(exchange: Exchange) -> None:
    operator = OktaNoActionOperator(task_id="note", rows=rows_of({"ann": 100}), okta_conn_id="nowhere")
    exchange.task(operator, 1)
    assert [one.reason for one in logged(action="no_action")] == ["recorded"]


@pytest.mark.parametrize("hook", [OktaHook("nowhere"), NetskopeHook("nowhere")], ids=["okta", "netskope"])
def test_the_hooks_say_so(hook: OktaHook | NetskopeHook) -> None:
    with pytest.raises(ConfigurationError, match=SAID):
        _ = hook.connection


@pytest.mark.parametrize("name", ["secrets_backend", "may_be_there"])
def test_a_connection_that_could_not_be_asked_for_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(finding, name, lambda *_: "somebody who did not answer")
    with pytest.raises(AirflowNotFoundException):
        _ = OktaHook("nowhere").connection
