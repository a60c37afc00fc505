# SPDX-License-Identifier: Apache-2.0
"""What docs/scale.md shows is what the tests run, and what it computes is computed right."""

from __future__ import annotations

import re
import textwrap
from math import ceil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
DAG_FILE = (ROOT / "tests" / "e2e" / "dags" / "on_several_workers.py").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
NETSKOPE_A_SECOND, CHANGES_A_MINUTE = 3, 500 * 0.5 * 0.8


def without_indents(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_the_code_is_that_of_a_dag_that_runs(block: str) -> None:
    assert without_indents(block) in without_indents(DAG_FILE)
    assert textwrap.dedent(block) == block


def test_there_is_code_and_not_every_text_is_taken_for_it() -> None:
    assert len(BLOCKS) == 2
    assert without_indents(BLOCKS[0] + "pass") not in without_indents(DAG_FILE)


@pytest.mark.parametrize("users", [10_000, 100_000, 1_000_000])
def test_the_calls_and_times_are_those_of_the_limits(users: int) -> None:
    (row,) = re.findall(rf"^\| {users:,} \| (.*) \|$", PAGE, re.M)
    series, series_time, listed, rows, additions, additions_time = row.split(" | ")
    at_risk = tracked = users * 2 // 100
    calls = ceil(users / 1000) + ceil(users / 500)
    assert series == f"{calls:,}"
    assert series_time == in_words(calls / NETSKOPE_A_SECOND)
    assert listed == f"{ceil(at_risk / 1000) + ceil(tracked / 500) + 2}"
    size = (at_risk + tracked) * 160
    assert rows == f"{at_risk + tracked:,}, " + (
        f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
    )
    assert additions == f"{at_risk:,}"
    assert additions_time == in_words(at_risk / CHANGES_A_MINUTE * 60)


def in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds <= 100 and seconds % 60 else f"{seconds / 60:.0f} min"
