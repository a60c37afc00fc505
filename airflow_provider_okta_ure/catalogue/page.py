# SPDX-License-Identifier: Apache-2.0
"""The catalogue as a document for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.catalogue.lookup import CHAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

COMMAND = "python -m airflow_provider_okta_ure.catalogue"

_HEAD = f"""# Troubleshooting

<!-- Written by `{COMMAND}`.
     Change the catalogue in the package, not this file. -->

Every error of this package ends with what to do and with the place on this page that says more. Search for
the code (`E0000006`, `invalid_key`), for a part of the sentence, or for the reason code of a report. The same
text without a browser: `{COMMAND} TOPIC`.

- What another try cannot mend fails the task at once, without Airflow's retries.
- What may pass is repeated within the task first. Then the task fails, and Airflow's `retries` apply: on
  Airflow 3.3 after the time that the service gave, before that after the task's `retry_delay`.
- Messages hold no token, no key and no raw answer. `[request id ...]` is what the service's support asks for.
"""


def page() -> str:
    """Return ``docs/troubleshooting.md``."""
    contents = "\n".join(_contents(chapter) for chapter in CHAPTERS)
    parts = [_HEAD, "## Contents", contents]
    for chapter in CHAPTERS:
        parts.append(f'<a id="{chapter.anchor}"></a>\n\n## {chapter.title}')
        parts.append(chapter.introduction)
        parts.extend(section(entry) for entry in chapter.entries)
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def section(entry: Entry) -> str:
    """Return the section about one entry."""
    return "\n".join(_lines(entry)) + "\n"


def _contents(chapter: Chapter) -> str:
    lines = [f"- [{chapter.title}](#{chapter.anchor})"]
    lines += [f"  - [{entry.title}](#{entry.topic})" for entry in chapter.entries]
    return "\n".join(lines)


def _lines(entry: Entry) -> Iterator[str]:
    yield f'<a id="{entry.topic}"></a>'
    yield ""
    yield f"### {entry.title}"
    yield ""
    if entry.seen:
        yield "You see:"
        yield ""
        yield from (f"- {_code(text)}" for text in entry.seen)
        yield ""
    if entry.reasons:
        yield f"In reports: {', '.join(_code(reason) for reason in entry.reasons)}"
        yield ""
    yield f"**What happened.** {entry.what}"
    yield ""
    yield f"**Why.** {entry.why}"
    yield ""
    yield f"**What to do.** {entry.advice('that the message names')}"
    if entry.steps:
        yield ""
        yield from (f"{number}. {step}" for number, step in enumerate(entry.steps, 1))


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"
