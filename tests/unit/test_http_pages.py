# SPDX-License-Identifier: Apache-2.0
"""Reading lists page by page: every form of the Link header, and every link that must not be followed."""

from __future__ import annotations

from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.links import next_link
from airflow_provider_okta_ure.clients.lists import ListLimits
from airflow_provider_okta_ure.clients.unpacking import MIB
from airflow_provider_okta_ure.errors import UnexpectedAnswerError
from tests.unit.http_script import ORG, TOKEN, Clock, Said, Script, Step, client

PATH = "/api/v1/groups"
SELF = f'<{ORG}{PATH}?limit=1>; rel="self"'


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*steps: Step) -> Script:
        script = Script(*steps)
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        return script

    return start


def _read(script: Script, clock: Clock | None = None, **how: Any) -> list[list[Any]]:
    return list(client(clock).pages(PATH, bucket="b", params={"limit": "1"}, expect=list[Any], **how))


def _to(target: str) -> str:
    return f'<{target}>; rel="next"'


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(
            [("Link", SELF), ("Link", _to(f"{ORG}{PATH}?after=a&limit=1"))], id="a-line-per-relation"
        ),
        pytest.param([("link", f"{SELF}, {_to(f'{ORG}{PATH}?after=a&limit=1')}")], id="joined-by-a-comma"),
        pytest.param([("LINK", f"{_to(f'{ORG}{PATH}?after=a&limit=1')},{SELF}")], id="next-first"),
        pytest.param([("Link", f"<{ORG}{PATH}?after=a&limit=1>;rel=next")], id="without-quotes"),
        pytest.param(
            [("Link", f'<{PATH}?after=a&limit=1>; title="a, b; c"; REL="prev next"')], id="relative"
        ),
    ],
)
def test_the_next_page_is_found_in_every_form_of_the_header(
    play: Any, headers: list[tuple[str, str]]
) -> None:
    script = play(Said(200, [1], headers), Said(200, [2], [("Link", SELF)]))
    assert _read(script) == [[1], [2]]
    assert script.sent[1].url == f"{ORG}{PATH}?after=a&limit=1"
    assert script.sent[1].headers["Authorization"] == f"SSWS {TOKEN}"


@pytest.mark.parametrize(
    ("header", "target"),
    [
        (
            '<https://after.okta.com/api/v1/users?limit=200&after=x>; rel="next"',
            "https://after.okta.com/api/v1/users?limit=200&after=x",
        ),
        (
            '<https://a.okta.com/x?limit=200&after=abc>; rel="next"',
            "https://a.okta.com/x?limit=200&after=abc",
        ),
        ('<https://a.okta.com/x?a=1,2;b=3>; rel="next"', "https://a.okta.com/x?a=1,2;b=3"),
        ('<https://a.okta.com/x>; rel="nextish"', ""),
        ('<https://a.okta.com/x>; title="rel=next"', ""),
        ('<https://a.okta.com/x>; rel="self"; rel="next"', ""),
        ("<https://a.okta.com/x>", ""),
        ("", ""),
        ("garbage; rel=next", ""),
    ],
)
def test_a_link_header_is_read_as_its_standard_says(header: str, target: str) -> None:
    assert next_link(header) == target


def test_an_empty_page_at_the_end_is_no_trouble(play: Any) -> None:
    script = play(Said(200, [1], [("Link", _to(f"{ORG}{PATH}?after=a"))]), Said(200, []))
    assert _read(script) == [[1], []]


def test_an_empty_page_in_the_middle_is_not_the_end(play: Any) -> None:
    script = play(Said(200, [], [("Link", _to(f"{ORG}{PATH}?after=a"))]), Said(200, [2], [("Link", SELF)]))
    assert _read(script) == [[], [2]]


def test_a_list_without_end_is_read_until_a_page_is_empty(play: Any) -> None:
    more = [("Link", _to(f"{ORG}{PATH}?after=a"))]
    script = play(Said(200, [1], more), Said(200, [], [("Link", _to(f"{ORG}{PATH}?after=b"))]))
    assert _read(script, until_empty=True) == [[1], []]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/api/v1/groups?after=a",
        "https://acme.okta.com.evil.example/api/v1/groups?after=a",
        "https://acme.okta.com@evil.example/api/v1/groups?after=a",
        "https://acme.okta.com\\@evil.example/api/v1/groups?after=a",
        "https://evil.example\\.acme.okta.com/api/v1/groups",
        "//evil.example/api/v1/groups?after=a",
        "http://acme.okta.com/api/v1/groups?after=a",
        "https://acme.okta.com:8443/api/v1/groups?after=a",
        "ftp://acme.okta.com/api/v1/groups",
        "javascript:alert(1)",
    ],
)
def test_a_next_page_on_another_origin_is_not_followed(play: Any, target: str) -> None:
    script = play(Said(200, [1], [("Link", _to(target))]))
    with pytest.raises(UnexpectedAnswerError, match="not followed"):
        _read(script)
    assert len(script.sent) == 1


def test_the_default_port_is_the_same_origin(play: Any) -> None:
    script = play(
        Said(200, [1], [("Link", _to("https://ACME.okta.com:443/api/v1/groups?after=a"))]), Said(200, [2])
    )
    assert _read(script) == [[1], [2]]


def test_a_next_page_that_was_read_before_ends_the_reading(play: Any) -> None:
    first, second = f"{ORG}{PATH}?limit=1", f"{ORG}{PATH}?after=a"
    script = play(Said(200, [1], [("Link", _to(second))]), Said(200, [2], [("Link", _to(first))]))
    with pytest.raises(UnexpectedAnswerError, match="read before"):
        _read(script)


def test_a_next_page_equal_to_the_current_one_ends_the_reading(play: Any) -> None:
    script = play(Said(200, [1], [("Link", _to(f"{ORG}{PATH}?limit=1"))]))
    with pytest.raises(UnexpectedAnswerError, match="read before"):
        _read(script)


@pytest.mark.parametrize(
    ("limits", "pages", "said"),
    [
        pytest.param(ListLimits(entries=3), 3, "no end after 3 pages", id="number"),
        pytest.param(ListLimits(size=2 * MIB), 3, "no end after 2 MiB", id="bytes"),
        pytest.param(ListLimits(seconds=7200), 4, "no end after 2 hours", id="time"),
    ],
)
def test_pages_without_end_are_not_read_for_ever(
    play: Any, limits: ListLimits, pages: int, said: str
) -> None:
    clock = Clock()

    def step(number: int) -> Step:
        def answer(_request: object) -> Said:
            clock.passed += 1900
            padded = b"[" + b" " * (MIB - 100) + f"{number}]".encode()
            return Said(200, padded, [("Link", _to(f"{ORG}{PATH}?after={number}"))])

        return answer

    script = play(*[step(number) for number in range(9)])
    api = client(clock, list_limits=limits, answer_timeout=1e9)
    with pytest.raises(UnexpectedAnswerError, match=said) as caught:
        list(api.pages(PATH, bucket="b", expect=list[Any]))
    assert PATH in str(caught.value)
    assert caught.value.topic == "list-without-end"
    assert len(script.sent) == pages


def test_what_is_done_between_two_pages_is_not_the_time_of_the_list(play: Any) -> None:
    clock = Clock()
    play(
        *[Said(200, [n], [("Link", _to(f"{ORG}{PATH}?after={n}"))]) for n in range(9)],
        Said(200, []),
    )
    for _ in client(clock).pages(PATH, bucket="b", expect=list[Any]):
        clock.passed += 7200


def test_the_pages_of_a_million_users_are_within_the_limits() -> None:
    limits = ListLimits()
    assert limits.entries >= 2 * 1_000_000
    assert limits.size >= 2 * (1_000_000 // 200) * 300_000
    # Okta's default of 600 a minute for this, four tasks at once, and a share of 0.8.
    assert limits.seconds >= 2 * (1_000_000 // 200) * 4 / (600 * 0.8) * 60


def test_a_page_is_repeated_by_itself(play: Any) -> None:
    clock = Clock()
    more = [("Link", _to(f"{ORG}{PATH}?after=a"))]
    script = play(Said(200, [1], more), Said(503), Said(200, [2]))
    assert _read(script, clock) == [[1], [2]]
    assert [str(sent.url).partition("?")[2] for sent in script.sent] == ["limit=1", "after=a", "after=a"]


def test_pages_are_read_when_they_are_wanted_and_not_before(play: Any) -> None:
    script = play(Said(200, [1], [("Link", _to(f"{ORG}{PATH}?after=a"))]), Said(200, [2]))
    pages = client().pages(PATH, bucket="b", expect=list[Any])
    assert script.sent == []
    assert next(pages) == [1]
    assert len(script.sent) == 1
