"""Choosing rows by a rule and mapping them to levels, as tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.rows import to_rows
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from tests.integration.conftest import context_of

ROWS = [
    {"user": "ann@corp.example", "score": 100, "previous_score": 800},
    {"user": "Bob@corp.example", "score": 700},
    {"user": "carl@corp.example"},
]


def run(operator: type[Any], rows: Any, **arguments: Any) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = operator(task_id="t", rows=rows, **arguments).execute(context_of())
    assert json.loads(json.dumps(result)) == result
    return result


@pytest.mark.parametrize(
    ("rule", "users"),
    [
        pytest.param("score <= 500", ["ann@corp.example"], id="number"),
        pytest.param("not score <= 500", ["Bob@corp.example"], id="a-missing-score-is-neither"),
        pytest.param('user == "BOB@CORP.EXAMPLE"', ["Bob@corp.example"], id="case"),
        pytest.param("score > 1000", [], id="nobody"),
    ],
)
def test_a_filter_keeps_the_rows_that_match(rule, users):
    assert [row["user"] for row in run(RiskFilterOperator, ROWS, rule=rule)] == users


@pytest.mark.parametrize(
    "operator_arguments", [(RiskFilterOperator, {"rule": "score < 5"}), (RiskMapLevelsOperator, {})]
)
def test_no_rows_in_are_no_rows_out(operator_arguments):
    operator, arguments = operator_arguments
    assert run(operator, [], **arguments) == []


def test_a_wrong_rule_fails_for_good_even_without_rows():
    with pytest.raises(AirflowFailException, match="Did you mean 'score'"):
        run(RiskFilterOperator, [], rule="scor < 5")


def test_levels_follow_the_default_bounds():
    rows = to_rows(run(RiskMapLevelsOperator, ROWS))
    assert [(row.score_level, row.risk_level, row.previous_risk_level) for row in rows] == [
        ("critical", "high", "low"),
        ("medium", "medium", "none"),
        ("none", "none", "none"),
    ]


def test_bounds_and_mapping_can_be_set_also_as_text_from_a_template():
    bounds = {"critical": [0, 50], "high": [51, 60], "medium": [61, 99], "low": [100, 1000]}
    mapping = '{"critical": "high", "high": "medium", "medium": "low", "low": "none", "none": "none"}'
    rows = run(RiskMapLevelsOperator, ROWS[:1], score_bounds=bounds, level_mapping=mapping)
    assert (rows[0]["score_level"], rows[0]["risk_level"]) == ("low", "none")


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param(
            {"critical": [0, 250], "high": [252, 500], "medium": [501, 750], "low": [751, 1000]}, id="gap"
        ),
        pytest.param(
            {"critical": [0, 250], "high": [250, 500], "medium": [501, 750], "low": [751, 1000]}, id="overlap"
        ),
        pytest.param("{not json", id="not-json"),
    ],
)
def test_wrong_bounds_fail_for_good(bounds):
    with pytest.raises(AirflowFailException):
        run(RiskMapLevelsOperator, ROWS, score_bounds=bounds)


@pytest.mark.parametrize("rows", [None, "rows", {"user": "a"}, 5])
def test_what_is_no_list_of_rows_is_refused(rows):
    with pytest.raises(AirflowFailException):
        run(RiskMapLevelsOperator, rows)


EU = [{"user": "jin@corp.example", "score": 100, "score_at": "2026-11-20T00:00:00Z", "source": "eu"}]
US = [
    {"user": "Jin@corp.example", "score": 900, "score_at": "2026-11-22T00:00:00Z", "source": "us"},
    {"user": "ann@corp.example", "score": 700, "source": "us"},
]
AT_RISK, RECOVERED = "score <= 500", "score > 600"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*EU, *US], id="one-list"),
        pytest.param([*US, *EU], id="one-list-turned-round"),
        pytest.param([EU, US], id="two-tasks"),
        pytest.param([US, EU], id="two-tasks-turned-round"),
        pytest.param([[US[:1], US[1:]], EU], id="a-mapped-task-and-another"),
        pytest.param([[EU, []], [US[1:], US[:1]]], id="two-mapped-tasks"),
        pytest.param(iter([iter([tuple(US), tuple(EU)])]), id="lazy-sequences"),
    ],
)
def test_who_is_at_risk_in_one_tenant_has_not_recovered_in_another(rows):
    rows = list(rows)
    rows = [list(one) if not isinstance(one, dict) else one for one in rows]
    at_risk = run(RiskFilterOperator, rows, rule=AT_RISK)
    assert {(row["user"], row["score"], row["source"]) for row in at_risk} == {
        ("jin@corp.example", 100, "eu"),
        ("Jin@corp.example", 100, "us"),
    }
    assert [row["user"] for row in run(RiskFilterOperator, rows, rule=RECOVERED, unless=AT_RISK)] == [
        "ann@corp.example"
    ]


def test_a_rule_can_still_tell_sources_apart():
    (row,) = run(RiskFilterOperator, [US, EU], rule='source == "us" and score <= 500')
    assert (row["source"], row["score"], row["score_at"]) == ("us", 100, "2026-11-20")
    assert run(RiskFilterOperator, [US, EU], rule='source == "us" and score == 900') == []


def test_a_missing_score_in_one_tenant_does_not_hide_the_score_of_another():
    none = [{"user": "jin@corp.example", "source": "apac"}]
    for rows in ([none, EU], [EU, none]):
        assert {row["source"] for row in run(RiskFilterOperator, rows, rule=AT_RISK)} == {"eu", "apac"}
    assert run(RiskFilterOperator, none, rule=AT_RISK) == []


def test_of_one_source_the_newest_row_counts_and_not_an_old_bad_day():
    old = [{**US[0], "score": 50, "score_at": "2026-11-19T00:00:00Z"}]
    assert [
        row["score"] for row in run(RiskFilterOperator, [old, US[:1]], rule=RECOVERED, unless=AT_RISK)
    ] == [900, 900]


def test_names_that_only_fold_alike_are_different_people():
    rows = [
        {"user": "gro\u00df@corp.example", "score": 100},
        {"user": "gross@corp.example", "score": 900},
    ]
    assert [row["user"] for row in run(RiskFilterOperator, rows, rule=AT_RISK)] == ["gro\u00df@corp.example"]


def test_levels_that_are_there_already_follow_the_least_safe_score():
    rows = [run(RiskMapLevelsOperator, US[:1]), run(RiskMapLevelsOperator, EU)]
    assert [row["risk_level"] for row in run(RiskFilterOperator, rows, rule='risk_level == "high"')] == [
        "high",
        "high",
    ]


def test_lists_without_end_are_no_rows():
    with pytest.raises(AirflowFailException, match="Row 0 is a list and not a dict"):
        run(RiskFilterOperator, [[[[EU]]]], rule=AT_RISK)
