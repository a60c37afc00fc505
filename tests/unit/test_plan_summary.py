# SPDX-License-Identifier: Apache-2.0
"""What a person who is asked for approval reads: the change in words, whose it is, and why."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.models import OktaUser, Row
from airflow_provider_okta_ure.core.plans import Change, ChangePlan, PlanInOrg, Proposal
from airflow_provider_okta_ure.errors import ConfigurationError

AS_OF = datetime(2026, 11, 27, tzinfo=timezone.utc)
GROUP = {"group_id": "00g1", "group_name": "Netskope at risk"}
ISSUER = {"issuer": "https://risk.corp.example", "audience": "https://corp.okta.example"}


def change(name: str, score: int | None = 120, **levels: Any) -> Change:
    return Change(user=name, user_id=f"00u{name}", login=f"{name}@corp.example", score=score, **levels)


def plan(action: Any, changes: list[Change], **more: Any) -> ChangePlan:
    values: dict[str, Any] = {"plan_id": "3f6c", "as_of": AS_OF, "target": GROUP, **more}
    return ChangePlan(action=action, changes=changes, **values)


@pytest.mark.parametrize(
    ("action", "target", "heading"),
    [
        ("add_to_group", GROUP, "### Add 2 users to the group `Netskope at risk`"),
        ("remove_from_group", GROUP, "### Remove 2 users from the group `Netskope at risk`"),
        ("push_risk", ISSUER, "### Send risk signals to Okta about 2 users, as `https://risk.corp.example`"),
        ("upsert_risk", {}, "### Set the risk of 2 users in Okta"),
        ("no_action", {}, "### Record 2 users"),
    ],
)
def test_the_heading_is_a_sentence_and_not_a_list_of_ids(action, target, heading):
    lines = plan(action, [change("ann"), change("bob")], target=target).summary().splitlines()
    assert lines[0] == heading


def test_one_user_is_one_user():
    text = plan("add_to_group", [change("ann")], base=8, base_name="users of the source").summary()
    assert "### Add 1 user to the group" in text
    assert "**1 user** (12.5 % of 8 users of the source), as of 2026-11-27 00:00 UTC" in text
    assert "1 users" not in text


def test_the_rule_says_why():
    text = plan("add_to_group", [change("ann")], rules=["score <= 500", 'user == "a|b`c"']).summary()
    assert 'Because of the rule `score <= 500`, `user == "a\u2502b\'c"`.' in text
    assert "rule" not in plan("add_to_group", [change("ann")]).summary()


def test_a_removal_has_no_columns_without_a_value():
    lines = plan("remove_from_group", [change("ann", 700), change("bob", None)]).summary().splitlines()
    assert lines[-4:] == [
        "| user | score (higher is safer) |",
        "|---|---|",
        "| `ann@corp.example` | 700 |",
        "| `bob@corp.example` | none |",
    ]


def test_a_signal_shows_the_level_before_and_now_and_an_addition_only_the_level():
    changes = [change("ann", risk_level="high", previous_risk_level="low")]
    assert "| `ann@corp.example` | 120 | low | high |" in plan("push_risk", changes).summary()
    assert "| `ann@corp.example` | 120 | high |" in plan("add_to_group", changes).summary()


def test_the_plan_knows_the_rules_of_those_who_are_changed():
    ann = OktaUser(user_id="00u1", login="ann", email="ann", status="ACTIVE")
    decisions = [
        Decision(row=Row(user="ann", rule="score <= 500"), user=ann),
        Decision(row=Row(user="eve", rule="score <= 1"), user=None),
    ]
    proposal = Proposal.of(
        "add_to_group", decisions, org="o", target=GROUP, target_keys=["00g1"], as_of=AS_OF
    )
    assert proposal.plan.rules == ["score <= 500"]
    assert ChangePlan.read(proposal.plan.to_dict()) == proposal.plan
    for wrong in ("{", {"plan_id": "x"}, 5):
        with pytest.raises(ConfigurationError, match="not a plan"):
            ChangePlan.read(wrong)


def test_a_plan_applies_to_its_own_action_target_and_org_alone():
    about: dict[str, Any] = {"target": GROUP, "target_keys": ["00g1", "name:at risk"], "as_of": AS_OF}
    proposal = Proposal.of("add_to_group", [], org="o", **about)
    mine = plan("add_to_group", [])
    assert proposal.applies_where(PlanInOrg(org="o", target="name:at risk", plan=mine))
    for org, target, one in (
        ("other", "00g1", mine),
        ("o", "00g2", mine),
        ("o", "00g1", plan("remove_from_group", [])),
    ):
        assert not proposal.applies_where(PlanInOrg(org=org, target=target, plan=one))


@pytest.mark.parametrize("rule", ["score <= 500\n\n### Nobody", "a\u202eb", "a\u2028b\x00c"])
def test_no_text_of_others_can_end_its_line_or_turn_around_what_follows(rule):
    lines = plan("add_to_group", [change("ann")], rules=[rule]).summary().split("\n")
    assert "### Nobody" not in lines
    assert "".join(lines).isprintable()
    assert "\ufffd" in "".join(lines)


def test_whoever_is_not_shown_is_on_the_page():
    text = plan("add_to_group", [change(f"p{number}") for number in range(53)]).summary()
    assert text.endswith("and 3 more: the page User Risk names everybody.")
