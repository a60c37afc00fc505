# SPDX-License-Identifier: Apache-2.0
"""Too large a change is not begun, unless a person approved just this one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.plans import Proposal
from airflow_provider_okta_ure.engine import session
from airflow_provider_okta_ure.errors import BlastRadiusError, OktaUreError, PlanChangedError
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from tests.integration.approving import answer, ask, carry_out, in_task, plan, planned, question, questions
from tests.integration.conftest import NOW
from tests.integration.judging_support import (
    ADD,
    DAY,
    PUSH,
    REMOVE,
    UPSERT,
    Task,
    context,
    logged,
    people,
    row,
    rows,
    run,
    writes,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["questions"]


def refused(operator: type[Any], rows: Any, where: dict[str, Any] | None = None, **arguments: Any) -> str:
    """Run an operator that has to be refused, and return the message."""
    with pytest.raises(AirflowFailException) as caught:
        run(operator, rows, where, **arguments)
    assert isinstance(caught.value.__cause__, (BlastRadiusError, PlanChangedError))
    return str(caught.value)


@pytest.fixture
def big_group(okta) -> str:
    """A group of 200 members."""
    group = okta.okta.add_group("Risky")
    for user_id in people(okta, 200):
        okta.okta.add_member(group.id, user_id)
    okta.clear_requests()
    return str(group.id)


# --- how many are allowed


def test_25_users_are_always_allowed_and_26_of_26_are_not(okta):
    people(okta, 26)
    report = run(ADD, rows(25), group_name="Risky", create_group=True)
    assert report["counts"]["done"] == 25
    assert "would change 26 of 26 users in the rows (100.0 %); allowed are 25" in refused(
        ADD, rows(26, "p"), group_name="Another", create_group=True
    )


def test_additions_are_measured_against_the_source_as_it_was_last_read(okta, netskope):
    """60 users in the tenant; 20 % of some 50 with a score are 10, so the floor of 25 counts."""
    people(okta, 30)
    for number in range(140):
        netskope.netskope.add_user(f"more{number}@new.example", 900)
    read = NetskopeFetchScoresOperator(task_id="fetch").execute(context())  # type: ignore[arg-type]
    size = sum(1 for one in read if "score" in one)
    assert size > 175
    mine = [{**one, "source": "netskope_default"} for one in rows(30)]
    assert run(ADD, mine, group_name="Risky", create_group=True)["counts"]["done"] == 30
    # The same users of a source that nobody has read are measured against themselves.
    unknown = [{**one, "source": "other"} for one in rows(30)]
    assert "30 of 30 users in the rows" in refused(ADD, unknown, group_name="Another", create_group=True)
    message = refused(ADD, mine, group_name="Another", create_group=True, max_change_percent=10)
    assert f"30 of {size} users of the source ({100 * 30 / size:.1f} %); allowed are 25" in message


def test_a_source_read_in_several_ways_is_counted_once_whoever_is_kept(okta, netskope):
    people(okta, 30)
    whole = NetskopeFetchScoresOperator(task_id="fetch").execute(context())  # type: ignore[arg-type]
    for way in ({"keep": "score <= 500"}, {"strategy": "list"}, {"strategy": "list", "keep": "score <= 500"}):
        NetskopeFetchScoresOperator(task_id="fetch", **way).execute(context())  # type: ignore[arg-type]
    size = sum(1 for one in whole if "score" in one)
    mine = [{**one, "source": "netskope_default"} for one in rows(30)]
    assert f"30 of {size} users of the source" in refused(ADD, mine, group_name="R", create_group=True)


def test_removals_are_measured_against_the_group(okta, big_group):
    assert run(REMOVE, rows(40), group_id=big_group, only_added_by_us=False)["counts"]["done"] == 40
    message = refused(REMOVE, rows(200), group_id=big_group, only_added_by_us=False)
    assert "would change 160 of 160 members of the group (100.0 %); allowed are 32" in message
    assert len(okta.okta.members(big_group)) == 160


def test_the_number_counts_too_when_the_percentage_is_fine(okta, big_group):
    message = refused(REMOVE, rows(40), group_id=big_group, only_added_by_us=False, max_changes=39)
    assert "allowed are 39 (max_changes 39, max_change_percent 20 %)" in message


def test_members_of_a_large_group_are_no_changes(okta, big_group):
    people(okta, 5, "new")
    report = run(ADD, [*rows(200), *rows(5, "new")], group_id=big_group)
    assert report["counts"]["done"] == 5


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        pytest.param(ADD, {"group_name": "Risky", "create_group": True}, id="add"),
        pytest.param(PUSH, {"ensure_provider": True}, id="push"),
        pytest.param(UPSERT, {}, id="upsert"),
    ],
)
def test_nothing_at_all_is_written_by_a_refused_change(okta, operator, arguments):
    people(okta, 30)
    task = Task("act")
    message = refused(operator, rows(30), context(task=task), **arguments)
    assert "Nothing was written" in message
    assert "First: p0@new.example, p1@new.example, " in message
    assert "approved_plan" in message
    assert writes(okta) == []
    assert okta.okta.find_group("Risky") is None
    assert not okta.okta.providers
    assert logged(status="done") == logged(status="started") == []
    (plan,) = planned("act", run_id="run")
    assert plan.plan_id in message
    assert len(plan.planned.plan.changes) == 30
    # An XCom could be edited by the time that somebody looks at it.
    assert set(task.pushed) == set()


def test_names_in_the_message_are_hidden_when_they_are_to_be(okta, monkeypatch):
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", "masked")
    people(okta, 30)
    message = refused(ADD, rows(30), group_name="Risky", create_group=True)
    assert "p***@new.example" in message
    assert "p1@" not in message


def test_a_dry_run_shows_any_change_and_is_never_refused(okta):
    people(okta, 30)
    report = run(ADD, rows(30), group_name="Risky", create_group=True, dry_run=True)
    assert report["counts"]["planned"] == 30
    assert writes(okta) == []


def test_wrong_limits_are_an_error_before_the_first_call(okta):
    for arguments in ({"max_changes": -1}, {"max_change_percent": 101}, {"max_changes": "many"}):
        with pytest.raises(AirflowFailException, match="max_change"):
            run(ADD, rows(1), group_name="Risky", dry_run=True, **arguments)
    assert okta.requests_to("okta") == []


@pytest.mark.parametrize("workers", [0, "x", True, 1.5])
def test_a_number_of_workers_that_is_none_is_an_error_before_the_first_call(okta, workers):
    with pytest.raises(AirflowFailException, match=r"workers is .* Use a whole number"):
        run(ADD, rows(1), group_name="Risky", create_group=True, workers=workers)
    assert okta.requests_to("okta") == []


# --- parts and tries of one task


def test_the_parts_of_a_mapped_task_share_one_limit(okta, monkeypatch):
    people(okta, 60)
    group = okta.okta.add_group("Risky").id
    parts = [rows(60)[start : start + 20] for start in (0, 20, 40)]

    def part(number: int) -> dict[str, Any]:
        return context(task=Task("act", map_index=number))

    assert run(ADD, parts[0], part(0), group_id=group)["counts"]["done"] == 20
    message = refused(ADD, parts[1], part(1), group_id=group)
    assert "would change 40 of 40 users in the rows" in message
    assert "20 of which it has changed already" in message
    assert "Nothing more was written" in message
    assert len(okta.okta.members(group)) == 20
    # Another day is another change.
    monkeypatch.setattr(session, "utc_now", lambda: datetime.now(tz=timezone.utc) + DAY)
    later = context(NOW + DAY, task=Task("act", run_id="next", map_index=1))
    assert run(ADD, parts[1], later, group_id=group)["counts"]["done"] == 20


class Part(Task):
    """A part of a mapped task of which Airflow tells how many there are."""

    def __init__(self, map_index: int, count: int, **identity: Any) -> None:
        super().__init__("act", map_index=map_index, **identity)
        self.count = count

    def get_ti_count(self, **_: Any) -> int:
        return self.count


def test_a_mapped_task_with_too_many_rows_can_be_corrected_in_the_same_run(okta):
    people(okta, 100)
    group = okta.okta.add_group("Risky").id
    for try_number in (1, 2):
        for number in range(4):
            some = rows(100)[number * 25 : number * 25 + 25]
            act(okta, group, Part(number, 4, try_number=try_number), some)
    assert okta.okta.members(group) == set()
    for try_number in (3, 4):
        for number in range(4):
            some = rows(100)[number * 25 : number * 25 + 5]
            act(okta, group, Part(number, 4, try_number=try_number), some)
    assert len(okta.okta.members(group)) == 20


def act(okta: Sandbox, group: str, part: Part, part_rows: Any) -> str:
    """Return what became of a part: its number of additions, or why it was refused."""
    try:
        return str(run(ADD, part_rows, context(task=part), group_id=group)["counts"]["done"])
    except (AirflowFailException, OktaUreError) as error:
        return str(error)


def test_nothing_is_written_before_the_sum_of_all_parts_is_known(okta):
    people(okta, 60)
    group = okta.okta.add_group("Risky").id
    parts = [rows(60)[start : start + 20] for start in (0, 20, 40)]
    for try_number in (1, 2):
        for number, some in enumerate(parts):
            said = act(okta, group, Part(number, 3, try_number=try_number), some)
            # The more parts are known, the larger the sum that each is refused for.
            known = 60 if try_number == 2 else 20 * (number + 1)
            expected = "its share of the 25" if known == 20 else f"would change {known} of {known}"
            assert expected in said
    assert okta.okta.members(group) == set()


def test_parts_that_are_small_together_are_all_carried_out_by_the_second_try(okta):
    people(okta, 22)
    group = okta.okta.add_group("Risky").id
    parts = [rows(22)[:18], rows(22)[18:], []]
    first = [act(okta, group, Part(number, 3), some) for number, some in enumerate(parts)]
    assert "its share of the 25 that may be changed is 8" in first[0]
    assert first[1:] == ["4", "0"]
    assert act(okta, group, Part(0, 3, try_number=2), parts[0]) == "18"
    assert len(okta.okta.members(group)) == 22


def test_a_removal_that_was_interrupted_is_not_refused_because_the_group_is_smaller_now(okta, big_group):
    where = context(task=Task("act"))
    run(REMOVE, rows(20), where, group_id=big_group, only_added_by_us=False)
    again = context(task=Task("act", try_number=2))
    report = run(REMOVE, rows(40), again, group_id=big_group, only_added_by_us=False)
    assert report["counts"]["done"] == 20


# --- approved


def plan_of(operator: type[Any], rows: Any, where: dict[str, Any] | None = None, **arguments: Any) -> Any:
    return run(operator, rows, where, dry_run=True, **arguments)["plan"]


def run_by(name: str | None, run_id: str = "next", as_of: Any = NOW) -> Any:
    return in_task("act", run_id=run_id, triggered_by=name, as_of=as_of)


@pytest.mark.parametrize("more", ["", ", 0123456789abcdef"])
def test_a_plan_approved_by_its_id_may_be_of_any_size(okta, more):
    people(okta, 30)
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    refused(ADD, rows(30), run_by("Ann", "first"), **arguments)
    (record,) = planned("act", run_id="first")
    report = run(ADD, rows(30), run_by("Eve"), **arguments, approved_plan=record.plan_id + more)
    assert report["counts"]["done"] == 30
    # Whoever triggered this run has named the id.
    assert {one.approved_by for one in logged(action="add_to_group") if one.status == "done"} == {
        "plan id, by Eve"
    }


@pytest.mark.parametrize("form", [list, tuple])
def test_ids_of_plans_can_be_a_list(okta, form):
    people(okta, 30)
    plan_id = plan_of(ADD, rows(30), group_name="Risky", create_group=True)["plan_id"]
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    assert run(ADD, rows(30), approved_plan=form([plan_id]), **arguments)["counts"]["done"] == 30


def test_who_named_an_id_is_recorded_only_where_it_was_needed(okta):
    people(okta, 3)
    plan_id = plan_of(ADD, rows(2), group_name="Risky", create_group=True)["plan_id"]
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True, "approved_plan": plan_id}
    run(ADD, rows(3), run_by("Eve"), **arguments)
    assert {one.approved_by for one in logged(action="add_to_group", status="done")} == {""}


def test_the_id_of_another_plan_approves_nothing(okta):
    people(okta, 31)
    plan_id = plan_of(ADD, rows(30), group_name="Risky", create_group=True)["plan_id"]
    refused(ADD, rows(31), group_name="Risky", create_group=True, approved_plan=plan_id)
    assert writes(okta) == []


def test_an_id_that_the_action_log_does_not_know_approves_nothing_and_is_named(okta):
    people(okta, 30)
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    plan_id = plan_of(ADD, rows(30), in_task("plan", run_id="r"), **arguments)["plan_id"]
    elsewhere = in_task("act")
    elsewhere["ti"].dag_id = "other"
    message = refused(ADD, rows(30), elsewhere, **arguments, approved_plan=f"{plan_id}, feed")
    assert f"approved_plan names {plan_id}, feed, and the action log has no plan of this DAG" in message
    assert writes(okta) == []
    # The same id, where it was planned.
    assert run(ADD, rows(30), run_by(None), **arguments, approved_plan=plan_id)["counts"]["done"] == 30


@pytest.mark.parametrize("form", ["report", "plan", "json", "list-of-plans", "list-in-json"])
def test_a_whole_plan_is_refused_because_it_may_not_be_the_one_that_was_looked_at(okta, form):
    import json

    people(okta, 1)
    report = run(ADD, rows(1), group_name="Risky", create_group=True, dry_run=True)
    forms: dict[str, Any] = {
        "report": report,
        "plan": report["plan"],
        "json": json.dumps(report["plan"]),
        "list-of-plans": [report["plan"]],
        "list-in-json": json.dumps([report["plan"]["plan_id"]]),
    }
    with pytest.raises(AirflowFailException, match=r"takes ids of plans and no plans.*set approval to"):
        run(ADD, rows(1), group_name="Risky", create_group=True, approved_plan=forms[form])
    assert writes(okta) == []


def _one_more(okta: Any) -> dict[str, Any]:
    people(okta, 1, "late")
    return {"rows": [*rows(3), row("late0")]}


def _one_less(okta: Any) -> dict[str, Any]:
    return {"rows": rows(2)}


def _deactivated(okta: Any) -> dict[str, Any]:
    okta.okta.change_user(okta.okta.find_user("p1@new.example").id, status="DEPROVISIONED")
    return {}


def _other_score(okta: Any) -> dict[str, Any]:
    return {"rows": [row("p0", 400), *rows(3)[1:]]}


def _other_time(okta: Any) -> dict[str, Any]:
    return {"rows": [row("p0", as_of="2026-11-22T00:00:00Z"), *rows(3)[1:]]}


def _other_group(okta: Any) -> dict[str, Any]:
    return {"group_id": okta.okta.add_group("Other").id}


def _other_day(okta: Any) -> dict[str, Any]:
    return {"where": in_task("act", as_of=NOW + DAY)}


def _member_meanwhile(okta: Any) -> dict[str, Any]:
    okta.okta.add_member(okta.okta.find_group("Risky").id, okta.okta.find_user("p2@new.example").id)
    return {}


def _excluded_meanwhile(okta: Any) -> dict[str, Any]:
    return {"exclude_users": ["p2@new.example"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(_one_more, "new: late0@new.example", id="user-added"),
        pytest.param(_one_less, "no longer: p2@new.example", id="user-removed"),
        pytest.param(_deactivated, "no longer: p1@new.example", id="user-deactivated"),
        pytest.param(_other_score, "another score or level: p0@new.example", id="score-changed"),
        pytest.param(_other_time, "another row: p0@new.example", id="time-of-the-row-changed"),
        pytest.param(_other_group, "the approved one is add_to_group as of 2026-11-23 03:00", id="group"),
        pytest.param(_other_day, "as of 2026-11-23 03:00 UTC", id="other-day"),
        pytest.param(_member_meanwhile, "no longer: p2@new.example", id="member-meanwhile"),
        pytest.param(_excluded_meanwhile, "no longer: p2@new.example", id="excluded-meanwhile"),
    ],
)
def test_an_approved_plan_is_refused_when_the_world_has_changed(okta, change, said):
    people(okta, 3)
    group = okta.okta.add_group("Risky").id
    plan(ADD, rows(3), group_id=group)
    ask()
    answer()
    before = okta.okta.members(group)
    changed = {"rows": rows(3), "where": in_task("act"), "group_id": group, **change(okta)}
    members = okta.okta.members(group)
    okta.clear_requests()
    with pytest.raises(AirflowFailException) as caught:
        carry_out(ADD, changed.pop("rows"), changed.pop("where"), **changed)
    assert isinstance(caught.value.__cause__, PlanChangedError)
    assert "is not the plan that was approved" in str(caught.value)
    assert said in str(caught.value)
    assert writes(okta) == []
    assert okta.okta.members(group) == members >= before
    assert logged(status="done") == logged(status="started") == []


def test_an_approved_change_is_not_forgotten_because_no_rows_came(okta):
    people(okta, 2)
    group = okta.okta.add_group("Risky").id
    plan(ADD, rows(2), group_id=group)
    ask()
    answer()
    with pytest.raises(AirflowFailException, match=r"no longer: p0@new\.example, p1@new\.example"):
        carry_out(ADD, [], group_id=group)


def test_a_plan_of_nothing_approves_nothing(okta):
    people(okta, 1)
    group = okta.okta.add_group("Risky").id
    assert plan(ADD, [], group_id=group) is None
    plan(UPSERT, rows(1), in_task("plan_risk"))
    asking = question(["plan", "plan_risk"])
    ask(asking)
    answer(operator=question(["plan", "plan_risk"]))
    assert carry_out(ADD, [], group_id=group)["counts"]["done"] == 0
    with pytest.raises(AirflowFailException, match=r"new: p0@new\.example"):
        carry_out(ADD, rows(1), group_id=group)


@pytest.mark.parametrize("wrong", [5, [1], {"plan_id": "x"}, '{"plan_id"', {"plan": None}, "{}", [["a"]]])
def test_what_is_no_id_of_a_plan_is_an_error_before_the_first_call(okta, wrong):
    with pytest.raises(AirflowFailException, match="approved_plan"):
        run(ADD, rows(1), group_name="Risky", approved_plan=wrong)
    assert okta.requests_to("okta") == []


@pytest.mark.parametrize("made_by_us", [True, False], ids=["group-is-made", "group-is-there"])
def test_a_plan_named_by_its_id_that_was_interrupted_is_finished_by_the_next_try(okta, made_by_us):
    people(okta, 30)
    if not made_by_us:
        okta.okta.add_group("Risky")
    arguments: dict[str, Any] = {"group_name": "Risky", "create_group": True}
    approved = plan_of(ADD, rows(30), in_task("plan"), **arguments)["plan_id"]
    okta.fail_next(service="okta", status=400, method="PUT", times=12)
    with pytest.raises(AirflowFailException, match="12 of 30 users failed"):
        run(ADD, rows(30), in_task("act"), approved_plan=approved, **arguments)
    report = run(ADD, rows(30), in_task("act", try_number=2), approved_plan=approved, **arguments)
    assert report["counts"]["done"] == 12
    group = okta.okta.find_group("Risky")
    assert group is not None
    assert len(okta.okta.members(group.id)) == 30
    # And a task that is cleared after it has done everything has nothing left to do.
    third = in_task("act", try_number=3)
    assert run(ADD, rows(30), third, approved_plan=approved, **arguments)["counts"]["unchanged"] == 30


def test_an_approved_push_that_was_interrupted_is_finished_by_the_next_try(okta):
    people(okta, 10)
    run(PUSH, [row("p0")], context(NOW - timedelta(hours=1)), ensure_provider=True)
    approved = plan(PUSH, rows(10, risk_level="medium", score=400))
    assert [one.get("previous_risk_level") for one in approved["changes"]] == ["high", *["none"] * 9]
    ask()
    answer()
    okta.fail_next(
        service="okta", status=400, method="POST", path_prefix="/security/api/v1/security-events", times=4
    )
    mine = rows(10, risk_level="medium", score=400)
    with pytest.raises(AirflowFailException, match="4 of 10"):
        carry_out(PUSH, mine)
    report = carry_out(PUSH, mine, in_task("act", try_number=2))
    assert (report["counts"]["done"], report["counts"]["unchanged"]) == (4, 6)


def test_a_plan_for_the_same_org_by_another_host_is_the_same_plan(okta, connect):
    people(okta, 2)
    ours = plan_of(UPSERT, rows(2))
    connect(
        "other",
        conn_type="okta",
        host=okta.okta_url.replace("127.0.0.1", "localhost"),
        password=okta.okta_token,
    )
    theirs = plan_of(UPSERT, rows(2), okta_conn_id="other")
    assert ours["plan_id"] == theirs["plan_id"]


def test_a_plan_for_another_org_is_another_plan():
    about: dict[str, Any] = {"target": {}, "target_keys": [""], "as_of": NOW}
    ours, theirs = (Proposal.of("upsert_risk", [], org=org, **about) for org in ("https://a", "https://b"))
    assert ours.plan.plan_id != theirs.plan.plan_id


# --- what it costs


def test_the_cost_of_a_plan_is_what_applying_it_takes(okta):
    people(okta, 30)
    where: dict[str, Any] = {"group_name": "Risky", "create_group": True, "exclude_users": ["x@y.example"]}
    plan = plan_of(ADD, rows(30), **where)
    okta.clear_requests()
    run(ADD, rows(30), approved_plan=plan["plan_id"], **where)
    assert sum(plan["cost"].values()) == len(okta.requests_to("okta", path_prefix="/api/"))
    assert plan["cost"]["/api/v1/groups"] == 30 + 1 + 2
    assert plan["minutes"] > 0


def test_the_cost_of_setting_risks_counts_the_reads_of_each(okta):
    people(okta, 12)
    plan = plan_of(UPSERT, rows(12))
    okta.clear_requests()
    run(UPSERT, rows(12), approved_plan=plan["plan_id"])
    assert sum(plan["cost"].values()) == len(okta.requests_to("okta"))
    assert plan["cost"]["/api/v1/users"] == 1 + 12 + 12


def test_the_limit_of_risk_signals_is_not_known_before_the_first_so_the_time_is_not(okta):
    people(okta, 3)
    plan = plan_of(PUSH, rows(3), ensure_provider=True)
    okta.clear_requests()
    run(PUSH, rows(3), approved_plan=plan["plan_id"], ensure_provider=True)
    assert plan["cost"]["/security/api/v1/security-events"] == 3
    assert plan["minutes"] is None


def test_nothing_to_do_costs_nothing(okta):
    group = okta.okta.add_group("Risky")
    plan = plan_of(ADD, rows(2), group_id=group.id)
    assert (plan["changes"], plan["cost"], plan["minutes"]) == ([], {}, None)
