# SPDX-License-Identifier: Apache-2.0
"""Okta's users: all of them, one of them, and many of them with few calls."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.clients import okta_users
from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.client_support import NOW, methods, okta, okta_of, sandbox, timing_of

__all__ = ["okta", "sandbox"]


def test_all_users_are_listed_page_by_page_and_brief() -> None:
    with Sandbox(users=450, now=NOW, frozen=True) as big:
        users = list(okta_of(big).list_users())
        expected = [user for user in big.okta.users if user.status != "DEPROVISIONED"]
        assert [user.user_id for user in users] == [user.id for user in expected]
        assert [(user.login, user.email, user.status) for user in users] == [
            (user.login, user.email, user.status) for user in expected
        ]
        assert len(big.requests) == 3
        assert all("omitCredentials" in (entry.content_type or "") for entry in big.requests)
        assert all(entry.parameters["limit"] == "200" and not entry.body for entry in big.requests)


def test_a_user_is_read_by_id_and_by_login_whatever_its_case(okta: OktaClient, sandbox: Sandbox) -> None:
    known = sandbox.okta.add_user("Ann.O'Brien+x@corp.example", email="ann@corp.example")
    for name in (known.id, known.login, known.login.upper()):
        assert okta.get_user(name).user_id == known.id


def test_an_email_that_is_not_the_login_finds_nobody_by_login(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.okta.add_user("ann@corp.example", email="other@corp.example")
    with pytest.raises(NotFoundError) as caught:
        okta.get_user("other@corp.example")
    assert caught.value.resource == "User"
    assert caught.value.request_id


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../groups"])
def test_an_id_cannot_become_another_path(okta: OktaClient, sandbox: Sandbox, name: str) -> None:
    for call in (okta.get_user, okta.get_group, okta.get_user_risk, okta.delete_security_events_provider):
        with pytest.raises(ConfigurationError):
            call(name)
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["a?limit=1", "a#b", "a%2Fb", "a b", "ä", "a;b", "a\\b"])
def test_odd_characters_in_a_login_stay_part_of_it(okta: OktaClient, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(NotFoundError, match="User"):
        okta.get_user(name)
    assert methods(sandbox)[0].startswith("GET /api/v1/users/")
    assert sandbox.requests[0].query == ""


# --- many users


def test_users_are_found_by_login_and_by_email_whatever_their_case(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    by_login = sandbox.okta.add_user("Ann@Corp.example", email="a@other.example")
    by_email = sandbox.okta.add_user("b@other.example", email="Bob@corp.example")
    found = {
        user.user_id for user in okta.find_users(["aNN@corp.example", "BOB@CORP.EXAMPLE", "nobody@x.example"])
    }
    assert found == {by_login.id, by_email.id}


def test_all_candidates_of_an_ambiguous_email_are_found_and_each_once(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    ids = {sandbox.okta.add_user(f"x{n}@corp.example", email="shared@corp.example").id for n in range(3)}
    found = [
        user.user_id
        for user in okta.find_users(["shared@corp.example", "x1@corp.example", "X1@corp.example"])
    ]
    assert sorted(found) == sorted(ids)


def test_a_deprovisioned_user_is_found_so_that_he_can_be_reported(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.okta.add_user("gone@corp.example", status="DEPROVISIONED")
    (user,) = okta.find_users(["gone@corp.example"])
    assert user.is_deprovisioned


def test_a_name_within_another_name_is_somebody_else(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.okta.add_user("joann@corp.example")
    assert list(okta.find_users(["ann@corp.example"])) == []


@pytest.mark.parametrize(
    "login",
    [
        'quo"te@corp.example',
        "back\\slash@corp.example",
        "o'brien@corp.example",
        'end\\"@corp.example',
        "a&b=c@corp.example",
        "ümlaut@corp.example",
    ],
)
def test_characters_with_a_meaning_in_a_search_are_found_as_they_are(
    okta: OktaClient, sandbox: Sandbox, login: str
) -> None:
    user = sandbox.okta.add_user(login)
    assert [found.user_id for found in okta.find_users([login, "other@corp.example"])] == [user.id]


def test_a_name_cannot_smuggle_a_search_of_its_own(okta: OktaClient, sandbox: Sandbox) -> None:
    assert list(okta.find_users(['x" or profile.login sw "'])) == []
    assert sandbox.requests[0].status == 200


@pytest.mark.parametrize(
    "names", [[], ["", "  "], ["a\x00b@corp.example", "\ud800@corp.example"], ["x" * 5000]]
)
def test_names_that_nobody_can_have_cost_no_call(
    okta: OktaClient, sandbox: Sandbox, names: list[str]
) -> None:
    assert list(okta.find_users(names)) == []
    assert sandbox.requests == []


def test_500_of_10000_users_are_found_with_20_calls_and_one_that_counts() -> None:
    with Sandbox(users=10_000, now=NOW, frozen=True) as big:
        names = [user.login for user in big.okta.users[::20]][:500]
        found = {user.user_id for user in okta_of(big).find_users(names)}
        assert {user.id for user in big.okta.users[::20][:500]} <= found
        assert len(big.requests) == 1 + 20


def test_the_whole_directory_is_listed_where_that_takes_fewer_calls() -> None:
    with Sandbox(users=600, now=NOW, frozen=True) as big:
        gone = big.okta.add_user("gone@corp.example", status="DEPROVISIONED")
        names = [user.login.upper() for user in big.okta.users if user.status != "DEPROVISIONED"][:400]
        found = [user.user_id for user in okta_of(big).find_users([*names, gone.login, "nobody@x.example"])]
        wanted = {user.id for user in big.okta.users if user.login.upper() in names} | {gone.id}
        assert wanted <= set(found)
        assert len(found) == len(set(found))
        listed = sum(user.status != "DEPROVISIONED" for user in big.okta.users)
        # One that counts, the pages, and one search for the two who were not in them.
        assert len(big.requests) == 1 + -(-listed // 200) + 1


def test_listing_and_searching_find_the_same_users(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(users=300, now=NOW, frozen=True) as big:
        names = [user.email for user in big.okta.users[:150]]
        listed = {user.user_id for user in okta_of(big).find_users(names)}
        monkeypatch.setattr(OktaClient, "count_users", lambda self: None)
        searched = {user.user_id for user in okta_of(big).find_users(names)}
        assert listed == searched


def test_users_are_searched_for_when_the_token_may_not_see_how_many_there_are() -> None:
    with Sandbox(users=300, now=NOW, frozen=True) as big:
        big.fail_next(status=403, path_prefix="/api/v1/groups")
        names = [user.login for user in big.okta.users[:150]]
        assert len(list(okta_of(big).find_users(names))) >= 150
        assert methods(big) == ["GET /api/v1/groups"] + ["GET /api/v1/users"] * 6


def test_the_size_of_the_org_is_read_from_everyone(okta: OktaClient, sandbox: Sandbox) -> None:
    assert okta.count_users() == sum(user.status != "DEPROVISIONED" for user in sandbox.okta.users)


@pytest.mark.parametrize("most_terms", [49, 20, 2])
def test_a_search_that_is_too_long_for_okta_is_halved(
    okta: OktaClient, sandbox: Sandbox, most_terms: int
) -> None:
    sandbox.options.search_max_terms = most_terms
    wanted = [user for user in sandbox.okta.users if user.status == "ACTIVE"][:40]
    found = {user.user_id for user in okta.find_users([user.login for user in wanted])}
    assert {user.id for user in wanted} <= found


def test_a_url_that_is_too_long_for_okta_is_halved(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.options.max_url_bytes = 1000
    wanted = [user for user in sandbox.okta.users if user.status == "ACTIVE"][:25]
    found = {user.user_id for user in okta.find_users([user.login for user in wanted])}
    assert {user.id for user in wanted} <= found
    assert any(entry.status == 414 for entry in sandbox.requests)


def test_a_search_for_one_name_that_is_refused_is_an_error_and_no_endless_halving(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    sandbox.options.search_max_terms = 1
    with pytest.raises(InvalidRequestError) as caught:
        list(okta.find_users(["a@corp.example", "b@corp.example"]))
    assert caught.value.code == "E0000031"
    assert len(sandbox.requests) == 2


def test_no_search_is_longer_than_4_kb_and_25_names(okta: OktaClient, sandbox: Sandbox) -> None:
    names = [f"{'ü' * 20}{number:04}@{'long' * 10}.example" for number in range(30)]
    names += [f"{number}@x.example" for number in range(45)]
    list(okta.find_users(names))
    searches = [
        entry for entry in sandbox.requests if "search" in entry.parameters and entry.path.endswith("users")
    ]
    assert searches
    assert max(len(entry.query) for entry in searches) < 4096
    assert max(entry.parameters["search"].count("profile.login") for entry in searches) <= 25
    terms = sum(entry.parameters["search"].count("profile.login") for entry in searches)
    # A name with accents is looked for composed and decomposed.
    assert terms == 2 * 30 + 45


# --- risk


def test_a_users_risk_is_read_and_set_in_lower_case(okta: OktaClient, sandbox: Sandbox) -> None:
    user_id = sandbox.okta.users[0].id
    assert okta.get_user_risk(user_id) == "none"
    assert okta.put_user_risk(user_id, "high", "UCI=200 (ann@corp.example)\nline two").status == 201
    assert okta.put_user_risk(user_id, "medium").status == 200
    assert okta.get_user_risk(user_id) == "medium"
    (first, second) = (entry.body for entry in sandbox.requests_to(method="PUT"))
    assert first == b'{"riskLevel":"HIGH","riskReason":"UCI-200 -ann-corp.example- line two"}'
    assert second == b'{"riskLevel":"MEDIUM"}'


def test_a_reason_of_any_length_and_alphabet_is_accepted_by_okta(okta: OktaClient, sandbox: Sandbox) -> None:
    answer = okta.put_user_risk(sandbox.okta.users[0].id, "low", "Größe: 5\u20ac \t" + "x" * 600)
    assert answer.status == 201


@pytest.mark.parametrize("level", ["none", "HIGH", "secure", ""])
def test_a_level_that_cannot_be_set_is_not_sent(okta: OktaClient, sandbox: Sandbox, level: str) -> None:
    with pytest.raises(ConfigurationError):
        okta.put_user_risk(sandbox.okta.users[0].id, level)  # type: ignore[arg-type]
    assert sandbox.requests == []


def test_the_risk_of_an_unknown_user_is_an_error(okta: OktaClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        okta.get_user_risk("00uunknown")
    assert caught.value.resource == "User"


# --- the connection as a whole


def test_a_good_connection_passes_the_check(okta: OktaClient, sandbox: Sandbox) -> None:
    okta.check()
    assert methods(sandbox) == ["GET /api/v1/users", "GET /api/v1/groups"]
    assert okta.get_org()["id"]


def test_a_wrong_token_fails_the_check_with_what_to_do(sandbox: Sandbox) -> None:
    client = OktaClient.connect(sandbox.okta_url, SswsAuth("wrong"), timing=timing_of(sandbox))
    with pytest.raises(AuthenticationError, match="create one"):
        client.check()


def test_a_missing_permission_fails_the_check(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.fail_next(status=403, path_prefix="/api/v1/groups")
    with pytest.raises(PermissionDeniedError):
        okta.check()


def test_an_org_that_is_not_there_fails_the_check(sandbox: Sandbox) -> None:
    client = okta_of(sandbox)
    sandbox.stop()
    with pytest.raises(TransportError) as caught:
        client.check()
    assert not caught.value.sent


def test_the_constants_are_what_the_documentation_allows() -> None:
    assert okta_users.PAGE_SIZE == 200
    assert okta_users.NAMES_PER_SEARCH <= 25
    assert okta_users.LONGEST_QUERY < 4096


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("zo\u00eb@x.example", "zoe\u0308@x.example"), ("zoe\u0308@x.example", "ZO\u00cb@x.example")],
)
def test_a_name_finds_its_twin_whose_accents_are_composed_otherwise(
    okta: OktaClient, sandbox: Sandbox, stored: str, asked: str
) -> None:
    by_login = sandbox.okta.add_user(stored, email="z@other.example")
    by_email = sandbox.okta.add_user("y@other.example", email=stored)
    assert {user.user_id for user in okta.find_users([asked])} == {by_login.id, by_email.id}


def test_names_that_only_look_alike_find_nobody(okta: OktaClient, sandbox: Sandbox) -> None:
    for login in ("strasse@x.example", "sam@x.example", "kim@x.example"):
        sandbox.okta.add_user(login)
    assert list(okta.find_users(["stra\u00dfe@x.example", "\u017fam@x.example", "\u212aim@x.example"])) == []


def test_a_name_that_okta_refuses_costs_the_others_nothing(okta: OktaClient, sandbox: Sandbox) -> None:
    """Okta refuses a search with a character beyond U+FFFF; its strings have none."""
    known = sandbox.okta.add_user("ann@x.example")
    names = [f"party{number}\U0001f389@x.example" for number in range(120)]
    assert [user.user_id for user in okta.find_users([*names, known.login])] == [known.id]
    assert okta.find_group("Risky \U0001f389") is None
    assert all(entry.status == 200 for entry in sandbox.requests)
