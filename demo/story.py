# SPDX-License-Identifier: Apache-2.0
"""What happened in Okta, in plain words, and whether it is what should have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACTIONS = {
    "add_to_group": "added to the group",
    "remove_from_group": "removed from the group",
    "push_risk": "risk pushed (at risk)",
    "push_improved": "risk pushed (improved)",
}

AT_RISK_RULE = "score <= 500"
RECOVERED_RULE = "score > 600"

RULES = {"add_to_group": AT_RISK_RULE, "remove_from_group": RECOVERED_RULE}
"""The rule that a run was started with, by the task that acts on its matches."""

PROOF = "confirm_ingested"
"""The task that finds every risk signal in Okta's System Log."""

REASONS = {
    "already_member": "is in the group already",
    "not_a_member": "is not in the group",
    "same_level": "this level was delivered before",
    "never_told": "no level was ever delivered",
    "no_unique_address": "no address that is theirs alone",
    "user_not_in_okta": "Okta has no such user",
    "user_deprovisioned": "the Okta user is deprovisioned",
    "ambiguous_user": "several Okta users share the e-mail address",
    "duplicate_user": "another row is about the same Okta user",
    "held_by_others": "another DAG wants this member in the group",
    "less_safe_row": "another row about the same person is less safe",
    "superseded": "a later run has decided already",
    "no_score": "Netskope has no score",
}


COLUMNS = (
    ("date", "the UTC day whose scores a run uses"),
    ("added", f"users added to the group: {AT_RISK_RULE} (higher scores are safer)"),
    ("removed", f"users removed from the group: {RECOVERED_RULE}"),
    ("pushed", "risk signals sent to Okta: the first one of a user, then one per change of their level"),
    ("confirmed", "risk signals found in Okta's System Log"),
    ("skipped", "users left alone for a reason, such as no Okta user of that name"),
    ("failed", "users whom Okta refused to change"),
)
"""The columns of the table of all runs, with what they mean."""


@dataclass(frozen=True)
class Expectation:
    """
    Who has to be in the group and which risk levels Okta has to have, worked out from the services alone.

    :param levels: by id of the Okta user; a higher level is riskier.
    """

    inside: frozenset[str]
    outside: frozenset[str]
    levels: Mapping[str, str]


def expected_in_okta(scores: Mapping[str, int | None], okta_users: Sequence[dict[str, Any]]) -> Expectation:
    """
    Return what the newest scores mean for the users of Okta.

    At most 500 is in, above 600 is out, between them it depends on the days before. Of two scores of one
    Okta user the lower, which is the less safe one, counts. Written apart from the provider's own code, so
    that the demo checks it instead of agreeing with it.

    :param scores: the newest score per Netskope user in lower case.
    """
    by_login = {user["profile"]["login"].lower(): user["id"] for user in okta_users}
    emails = Counter(user["profile"]["email"].lower() for user in okta_users)
    by_email = {user["profile"]["email"].lower(): user["id"] for user in okta_users}
    lowest: dict[str, int] = {}
    for name, score in scores.items():
        user_id = by_login.get(name) or (by_email.get(name) if emails[name] == 1 else None)
        if user_id is not None and score is not None:
            lowest[user_id] = min(score, lowest.get(user_id, score))
    return Expectation(
        inside=frozenset(user_id for user_id, score in lowest.items() if score <= 500),
        outside=frozenset(user_id for user_id, score in lowest.items() if score > 600),
        levels={user_id: _level_of(score) for user_id, score in lowest.items()},
    )


def _level_of(score: int) -> str:
    """Return Okta's risk level (higher is riskier) of a score (higher is safer)."""
    return "HIGH" if score <= 500 else "MEDIUM" if score <= 750 else "LOW"


def wrong_levels(expectation: Expectation, members: Mapping[str, str], risks: Mapping[str, str]) -> list[str]:
    """
    Return one sentence per member whose level Okta does not have; empty when it has all of them.

    :param members: the login of each member by Okta id.
    :param risks: the risk level that Okta has of each member, ``NONE`` when none was delivered.
    """
    problems = []
    for user_id, login in sorted(members.items(), key=lambda member: member[1]):
        # Of a member without a score today it is only known that they were at risk once.
        right = expectation.levels.get(user_id)
        if risks[user_id] == "NONE" or (right is not None and risks[user_id] != right):
            problems.append(f"{login} is in the group with {right or 'no'} risk, Okta has {risks[user_id]}.")
    return problems


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
    return table([name for name, _ in COLUMNS], rows)


def meaning_of_columns() -> str:
    """Return a line per column of the table of all runs."""
    width = max(len(name) for name, _ in COLUMNS)
    return "\n".join(f"  {name.ljust(width)}  {meaning}" for name, meaning in COLUMNS)


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
            rows.append((one["user"], _score(one), what, _why(task_id, one)))
    return table(("user", "score", "what", "why"), rows)


def _score(one: dict[str, Any]) -> str:
    return "-" if one.get("score") is None else str(one["score"])


def _why(task_id: str, one: dict[str, Any]) -> str:
    if one.get("reason"):
        return REASONS.get(one["reason"], str(one["reason"]))
    if task_id in RULES:
        return RULES[task_id]
    return f"risk {one['previous_risk_level']} -> {one['risk_level']}"
