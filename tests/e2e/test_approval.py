# SPDX-License-Identifier: Apache-2.0
"""A person between plan and effect, in a real Airflow: nothing before the answer, then just what was approved."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from demo.airflow_instance import APPROVER, LOGIN, PASSWORD
from demo.processes import DemoError
from tests.e2e.conftest import SCREENSHOTS

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox
    from demo.airflow_instance import AirflowInstance

DAG = "okta_risk_sync_with_approval"
EFFECTS = ("add_to_group", "remove_from_group", "push_risk", "push_improved")


class AskedRun:
    """A run of the DAG that asks a person."""

    def __init__(self, airflow: AirflowInstance, run_id: str) -> None:
        self.airflow = airflow
        self.run_id = run_id
        self.path = f"/dags/{DAG}/dagRuns/{self.run_id}/taskInstances"
        self.noticed_before = 0

    @classmethod
    def scheduled(cls, airflow: AirflowInstance) -> AskedRun:
        """Return the run of the last whole day, which begins as soon as the DAG may run."""
        airflow.wait_for_dag(DAG)
        airflow.unpause(DAG)
        deadline = time.monotonic() + 60
        while not (runs := airflow.runs(DAG, "scheduled")):
            assert time.monotonic() < deadline, "the DAG was not scheduled"
            time.sleep(0.5)
        return cls(airflow, runs[0]["dag_run_id"])

    @classmethod
    def by_hand(cls, airflow: AirflowInstance, **params: Any) -> AskedRun:
        """Trigger a run; it waits until nobody is asked by an earlier one any more."""
        return cls(airflow, airflow.trigger(DAG, params))

    def states(self) -> dict[str, str]:
        tasks = self.airflow.request("GET", self.path)["task_instances"]
        return {task["task_id"]: task["state"] for task in tasks}

    def clear(self, task_id: str) -> None:
        """Have a task and everything after it done again."""
        wanted = {
            "dag_run_id": self.run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
            "dry_run": False,
        }
        self.noticed_before = self._noticed()
        self.airflow.request("POST", f"/dags/{DAG}/clearTaskInstances", json=wanted)

    def wait_for_question(self) -> dict[str, Any]:
        """
        Return the question when it can be answered.

        Airflow takes a task for broken that is answered before its scheduler has noticed that it waits,
        which no person is fast enough for.
        """
        deadline = time.monotonic() + 240
        while not (
            self.states()["approve"] in ("awaiting_input", "deferred")
            and self._noticed() > self.noticed_before
        ):
            assert time.monotonic() < deadline, self.states()
            time.sleep(0.5)
        question: dict[str, Any] = self.airflow.request("GET", f"{self.path}/approve/-1/hitlDetails")
        return question

    def _noticed(self) -> int:
        """Return how often the scheduler has noticed that a process of the task has ended."""
        log = (self.airflow.home / "processes" / "scheduler.log").read_text(errors="replace")
        return sum(
            "Received executor event" in line and "task_id='approve'" in line and self.run_id in line
            for line in log.splitlines()
        )

    def answer(self, option: str, user: str = APPROVER) -> None:
        body = {"chosen_options": [option], "params_input": {}}
        self.airflow.request("PATCH", f"{self.path}/approve/-1/hitlDetails", json=body, user=user)

    def report(self, task_id: str) -> Any:
        return self.airflow.xcom(DAG, self.run_id, task_id)

    def wait(self) -> None:
        self.airflow.wait_for_run(DAG, self.run_id, 240)


def approvers(airflow: AirflowInstance, run_id: str) -> set[str]:
    """Return who approved what a run did, as the action log has it."""
    with closing(sqlite3.connect(airflow.home / "okta_ure_action_log.db")) as log:
        rows = log.execute(
            "SELECT approved_by FROM okta_ure_action_log WHERE run_id = ? AND status = 'done' "
            "AND action <> 'fetch_scores'",
            (run_id,),
        )
        return {row[0] for row in rows}


def written(sandbox: Sandbox) -> list[str]:
    return [one.line() for one in sandbox.requests_to("okta") if one.method in ("PUT", "DELETE", "POST")]


@pytest.fixture(scope="module", autouse=True)
def _scheduled_run_is_rejected(airflow: AirflowInstance, sandbox: Sandbox) -> None:
    """The DAG asks one question at a time, so the first run has to be answered before the others."""
    run = AskedRun.scheduled(airflow)
    run.wait_for_question()
    sandbox.clear_requests()
    run.answer("Reject")
    run.wait()
    assert written(sandbox) == []
    assert sandbox.okta.find_group("Netskope at risk") is None
    states = run.states()
    assert {states[task_id] for task_id in EFFECTS} == {"skipped"}
    assert run.report("report")["answer"] == "Reject"


def test_a_rejection_ends_the_run_and_is_no_failure(airflow: AirflowInstance, page: Page):
    """What it writes, which is nothing, is looked at where it happens."""
    run = airflow.runs(DAG, "scheduled")[0]
    assert run["state"] == "success"
    _sign_in(page, airflow)
    page.goto(f"{airflow.url}/dags/{DAG}/runs/{quote(run['dag_run_id'])}/plugin/risk-exchange-run")
    expect(page.get_by_test_id("notice-approval-rejected")).to_contain_text(f"Rejected by {APPROVER}")


def test_what_was_approved_is_done_and_recorded(airflow: AirflowInstance, sandbox: Sandbox, page: Page):
    run = AskedRun.by_hand(airflow, group="Approved")
    question = run.wait_for_question()
    assert sandbox.okta.find_group("Approved") is None
    planned = run.report("plan_add")
    assert planned["counts"]["planned"] > 0
    for change in planned["plan"]["changes"][:50]:
        assert change["login"] in json.dumps(question)
    _look_at_it(page, airflow, run)
    run.answer("Approve")
    run.wait()
    group = sandbox.okta.find_group("Approved")
    assert group is not None
    assert sandbox.okta.members(group.id) == {one["user_id"] for one in planned["plan"]["changes"]}
    for plan, effect in (("plan_add", "add_to_group"), ("plan_push", "push_risk")):
        assert run.report(effect)["counts"]["done"] == run.report(plan)["counts"]["planned"]
    assert approvers(airflow, run.run_id) == {APPROVER}


def test_whoever_triggered_the_run_cannot_approve_it_and_somebody_else_can_when_it_asks_again(
    airflow: AirflowInstance, sandbox: Sandbox
):
    run = AskedRun.by_hand(airflow, group="Mine")
    run.wait_for_question()
    run.answer("Approve", user=LOGIN)
    with pytest.raises(DemoError, match="approve"):
        run.wait()
    assert sandbox.okta.find_group("Mine") is None
    run.clear("approve")
    run.wait_for_question()
    run.answer("Approve")
    run.wait()
    group = sandbox.okta.find_group("Mine")
    assert group is not None
    planned = run.report("plan_add")["plan"]["changes"]
    assert sandbox.okta.members(group.id) == {one["user_id"] for one in planned}


def test_an_edited_xcom_and_a_question_that_is_marked_as_successful_change_nothing(
    airflow: AirflowInstance, sandbox: Sandbox
):
    """The attack, with the API that somebody with the right to edit XComs and tasks has."""
    run = AskedRun.by_hand(airflow, group="Forged")
    run.wait_for_question()
    rows = run.report("map_levels")
    victim = next(user for user in sandbox.okta.users if user.login not in {one["user"] for one in rows})
    forged = [*rows, {**rows[0], "user": victim.login}]
    path = f"/dags/{DAG}/dagRuns/{run.run_id}/taskInstances/map_levels/xcomEntries/return_value"
    airflow.request("PATCH", path, json={"value": forged, "map_index": -1})
    mark = {"new_state": "success", "include_downstream": False}
    airflow.request("PATCH", f"{run.path}/approve", json=mark)
    with pytest.raises(DemoError, match="add_to_group"):
        run.wait()
    assert sandbox.okta.find_group("Forged") is None
    with closing(sqlite3.connect(airflow.home / "okta_ure_action_log.db")) as log:
        found = log.execute(
            "SELECT DISTINCT status, reason FROM okta_ure_action_log WHERE run_id = ? AND user_id = ?",
            (run.run_id, victim.id),
        ).fetchall()
    assert found == [("planned", "not_approved")]


def test_when_the_world_has_changed_since_nothing_is_written(airflow: AirflowInstance, sandbox: Sandbox):
    run = AskedRun.by_hand(airflow, group="Changed")
    run.wait_for_question()
    first = run.report("plan_add")["plan"]["changes"][0]
    # A user who is only renamed is the same person, and would be added as approved.
    sandbox.okta.change_user(first["user_id"], status="DEPROVISIONED")
    run.answer("Approve")
    with pytest.raises(DemoError, match="add_to_group"):
        run.wait()
    assert sandbox.okta.find_group("Changed") is None


def _sign_in(page: Page, airflow: AirflowInstance) -> None:
    page.goto(f"{airflow.url}/auth/login")
    page.get_by_label("Username").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/" not in url)


def _look_at_it(page: Page, airflow: AirflowInstance, run: AskedRun) -> None:
    _sign_in(page, airflow)
    page.goto(f"{airflow.url}/dags/{DAG}/runs/{run.run_id}/tasks/approve/required_actions")
    expect(page.get_by_text("score (higher is safer)").first).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "approval.png")
