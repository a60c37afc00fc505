"""
Measures business rules: rows a second of our Rule, of the engine below it, and of the same in plain Python.

Run it with ``python -m tests.bench.bench_rules``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import rule_engine

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.rules import Rule

RULE = 'score <= 500 and user.ends_with("@corp.example")'
ROWS = 100_000


def main() -> None:
    """Print the figures, one a line, of the same rule over the same rows."""
    rows = [Row(user=f"User{number}@Corp.example", score=number % 1000) for number in range(ROWS)]
    plain = [{"user": row.user.casefold(), "score": row.score} for row in rows]
    types = {"user": rule_engine.DataType.STRING, "score": rule_engine.DataType.FLOAT}
    engine = rule_engine.Rule(
        RULE, context=rule_engine.Context(type_resolver=rule_engine.type_resolver_from_dict(types))
    )
    counts = {
        measure("our Rule", Rule.parse(RULE).matches, rows),
        measure("the raw engine", engine.matches, plain),
        measure("plain Python", in_python, rows),
    }
    if len(counts) != 1:
        raise SystemExit(f"They do not agree: {sorted(counts)} rows.")


def in_python(row: Row) -> bool:
    """Say what the rule says."""
    return row.score is not None and row.score <= 500 and row.user.casefold().endswith("@corp.example")


def measure(label: str, matches: Callable[[Any], bool], rows: list[Any]) -> int:
    """Print how many rows a second are judged; return how many match."""
    started = time.perf_counter()
    count = sum(map(matches, rows))
    sys.stdout.write(f"{label}: {len(rows) / (time.perf_counter() - started):,.0f} rows/s\n")
    return count


if __name__ == "__main__":
    main()
