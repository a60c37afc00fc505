"""Scores are read as of the run's moment, for everybody asked for, whoever answers in whatever order."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.core.rows import to_rows
from airflow_provider_okta_ure.errors import ServerError
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from tests.integration.conftest import NOW, context_of

MIDNIGHT = NOW.replace(hour=0)


def fetch(context: dict[str, Any] | None = None, **arguments: Any) -> list[dict[str, Any]]:
    operator = NetskopeFetchScoresOperator(task_id="fetch", **arguments)
    rows: list[dict[str, Any]] = operator.execute(context or context_of())  # type: ignore[arg-type]
    return rows


def test_everybody_netskope_knows_gets_one_row_that_survives_xcom(netskope):
    rows = fetch()
    assert json.loads(json.dumps(rows)) == rows
    assert sorted(row["user"] for row in rows) == sorted(netskope.netskope.names())
    assert {row["source"] for row in rows} == {"netskope_default"}
    assert any("score" not in row for row in rows)


def test_the_bucket_that_began_before_the_moment_counts_and_a_running_day_is_provisional(netskope):
    netskope.netskope.set_score("ann@x.example", NOW, 111) if netskope.netskope.index_of(
        "ann@x.example"
    ) is not None else netskope.netskope.add_user("ann@x.example", 111)
    netskope.netskope.set_score("ann@x.example", NOW - timedelta(days=1), 222)
    netskope.netskope.set_score("ann@x.example", NOW - timedelta(days=2), 333)
    (now,) = fetch(context_of(NOW), users=["Ann@X.example"])
    (yesterday,) = fetch(context_of(MIDNIGHT), users=["ann@x.example"])
    assert (now["score"], now["previous_score"], now["provisional"]) == (111, 222, True)
    assert (yesterday["score"], yesterday["previous_score"]) == (222, 333)
    assert "provisional" not in yesterday


def test_a_user_netskope_does_not_know_has_no_score_and_stops_nobody(netskope):
    netskope.netskope.add_user("ann@x.example", 111)
    rows = fetch(users=["nobody@x.example", "ann@x.example"])
    assert [(row["user"], row.get("score")) for row in rows] == [
        ("nobody@x.example", None),
        ("ann@x.example", 111),
    ]


def test_an_odd_name_in_the_tenant_is_left_out_and_stops_nobody(netskope):
    netskope.netskope.add_user("ann\x07@x.example", 5)
    netskope.netskope.add_user("ann@x.example", 111)
    rows = fetch()
    assert "ann@x.example" in {row["user"] for row in rows}
    assert to_rows(rows)
    assert not any("\x07" in row["user"] for row in rows)


def test_one_name_inside_another_does_not_get_its_score(netskope):
    netskope.netskope.add_user("ann@x.example", 100)
    netskope.netskope.add_user("joann@x.example", 900)
    rows = fetch(users=["joann@x.example", "ann@x.example"])
    assert [row["score"] for row in rows] == [900, 100]


def test_the_list_answers_for_now(netskope):
    rows = fetch(strategy="list")
    assert len(rows) > 30
    assert all(row["score"] is not None for row in rows)


def test_the_list_is_refused_for_a_past_day_and_the_series_answers(netskope):
    past = context_of(datetime(2026, 11, 17, tzinfo=timezone.utc))
    with pytest.raises(AirflowFailException, match="series"):
        fetch(past, strategy="list")
    assert fetch(past, strategy="series")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"strategy": "guess"}, "strategy is 'guess'", id="strategy"),
        pytest.param({"carry_days": 0}, "carry_days is 0", id="carry-days"),
        pytest.param({"users": "ann lee"}, "users is not a list of names", id="one-name-or-two"),
        pytest.param({"users": " "}, "users is ' '", id="blank"),
        pytest.param({"users": [None]}, "users is not a list of names", id="no-name"),
        pytest.param({"keep": "scor <= 500"}, "keep: scor is not a field", id="keep"),
        pytest.param({"keep": ["score <= 500", ""]}, "keep: The rule is empty", id="keep-empty"),
        pytest.param({"keep": "risk_level == 'high'"}, "keep: risk_level is not known yet", id="keep-level"),
        pytest.param({"keep": 5}, "keep is neither a rule nor a list", id="keep-number"),
        pytest.param({"keep": '["score <= 500"'}, "no list of rules in JSON", id="keep-json"),
    ],
)
def test_a_wrong_argument_fails_for_good_and_says_which(netskope, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        fetch(**arguments)


def test_no_users_are_no_rows(netskope):
    assert fetch(users=[]) == []


def test_names_in_text_are_the_same_as_in_a_list(netskope):
    rows = fetch(users="ann@x.example; 'bob@x.example'\ncy@x.example")
    assert {row["user"] for row in rows} == {"ann@x.example", "bob@x.example", "cy@x.example"}


def test_a_rotated_token_fails_for_good_and_an_outage_may_be_retried(netskope):
    netskope.fail_next(service="netskope", status=500, times=50)
    with pytest.raises(ServerError):
        fetch(users=["ann@x.example"])
    netskope.clear_faults()
    netskope.netskope.rotate_token()
    with pytest.raises(AirflowFailException, match="401"):
        fetch(users=["ann@x.example"])
