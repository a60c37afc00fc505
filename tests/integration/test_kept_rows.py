# SPDX-License-Identifier: Apache-2.0
"""A fetch returns whom the rules ask for and who is tracked; what follows ends as if it had returned everybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import find_tasks
from airflow_provider_okta_ure.action_log.tracking import Tracked
from airflow_provider_okta_ure.core.rows import to_rows
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import OktaPushRiskOperator, OktaRemoveFromGroupOperator
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from tests.integration.conftest import NOW, context_of
from tests.integration.exchange import GROUP, Exchange, day
from tests.integration.judging_support import context as run_context

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

AT_RISK = "score <= 500"
KEEPING: dict[str, Any] = {"keep": AT_RISK, "okta_conn_id": "okta_default", "settle_after": None}


@pytest.fixture
def exchange(okta: Sandbox, netskope: Sandbox) -> Exchange:
    return Exchange(okta)


def score(exchange: Exchange, number: int, name: str, value: int | None) -> None:
    """Set the score that a run of a day sees."""
    tenant, login = exchange.sandbox.netskope, f"{name}@new.example"
    if tenant.index_of(login) is None:
        tenant.add_user(login)
    tenant.set_score(login, day(number - 1).date(), value)


def fetched(exchange: Exchange, number: int, **how: Any) -> list[dict[str, Any]]:
    rows: Any = exchange.task(
        NetskopeFetchScoresOperator(task_id="fetch_scores", **{**KEEPING, **how}), number
    )
    returned: list[dict[str, Any]] = rows
    return returned


def names_of(rows: list[dict[str, Any]]) -> set[str]:
    return {row["user"].partition("@")[0] for row in rows if row["user"].endswith("@new.example")}


# --- who is kept


def test_whom_a_rule_matches_and_nobody_else_is_returned(exchange: Exchange) -> None:
    for name, value in (("ann", 100), ("bob", 500), ("cy", 501), ("dee", None)):
        score(exchange, 1, name, value)
    assert names_of(fetched(exchange, 1)) == {"ann", "bob"}
    assert names_of(fetched(exchange, 1, keep=[AT_RISK, 'user == "cy@new.example"'])) == {"ann", "bob", "cy"}
    assert names_of(fetched(exchange, 1, keep='["score > 500"]')) == {"cy"}
    assert names_of(fetched(exchange, 1, keep=None)) == {"ann", "bob", "cy", "dee"}
    assert names_of(fetched(exchange, 1, keep=[])) == set()


def test_who_is_in_the_group_because_of_us_is_returned_whatever_their_score(exchange: Exchange) -> None:
    for name in ("ann", "bob"):
        exchange.user(name)
        score(exchange, 2, name, 900)
    exchange.add(1, {"ann": 100})
    rows = fetched(exchange, 2)
    assert names_of(rows) == {"ann"}
    exchange.remove(2, {"ann": 900})
    assert names_of(fetched(exchange, 3)) == set()


def test_who_was_last_told_a_level_above_low_is_returned_and_not_after_low(exchange: Exchange) -> None:
    for name in ("ann", "bob"):
        exchange.user(name)
        for number in (2, 3):
            score(exchange, number, name, 900)
    exchange.push(1, {"ann": 100, "bob": 900})
    assert names_of(fetched(exchange, 2)) == {"ann"}
    exchange.push(2, {"ann": 900})
    assert names_of(fetched(exchange, 3)) == set()


def test_tracked_users_of_another_org_are_not_asked_for(exchange: Exchange, connect: Any) -> None:
    exchange.user("ann")
    score(exchange, 2, "ann", 900)
    exchange.add(1, {"ann": 100})
    connect("other_org", conn_type="okta", host="https://other.okta.com", password="x" * 40)
    assert names_of(fetched(exchange, 2, okta_conn_id="other_org")) == set()
    assert names_of(fetched(exchange, 2, okta_conn_id=None)) == {"ann"}


# --- a person under other names


def recover(exchange: Exchange, number: int, rows: Any) -> None:
    """Do with rows what the DAG does about recovered users."""
    recovered = exchange.task(
        RiskFilterOperator(task_id="filter_recovered", rows=rows, rule="score > 600", unless=AT_RISK), number
    )
    exchange.task(
        OktaRemoveFromGroupOperator(
            task_id="remove", rows=recovered, group_name=GROUP, missing_group_ok=True, max_change_percent=100
        ),
        number,
    )
    improved = exchange.task(
        RiskFilterOperator(task_id="filter_improved", rows=rows, rule="has_score", unless=AT_RISK), number
    )
    mapped = exchange.task(RiskMapLevelsOperator(task_id="map_improved", rows=improved), number)
    exchange.task(
        OktaPushRiskOperator(
            task_id="push_improved",
            rows=mapped,
            only_known=True,
            ensure_provider=True,
            max_change_percent=100,
        ),
        number,
    )


def test_who_was_renamed_everywhere_is_released_and_told_in_the_same_run(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    score(exchange, 2, "ann.jones", 900)
    rows = fetched(exchange, 2)
    assert names_of(rows) == {"ann.jones"}
    recover(exchange, 2, rows)
    assert exchange.members == set()
    assert exchange.told("ann") == [("none", "high"), ("high", "low")]


def test_without_an_okta_connection_nobody_is_looked_up(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    score(exchange, 2, "ann.jones", 900)
    before = len(exchange.sandbox.requests_to("okta"))
    assert names_of(fetched(exchange, 2, okta_conn_id=None)) == set()
    assert len(exchange.sandbox.requests_to("okta")) == before


def test_who_was_renamed_is_released_although_somebody_else_has_their_old_name(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    new_ann = exchange.sandbox.okta.add_user(login="ann@new.example").id
    score(exchange, 2, "ann", 900)
    score(exchange, 2, "ann.jones", 650)
    rows = fetched(exchange, 2)
    assert names_of(rows) == {"ann", "ann.jones"}
    recover(exchange, 2, rows)
    assert exchange.members == set()
    assert not [one for one in exchange.sandbox.requests_to("okta") if new_ann in one.path]


def test_a_second_name_that_nobody_knew_holds_a_release_up(exchange: Exchange) -> None:
    """The source has got a row under the address of somebody in the group, which no rule matches."""
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.sandbox.okta.change_user(exchange.ids["ann"], email="ann.lee@new.example")
    score(exchange, 2, "ann", 900)
    score(exchange, 2, "ann.lee", 550)
    rows = fetched(exchange, 2)
    assert names_of(rows) == {"ann", "ann.lee"}
    recover(exchange, 2, rows)
    assert exchange.members == {"ann"}


def test_nobody_is_looked_up_while_the_source_knows_everybody_and_they_are_at_risk(
    exchange: Exchange,
) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    score(exchange, 2, "ann", 100)
    before = len(exchange.sandbox.requests_to("okta"))
    fetched(exchange, 2)
    assert len(exchange.sandbox.requests_to("okta")) == before


def test_the_less_safe_row_of_a_tracked_person_is_there_under_each_of_their_names(exchange: Exchange) -> None:
    exchange.user("ann", email="ann.lee@new.example")
    exchange.add(1, {"ann": 100})
    exchange.push(1, {"ann.lee": 100})
    score(exchange, 2, "ann", 900)
    score(exchange, 2, "ann.lee", 550)
    rows = fetched(exchange, 2)
    assert names_of(rows) == {"ann", "ann.lee"}
    recover(exchange, 2, rows)
    assert exchange.members == {"ann"}


def test_the_other_row_of_somebody_who_is_at_risk_again_is_there_too(exchange: Exchange) -> None:
    exchange.user("ann", email="ann.lee@new.example")
    exchange.add(1, {"ann": 100})
    exchange.add(1, {"ann.lee": 100}, dag="other")
    for number in (1, 2):
        exchange.remove(number, {"ann": 900, "ann.lee": 900}, dag="other" if number == 1 else "sync")
    assert exchange.members == set()
    score(exchange, 3, "ann", 900)
    score(exchange, 3, "ann.lee", 300)
    assert names_of(fetched(exchange, 3)) == {"ann", "ann.lee"}


# --- the list


def now_fetch(**how: Any) -> list[dict[str, Any]]:
    operator = NetskopeFetchScoresOperator(
        task_id="fetch_scores",
        **{"strategy": "list", "keep": AT_RISK, "okta_conn_id": "okta_default", **how},
    )
    rows: list[dict[str, Any]] = operator.execute(run_context(NOW))  # type: ignore[arg-type]
    return rows


@pytest.fixture
def large(exchange: Exchange) -> Exchange:
    """A tenant whose list has several pages."""
    exchange.sandbox.options.netskope_page_limit = 5
    return exchange


def test_tracked_users_whom_the_part_of_the_list_lacks_are_read_by_name(large: Exchange) -> None:
    tenant = large.sandbox.netskope
    large.user("ann")
    tenant.add_user("ann@new.example", 999)
    large.add(1, {"ann": 100})
    before = len(large.sandbox.requests)
    rows = now_fetch()
    (ann,) = [row for row in rows if row["user"] == "ann@new.example"]
    assert ann == {"user": "ann@new.example", "score": 999, "provisional": True, "source": "netskope_default"}
    asked = large.sandbox.requests[before:]
    assert sum(one.path.startswith("/api/v2/incidents/uba/getuci") for one in asked) == 1
    everybody = [row for row in now_fetch(keep=None) if row["score"] <= 500]
    assert [row for row in rows if row is not ann] == everybody


def test_a_name_that_nobody_knew_is_read_also_when_the_list_is_not(large: Exchange) -> None:
    large.user("ann")
    large.add(1, {"ann": 100})
    large.sandbox.okta.change_user(large.ids["ann"], email="ann.lee@new.example")
    large.sandbox.netskope.add_user("ann@new.example", 900)
    large.sandbox.netskope.add_user("ann.lee@new.example", 550)
    assert {"ann", "ann.lee"} <= names_of(now_fetch())


def test_a_renamed_user_is_released_by_a_run_that_reads_a_part_of_the_list(large: Exchange) -> None:
    large.user("ann")
    large.add(1, {"ann": 100})
    large.rename("ann", "ann.jones")
    large.sandbox.netskope.add_user("ann.jones@new.example", 999)
    assert "ann.jones" in names_of(now_fetch())


def test_an_outage_is_seen_by_the_total_when_only_a_part_is_read(large: Exchange) -> None:
    tenant = large.sandbox.netskope
    for name in list(tenant.names()):
        tenant.remove_user(name)
    for number in range(100):
        tenant.add_user(f"n{number}@new.example", 100 if number < 3 else 900)
    assert len(now_fetch()) == 3
    log = open_action_log()
    (reading,) = [one for one in log.iterate(Filter()) if one.action == "fetch_scores"]
    log.close()
    assert (reading.users, reading.target) == (100, "list-by-score")


# --- a property


sources = st.dictionaries(
    st.sampled_from([f"u{number}" for number in range(12)]), st.none() | st.integers(0, 1000), min_size=1
)
texts = st.sampled_from(
    [
        AT_RISK,
        "score <= 0",
        "score > 900",
        "has_score",
        "not has_score",
        'user == "u3@new.example"',
        "score in [7]",
    ]
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=sources,
    rules=st.lists(texts, max_size=2),
    strategy=st.sampled_from(["series", "list"]),
    tracked=st.sets(st.sampled_from([f"u{number}" for number in range(14)]), max_size=3),
)
def test_kept_rows_are_the_same_part_of_all_rows(
    large: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    source: dict[str, int | None],
    rules: list[str],
    strategy: str,
    tracked: set[str],
) -> None:
    tenant = large.sandbox.netskope
    for name in list(tenant.names()):
        tenant.remove_user(name)
    for name, value in source.items():
        tenant.add_user(f"{name}@new.example")
        tenant.set_score(f"{name}@new.example", NOW, value)
    keys = {f"{name}@new.example" for name in tracked}
    people = [Tracked(user_id="", names=frozenset([key])) for key in keys]
    with monkeypatch.context() as patch:
        patch.setattr(ActionLog, "tracked", lambda _log, _org="": people)
        how: dict[str, Any] = {"strategy": strategy, "min_source_percent": 0}
        kept = now_fetch(keep=rules, **how)
        everybody = now_fetch(keep=None, **how)
    parsed = [Rule.parse(text) for text in rules]
    expected = [
        row for row in to_rows(everybody) if row.key in keys or any(rule.matches(row) for rule in parsed)
    ]
    assert sorted(to_rows(kept), key=lambda row: row.user) == sorted(expected, key=lambda row: row.user)


# --- what a row weighs


def test_usual_rows_take_160_bytes_at_most_in_every_task(exchange: Exchange) -> None:
    """Design section 5."""
    name = "firstname.lst@new.example"
    assert len(name) == 25
    exchange.sandbox.netskope.add_user(name)
    for number, value in ((0, 480), (1, 312)):
        score(exchange, number, "firstname.lst", value)
    rows = fetched(exchange, 1, keep='user == "firstname.lst@new.example"')
    chosen = exchange.task(RiskFilterOperator(task_id="filter", rows=rows, rule=AT_RISK), 1)
    mapped: Any = exchange.task(RiskMapLevelsOperator(task_id="map", rows=chosen), 1)
    for returned in (rows, chosen, mapped):
        assert 0 < len(json.dumps(returned)) <= 160
    (row,) = to_rows(json.loads(json.dumps(mapped)))
    assert (row.score, row.previous_score, row.rule, row.source) == (312, 480, AT_RISK, "netskope_default")
    assert (row.score_level, row.risk_level, row.previous_risk_level) == ("high", "high", "high")


def test_what_is_not_the_default_still_travels() -> None:
    bounds = {"critical": [0, 50], "high": [51, 60], "medium": [61, 99], "low": [100, 1000]}
    rows = [{"user": "ann", "score": 70, "previous_score": 40, "source": "n"}]
    operator = RiskMapLevelsOperator(task_id="map", rows=rows, score_bounds=bounds)
    mapped = operator.execute(context_of())  # type: ignore[arg-type]
    (row,) = to_rows(json.loads(json.dumps(mapped)))
    assert (row.score_level, row.risk_level, row.previous_risk_level) == ("medium", "medium", "high")


# --- the task's record


def record(exchange: Exchange) -> Any:
    log = open_action_log()
    with log.database.reading() as connection:
        (found,) = find_tasks(connection, Filter(), dag_ids=["sync"])
    log.close()
    return found


def test_the_record_of_a_fetch_says_what_was_read_and_not_returned(exchange: Exchange) -> None:
    for name in list(exchange.sandbox.netskope.names()):
        exchange.sandbox.netskope.remove_user(name)
    for name, value in (("ann", 100), ("bob", 600), ("cy", 700), ("dee", 900), ("eve", None)):
        score(exchange, 1, name, value)
    fetched(exchange, 1)
    found = record(exchange)
    assert (found.is_complete, found.source) == (True, "netskope_default")
    silent = {(one.status, one.reason, one.risk_level): one.users for one in found.silent}
    assert silent == {
        ("unchanged", "not_kept", "medium"): 2,
        ("unchanged", "not_kept", "low"): 1,
        ("unchanged", "not_kept", "none"): 1,
    }
    assert found.counts == {"done:kept": 1, "unchanged:not_kept": 4}
    fetched(exchange, 1, users=["ann@new.example"])
    assert not record(exchange).is_complete


# --- many rows


@pytest.mark.parametrize(("most", "is_said"), [(2, True), (3, False)])
def test_from_many_rows_on_the_log_names_the_settings_of_the_object_storage_backend(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, capsys: Any, most: int, is_said: bool
) -> None:
    for name in ("ann", "bob", "cy"):
        score(exchange, 1, name, 100)
    monkeypatch.setattr("airflow_provider_okta_ure.operators.netskope.MANY_ROWS", most)
    fetched(exchange, 1, keep=[f'user == "{name}@new.example"' for name in ("ann", "bob", "cy")])
    said = capsys.readouterr().out
    for setting in ("XComObjectStorageBackend", "xcom_objectstorage_path", "xcom_objectstorage_threshold"):
        assert (setting in said) is is_said
