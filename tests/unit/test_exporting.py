"""The action log as CSV and JSON Lines: complete, in a stable order, and no spreadsheet runs anything."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.exporting import COLUMNS, harmless, to_csv, to_json_lines, to_text

MOMENT = datetime(2026, 11, 20, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))


def entry(**fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "push_risk",
        "user_key": "ann@corp.example",
        "as_of": MOMENT,
        "started_at": MOMENT,
        "recorded_at": MOMENT,
        "status": "done",
    }
    return Entry(**{**known, **fields})


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_columns_are_a_public_interface() -> None:
    assert COLUMNS[:9] == (
        "id",
        "org",
        "action",
        "target",
        "target_name",
        "user_key",
        "as_of",
        "revision",
        "user_name",
    )
    assert set(COLUMNS) == set(Entry.__struct_fields__)
    assert "".join(to_csv([])).strip() == ",".join(f'"{name}"' for name in COLUMNS)
    assert "".join(to_json_lines([])) == ""


@pytest.mark.parametrize(
    "name",
    [
        "=cmd()",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\n=1",
        "  =1",
        "\uff1d1",
        "'already",
        'say "=1"',
        'x";=1;"',
        "a,=1",
    ],
)
def test_a_name_that_looks_like_a_formula_is_text_and_can_be_had_back(name: str) -> None:
    (row,) = read_csv("".join(to_csv([entry(user_name=name)])))
    cell = row["user_name"]
    assert cell.lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")
    assert (cell[1:] if cell.startswith("'") else cell) == name
    assert json.loads("".join(to_json_lines([entry(user_name=name)])))["user_name"] == name


def test_every_text_is_in_quotes_whatever_the_separator_of_the_reader() -> None:
    line = "".join(to_csv([entry(user_name="a;=1")])).splitlines()[1]
    assert '"a;=1"' in line


def test_plain_names_are_left_alone() -> None:
    assert [harmless(name) for name in ("ann@corp.example", "", " ", "o'neil", "0")] == [
        "ann@corp.example",
        "",
        " ",
        "o'neil",
        "0",
    ]


def test_numbers_moments_and_nothing_are_themselves() -> None:
    (row,) = read_csv("".join(to_csv([entry(id=7, score=120, map_index=-1)])))
    assert (row["id"], row["score"], row["map_index"], row["as_of"], row["http_status"]) == (
        "7",
        "120",
        "-1",
        "2026-11-20T00:00:00Z",
        "",
    )
    said = json.loads("".join(to_json_lines([entry(id=7, score=120)])))
    assert list(said) == list(COLUMNS)
    assert (said["score"], said["as_of"], said["http_status"]) == (120, "2026-11-20T00:00:00Z", None)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_only_a_few_entries_are_held_at_a_time(form: Any) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield entry(user_name=str(taken))

    pieces = to_text(endless(), form)
    first = next(pieces)
    assert 0 < taken <= 1000
    assert first.count("\n") <= 1001


def test_more_entries_than_one_piece_are_all_there() -> None:
    entries = [entry(id=number) for number in range(1234)]
    assert [row["id"] for row in read_csv("".join(to_csv(entries)))] == [str(n) for n in range(1234)]
    assert "".join(to_json_lines(entries)).count("\n") == 1234
