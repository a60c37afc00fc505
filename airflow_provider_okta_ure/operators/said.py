# SPDX-License-Identifier: Apache-2.0
"""What the task log says of each user, and what a task with failures says at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.core.reports import reported
from airflow_provider_okta_ure.errors import OutcomeError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Report
    from airflow_provider_okta_ure.core.reports import FailOn
    from airflow_provider_okta_ure.engine.executor import Execution
    from airflow_provider_okta_ure.operators.identities import Names

# Said once per user in the task log, always all of them, so that a log search finds every action alike.
LOG_FIELDS = (
    "user",
    "status",
    "reason",
    "message",
    "score",
    "score_level",
    "risk_level",
    "previous_risk_level",
    "login",
    "user_id",
    "http_status",
    "request_id",
    "jti",
)


def log_user(log: Any, action: str, decision: Decision, names: Names) -> None:
    """Write how a decision ended into the task log."""
    one = reported(decision)
    told = msgspec.structs.replace(
        one,
        user=names.shown(one.user),
        login=names.shown(one.login),
        message=names.hidden(one.message, one.user, one.login),
    )
    # Without what is empty, and the important first, so that it is on the screen.
    fields = {name: value for name in LOG_FIELDS if (value := getattr(told, name)) not in ("", None)}
    # Whoever was right already was not acted on: a line for each would bury the others.
    say = log.debug if told.status == "unchanged" else log.info
    if told.status == "failed":
        say = log.warning
    say(action, **fields)


def log_counts(log: Any, action: str, report: Report) -> None:
    """Write the numbers of a report into the task log."""
    counts = ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    log.info("%s: %s (of %d users).", action, counts, report.total)
    for reason, number in report.reasons.items():
        log.info("  %s: %d", reason, number)


def verdict(report: Report, fail_on: FailOn, execution: Execution, names: Names) -> OutcomeError | None:
    """Return the error that fails a task with so many failures; None = they are accepted."""
    failed = report.counts["failed"]
    if not fail_on.is_reached(failed=failed, total=report.total):
        return None
    reasons = Counter(
        {
            reason.partition(":")[2]: number
            for reason, number in report.reasons.items()
            if reason.startswith("failed:")
        }
    )
    reasons.pop("not_attempted", None)
    common = reasons.most_common(1)[0][0] if reasons else "not_attempted"
    first = next((one for one in report.failures if one.reason == common), report.failures[0])
    return OutcomeError(
        f"{report.action}: {failed} of {report.total} users failed, mostly {common}: "
        f"{names.shown(first.user)}: {names.hidden(first.message, first.user, first.login)}",
        failed=failed,
        retryable=execution.retryable,
        retry_after=execution.retry_after,
        topic=execution.topics.get(common, ""),
        remedy="The task log names each of them. Raise fail_on to accept some failures.",
    )
