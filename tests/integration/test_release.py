# SPDX-License-Identifier: Apache-2.0
"""Who leaves a group, and when: those whom a rule releases, whose time is over, and nobody whom others added."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.conftest import NOW
from tests.integration.judging_support import ADD, DAY, REMOVE, context, logged, people, row, run, writes


class Group:
    """A group that rules keep, one day after the other."""

    def __init__(self, okta: Any, **adding: Any) -> None:
        self.okta = okta
        self.id = okta.okta.add_group("Risky").id
        self.adding = adding
        self.removing: dict[str, Any] = {}

    def add(self, day: int, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        where = more.pop("where", None) or context(NOW + day * DAY)
        return run(ADD, list(rows), where, group_id=self.id, **{**self.adding, **more})

    def remove(self, day: int, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        where = more.pop("where", None) or context(NOW + day * DAY)
        return run(REMOVE, list(rows), where, group_id=self.id, **{**self.removing, **more})

    def join_by_hand(self, name: str) -> None:
        self.okta.okta.add_member(self.id, self.okta.okta.find_user(f"{name}@new.example").id)

    def leave_by_hand(self, name: str) -> None:
        user = self.okta.okta.find_user(f"{name}@new.example")
        self.okta.okta.group(self.id).members.discard(user.number)

    @property
    def names(self) -> set[str]:
        return {self.okta.okta.user(one).login.partition("@")[0] for one in self.okta.okta.members(self.id)}


@pytest.fixture
def group(okta) -> Group:
    """A group for good, and three people."""
    people(okta, 3)
    return Group(okta)


@pytest.fixture
def boxed(okta) -> Group:
    """A group that people are in for three days, and three people."""
    people(okta, 3)
    return Group(okta, expires_after="3d")


HIGH: dict[str, Any] = {"score": 400, "score_level": "high", "risk_level": "high"}


# --- only whom we added


def test_a_member_whom_somebody_else_added_stays(group):
    group.join_by_hand("p1")
    group.add(0, row("p0"), row("p1"))
    report = group.remove(1, row("p0", 900), row("p1", 900))
    assert group.names == {"p1"}
    assert report["reasons"] == {"skipped:not_added_by_us": 1}
    assert report["counts"]["done"] == 1


def test_and_leaves_when_that_does_not_matter(group):
    group.join_by_hand("p1")
    assert group.remove(1, row("p1", 900), only_added_by_us=False)["counts"]["done"] == 1
    assert group.names == set()


def test_a_member_from_before_the_log_is_somebody_elses(group):
    group.join_by_hand("p0")
    assert group.remove(0, row("p0", 900))["reasons"] == {"skipped:not_added_by_us": 1}
    assert writes(group.okta) == []


def test_whom_we_add_again_after_somebody_took_him_out_is_ours(group):
    group.add(0, row("p0"))
    group.leave_by_hand("p0")
    assert group.add(1, row("p0"))["counts"]["done"] == 1
    assert group.remove(2, row("p0", 900))["counts"]["done"] == 1
    assert group.names == set()


def test_whom_we_released_and_somebody_else_adds_again_is_not_ours(group):
    group.add(0, row("p0"))
    group.remove(1, row("p0", 900))
    group.join_by_hand("p0")
    assert group.remove(2, row("p0", 900))["reasons"] == {"skipped:not_added_by_us": 1}
    assert group.names == {"p0"}


def test_a_day_that_changes_nothing_does_not_make_him_somebody_elses(group):
    group.add(0, row("p0"))
    for day in (1, 2):
        assert group.add(day, row("p0"))["reasons"] == {"unchanged:already_member": 1}
    assert group.remove(3, row("p0", 900))["counts"]["done"] == 1


def test_what_is_ours_in_one_group_is_not_ours_in_another(group, okta):
    group.add(0, row("p0"))
    other = Group.__new__(Group)
    other.okta, other.id, other.adding, other.removing = okta, okta.okta.add_group("Other").id, {}, {}
    other.join_by_hand("p0")
    assert other.remove(1, row("p0", 900))["reasons"] == {"skipped:not_added_by_us": 1}


# --- two rules with a gap


def test_who_is_between_the_two_rules_stays_as_he_is(dag_rules, group):
    """450 is at risk, 550 is neither, 650 has recovered; then 550 again is no relapse."""
    inside = []
    for day, score in enumerate([450, 550, 450, 650, 550, 550, 480]):
        at_risk, recovered = dag_rules(score)
        group.add(day, *([row("p0", score)] if at_risk else []))
        group.remove(day, *([row("p0", score)] if recovered else []))
        inside.append("p0" in group.names)
    assert inside == [True, True, True, False, False, False, True]


@pytest.fixture
def dag_rules() -> Any:
    """Whether the rules of the main DAG match a score: at risk, recovered."""
    from pathlib import Path

    from airflow.dag_processing.dagbag import DagBag

    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.core.rules import Rule

    dag = DagBag(str(Path(__file__).parents[2] / "dags")).dags["okta_risk_sync"]
    rules = [Rule.parse(dag.params[name]) for name in ("at_risk_rule", "recovered_rule")]
    return lambda score: [rule.matches(Row(user="x", score=score)) for rule in rules]


# --- for a time


def test_a_membership_ends_when_its_time_is_over_though_no_score_changed(boxed):
    boxed.add(0, row("p0"))
    for day in (1, 2):
        boxed.add(day, row("p0"))
        assert boxed.remove(day)["total"] == 0
    assert boxed.names == {"p0"}
    boxed.add(3, row("p0"))
    report = boxed.remove(3)
    assert report["reasons"] == {"done:expired": 1}
    assert boxed.names == set()
    (entry,) = logged(action="remove_from_group")
    assert (entry.reason, entry.user_name) == ("expired", "p0@new.example")


def test_days_in_between_do_not_make_it_longer(boxed):
    boxed.add(0, row("p0"))
    boxed.add(2, row("p0"), row("p1"))
    boxed.remove(3)
    assert boxed.names == {"p1"}
    boxed.remove(5)
    assert boxed.names == set()


@pytest.mark.parametrize("order", ["add-first", "remove-first"])
def test_who_is_still_at_risk_is_not_added_again_for_the_same_level(boxed, order):
    boxed.add(0, row("p0"))
    for day in (3, 4, 10):
        steps = [lambda day=day: boxed.add(day, row("p0")), lambda day=day: boxed.remove(day)]
        for step in steps if order == "add-first" else reversed(steps):
            step()
        assert boxed.names == set()
    assert boxed.add(11, row("p0"))["reasons"] == {"skipped:time_over": 1}


def test_another_level_begins_a_new_membership_with_a_time_of_its_own(boxed):
    boxed.add(0, row("p0", **HIGH))
    boxed.remove(3)
    assert boxed.add(4, row("p0", **HIGH))["reasons"] == {"skipped:time_over": 1}
    assert boxed.add(5, row("p0", 100))["counts"]["done"] == 1
    boxed.remove(7)
    assert boxed.names == {"p0"}
    boxed.remove(8)
    assert boxed.names == set()


def test_a_relapse_after_a_recovery_begins_a_new_membership(boxed):
    boxed.add(0, row("p0"))
    boxed.remove(1, row("p0", 900))
    assert boxed.names == set()
    assert boxed.add(20, row("p0"))["counts"]["done"] == 1


def test_a_relapse_after_a_recovery_outside_the_group_does_so_too(boxed):
    boxed.add(0, row("p0"))
    boxed.remove(3)
    assert boxed.add(4, row("p0"))["reasons"] == {"skipped:time_over": 1}
    assert boxed.remove(5, row("P0@New.Example", 900))["reasons"] == {"unchanged:not_a_member": 1}
    assert boxed.add(6, row("p0"))["counts"]["done"] == 1


def test_the_time_is_not_over_for_whom_somebody_else_added(boxed):
    boxed.join_by_hand("p0")
    boxed.add(0, row("p0"))
    assert boxed.remove(9)["total"] == 0
    assert boxed.names == {"p0"}


def test_without_a_limit_of_time_nobody_leaves_for_it(group):
    group.add(0, row("p0"))
    assert group.remove(40)["total"] == 0
    assert group.names == {"p0"}


def test_releasing_by_time_can_be_switched_off(boxed):
    boxed.add(0, row("p0"))
    assert boxed.remove(9, release_expired="false")["total"] == 0
    assert boxed.names == {"p0"}


def test_who_recovers_on_the_last_day_leaves_once_and_by_the_rule(boxed):
    boxed.add(0, row("p0"))
    report = boxed.remove(3, row("p0", 900))
    assert (report["total"], report["counts"]["done"], report["reasons"]) == (1, 1, {})


def test_a_dry_run_says_whose_time_is_over_and_removes_nobody(boxed):
    boxed.add(0, row("p0"), row("p1"))
    report = boxed.remove(3, dry_run=True)
    assert report["reasons"] == {"planned:expired": 2}
    assert [one["user"] for one in report["plan"]["changes"]] == ["p0@new.example", "p1@new.example"]
    assert boxed.names == {"p0", "p1"}


def test_a_backfill_removes_nobody_for_it_unless_told_to(boxed):
    boxed.add(0, row("p0"))

    def backfill() -> dict[str, Any]:
        return context(NOW + 3 * DAY, dag_run=SimpleNamespace(run_after=NOW, run_type="backfill"))

    assert boxed.remove(3, where=backfill())["reasons"] == {"planned:past_interval": 1}
    assert boxed.names == {"p0"}
    assert boxed.remove(3, where=backfill(), past_intervals="apply")["reasons"] == {"done:expired": 1}


def test_an_earlier_moment_does_not_end_what_was_decided_later(boxed):
    boxed.add(0, row("p0"))
    boxed.leave_by_hand("p0")
    boxed.add(4, row("p0", **HIGH))
    report = boxed.remove(3, past_intervals="apply")
    assert report["counts"]["done"] == 0
    assert boxed.names == {"p0"}


def test_in_a_group_that_is_gone_nobodys_time_is_over(okta):
    assert run(REMOVE, [], group_name="Gone")["total"] == 0
    assert writes(okta) == []


def test_whose_time_is_over_is_not_touched_when_he_is_excluded(boxed):
    boxed.add(0, row("p0"), row("p1"))
    report = boxed.remove(3, exclude_users=["p0@new.example"])
    assert report["reasons"] == {"done:expired": 1, "skipped:excluded": 1}
    assert boxed.names == {"p0"}


def test_a_crowd_whose_time_is_over_is_a_large_change_like_any_other(okta):
    people(okta, 30)
    boxed = Group(okta, expires_after="3d", max_change_percent=100)
    boxed.add(0, *(row(f"p{number}") for number in range(30)))
    with pytest.raises(Exception, match="would change 30 of 30 members of the group"):
        boxed.remove(3)
    assert len(boxed.names) == 30
    plan_id = boxed.remove(3, dry_run=True)["plan"]["plan_id"]
    assert boxed.remove(3, approved_plan=plan_id)["reasons"] == {"done:expired": 30}


@pytest.mark.parametrize("wrong", ["soon", "0d", "-1d", 14])
def test_a_time_that_is_none_is_an_error_before_the_first_call(okta, wrong):
    with pytest.raises(Exception, match="expires_after is"):
        run(ADD, [row("p0")], group_name="Risky", expires_after=wrong)
    assert okta.requests_to("okta", path_prefix="/api/") == []
