# SPDX-License-Identifier: Apache-2.0
"""Entries as text for other programs: CSV that no spreadsheet takes for formulas, and JSON Lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime, timezone
from itertools import islice
from typing import Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.action_log.entries import Entry

Format: TypeAlias = Literal["csv", "jsonl"]

FORMATS: tuple[Format, ...] = ("csv", "jsonl")

COLUMNS: tuple[str, ...] = ("id", *(name for name in Entry.__struct_fields__ if name != "id"))
"""The columns of a CSV file and the keys of a JSON line, in this order."""

# https://owasp.org/www-community/attacks/CSV_Injection, and their full-width twins.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ROWS_AT_ONCE = 500


def to_text(entries: Iterable[Entry], form: Format) -> Iterator[str]:
    """Yield the entries as text, in pieces: however many there are, only a few are held at a time."""
    return to_csv(entries) if form == "csv" else to_json_lines(entries)


def to_csv(entries: Iterable[Entry]) -> Generator[str, None, None]:
    """
    Yield the pieces of a CSV file with a header.

    Every text is in quotes, and one that a spreadsheet could take for a formula has an apostrophe in front,
    see :func:`harmless`. Nothing is an empty cell; moments are in UTC.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = iter(entries)
    while True:
        some = list(islice(rows, _ROWS_AT_ONCE))
        writer.writerows([_cell(getattr(entry, name)) for name in COLUMNS] for entry in some)
        yield buffer.getvalue()
        if not some:
            return
        buffer.seek(0)
        buffer.truncate()


def to_json_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield one JSON object per entry and line, all values as they are; moments are in UTC."""
    encoder = msgspec.json.Encoder()
    rows = iter(entries)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield encoder.encode_lines([_object(entry) for entry in some]).decode()


def harmless(text: str) -> str:
    r"""
    Return text that no spreadsheet evaluates: with an apostrophe in front where it could be a formula.

    Text that begins with an apostrophe gets one more, so that taking one away gives the very text back.

    >>> harmless("=cmd|' /C calc'!A0"), harmless("ann@corp.example"), harmless("'quoted'")
    ("'=cmd|' /C calc'!A0", 'ann@corp.example', "''quoted'")
    """
    first = text.lstrip(" ")[:1] or text[:1]
    return f"'{text}" if first in _BEGINS_A_FORMULA or text.startswith("'") else text


def _cell(value: object) -> object:
    if isinstance(value, str):
        return harmless(value)
    return _utc(value) if isinstance(value, datetime) else value


def _object(entry: Entry) -> dict[str, object]:
    values = {name: getattr(entry, name) for name in COLUMNS}
    return {name: _utc(one) if isinstance(one, datetime) else one for name, one in values.items()}


def _utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
