# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure explain``: the documents without a browser, troubleshooting one topic at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.catalogue import CHAPTERS, entry_for_reason, entry_for_topic, known_reasons
from airflow_provider_okta_ure.catalogue.page import section
from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.shipped import shipped_files
from airflow_provider_okta_ure.core.suggestions import did_you_mean
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_okta_ure.catalogue.entries import Entry


def explain(args: Namespace) -> None:
    """Print what a topic or a code means and what to do, or a document; without a name, list all of them."""
    with ending_with_status(interrupted="Interrupted."):
        if not args.topic:
            sys.stdout.write(_contents())
            return
        sys.stdout.write(_answer(args.topic))


def _answer(wanted: str) -> str:
    """
    Return a document that is named as a file; else what has this name: a topic, a document, or both.

    :param wanted: what somebody asks for, as they found it in a message, a report or the list.
    :raises ConfigurationError: there is none.
    """
    document = _documents().get(Path(wanted).name.removesuffix(".md"))
    texts = [document.read_text(encoding="utf-8")] if document is not None else []
    if not texts or (_entry_named(wanted) and not wanted.endswith(".md")):
        texts = [*(_text(entry) for entry in _found(wanted)), *texts]
    return "\n".join(texts)


def _entry_named(name: str) -> Entry | None:
    return entry_for_topic(name.lower()) or entry_for_reason(name.lower())


def _found(wanted: str) -> list[Entry]:
    """
    Return the entries about something.

    :param wanted: a topic or a link to one, a reason code, an error code of Okta or Netskope, or a part of a
        message.
    :raises ConfigurationError: there is none.
    """
    name = wanted.rpartition("#")[2].strip()
    entry = _entry_named(name)
    if entry is not None:
        return [entry]
    every = [one for chapter in CHAPTERS for one in chapter.entries]
    seen = [one for one in every if any(_is_in(name, text) for text in one.seen)]
    if seen:
        return seen
    known = {one.topic for one in every} | known_reasons() | _documents().keys()
    raise ConfigurationError(
        f"There is no topic {wanted!r}.{did_you_mean(name, known)}",
        remedy="`airflow okta-ure explain` lists all topics.",
    )


def _is_in(name: str, text: str) -> bool:
    return len(name) > 3 and name.lower() in text.lower()


def _text(entry: Entry) -> str:
    """Return the section of an entry as it is for a terminal: without the anchor."""
    return section(entry).partition("</a>")[2].lstrip("\n")


def _documents() -> dict[str, Path]:
    return shipped_files("docs", "docs", ".md")


def _contents() -> str:
    width = max(len(entry.topic) for chapter in CHAPTERS for entry in chapter.entries)
    lines = ["", "Documents", f"  {', '.join(_documents())}"]
    for chapter in CHAPTERS:
        lines += ["", chapter.title]
        lines += [f"  {entry.topic:<{width}}  {entry.title}" for entry in chapter.entries]
    return "\n".join(lines[1:]) + "\n"
