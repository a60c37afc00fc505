# SPDX-License-Identifier: Apache-2.0
"""What a task says at its end: the report, and whether so many failures are acceptable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.models import STATUSES, Action, Report, ReportedUser
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.plans import ChangePlan

FAILURES_SHOWN = 20
EXAMPLES_SHOWN = 10

_SHOWN = {
    "done": EXAMPLES_SHOWN,
    "planned": EXAMPLES_SHOWN,
    "skipped": EXAMPLES_SHOWN,
    "failed": FAILURES_SHOWN,
}


def build_report(
    action: Action,
    decisions: Sequence[Decision],
    *,
    as_of: datetime,
    dry_run: bool,
    as_of_reason: str = "",
    target: Mapping[str, str] | None = None,
    plan: ChangePlan | None = None,
    warnings: Sequence[str] = (),
) -> Report:
    """
    Return the report of one action; but for a plan, its size does not depend on the number of users.

    :param decisions: all of them, with their outcomes.
    :param as_of_reason: why the run is for that time.
    :param plan: what would be changed, when nothing is.
    :param warnings: what did not stop the task but needs a look.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    shown: dict[str, list[ReportedUser]] = {status: [] for status in STATUSES}
    for one in decisions:
        outcome = one.outcome
        if outcome is None:
            continue
        counts[outcome.status] += 1
        if outcome.reason:
            reasons[f"{outcome.status}:{outcome.reason}"] += 1
        if len(shown[outcome.status]) < _SHOWN.get(outcome.status, 0):
            shown[outcome.status].append(reported(one))
    return Report(
        action=action,
        as_of=as_of,
        dry_run=dry_run,
        total=len(decisions),
        counts={status: counts[status] for status in STATUSES},
        reasons=dict(sorted(reasons.items())),
        as_of_reason=as_of_reason,
        target=dict(target or {}),
        failures=shown["failed"],
        examples=[*shown["done"], *shown["planned"], *shown["skipped"]],
        plan=plan.to_dict() if plan is not None else None,
        warnings=list(warnings),
    )


def reported(decision: Decision) -> ReportedUser:
    """
    Return what a report and the task log say of one user.

    :param decision: one that has ended.
    """
    row, user, outcome = decision.row, decision.user, decision.outcome
    if outcome is None:
        raise AssertionError("only how a decision ended is reported")
    return ReportedUser(
        user=row.user,
        status=outcome.status,
        reason=outcome.reason,
        message=outcome.message,
        retryable=outcome.retryable,
        user_id=user.user_id if user is not None else "",
        login=user.login if user is not None else "",
        score=row.score,
        score_level=row.score_level,
        risk_level=row.risk_level,
        previous_risk_level=row.previous_risk_level,
        http_status=outcome.http_status,
        request_id=outcome.request_id,
        jti=outcome.jti,
    )


class FailOn(msgspec.Struct, frozen=True):
    """
    How many failed users fail the task.

    :param count: this many or more; None = not by number.
    :param percent: this share of all users (0..100) or more; None = not by share.
    """

    count: int | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, value: object, argument: str = "fail_on") -> FailOn:
        """
        Return what ``3`` (three or more), ``"10%"`` (a tenth or more) or ``"never"`` means.

        >>> FailOn.parse("10%").is_reached(failed=1, total=10)
        True
        >>> FailOn.parse(2).is_reached(failed=1, total=10)
        False
        >>> FailOn.parse("never").is_reached(failed=10, total=10)
        False

        :param argument: what the value is called, for the error.
        :raises ConfigurationError: the value is none of these.
        """
        text = as_text(value).strip().lower()
        if text == "never":
            return cls()
        try:
            if text.endswith("%"):
                percent = float(text[:-1])
                if 0 < percent <= 100:
                    return cls(percent=percent)
            elif not isinstance(value, bool) and int(text) >= 1:
                return cls(count=int(text))
        except ValueError:
            pass
        raise ConfigurationError(
            f"{argument} is {shown(value)}.",
            remedy='Use a number from 1 ("3" = three or more failures), a percentage ("10%") or "never".',
        )

    def is_reached(self, *, failed: int, total: int) -> bool:
        """Whether so many failures of so many users fail the task; none never do."""
        if failed == 0:
            return False
        if self.count is not None:
            return failed >= self.count
        return self.percent is not None and failed * 100 >= self.percent * total
