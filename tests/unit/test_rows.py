from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS, Row
from airflow_provider_okta_ure.core.rows import LONGEST_USER, deduplicate, from_rows, to_rows
from airflow_provider_okta_ure.errors import ConfigurationError, RowError

UTC = timezone.utc
times = st.none() | st.datetimes(timezones=st.just(UTC))
scores = st.none() | st.integers(0, 1000)
names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=LONGEST_USER).filter(
    lambda text: bool(text.strip())
)
rows_of_any_kind = st.lists(
    st.builds(
        Row,
        user=names,
        score=scores,
        score_at=times,
        previous_score=scores,
        previous_score_at=times,
        provisional=st.booleans(),
        as_of=times,
        source=st.none() | st.text(st.characters(codec="utf-8")),
        score_level=st.none() | st.sampled_from(SCORE_LEVELS),
        risk_level=st.none() | st.sampled_from(RISK_LEVELS),
        previous_risk_level=st.none() | st.sampled_from(RISK_LEVELS),
    ),
    max_size=5,
)


@given(rows_of_any_kind)
def test_rows_survive_json_unchanged(rows: list[Row]) -> None:
    assert to_rows(json.loads(json.dumps(from_rows(rows)))) == rows


def test_rows_come_as_dicts_rows_or_lists_of_them() -> None:
    ann, bob = {"user": "ann"}, Row(user="bob")
    for value in ([ann, bob], (ann, bob), [[ann], [bob]], iter([ann, bob]), [[ann, bob], []]):
        assert [row.user for row in to_rows(value)] == ["ann", "bob"]
    assert to_rows([]) == []


@pytest.mark.parametrize("value", [None, "[]", b"x", 5, {"user": "ann"}])
def test_what_is_no_list_is_refused_with_a_remedy(value: object) -> None:
    with pytest.raises(ConfigurationError, match="must come as a list") as caught:
        to_rows(value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        pytest.param({"user": "a", "scor": 1}, "scor", "Did you mean 'score'", id="unknown-field"),
        pytest.param({"score": 1}, "user", "has no user", id="no-user"),
        pytest.param({"user": None}, "user", "not None", id="user-is-none"),
        pytest.param({"user": 5}, "user", "the int 5", id="user-is-a-number"),
        pytest.param({"user": "  "}, "user", "a login or an e-mail", id="blank-user"),
        pytest.param({"user": "a" * 321}, "user", "at most 320", id="long-user"),
        pytest.param({"user": "a\x00b"}, "user", r"U\+0000 at position 1", id="control-character"),
        pytest.param({"user": "a\nb"}, "user", r"U\+000A", id="line-break"),
        pytest.param({"user": "a\u202eb"}, "user", r"U\+202E", id="text-direction"),
        pytest.param({"user": "a\ud800"}, "user", r"U\+D800", id="lone-surrogate"),
        pytest.param({"user": "a", "score": "200"}, "score", "the str '200'", id="score-as-text"),
        pytest.param({"user": "a", "score": 1001}, "score", "from 0 to 1000", id="score-too-high"),
        pytest.param({"user": "a", "score": True}, "score", "the bool True", id="score-as-boolean"),
        pytest.param({"user": "a", "previous_score": 1.5}, "previous_score", "the float 1.5", id="fraction"),
        pytest.param({"user": "a", "as_of": "2026-11-23T00:00:00"}, "as_of", "UTC offset", id="naive"),
        pytest.param({"user": "a", "as_of": "today"}, "as_of", "a time such as", id="no-time"),
        pytest.param({"user": "a", "as_of": 5}, "as_of", "a time such as", id="time-as-number"),
        pytest.param({"user": "a", "provisional": 1}, "provisional", "true or false", id="flag"),
        pytest.param({"user": "a", "source": 5}, "source", "Airflow connection", id="source"),
        pytest.param({"user": "a", "risk_level": "critical"}, "risk_level", "one of none", id="level"),
        pytest.param(
            {"user": "a", "score_level": "Low"}, "score_level", "Did you mean 'low'", id="level-case"
        ),
        pytest.param({"user": "a", "score_level": []}, "score_level", "one of critical", id="level-list"),
        pytest.param("ann", "", "and not a dict", id="text"),
        pytest.param(None, "", "and not a dict", id="nothing"),
    ],
)
def test_a_malformed_row_is_named_with_its_field(item: object, field: str, message: str) -> None:
    with pytest.raises(RowError, match=message) as caught:
        to_rows([{"user": "fine"}, item])
    assert (caught.value.index, caught.value.field) == (1, field)


def test_a_time_of_any_offset_becomes_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    for value in ("2026-11-23T05:30:00+05:30", datetime(2026, 11, 23, 5, 30, tzinfo=india)):
        row = to_rows([{"user": "ann", "as_of": value}])[0]
        assert row.as_of == datetime(2026, 11, 23, tzinfo=UTC)
        assert row.as_of is not None
        assert row.as_of.tzinfo is UTC


def test_a_float_without_a_fraction_is_a_score() -> None:
    score = to_rows([{"user": "ann", "score": 240.0}])[0].score
    assert (score, type(score)) == (240, int)


def test_a_bad_row_does_not_leave_either() -> None:
    with pytest.raises(RowError, match="UTC offset"):
        from_rows([Row(user="ann", as_of=datetime(2026, 11, 23))])  # noqa: DTZ001 - that is what is refused


def rows(*values: dict[str, Any]) -> list[Row]:
    return [Row(**value) for value in values]


def test_of_two_rows_of_a_user_the_newest_stays() -> None:
    old, new = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    given_rows = rows(
        {"user": "ann", "score": 900, "score_at": new}, {"user": "ANN", "score": 100, "score_at": old}
    )
    assert deduplicate(given_rows) == given_rows[:1]
    assert deduplicate(reversed(given_rows)) == given_rows[:1]


def test_of_two_equally_new_rows_the_less_safe_score_stays_and_a_missing_one_goes() -> None:
    given_rows = rows({"user": "ann"}, {"user": "Ann", "score": 900}, {"user": "aNn", "score": 300})
    assert [row.score for row in deduplicate(given_rows)] == [300]


def test_users_of_different_sources_are_different() -> None:
    given_rows = rows({"user": "ann", "source": "a"}, {"user": "ann", "source": "b"}, {"user": "bob"})
    assert deduplicate(given_rows) == given_rows


def test_rows_about_okta_users_are_taken_without_what_only_okta_knows() -> None:
    row = {"user": "ann", "user_id": "00u1", "email": "a@x.example", "status": "ACTIVE", "risk_level": "high"}
    assert to_rows([{**row, "risk_reason": "x"}]) == [Row(user="ann", risk_level="high")]
    with pytest.raises(RowError, match="unknown field 'statsu'"):
        to_rows([{**row, "statsu": "ACTIVE"}])
