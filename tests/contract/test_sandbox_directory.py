"""Users, groups and memberships of the pretend Okta: listing, searching, writing, refusing."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from tests.contract.sandbox_support import Api, all_pages, group_id, make_sandbox, okta_api

if TYPE_CHECKING:
    import requests

USERS, GROUPS = "/api/v1/users", "/api/v1/groups"


@pytest.fixture
def sandbox():
    with make_sandbox(users=250) as sandbox:
        yield sandbox


@pytest.fixture
def okta(sandbox):
    return okta_api(sandbox)


@pytest.fixture
def empty():
    with make_sandbox(users=0) as sandbox:
        yield sandbox


def logins(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [user["profile"]["login"] for user in answer.json()]


def causes(answer: requests.Response) -> list[str]:
    return [cause["errorSummary"] for cause in answer.json()["errorCauses"]]


# --- listing


def test_a_list_without_parameters_has_everybody_but_the_deprovisioned(sandbox, okta):
    ids = [user["id"] for user in all_pages(okta, USERS, limit=7)]
    assert ids == [user.id for user in sandbox.okta.users if user.status != "DEPROVISIONED"]
    assert any(user.status == "DEPROVISIONED" for user in sandbox.okta.users)


@pytest.mark.parametrize(("asked", "given"), [("", 200), ("?limit=1000", 200), ("?limit=3", 3)])
def test_a_page_has_at_most_200_users(okta, asked, given):
    assert len(okta.get(USERS + asked).json()) == given


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5"])
def test_a_senseless_limit_is_refused(okta, limit):
    assert okta.get(USERS, params={"limit": limit}).json()["errorCode"] == "E0000001"


def test_links_come_as_one_header_line_each(sandbox, okta):
    answer = okta.get(USERS + "?limit=2")
    lines = answer.raw.headers.getlist("link")
    assert [line.rsplit("; ", 1)[1] for line in lines] == ['rel="self"', 'rel="next"']
    assert all(line.startswith(f"<{sandbox.okta_url}/api/v1/users?") for line in lines)


def test_the_last_page_has_no_next_link(sandbox, okta):
    found = okta.get(USERS, params={"search": f'id eq "{sandbox.okta.users[0].id}"'})
    assert "next" not in found.links
    assert "self" in found.links


def test_users_added_while_paging_neither_repeat_nor_lose_anybody(sandbox, okta):
    first = okta.get(USERS + "?limit=100")
    sandbox.okta.add_user("late@corp.example")
    rest = all_pages(okta, first.links["next"]["url"])
    ids = [user["id"] for user in [*first.json(), *rest]]
    assert len(ids) == len(set(ids))
    assert ids[-1] == sandbox.okta.find_user("late@corp.example").id


CURSORS = [
    pytest.param("?after=forged", "E0000029", id="list"),
    pytest.param('?search=status pr&after="', "E0000031", id="search"),
    pytest.param('?filter=status eq "ACTIVE"&after=AAAA', "E0000029", id="filter"),
]


@pytest.mark.parametrize(("query", "code"), CURSORS)
def test_a_made_up_cursor_is_refused(okta, query, code):
    answer = okta.get(USERS + query)
    assert answer.json()["errorCode"] == code
    assert causes(answer) == ["Invalid cursor."]


def test_a_cursor_of_another_list_is_refused(okta):
    after = okta.get(USERS + "?limit=1").links["next"]["url"].split("after=")[1].split("&")[0]
    assert okta.get(USERS, params={"after": after, "search": "status pr"}).status_code == 400
    assert okta.get(GROUPS, params={"after": after}).status_code == 400


def test_fields_leave_the_rest_out(okta):
    shown = okta.get(USERS + "?limit=1&fields=status,profile:(login, email)").json()[0]
    assert set(shown) == {"id", "status", "profile"}
    assert set(shown["profile"]) == {"login", "email"}


def test_the_content_type_can_leave_credentials_out(okta):
    header = {"Content-Type": 'application/json; okta-response="omitCredentials,omitCredentialsLinks"'}
    assert "credentials" not in okta.get(USERS + "?limit=1", headers=header).json()[0]
    useless = {"okta-response": "omitCredentials"}
    assert "credentials" in okta.get(USERS + "?limit=1", headers=useless).json()[0]


# --- one user


def test_a_user_is_found_by_id_login_and_short_name(sandbox, okta):
    user = sandbox.okta.users[0]
    for name in (user.id, user.login, user.login.upper(), user.login.partition("@")[0]):
        assert okta.get(f"{USERS}/{name}").json()["id"] == user.id


def test_a_user_is_not_found_by_email_or_an_ambiguous_short_name(empty):
    empty.okta.add_user("one@corp.example", email="mail@corp.example")
    empty.okta.add_user("two@corp.example")
    empty.okta.add_user("two@other.example")
    okta = okta_api(empty)
    for name in ("mail@corp.example", "two", "nobody"):
        answer = okta.get(f"{USERS}/{name}")
        assert answer.status_code == 404
        assert answer.json()["errorSummary"] == f"Not found: Resource not found: {name} (User)"


def test_logins_with_special_characters_are_decoded_once(empty):
    user = empty.okta.add_user("o'brien+x%41@corp.example")
    okta = okta_api(empty)
    assert okta.get(f"{USERS}/o'brien%2Bx%2541%40corp.example").json()["id"] == user.id
    assert okta.get(f"{USERS}/o'brien%2BxA%40corp.example").status_code == 404


def test_logins_are_unique_whatever_their_case_and_accents(empty):
    empty.okta.add_user("jose@corp.example")
    for login in ("JOSE@corp.example", "josé@corp.example"):
        with pytest.raises(ValueError, match="already"):
            empty.okta.add_user(login)


# --- searching


@pytest.fixture
def few(empty):
    add = empty.okta.add_user
    add("Ada.Lovelace@corp.example", first_name="Ada", last_name="Lovelace", department="Research")
    add("alan@corp.example", email="Alan.Turing@corp.example", first_name="Alan", last_name="Turing")
    add("gone@corp.example", first_name="Gone", last_name="Away", status="DEPROVISIONED")
    add('quo"te@corp.example', first_name="José", last_name="Quote")
    return empty


SEARCHES = [
    pytest.param(
        'profile.login eq "ada.lovelace@CORP.example"', ["Ada.Lovelace@corp.example"], id="any case"
    ),
    pytest.param('profile.email eq "alan.turing@corp.example"', ["alan@corp.example"], id="email"),
    pytest.param('profile.login EQ "alan@corp.example"', ["alan@corp.example"], id="operator in capitals"),
    pytest.param('profile.lastName sw "tur"', ["alan@corp.example"], id="sw"),
    pytest.param(
        'profile.login co "CORP" and profile.firstName eq "Ada"', ["Ada.Lovelace@corp.example"], id="co"
    ),
    pytest.param('status eq "DEPROVISIONED"', ["gone@corp.example"], id="includes deprovisioned"),
    pytest.param('profile.login eq "quo\\"te@corp.example"', ['quo"te@corp.example'], id="escaped quote"),
    pytest.param('profile.firstName eq "Jose"', [], id="accents count"),
    pytest.param("profile.department pr", ["Ada.Lovelace@corp.example"], id="pr"),
    pytest.param('lastUpdated gt "2030-01-01T00:00:00.000Z"', [], id="later than"),
    pytest.param(
        '(profile.firstName eq "Ada" or profile.firstName eq "Alan") and status eq "ACTIVE"',
        ["Ada.Lovelace@corp.example", "alan@corp.example"],
        id="brackets",
    ),
    pytest.param(
        'profile.firstName eq "Ada" or profile.firstName eq "Alan" and status eq "STAGED"',
        ["Ada.Lovelace@corp.example"],
        id="and binds closer",
    ),
    pytest.param(
        'status lt "ACTIVE" or status gt "ACTIVE"',
        ["gone@corp.example"],
        id="not equal, said otherwise",
    ),
]


@pytest.mark.parametrize(("text", "found"), SEARCHES)
def test_search_finds(few, text, found):
    assert logins(okta_api(few).get(USERS, params={"search": text})) == found


BAD_SEARCHES = [
    pytest.param('profile.login ne "a"', id="ne"),
    pytest.param('not (status eq "ACTIVE")', id="not"),
    pytest.param('profile.city co "a"', id="co elsewhere"),
    pytest.param('profile.Login eq "a"', id="attribute in the wrong case"),
    pytest.param('profile.nonsense eq "a"', id="unknown attribute"),
    pytest.param('login eq "a"', id="no profile."),
    pytest.param('profile.login eq "a', id="open quote"),
    pytest.param("profile.login eq a", id="no quotes"),
    pytest.param('(status eq "ACTIVE"', id="open bracket"),
    pytest.param('status eq "ACTIVE")', id="too many brackets"),
    pytest.param('status eq "ACTIVE" or', id="nothing after or"),
    pytest.param('lastUpdated gt "yesterday"', id="no date"),
    pytest.param("(" * 200 + 'status eq "A"' + ")" * 200, id="nested deeply"),
    pytest.param(" ", id="nothing"),
]


@pytest.mark.parametrize("text", BAD_SEARCHES)
def test_a_search_that_okta_does_not_support_is_refused(few, text):
    answer = okta_api(few).get(USERS, params={"search": text})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000031")
    assert causes(answer) == ["Invalid search query."]


def test_a_search_with_too_many_terms_is_refused(few):
    okta = okta_api(few)
    terms = ['id eq "x"'] * 101
    assert okta.get(USERS, params={"search": " or ".join(terms[:100])}).status_code == 200
    assert okta.get(USERS, params={"search": " or ".join(terms)}).json()["errorCode"] == "E0000031"
    few.options.search_max_terms = 200
    assert okta.get(USERS, params={"search": " or ".join(terms)}).status_code == 200


def test_a_very_long_url_is_refused(few):
    okta = okta_api(few)
    assert okta.get(USERS, params={"search": f'id eq "{"x" * 8100}"'}).status_code == 200
    assert okta.get(USERS, params={"search": f'id eq "{"x" * 8200}"'}).status_code == 414


def test_a_sorted_search_is_paged_in_order(sandbox, okta):
    users = all_pages(okta, USERS, search="status pr", sortBy="profile.lastName", sortOrder="desc", limit=40)
    names = [user["profile"]["lastName"].lower() for user in users]
    assert names == sorted(names, reverse=True)
    assert len(users) == len({user["id"] for user in users}) == len(sandbox.okta.users)


FILTERS = [
    pytest.param('profile.login eq "Ada.Lovelace@corp.example"', ["Ada.Lovelace@corp.example"], id="exact"),
    pytest.param('profile.login eq "ada.lovelace@corp.example"', [], id="letter case counts"),
    pytest.param('status eq "DEPROVISIONED"', ["gone@corp.example"], id="includes deprovisioned"),
]


@pytest.mark.parametrize(("text", "found"), FILTERS)
def test_filter_finds(few, text, found):
    assert logins(okta_api(few).get(USERS, params={"filter": text})) == found


@pytest.mark.parametrize("text", ['profile.city eq "x"', 'profile.login sw "x"', "status pr", "nonsense"])
def test_a_filter_that_okta_does_not_support_is_refused(few, text):
    answer = okta_api(few).get(USERS, params={"filter": text})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000053")


def test_q_matches_beginnings_has_no_pages_and_no_deprovisioned(few):
    okta = okta_api(few)
    assert logins(okta.get(USERS + "?q=A")) == ["Ada.Lovelace@corp.example", "alan@corp.example"]
    assert logins(okta.get(USERS + "?q=gone")) == []
    assert "next" not in okta.get(USERS + "?q=A&limit=1").links


def test_q_returns_ten_unless_told_otherwise(sandbox, okta):
    for number in range(20):
        sandbox.okta.add_user(f"zz{number}@corp.example", first_name="Zz")
    assert len(okta.get(USERS + "?q=zz").json()) == 10
    assert len(okta.get(USERS + "?q=zz&limit=15").json()) == 15


def test_the_search_index_lags_by_a_switch_and_reads_by_id_do_not(few):
    okta = okta_api(few)
    few.options.index_delay_seconds = 1.0
    new = few.okta.add_user("new@corp.example")
    few.okta.change_user(few.okta.users[0].id, email="changed@corp.example")
    by_email = {"search": 'profile.email eq "changed@corp.example"'}
    assert logins(okta.get(USERS, params={"search": 'profile.login eq "new@corp.example"'})) == []
    assert logins(okta.get(USERS, params=by_email)) == []
    assert okta.get(f"{USERS}/{new.id}").status_code == 200
    few.clock.advance(1)
    assert logins(okta.get(USERS, params={"search": 'profile.login eq "new@corp.example"'})) == [new.login]
    assert logins(okta.get(USERS, params=by_email)) == ["Ada.Lovelace@corp.example"]


def test_a_new_group_is_not_searchable_at_once_by_the_same_switch(few):
    okta = okta_api(few)
    few.options.index_delay_seconds = 1.0
    okta.post(GROUPS, json={"profile": {"name": "New"}})
    text = {"search": 'profile.name eq "new"'}
    assert okta.get(GROUPS, params=text).json() == []
    assert [group["profile"]["name"] for group in okta.get(GROUPS + "?q=New").json()] == ["New"]
    few.clock.advance(1)
    assert len(okta.get(GROUPS, params=text).json()) == 1


# --- groups


def test_groups_are_listed_filtered_searched_and_paged(sandbox, okta):
    everything = all_pages(okta, GROUPS, limit=2)
    assert [group["id"] for group in everything] == [group.id for group in sandbox.okta.groups]
    assert {group["type"] for group in everything} == {"OKTA_GROUP", "APP_GROUP", "BUILT_IN"}
    own = okta.get(GROUPS, params={"filter": 'type eq "OKTA_GROUP"', "limit": 200})
    assert {group["type"] for group in own.json()} == {"OKTA_GROUP"}
    assert "filter=type+eq+%22OKTA_GROUP%22" in own.links["self"]["url"]
    exact = okta.get(GROUPS, params={"search": 'type eq "OKTA_GROUP" and profile.name eq "sales"'}).json()
    assert [group["profile"]["name"] for group in exact] == ["Sales"]


def test_q_answers_without_any_link(okta):
    answer = okta.get(GROUPS + "?q=s")
    assert "Link" not in answer.headers
    assert [group["profile"]["name"] for group in answer.json()] == ["Sales"]


def test_statistics_only_when_asked_for(sandbox, okta):
    (sales,) = okta.get(GROUPS + "?q=Sales&expand=stats").json()
    assert sales["_embedded"]["stats"]["usersCount"] == len(sandbox.okta.members(sales["id"]))
    assert "_embedded" not in okta.get(GROUPS + "?q=Sales").json()[0]


def test_a_created_group_answers_200_and_its_name_is_taken(sandbox, okta):
    answer = okta.post(GROUPS, json={"profile": {"name": "Risky", "description": None}})
    assert answer.status_code == 200
    assert answer.json()["type"] == "OKTA_GROUP"
    for name in ("Risky", "risky", "Everyone", "CORP Domain Users"):
        again = okta.post(GROUPS, json={"profile": {"name": name}})
        assert (again.status_code, again.json()["errorCode"]) == (400, "E0000001")
        assert causes(again) == ["name: An object with this field already exists in the current organization"]
    assert [event["eventType"] for event in sandbox.okta.system_log] == ["group.lifecycle.create"]


BAD_GROUPS = [
    pytest.param({}, "E0000001", id="empty"),
    pytest.param({"profile": {}}, "E0000001", id="no name"),
    pytest.param({"profile": {"name": ""}}, "E0000001", id="empty name"),
    pytest.param({"profile": {"name": "x" * 256}}, "E0000001", id="long name"),
    pytest.param({"profile": {"name": "x", "description": "y" * 1025}}, "E0000001", id="long description"),
    pytest.param({"profile": {"name": 5}}, "E0000003", id="number"),
    pytest.param([], "E0000003", id="list"),
    pytest.param({"profile": {"name": "smile \U0001f600"}}, "E0000001", id="beyond the BMP"),
]


@pytest.mark.parametrize(("body", "code"), BAD_GROUPS)
def test_a_wrong_group_is_refused(sandbox, okta, body, code):
    before = len(sandbox.okta.groups)
    answer = okta.post(GROUPS, json=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert len(sandbox.okta.groups) == before


def test_letters_within_the_bmp_are_fine(okta):
    assert okta.post(GROUPS, json={"profile": {"name": "Équipe 東京"}}).status_code == 200
    assert (
        okta.get(USERS, params={"search": 'profile.lastName eq "\U0001f600"'}).json()["errorCode"]
        == "E0000001"
    )


def test_members_are_paged_and_a_removal_in_between_skips_nobody(empty):
    okta = okta_api(empty)
    group = empty.okta.add_group("G").id
    ids = [empty.okta.add_user(f"u{number}@corp.example").id for number in range(25)]
    for user in ids:
        empty.okta.add_member(group, user)
    first = okta.get(f"{GROUPS}/{group}/users?limit=10")
    okta.delete(f"{GROUPS}/{group}/users/{ids[3]}")
    rest = all_pages(okta, first.links["next"]["url"])
    assert [user["id"] for user in [*first.json(), *rest]] == ids


def test_a_page_of_members_holds_a_thousand():
    with make_sandbox(users=1500) as sandbox:
        okta = okta_api(sandbox)
        staff = group_id(sandbox, "All Staff")
        first = okta.get(f"{GROUPS}/{staff}/users")
        assert len(first.json()) == 1000
        assert first.links["self"]["url"].endswith("?limit=1000")
        members = all_pages(okta, f"{GROUPS}/{staff}/users", limit=5000)
        assert {user["id"] for user in members} == sandbox.okta.members(staff)
        everyone = group_id(sandbox, "Everyone")
        statuses = {user["status"] for user in all_pages(okta, f"{GROUPS}/{everyone}/users")}
        assert "DEPROVISIONED" not in statuses
        assert "STAGED" in statuses


# --- membership


@pytest.fixture
def group(sandbox):
    return sandbox.okta.add_group("Risky").id


def test_adding_and_removing_twice_changes_and_logs_once(sandbox, okta, group):
    user = sandbox.okta.users[0].id
    for method in ("PUT", "PUT", "DELETE", "DELETE"):
        answer = okta.request(method, f"{GROUPS}/{group}/users/{user}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert sandbox.okta.members(group) == ({user} if method == "PUT" else set())
    types = [event["eventType"] for event in sandbox.okta.system_log]
    assert types == ["group.user_membership.add", "group.user_membership.remove"]
    target = sandbox.okta.system_log[0]["target"]
    assert [(one["type"], one["id"]) for one in target] == [("User", user), ("UserGroup", group)]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_refusals_of_membership_writes(sandbox, okta, group, method):
    user = sandbox.okta.users[0]

    def refused(to: str, who: str) -> tuple[int, str, str]:
        answer = okta.request(method, f"{GROUPS}/{to}/users/{who}")
        return answer.status_code, answer.json()["errorCode"], answer.json()["errorSummary"].split("(")[-1]

    assert refused("nope", user.id) == (404, "E0000007", "UserGroup)")
    assert refused(group, "nope") == (404, "E0000007", "User)")
    assert refused("nope", "nope") == (404, "E0000007", "UserGroup)")
    assert refused(group, user.login)[2] == "User)"
    for name in ("CORP Domain Users", "Everyone"):
        assert refused(group_id(sandbox, name), user.id)[:2] == (403, "E0000006")
    sandbox.options.built_in_group_refusal_501 = True
    assert refused(group_id(sandbox, "Everyone"), user.id)[:2] == (501, "E0000060")


def test_a_deprovisioned_user_cannot_join_unless_a_switch_allows_it(sandbox, okta, group):
    gone = next(user for user in sandbox.okta.users if user.status == "DEPROVISIONED")
    answer = okta.put(f"{GROUPS}/{group}/users/{gone.id}")
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000038")
    sandbox.options.deprovisioned_member_allowed = True
    assert okta.put(f"{GROUPS}/{group}/users/{gone.id}").status_code == 204


@pytest.mark.parametrize("status", ["STAGED", "SUSPENDED", "LOCKED_OUT"])
def test_users_in_other_statuses_can_join(sandbox, okta, group, status):
    user = next(user for user in sandbox.okta.users if user.status == status)
    assert okta.put(f"{GROUPS}/{group}/users/{user.id}").status_code == 204
    assert sandbox.okta.members(group) == {user.id}


def test_who_is_removed_from_a_rules_group_stays_out(sandbox, okta):
    contractors = group_id(sandbox, "Contractors")
    user, other = sorted(sandbox.okta.members(contractors))[:2]
    assert okta.delete(f"{GROUPS}/{contractors}/users/{user}").status_code == 204
    sandbox.okta.group(contractors).members.discard(sandbox.okta.user(other).number)
    sandbox.okta.apply_rules()
    assert user not in sandbox.okta.members(contractors)
    assert other in sandbox.okta.members(contractors)
    types = [event["eventType"] for event in sandbox.okta.system_log]
    assert types == ["group.user_membership.remove", "group.user_membership.rule.add_exclusion"]


# --- risk


def test_risk_is_201_at_first_and_200_after_also_when_a_token_was_first(sandbox, okta):
    here = f"{USERS}/{sandbox.okta.users[0].id}/risk"
    statuses = [okta.put(here, json={"riskLevel": level}).status_code for level in ("HIGH", "MEDIUM", "LOW")]
    assert statuses == [201, 200, 200]
    assert okta.get(here).json()["riskLevel"] == "LOW"


BAD_RISKS = [
    pytest.param({"riskLevel": "NONE"}, "E0000001", id="NONE"),
    pytest.param({"riskLevel": "high"}, "E0000001", id="small letters"),
    pytest.param({}, "E0000001", id="no level"),
    pytest.param({"riskLevel": 1}, "E0000003", id="a number"),
    pytest.param({"riskLevel": "LOW", "riskReason": "UCI=480"}, "E0000001", id="equals sign"),
    pytest.param({"riskLevel": "LOW", "riskReason": "a@b.c"}, "E0000001", id="an address"),
    pytest.param({"riskLevel": "LOW", "riskReason": "fell\n(see log)"}, "E0000001", id="brackets"),
    pytest.param({"riskLevel": "LOW", "riskReason": "x" * 501}, "E0000001", id="long"),
]


@pytest.mark.parametrize(("body", "code"), BAD_RISKS)
def test_a_wrong_risk_is_refused(sandbox, okta, body, code):
    here = f"{USERS}/{sandbox.okta.users[0].id}/risk"
    answer = okta.put(here, json=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert okta.get(here).json()["riskLevel"] == "NONE"


# --- the front


def test_every_answer_carries_the_standing_headers(sandbox, okta):
    for answer in (okta.get(USERS + "?limit=1"), okta.get(USERS + "/nope"), okta.get("/api/v1/nope")):
        assert answer.headers["Date"] == "Mon, 23 Nov 2026 03:00:00 GMT"
        assert answer.headers["Cache-Control"] == "no-cache, no-store"
        assert len(answer.headers["X-Okta-Request-Id"]) == 32
        assert int(answer.headers["X-Rate-Limit-Reset"]) == int(sandbox.clock.timestamp()) + 60


CREDENTIALS = [
    pytest.param("SSWS {}", 200, id="SSWS"),
    pytest.param("SSWS{}", 200, id="without a space, as the official SDK sends it"),
    pytest.param("ssws {}", 200, id="small letters"),
    pytest.param("SSWS {}x", 401, id="wrong token"),
    pytest.param("SSWS", 401, id="no token"),
    pytest.param("Bearer {}", 401, id="another scheme"),
    pytest.param("{}", 401, id="no scheme"),
    pytest.param(None, 401, id="nothing"),
]


@pytest.mark.parametrize(("template", "status"), CREDENTIALS)
def test_credentials(sandbox, template, status):
    api = Api(sandbox.okta_url, {"Authorization": template.format(sandbox.okta_token)} if template else {})
    answer = api.get("/api/v1/org")
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["errorCode"] == "E0000011"
        assert answer.json()["errorSummary"] == "Invalid token provided"


def test_a_rotated_token_is_revoked_at_once(sandbox, okta):
    new = sandbox.okta.rotate_token()
    assert okta.get("/api/v1/org").status_code == 401
    okta.headers["Authorization"] = f"SSWS {new}"
    assert okta.get("/api/v1/org").status_code == 200
    assert sandbox.okta_token == new


def test_unknown_paths_and_methods(okta):
    assert okta.get("/api/v1/nope").json()["errorCode"] == "E0000008"
    assert okta.get("/nope").json() == {"status": 404, "message": "Resource not found"}
    answer = okta.delete(GROUPS)
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "E0000022")


def test_a_body_of_another_type_or_no_json_is_refused(okta):
    answer = okta.post(GROUPS, data="name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.json()["errorCode"] == "E0000021"
    answer = okta.post(GROUPS, data='{"profile":', headers={"Content-Type": "application/json"})
    assert answer.json()["errorCode"] == "E0000003"
    answer = okta.post(GROUPS, data='{"profile": NaN}', headers={"Content-Type": "application/json"})
    assert answer.json()["errorCode"] == "E0000003"


def test_a_put_without_a_content_length_is_411(sandbox, group):
    user = sandbox.okta.users[0].id
    host = sandbox.okta_url.removeprefix("http://")
    for length, status in ((None, 411), ("0", 204)):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.putrequest("PUT", f"{GROUPS}/{group}/users/{user}")
        connection.putheader("Authorization", f"SSWS {sandbox.okta_token}")
        if length is not None:
            connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()
