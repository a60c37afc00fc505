"""The pretend System Log: polling, reading between two moments, filters, limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.contract.sandbox_support import NOW, Transmitter, all_pages, make_sandbox, okta_api

if TYPE_CHECKING:
    import requests

LOGS = "/api/v1/logs"
ADD = "group.user_membership.add"


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def okta(sandbox):
    return okta_api(sandbox)


@pytest.fixture
def busy(sandbox, okta):
    """Ten people join a group, one a minute from three o'clock on."""
    group = sandbox.okta.add_group("G").id
    users = [user for user in sandbox.okta.users if user.status != "DEPROVISIONED"][:10]
    for user in users:
        okta.put(f"/api/v1/groups/{group}/users/{user.id}")
        sandbox.clock.advance(60)
    return [user.id for user in users]


def targets(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [event["target"][0]["id"] for event in answer.json()]


def at(minutes: int) -> str:
    return f"{NOW + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.000Z}"


def test_polling_goes_on_where_it_stopped_and_always_has_a_next_link(sandbox, okta, busy):
    first = okta.get(f"{LOGS}?limit=4&since={at(0)}")
    assert targets(first) == busy[:4]
    second = okta.get(first.links["next"]["url"])
    third = okta.get(second.links["next"]["url"])
    assert targets(second) + targets(third) == busy[4:]
    empty = okta.get(third.links["next"]["url"])
    assert empty.json() == []
    group = sandbox.okta.groups[-1].id
    okta.delete(f"/api/v1/groups/{group}/users/{busy[0]}")
    (event,) = okta.get(empty.links["next"]["url"]).json()
    assert event["eventType"] == "group.user_membership.remove"


def test_polling_with_a_filter_keeps_the_filter_in_the_next_link(okta, busy):
    first = okta.get(LOGS, params={"filter": f'target.id eq "{busy[7]}"', "limit": 1})
    assert targets(first) == [busy[7]]
    assert okta.get(first.links["next"]["url"]).json() == []


def test_between_two_moments_the_pages_come_to_an_end(okta, busy):
    events = all_pages(okta, LOGS, since=at(2), until=at(5), limit=3)
    assert [event["target"][0]["id"] for event in events] == busy[2:6]


def test_descending_order_is_newest_first_and_ends(okta, busy):
    events = all_pages(okta, LOGS, sortOrder="DESCENDING", limit=3)
    assert [event["target"][0]["id"] for event in events] == busy[::-1]


def test_a_week_is_looked_at_when_nothing_is_said(sandbox, okta, busy):
    sandbox.clock.advance(7 * 86_400 - 9 * 60)
    assert targets(okta.get(LOGS)) == busy[1:]


def test_events_are_gone_after_ninety_days(sandbox, okta, busy):
    sandbox.clock.advance(91 * 86_400)
    assert targets(okta.get(LOGS, params={"since": at(0)})) == []


def test_events_show_up_late_by_a_switch(sandbox, okta, busy):
    sandbox.options.log_delay_seconds = 90.0
    first = okta.get(f"{LOGS}?since={at(0)}")
    assert targets(first) == busy[:9]
    sandbox.clock.advance(60)
    assert targets(okta.get(first.links["next"]["url"])) == busy[9:]


FILTERS = [
    pytest.param(f'eventType eq "{ADD}"', 10, id="eq"),
    pytest.param(f'eventType EQ "{ADD.upper()}"', 10, id="any case"),
    pytest.param(f'eventType ne "{ADD}"', 0, id="ne"),
    pytest.param('eventType sw "group." and target.type eq "UserGroup"', 10, id="array"),
    pytest.param('not (eventType co "membership")', 0, id="not"),
    pytest.param('eventType ew ".remove" or eventType ew ".add"', 10, id="ew"),
    pytest.param("actor.alternateId pr", 10, id="pr"),
    pytest.param("actor.detailEntry pr", 0, id="pr of nothing"),
    pytest.param('outcome.result eq "SUCCESS" and not (severity eq "WARN")', 10, id="and not"),
    pytest.param('debugContext.debugData.requestUri sw "/api/v1/groups"', 10, id="deep"),
]


@pytest.mark.parametrize(("text", "count"), FILTERS)
def test_filters(okta, busy, text, count):
    assert len(okta.get(LOGS, params={"filter": text}).json()) == count


@pytest.mark.parametrize(
    "text",
    [
        'published gt "2026-01-01T00:00:00Z"',
        'debugContext.debugData.url co "x"',
        "nonsense",
        'unknown eq "x"',
        "eventType eq",
    ],
)
def test_a_wrong_filter_is_refused(okta, text):
    answer = okta.get(LOGS, params={"filter": text})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000053")


def test_keywords_must_all_match(sandbox, okta, busy):
    name = sandbox.okta.user(busy[3]).login
    assert targets(okta.get(LOGS, params={"q": f"{name.upper()} membership"})) == [busy[3]]
    assert targets(okta.get(LOGS, params={"q": f"{name} nonsense"})) == []


REFUSED = [
    pytest.param({"limit": "1001"}, "E0000001", id="limit too high"),
    pytest.param({"limit": "x"}, "E0000001", id="limit no number"),
    pytest.param({"since": "yesterday"}, "E0000001", id="since no date"),
    pytest.param({"until": "2026-13-01"}, "E0000001", id="until no date"),
    pytest.param({"since": "2020-01-01T00:00:00Z"}, "E0000053", id="since too long ago"),
    pytest.param({"sortOrder": "UP"}, "E0000001", id="order"),
    pytest.param({"q": " ".join("abcdefghijk")}, "E0000001", id="eleven keywords"),
    pytest.param({"q": "x" * 41}, "E0000001", id="long keyword"),
    pytest.param({"after": "forged"}, "E0000031", id="cursor"),
]


@pytest.mark.parametrize(("parameters", "code"), REFUSED)
def test_wrong_parameters_are_refused(okta, parameters, code):
    answer = okta.get(LOGS, params=parameters)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_a_limit_of_zero_answers_nothing_and_loses_nothing(okta, busy):
    answer = okta.get(f"{LOGS}?limit=0")
    assert answer.json() == []
    url = answer.links["next"]["url"].replace("limit=0", "limit=100")
    assert len(okta.get(url).json()) == 10


def test_a_received_token_is_found_by_type_and_user(sandbox, okta):
    sender = Transmitter(sandbox)
    sender.push(sender.token())
    user = sandbox.okta.users[0].id
    text = f'eventType eq "security.events.provider.receive_event" and target.id eq "{user}"'
    (event,) = okta.get(LOGS, params={"filter": text, "since": at(-1), "sortOrder": "ASCENDING"}).json()
    assert event["published"] == "2026-11-23T03:00:00.000Z"
    assert event["client"]["ipAddress"] == "127.0.0.1"
    assert (
        event["debugContext"]["debugData"]["requestId"]
        == sandbox.requests_to("okta", "POST", "/sec")[0].request_id
    )
    assert len(okta.get(LOGS, params={"filter": 'eventType eq "user.risk.detect"'}).json()) == 1
