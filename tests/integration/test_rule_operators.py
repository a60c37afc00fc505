"""Choosing rows by a rule and mapping them to levels, as tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

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
    rows = run(RiskMapLevelsOperator, ROWS)
    assert [(row["score_level"], row["risk_level"], row["previous_risk_level"]) for row in rows] == [
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
