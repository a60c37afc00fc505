# SPDX-License-Identifier: Apache-2.0
"""What Okta is told about a user's risk: a signal for its risk engine, or the user's risk itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.jwks import check_published_key
from airflow_provider_okta_ure.clients.scopes import PROVIDERS_MANAGE, USER_RISK_MANAGE, USERS_READ
from airflow_provider_okta_ure.clients.security_event import build_risk_change, derive_jti
from airflow_provider_okta_ure.core.decisions import (
    decide_before_lookup,
    decide_upserts,
    leave_those_at_their_level,
)
from airflow_provider_okta_ure.core.matching import Decision, Directory, outcome_of, resolve
from airflow_provider_okta_ure.core.models import UserRisk
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.errors import InvalidRequestError, OktaUreError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.reading_risk import read_risks
from airflow_provider_okta_ure.operators.run import to_flag

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Row
    from airflow_provider_okta_ure.hooks.okta import Transmitter


class OktaPushRiskOperator(OktaActionOperator):
    """
    Push a risk signal for the users that rows are about: one signed security event token per change of level.

    Okta's risk engine evaluates the signal; it is not a command. A user that Okta does not know is
    skipped, because Okta would accept the signal and ignore it. The token's ``jti`` is derived from the
    change itself, so that pushing the same change again has no second effect.

    Before the first signal, also in a dry run, the published JWKS is read once: it has to hold the very key
    that signs, because Okta refuses everything else.

    :param only_changes: leave users alone whose level is the one that held before. (templated)
    :param ensure_provider: make sure that the security events provider of the connection exists at Okta,
        is up to date and active. (templated)
    :param check_jwks: look at the published JWKS first; False when Okta reaches it and Airflow cannot.
        (templated)
    :param reason_admin: what Okta's administrators read; names of row fields in braces are filled in.
        (templated)
    :param reason_user: what the user may read; empty = nothing is sent. (templated)
    """

    action: ClassVar[Action] = "push_risk"
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ,)
    scopes_to_ensure_provider: ClassVar[tuple[str, ...]] = (USERS_READ, PROVIDERS_MANAGE)
    template_fields: Sequence[str] = (
        *OktaActionOperator.template_fields,
        "only_changes",
        "ensure_provider",
        "check_jwks",
        "reason_admin",
        "reason_user",
    )

    def __init__(
        self,
        *,
        only_changes: bool | str = True,
        ensure_provider: bool | str = False,
        check_jwks: bool | str = True,
        reason_admin: str = "Netskope confidence {score} of 1000 ({score_level}), before {previous_score}",
        reason_user: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.only_changes = only_changes
        self.ensure_provider = ensure_provider
        self.check_jwks = check_jwks
        self.reason_admin = reason_admin
        self.reason_user = reason_user

    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        reason_admin = ReasonText(self.reason_admin, argument="reason_admin")
        reason_user = ReasonText(self.reason_user, argument="reason_user")
        only_changes = to_flag(self.only_changes, "only_changes")
        ensure_provider = to_flag(self.ensure_provider, "ensure_provider") and not dry_run
        check_jwks = to_flag(self.check_jwks, "check_jwks")
        hook = OktaHook(
            self.okta_conn_id, scopes=self.scopes_to_ensure_provider if ensure_provider else self.scopes
        )
        client, transmitter = hook.client, hook.transmitter

        wanted, settled = decide_before_lookup(rows, only_changes=only_changes)
        decisions: list[Decision] = [*settled, *resolve(wanted, Directory(client.find_users(_names(wanted))))]
        if check_jwks and any(decision.outcome is None for decision in decisions):
            self._check_jwks(hook, transmitter)
        if ensure_provider:
            provider = hook.registration.ensure(client)
            self.log.info("Security events provider %r (%s) is active.", provider.name, provider.provider_id)

        def push(row: Row, user: OktaUser) -> Outcome:
            moment = row.as_of or as_of
            current, previous = row.risk_level or "none", row.previous_risk_level or "none"
            subject = user.login if "@" in user.login else user.email
            jti = derive_jti(
                issuer=transmitter.issuer,
                audience=transmitter.audience,
                user=subject,
                as_of=moment,
                previous=previous,
                current=current,
            )
            token = build_risk_change(
                transmitter.key,
                issuer=transmitter.issuer,
                audience=transmitter.audience,
                subject=subject,
                current_level=current,
                previous_level=previous,
                event_timestamp=int(moment.timestamp()),
                issued_at=int(datetime.now(tz=timezone.utc).timestamp()),
                reason_admin=reason_admin.fill(row),
                reason_user=reason_user.fill(row) or None,
                jti=jti,
            )
            answer = client.publish_security_event(token)
            return outcome_of(
                row, "done", user=user, http_status=answer.status, request_id=answer.request_id, jti=jti
            )

        return Plan(decisions, push, {"issuer": transmitter.issuer, "audience": transmitter.audience})

    def _check_jwks(self, hook: OktaHook, transmitter: Transmitter) -> None:
        published = check_published_key(
            hook.documents,
            transmitter.key,
            issuer=transmitter.issuer,
            jwks_url=hook.settings.jwks_url,
            well_known_url=hook.settings.well_known_url,
        )
        self.log.info(
            "The key that signs, kid %s, is published at %s.", transmitter.key.key_id, published.url
        )


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

    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        reason = ReasonText(self.reason)
        client = self.hook.client
        decisions = decide_upserts(rows, client.find_users(_names(rows)))
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

        return Plan(leave_those_at_their_level(decisions, levels), upsert, {}, preview)


class OktaNoActionOperator(OktaActionOperator):
    """
    Do nothing to the users that rows are about, and report them, so that others can act on the match.

    Calls neither Okta nor Netskope.
    """

    action: ClassVar[Action] = "no_action"
    scopes: ClassVar[tuple[str, ...]] = ()

    def plan(self, rows: Sequence[Row], as_of: datetime, *, dry_run: bool) -> Plan:
        recorded = [Decision(row=row, outcome=outcome_of(row, "done", "recorded")) for row in rows]
        return Plan(recorded, _never, {})


def _names(rows: Sequence[Row]) -> list[str]:
    return [row.user for row in rows]


def _never(row: Row, user: OktaUser) -> Outcome:
    raise AssertionError("nothing is to be done")
