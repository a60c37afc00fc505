"""Only the difference is written: what an action will do, decided before the first write."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.core.decisions import adding, pushing, removing, upserting
from airflow_provider_okta_ure.core.decisions.adding import names_to_look_up_for_adding
from airflow_provider_okta_ure.core.decisions.facts import GroupFacts, RunFacts, SignalFacts, UserRiskFacts
from airflow_provider_okta_ure.core.decisions.removing import RemovalPolicy, names_to_look_up_for_removing
from airflow_provider_okta_ure.core.decisions.signals import PushMode
from airflow_provider_okta_ure.core.matching import Directory
from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel, Row
from airflow_provider_okta_ure.errors import RowError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision


def user(name: str, email: str | None = None, status: str = "ACTIVE") -> OktaUser:
    return OktaUser(
        user_id=f"id-{name}", login=f"{name}@x.example", email=email or f"{name}@x.example", status=status
    )


def row(
    name: str, risk: RiskLevel | None = "high", before: RiskLevel | None = None, score: int | None = 100
) -> Row:
    return Row(user=f"{name}@x.example", score=score, risk_level=risk, previous_risk_level=before)


RUN = RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc))


def decide_additions(rows: list[Row], members: list[OktaUser], directory: Directory) -> list[Decision]:
    by_id = {one.user_id: one for one in members}
    return adding.decide_additions(rows, GroupFacts(run=RUN, members=by_id, directory=directory))


def decide_removals(rows: list[Row], members: list[OktaUser], directory: Directory) -> list[Decision]:
    by_id = {one.user_id: one for one in members}
    facts = GroupFacts(run=RUN, members=by_id, directory=directory, ours=by_id.keys())
    return removing.decide_removals(rows, facts, RemovalPolicy(dag_id="sync"))


def decide_upserts(rows: list[Row], directory: Directory) -> list[Decision]:
    return upserting.decide_upserts(rows, UserRiskFacts(run=RUN, directory=directory))


def decide_signals(rows: list[Row], directory: Directory) -> list[Decision]:
    return pushing.decide_signals(rows, SignalFacts(run=RUN, directory=directory), PushMode())


def summary(decisions: list[Decision]) -> list[str]:
    return [
        one.outcome.reason if one.outcome else f"act on {one.user and one.user.user_id}" for one in decisions
    ]


def test_only_who_is_no_member_is_added():
    members, found = [user("ann")], [user("bob"), user("gone", status="DEPROVISIONED")]
    rows = [row("Ann"), row("bob"), row("nobody"), row("gone")]
    assert summary(decide_additions(rows, members, Directory([*members, *found]))) == [
        "already_member",
        "act on id-bob",
        "user_not_in_okta",
        "user_deprovisioned",
    ]


def test_members_named_by_login_are_not_looked_up_before_adding_and_all_others_are():
    members = Directory([user("ann", "ann.a@x.example")])
    rows = [row("ANN"), row("ann.a"), row("bob")]
    assert names_to_look_up_for_adding(rows, members) == ["ann.a@x.example", "bob@x.example"]


def test_only_members_are_removed_and_a_stranger_is_no_failure():
    members = [user("ann"), user("carl")]
    rows = [row("Ann"), row("stranger")]
    assert summary(decide_removals(rows, members, Directory(members))) == ["act on id-ann", "not_a_member"]


def test_a_members_email_that_is_the_login_of_somebody_outside_removes_nobody():
    member, outsider = user("ann", "shared@x.example"), user("shared")
    rows = [row("shared")]
    assert names_to_look_up_for_removing(rows, Directory([member]), set()) == ["shared@x.example"]
    assert summary(decide_removals(rows, [member], Directory([member, outsider]))) == ["not_a_member"]


def test_a_members_email_that_is_nobody_elses_login_removes_the_member():
    member = user("ann", "mail@x.example")
    assert summary(decide_removals([row("mail")], [member], Directory([member]))) == ["act on id-ann"]


def test_an_email_of_two_members_removes_neither():
    members = [user("ann", "both@x.example"), user("bob", "both@x.example")]
    assert summary(decide_removals([row("both")], members, Directory(members))) == ["ambiguous_user"]


def test_nobody_is_looked_up_for_a_name_that_no_member_answers_to():
    assert names_to_look_up_for_removing([row("ann"), row("zoe")], Directory([user("ann")]), set()) == []


def test_a_member_is_found_by_the_name_that_they_were_added_under():
    renamed = user("ann.jones")
    rows = [row("ann")]
    known_as = {"ann@x.example": renamed}
    assert names_to_look_up_for_removing(rows, Directory([renamed]), known_as) == ["ann@x.example"]
    assert summary(decide_removals(rows, [renamed], Directory([renamed], known_as))) == [
        "act on id-ann.jones"
    ]


def test_a_name_that_is_somebody_elses_by_now_removes_nobody():
    renamed, new = user("ann.jones"), user("ann")
    known_as = {"ann@x.example": renamed}
    assert summary(decide_removals([row("ann")], [renamed], Directory([renamed, new], known_as))) == [
        "not_a_member"
    ]


def test_everybody_with_a_score_says_something():
    rows = [row("a", "high", "high"), row("b", "none", None, score=None)]
    assert sorted(summary(decide_signals(rows, Directory([user("a")])))) == ["act on id-a", "no_score"]


@pytest.mark.parametrize("decide", [decide_signals, decide_upserts])
def test_a_row_that_nothing_mapped_is_refused_by_name(decide):
    with pytest.raises(RowError, match=r"Row 1 \(b@x\.example\) has no risk_level.*RiskMapLevelsOperator"):
        decide([row("a"), row("b", None)], Directory([]))


def test_the_risk_none_cannot_be_set_and_the_others_can():
    rows = [row("ann", "none"), row("bob", "medium")]
    assert summary(decide_upserts(rows, Directory([user("ann"), user("bob")]))) == [
        "level_not_settable",
        "act on id-bob",
    ]
