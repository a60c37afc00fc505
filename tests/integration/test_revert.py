"""Undoing a run: who was added leaves, who was removed comes back, a signal is followed by the level before."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import select

from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.tables import claims
from airflow_provider_okta_ure.engine.turns import Turns
from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaRevertRunOperator,
    OktaUpsertUserRiskOperator,
)
from airflow_provider_okta_ure.operators.reverting import UndoPart
from tests.integration.conftest import FakeTaskInstance
from tests.integration.exchange import GROUP, Exchange, day, rows_of
from tests.integration.judging_support import logged, writes

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

REVERTING = "okta_revert_run"


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    for name in ("ann", "bob", "cyd"):
        known.user(name)
    return known


def at_noon(number: int) -> datetime:
    return day(number) + timedelta(hours=12)


def context_of_revert(at: datetime, run_id: str, **more: Any) -> dict[str, Any]:
    task = FakeTaskInstance()
    known = {"dag_id": REVERTING, "run_id": run_id, "task_id": "revert"}
    for name, value in known.items():
        setattr(task, name, value)
    run = {"run_after": at, "run_type": "manual", "triggering_user_name": "carol", **more}
    return {"ti": task, "dag_run": SimpleNamespace(**run)}


def revert(
    number: int, run: str = "day-1", *, dag: str = "sync", as_run: str = "", **arguments: Any
) -> dict[str, Any]:
    """Revert a run at noon of a day, as the run ``revert-<number>``."""
    settings = {"max_change_percent": 100, **arguments}
    operator = OktaRevertRunOperator(task_id="revert", reverted_dag_id=dag, reverted_run_id=run, **settings)
    result: dict[str, Any] = operator.execute(
        context_of_revert(at_noon(number), as_run or f"revert-{number}")  # type: ignore[arg-type]
    )
    return result


def leave_group(exchange: Exchange, name: str) -> None:
    """Take somebody out of the group, as an administrator would."""
    state = exchange.sandbox.okta
    group = state.find_group(GROUP)
    assert group is not None
    group.members.discard(state.user(exchange.ids[name]).number)


def join_group(exchange: Exchange, name: str) -> None:
    """Put somebody into the group, as an administrator would."""
    group = exchange.sandbox.okta.find_group(GROUP)
    assert group is not None
    exchange.sandbox.okta.add_member(group.id, exchange.ids[name])


def also_did(**fields: Any) -> None:
    """Let the run of day 1 have done something else, too."""
    log = open_action_log()
    (entry, *_) = logged(action="add_to_group", status="done")
    log.finish([msgspec.structs.replace(entry, id=None, **fields)])
    log.close()


def done(action: str, name: str) -> list[tuple[str, str, str]]:
    """Return DAG, reason and status of what was done to somebody, the oldest first."""
    return [
        (one.dag_id, one.status, one.reason)
        for one in logged(action=action)
        if one.user_name.startswith(f"{name}@") and one.status in ("done", "started")
    ]


# --- who was added leaves


def test_who_was_added_leaves(exchange: Exchange) -> None:
    exchange.add(0, {"ann": 100})
    exchange.add(1, {"ann": 100, "bob": 100})
    report = revert(1)
    assert exchange.members == {"ann"}
    assert report["counts"]["done"] == 1
    assert done("remove_from_group", "bob") == [(REVERTING, "done", "reverted")]


def test_a_dry_run_says_who_would_leave_and_changes_nothing(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.sandbox.clear_requests()
    report = revert(1, dry_run=True)
    assert report["counts"]["planned"] == 2
    assert (exchange.members, writes(exchange.sandbox)) == ({"ann", "bob"}, [])
    # Nothing is reverted, so a clear of the run still acts.
    exchange.remove(2, {"ann": 900})
    assert exchange.members == {"bob"}


def test_who_is_not_in_the_group_any_more_is_left_alone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    leave_group(exchange, "ann")
    report = revert(1)
    assert report["reasons"] == {"done:reverted": 1, "unchanged:not_a_member": 1}
    assert exchange.members == set()


def test_a_later_decision_about_somebody_stands(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.add(2, {"ann": 100})
    report = revert(2, "day-1")
    assert report["reasons"] == {"done:reverted": 1, "skipped:later_decision": 1}
    assert exchange.members == {"ann"}


def test_who_was_added_again_later_is_left_alone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.remove(2, {"ann": 900})
    exchange.add(3, {"ann": 100})
    assert revert(3, "day-1")["reasons"] == {"skipped:later_decision": 1}
    assert exchange.members == {"ann"}


def test_whom_another_dag_wants_stays_until_that_one_lets_go(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    report = revert(2, "day-1", dag="strict")
    assert report["reasons"] == {"skipped:held_by_others": 1}
    assert exchange.members == {"ann"}
    # The reverted run does not hold her any more.
    exchange.remove(3, {"ann": 900}, dag="wide")
    assert exchange.members == set()


def test_somebody_renamed_is_who_they_were(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "anna")
    exchange.user("other", login="ann@new.example")
    join_group(exchange, "other")
    revert(1)
    assert exchange.members == {"other"}


@pytest.mark.parametrize("name", ["anna@new.example", "ann@new.example"])
def test_somebody_renamed_is_named_by_either_name(exchange: Exchange, name: str) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.rename("ann", "anna")
    revert(1, users=name)
    assert exchange.members == {"bob"}


def test_a_name_that_was_one_persons_and_is_anothers_is_refused(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.rename("ann", "anna")
    exchange.rename("bob", "ann")
    refused(exchange, "about 2 people named 'ann@new.example'", 1, users="ann@new.example")


def test_who_was_deleted_or_deactivated_is_skipped(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "cyd": 100})
    also_did(user_id="00ugone", user_key="00ugone", user_name="bob@new.example")
    exchange.sandbox.okta.change_user(exchange.ids["ann"], status="DEPROVISIONED")
    report = revert(1)
    assert report["reasons"] == {
        "done:reverted": 1,
        "skipped:user_deprovisioned": 1,
        "skipped:user_not_in_okta": 1,
    }
    assert exchange.members == set()


# --- who was removed comes back


def test_who_was_removed_comes_back_and_is_ours_as_before(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.remove(2, {"ann": 900})
    report = revert(2, "day-2")
    assert report["counts"]["done"] == 1
    assert exchange.members == {"ann", "bob"}
    assert done("add_to_group", "ann")[-1] == (REVERTING, "done", "reverted")
    # The DAG that added her releases her when she recovers, and nobody else holds her.
    assert exchange.remove(4, {"ann": 900})["counts"]["done"] == 1
    assert exchange.members == {"bob"}


def test_another_dag_does_not_release_who_came_back(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.remove(2, {"ann": 900}, dag="strict")
    revert(2, "day-2", dag="strict")
    assert exchange.remove(3, {"ann": 900}, dag="wide")["reasons"] == {"skipped:held_by_others": 1}
    assert exchange.members == {"ann"}


def test_who_is_a_member_again_is_left_alone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.remove(2, {"ann": 900})
    join_group(exchange, "ann")
    assert revert(2, "day-2")["reasons"] == {"unchanged:already_member": 1}
    # Somebody else put her there, so she is not ours.
    assert exchange.remove(4, {"ann": 900})["reasons"] == {"skipped:not_added_by_us": 1}


@pytest.mark.parametrize("killed", [False, True], ids=["at-once", "killed-and-found-by-the-next-run"])
def test_whom_others_had_added_comes_back_and_is_not_ours(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    exchange.add(1, {"bob": 100})
    join_group(exchange, "ann")
    exchange.remove(2, {"ann": 900, "bob": 900}, only_added_by_us=False)
    assert exchange.members == set()
    if killed:
        killed_before_the_end_is_written(monkeypatch, 2, "day-2")
    else:
        assert revert(2, "day-2")["reasons"] == {"done:reverted": 1, "done:reverted_not_ours": 1}
    assert "ann" in exchange.members
    exchange.remove(3, {"ann": 900, "bob": 900})
    assert exchange.members == {"ann"}
    exchange.remove(4, {"ann": 900, "bob": 900}, dag="wide")
    assert exchange.members == {"ann"}
    # Twice removed, and twice brought back.
    exchange.remove(5, {"ann": 900}, only_added_by_us=False)
    revert(5, "day-5")
    exchange.remove(6, {"ann": 900})
    assert exchange.members == {"ann"}


def test_the_end_of_the_time_is_as_it_was(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, expires_after="10d")
    exchange.remove(2, {"ann": 900})
    revert(2, "day-2")
    exchange.remove(10, {})
    assert exchange.members == {"ann"}
    exchange.remove(11, {})
    assert exchange.members == set()


def test_whose_time_was_cut_short_by_a_revert_gets_a_new_one(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, expires_after="2d")
    revert(1)
    exchange.add(5, {"ann": 100}, expires_after="2d")
    assert exchange.members == {"ann"}
    exchange.remove(7, {})
    assert exchange.members == set()


def test_whose_time_was_over_comes_back_until_the_next_run(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, expires_after="2d")
    exchange.remove(4, {})
    assert exchange.members == set()
    revert(4, "day-4")
    assert exchange.members == {"ann"}
    exchange.remove(5, {})
    assert exchange.members == set()


# --- signals


def test_a_signal_is_followed_by_the_level_from_before(exchange: Exchange) -> None:
    exchange.push(0, {"ann": 900})
    exchange.push(1, {"ann": 100, "bob": 100})
    report = revert(1)
    assert exchange.told("ann") == [("none", "low"), ("low", "high"), ("high", "low")]
    assert exchange.told("bob") == [("none", "high"), ("high", "none")]
    assert report["counts"]["done"] == 2


def test_a_level_that_was_told_later_is_not_taken_back(exchange: Exchange) -> None:
    exchange.push(1, {"ann": 100, "bob": 100})
    exchange.push(2, {"ann": 700, "bob": 100})
    report = revert(2, "day-1")
    assert report["reasons"] == {"skipped:later_decision": 2}
    assert exchange.told("ann") == [("none", "high"), ("high", "medium")]


def test_the_next_run_tells_the_level_again(exchange: Exchange) -> None:
    exchange.push(1, {"ann": 100})
    revert(1)
    exchange.push(2, {"ann": 100})
    assert exchange.told("ann") == [("none", "high"), ("high", "none"), ("none", "high")]


def test_a_day_that_was_corrected_goes_back_to_before_the_run(exchange: Exchange) -> None:
    exchange.push(0, {"ann": 900})
    exchange.push(1, {"ann": 100})
    exchange.push(1, {"ann": 700}, try_number=2)
    revert(1)
    assert exchange.told("ann")[-1] == ("medium", "low")


# --- the run is not done again


def test_a_cleared_run_does_nothing_again(exchange: Exchange) -> None:
    exchange.add(0, {"cyd": 100})
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    exchange.remove(1, {"cyd": 900})
    revert(1)
    assert exchange.members == {"cyd"}
    # Also to whom it had not come yet.
    assert exchange.add(1, {"ann": 100, "bob": 100})["counts"]["skipped"] == 2
    assert exchange.remove(1, {"cyd": 900})["counts"]["skipped"] == 1
    exchange.push(1, {"ann": 100, "bob": 100}, try_number=2)
    assert exchange.members == {"cyd"}
    assert exchange.told("ann") == [("none", "high"), ("high", "none")]
    assert exchange.told("bob") == []


def test_a_run_that_was_not_reverted_is_done_again(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.add(1, {"ann": 100, "bob": 100})
    assert exchange.members == {"ann", "bob"}


def test_a_retry_in_the_middle_does_not_go_on(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    revert(1)
    report = exchange.add(1, {"ann": 100, "bob": 100, "cyd": 100})
    assert report["reasons"] == {"skipped:run_reverted": 2, "skipped:superseded": 1}
    assert exchange.members == set()


def test_what_a_running_run_did_elsewhere_meanwhile_is_said(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.push(0, {"bob": 900})
    exchange.add(1, {"ann": 100})
    undoing = UndoPart.carry_out

    def meanwhile(*arguments: Any, **more: Any) -> Any:
        found = undoing(*arguments, **more)
        also_did(action="push_risk", target="https://risk.corp.example", previous_risk_level="none")
        return found

    monkeypatch.setattr(UndoPart, "carry_out", meanwhile)
    report = revert(1)
    assert "while it was undone" in report["warnings"][0]
    assert revert(2, "day-1")["counts"]["done"] == 1


def test_the_next_run_acts_again(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    revert(1)
    exchange.add(2, {"ann": 100})
    assert exchange.members == {"ann"}


def test_a_revert_of_one_person_leaves_the_run_to_the_others(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    revert(1, users="ann@new.example")
    assert exchange.members == {"bob"}
    exchange.add(1, {"ann": 100, "bob": 100, "cyd": 100})
    assert exchange.members == {"bob", "cyd"}


def test_a_revert_of_one_action_leaves_the_others(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    revert(1, actions=["push_risk"])
    assert exchange.members == {"ann"}
    assert exchange.told("ann")[-1] == ("high", "none")


def test_a_revert_is_reverted_and_then_the_run_can_be_done_again(exchange: Exchange) -> None:
    exchange.add(0, {"cyd": 100})
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    exchange.remove(1, {"cyd": 900})
    revert(1)
    assert exchange.members == {"cyd"}
    revert(2, "revert-1", dag=REVERTING)
    assert exchange.members == {"ann"}
    assert exchange.told("ann")[-1] == ("none", "high")
    exchange.add(1, {"bob": 100})
    assert exchange.members == {"ann", "bob"}
    # She is held by the DAG that added her, as before.
    exchange.remove(3, {"ann": 900})
    assert exchange.members == {"bob"}


def test_a_cleared_revert_that_was_reverted_does_nothing_again(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    revert(1)
    revert(2, "revert-1", dag=REVERTING)
    report = revert(1)
    assert report["counts"]["done"] == 0
    assert exchange.members == {"ann"}


def test_a_cleared_revert_changes_nothing_twice(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    revert(1)
    exchange.sandbox.clear_requests()
    assert revert(1)["counts"]["done"] == 0
    assert writes(exchange.sandbox) == []


# --- interrupted


def killed_before_the_end_is_written(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> None:
    """Revert, and be killed when Okta has done it and the action log does not know yet."""
    finish = ActionLog.finish

    def die(log: ActionLog, entries: Any, *more: Any) -> None:
        if any(one.reason == "reverted" for one in entries):
            raise RuntimeError("killed")
        finish(log, entries, *more)

    with monkeypatch.context() as patch:
        patch.setattr(ActionLog, "finish", die)
        with pytest.raises(RuntimeError, match="killed"):
            revert(*arguments)


@pytest.mark.parametrize("who", ["the-next-run", "its-own-retry"])
def test_a_killed_revert_has_let_go_of_whom_it_removed(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    exchange.add(1, {"ann": 100})
    killed_before_the_end_is_written(monkeypatch, 1)
    assert exchange.members == set()
    if who == "its-own-retry":
        revert(1)
    else:
        exchange.add(2, {"bob": 100})
    exchange.add(3, {"ann": 100}, dag="wide")
    exchange.remove(4, {"ann": 900}, dag="wide")
    assert "ann" not in exchange.members


@pytest.mark.parametrize("who", ["the-next-run", "its-own-retry"])
def test_a_killed_revert_holds_nobody_itself(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    exchange.add(1, {"ann": 100})
    exchange.remove(2, {"ann": 900})
    killed_before_the_end_is_written(monkeypatch, 2, "day-2")
    assert exchange.members == {"ann"}
    if who == "its-own-retry":
        revert(2, "day-2")
    else:
        exchange.add(3, {"bob": 100})
    assert exchange.remove(4, {"ann": 900}, dag="wide")["reasons"] == {"skipped:held_by_others": 1}
    assert exchange.remove(5, {"ann": 900})["counts"]["done"] == 1


def test_a_revert_that_failed_in_the_middle_goes_on_with_its_retry(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    okta = exchange.sandbox
    okta.fail_next(
        service="okta", kind="status", status=500, times=50, path_prefix="/security/api/v1/security-events"
    )
    with pytest.raises(OktaUreError):
        revert(1)
    assert exchange.members == set()
    okta.clear_faults()
    report = revert(1)
    assert report["reasons"] == {"done:reverted": 1, "unchanged:not_a_member": 1}
    assert exchange.told("ann") == [("none", "high"), ("high", "none")]


def test_nobody_else_acts_on_the_same_meanwhile(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    exchange.sandbox.clear_requests()
    taken: list[tuple[str, int]] = []
    take = Turns.take

    def noted(turns: Turns, name: str) -> None:
        taken.append((name.partition(" ")[2], len(writes(exchange.sandbox))))
        take(turns, name)

    monkeypatch.setattr(Turns, "take", noted)
    revert(1)
    group = exchange.sandbox.okta.find_group(GROUP)
    assert group is not None
    # All of it before the first write, in one order for everybody.
    assert taken[:2] == [(f"group {group.id}", 0), ("risk signals of https://risk.corp.example", 0)]


# --- several runs, the newest first


def test_several_runs_are_undone_one_after_the_other(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    # The rule was wrong for days: everything was as it said.
    for number in (2, 3):
        exchange.add(number, {"ann": 100})
        exchange.push(number, {"ann": 100})
    assert revert(4, "day-1")["reasons"] == {"skipped:later_decision": 2}
    for number in (3, 2):
        assert revert(8 - number, f"day-{number}")["counts"]["done"] == 0
    assert revert(7, "day-1", as_run="again")["counts"]["done"] == 2
    assert exchange.members == set()
    assert exchange.told("ann")[-1] == ("high", "none")


def test_what_a_revert_put_back_can_be_undone_as_well(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    exchange.remove(2, {"ann": 900})
    exchange.push(2, {"ann": 700})
    revert(3, "day-2")
    assert exchange.members == {"ann"}
    assert exchange.told("ann")[-1] == ("medium", "high")
    revert(4, "day-1")
    assert exchange.members == set()
    assert exchange.told("ann")[-1] == ("high", "none")


def test_a_run_can_be_undone_again_when_its_revert_was_taken_back(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    revert(1)
    assert revert(2, "day-1")["reasons"] == {"skipped:later_decision": 1}
    revert(3, "revert-1", dag=REVERTING)
    assert exchange.members == {"ann"}
    assert revert(4, "day-1")["counts"]["done"] == 1
    assert exchange.members == set()


def test_a_partial_revert_of_a_later_run_lets_only_that_be_undone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    exchange.add(2, {"ann": 100, "bob": 100, "cyd": 100})
    revert(3, "day-2", actions="push_risk")
    assert revert(4, "day-1")["counts"]["done"] == 0
    revert(5, "day-2", users="ann@new.example")
    assert revert(6, "day-1")["reasons"] == {"done:reverted": 1, "skipped:later_decision": 1}
    assert exchange.members == {"bob", "cyd"}


def test_who_came_back_is_held_also_when_later_runs_let_go_again(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.remove(2, {"ann": 900}, dag="strict")
    exchange.remove(3, {"ann": 900}, dag="strict")
    revert(4, "day-3", dag="strict")
    revert(5, "day-2", dag="strict")
    assert exchange.members == {"ann"}
    assert exchange.remove(6, {"ann": 900}, dag="wide")["reasons"] == {"skipped:held_by_others": 1}


# --- who holds whom, where nothing was to be undone in Okta


def test_a_reverted_run_that_only_found_somebody_holds_them_no_more(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    report = revert(2, dag="wide", run="day-2")
    assert (report["total"], report["holds"]) == (0, {"ended": 1, "held_again": 0})
    assert exchange.members == {"ann"}
    exchange.remove(3, {"ann": 900}, dag="strict")
    assert exchange.members == set()


def test_two_dags_that_are_both_undone_lock_nobody_out(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    revert(3, "day-1", dag="strict")
    revert(4, "day-2", dag="wide")
    assert exchange.members == {"ann"}
    revert(5, "day-1", dag="strict")
    assert exchange.members == set()


def test_what_an_earlier_run_of_the_dag_holds_it_still_holds(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    exchange.add(3, {"ann": 100}, dag="wide")
    assert revert(3, "day-3", dag="wide")["holds"] == {"ended": 0, "held_again": 0}
    assert exchange.remove(4, {"ann": 900}, dag="strict")["reasons"] == {"skipped:held_by_others": 1}
    revert(5, "day-2", dag="wide")
    exchange.remove(6, {"ann": 900}, dag="strict")
    exchange.remove(7, {"ann": 900}, dag="strict")
    assert exchange.members == set()


def test_what_a_later_run_holds_stays_held(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    exchange.add(3, {"ann": 100}, dag="wide")
    assert revert(3, "day-2", dag="wide")["holds"] == {"ended": 0, "held_again": 0}
    assert exchange.remove(4, {"ann": 900}, dag="strict")["reasons"] == {"skipped:held_by_others": 1}
    assert exchange.members == {"ann"}


def test_a_reverted_run_that_let_go_of_somebody_holds_them_again(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    assert exchange.remove(3, {"ann": 900}, dag="wide")["reasons"] == {"skipped:held_by_others": 1}
    assert revert(3, "day-3", dag="wide")["holds"] == {"ended": 0, "held_again": 1}
    assert exchange.remove(4, {"ann": 900}, dag="strict")["reasons"] == {"skipped:held_by_others": 1}
    assert exchange.members == {"ann"}
    exchange.remove(5, {"ann": 900}, dag="wide")
    assert exchange.members == set()


def test_a_revert_that_ended_a_hold_is_reverted(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(2, {"ann": 100}, dag="wide")
    revert(2, "day-2", dag="wide")
    assert revert(3, "revert-2", dag=REVERTING)["holds"] == {"ended": 0, "held_again": 1}
    assert exchange.remove(4, {"ann": 900}, dag="strict")["reasons"] == {"skipped:held_by_others": 1}


def test_a_revert_of_one_person_or_a_dry_run_ends_no_other_hold(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100}, dag="strict")
    exchange.add(2, {"ann": 100, "bob": 100}, dag="wide")
    revert(2, "day-2", dag="wide", dry_run=True)
    revert(3, "day-2", dag="wide", users="ann@new.example")
    exchange.remove(4, {"ann": 900, "bob": 900}, dag="strict")
    assert exchange.members == {"bob"}


# --- what is refused, before the first write


def refused(exchange: Exchange, match: str, *arguments: Any, **named: Any) -> None:
    exchange.sandbox.clear_requests()
    before = (exchange.members, len(exchange.sandbox.okta.accepted_events))
    with pytest.raises(AirflowFailException, match=match):
        revert(*arguments, **named)
    assert writes(exchange.sandbox) == []
    assert (exchange.members, len(exchange.sandbox.okta.accepted_events)) == before


def test_a_part_that_is_too_much_stops_all_parts(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100, "bob": 100})
    refused(exchange, "push_risk would change 2 of", 1, max_changes=1)


def test_all_parts_count_together(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"bob": 100})
    refused(exchange, "would change 2 users in 2 parts", 1, max_changes=1)


def test_a_plan_that_somebody_has_looked_at_may_be_of_any_size(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100, "bob": 100})
    planned = revert(2, "day-1", dry_run=True)
    ids = [part["plan"]["plan_id"] for part in planned["parts"]]
    refused(exchange, "push_risk would change 2 of", 2, "day-1", max_changes=1, approved_plan=ids[0])
    revert(2, "day-1", max_changes=0, approved_plan=ids)
    assert exchange.members == set()
    assert exchange.told("bob")[-1] == ("high", "none")


def test_whom_a_refused_revert_was_about_counts_for_nobodys_limit(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"bob": 100})
    refused(exchange, "would change 2 users in 2 parts", 2, "day-1", max_changes=1)
    log = open_action_log()
    with log.database.reading() as connection:
        assert connection.execute(select(claims)).all() == []
    log.close()
    # Nor do they count twice in the same task.
    assert revert(2, "day-1", max_changes=2)["counts"]["done"] == 2


def test_what_was_refused_together_can_be_looked_at_and_named(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"bob": 100})
    with pytest.raises(AirflowFailException, match=r"Plans: (\w+,\w+)\.") as caught:
        revert(2, "day-1", max_changes=1)
    ids = str(caught.value).partition("Plans: ")[2].partition(".")[0]
    revert(2, "day-1", max_changes=1, approved_plan=ids)
    assert exchange.members == set()


def test_without_an_approval_that_is_needed_nothing_is_undone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    refused(exchange, "Nobody has approved this", 2, "day-1", approval="approve")
    # Nor does the run count as reverted.
    exchange.add(1, {"ann": 100, "bob": 100})
    assert exchange.members == {"ann", "bob"}


def test_who_is_excluded_is_not_touched(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100, "bob": 100})
    report = revert(1, exclude_users="ann@new.example")
    assert report["reasons"] == {"done:reverted": 1, "skipped:excluded": 1}
    assert exchange.members == {"ann"}


def test_a_group_that_may_not_be_written_any_more_is_left_alone(exchange: Exchange, connect: Any) -> None:
    exchange.add(1, {"ann": 100})
    refused(exchange, "At risk", 1, exclude_groups=[GROUP])
    okta = exchange.sandbox
    connect(
        "okta_default",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra={"writable_groups": "Watchlist"},
    )
    refused(exchange, "writable_groups", 1)


def test_a_service_app_asks_for_what_undoing_takes(exchange: Exchange, connect: Any) -> None:
    exchange.add(1, {"ann": 100})
    okta = exchange.sandbox
    connect(
        "okta_default",
        conn_type="okta",
        host=okta.okta_url,
        login=okta.okta_client_id,
        extra={"auth_method": "private_key_jwt", "client_private_key": okta.okta_client_private_key},
    )
    assert revert(1)["counts"]["done"] == 1
    assert exchange.members == set()
    asked_for = {scope for one in okta.okta.token_requests for scope in one.get("scopes", ())}
    assert {"okta.users.read", "okta.groups.manage"} <= asked_for
    assert "okta.userRisk.manage" not in asked_for


def test_a_log_without_names_suggests_none(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", "masked")
    exchange.user("dora", login="dora", email="dora@new.example")
    exchange.add(1, {"dora@new.example": 100})
    with pytest.raises(AirflowFailException) as caught:
        revert(1, users="doro")
    assert "dora" not in str(caught.value)
    capsys.readouterr()
    revert(1)
    assert "dora" not in capsys.readouterr().out
    assert exchange.members == set()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        pytest.param(
            {"run": "day-7"}, "knows no run 'day-7' of the DAG sync. Did you mean 'day-1'", id="run"
        ),
        pytest.param(
            {"run": "day-1", "dag": "synk"}, "no run of a DAG 'synk'. Did you mean 'sync'", id="dag"
        ),
        pytest.param(
            {"run": "day-1", "users": "zoe@new.example"}, "decided about nobody named 'zoe", id="user"
        ),
        pytest.param({"run": "day-1", "actions": "upsert_risk"}, "cannot be undone", id="action"),
        pytest.param({"run": ""}, "not said which run", id="none"),
    ],
)
def test_what_is_not_there_is_an_error_that_helps(
    exchange: Exchange, arguments: dict[str, Any], match: str
) -> None:
    exchange.add(1, {"ann": 100})
    run = arguments.pop("run")
    refused(exchange, match, 2, run, **arguments)


def test_a_revert_for_an_earlier_time_is_refused(exchange: Exchange) -> None:
    exchange.add(5, {"ann": 100})
    refused(exchange, "which is not earlier", 1, "day-5")


def test_a_backfill_reverts_nothing(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    operator = OktaRevertRunOperator(task_id="revert", reverted_dag_id="sync", reverted_run_id="day-1")
    context: Any = context_of_revert(at_noon(2), "r", run_type="backfill")
    with pytest.raises(AirflowFailException, match="a revert is for now"):
        operator.execute(context)
    assert exchange.members == {"ann"}


def test_the_run_of_another_org_is_refused(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    also_did(org="https://other.okta.com", run_id="elsewhere")
    refused(exchange, "did not act on the org .*, but on https://other.okta.com", 2, "elsewhere")


def test_while_all_writes_are_paused_it_is_only_planned(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    monkeypatch.setenv("AIRFLOW_VAR_OKTA_URE_PAUSED", "wrong tenant")
    exchange.sandbox.clear_requests()
    report = revert(1)
    assert report["reasons"] == {"planned:paused": 2}
    assert "wrong tenant" in report["warnings"][0]
    assert writes(exchange.sandbox) == []
    # The run is not reverted, and the revert can be run again.
    monkeypatch.delenv("AIRFLOW_VAR_OKTA_URE_PAUSED")
    assert revert(1)["counts"]["done"] == 2
    assert exchange.members == set()


# --- what cannot be undone


def test_what_cannot_be_undone_is_listed(exchange: Exchange) -> None:
    exchange.task(
        OktaUpsertUserRiskOperator(task_id="upsert", rows=rows_of({"ann": 100}), max_change_percent=100), 1
    )
    exchange.task(
        OktaAddToGroupOperator(
            task_id="add", rows=rows_of({"bob": 100}), group_name=GROUP, create_group=True, dry_run=True
        ),
        1,
    )
    report = revert(1)
    assert report["not_undone"]["reasons"] == {"not_revertible": 1, "nothing_done": 1}
    assert report["counts"]["done"] == 0


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        pytest.param({}, "cannot sign risk signals", id="no-key"),
        pytest.param({"issuer": "https://other.corp.example"}, "signs as https://other", id="other-issuer"),
    ],
)
def test_signals_that_the_connection_cannot_send_do_not_stop_the_rest(
    exchange: Exchange, connect: Any, signing_key: Any, extra: dict[str, str], why: str
) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    okta = exchange.sandbox
    key = {"signing_private_key": signing_key.pem, "jwks_url": "https://corp.example/jwks"} if extra else {}
    connect(
        "okta_default",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra={**key, **extra},
    )
    report = revert(1)
    assert exchange.members == set()
    assert report["not_undone"]["reasons"] == {"not_revertible": 1}
    assert why in report["not_undone"]["examples"][0]["message"]
    assert exchange.told("ann") == [("none", "high")]


def test_a_group_that_is_gone_does_not_stop_the_rest(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    also_did(target="00ggone", target_name="Gone")
    report = revert(1)
    assert "There is no group with the id" in report["warnings"][0]
    assert exchange.told("ann")[-1] == ("high", "none")
