"""Several DAGs and several rhythms on one group: a member leaves when the last holder lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.exchange import Exchange

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    known.user("ann")
    known.user("bob")
    return known


def test_two_dags_do_not_remove_each_others_members(exchange: Exchange) -> None:
    for number in (1, 2, 3):
        exchange.add(number, {"ann": 100}, dag="strict")
        report = exchange.remove(number, {"bob": 400}, dag="strict")
        if number > 1:
            assert report["reasons"] == {"skipped:held_by_others": 1}
            assert "wide.add_to_group" in report["examples"][0]["message"]
        exchange.add(number, {"ann": 100, "bob": 400}, dag="wide")
        assert exchange.members == {"ann", "bob"}


@pytest.mark.parametrize("order", [("strict", "wide"), ("wide", "strict")])
def test_a_member_leaves_when_the_last_holder_lets_go(exchange: Exchange, order: tuple[str, str]) -> None:
    exchange.add(1, {"ann": 100}, dag="strict")
    exchange.add(1, {"ann": 100}, dag="wide")
    exchange.remove(2, {"ann": 900}, dag=order[0])
    assert exchange.members == {"ann"}
    exchange.remove(3, {"ann": 900}, dag=order[1])
    assert exchange.members == set()


def test_whoever_its_rows_name_can_be_removed_on_request(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="wide")
    exchange.remove(2, {"ann": 900}, dag="strict", releases="all")
    assert exchange.members == set()


def test_the_end_of_one_dags_time_does_not_release_whom_another_holds(exchange: Exchange) -> None:
    for number in (1, 2, 3, 4):
        exchange.add(number, {"ann": 100}, dag="short", expires_after="1d")
        exchange.add(number, {"ann": 100}, dag="long")
        exchange.remove(number, {}, dag="short")
        exchange.remove(number, {}, dag="long")
        assert exchange.members == {"ann"}


def test_the_end_of_the_time_releases_whom_nobody_else_holds_any_more(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="short", expires_after="2d")
    exchange.add(1, {"ann": 100}, dag="long")
    exchange.remove(2, {"ann": 900}, dag="long")
    assert exchange.members == {"ann"}
    exchange.remove(3, {}, dag="short")
    assert exchange.members == set()


def test_being_found_in_the_group_does_not_extend_a_time_boxed_membership(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, expires_after="2d")
    exchange.add(2, {"ann": 100}, expires_after="2d")
    exchange.remove(3, {})
    assert exchange.members == set()


def test_a_dag_behind_another_one_on_the_same_group_acts(exchange: Exchange) -> None:
    """An hourly DAG has decided for later times already, and about other people."""
    for number in (1, 2, 3):
        exchange.add(number + 10, {"bob": 100}, dag="hourly")
        exchange.remove(number + 10, {"ann": 900}, dag="hourly")
        exchange.add(number, {"ann": 300}, dag="daily")
        assert exchange.members == {"ann", "bob"}


def test_a_dag_that_its_own_later_run_has_overtaken_only_plans(exchange: Exchange) -> None:
    exchange.add(5, {"bob": 100})
    report = exchange.add(1, {"ann": 100})
    assert report["dry_run"]
    assert exchange.members == {"bob"}


def test_what_another_dag_did_later_is_not_undone(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, dag="hourly")
    exchange.remove(5, {"ann": 900}, dag="hourly")
    report = exchange.add(2, {"ann": 100}, dag="daily")
    assert report["reasons"] == {"skipped:superseded": 1}
    assert exchange.members == set()


def test_an_end_that_the_dag_does_not_give_any_more_is_taken_away(exchange: Exchange) -> None:
    exchange.add(1, {"ann": 100}, expires_after="2d")
    exchange.add(2, {"ann": 100})
    exchange.remove(4, {})
    assert exchange.members == {"ann"}
