"""Twice the users are at most about twice the work, in every step of the main DAG, and when it runs again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.integration.conftest import NOW
from tests.integration.exchange import GROUP, Exchange, day

if TYPE_CHECKING:
    from pathlib import Path

    from demo.keys import SigningKeyPair

FEW, MANY = 150, 300
PACKAGE = "airflow_provider_okta_ure"
# A quadratic step gives 4; what is done once per task lowers the ratio.
MOST = 2.4

Work = dict[str, int]


def counted(step: Callable[[], Any]) -> tuple[Any, int]:
    """Return what a step returns, and how many calls of our own functions it took, in all threads."""
    calls = 0

    def count(frame: Any, event: str, _: object) -> None:
        nonlocal calls
        if (
            event == "call"
            and PACKAGE in frame.f_code.co_filename
            and "sandbox" not in frame.f_code.co_filename
        ):
            calls += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        return step(), calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def run_day(exchange: Exchange, number: int, work: Work, label: str) -> None:
    """Do what the main DAG does for one day, and count the work of each step."""

    def step(name: str, operator: Any) -> Any:
        returned, work[f"{label}: {name}"] = counted(lambda: exchange.task(operator, number))
        return returned

    limits: Any = {"max_changes": 10_000, "max_change_percent": 100}
    fetched = step("fetch", NetskopeFetchScoresOperator(task_id="fetch", settle_after=None))
    at_risk = step("filter", RiskFilterOperator(task_id="filter", rows=fetched, rule="score <= 500"))
    recovered = step("recovered", RiskFilterOperator(task_id="rec", rows=fetched, rule="score > 600"))
    mapped = step("map", RiskMapLevelsOperator(task_id="map", rows=at_risk))
    improved = step("map improved", RiskMapLevelsOperator(task_id="improved", rows=recovered))
    group: Any = {"group_name": GROUP, **limits}
    step("add", OktaAddToGroupOperator(task_id="add", rows=mapped, create_group=True, **group))
    step(
        "push",
        OktaPushRiskOperator(task_id="push", rows=mapped, ensure_provider=True, check_jwks=False, **limits),
    )
    step("remove", OktaRemoveFromGroupOperator(task_id="remove", rows=recovered, **group))
    step(
        "push improved",
        OktaPushRiskOperator(task_id="better", rows=improved, only_known=True, check_jwks=False, **limits),
    )


def work_of(exchange: Exchange, names: list[str]) -> Work:
    """Return the work of two days, the second of them twice; half of the users are at risk, then the other half."""
    netskope = exchange.sandbox.netskope
    for name in names:
        exchange.user(name)
        netskope.add_user(f"{name}@new.example")
    work: Work = {}
    for number in (1, 2):
        for index, name in enumerate(names):
            score = 100 if (index + number) % 2 else 900
            netskope.set_score(f"{name}@new.example", day(number - 1).date(), score)
    run_day(exchange, 1, work, "first day")
    run_day(exchange, 2, work, "second day")
    run_day(exchange, 2, work, "second day again")
    return work


def world_of(number: int, connect: Callable[..., None], key: SigningKeyPair, folder: Path) -> Work:
    """Return the work for so many users, in an org and with an action log of their own."""
    with Sandbox(users=0, now=NOW) as sandbox:
        sandbox.options.netskope_rate_limit = 0
        for bucket in ("/api/v1/users", "/api/v1/groups", "/api/v1", "/security/api/v1/security-events"):
            sandbox.set_bucket(bucket, 1_000_000)
        connect(
            "okta_default",
            conn_type="okta",
            host=sandbox.okta_url,
            password=sandbox.okta_token,
            extra={
                "issuer": "https://risk.corp.example",
                "jwks_url": sandbox.publish_jwks(key.jwks),
                "signing_private_key": key.pem,
                "allow_private_jwks_url": True,
                "rate_limit_share": 1,
            },
        )
        connect(
            "netskope_default",
            conn_type="netskope",
            host=sandbox.netskope_url,
            password=sandbox.netskope_token,
        )
        connect("okta_ure_action_log", conn_type="sqlite", host=str(folder / f"log-{number}.db"))
        return work_of(Exchange(sandbox), [f"user{index}" for index in range(number)])


def test_twice_the_users_are_about_twice_the_work(
    connect: Callable[..., None], signing_key: SigningKeyPair, tmp_path: Path
) -> None:
    few = world_of(FEW, connect, signing_key, tmp_path)
    many = world_of(MANY, connect, signing_key, tmp_path)
    grown = {name: round(many[name] / few[name], 2) for name in few if many[name] > MOST * few[name]}
    assert grown == {}
