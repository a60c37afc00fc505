"""Whose rows a reading returns: those that a rule matches, and tracked users; and how far a rule can reach."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.core.keeping import Keep
from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.readings import Reading
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError

AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAY = timedelta(days=1)

numbers = st.integers(-5, 1005) | st.sampled_from([250.5, 499.5, 1e9, -3.25])
operators = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
comparisons = st.builds(
    lambda left, operator, number, is_turned: (
        f"{number} {operator} {left}" if is_turned else f"{left} {operator} {number}"
    ),
    st.sampled_from(["score", "previous_score", "(score ?? 700)", "(score - 100)"]),
    operators,
    numbers,
    st.booleans(),
)
others = st.sampled_from(
    [
        'user.ends_with("x")',
        "provisional",
        "has_score",
        "true",
        "false",
        "score in [3, 400, 7]",
        "not has_score",
    ]
)
rules = st.recursive(
    comparisons | others,
    lambda inner: (
        st.builds(
            lambda left, word, right: f"({left}) {word} ({right})",
            inner,
            st.sampled_from(["and", "or"]),
            inner,
        )
        | st.builds(lambda one: f"not ({one})", inner)
    ),
    max_leaves=6,
)
scores = st.none() | st.integers(0, 1000)
users = st.builds(
    Row,
    user=st.sampled_from(["anx", "bob", "cyx"]),
    score=scores,
    previous_score=scores,
    provisional=st.booleans(),
    as_of=st.just(AS_OF),
    score_at=st.just(AS_OF - DAY),
)


@settings(deadline=None)
@given(rules, st.lists(users, max_size=8))
def test_no_rule_matches_a_score_above_its_highest(text: str, rows: list[Row]) -> None:
    rule = Rule.parse(text)
    for row in rows:
        if rule.matches(row):
            assert row.score is None or row.score <= rule.highest
            assert row.score is not None or not rule.needs_score


@pytest.mark.parametrize(
    ("text", "highest"),
    [
        ("score <= 500", 500),
        ("500 >= score", 500),
        ("score < 500", 499),
        ("not (score > 500)", 500),
        ("score <= 500 and user.ends_with('x')", 500),
        ("score <= 250 or score == 400", 400),
        ("score in [1, 300]", 300),
        ("score <= 250 and (previous_score ?? 1000) > 250", 250),
        ("false", -1),
        ("score <= -3", -1),
        # Any score can match these.
        ("score > 600", 1000),
        ("has_score", 1000),
        ("user.ends_with('x')", 1000),
        ("score <= 500 or user == 'x'", 1000),
        ("(score ?? 0) <= 500", 1000),
        ("score - 100 < 3", 1000),
        ("true", 1000),
    ],
)
def test_how_far_a_rule_reaches_is_known_from_its_text(text: str, highest: int) -> None:
    assert Rule.parse(text).highest == highest


@settings(deadline=None)
@given(
    st.lists(rules, min_size=0, max_size=3), st.lists(users, max_size=12), st.sets(st.sampled_from(["bob"]))
)
def test_a_reading_keeps_what_one_rule_matches_or_is_tracked_and_counts_the_rest(
    texts: list[str], rows: list[Row], names: set[str]
) -> None:
    whole = Reading(None, source="n", as_of=AS_OF)
    whole.take(rows)
    keep = Keep.parse(texts)
    assert keep is not None
    keep.names |= names
    part = Reading(keep, source="n", as_of=AS_OF)
    part.take(rows)
    parsed = [Rule.parse(text) for text in texts]
    expected = [row for row in whole.rows if row.key in names or any(rule.matches(row) for rule in parsed)]
    assert part.rows == expected
    assert (part.read, part.scored) == (whole.read, whole.scored)
    assert sum(part.not_kept().values()) == len(rows) - len(expected)


def test_not_kept_are_counted_by_level_and_none_is_a_level() -> None:
    keep = Keep.parse("score <= 100")
    reading = Reading(keep, source="n", as_of=AS_OF)
    reading.take(Row(user=f"u{score}", score=score) for score in (50, 101, 500, 501, 751, None))
    assert reading.not_kept() == {"high": 2, "medium": 1, "low": 1, "none": 1}
    reading.add([Row(user="u501", score=501), Row(user="u50", score=50)], were_read=True)
    assert reading.not_kept() == {"high": 2, "low": 1, "none": 1}
    assert [row.user for row in reading.rows] == ["u50", "u501"]


def test_scores_of_a_day_that_is_not_settled_are_provisional_before_a_rule_sees_them() -> None:
    rows = [
        Row(user="new", score=5, score_at=AS_OF - DAY),
        Row(user="old", score=5, score_at=AS_OF - 2 * DAY),
    ]
    reading = Reading(Keep.parse("provisional"), source="n", as_of=AS_OF, is_settled=False)
    reading.take(rows)
    assert [(row.user, row.provisional) for row in reading.rows] == [("new", True)]
    assert reading.provisional == 1


@pytest.mark.parametrize(
    "value", ["score <= 5", ["score <= 5"], ("score <= 5",), '["score <= 5"]', ' [ "score <= 5" ]']
)
def test_one_rule_or_several_in_every_usual_form(value: Any) -> None:
    keep = Keep.parse(value)
    assert keep is not None
    assert [rule.text for rule in keep.rules] == ["score <= 5"]


def test_none_is_everybody_and_no_rule_is_nobody_but_the_tracked() -> None:
    assert Keep.parse(None) is None
    keep = Keep.parse([])
    assert keep is not None
    assert not keep.wants(Row(user="ann", score=0))


@pytest.mark.parametrize(
    "wrong", ["", " ", 5, True, {"score": 5}, b"true", [None], [""], ["[true]"], '["true"', "[5]"]
)
def test_what_is_no_rule_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="keep"):
        Keep.parse(wrong)


@pytest.mark.parametrize("field", ["score_level", "risk_level", "previous_risk_level"])
def test_levels_are_refused_because_nobody_has_mapped_them_yet(field: str) -> None:
    with pytest.raises(RuleError, match=f"keep: {field} is not known yet"):
        Keep.parse(f'{field} == "high"')


def test_what_goes_without_saying_between_the_tasks_of_a_run_does_not_travel() -> None:
    reading = Reading(None, source="n", as_of=AS_OF)
    read = Row(
        user="ann",
        score=312,
        score_at=AS_OF - DAY,
        previous_score=400,
        previous_score_at=AS_OF - 2 * DAY,
        as_of=AS_OF,
    )
    reading.take([read])
    assert reading.rows == [Row(user="ann", score=312, previous_score=400, source="n")]


def test_a_score_that_was_carried_over_says_its_day() -> None:
    reading = Reading(None, source="n", as_of=AS_OF)
    reading.take([Row(user="ann", score=1, score_at=AS_OF - 3 * DAY, as_of=AS_OF)])
    assert reading.rows[0].score_at == AS_OF - 3 * DAY
