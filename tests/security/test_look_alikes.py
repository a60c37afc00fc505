"""A name that looks like another one, or folds like it, acts on nobody else."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.operators.okta import OktaUpsertUserRiskOperator
from tests.integration.exchange import Exchange

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

# What stands in Okta, and what a source calls somebody else: as the part before @new.example.
LOOK_ALIKES = {
    "kelvin-sign": ("kim", "\u212aim"),
    "ligature-fi": ("finn", "\ufb01nn"),
    "ligature-ff": ("jeff", "je\ufb00"),
    "long-s": ("sam", "\u017fam"),
    "sharp-s": ("strasse", "stra\u00dfe"),
    "capital-sharp-s": ("grosse", "GRO\u1e9eE"),
    "dotted-capital-i": ("ivan", "\u0130van"),
    "dotless-i": ("igor", "\u0131gor"),
    "micro-sign": ("\u03bcax", "\u00b5ax"),
    "angstrom-sign": ("\u00e5sa", "\u212bsa"),
    "ohm-sign": ("\u03c9lf", "\u2126lf"),
    "letter-n-with-an-apostrophe": ("\u02bcnora", "\u0149ora"),
    "full-width": ("ann", "\uff41nn"),
    "cyrillic-a": ("anna", "\u0430nna"),
}
# An org knows only one of both: the sign becomes the usual letter when it is stored or compared.
ONLY_ONE = {"kelvin-sign", "dotted-capital-i", "angstrom-sign", "ohm-sign"}
PAIRS = [pytest.param(*pair, id=name) for name, pair in LOOK_ALIKES.items()]

BOTH = [pytest.param(*pair, id=name) for name, pair in LOOK_ALIKES.items() if name not in ONLY_ONE]


def address(name: str) -> str:
    return f"{name}@new.example"


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    return Exchange(okta)


@pytest.mark.parametrize(("real", "other"), PAIRS)
def test_a_look_alike_neither_releases_nor_reports_nor_endangers_somebody(
    exchange: Exchange, real: str, other: str
) -> None:
    exchange.user("x", login=address(real), email=address(real))
    exchange.add(1, {real: 100})
    exchange.push(1, {real: 100})
    assert exchange.members == {"x"}
    exchange.remove(2, {other: 990})
    exchange.push(2, {other: 990}, only_known=True)
    assert exchange.members == {"x"}
    assert exchange.told("x") == [("none", "high")]
    exchange.remove(3, {real: 990})
    assert exchange.members == set()
    assert exchange.add(4, {other: 10})["reasons"] == {"skipped:user_not_in_okta": 1}
    assert exchange.members == set()
    rows: list[dict[str, Any]] = [{"user": address(other), "score": 990, "risk_level": "low"}]
    upsert = OktaUpsertUserRiskOperator(task_id="upsert", rows=rows)
    assert exchange.task(upsert, 5)["reasons"] == {"skipped:user_not_in_okta": 1}


@pytest.mark.parametrize(("real", "other"), BOTH)
def test_each_of_both_gets_what_is_theirs(exchange: Exchange, real: str, other: str) -> None:
    for name, login in (("real", real), ("other", other)):
        exchange.user(name, login=address(login), email=f"{name}@mail.example")
    exchange.add(1, {real: 10, other: 20})
    assert exchange.members == {"real", "other"}
    exchange.remove(2, {other: 990})
    assert exchange.members == {"real"}
    exchange.add(3, {other: 10})
    exchange.remove(4, {real: 990})
    assert exchange.members == {"other"}


@pytest.mark.parametrize(("real", "other"), BOTH)
def test_an_exclusion_protects_whom_it_names_and_a_look_alike_does_not_lift_it(
    exchange: Exchange, real: str, other: str
) -> None:
    for name, login in (("real", real), ("other", other)):
        exchange.user(name, login=address(login), email=f"{name}@mail.example")
    report = exchange.add(1, {real: 10, other: 20}, exclude_users=[address(real)])
    assert exchange.members == {"other"}
    assert report["reasons"] == {"skipped:excluded": 1}


@pytest.mark.parametrize("other", ["ann", "ANN", "Ann"])
def test_case_alone_is_no_difference(exchange: Exchange, other: str) -> None:
    exchange.user("ann")
    exchange.add(1, {"ann": 100})
    exchange.remove(2, {other: 990})
    assert exchange.members == set()


def test_the_same_letters_in_another_encoding_are_no_difference(exchange: Exchange) -> None:
    composed = "jos\u00e9"
    exchange.user("jose", login=address(composed), email=address(composed))
    exchange.add(1, {composed: 100})
    exchange.remove(2, {unicodedata.normalize("NFD", composed).upper(): 990})
    assert exchange.members == set()


def test_no_pair_is_the_same_person() -> None:
    for real, other in LOOK_ALIKES.values():
        assert fold(real) != fold(other)
