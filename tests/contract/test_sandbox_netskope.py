"""The pretend Netskope: series, lists, identities, writes, and every knob that changes them."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest

from airflow_provider_okta_ure.sandbox import Options
from tests.contract.sandbox_support import NOW, Api, make_sandbox, netskope_api

SERIES = "/api/v2/incidents/uba/getuci"
ONE = "/api/v2/ubadatasvc/user/uci"
LIST = "/api/v2/incidents/users/getuci"
ACTIVE = "/api/v2/incidents/users/getactiveuci"
SCIM = "/api/v2/scim/Users"
DAY = 86_400_000
TODAY = int(NOW.timestamp()) // 86_400 * DAY


@pytest.fixture
def sandbox():
    with make_sandbox(users=250, options=Options(netskope_rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def netskope(sandbox):
    return netskope_api(sandbox)


@pytest.fixture
def name(sandbox):
    return sandbox.netskope.name(0)


def series(netskope: Api, users: list[str], from_time: int = 0, **body: Any) -> list[dict[str, Any]]:
    answer = netskope.post(SERIES, json={"users": users, "fromTime": from_time, **body})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["usersUci"]
    return found


def starts(rows: list[dict[str, Any]]) -> list[int]:
    return [bucket["start"] for bucket in rows[0]["confidences"]]


# --- the series


def test_a_series_has_daily_buckets_at_midnight_utc_with_todays(sandbox, netskope, name):
    (row,) = series(netskope, [name], capPerUser=100)
    assert row["userId"] == name
    assert starts([row]) == [TODAY - DAY * age for age in range(44, -1, -1)]
    assert row["confidences"][-1]["confidenceScore"] == sandbox.netskope.score(name)
    assert all(0 <= bucket["confidenceScore"] <= 1000 for bucket in row["confidences"])


def test_people_without_a_score_are_known_but_have_no_buckets(sandbox, netskope):
    without = [name for name in sandbox.netskope.names() if sandbox.netskope.score(name) is None]
    assert len(without) == 3
    assert series(netskope, without) == [{"userId": name, "confidences": []} for name in without]


def test_the_cap_keeps_the_newest_and_is_seven_when_left_out(netskope, name):
    assert starts(series(netskope, [name])) == [TODAY - DAY * age for age in range(6, -1, -1)]
    assert starts(series(netskope, [name], capPerUser=1)) == [TODAY]


def test_from_time_is_milliseconds(netskope, name):
    assert starts(series(netskope, [name], TODAY - 2 * DAY)) == [TODAY - 2 * DAY, TODAY - DAY, TODAY]
    assert starts(series(netskope, [name], TODAY - 2 * DAY + 1)) == [TODAY - DAY, TODAY]
    assert starts(series(netskope, [name], TODAY + 1)) == []
    assert len(starts(series(netskope, [name], TODAY // 1000))) == 7, (
        "seconds read as milliseconds: everything"
    )


def test_from_time_may_be_seconds_by_a_switch(sandbox, netskope, name):
    sandbox.options.uci_from_time_unit = "seconds_if_small"
    assert starts(series(netskope, [name], TODAY // 1000)) == [TODAY]
    assert starts(series(netskope, [name], TODAY)) == [TODAY]


def test_the_order_of_buckets_is_a_switch(sandbox, netskope, name):
    ascending = starts(series(netskope, [name], capPerUser=20))
    assert ascending == sorted(ascending)
    sandbox.options.uci_order = "descending"
    assert starts(series(netskope, [name], capPerUser=20)) == ascending[::-1]
    sandbox.options.uci_order = "random"
    mixed = starts(series(netskope, [name], capPerUser=20))
    assert sorted(mixed) == ascending
    assert mixed not in (ascending, ascending[::-1])


def test_unknown_users_are_left_out_or_empty(sandbox, netskope, name):
    users = ["nobody@corp.example", name]
    assert [row["userId"] for row in series(netskope, users)] == [name]
    sandbox.options.uci_unknown_users = "empty"
    rows = series(netskope, users)
    assert rows[0] == {"userId": "nobody@corp.example", "confidences": []}
    assert len(rows) == 2


def test_users_are_found_in_any_letter_case_and_repeated_when_asked_twice(netskope, name):
    assert [row["userId"] for row in series(netskope, [name.upper(), name])] == [name, name]


@pytest.mark.parametrize(
    ("mode", "spelled"),
    [
        ("lower", str.lower),
        ("upper", str.upper),
        ("mixed", lambda text: text[0].lower() + text[1:].upper()[:1]),
    ],
)
def test_answers_may_spell_names_otherwise(sandbox, netskope, name, mode, spelled):
    sandbox.options.netskope_case = mode
    (row,) = series(netskope, [name])
    assert row["userId"].startswith(spelled(name)[:2])
    assert row["userId"].lower() == name.lower()
    assert netskope.get(f"{SCIM}?count=1").json()["Resources"][0]["userName"] == row["userId"]


WRONG_SERIES = [
    pytest.param({}, id="empty"),
    pytest.param({"users": []}, id="no users"),
    pytest.param({"users": ["a"]}, id="no fromTime"),
    pytest.param({"users": "a", "fromTime": 0}, id="users a text"),
    pytest.param({"users": [1], "fromTime": 0}, id="users numbers"),
    pytest.param({"users": ["a"] * 513, "fromTime": 0}, id="too many"),
    pytest.param({"users": ["a"], "fromTime": "soon"}, id="fromTime a text"),
    pytest.param({"users": ["a"], "fromTime": 1.5}, id="fromTime a fraction"),
    pytest.param({"users": ["a"], "fromTime": 0, "capPerUser": 0}, id="cap zero"),
    pytest.param([], id="a list"),
]


@pytest.mark.parametrize("body", WRONG_SERIES)
def test_a_wrong_series_request_is_refused(netskope, body):
    answer = netskope.post(SERIES, json=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_the_most_users_per_call_is_a_switch(sandbox, netskope):
    assert series(netskope, ["a"] * 512) == []
    sandbox.options.uci_max_users = 500
    assert netskope.post(SERIES, json={"users": ["a"] * 501, "fromTime": 0}).status_code == 400


@pytest.mark.parametrize("field", ["user", "username"])
def test_one_user_is_named_either_way(sandbox, netskope, name, field):
    answer = netskope.post(ONE, json={field: name, "fromTime": TODAY})
    assert answer.json() == {
        "userId": name,
        "confidences": [{"start": TODAY, "confidenceScore": sandbox.netskope.score(name)}],
    }


def test_one_unknown_or_unnamed_user(netskope):
    assert netskope.post(ONE, json={"user": "nobody@x"}).json() == {"userId": "nobody@x", "confidences": []}
    assert netskope.post(ONE, json={}).status_code == 400
    assert netskope.post(ONE, data="{", headers={"Content-Type": "application/json"}).status_code == 400


# --- arranging scores


def test_scores_can_be_set_and_removed(sandbox, netskope, name):
    yesterday = NOW.date() - timedelta(days=1)
    sandbox.netskope.set_score(name, yesterday, 123)
    sandbox.netskope.set_score(name, None, 45)
    (row,) = series(netskope, [name], capPerUser=2)
    assert [bucket["confidenceScore"] for bucket in row["confidences"]] == [123, 45]
    everybody = netskope.post(LIST + "?limit=1000").json()["results"]
    assert {"user": name, "start": TODAY, "confidenceScore": 45} in everybody
    sandbox.netskope.remove_score(name, yesterday)
    assert starts(series(netskope, [name], capPerUser=2)) == [TODAY - 2 * DAY, TODAY]
    sandbox.netskope.remove_score(name)
    assert series(netskope, [name]) == [{"userId": name, "confidences": []}]
    names = [row["user"] for row in netskope.post(LIST + "?limit=1000").json()["results"]]
    assert name not in names


@pytest.mark.parametrize("score", [-1, 1001, 1.5, True, "5"])
def test_a_wrong_score_is_an_error(sandbox, name, score):
    with pytest.raises(ValueError, match="0 to 1000"):
        sandbox.netskope.set_score(name, None, score)


def test_users_can_be_added_and_removed(sandbox, netskope, name):
    sandbox.netskope.add_user("New.Person@corp.example", score=111)
    assert sandbox.netskope.score("new.person@CORP.example") == 111
    sandbox.netskope.remove_user(name)
    everybody = netskope.post(LIST + "?limit=1000&sortby=user").json()
    names = [row["user"] for row in everybody["results"]]
    assert names == sorted(names, key=str.lower)
    assert "New.Person@corp.example" in names
    assert name not in names
    assert series(netskope, [name]) == []
    listed = netskope.get(SCIM + "?count=1000").json()
    assert listed["totalResults"] == 250
    assert name not in [one["userName"] for one in listed["Resources"]]


def test_a_new_day_brings_a_new_bucket(sandbox, netskope, name):
    sandbox.clock.advance(86_400)
    assert starts(series(netskope, [name], capPerUser=100))[-1] == TODAY + DAY
    assert len(starts(series(netskope, [name], capPerUser=100))) == 45


# --- the whole tenant


def rows(netskope: Api, query: str = "", path: str = LIST, **body: Any) -> dict[str, Any]:
    answer = netskope.post(path + query, json=body)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_the_list_has_everybody_with_a_score_by_rising_score(sandbox, netskope):
    everybody = rows(netskope, "?sortby=confidenceScore&sortorder=asc&limit=1000")
    scores = [row["confidenceScore"] for row in everybody["results"]]
    assert scores == sorted(scores)
    assert everybody["totalCount"] == len(scores) == 250 - len(sandbox._people.without_score(250))
    assert {row["start"] for row in everybody["results"]} == {TODAY}
    assert "poorUserCount" not in everybody
    falling = rows(netskope, "?sortorder=desc&limit=1000")["results"]
    assert [row["confidenceScore"] for row in falling] == scores[::-1]


def test_the_list_and_the_series_agree(sandbox, netskope):
    for row in rows(netskope, "?limit=1000")["results"]:
        assert sandbox.netskope.score(row["user"]) == row["confidenceScore"]


def test_ratings_are_netskopes_own_bands(netskope):
    counts = rows(netskope, "?statistics=true&limit=1", ratingRank="all")
    for rating, low, high in (("poor", 0, 350), ("moderate", 351, 650), ("good", 651, 1000)):
        page = rows(netskope, "?limit=1000&statistics=true", ratingRank=rating)
        scores = [row["confidenceScore"] for row in page["results"]]
        assert all(low <= score <= high for score in scores)
        assert len(scores) == page["totalCount"] == counts[f"{rating}UserCount"]


def test_pages_cover_everybody_once(netskope):
    total = rows(netskope)["totalCount"]
    seen = []
    for offset in range(0, total, 40):
        seen += [row["user"] for row in rows(netskope, f"?offset={offset}&limit=40&sortby=user")["results"]]
    assert len(seen) == len(set(seen)) == total
    assert rows(netskope, f"?offset={total}")["results"] == []


@pytest.mark.parametrize("drift", [3, -3])
def test_drifting_pages_skip_or_repeat_rows(sandbox, netskope, drift):
    sandbox.options.page_drift = drift
    first = [row["user"] for row in rows(netskope, "?limit=50")["results"]]
    second = [row["user"] for row in rows(netskope, "?limit=50&offset=50")["results"]]
    assert len(set(first) & set(second)) == max(0, -drift)
    sandbox.options.page_drift = 0
    straight = [row["user"] for row in rows(netskope, "?limit=100")["results"]]
    assert straight.index(second[0]) == 50 + drift


def test_text_and_activity_narrow_the_list(sandbox, netskope, name):
    found = rows(netskope, user={"contains": name.upper()[:8]})
    assert name in [row["user"] for row in found["results"]]
    assert all(name.lower()[:8] in row["user"].lower() for row in found["results"])
    everybody, recent = rows(netskope)["totalCount"], rows(netskope, usersActiveInLastDays=2)["totalCount"]
    assert recent < everybody
    assert rows(netskope, path=ACTIVE)["totalCount"] == recent
    assert rows(netskope, usersActiveInLastDays=90)["totalCount"] == everybody
    sandbox.options.active_days_default = 2
    assert rows(netskope)["totalCount"] == recent


def test_the_active_list_has_other_field_names(netskope):
    (row,) = rows(netskope, "?limit=1", path=ACTIVE, watchlist="", ratingRank="all")["results"]
    assert set(row) == {"user", "startTime", "uciScore"}


def test_a_page_holds_at_most_a_thousand_rows_by_a_switch(sandbox, netskope):
    sandbox.options.netskope_page_limit = 100
    assert len(rows(netskope, "?limit=5000")["results"]) == 100


WRONG_LISTS = [
    ("?limit=0", {}),
    ("?limit=x", {}),
    ("?offset=-1", {}),
    ("?sortby=height", {}),
    ("?sortorder=up", {}),
    ("", {"ratingRank": "bad"}),
    ("", {"user": "text"}),
    ("", {"usersActiveInLastDays": 0}),
]


@pytest.mark.parametrize(("query", "body"), WRONG_LISTS)
def test_a_wrong_list_request_is_refused(netskope, query, body):
    assert netskope.post(LIST + query, json=body).status_code == 400


# --- identities


def test_scim_counts_from_one_and_says_how_many_it_gave(netskope):
    first = netskope.get(SCIM + "?startIndex=1&count=100")
    assert first.headers["Content-Type"] == "application/scim+json;charset=utf-8"
    assert (first.json()["totalResults"], first.json()["itemsPerPage"], first.json()["startIndex"]) == (
        250,
        100,
        1,
    )
    last = netskope.get(SCIM + "?startIndex=201&count=100").json()
    assert (len(last["Resources"]), last["itemsPerPage"]) == (50, 50)
    assert netskope.get(SCIM + "?startIndex=251").json()["Resources"] == []
    assert netskope.get(SCIM + "?startIndex=0&count=1").json()["startIndex"] == 1


def test_scim_gives_less_than_asked_for_when_it_likes(sandbox, netskope):
    sandbox.options.scim_page_limit = 30
    assert netskope.get(SCIM + "?count=200").json()["itemsPerPage"] == 30


def test_scim_finds_one_user_by_name(netskope, name):
    found = netskope.get(SCIM, params={"filter": f'userName eq "{name.upper()}"'}).json()
    assert [one["userName"] for one in found["Resources"]] == [name]
    assert netskope.get(SCIM, params={"filter": 'userName eq "x"'}).json()["totalResults"] == 0
    assert netskope.get(SCIM, params={"filter": 'userName sw "x"'}).status_code == 400


def test_the_other_users_list(netskope):
    body = {"query": {"filter": {}, "paging": {"offset": 240, "limit": 100}}}
    answer = netskope.post("/api/v2/users/getusers", json=body).json()
    assert (answer["counts"], len(answer["data"])) == (250, 10)


# --- writes


def test_an_impact_lowers_todays_score_and_allowing_it_takes_that_back(sandbox, netskope, name):
    sandbox.netskope.set_score(name, None, 700)
    body = {"user": name, "score": 300, "timestamp": TODAY, "source": "test", "reason": "x"}
    anomaly = netskope.post("/api/v2/incidents/user/uciimpact", json=body).json()["id"]
    assert sandbox.netskope.score(name) == 400
    found = netskope.post("/api/v2/incidents/users/getanomalies", json={"timeframe": 1}).json()
    assert [row["id"] for row in found["results"]] == [anomaly]
    for _ in range(2):
        netskope.post(f"/api/v2/incidents/anomalies/{anomaly}/allow", json={"reason": "fine"})
        assert sandbox.netskope.score(name) == 700
    assert netskope.post("/api/v2/incidents/anomalies/none/allow", json={}).status_code == 404


def test_a_reset_brings_everybody_back_to_1000_or_nobody(sandbox, netskope, name):
    sandbox.netskope.set_score(name, None, 100)
    reset = "/api/v2/incidents/users/uci/reset"
    answer = netskope.post(reset, json={"users": [name, "nobody@x"]})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Some of the provided users' UCI not found",
    )
    assert sandbox.netskope.score(name) == 100
    assert netskope.post(reset, json={"users": [name]}).status_code == 200
    assert sandbox.netskope.score(name) == 1000


# --- credentials and faults


CREDENTIALS = [
    pytest.param({"Netskope-Api-Token": "{}"}, 200, id="token"),
    pytest.param({"netskope-api-token": "{}"}, 200, id="any case"),
    pytest.param({"Authorization": "Bearer {}"}, 200, id="bearer"),
    pytest.param({"Authorization": "SSWS {}"}, 401, id="SSWS"),
    pytest.param({"Netskope-Api-Token": "{}x"}, 401, id="wrong"),
    pytest.param({}, 401, id="nothing"),
]


@pytest.mark.parametrize(("headers", "status"), CREDENTIALS)
def test_credentials(sandbox, headers, status):
    filled = {name: value.format(sandbox.netskope_token) for name, value in headers.items()}
    assert Api(sandbox.netskope_url, filled).get(SCIM).status_code == status


def test_a_rotated_token_is_revoked_at_once(sandbox, netskope):
    new = sandbox.netskope.rotate_token()
    assert netskope.get(SCIM).status_code == 401
    netskope.headers["Netskope-Api-Token"] = new
    assert netskope.get(SCIM).status_code == 200


def test_faults_in_netskopes_form(sandbox, netskope):
    sandbox.fail_next(service="netskope", status=403)
    answer = netskope.get(SCIM)
    assert (answer.status_code, answer.content) == (403, b"")
    sandbox.fail_next(service="netskope", kind="ok_with_error")
    answer = netskope.get(SCIM)
    assert (answer.status_code, answer.json()["status"]) == (200, "error")
    sandbox.options.netskope_rate_limit = 4
    sandbox.fail_next(service="netskope", status=429)
    answer = netskope.get(SCIM)
    assert (answer.headers["RateLimit-Remaining"], answer.headers["Retry-After"]) == ("0", "1")
    sandbox.fail_next(service="netskope", status=409)
    assert netskope.get(SCIM).json()["message"].startswith("Concurrency conflict")


def test_unknown_paths_and_methods(netskope):
    assert netskope.get("/api/v2/nope").status_code == 404
    assert netskope.get(SERIES).status_code == 405


def test_the_request_id_is_echoed(netskope):
    assert netskope.get(SCIM, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
    assert len(netskope.get(SCIM).headers["x-request-id"]) == 32


# --- a very large tenant


def test_a_million_users_are_not_built_first():
    started = time.perf_counter()
    with make_sandbox(users=0, netskope_users=1_000_000) as sandbox:
        netskope = netskope_api(sandbox)
        page = netskope.get(SCIM + "?startIndex=999001&count=1000").json()
        assert (page["totalResults"], len(page["Resources"])) == (1_000_000, 1000)
        name = page["Resources"][-1]["userName"]
        assert sandbox.netskope.index_of(name) == 999_999
        (row,) = series(netskope, [name], capPerUser=45)
        assert len(row["confidences"]) in (0, 45)
    # Built one by one they would take far longer; a busy machine does not.
    assert time.perf_counter() - started < 30


def test_dates_and_datetimes_name_the_same_day(sandbox, name):
    assert sandbox.netskope.score(name, NOW) == sandbox.netskope.score(name, date(2026, 11, 23))
