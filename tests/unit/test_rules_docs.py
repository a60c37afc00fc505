from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.rule_checks import DEEPEST_RULE, FIELDS
from airflow_provider_okta_ure.core.rule_patterns import LONGEST_PATTERN
from airflow_provider_okta_ure.core.rules import LONGEST_RULE, Rule
from airflow_provider_okta_ure.errors import RuleError

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
ANN = Row(
    user="ann@corp.example",
    score=312,
    previous_score=900,
    score_level="high",
    risk_level="high",
    previous_risk_level="low",
    source="netskope_default",
)
PEOPLE = [
    ANN,
    Row(user="svc-7@elsewhere.example", score_level="none", risk_level="none", previous_risk_level="none"),
    Row(
        user="admin.contractor@subsidiary.example",
        score=100,
        previous_score=90,
        provisional=True,
        score_level="critical",
        risk_level="high",
        previous_risk_level="high",
    ),
    Row(user="ceo@corp.example", score_level="none", risk_level="none", previous_risk_level="none"),
    Row(
        user="a@b",
        score=990,
        previous_score=990,
        score_level="low",
        risk_level="low",
        previous_risk_level="low",
    ),
]


def blocks(kind: str) -> list[list[str]]:
    return [found.strip().splitlines() for found in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("line", [line for block in blocks("rule") for line in block])
def test_an_example_tells_people_apart(line: str) -> None:
    rule = Rule.parse(line)
    assert {rule.matches(one) for one in PEOPLE} == ({True} if line == "true" else {True, False})


@pytest.mark.parametrize(("rule", "expected"), blocks("explain"))
def test_an_explanation_reads_as_shown(rule: str, expected: str) -> None:
    assert Rule.parse(rule).explain(ANN) == expected


@pytest.mark.parametrize(("rule", "expected"), blocks("error"))
def test_an_error_reads_as_shown(rule: str, expected: str) -> None:
    with pytest.raises(RuleError) as caught:
        Rule.parse(rule)
    assert str(caught.value).startswith(expected)


def test_the_page_names_every_field_and_limit() -> None:
    table = PAGE.split("## What a rule can say")[0]
    assert [name for name in FIELDS if f"`{name}`" not in table] == []
    for limit in (LONGEST_RULE, DEEPEST_RULE, LONGEST_PATTERN):
        assert str(limit) in PAGE.split("## Limits")[1]


def test_the_page_has_no_block_that_nobody_runs() -> None:
    assert set(re.findall(r"^```(\w*)$", PAGE, re.MULTILINE)) == {"rule", "explain", "error", ""}
