"""Nobody is acted on by mistake: names are matched exactly, without regard to case, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_okta_ure.core.matching import Directory, resolve
from airflow_provider_okta_ure.core.models import OktaUser, Row


def user(user_id: str, login: str, email: str | None = None, status: str = "ACTIVE") -> OktaUser:
    return OktaUser(user_id=user_id, login=login, email=email or login, status=status)


def reasons(rows: list[Row], users: list[OktaUser]) -> list[str]:
    return [
        one.outcome.reason if one.outcome else (one.user.user_id if one.user else "")
        for one in resolve(rows, Directory(users))
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("ann@corp.example", "1", id="login"),
        pytest.param("ANN@Corp.Example", "1", id="login-in-another-case"),
        pytest.param("bob.b@corp.example", "2", id="single-email"),
        pytest.param("nn@corp.example", "user_not_in_okta", id="part-of-a-login"),
        pytest.param("joann@corp.example", "user_not_in_okta", id="longer-than-a-login"),
        pytest.param("shared@corp.example", "ambiguous_user", id="email-of-two"),
        pytest.param("gone@corp.example", "user_deprovisioned", id="deprovisioned"),
    ],
)
def test_a_name_belongs_to_exactly_one_user_or_to_none(name, expected):
    users = [
        user("1", "ann@corp.example"),
        user("2", "bob@corp.example", "bob.b@corp.example"),
        user("3", "carl@corp.example", "shared@corp.example"),
        user("4", "dora@corp.example", "shared@corp.example"),
        user("5", "gone@corp.example", status="DEPROVISIONED"),
    ]
    assert reasons([Row(user=name)], users) == [expected]


def test_the_login_decides_even_when_somebody_else_has_it_as_email():
    users = [user("1", "ann@corp.example"), user("2", "ann2@corp.example", "ann@corp.example")]
    assert reasons([Row(user="ann@corp.example")], users) == ["1"]


def test_a_deprovisioned_user_does_not_compete_with_a_living_one():
    users = [
        user("1", "old@corp.example", "ann@corp.example", "DEPROVISIONED"),
        user("2", "new@corp.example", "ann@corp.example"),
    ]
    assert reasons([Row(user="ann@corp.example")], users) == ["2"]


def test_two_rows_about_one_user_act_once_and_the_least_safe_score_decides():
    users = [user("1", "ann@corp.example", "ann.a@corp.example")]
    rows = [Row(user="ann.a@corp.example", score=10), Row(user="ann@corp.example", score=900)]
    assert reasons(rows, users) == ["1", "duplicate_user"]


def test_of_two_rows_with_one_score_the_one_that_names_the_login_decides():
    users = [user("1", "ann@corp.example", "ann.a@corp.example")]
    rows = [Row(user="ann.a@corp.example", score=10), Row(user="ann@corp.example", score=10)]
    assert reasons(rows, users) == ["duplicate_user", "1"]


# U+212A is the Kelvin sign, U+FB01 the ligature fi, U+017F the long s.
@pytest.mark.parametrize(
    ("other", "login"),
    [
        ("gro\u00df@x.example", "gross@x.example"),
        ("\u212aim@x.example", "kim@x.example"),
        ("\ufb01nn@x.example", "finn@x.example"),
        ("\u017fam@x.example", "sam@x.example"),
    ],
)
def test_a_name_that_looks_alike_is_another_person(other: str, login: str):
    directory = Directory([user("1", login)])
    assert directory.match(other).reason == "user_not_in_okta"
    assert Directory([user("1", login), user("2", other)]).match(other).user == user("2", other)


def test_composed_and_decomposed_letters_are_one_name_and_the_exact_spelling_comes_first():
    composed, apart = "jos\u00e9@x.example", "jose\u0301@x.example"
    assert Directory([user("1", composed)]).match(apart).user == user("1", composed)
    both = Directory([user("1", composed), user("2", apart)])
    assert both.match(apart).user == user("2", apart)
    assert both.match("JOS\u00c9@x.example").reason == "ambiguous_user"


def test_between_two_equally_named_rows_the_less_safe_score_wins_and_a_missing_score_loses():
    users = [user("1", "ann@corp.example", "a@corp.example")]
    rows = [
        Row(user="A@corp.example", score=None),
        Row(user="a@corp.example", score=700),
        Row(user="a@CORP.example", score=300),
    ]
    assert reasons(rows, users) == ["duplicate_user", "duplicate_user", "1"]


@given(st.lists(st.sampled_from(["a@x.example", "A@x.example", "b@x.example", "c@x.example", "z@x.example"])))
def test_every_row_gets_one_decision_in_its_place_and_no_user_is_acted_on_twice(names):
    users = [user("1", "a@x.example"), user("2", "b@x.example", "c@x.example")]
    decisions = resolve([Row(user=name) for name in names], Directory(users))
    assert [one.row.user for one in decisions] == names
    acted_on = [one.to_act_on.user_id for one in decisions if one.to_act_on]
    assert len(acted_on) == len(set(acted_on))
