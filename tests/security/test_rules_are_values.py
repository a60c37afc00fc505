"""Rules from the trigger dialog are combined as values: no text of one rule changes what another one means."""

from __future__ import annotations

import ast
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.decisions.facts import RunFacts
from airflow_provider_okta_ure.core.decisions.less_safe_rows import less_safe_row_decides
from airflow_provider_okta_ure.core.models import OktaUser, Row
from airflow_provider_okta_ure.core.rules import LONGEST_RULE
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.operators.okta import OktaRemoveFromGroupOperator
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator
from tests.integration.conftest import context_of
from tests.integration.exchange import Exchange

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PYTHON = sorted([*ROOT.glob("dags/*.py"), *ROOT.glob("demo/*.py"), *ROOT.glob("tests/e2e/**/*.py")])
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"])

ANN = {"user": "ann@corp.example", "score": 50}

# What each of these does to "(A) and not (B)": it selects somebody whose score is 50.
HALVES = [
    pytest.param("score > 600) or (score <= 100", "score <= 500", id="half-open-brackets"),
    pytest.param("true) #", "score <= 500", id="a-comment"),
    pytest.param("score > 600", "false) or (score <= 500", id="half-open-exception"),
    pytest.param("score > 600", "false) or (true", id="an-exception-that-lets-everybody-in"),
    pytest.param("true) or (false", "score <= 500", id="or-before-and"),
    pytest.param("score > 600", "score <= 500) or true #", id="a-comment-in-the-exception"),
    pytest.param('true) and "(" == "("  #', "score <= 500", id="a-bracket-in-a-text"),
    pytest.param("true)\n# ", "score <= 500", id="a-comment-on-a-line-of-its-own"),
]


def filtered(rows: Any, **arguments: Any) -> list[dict[str, Any]]:
    operator: Any = RiskFilterOperator(task_id="t", rows=rows, **arguments)
    result: list[dict[str, Any]] = operator.execute(context_of())
    return result


@pytest.mark.parametrize(("recovered", "at_risk"), HALVES)
def test_half_a_rule_is_no_rule(recovered: str, at_risk: str) -> None:
    with pytest.raises(AirflowFailException, match=r"^(rule|unless): "):
        filtered([ANN], rule=recovered, unless=at_risk)


@pytest.mark.parametrize("rule", ["true", "true #", "true # ) or (", "score >= 0", 'user != ")" #"'])
def test_whatever_the_rule_is_the_exception_wins(rule: str) -> None:
    assert filtered([ANN], rule=rule, unless="score <= 500") == []
    assert filtered([{**ANN, "score": 501}], rule=rule, unless="score <= 500") != []


@pytest.mark.parametrize("unless", ["", "  ", "\n", "# score <= 500", "None", "none"])
def test_an_exception_that_came_to_nothing_is_an_error_and_not_none(unless: str) -> None:
    with pytest.raises(AirflowFailException, match=r"^unless: "):
        filtered([ANN], rule="true", unless=unless)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param({"rule": "scor > 1", "unless": "score > 1"}, "rule: scor is not", id="rule"),
        pytest.param({"rule": "score > 1", "unless": "scor > 1"}, "unless: scor is not", id="unless"),
    ],
)
def test_an_error_names_the_argument(arguments: dict[str, str], named: str) -> None:
    with pytest.raises(AirflowFailException, match=f"^{named}"):
        filtered([ANN], **arguments)


@pytest.mark.parametrize(
    ("unless", "row"),
    [
        ("score <= 500", {"user": "ann@corp.example"}),
        ("previous_score <= 500", {"user": "ann@corp.example", "score": 900}),
        ('source == "lab"', {"user": "ann@corp.example", "score": 900}),
    ],
)
def test_who_lacks_what_the_exception_needs_is_left_alone(unless: str, row: dict[str, Any]) -> None:
    assert filtered([row], rule="true", unless=unless) == []


@pytest.mark.parametrize("order", [1, -1])
def test_the_exception_is_for_the_least_safe_row_of_a_name(order: int) -> None:
    rows = [{**ANN, "source": "eu"}, {**ANN, "user": "Ann@corp.example", "score": 900, "source": "us"}]
    assert filtered(rows[::order], rule="score > 40", unless="score <= 500") == []


def decided(row: Row, user: OktaUser, scores: dict[str, int]) -> Decision:
    """Return what a run decides that has read these scores, too."""
    facts = RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc), scores=scores)
    return less_safe_row_decides(facts)(Decision(row=row, user=user))


@pytest.mark.parametrize(
    ("unless", "other", "reason"),
    [
        pytest.param("score <= 500", 50, "less_safe_row", id="the-exception-holds-for-the-other-row"),
        pytest.param("score <= 40", 50, "", id="the-exception-holds-for-neither"),
        pytest.param('score_level == "critical"', 50, "less_safe_row", id="by-level"),
        pytest.param('risk_level == "high"', 50, "less_safe_row", id="by-risk"),
        pytest.param('score_level == "critical"', 400, "", id="by-a-level-that-it-has-not"),
    ],
)
def test_the_exception_is_for_the_least_safe_row_of_a_person(unless: str, other: int, reason: str) -> None:
    """The same person has a second row under their address, in another task's rows."""
    user = OktaUser(user_id="00u1", login="ann@corp.example", email="ann.lee@corp.example", status="ACTIVE")
    row = Row(user=user.login, score=900, score_level="low", risk_level="low", rule="true", unless=unless)
    decision = decided(row, user, {"ann.lee@corp.example": other})
    assert (decision.outcome.reason if decision.outcome else "") == reason


def test_levels_of_other_bounds_than_the_usual_ones_are_not_guessed() -> None:
    """With these bounds 900 is only medium, so what level 50 has is not known here: the person is left alone."""
    user = OktaUser(user_id="00u1", login="ann@corp.example", email="ann.lee@corp.example", status="ACTIVE")
    row = Row(
        user=user.login,
        score=900,
        score_level="medium",
        risk_level="medium",
        rule="true",
        unless='risk_level == "high"',
    )
    decision = decided(row, user, {"ann.lee@corp.example": 50})
    assert decision.outcome is not None
    assert decision.outcome.reason == "less_safe_row"


def test_somebody_at_risk_under_another_name_is_not_released(okta: Sandbox) -> None:
    exchange = Exchange(okta)
    exchange.user("ann", email="ann.lee@new.example")
    exchange.add(1, {"ann": 100})
    rows = [{"user": "ann@new.example", "score": 900}, {"user": "ann.lee@new.example", "score": 100}]
    operator = RiskFilterOperator(task_id="recovered", rows=rows, rule="has_score", unless="score <= 500")
    recovered: Any = exchange.task(operator, 2)
    assert [row["user"] for row in recovered] == ["ann@new.example"]
    removal = OktaRemoveFromGroupOperator(task_id="remove", rows=recovered, group_name="At risk")
    assert exchange.task(removal, 2)["reasons"] == {"skipped:less_safe_row": 1}
    assert exchange.members == {"ann"}


# --- what people read


def test_both_rules_are_told_in_one_line() -> None:
    (row,) = filtered([{**ANN, "score": 700}], rule="score > 600 #", unless="score\n<= 500")
    assert (row["rule"], row["unless"]) == ("score > 600 #", "score\n<= 500")
    assert Row(user="ann", rule=row["rule"], unless=row["unless"]).rule_text == (
        "score > 600 #, unless: score <= 500"
    )


def test_an_explanation_tells_both_and_stays_short() -> None:
    row = Row(user="ann@corp.example", score=700)
    told = Selection.parse("score > 600", unless="score <= 500 or provisional").explain(row)
    assert told == (
        "score > 600 (score = 700): true, "
        "unless: score <= 500 (score = 700): false; provisional (provisional = false): false"
    )
    parts = " or ".join(['user == "b"'] * (LONGEST_RULE // 16))
    assert len(Selection.parse(parts, unless=parts).explain(Row(user="a" * 320, score=1))) <= 2_100


# --- no file puts a rule inside a rule

_ONE_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")


def _texts_for(argument_names: set[str], tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in argument_names:
            found += [
                ast.unparse(one) if isinstance(one, ast.JoinedStr) else str(one.value)
                for one in ast.walk(node.value)
                if isinstance(one, ast.JoinedStr)
                or (isinstance(one, ast.Constant) and isinstance(one.value, str))
            ]
    return found


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_no_rule_argument_mixes_a_template_with_other_text(path: Path) -> None:
    for text in _texts_for({"rule", "unless"}, ast.parse(path.read_text())):
        assert "{{" not in text or _ONE_TEMPLATE.fullmatch(text), text


@pytest.mark.parametrize("path", [*PYTHON, *PAGES], ids=lambda path: path.name)
def test_no_text_anywhere_puts_a_rule_of_a_parameter_inside_other_text(path: Path) -> None:
    text = path.read_text().replace('rule="({{ params.a }}) and not ({{ params.b }})"', "")  # shown as wrong
    for found in re.finditer(r"\{\{[^{}]*rule[^{}]*\}\}", text):
        around = text[found.start() - 1] + text[found.end()]
        assert around == '""', text[max(found.start() - 40, 0) : found.end() + 40]


def test_every_filter_of_the_example_dags_takes_each_rule_by_itself() -> None:
    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    filters: list[Any] = [
        task for dag in bag.dags.values() for task in dag.tasks if task.task_type == "RiskFilterOperator"
    ]
    assert len(filters) > 10
    for task in filters:
        for text in (task.rule, task.unless):
            assert text is None or "{{" not in text or _ONE_TEMPLATE.fullmatch(text)
        if task.task_id in ("filter_recovered", "filter_improved"):
            assert task.unless == "{{ params.at_risk_rule }}"
