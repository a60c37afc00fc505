"""What the docstrings say is templated is templated, and nothing else; every argument is described."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_okta_ure.operators import netskope, okta, rules
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.sensors import okta as sensors

OPERATORS = sorted(
    {
        one
        for module in (netskope, okta, rules, sensors)
        for one in vars(module).values()
        if inspect.isclass(one)
        and issubclass(one, BaseOperator)
        and one not in (BaseOperator, BaseSensorOperator, ServiceOperator)
    },
    key=lambda one: one.__name__,
)


def family(operator: type[BaseOperator]) -> list[type]:
    return [one for one in operator.__mro__ if one.__module__.startswith("airflow_provider_okta_ure")]


def described(operator: type[BaseOperator]) -> dict[str, str]:
    """Return the text of every ``:param x:`` of an operator and of what it inherits from."""
    found: dict[str, str] = {}
    for one in family(operator):
        for name, text in re.findall(
            r":param (\w+): (.*?)(?=\n\s*:|\Z)", inspect.cleandoc(one.__doc__ or ""), re.S
        ):
            found.setdefault(name, text)
    return found


def test_all_operators_of_this_version_are_here():
    assert {one.__name__ for one in OPERATORS} == {
        "NetskopeFetchScoresOperator",
        "OktaAddToGroupOperator",
        "OktaFetchUsersOperator",
        "OktaNoActionOperator",
        "OktaPreflightOperator",
        "OktaPushRiskOperator",
        "OktaRemoveFromGroupOperator",
        "OktaRevertRunOperator",
        "OktaRiskEventSensor",
        "OktaSecurityEventsProviderOperator",
        "OktaUpsertUserRiskOperator",
        "RiskFilterOperator",
        "RiskMapLevelsOperator",
    }


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_the_docstring_marks_exactly_the_templated_arguments(operator):
    marked = {name for name, text in described(operator).items() if "(templated)" in text}
    assert marked == set(operator.template_fields)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_every_argument_is_described_and_every_described_one_exists(operator):
    arguments = {
        name
        for one in family(operator)
        for name, parameter in inspect.signature(vars(one).get("__init__", lambda: None)).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert set(described(operator)) == arguments


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_the_constructor_touches_neither_connection_nor_network(operator):
    needed = {"rows": "{{ ti }}", "rule": "score <", "group_name": "x"}
    needed |= {"reverted_dag_id": "x", "reverted_run_id": "{{ params.run }}"}
    arguments = {name: value for name, value in needed.items() if name in described(operator)}
    operator(task_id="t", **arguments)


@pytest.mark.parametrize(
    "operator", [one for one in OPERATORS if hasattr(one, "scopes")], ids=lambda one: one.__name__
)
def test_the_scopes_of_an_operator_are_those_of_the_document(operator):
    text = (Path(__file__).parents[2] / "docs" / "operators.md").read_text(encoding="utf-8")
    table = text.partition("\n## Scopes\n")[2].partition("\n## ")[0]
    (row,) = (line for line in table.splitlines() if f"`{operator.__name__}`" in line)
    always = re.split("; | with ", row.split("|")[2])[0]
    assert set(re.findall(r"`(okta\.[\w.]+)`", always)) == set(operator.scopes)


def in_the_readme() -> dict[str, set[str]]:
    """Return the templated arguments that the table of operators in the README names, by operator."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shared_by_actions = re.search(r"^\\\* and (.*?)\n\n", text, re.S | re.M)
    assert shared_by_actions
    found = {}
    for name, arguments in re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \| [^|]* \|$", text, re.M):
        marked = shared_by_actions[1] if r"\*" in arguments else ""
        found[name] = set(re.findall(r"`(\w+)`", arguments + marked))
    return found


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_the_readme_names_every_templated_argument(operator):
    assert in_the_readme()[operator.__name__] == set(operator.template_fields)
