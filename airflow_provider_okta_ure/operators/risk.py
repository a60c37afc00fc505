# SPDX-License-Identifier: Apache-2.0
"""A user's risk in Okta set by an administrator's override, and the action that only records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.clients.scopes import USER_RISK_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.rows import deduplicate, long_rows, to_rows
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.engine.actions.recording import Recording
from airflow_provider_okta_ure.engine.actions.upserting import Upserting
from airflow_provider_okta_ure.hooks.finding import NoConnectionError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator
from airflow_provider_okta_ure.operators.run import as_of_run, to_flag, to_workers

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import Action
    from airflow_provider_okta_ure.engine.actions.work import Work
    from airflow_provider_okta_ure.engine.session import Session


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

    def work(self, session: Session) -> Work:
        return Upserting(session, ReasonText(self.reason), workers=to_workers(self.workers))


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

    def _run(self, context: Context, *, waits_since: str = "", is_partly_done: bool = False) -> Any:
        return_rows = to_flag(self.return_rows, "return_rows")
        report = super()._run(context, waits_since=waits_since, is_partly_done=is_partly_done)
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

    def work(self, session: Session) -> Work:
        return Recording(session)
