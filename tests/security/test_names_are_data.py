"""What people are called in Okta and in Netskope is data: it is never run, rendered or taken for somebody else."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.action_log.exporting import to_csv
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import OktaPushRiskOperator
from tests.integration.exchange import Exchange, rows_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

NAMES = [
    "{{ conn.okta_default.password }}@new.example",
    "{% for x in [1] %}x{% endfor %}@new.example",
    "{user.__class__}@new.example",
    "%(password)s@new.example",
    "$(id)@new.example",
    "x'; drop table okta_ure_action_log; --@new.example",
    'x" or profile.login pr or profile.login eq "@new.example',
    "<img src=x onerror=alert(1)>@new.example",
    "=HYPERLINK(1)@new.example",
    "a/../../api/v1/users/me@new.example",
    "a?limit=1#x@new.example",
    "..%2F..%2Fmeta@new.example",
    "::warning::x@new.example",
    "*@new.example",
]


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    return Exchange(okta)


@pytest.mark.parametrize("name", NAMES)
def test_the_person_of_that_name_is_acted_on_and_nobody_else(exchange: Exchange, name: str) -> None:
    odd = exchange.user("odd", login=name, email=name)
    exchange.user("bystander")

    exchange.add(1, {name: 100})
    exchange.push(1, {name: 100}, reason_admin="{user} has {score}")
    assert exchange.members == {"odd"}
    # A login that is no address cannot stand in a signal.
    for told in exchange.sandbox.okta.accepted_events:
        assert told["user_id"] == odd
        assert told["event"]["reason_admin"]["en"] == f"{name} has 100"

    exchange.remove(2, {name: 900})
    assert exchange.members == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_nobodys_reaches_nobody(exchange: Exchange, name: str) -> None:
    exchange.user("bystander")
    exchange.add(1, {name: 100})
    exchange.push(1, {name: 100})
    assert exchange.members == set()
    assert exchange.sandbox.okta.accepted_events == []


def test_the_rows_of_another_task_are_not_rendered(okta: Sandbox) -> None:
    class Output:
        """What Airflow puts in place of another task's output, once it is known."""

        def resolve(self, context: Any) -> list[dict[str, Any]]:
            return rows_of(dict.fromkeys(NAMES, 100))

    operator = OktaPushRiskOperator(task_id="push_risk", rows=[])
    operator.rows = Output()
    operator.render_template_fields({"conn": None})
    assert [row["user"] for row in operator.rows] == NAMES


def test_the_log_has_every_name_as_it_is_and_its_export_runs_none(exchange: Exchange) -> None:
    for number, name in enumerate(NAMES):
        exchange.user(str(number), login=name, email=name)
    exchange.add(1, dict.fromkeys(NAMES, 100))
    log = open_action_log()
    entries = [one for one in log.iterate(Filter(action=["add_to_group"])) if one.status == "done"]
    log.close()
    assert {one.user_name for one in entries} == set(NAMES)
    table = list(csv.reader(io.StringIO("".join(to_csv(entries)))))
    assert len(table) == len(NAMES) + 1
    assert not [cell for line in table for cell in line if cell.startswith(("=", "+", "@"))]
