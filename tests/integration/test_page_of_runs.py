# SPDX-License-Identifier: Apache-2.0
"""What the operators did, as the page's first view shows it: also what was only planned."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator
from airflow_provider_okta_ure.plugin.overviews import overview_answer
from tests.integration.judging_support import Task, context, people, rows, run

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


def latest() -> dict[str, Any]:
    with closing(open_action_log()) as log:
        today: dict[str, Any] = overview_answer(log, Filter(dag_ids=["dag"]))["today"]
    return today


def add(okta: Sandbox, **arguments: Any) -> None:
    run(
        OktaAddToGroupOperator,
        rows(3),
        context(task=Task("act")),
        group_name="Risky",
        create_group=True,
        **arguments,
    )


def test_a_dry_run_shows_what_would_be_done_to_whom_and_that_nothing_was(okta: Sandbox) -> None:
    people(okta, 3)
    add(okta, dry_run=True)
    today = latest()
    assert today["added"] == []
    assert {one["user_name"] for one in today["planned"]["added"]} == {f"p{n}@new.example" for n in range(3)}
    (plan,) = today["plans"]
    assert (plan["reason"], plan["entries"]) == ("dry_run", 3)


def test_what_was_planned_before_and_is_done_now_is_done(okta: Sandbox) -> None:
    people(okta, 3)
    add(okta, dry_run=True)
    add(okta)
    today = latest()
    assert len(today["added"]) == 3
    assert (today["planned"]["added"], today["plans"]) == ([], [])
    assert today["actions"]["add_to_group"]["planned"] == 0


def test_a_plan_refused_for_its_size_shows_whom_and_the_id_that_approves_it(okta: Sandbox) -> None:
    people(okta, 40)
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True, "max_changes": 30}
    where = context(task=Task("act"))
    with pytest.raises(AirflowFailException, match="Nothing was written"):
        run(OktaAddToGroupOperator, rows(40), where, **arguments)
    today = latest()
    assert len(today["planned"]["added"]) == 40
    (plan,) = today["plans"]
    assert (plan["reason"], plan["entries"]) == ("plan_refused", 40)
    run(OktaAddToGroupOperator, rows(40), where, **arguments, approved_plan=plan["plan_id"])
    today = latest()
    assert (len(today["added"]), today["plans"]) == (40, [])
