"""Arguments that are nested without end, or larger than can be written, are refused with a short clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.commands.dags import read_params
from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.as_of import RunTimes, choose_as_of
from airflow_provider_okta_ure.core.decisions.signals import to_history, to_most_unconfirmed
from airflow_provider_okta_ure.core.guardrails.exclusions import to_administrators_excluded
from airflow_provider_okta_ure.core.guardrails.limits import BlastRadius
from airflow_provider_okta_ure.core.keeping import Keep
from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds, check_score
from airflow_provider_okta_ure.core.reports import FailOn
from airflow_provider_okta_ure.core.rows import to_rows
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.signals import to_signals_mode
from airflow_provider_okta_ure.operators.approved import plan_ids_of
from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaFetchUsersOperator
from airflow_provider_okta_ure.operators.readings import StaleScores, to_percent
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.operators.run import to_flag, to_text
from airflow_provider_okta_ure.preflight.wanted import to_actions
from tests.integration.conftest import NOW, context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

DEPTH = 5_000


def _nested(wrap: Callable[[Any], Any]) -> Any:
    value: Any = []
    for _ in range(DEPTH):
        value = wrap(value)
    return value


LOOP: list[Any] = []
LOOP.append(LOOP)
VALUES = [
    pytest.param(_nested(lambda one: [one]), id="list"),
    pytest.param(_nested(lambda one: (one,)), id="tuple"),
    pytest.param(_nested(lambda one: {"a": one}), id="dict"),
    pytest.param([_nested(lambda one: [one])], id="item"),
    pytest.param({"plan": _nested(lambda one: [one]), "changes": LOOP}, id="plan"),
    pytest.param(LOOP, id="itself"),
    pytest.param("[" * DEPTH + "]" * DEPTH, id="json"),
    pytest.param("[" * DEPTH, id="half-json"),
    pytest.param('{"a":' * DEPTH + "1" + "}" * DEPTH, id="json-object"),
    pytest.param("(" * DEPTH + ")" * DEPTH, id="brackets"),
    pytest.param([["ann@corp.example"]], id="one-list-too-many"),
    pytest.param('[["ann@corp.example"]]', id="one-list-too-many-as-text"),
    pytest.param([{"user": {"user": "ann"}}], id="dict-in-a-dict"),
    pytest.param(10**5_000, id="more-digits-than-python-writes"),
    pytest.param(object(), id="object"),
]


def manual(scores_as_of: object) -> RunTimes:
    """Return the times of a run that somebody triggered, with this parameter."""
    return RunTimes(
        run_type="manual",
        run_after=NOW,
        logical_date=NOW,
        data_interval_end=NOW,
        partition_key=None,
        partition_date=None,
        scores_as_of=scores_as_of,
    )


READERS: list[Any] = [
    pytest.param(lambda value: to_names(value, "exclude_users"), id="exclude_users"),
    pytest.param(lambda value: to_names(value, "users", keep_odd_items=True), id="users"),
    pytest.param(to_rows, id="rows"),
    pytest.param(plan_ids_of, id="approved_plan"),
    pytest.param(ScoreBounds.from_dict, id="score_bounds"),
    pytest.param(LevelMapping.from_dict, id="level_mapping"),
    pytest.param(check_score, id="score"),
    pytest.param(Selection.parse, id="rule"),
    pytest.param(lambda value: Selection.parse("true", value), id="unless"),
    pytest.param(lambda value: to_flag(value, "dry_run"), id="dry_run"),
    pytest.param(lambda value: to_span(value, "within"), id="within"),
    pytest.param(lambda value: to_percent(value, "min_source_percent"), id="min_source_percent"),
    pytest.param(lambda value: StaleScores.parse("36h", value, None), id="stale_scores"),
    pytest.param(lambda value: BlastRadius.parse(value, 20), id="max_changes"),
    pytest.param(lambda value: BlastRadius.parse(1, value), id="max_change_percent"),
    pytest.param(FailOn.parse, id="fail_on"),
    pytest.param(to_history, id="history"),
    pytest.param(to_most_unconfirmed, id="most_unconfirmed"),
    pytest.param(to_signals_mode, id="signals"),
    pytest.param(to_administrators_excluded, id="exclude_administrators"),
    pytest.param(Keep.parse, id="keep"),
    pytest.param(to_actions, id="actions"),
    pytest.param(lambda value: choose_as_of(manual(value)), id="scores_as_of"),
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("read", READERS)
def test_an_argument_that_makes_no_sense_is_refused_in_few_words(
    read: Callable[[Any], Any], value: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(value)
    assert len(caught.value.message) < 600


def refused_or_read(read: Callable[[], Any]) -> Any:
    """Return what was read; None = it was refused in few words."""
    try:
        return read()
    except ConfigurationError as error:
        if len(error.message) >= 600:
            raise
        return None


@pytest.mark.parametrize("value", VALUES)
def test_names_of_groups_are_read_or_refused(value: Any) -> None:
    """A group can be called almost anything, so some of these are the name of one."""
    read = refused_or_read(lambda: to_names(value, "exclude_groups", of="groups"))
    assert read in (None, [value])


@pytest.mark.parametrize("value", VALUES)
def test_a_text_is_a_text(value: Any) -> None:
    refused_or_read(lambda: to_text(value, "group_name"))
    refused_or_read(lambda: ReasonText(value))


@pytest.mark.parametrize("text", ["[" * DEPTH, '{"a":' * DEPTH + "1" + "}" * DEPTH, "[]"])
def test_the_parameters_of_a_command_are_read_or_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_params(text)
    assert len(caught.value.message) < 600


@pytest.mark.parametrize("text", ["[" * DEPTH + "]" * DEPTH, '{"plan":' * DEPTH + "1" + "}" * DEPTH])
@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        (OktaAddToGroupOperator, "exclude_users"),
        (OktaAddToGroupOperator, "exclude_groups"),
        (OktaAddToGroupOperator, "approved_plan"),
        (OktaAddToGroupOperator, "rows"),
        (OktaFetchUsersOperator, "logins"),
        (OktaFetchUsersOperator, "statuses"),
        (RiskFilterOperator, "rows"),
        (RiskMapLevelsOperator, "score_bounds"),
        (RiskMapLevelsOperator, "level_mapping"),
    ],
)
def test_text_of_a_template_ends_a_task_for_good(okta: Sandbox, kind: Any, argument: str, text: str) -> None:
    needed: dict[Any, dict[str, Any]] = {
        OktaAddToGroupOperator: {"group_name": "Risk", "create_group": True},
        RiskFilterOperator: {"rule": "true"},
    }
    arguments = {**needed.get(kind, {})}
    if kind is not OktaFetchUsersOperator:
        arguments["rows"] = [{"user": "ann@corp.example", "score": 1}]
    okta.okta.add_user(login="ann@corp.example")
    with pytest.raises(AirflowFailException):
        kind(task_id="t", **{**arguments, argument: text}).execute(context_of())
    assert okta.okta.find_group("Risk") is None
