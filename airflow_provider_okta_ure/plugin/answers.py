# SPDX-License-Identifier: Apache-2.0
"""Rows of the action log as the page reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Response

from airflow_provider_okta_ure.catalogue import entry_for_reason, entry_for_topic
from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.rules import Rule
from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.plugin.links import base_path, links_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.catalogue import Entry as Trouble


def json_answer(content: Any, status: int = 200) -> Response:
    """Return an answer in JSON; moments in UTC with ``Z``."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def entry_answers(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return entries with what their reasons mean, and where more is to be seen."""
    base = base_path()
    return [entry_answer(entry, base) for entry in entries]


def entry_answer(entry: Entry, base: str) -> dict[str, Any]:
    """
    Return an entry with what its reason means, and where more is to be seen.

    :param base: the path below which Airflow is served.
    """
    trouble = reason(entry.reason)
    return {
        **msgspec.structs.asdict(entry),
        "reason_title": trouble.title if trouble else None,
        "reason_remedy": trouble.advice() if trouble else None,
        "links": links_of(entry, base),
    }


def failure_answer(entry: Entry) -> dict[str, Any]:
    """Return a failed entry with what to do about it."""
    answer = entry_answer(entry, base_path())
    return {
        **answer,
        "title": answer["reason_title"] or entry.message or entry.reason or "It failed",
        "remedy": answer["reason_remedy"],
        "link": answer["links"]["task"],
    }


def membership_answer(entry: Entry) -> dict[str, Any]:
    """Return an addition to a group as a membership: since when, until when, and why."""
    return {
        "org": entry.org,
        "group_id": entry.target,
        "group_name": entry.target_name,
        "since": entry.as_of,
        "expires_at": entry.expires_at,
        "rule": entry.rule,
        "score": entry.score,
        "entry_id": entry.id,
        "dag_id": entry.dag_id,
        "run_id": entry.run_id,
        "status": entry.status,
        "links": links_of(entry, base_path()),
        "why": why(entry),
    }


def why(entry: Entry) -> str:
    """Return why an entry's user was chosen, in one sentence."""
    score = "without a score" if entry.score is None else f"score {entry.score} (higher is safer)"
    if not entry.rule:
        return f"{score}; a list of users chose him, not a rule"
    return f"{score} matched the rule: {_explained(entry)}"


def _explained(entry: Entry) -> str:
    known = {
        name: getattr(entry, name) or None for name in ("score_level", "risk_level", "previous_risk_level")
    }
    try:
        row = msgspec.convert(
            {"user": entry.user_name, "score": entry.score, "source": entry.source or None, **known}, type=Row
        )
        said = Rule.parse(entry.rule).explain(row)
    except (OktaUreError, msgspec.ValidationError):
        return entry.rule
    # The rule can name what the log does not keep, such as the score of the day before.
    return entry.rule if said.startswith("no match") else said


def reason(code: str) -> Trouble | None:
    """Return what the catalogue says of a reason code; None when it does not know it."""
    return entry_for_reason(code) or entry_for_topic(code.replace("_", "-")) if code else None
