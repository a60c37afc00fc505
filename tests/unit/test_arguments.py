"""A list of names means what it looks like, or is refused; it is never one long name that matches nobody."""

from __future__ import annotations

import json

import pytest

from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.errors import ConfigurationError

TWO = ["vip@x.example", "boss@x.example"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(TWO, id="list"),
        pytest.param(tuple(TWO), id="tuple"),
        pytest.param(set(TWO), id="set"),
        pytest.param(frozenset(TWO), id="frozenset"),
        pytest.param(dict.fromkeys(TWO).keys(), id="keys"),
        pytest.param(json.dumps(TWO), id="json"),
        pytest.param(json.dumps(TWO, indent=2), id="json-on-lines"),
        pytest.param(str(TWO), id="python-list"),
        pytest.param(str(tuple(TWO)), id="python-tuple"),
        pytest.param(str(set(TWO)), id="python-set"),
        pytest.param(str(frozenset(TWO)), id="python-frozenset"),
        pytest.param("[vip@x.example, boss@x.example]", id="brackets-alone"),
        pytest.param('["vip@x.example", "boss@x.example",]', id="trailing-comma"),
        pytest.param("['vip@x.example' 'boss@x.example']", id="comma-forgotten"),
        pytest.param("vip@x.example,boss@x.example", id="comma"),
        pytest.param(" vip@x.example ,, boss@x.example, ", id="commas-too-many"),
        pytest.param("vip@x.example;boss@x.example", id="semicolon"),
        pytest.param("vip@x.example\nboss@x.example\n", id="line-end"),
        pytest.param("vip@x.example\r\nboss@x.example", id="windows-line-end"),
        pytest.param("vip@x.example\u2028boss@x.example", id="unicode-line-end"),
        pytest.param("vip@x.example boss@x.example", id="blank"),
        pytest.param("vip@x.example\u00a0 boss@x.example", id="no-break-space"),
        pytest.param("vip@x.example\tboss@x.example", id="tab"),
        pytest.param("vip@x.example\uff0cboss@x.example", id="full-width-comma"),
        pytest.param("'vip@x.example', 'boss@x.example'", id="each-in-quotes"),
        pytest.param('"vip@x.example" "boss@x.example"', id="quotes-and-blank"),
        pytest.param('"vip@x.example, boss@x.example"', id="all-in-quotes"),
        pytest.param("\u201cvip@x.example\u201d, \u201cboss@x.example\u201d", id="typographic-quotes"),
        pytest.param("\ufeffvip@x.example\u200b,boss@x.example", id="unseen-characters"),
        pytest.param(["vip@x.example, boss@x.example"], id="two-in-one-item"),
        pytest.param(["'vip@x.example'", " boss@x.example\n"], id="quotes-in-items"),
        pytest.param('["vip@x.example; boss@x.example"]', id="two-in-one-json-item"),
    ],
)
def test_two_names_are_two_names_however_they_are_spelled(value):
    assert sorted(to_names(value, "exclude_users")) == sorted(TWO)


@pytest.mark.parametrize("value", [None, "", "  ", "None", [], (), set(), "[]", "set()", ",;"])
def test_an_empty_list_is_empty(value):
    assert to_names(value, "exclude_users") == []


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["Doe, John"], ["Doe, John"]),
        ('["Doe, John", "adm ann"]', ["Doe, John", "adm ann"]),
        ("'Doe, John'; vip@x.example", ["Doe, John", "vip@x.example"]),
        ("adm-ann, o'brien@x.example", ["adm-ann", "o'brien@x.example"]),
        (r"CORP\bob, CORP\new", [r"CORP\bob", r"CORP\new"]),
        (str([r"CORP\bob"]), [r"CORP\bob"]),
        (str(["jos\u00e9@x.example"]), ["jos\u00e9@x.example"]),
        (json.dumps(["jos\u00e9@x.example"]), ["jos\u00e9@x.example"]),
        ("vip@x.example, vip@x.example", ["vip@x.example"]),
    ],
)
def test_unusual_logins_stay_whole(value, names):
    assert to_names(value, "exclude_users") == names


@pytest.mark.parametrize(
    "value",
    [
        5,
        True,
        b"vip@x.example",
        {"vip@x.example": 1},
        '{"vip@x.example": 1}',
        [5],
        [None],
        [""],
        [["vip@x.example"]],
        '[["vip@x.example"]]',
        '["vip@x.example", null]',
        "[unfinished",
        "vip@x.example]",
        "[" * 100_000,
        "[" * 50_000 + "]" * 50_000,
        "'vip@x.example",
        "vip@x.example'",
        "'vip@x.example'boss@x.example",
        "vip@x.example and boss@x.example",
        "vip boss",
        "- vip@x.example\n- boss@x.example",
        "vip@x.example|boss@x.example",
        "vip@x.example/boss@x.example",
        "vip@x.example&boss@x.example",
        r"vip@x.example\nboss@x.example",
        ["vip@x.example, boss"],
        ["Vip <vip@x.example>"],
        ["vip\nboss"],
        "vip\u200bx@x.example",
        "['CORP\\bob']",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(value):
    with pytest.raises(
        ConfigurationError, match="exclude_users is not a list of names, so it is not known who"
    ):
        to_names(value, "exclude_users")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Break glass", ["Break glass"]),
        ("Break glass; Service desk\nAdmins", ["Break glass", "Service desk", "Admins"]),
        ("Break glass, Service desk", ["Break glass", "Service desk"]),
        (["Break glass, EMEA"], ["Break glass, EMEA"]),
        (str(["Break glass, EMEA", "B"]), ["Break glass, EMEA", "B"]),
        (json.dumps(["Break glass, EMEA", "B"]), ["Break glass, EMEA", "B"]),
        ('"Break glass, EMEA", B', ["Break glass, EMEA", "B"]),
        ("[EMEA] Break glass", ["[EMEA] Break glass"]),
        (["[EMEA]", 'Say "hi"'], ["[EMEA]", 'Say "hi"']),
    ],
)
def test_names_of_groups_may_have_blanks_and_in_a_list_commas(value, names):
    assert to_names(value, "exclude_groups", of="groups") == names


@pytest.mark.parametrize(
    "value", ["[EMEA]", "(EMEA)", "[unfinished", '"A" B', ["A\nB"], ["A", ["B"]], [" "], {"A": 1}]
)
def test_names_of_groups_that_can_be_read_in_two_ways_are_refused(value):
    with pytest.raises(ConfigurationError, match="it is not known which groups are meant"):
        to_names(value, "exclude_groups", of="groups")


def test_one_odd_item_costs_only_itself_where_people_are_only_looked_at():
    odd = ["front desk@x.example", "vip@x.example"]
    assert to_names(odd, "users", keep_odd_items=True) == odd


def test_the_error_says_which_part_was_not_understood():
    with pytest.raises(ConfigurationError, match="'vip boss' is one name or several") as caught:
        to_names("ann@x.example, vip boss", "exclude_users")
    assert '["ann@corp.example", "bob@corp.example"]' in str(caught.value)
