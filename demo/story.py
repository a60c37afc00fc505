# SPDX-License-Identifier: Apache-2.0
"""What happened in Okta, in plain words, and whether it is what should have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

ACTIONS = {
    "add_to_group": "added to the group",
    "remove_from_group": "removed from the group",
    "push_risk": "risk pushed (at risk)",
    "push_improved": "risk pushed (improved)",
}

PROOF = "confirm_ingested"
"""The task that finds every risk signal in Okta's System Log."""

REASONS = {
    "already_member": "is in the group already",
    "not_a_member": "is not in the group anyway",
    "same_level": "the level is the one from before",
    "user_not_in_okta": "Okta has no such user",
    "user_deprovisioned": "the Okta user is deprovisioned",
    "ambiguous_user": "several Okta users share the e-mail address",
    "duplicate_user": "another row is about the same Okta user",
    "no_score": "Netskope has no score",
}


@dataclass(frozen=True)
class Expectation:
    """Who has to be in the group, worked out from the two services alone."""

    inside: frozenset[str]
    outside: frozenset[str]


def expected_members(scores: dict[str, int | None], okta_users: Sequence[dict[str, Any]]) -> Expectation:
    """
    Return the ids of the Okta users that must be in the group, and of those that must not.

    At most 500 is in, above 600 is out, between them it depends on the days before. Written apart from the
    provider's own code, so that the demo checks it instead of agreeing with it.

    :param scores: the newest score per Netskope user in lower case.
    """
    by_login = {user["profile"]["login"].lower(): user["id"] for user in okta_users}
    emails = Counter(user["profile"]["email"].lower() for user in okta_users)
    by_email = {user["profile"]["email"].lower(): user["id"] for user in okta_users}
    inside, outside = set(), set()
    for name, score in scores.items():
        user_id = by_login.get(name) or (by_email.get(name) if emails[name] == 1 else None)
        if user_id is None or score is None:
            continue
        if score <= 500:
            inside.add(user_id)
        elif score > 600:
            outside.add(user_id)
    return Expectation(frozenset(inside), frozenset(outside - inside))


def differences(
    expectation: Expectation,
    member_ids: set[str],
    reports: Iterable[dict[str, Any]],
    log_counts: dict[str, int],
) -> list[str]:
    """
    Return what is not as it should be, each as one sentence; empty when the demo tells the truth.

    :param reports: the ``report`` of every run.
    :param log_counts: number of System Log events since the demo began, by event type.
    """
    problems = []
    missing = expectation.inside - member_ids
    if missing:
        problems.append(f"{len(missing)} users at risk are not in the group.")
    wrong = expectation.outside & member_ids
    if wrong:
        problems.append(f"{len(wrong)} recovered users are still in the group.")
    done: Counter[str] = Counter()
    for report in reports:
        for task_id in ACTIONS:
            counts = report[task_id]["counts"]
            done[task_id] += counts["done"]
            if counts["failed"]:
                problems.append(f"{task_id} reports {counts['failed']} failures.")
        problems += _unproven(report)
    said = {
        "group.user_membership.add": done["add_to_group"],
        "group.user_membership.remove": done["remove_from_group"],
        "security.events.provider.receive_event": done["push_risk"] + done["push_improved"],
    }
    problems += [
        f"The runs report {number} times {event_type}, Okta's System Log has {log_counts[event_type]}."
        for event_type, number in said.items()
        if number != log_counts[event_type]
    ]
    if not done["add_to_group"] or not done["push_risk"]:
        problems.append("Nobody was added or pushed at all, so the demo shows nothing.")
    return problems


def _unproven(report: dict[str, Any]) -> list[str]:
    """Return what is wrong with the proof that Okta took in the risk signals of one run."""
    proof = report[PROOF]["counts"]
    pushed = report["push_risk"]["counts"]["done"] + report["push_improved"]["counts"]["done"]
    if (proof["confirmed"], proof["missing"]) == (pushed, 0):
        return []
    return [f"{pushed} risk signals were pushed, {PROOF} found {proof['confirmed']}, {proof['missing']} not."]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table for a terminal; numbers are aligned to the right."""
    texts = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    right = [all(isinstance(row[column], int) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in texts
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join("  " + line for line in lines)


def day_by_day(runs: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """Return the table of all runs: what each did. ``runs`` are pairs of a label and a ``report``."""
    rows = []
    for label, report in runs:
        counts = {task_id: report[task_id]["counts"] for task_id in ACTIONS}
        skipped = sum(one["skipped"] for one in counts.values())
        failed = sum(one["failed"] for one in counts.values())
        done = {task_id: one["done"] for task_id, one in counts.items()}
        pushed = done["push_risk"] + done["push_improved"]
        proven = report[PROOF]["counts"]["confirmed"]
        rows.append((label, done["add_to_group"], done["remove_from_group"], pushed, proven, skipped, failed))
    return table(("scores of", "added", "removed", "pushed", "confirmed", "skipped", "failed"), rows)


def people(reports: dict[str, dict[str, Any]], most: int = 4) -> str:
    """Return examples of who was acted on or skipped in one run, and why, from the actions' full reports."""
    rows = []
    for task_id, report in reports.items():
        shown: Counter[str] = Counter()
        for one in [*report["examples"], *report["failures"]]:
            shown[one["status"]] += 1
            if shown[one["status"]] > most:
                continue
            what = ACTIONS[task_id] if one["status"] == "done" else one["status"]
            rows.append((one["user"], _score(one), what, _why(one)))
    return table(("user", "score", "what", "why"), rows)


def _score(one: dict[str, Any]) -> str:
    return "-" if one.get("score") is None else str(one["score"])


def _why(one: dict[str, Any]) -> str:
    if one.get("reason"):
        return REASONS.get(one["reason"], str(one["reason"]))
    if (
        "risk_level" in one
        and one.get("previous_risk_level")
        and one["risk_level"] != one["previous_risk_level"]
    ):
        return f"risk {one['previous_risk_level']} -> {one['risk_level']}"
    return f"risk {one['risk_level']}" if one.get("risk_level") else "score above 600"
