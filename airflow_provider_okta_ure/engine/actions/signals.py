# SPDX-License-Identifier: Apache-2.0
"""Makes and pushes the security event tokens of one task."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.clients.security_event import build_risk_change, derive_jti
from airflow_provider_okta_ure.core.decisions.addresses import subject_of
from airflow_provider_okta_ure.core.decisions.signals import level_of, to_level
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.errors import NotRestoredError, OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.clients.keys import SigningKey
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.core.texts import ReasonText
    from airflow_provider_okta_ure.engine.recorder import Attempt


class SignalSender:
    """
    Sends risk signals as one transmitter.

    :param issuer: who sends them; with ``audience``, the receiving org, and the key that signs.
    :param reason_admin: what Okta's administrators read.
    :param reason_user: what the user may read.
    :param run_as_of: the time of rows that have none (aware).
    """

    def __init__(
        self,
        client: OktaClient,
        key: SigningKey,
        *,
        issuer: str,
        audience: str,
        reason_admin: ReasonText,
        reason_user: ReasonText,
        run_as_of: datetime,
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self._client = client
        self._key = key
        self._reason_admin = reason_admin
        self._reason_user = reason_user
        self._run_as_of = run_as_of

    def push(self, decision: Decision, attempt: Attempt) -> Outcome:
        """Push the change that a row is about."""
        return self._push(decision, decision.row, self._time_of(decision.row), attempt)

    def restore(self, decision: Decision, attempt: Attempt, newest: Entry) -> None:
        """
        After an old change, push the newest decision's level, so that Okta does not end with the old.

        :raises NotRestoredError: the old change was delivered, and this one was not.
        """
        row, current = decision.row, to_level(newest.risk_level)
        if current == level_of(row):
            return
        restored = msgspec.structs.replace(
            row, score=newest.score, risk_level=current, previous_risk_level=row.risk_level
        )
        try:
            self._push(decision, restored, newest.as_of, attempt, after=self._time_of(row))
        except OktaUreError as error:
            raise NotRestoredError(
                f"The old level {row.risk_level} was delivered, and the newest, {current}, was not: "
                f"{error.explanation}",
                retryable=error.retryable,
            ) from error

    def _push(
        self,
        decision: Decision,
        row: Row,
        time: datetime,
        attempt: Attempt,
        *,
        after: datetime | None = None,
    ) -> Outcome:
        current, previous = level_of(row), row.previous_risk_level or "none"
        subject = subject_of(decision.user) if decision.user is not None else ""
        jti = derive_jti(
            issuer=self.issuer,
            audience=self.audience,
            user=subject,
            as_of=time,
            previous=previous,
            current=current,
            after=after,
            revision=attempt.revision,
        )
        token = build_risk_change(
            self._key,
            issuer=self.issuer,
            audience=self.audience,
            subject=subject,
            current_level=current,
            previous_level=previous,
            event_timestamp=int(time.timestamp()),
            # The time of the first try, so that another try sends the same bytes.
            issued_at=int(attempt.started_at.timestamp()),
            reason_admin=self._reason_admin.fill(row),
            reason_user=self._reason_user.fill(row) or None,
            jti=jti,
        )
        answer = self._client.publish_security_event(token)
        return Outcome(
            status="done",
            reason=decision.reason,
            http_status=answer.status,
            request_id=answer.request_id,
            jti=jti,
        )

    def _time_of(self, row: Row) -> datetime:
        return row.as_of or self._run_as_of
