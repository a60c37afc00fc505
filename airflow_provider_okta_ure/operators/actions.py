# SPDX-License-Identifier: Apache-2.0
"""What the operators that act on Okta users have in common: read rows, decide, act, log, report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow_provider_okta_ure.core.matching import Decision, outcome_of
from airflow_provider_okta_ure.core.reports import FailOn, build_report
from airflow_provider_okta_ure.core.rows import deduplicate, to_rows
from airflow_provider_okta_ure.errors import OutcomeError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.effects import CarriedOut, Effect
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import as_of_run, failing_for_good, to_flag

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Report, Row

# Said once per user in the task log, always all of them, so that a log search finds every action alike.
LOG_FIELDS = (
    "user",
    "status",
    "reason",
    "user_id",
    "login",
    "score",
    "score_level",
    "risk_level",
    "previous_risk_level",
    "http_status",
    "request_id",
    "jti",
)


def _planned(row: Row, user: OktaUser) -> Outcome:
    return outcome_of(row, "planned", user=user)


class Plan(NamedTuple):
    """
    Everything an action is going to do, known before the first write.

    :param decisions: one per row.
    :param effect: what to do for each decision that is not settled.
    :param target: what is acted on, for the report.
    :param preview: what a dry run does instead of ``effect``; it may read.
    """

    decisions: Sequence[Decision]
    effect: Effect
    target: dict[str, str]
    preview: Effect = _planned


class OktaActionOperator(ServiceOperator, ABC):
    """
    Act on the Okta users that rows are about, and report what became of each.

    :param rows: rows as :class:`NetskopeFetchScoresOperator`, :class:`RiskFilterOperator` or a task of yours
        return them: a list of dicts with at least ``user``; an empty list is success. (templated)
    :param dry_run: only say what would be done; reads from Okta, writes nothing. (templated)
    :param fail_on: how many failed users fail the task: ``1``, ``"10%"`` or ``"never"``. (templated)
    :param workers: how many users at the same time.
    :param okta_conn_id: the connection to the Okta org. (templated)
    :return: the report: counts per status, reasons, the first failures and examples.
    """

    action: ClassVar[Action]
    scopes: ClassVar[tuple[str, ...]]
    """What a service app has to be granted for this action."""
    # Shadows BaseOperator.dry_run(), which only renders templates and which nothing in Airflow calls.
    dry_run: bool | str  # type: ignore[assignment]
    template_fields: Sequence[str] = ("rows", "dry_run", "fail_on", "okta_conn_id")

    def __init__(
        self,
        *,
        rows: Any,
        dry_run: bool | str = False,
        fail_on: int | str = 1,
        workers: int = 4,
        okta_conn_id: str = OktaHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.dry_run = dry_run
        self.fail_on = fail_on
        self.workers = workers
        self.okta_conn_id = okta_conn_id

    @property
    def hook(self) -> OktaHook:
        """A hook for the connection, made when it is needed."""
        return OktaHook(self.okta_conn_id, scopes=self.scopes)

    @abstractmethod
    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        """
        Decide for all rows what to do, without writing to Okta.

        :param rows: at least one row, one per user.
        :param as_of: the moment the run speaks for.
        :param dry_run: nothing may be written, not even to prepare.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            as_of = as_of_run(context)
            fail_on = FailOn.parse(self.fail_on)
            dry_run = to_flag(self.dry_run, "dry_run")
            rows = deduplicate(to_rows(self.rows))
            if not rows:
                self.log.info("No rows, nothing to do.")
                return build_report(self.action, [], as_of=as_of, dry_run=dry_run).to_dict()
            report, carried_out = self._act(rows, as_of, dry_run=dry_run)
            problem = carried_out.error or self._verdict(report, fail_on, carried_out)
            if problem is not None:
                # A failed task returns nothing; the report says which users are done all the same.
                context["ti"].xcom_push(key="report", value=report.to_dict())
                raise problem
            return report.to_dict()

    def _act(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> tuple[Report, CarriedOut]:
        plan = self.plan(rows, as_of, dry_run=dry_run)
        self._announce(plan, dry_run=dry_run)
        carried_out = CarriedOut(
            plan.decisions, plan.preview if dry_run else plan.effect, workers=self.workers
        )
        self.log.info("::group::%s, user by user", self.action)
        outcomes = []
        for outcome in carried_out:
            outcomes.append(outcome)
            self._log(outcome)
        self.log.info("::endgroup::")
        report = build_report(self.action, outcomes, as_of=as_of, dry_run=dry_run, target=plan.target)
        self._summarise(report)
        return report, carried_out

    def _announce(self, plan: Plan, *, dry_run: bool) -> None:
        writes = sum(1 for decision in plan.decisions if decision.outcome is None)
        self.log.info(
            "%s: %d of %d users to act on%s.",
            self.action,
            writes,
            len(plan.decisions),
            "; dry run, so nothing is written" if dry_run else "",
        )

    def _log(self, outcome: Outcome) -> None:
        fields = {name: getattr(outcome, name) for name in LOG_FIELDS}
        # Whoever was right already was not acted on: a line for each would bury the others.
        say = self.log.debug if outcome.status == "unchanged" else self.log.info
        if outcome.status == "failed":
            say = self.log.warning
        say(self.action, **fields, message=outcome.message)

    def _summarise(self, report: Report) -> None:
        counts = ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)
        self.log.info("%s: %s (of %d users).", self.action, counts, report.total)
        for reason, number in report.reasons.items():
            self.log.info("  %s: %d", reason, number)

    def _verdict(self, report: Report, fail_on: FailOn, carried_out: CarriedOut) -> OutcomeError | None:
        failed = report.counts["failed"]
        if not fail_on.is_reached(failed=failed, total=report.total):
            return None
        reasons = Counter(carried_out.failures_by_reason)
        reasons.pop("not_attempted", None)
        common = reasons.most_common(1)[0][0] if reasons else "not_attempted"
        first = next((one for one in report.failures if one.reason == common), report.failures[0])
        return OutcomeError(
            f"{self.action}: {failed} of {report.total} users failed, mostly {common}: "
            f"{first.user}: {first.message}",
            failed=failed,
            retryable=carried_out.retryable,
            retry_after=carried_out.retry_after,
            topic=carried_out.topics.get(common, ""),
            remedy="The task log names each of them. Raise fail_on to accept some failures.",
        )
