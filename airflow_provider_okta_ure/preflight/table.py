# SPDX-License-Identifier: Apache-2.0
"""A report as text for people: one line per finding, the remedy below, nothing wider than a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.report import Finding, PreflightReport

WIDTH = 100

_COLOURS = {"ok": "32", "warning": "33", "problem": "31", "skipped": "2"}
_STATUS_WIDTH = len("problem")


def to_table(report: PreflightReport, *, colours: bool = False) -> str:
    """
    Return the report as lines of at most 100 characters.

    :param colours: mark the status for a terminal (ANSI).
    """
    width = max((len(finding.name) for finding in report.findings), default=0)
    lines = [f"{conn_id}: {url or 'address unknown'}" for conn_id, url in report.targets.items()]
    lines.append("")
    for finding in report.findings:
        lines += _lines(finding, width, colours=colours)
    lines += ["", to_summary(report)]
    return "\n".join(lines)


def to_line(finding: Finding) -> str:
    """Return a finding as one line, for a log."""
    remedy = f" -> {finding.advice}" if finding.advice else ""
    return _plain(f"{finding.status:<{_STATUS_WIDTH}}  {finding.name}: {finding.message}{remedy}")


def to_summary(report: PreflightReport) -> str:
    """Return the counts in one line, the bad ones first."""
    counts = report.counts
    bad = ", ".join(
        f"{counts[status]} {status}{'' if counts[status] == 1 else 's'}" for status in ("problem", "warning")
    )
    return f"{bad}, {counts['ok']} ok, {counts['skipped']} skipped"


def _lines(finding: Finding, width: int, *, colours: bool) -> Iterator[str]:
    status = f"{finding.status:<{_STATUS_WIDTH}}"
    shown = f"\x1b[{_COLOURS[finding.status]}m{status}\x1b[0m" if colours else status
    indent = _STATUS_WIDTH + 2 + width + 2
    message = _wrapped(finding.message, indent)
    yield f"{shown}  {finding.name:<{width}}  {message[0]}"
    yield from (" " * indent + line for line in message[1:])
    if finding.advice:
        remedy = _wrapped(finding.advice, indent + 3)
        yield " " * indent + "-> " + remedy[0]
        yield from (" " * (indent + 3) + line for line in remedy[1:])


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(_plain(text), WIDTH - indent, break_on_hyphens=False) or [""]


def _plain(text: str) -> str:
    """Return the text without what would steer a terminal; names in it are other people's."""
    return "".join(character if character.isprintable() else " " for character in text)
