"""What a value of the pause switch means: only a few words say that nothing is paused."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_okta_ure.core.pausing import Pause

SINCE = datetime(2026, 11, 28, 2, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", [None, "", "  ", "\n", "false", "False", " FALSE ", "0", "no", "No"])
def test_nothing_is_paused(text: str | None) -> None:
    assert Pause.read(text) is None


@pytest.mark.parametrize("text", ["true", "True", "1", " yes "])
def test_a_plain_yes_pauses_without_a_reason(text: str) -> None:
    assert Pause.read(text) == Pause()


@pytest.mark.parametrize("text", ["off", "null", "None", "00", "-", "wrong tenant", "no!", "fälse"])
def test_any_other_text_pauses_and_is_the_reason(text: str) -> None:
    assert Pause.read(text) == Pause(reason=text)


def test_json_says_who_since_when_and_why() -> None:
    text = '{"since": "2026-11-28T03:10:00+01:00", "by": "ann", "reason": "wrong tenant"}'
    assert Pause.read(text) == Pause(since=SINCE, by="ann", reason="wrong tenant")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="cut-off"),
        pytest.param('{"reason": }', id="not-json"),
        pytest.param("[]", id="list"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"a":' * 50_000 + "1" + "}" * 50_000, id="deep-objects"),
        pytest.param('{"reason": "\ud800"}', id="half-surrogate"),
    ],
)
def test_json_that_cannot_be_read_pauses(text: str) -> None:
    pause = Pause.read(text)
    assert pause is not None
    assert "cannot be read" in pause.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Pause()),
        ('{"paused": false}', Pause()),
        ('{"since": "yesterday", "by": 7, "reason": null}', Pause(by="7")),
        ('{"since": 1764295800}', Pause()),
        ('{"since": "0001-01-01T00:00:00+14:00"}', Pause()),
        ('{"since": "2026-11-28T02:10:00"}', Pause(since=SINCE)),
    ],
)
def test_fields_of_json_that_make_no_sense_are_left_out_and_pause_all_the_same(
    text: str, expected: Pause
) -> None:
    assert Pause.read(text) == expected


def test_what_was_written_is_read() -> None:
    pause = Pause(since=SINCE, by="ann", reason='"quotes"')
    assert Pause.read(pause.to_text()) == pause


def test_a_reason_stands_on_one_line() -> None:
    pause = Pause.read("a\n::group::b\x1b[31m" + "x" * 1000)
    assert pause is not None
    assert pause.reason.startswith("a ::group::b [31mxxx")
    assert len(pause.reason) == 503


def test_in_words() -> None:
    assert Pause().in_words() == "paused"
    said = Pause(since=SINCE, by="ann", reason="wrong tenant").in_words()
    assert said == "paused since 2026-11-28 02:10 UTC by ann: wrong tenant"
