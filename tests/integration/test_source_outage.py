# SPDX-License-Identifier: Apache-2.0
"""A source that is empty or has shrunk is broken: its users have not recovered."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_okta_ure.errors import SourceOutageError
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from tests.integration.conftest import NOW
from tests.integration.judging_support import DAY, context, logged


@pytest.fixture
def tenant(netskope) -> Any:
    """A tenant of just 100 users, each with a score for many days."""
    for name in list(netskope.netskope.names()):
        netskope.netskope.remove_user(name)
    for number in range(100):
        name = f"n{number}@new.example"
        netskope.netskope.add_user(name, 900)
        for day in range(1, 5):
            netskope.netskope.set_score(name, NOW - day * DAY, 900)
    return netskope


def shrink(tenant: Any, to: int) -> list[str]:
    gone = list(tenant.netskope.names())[to:]
    for name in gone:
        tenant.netskope.remove_user(name)
    return gone


def fetch(day: float = 0, **arguments: Any) -> list[dict[str, Any]]:
    operator = NetskopeFetchScoresOperator(task_id="fetch", **arguments)
    rows: list[dict[str, Any]] = operator.execute(context(NOW + day * DAY))  # type: ignore[arg-type]
    return rows


@pytest.mark.parametrize("strategy", ["series", "list"])
def test_under_80_percent_of_the_last_reading_is_an_outage_and_80_is_not(tenant, strategy):
    # Hours of one day, because the list answers for today only.
    fetch(0, strategy=strategy)
    shrink(tenant, 80)
    assert len(fetch(1 / 24, strategy=strategy)) == 80
    shrink(tenant, 54)
    with pytest.raises(SourceOutageError, match="54 users with a fresh score, 80 the last time"):
        fetch(2 / 24, strategy=strategy)


def test_25_users_fewer_are_no_outage_whatever_their_share_but_nobody_is(tenant):
    shrink(tenant, 3)
    fetch(0)
    shrink(tenant, 2)
    assert len(fetch(1 / 24)) == 2
    shrink(tenant, 0)
    with pytest.raises(SourceOutageError, match="0 users with a fresh score, 2 the last time"):
        fetch(2 / 24)


def test_26_users_fewer_are_an_outage_when_their_share_is_too_large(tenant):
    fetch(0)
    shrink(tenant, 75)
    assert len(fetch(1 / 24, min_source_percent=90)) == 75
    shrink(tenant, 49)
    with pytest.raises(SourceOutageError):
        fetch(2 / 24, min_source_percent=90)


def test_users_who_have_lost_their_score_are_missing_too(tenant):
    fetch(0)
    for name in list(tenant.netskope.names())[:30]:
        tenant.netskope.remove_score(name)
    with pytest.raises(SourceOutageError, match="70 users with a fresh score"):
        fetch(1)


def test_an_empty_source_is_an_outage_also_the_first_time(tenant):
    shrink(tenant, 0)
    with pytest.raises(SourceOutageError, match="0 users with a fresh score, nothing to compare with"):
        fetch(0)
    assert logged(action="fetch_scores") == []


def test_the_outage_is_not_what_the_next_reading_is_compared_with(tenant):
    fetch(0)
    gone = shrink(tenant, 50)
    for _ in range(2):
        with pytest.raises(SourceOutageError) as caught:
            fetch(1)
    # Airflow tries again, and when the source is back that works.
    assert caught.value.retryable
    for name in gone:
        tenant.netskope.add_user(name, 900)
    assert len(fetch(1)) == 100
    assert [one.users for one in logged(action="fetch_scores")] == [100, 100]


def test_a_day_that_is_read_again_is_compared_with_the_day_before(tenant):
    fetch(0)
    fetch(1)
    shrink(tenant, 85)
    fetch(2)
    assert len(fetch(2)) == 85


def test_a_past_day_is_not_compared_with_a_later_one(tenant):
    fetch(0)
    shrink(tenant, 10)
    assert len(fetch(-3)) == 10


def test_a_source_that_shrank_for_good_is_accepted_once_by_hand(tenant):
    fetch(0)
    shrink(tenant, 40)
    with pytest.raises(SourceOutageError):
        fetch(1)
    assert len(fetch(1, min_source_percent="0")) == 40
    assert len(fetch(2)) == 40


def test_the_share_can_be_chosen(tenant):
    fetch(0)
    shrink(tenant, 60)
    assert len(fetch(1, min_source_percent=60)) == 60
    with pytest.raises(SourceOutageError):
        fetch(1, min_source_percent="60.5")


@pytest.mark.parametrize("wrong", [-1, 101, "most", None, True])
def test_what_is_no_percentage_is_an_error_before_the_first_call(tenant, wrong):
    with pytest.raises(Exception, match="min_source_percent is"):
        fetch(0, min_source_percent=wrong)
    assert tenant.requests_to("netskope") == []


def test_chosen_users_say_nothing_about_the_source(tenant):
    fetch(0)
    assert len(fetch(1, users=["n1@new.example"])) == 1
    assert len(logged(action="fetch_scores")) == 1
