"""The demo's own check, worked out by hand: it notices when Okta is not as the demo says."""

from __future__ import annotations

from typing import Any

import pytest

from demo import story

USERS = [
    {"id": name, "profile": {"login": f"{name}@x.example", "email": f"{name}@x.example"}} for name in "abcd"
]
SCORES: dict[str, int | None] = {
    "a@x.example": 100,
    "b@x.example": 500,
    "c@x.example": 700,
    "d@x.example": 550,
}
LOGINS = {name: f"{name}@x.example" for name in "abd"}
TOLD = {"a": "HIGH", "b": "HIGH", "d": "MEDIUM"}


def report(**done: int) -> dict[str, Any]:
    counts = {"add_to_group": 2, "remove_from_group": 0, "push_risk": 2, "push_improved": 0, **done}
    actions = {
        name: {"counts": {"done": number, "failed": 0, "skipped": 0}} for name, number in counts.items()
    }
    return {**actions, "confirm_ingested": {"counts": {"confirmed": 2, "missing": 0}}}


LOG = {
    "group.user_membership.add": 2,
    "group.user_membership.remove": 0,
    "security.events.provider.receive_event": 2,
}


def test_it_finds_nothing_wrong_with_the_right_state():
    expected = story.expected_in_okta(SCORES, USERS)
    assert story.differences(expected, {"a", "b"}, [report()], LOG) == []
    assert story.wrong_levels(expected, LOGINS, TOLD) == []


def test_it_notices_wrong_members():
    expected = story.expected_in_okta(SCORES, USERS)
    assert story.differences(expected, {"a"}, [report()], LOG) == ["1 users at risk are not in the group."]
    assert story.differences(expected, {"a", "b", "c"}, [report()], LOG) == [
        "1 recovered users are still in the group."
    ]


def test_it_notices_what_the_system_log_does_not_have():
    expected = story.expected_in_okta(SCORES, USERS)
    unproven = {**report(), "confirm_ingested": {"counts": {"confirmed": 0, "missing": 2}}}
    assert story.differences(expected, {"a", "b"}, [unproven], LOG) == [
        "2 risk signals were pushed, confirm_ingested found 0, 2 not."
    ]
    fewer = {**LOG, "group.user_membership.add": 1}
    assert any(
        "System Log has 1" in one for one in story.differences(expected, {"a", "b"}, [report()], fewer)
    )
    assert story.differences(expected, {"a", "b"}, [], dict.fromkeys(LOG, 0))


@pytest.mark.parametrize(
    ("user_id", "okta_has", "sentence"),
    [
        ("a", "NONE", "a@x.example is in the group with HIGH risk, Okta has NONE."),
        ("b", "MEDIUM", "b@x.example is in the group with HIGH risk, Okta has MEDIUM."),
        ("d", "HIGH", "d@x.example is in the group with MEDIUM risk, Okta has HIGH."),
    ],
)
def test_it_names_a_member_whose_level_okta_does_not_have(user_id, okta_has, sentence):
    expected = story.expected_in_okta(SCORES, USERS)
    assert story.wrong_levels(expected, LOGINS, {**TOLD, user_id: okta_has}) == [sentence]


def test_a_member_without_a_score_today_has_some_level_in_okta():
    expected = story.expected_in_okta({**SCORES, "a@x.example": None}, USERS)
    assert story.wrong_levels(expected, LOGINS, {**TOLD, "a": "MEDIUM"}) == []
    assert story.wrong_levels(expected, LOGINS, {**TOLD, "a": "NONE"}) == [
        "a@x.example is in the group with no risk, Okta has NONE."
    ]


def test_the_lower_of_two_scores_of_one_user_counts():
    users = [{"id": "a", "profile": {"login": "ann", "email": "a@x.example"}}]
    expected = story.expected_in_okta({"ann": 900, "a@x.example": 100}, users)
    assert (set(expected.inside), set(expected.outside)) == ({"a"}, set())
    assert expected.levels == {"a": "HIGH"}


def test_the_table_says_what_its_columns_mean():
    table = story.day_by_day([("2026-11-16", report()), ("today", report())])
    header = table.splitlines()[0].split()
    assert header[0] == "date"
    explained = {line.split()[0]: line for line in story.meaning_of_columns().splitlines()}
    assert list(explained) == header
    assert "higher scores are safer" in explained["added"]


def test_an_addition_is_explained_by_its_rule_and_a_signal_by_its_change():
    one = {
        "user": "a@x.example",
        "score": 63,
        "status": "done",
        "risk_level": "high",
        "previous_risk_level": "none",
    }
    shown = story.people(
        {name: {"examples": [one], "failures": []} for name in ("add_to_group", "push_risk")}
    ).splitlines()
    assert shown[2].endswith("added to the group     score <= 500")
    assert shown[3].endswith("risk pushed (at risk)  risk none -> high")
