"""A signal, an addition and a removal are about the person that the row means, and about nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from tests.integration.exchange import GROUP, Exchange, day

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    return Exchange(okta)


# --- the address of a signal


@pytest.mark.parametrize("excluded", [False, True])
def test_a_signal_about_an_account_with_another_ones_address_reaches_nobody(
    exchange: Exchange, excluded: bool
) -> None:
    """Okta takes an address for a login first."""
    exchange.user("adm-ann", login="adm-ann", email="ann@new.example")
    exchange.user("ann", email="ann.private@new.example")
    exclusions: Any = {"exclude_users": ["ann@new.example"]} if excluded else {}
    exchange.sandbox.okta.change_user(exchange.ids["adm-ann"], email="ann@new.example")
    report = exchange.task(
        OktaPushRiskOperator(
            task_id="push_risk",
            rows=[{"user": "adm-ann", "score": 100, "risk_level": "high"}],
            ensure_provider=True,
            **exclusions,
        ),
        1,
    )
    assert report["reasons"] == {"skipped:no_unique_address": 1}
    assert exchange.told("ann") == exchange.told("adm-ann") == []


def test_two_accounts_with_one_address_and_no_login_of_their_own_reach_nobody(exchange: Exchange) -> None:
    for name in ("desk-1", "desk-2"):
        exchange.user(name, login=name, email="desk@new.example")
    rows = [{"user": name, "score": 100, "risk_level": "high"} for name in ("desk-1", "desk-2")]
    operator = OktaPushRiskOperator(task_id="push_risk", rows=rows, ensure_provider=True)
    assert exchange.task(operator, 1)["reasons"] == {"skipped:no_unique_address": 2}


def test_an_address_that_is_nobody_elses_is_used(exchange: Exchange) -> None:
    exchange.user("desk", login="desk", email="desk@new.example")
    rows = [{"user": "desk", "score": 100, "risk_level": "high"}]
    exchange.task(OktaPushRiskOperator(task_id="push_risk", rows=rows, ensure_provider=True), 1)
    assert exchange.told("desk") == [("none", "high")]


@pytest.mark.parametrize("email", ["n/a", "", "front desk@new.example"])
def test_a_user_without_a_usable_address_costs_only_themselves(exchange: Exchange, email: str) -> None:
    exchange.user("desk", login="desk", email=email)
    exchange.user("ann")
    rows = [{"user": name, "score": 100, "risk_level": "high"} for name in ("desk", "ann@new.example")]
    report = exchange.task(
        OktaPushRiskOperator(task_id="push_risk", rows=rows, ensure_provider=True, workers=1), 1
    )
    assert report["reasons"] == {"skipped:no_unique_address": 1}
    assert exchange.told("ann") == [("none", "high")]


# --- a person is an Okta id


def test_a_member_who_was_renamed_is_released(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    exchange.remove(2, {"ann": 900})
    assert exchange.members == set()


def test_a_member_who_is_called_otherwise_in_the_source_too_is_released(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    exchange.remove(2, {"ann.jones": 900})
    assert exchange.members == set()


def test_the_old_name_of_a_member_that_is_somebody_elses_now_releases_nobody(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    exchange.user("other", login="ann@new.example")
    exchange.remove(2, {"ann": 900})
    assert exchange.members == {"ann"}


def test_somebody_who_was_renamed_is_told_of_the_improvement(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    exchange.push(2, {"ann": 700}, only_known=True)
    exchange.push(3, {"ann.jones": 900}, only_known=True)
    assert exchange.told("ann") == [("none", "high"), ("high", "medium"), ("medium", "low")]


def test_an_account_made_anew_under_the_same_login_is_a_new_person(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    exchange.rename("ann", "gone")
    exchange.user("new", login="ann@new.example")
    exchange.push(2, {"ann": 100})
    assert exchange.told("new") == [("none", "high")]


def test_a_renamed_user_whose_old_login_is_somebody_elses_is_told_of_the_improvement(
    exchange: Exchange,
) -> None:
    exchange.user("ann")
    exchange.push(1, {"ann": 100})
    exchange.rename("ann", "ann.jones")
    exchange.user("hire", login="ann@new.example")
    exchange.push(2, {"ann": 900, "ann.jones": 900}, only_known=True)
    assert exchange.told("ann") == [("none", "high"), ("high", "low")]
    assert exchange.told("hire") == []


def test_the_score_under_a_former_name_decides_too(exchange: Exchange, netskope: Sandbox) -> None:
    exchange.user("ann", email="ann.lee@new.example")
    for name in ("ann@new.example", "ann.lee@new.example"):
        netskope.netskope.add_user(name)
    for number, score in ((0, 100), (1, 100)):
        netskope.netskope.set_score("ann@new.example", day(number - 1).date(), score)
        netskope.netskope.set_score("ann.lee@new.example", day(number - 1).date(), 900)
    run_day(exchange, 0, ("add", "push"))
    exchange.sandbox.okta.change_user(exchange.ids["ann"], login="ann.jones@new.example")
    run_day(exchange, 1, ("remove", "improve", "add", "push"))
    assert exchange.members == {"ann"}
    assert exchange.told("ann") == [("none", "high")]


def test_an_excluded_user_whose_name_is_somebody_elses_now_is_still_excluded(exchange: Exchange) -> None:
    exchange.user("glass")
    exchange.add(1, {"glass": 900}, exclude_users=["glass@new.example"])
    exchange.rename("glass", "glass.old")
    exchange.user("hire", login="glass@new.example")
    for number in (2, 3):
        rows = {"glass": 100, "glass.old": 100}
        report = exchange.add(number, rows, exclude_users=["glass@new.example"])
        assert report["reasons"] == {"skipped:excluded": 2}
        assert "is somebody else's name in Okta now" in report["warnings"][0]
    assert exchange.members == set()


@pytest.mark.parametrize("order", [("add", "remove"), ("remove", "add")])
def test_rows_of_a_task_of_ones_own_decide_together_too(exchange: Exchange, order: tuple[str, str]) -> None:
    exchange.user("ann", email="ann.lee@new.example")
    rows = [{"user": "ann@new.example", "score": 100}, {"user": "ann.lee@new.example", "score": 900}]
    for number in (1, 2):
        picked = {
            name: exchange.task(RiskFilterOperator(task_id=name, rows=rows, rule=rule), number)
            for name, rule in (("add", "score <= 500"), ("remove", "score > 600"))
        }
        for name in order:
            settings: Any = {"task_id": f"act_{name}", "rows": picked[name], "group_name": GROUP}
            made = (
                OktaAddToGroupOperator(create_group=True, **settings)
                if name == "add"
                else OktaRemoveFromGroupOperator(missing_group_ok=True, **settings)
            )
            exchange.task(made, number)
        assert exchange.members == {"ann"}
    assert [path for method, path in _writes(exchange) if method == "DELETE"] == []


def _writes(exchange: Exchange) -> list[tuple[str, str]]:
    found = exchange.sandbox.requests_to("okta", path_prefix="/api/v1/groups/")
    return [(one.method, one.path) for one in found if one.method in ("PUT", "DELETE")]


# --- several rows about one person


def run_day(exchange: Exchange, number: int, tasks: tuple[str, ...]) -> None:
    """Do what the example DAG does, with the acting tasks in this order."""
    fetched = exchange.task(NetskopeFetchScoresOperator(task_id="fetch_scores", settle_after=None), number)

    def picked(rule: str, unless: str | None = None) -> Any:
        operator = RiskFilterOperator(task_id="filter", rows=fetched, rule=rule, unless=unless)
        chosen = exchange.task(operator, number)
        return exchange.task(RiskMapLevelsOperator(task_id="map", rows=chosen), number)

    at_risk, recovered = picked("score <= 500"), picked("score > 600", "score <= 500")
    improved = picked("has_score", "score <= 500")
    settings: Any = {"group_name": GROUP, "max_change_percent": 100}
    operators: dict[str, Any] = {
        "add": OktaAddToGroupOperator(task_id="add", rows=at_risk, create_group=True, **settings),
        "push": OktaPushRiskOperator(task_id="push", rows=at_risk, ensure_provider=True),
        "remove": OktaRemoveFromGroupOperator(
            task_id="remove", rows=recovered, missing_group_ok=True, **settings
        ),
        "improve": OktaPushRiskOperator(
            task_id="improve", rows=improved, only_known=True, ensure_provider=True
        ),
    }
    for name in tasks:
        exchange.task(operators[name], number)


@pytest.mark.parametrize(
    "order", [("add", "push", "remove", "improve"), ("remove", "improve", "add", "push")]
)
@pytest.mark.parametrize("other", [100, 550])
def test_the_least_safe_score_of_a_person_decides_in_every_task(
    exchange: Exchange, netskope: Sandbox, order: tuple[str, ...], other: int
) -> None:
    exchange.user("ann", email="ann.lee@new.example")
    for name in ("ann@new.example", "ann.lee@new.example"):
        netskope.netskope.add_user(name)

    def score(number: int, login: int, address: int) -> None:
        scored = (day(number - 1)).date()
        netskope.netskope.set_score("ann@new.example", scored, login)
        netskope.netskope.set_score("ann.lee@new.example", scored, address)

    score(0, 900, 100)
    run_day(exchange, 0, order)
    assert exchange.members == {"ann"}
    assert exchange.told("ann") == [("none", "high")]
    for number in (1, 2):
        score(number, 900, other)
        run_day(exchange, number, order)
        assert exchange.members == {"ann"}
    assert exchange.told("ann")[-1][1] == ("high" if other == 100 else "medium")
    score(3, 900, 850)
    run_day(exchange, 3, order)
    assert exchange.members == set()
    assert exchange.told("ann")[-1][1] == "low"


# --- one org, one group


def test_an_org_that_is_reached_by_another_host_is_the_same_org(
    exchange: Exchange, connect, signing_key
) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    connect(
        "okta_default",
        conn_type="okta",
        host=exchange.sandbox.okta_url.replace("127.0.0.1", "localhost"),
        password=exchange.sandbox.okta_token,
    )
    exchange.remove(2, {"ann": 900})
    assert exchange.members == set()


def test_a_group_that_was_renamed_is_used_on_and_said_so(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.user("bob")
    exchange.add(1, {"ann": 100})
    group = exchange.sandbox.okta.find_group(GROUP)
    assert group is not None
    group.name = "Risky users"
    report = exchange.add(2, {"bob": 100})
    assert "is called 'Risky users' now" in report["warnings"][0]
    exchange.remove(2, {"ann": 900})
    assert exchange.sandbox.okta.members(group.id) == {exchange.ids["bob"]}
    assert exchange.sandbox.okta.find_group(GROUP) is None


def test_a_group_that_was_deleted_is_made_again(exchange: Exchange) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    group = exchange.sandbox.okta.find_group(GROUP)
    assert group is not None
    group.name = "Risky users"
    exchange.sandbox.fail_next(
        service="okta", status=404, method="GET", path_prefix=f"/api/v1/groups/{group.id}"
    )
    report = exchange.add(2, {"ann": 100})
    assert report["warnings"] == []
    assert exchange.members == {"ann"}
