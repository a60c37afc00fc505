# SPDX-License-Identifier: Apache-2.0
"""A user's risk in Okta set by an administrator's override, and the action that only records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.clients.okta_users import USERS_BUCKET
from airflow_provider_okta_ure.clients.scopes import USER_RISK_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.decisions import decide_upserts, leave_those_at_their_level
from airflow_provider_okta_ure.core.matching import Decision, outcome_of
from airflow_provider_okta_ure.core.models import UserRisk
from airflow_provider_okta_ure.core.namesakes import one_per_name
from airflow_provider_okta_ure.core.rows import deduplicate, long_rows, to_rows
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.engine.people import People
from airflow_provider_okta_ure.errors import InvalidRequestError, OktaUreError
from airflow_provider_okta_ure.hooks.finding import NoConnectionError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.reading_risk import read_risks
from airflow_provider_okta_ure.operators.run import as_of_run, failing_for_good, to_flag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Row
    from airflow_provider_okta_ure.operators.journal import Journal


class OktaUpsertUserRiskOperator(OktaActionOperator):
    """
    Set the risk of the users that rows are about: an administrator's override, not a signal.

    Needs Identity Threat Protection; an org without it is told so once. Everybody's risk is read before the
    first one is set, and a user who has the level already is left alone. ``none`` cannot be set.

    :param reason: why, for Okta's administrators; names of row fields in braces are filled in; empty = none
        is sent. Okta allows letters, digits, spaces, ``-``, ``,`` and ``.``; the rest becomes ``-``.
        (templated)
    """

    action: ClassVar[Action] = "upsert_risk"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, USER_RISK_MANAGE)
    template_fields: Sequence[str] = (*OktaActionOperator.template_fields, "reason")

    def __init__(
        self, *, reason: str = "Netskope user confidence {score} of 1000, {score_level}", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def turn(self) -> str:
        return "user risk"

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        reason = ReasonText(self.reason)
        client = self.hook.client
        rows, duplicates = one_per_name(rows)
        directory = People(client, journal.log, journal.org).directory([row.user for row in rows])
        decisions = self.without_less_safe_rows(decide_upserts(rows, directory), journal, tells_level=True)
        journal.load(decisions)
        candidates = [user for one in decisions if (user := one.to_act_on) is not None]
        readings = read_risks(client, candidates, workers=self.workers)
        levels = {user_id: one.level for user_id, one in readings.items() if isinstance(one, UserRisk)}
        levels_that_okta_refuses: dict[str, OktaUreError] = {}

        def preview(row: Row, user: OktaUser) -> Outcome:
            # Nobody's risk is set without knowing what it was.
            reading = readings[user.user_id]
            if isinstance(reading, OktaUreError):
                raise reading
            return outcome_of(row, "planned", user=user)

        def upsert(row: Row, user: OktaUser) -> Outcome:
            preview(row, user)
            level = row.risk_level or "none"
            if level in levels_that_okta_refuses:
                raise levels_that_okta_refuses[level]
            try:
                answer = client.put_user_risk(user.user_id, level, reason.fill(row))
            except InvalidRequestError as error:
                if error.topic == "okta-risk-level":
                    # It is the org that does not know the level yet, so the other users need not be tried.
                    levels_that_okta_refuses[level] = error
                raise
            return outcome_of(row, "done", user=user, http_status=answer.status, request_id=answer.request_id)

        base, base_name = journal.population(decisions)
        return Plan(
            [*duplicates, *leave_those_at_their_level(decisions, levels)],
            upsert,
            {},
            base=base,
            base_name=base_name,
            bucket=USERS_BUCKET,
            preview=preview,
        )


class OktaNoActionOperator(OktaActionOperator):
    """
    Do nothing to the users that rows are about, and report them, so that others can act on the match.

    Calls neither Okta nor Netskope; the action log has the record.

    :param return_rows: return all matches as rows, one per user, for the task that acts on them; the report,
        which holds ten examples, is then the XCom ``report``. (templated)
    """

    action: ClassVar[Action] = "no_action"
    scopes: ClassVar[tuple[str, ...]] = ()
    writes_to_okta: ClassVar[bool] = False
    template_fields: Sequence[str] = (*OktaActionOperator.template_fields, "return_rows")

    def __init__(self, *, return_rows: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.return_rows = return_rows

    def execute(self, context: Context) -> Any:
        with failing_for_good():
            return_rows = to_flag(self.return_rows, "return_rows")
        report = super().execute(context)
        if not return_rows:
            return report
        context["ti"].xcom_push(key="report", value=report)
        return long_rows(deduplicate(to_rows(self.rows)), as_of_run(context).time)

    def org_in(self, log: ActionLog) -> str:
        """Return what the org is called in the action log, without asking Okta."""
        return log.known_org(self.org) or self.org

    @property
    def org(self) -> str:
        """The org's URL; empty when there is no connection, because nothing is sent."""
        try:
            return super().org
        except (NoConnectionError, AirflowNotFoundException):
            return ""

    def turn(self) -> str:
        return "no action"

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        recorded = [Decision(row=row, outcome=outcome_of(row, "done", "recorded")) for row in rows]
        return Plan(recorded, _never, {})


def _never(row: Row, user: OktaUser) -> Outcome:
    raise AssertionError("nothing is to be done")
