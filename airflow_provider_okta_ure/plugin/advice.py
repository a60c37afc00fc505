# SPDX-License-Identifier: Apache-2.0
"""What an entry's reason means and what to do about it: the one remedy that fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.catalogue import CHAPTERS, entry_for_reason, entry_for_topic

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.catalogue import Entry as Trouble

# What a service answered, as errors write it; the advice of the error follows.
_ANSWER = re.compile(
    r"(?P<message>.*\(HTTP \d{3}\b.*?\)(?: \[request id [^\]]*\])?\.)(?: (?P<remedy>.+))?", re.DOTALL
)


# A plan is refused for its size, or because nobody has approved it as it is now.
_PLANNED = {"dry_run": "Dry run", "plan_refused": "Plan refused", "not_approved": "Not approved"}


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is said about an entry.

    :param title: what the reason means; empty = the log does not say.
    :param message: what happened to this very user, without advice.
    :param remedy: what to do; empty = it is not known.
    """

    title: str
    message: str
    remedy: str


def advice_for(entry: Entry) -> Advice:
    """
    Return what an entry's reason means and what to do.

    The message of a failure ends with advice for just this error, which the reason alone does not know:
    it is shown once, and instead of the general one.
    """
    is_planned = entry.status == "planned"
    general = reason(entry.reason)
    title = title_of(entry.reason, is_planned=is_planned) if general else ""
    remedy = general.advice() if general else ""
    if entry.status != "failed" or not entry.message:
        return Advice(title=title, message=entry.message, remedy=remedy)
    for trouble in _troubles():
        found = _ends_with(entry.message, trouble)
        if found is not None:
            message, own = found
            return Advice(title=trouble.title, message=message, remedy=own)
    answer = _ANSWER.fullmatch(entry.message)
    if answer is not None and answer["remedy"]:
        return Advice(title=title, message=answer["message"], remedy=answer["remedy"])
    return Advice(title=title, message=entry.message, remedy=remedy)


def reason(code: str) -> Trouble | None:
    """Return what the catalogue says of a reason code; None when it does not know it."""
    return entry_for_reason(code) or entry_for_topic(code.replace("_", "-")) if code else None


def title_of(code: str, *, is_planned: bool = False) -> str:
    """Return a reason in words."""
    if is_planned and code in _PLANNED:
        return _PLANNED[code]
    known = reason(code)
    return known.title if known else code.replace("_", " ")


def _ends_with(message: str, trouble: Trouble) -> tuple[str, str] | None:
    """Return the message without the advice that it ends with, and the advice; None = it ends otherwise."""
    before, variable, after = trouble.remedy.partition("{scope}")
    if not variable:
        if message.endswith(before) and before:
            return message.removesuffix(before).rstrip(), before
        return None
    found = re.search(f"{re.escape(before)}.{{1,200}}{re.escape(after)}$", message)
    return None if found is None else (message[: found.start()].rstrip(), found[0])


def _troubles() -> list[Trouble]:
    # The longest advice first: a shorter one may be its end.
    everything = [trouble for chapter in CHAPTERS for trouble in chapter.entries]
    return sorted(everything, key=lambda one: -len(one.remedy))
