# SPDX-License-Identifier: Apache-2.0
"""The buttons on a task's page."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_okta_ure.get_provider_info import get_provider_info
from airflow_provider_okta_ure.operators.links import (
    ABOUT,
    ActionLogLink,
    OktaGroupLink,
    OktaRiskEventsLink,
    say_what_it_is_about,
)
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaPushRiskOperator
from tests.integration.conftest import FakeTaskInstance, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

KEY = SimpleNamespace(dag_id="okta_risk_sync", run_id="manual__1+00:00", task_id="add_to_group", map_index=2)
ACME = "https://acme.okta.com"


@pytest.fixture
def about(monkeypatch: pytest.MonkeyPatch) -> FakeTaskInstance:
    """What the task left in XCom, as Airflow reads it afterwards."""
    ti = FakeTaskInstance()

    def get_value(*, ti_key: Any, key: str) -> Any:
        assert ti_key is KEY
        return ti.pushed.get(key)

    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom.get_value", get_value)
    return ti


def link(kind: type[Any]) -> str:
    address: str = kind().get_link(None, ti_key=KEY)
    return address


def test_the_links_lead_to_oktas_admin_console(about: FakeTaskInstance) -> None:
    say_what_it_is_about(about, org=ACME, target={"group_id": "00gRISK", "group_name": "At risk"})
    assert link(OktaGroupLink) == "https://acme-admin.okta.com/admin/group/00gRISK"
    log = urlsplit(link(OktaRiskEventsLink))
    assert (log.netloc, log.path) == ("acme-admin.okta.com", "/report/system_log_2")
    assert parse_qs(log.query)["search"] == ['eventType eq "security.events.provider.receive_event"']


@pytest.mark.parametrize(
    ("org", "group_id"),
    [
        pytest.param("https://risk.corp.example", "00gRISK", id="custom-domain"),
        pytest.param("http://127.0.0.1:8091", "00gRISK", id="sandbox"),
        pytest.param(ACME, "", id="no-group-yet"),
    ],
)
def test_what_is_not_known_is_no_link(about: FakeTaskInstance, org: str, group_id: str) -> None:
    say_what_it_is_about(about, org=org, target={"group_id": group_id})
    assert link(OktaGroupLink) == ""


def test_a_task_that_failed_early_has_only_its_action_log(about: FakeTaskInstance) -> None:
    assert link(OktaGroupLink) == link(OktaRiskEventsLink) == ""
    assert link(ActionLogLink)


@pytest.mark.parametrize(("base", "below"), [("", ""), ("https://corp.example/airflow/", "/airflow")])
def test_the_action_log_of_a_task_is_the_page_with_its_filters(
    about: FakeTaskInstance, monkeypatch: pytest.MonkeyPatch, base: str, below: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    address = urlsplit(link(ActionLogLink))
    assert (address.scheme, address.netloc, address.path) == ("", "", f"{below}/plugin/risk-exchange")
    assert parse_qs(address.query) == {
        "re-view": ["log"],
        "re-dag_id": ["okta_risk_sync"],
        "re-run_id": ["manual__1+00:00"],
        "re-task_id": ["add_to_group"],
    }


def test_the_tasks_say_what_they_were_about(okta: Sandbox) -> None:
    context: Any = context_of()
    name = okta.okta.users[0].login
    OktaAddToGroupOperator(
        task_id="add", rows=[{"user": name}], group_name="At risk", create_group=True
    ).execute(context)
    left = context["ti"].pushed[ABOUT]
    assert left["org"] == okta.okta_url
    assert left["group_id"].startswith("00g")


def test_every_link_is_registered_and_every_registered_link_is_used() -> None:
    from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator

    registered = set()
    for path in get_provider_info()["extra-links"]:
        module, _, name = path.rpartition(".")
        registered.add(getattr(importlib.import_module(module), name))
    operators = (OktaAddToGroupOperator, OktaPushRiskOperator, NetskopeFetchScoresOperator)
    used = {type(one) for operator in operators for one in operator.operator_extra_links}
    assert used == registered == {ActionLogLink, OktaGroupLink, OktaRiskEventsLink}
    assert len({one().name for one in used}) == len({one().xcom_key for one in used}) == 3
