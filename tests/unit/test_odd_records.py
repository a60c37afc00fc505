# SPDX-License-Identifier: Apache-2.0
"""One odd record of an answer costs only itself, in every list that the clients read."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import OktaUreError, UnexpectedAnswerError
from tests.unit.http_script import ORG, TOKEN, Clock, Said, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
MIDNIGHT = 1_795_392_000_000
ANN, BOB = "ann@x.example", "bob@x.example"
HALF_A_PAIR = rb'"Ann \ud83d"'


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, logger = Lines(logging.WARNING), logging.getLogger("airflow_provider_okta_ure.clients")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture
def okta(monkeypatch: pytest.MonkeyPatch) -> Callable[..., OktaClient]:
    def start(*answers: Any) -> OktaClient:
        _play(monkeypatch, answers)
        return OktaClient.connect(ORG, SswsAuth(TOKEN), timing=Clock().timing)

    return start


@pytest.fixture
def netskope(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NetskopeClient]:
    def start(*answers: Any) -> NetskopeClient:
        _play(monkeypatch, answers)
        return NetskopeClient.connect(
            "https://acme.goskope.com", NetskopeTokenAuth("token"), timing=Clock().timing
        )

    return start


def _play(monkeypatch: pytest.MonkeyPatch, answers: tuple[Any, ...]) -> Script:
    script = Script(*[Said(200, one, [("Content-Type", "application/json")]) for one in answers])
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda adapter, request, **settings: script.send(adapter, request, **settings)
    )
    return script


def _user(number: int, **changes: Any) -> dict[str, Any]:
    profile = {"login": f"u{number}@x.example", "email": f"u{number}@x.example"}
    return {"id": f"00u{number}", "status": "ACTIVE", "profile": profile, **changes}


# --- Okta

ODD_USERS = [
    pytest.param(None, id="null"),
    pytest.param("00u9", id="text"),
    pytest.param([], id="list"),
    pytest.param(_user(9, id=None), id="id-null"),
    pytest.param(_user(9, id=""), id="id-empty"),
    pytest.param(_user(9, id=7), id="id-number"),
    pytest.param({"status": "ACTIVE"}, id="no-id"),
]


@pytest.mark.parametrize("odd", ODD_USERS)
def test_a_user_without_an_id_is_nobody_and_costs_nobody(okta: Any, warnings: list[str], odd: Any) -> None:
    for listed in (OktaClient.list_users, lambda client: client.list_members("00g1")):
        users = list(listed(okta([_user(1), odd, _user(2)])))
        assert [user.user_id for user in users] == ["00u1", "00u2"]
    assert len(warnings) == 2
    assert "1 elements" in warnings[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": None},
        {"profile": "x"},
        {"profile": {"login": None, "email": None}},
        {"profile": {"login": 7, "email": ["x"]}},
        {"status": None},
        {"status": 3},
        {"profile": None, "status": None},
    ],
)
def test_who_has_an_id_is_somebody_whatever_else_is_odd(okta: Any, changes: dict[str, Any]) -> None:
    """A member of a group whose profile cannot be read is a member all the same."""
    users = list(okta([_user(1), _user(9, **changes)]).list_members("00g1"))
    assert [user.user_id for user in users] == ["00u1", "00u9"]
    assert all(isinstance(text, str) for text in (users[1].login, users[1].email, users[1].status))
    without_status = {key: value for key, value in _user(9).items() if key != "status"}
    (one,) = okta([without_status]).list_users()
    assert (one.login, one.is_deprovisioned) == ("u9@x.example", False)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(HALF_A_PAIR, id="half-a-pair"),
        pytest.param(rb'"\udc00\ud83d\\ud83d \\\ud800"', id="halves-and-escapes"),
        pytest.param(b'"\xff\xfe"', id="no-utf-8"),
        pytest.param(b'"\xed\xa0\xbd"', id="a-surrogate-in-bytes"),
        pytest.param(b'"a\tb\x01"', id="control-characters"),
        pytest.param(b"NaN", id="not-a-number"),
        pytest.param(b"1e999", id="infinite"),
        pytest.param(b"12345678901234567890123456789", id="huge"),
    ],
)
def test_a_field_that_nobody_reads_does_not_hide_the_directory(okta: Any, name: bytes) -> None:
    body = (
        json.dumps([_user(1), _user(2)])
        .encode()
        .replace(b'"login"', b'"displayName": ' + name + b', "login"', 1)
    )
    assert [user.login for user in okta(body).list_users()] == ["u1@x.example", "u2@x.example"]


def test_a_whole_pair_stays_what_it_is(okta: Any) -> None:
    body = rb'[{"id":"00u1","profile":{"login":"\ud83c\udf89 \\ud83d","displayName":"\ud83d"}}]'
    (user,) = okta(body).list_users()
    assert user.login == "\U0001f389 \\ud83d"


def test_a_directory_that_is_null_is_empty(okta: Any) -> None:
    assert list(okta(b"null").list_users()) == []


@pytest.mark.parametrize("body", [[{"uid": 1}, {"uid": 2}], {"users": []}, "text", 7])
def test_a_list_of_something_else_is_an_error_and_not_nobody(okta: Any, body: Any) -> None:
    with pytest.raises(UnexpectedAnswerError):
        list(okta(body).list_users())


def test_a_group_that_is_on_two_pages_is_one_group(okta: Any) -> None:
    group = {"id": "00g1", "type": "OKTA_GROUP", "profile": {"name": "Risky"}}
    assert okta([group, group]).find_group("Risky").group_id == "00g1"
    assert len(list(okta([group, group]).list_groups())) == 1
    with pytest.raises(OktaUreError, match="2 groups"):
        okta([group, {**group, "id": "00g2"}]).find_group("Risky")


@pytest.mark.parametrize(
    "odd", [None, {}, {"id": "00g2"}, {"id": "00g2", "type": None, "profile": {"name": None}}]
)
def test_an_odd_group_does_not_hide_the_others(okta: Any, odd: Any) -> None:
    group = {"id": "00g1", "type": "OKTA_GROUP", "profile": {"name": "Risky"}}
    assert okta([odd, group]).find_group("Risky").group_id == "00g1"


def test_a_group_is_found_however_its_accents_are_composed_but_not_in_another_case(okta: Any) -> None:
    def named(name: str, number: int = 1) -> dict[str, Any]:
        return {"id": f"00g{number}", "type": "OKTA_GROUP", "profile": {"name": name}}

    assert okta([named("Gef\u00e4hrdet")]).find_group("Gefa\u0308hrdet").group_id == "00g1"
    assert okta([named("gef\u00e4hrdet")]).find_group("Gef\u00e4hrdet") is None
    both = [named("Gef\u00e4hrdet", 1), named("Gefa\u0308hrdet", 2)]
    assert okta(both).find_group("Gefa\u0308hrdet").group_id == "00g2"


def test_a_number_as_text_is_a_number(okta: Any) -> None:
    everyone = {"id": "00g1", "type": "BUILT_IN", "profile": {"name": "Everyone"}}
    assert okta([{**everyone, "_embedded": {"stats": {"usersCount": "60"}}}]).count_users() == 60
    assert okta([{**everyone, "_embedded": {"stats": {"usersCount": "many"}}}]).count_users() is None


def test_odd_providers_and_events_cost_only_themselves(okta: Any) -> None:
    provider = {"id": "sse1", "name": "ours", "type": "Netskope", "status": "ACTIVE", "settings": {}}
    odd = [
        None,
        {"id": "sse2", "name": None},
        {"id": "sse3", "name": "theirs", "status": "ACTIVE", "settings": None},
    ]
    found = list(okta([*odd, provider]).list_security_events_providers())
    assert [one.provider_id for one in found] == ["sse3", "sse1"]
    event = {
        "uuid": "e1",
        "published": "2026-11-23T03:00:00.000Z",
        "eventType": "security.events.provider.receive_event",
        "target": [None, {"id": "00u1", "type": "User"}, 7],
    }
    without_offset = {**event, "published": "2026-11-23T03:00:00"}
    odd_events = [None, {**event, "published": None}, without_offset]
    seen = list(okta([*odd_events, event]).list_received(NOW, NOW, ["00u1"]))
    assert [(one.event_id, one.user_ids) for one in seen] == [("e1", ("00u1",))]


def test_an_administrator_who_cannot_be_read_is_an_error_because_nobody_would_protect_them(okta: Any) -> None:
    assert list(okta({"value": [None, {"id": "00u1"}], "_links": []}).list_administrators()) == ["00u1"]
    for odd in ({"id": None}, {}, "00u2", {"id": 7}):
        with pytest.raises(UnexpectedAnswerError):
            list(okta({"value": [{"id": "00u1"}, odd]}).list_administrators())


def test_names_that_okta_refuses_are_left_out_of_every_search(
    okta: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = okta([_user(1)])
    script = _play(monkeypatch, ([_user(1)], [], []))
    names = ["party\U0001f389@x.example", "half\ud83d@x.example", "u1@x.example", "tab\t@x.example", " "]
    assert [user.user_id for user in client.find_users(names)] == ["00u1"]
    assert list(client.find_users(names[:2])) == []
    assert list(client.find_users_by_id(["00u\U0001f389", ""])) == []
    assert client.find_group("Risky \U0001f389") is None
    assert len(script.sent) == 1


def test_an_id_that_cannot_be_sent_is_an_error_of_ours(okta: Any) -> None:
    with pytest.raises(OktaUreError):
        okta().get_user("half\ud83d@x")


@pytest.mark.parametrize("asked", ["jose\u0301@x.example", "jos\u00e9@x.example", "JOS\u00c9@x.example"])
def test_a_login_is_looked_for_composed_and_decomposed(
    okta: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    client = okta()
    profile = {"login": "jose\u0301@x.example", "email": "j@x.example"}
    script = _play(monkeypatch, ([_user(1, profile=profile)],))
    assert [user.user_id for user in client.find_users([asked])] == ["00u1"]
    searched = unquote_plus(script.sent[0].url or "").lower()
    assert 'profile.login eq "jose\u0301@x.example"' in searched
    assert 'profile.login eq "jos\u00e9@x.example"' in searched


# --- Netskope


def _said(name: Any, *values: tuple[Any, Any]) -> dict[str, Any]:
    return {
        "userId": name,
        "confidences": [{"start": start, "confidenceScore": score} for start, score in values],
    }


def _scores(client: NetskopeClient, *names: str, **options: Any) -> dict[str, int | None]:
    rows = client.scores(NOW, users=names or None, now=NOW, **options)
    return {row.user: row.score for row in rows}


def _listed(name: Any, score: Any = 7, start: Any = MIDNIGHT) -> dict[str, Any]:
    return {"user": name, "start": start, "confidenceScore": score}


@pytest.mark.parametrize(
    "odd", [None, 7, "x", {}, {"userId": None}, _said(None, (MIDNIGHT, 1)), _said({}, (MIDNIGHT, 1))]
)
def test_an_odd_series_costs_only_itself(netskope: Any, odd: Any) -> None:
    client = netskope({"usersUci": [odd, _said(ANN, (MIDNIGHT, 300))]})
    assert _scores(client, ANN, BOB) == {ANN: 300, BOB: None}


@pytest.mark.parametrize("odd", [None, 7, [], {"start": None, "confidenceScore": 1}, {"start": MIDNIGHT}])
def test_an_odd_day_costs_only_itself(netskope: Any, odd: Any) -> None:
    days = [odd, {"start": MIDNIGHT, "confidenceScore": 300}]
    assert _scores(netskope({"usersUci": [{"userId": ANN, "confidences": days}]}), ANN) == {ANN: 300}


@pytest.mark.parametrize("value", [None, {}, "x", 7])
def test_series_without_days_have_no_score(netskope: Any, value: Any) -> None:
    client = netskope({"usersUci": [{"userId": ANN, "confidences": value}, _said(BOB, (MIDNIGHT, 300))]})
    assert _scores(client, ANN, BOB) == {ANN: None, BOB: 300}


def test_a_list_of_series_that_is_null_is_empty(netskope: Any) -> None:
    assert _scores(netskope({"usersUci": None}), ANN) == {ANN: None}


@pytest.mark.parametrize("odd", [None, 7, "x", _listed(None), _listed(""), _listed({}), {}])
@pytest.mark.parametrize("total", [2, "2", None, "many"])
def test_an_odd_entry_of_the_list_costs_only_itself(netskope: Any, odd: Any, total: Any) -> None:
    page = {"totalCount": total, "results": [odd, _listed(ANN)]}
    client = netskope(page, {"totalCount": total, "results": []}, page, page, page)
    assert _scores(client, strategy="list") == {ANN: 7}


def test_a_list_that_is_null_is_empty_and_one_that_is_missing_is_an_error(netskope: Any) -> None:
    assert _scores(netskope({"totalCount": 0, "results": None}), strategy="list") == {}
    with pytest.raises(UnexpectedAnswerError):
        _scores(netskope({"totalCount": 0}), strategy="list")


@pytest.mark.parametrize(
    ("resources", "names"),
    [
        (None, []),
        ([None, {"userName": ANN}], [ANN]),
        ([{"userName": None}, {"userName": ANN}, 7], [ANN]),
        ([{"userName": 4711}], ["4711"]),
        ([{"userName": f"{ANN}, {BOB}"}], [ANN, BOB]),
    ],
)
@pytest.mark.parametrize("total", [3, "3", None])
def test_odd_users_of_a_scim_list_cost_only_themselves(
    netskope: Any, resources: Any, names: list[str], total: Any
) -> None:
    """RFC 7643 section 2.5: null and an empty list are the same."""
    end = {"totalResults": 3, "Resources": []}
    page = {"totalResults": total or 3 if resources is None else total, "Resources": resources}
    assert list(netskope(page, end, end).list_users()) == names


def test_a_json_object_that_is_no_scim_list_is_not_an_empty_one(netskope: Any) -> None:
    with pytest.raises(UnexpectedAnswerError):
        list(netskope({"blocked": "by policy"}).list_users())


@pytest.mark.parametrize("said", [f"{ANN}, {BOB}", f"{ANN},{BOB}", f"{ANN};{BOB}", f" {ANN} , {BOB},"])
def test_two_addresses_in_one_record_are_two_users(netskope: Any, said: str) -> None:
    assert _scores(netskope({"usersUci": [_said(said, (MIDNIGHT, 300))]}), ANN, BOB) == {ANN: 300, BOB: 300}
    page = {"totalCount": 1, "results": [_listed(said)]}
    assert _scores(netskope(page), strategy="list") == {ANN: 7, BOB: 7}
    assert _scores(netskope(page), BOB, strategy="list") == {BOB: 7}


def test_everybody_of_a_record_with_two_addresses_is_asked_for_as_netskope_calls_it(
    netskope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = netskope()
    scim = {"totalResults": 1, "Resources": [{"userName": f"{ANN}, {BOB}"}]}
    script = _play(monkeypatch, (scim, {"usersUci": [_said(f"{ANN}, {BOB}", (MIDNIGHT, 300))]}))
    assert _scores(client) == {ANN: 300, BOB: 300}
    assert f"{ANN}, {BOB}" in json.loads(script.sent[1].body or "")["users"]


@pytest.mark.parametrize("name", ["Moss, Ann", "CN=Ann,OU=x", "corp\\ann", "ann@x.example (ann, desk)"])
def test_a_comma_in_a_name_that_is_no_list_of_addresses_is_part_of_it(netskope: Any, name: str) -> None:
    assert _scores(netskope({"totalCount": 1, "results": [_listed(name)]}), strategy="list") == {name: 7}


def test_a_name_that_cannot_be_sent_costs_only_itself(netskope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = netskope()
    script = _play(monkeypatch, ({"usersUci": [_said(ANN, (MIDNIGHT, 300))]},))
    assert _scores(client, "half\ud83d@x", ANN) == {"half\ud83d@x": None, ANN: 300}
    assert json.loads(script.sent[0].body or "")["users"] == [ANN]
    assert _scores(netskope(), "half\ud83d@x") == {"half\ud83d@x": None}


def test_names_that_only_look_alike_keep_their_scores(netskope: Any) -> None:
    names = {
        "gross@x.example": 950,
        "gro\u00df@x.example": 50,
        "ann.s@x.example": 900,
        "ann.\u017f@x.example": 10,
    }
    series = {"usersUci": [_said(name, (MIDNIGHT, score)) for name, score in names.items()]}
    assert _scores(netskope(series), *names) == names
    page = {"totalCount": 4, "results": [_listed(name, score) for name, score in names.items()]}
    assert _scores(netskope(page), strategy="list") == names


@pytest.mark.parametrize(
    ("asked", "said"), [("jose\u0301@x", "jos\u00e9@x"), ("jos\u00e9@x", "JOSE\u0301@x")]
)
def test_a_name_meets_its_twin_that_is_composed_otherwise(
    netskope: Any, monkeypatch: pytest.MonkeyPatch, asked: str, said: str
) -> None:
    client = netskope()
    script = _play(monkeypatch, ({"usersUci": [_said(said, (MIDNIGHT, 300))]},))
    assert _scores(client, asked) == {asked: 300}
    assert set(json.loads(script.sent[0].body or "")["users"]) == {"jose\u0301@x", "jos\u00e9@x"}


def test_of_two_records_that_differ_in_case_the_exact_one_counts(netskope: Any) -> None:
    both = [_said("ANN@x.example", (MIDNIGHT, 100)), _said(ANN, (MIDNIGHT, 900))]
    for series in (both, both[::-1]):
        assert _scores(netskope({"usersUci": series}), ANN) == {ANN: 900}
    page = {"totalCount": 1, "results": [_listed("ANN@x.example", 100), _listed(ANN, 900)]}
    assert _scores(netskope(page), ANN, strategy="list") == {ANN: 900}


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        (MIDNIGHT // 1000, "seconds"),
        (str(MIDNIGHT // 1000), "seconds"),
        (float(MIDNIGHT // 1000), "seconds"),
        (MIDNIGHT * 1000, "microseconds"),
        (MIDNIGHT * 10**6, "nanoseconds"),
        ("2026-11-23T00:00:00Z", "text"),
    ],
)
def test_times_that_are_all_in_another_unit_are_noticed(netskope: Any, start: Any, unit: str) -> None:
    page = {"totalCount": 2, "results": [_listed(ANN, 7, start), _listed(BOB, 8, start)]}
    with pytest.raises(UnexpectedAnswerError, match=f"{unit}, such as {start}") as caught:
        _scores(netskope(page), strategy="list")
    assert "milliseconds" in str(caught.value)
    series = {"usersUci": [_said(ANN, (start, 7)), _said(BOB, (start, 8))]}
    with pytest.raises(UnexpectedAnswerError, match=unit):
        _scores(netskope(series), ANN, BOB)


def test_one_time_in_another_unit_costs_only_its_user(netskope: Any) -> None:
    page = {"totalCount": 2, "results": [_listed(ANN, 7, MIDNIGHT // 1000), _listed(BOB, 8)]}
    assert _scores(netskope(page), strategy="list") == {ANN: None, BOB: 8}


def test_scores_of_long_ago_are_old_and_not_in_another_unit(netskope: Any) -> None:
    old = MIDNIGHT - int(timedelta(days=400).total_seconds() * 1000)
    page = {"totalCount": 1, "results": [_listed(ANN, 7, old)]}
    assert _scores(netskope(page), strategy="list") == {ANN: None}


def test_a_time_as_text_is_a_time(netskope: Any) -> None:
    page = {"totalCount": 1, "results": [_listed(ANN, 7, str(MIDNIGHT))]}
    assert _scores(netskope(page), strategy="list") == {ANN: 7}


@pytest.mark.parametrize("name", [HALF_A_PAIR, b'"\xff"', b"NaN"])
def test_a_field_that_nobody_reads_does_not_hide_the_scores(netskope: Any, name: bytes) -> None:
    body = json.dumps({"totalCount": 1, "results": [_listed(ANN)]}).encode()
    client = netskope(body.replace(b'"start"', b'"device": ' + name + b', "start"'))
    assert _scores(client, strategy="list") == {ANN: 7}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"errorCode": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_an_answer_that_is_nested_without_end_is_an_error_of_ours(okta: Any, body: bytes) -> None:
    with pytest.raises(OktaUreError):
        list(okta(*[body] * 5).list_users())


@pytest.mark.parametrize("listed", [OktaClient.list_users, lambda one: one.list_members("00g1")])
def test_a_user_who_is_on_two_pages_is_one_user(
    okta: Any, monkeypatch: pytest.MonkeyPatch, listed: Callable[[OktaClient], Any]
) -> None:
    client = okta()
    more = [("Link", f'<{ORG}/api/v1/users?after=1>; rel="next"')]
    script = Script(Said(200, [_user(1), _user(2), _user(2)], more), Said(200, [_user(2), _user(3)]))
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda adapter, request, **settings: script.send(adapter, request, **settings)
    )
    assert [user.user_id for user in listed(client)] == ["00u1", "00u2", "00u3"]
