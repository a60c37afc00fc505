# SPDX-License-Identifier: Apache-2.0
"""Risk signals for Okta's risk engine: each change of a user's level once, and never an old one last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.jwks import check_published_key
from airflow_provider_okta_ure.clients.scopes import PROVIDERS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.decisions.signals import (
    MOST_UNCONFIRMED,
    PushMode,
    to_history,
    to_most_unconfirmed,
)
from airflow_provider_okta_ure.core.reports import build_report
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.engine.actions.pushing import Pushing
from airflow_provider_okta_ure.engine.actions.signals import SignalSender
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.signals import SignalsMode, signals_wanted, to_signals_mode
from airflow_provider_okta_ure.operators.actions import OktaActionOperator
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.links import ActionLogLink, OktaRiskEventsLink
from airflow_provider_okta_ure.operators.run import failing_for_good, to_flag

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_okta_ure.core.models import Action
    from airflow_provider_okta_ure.engine.actions.work import Work
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.hooks.okta import OktaHook


class OktaPushRiskOperator(OktaActionOperator):
    """
    Push a risk signal for the users that rows are about: one signed security event token per change of level.

    Okta's risk engine evaluates the signal; it is not a command. A user that Okta does not know is
    skipped, because Okta would accept the signal and ignore it; so is one whose only address is somebody
    else's, too (``no_unique_address``). The token's ``jti`` is derived from the change itself, so that
    pushing the same change again has no second effect.

    Before the first signal, also in a dry run, the published JWKS is read once: it has to hold the very key
    that signs, because Okta refuses everything else.

    The level from before is the one that was last delivered to this org for this issuer and this Okta user;
    none if nothing was, whatever Netskope said the day before. A level is not pushed for a time older than
    one that was decided for the same user already.

    :param signals: ``on`` = send signals; ``off`` = send none and succeed, for a DAG that only keeps a group;
        ``auto`` = send them when the connection has a signing key and the org has Identity Threat Protection,
        and otherwise warn that none are sent. (templated)
    :param only_changes: skip users whose level is the one that was delivered last. (templated)
    :param only_known: skip users of whom no level was ever delivered. (templated)
    :param history: what is done when a later moment was decided already: ``protect`` = nothing;
        ``replay`` = push the old change with its own time, then the newest level again; ``record`` = push
        nothing at all, also when nothing is later, and only write the action log. (templated)
    :param ensure_provider: make sure that the security events provider of the connection exists at Okta,
        is up to date and active. (templated)
    :param check_jwks: look at the published JWKS first; False when Okta reaches it and Airflow cannot.
        (templated)
    :param most_unconfirmed: so many times a level is sent of which Okta's System Log then has no event; after
        that the user fails as ``never_confirmed``. (templated)
    :param reason_admin: what Okta's administrators read; names of row fields in braces are filled in.
        (templated)
    :param reason_user: what the user may read; empty = nothing is sent. (templated)
    """

    action: ClassVar[Action] = "push_risk"
    operator_extra_links: Sequence[BaseOperatorLink] = (OktaRiskEventsLink(), ActionLogLink())
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ,)
    template_fields: Sequence[str] = (
        *OktaActionOperator.template_fields,
        "signals",
        "only_changes",
        "only_known",
        "history",
        "ensure_provider",
        "check_jwks",
        "most_unconfirmed",
        "reason_admin",
        "reason_user",
    )

    def __init__(
        self,
        *,
        signals: bool | str = "on",
        only_changes: bool | str = True,
        only_known: bool | str = False,
        history: str = "protect",
        ensure_provider: bool | str = False,
        check_jwks: bool | str = True,
        most_unconfirmed: int | str = MOST_UNCONFIRMED,
        reason_admin: str = "Netskope confidence {score} of 1000 ({score_level}), before {previous_score}",
        reason_user: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.signals = signals
        self.only_changes = only_changes
        self.only_known = only_known
        self.history = history
        self.ensure_provider = ensure_provider
        self.check_jwks = check_jwks
        self.most_unconfirmed = most_unconfirmed
        self.reason_admin = reason_admin
        self.reason_user = reason_user

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            mode = to_signals_mode(self.signals)
            sends, why = (True, "") if mode == "on" else signals_wanted(self.hook, mode)
        return super().execute(context) if sends else self._send_none(context, mode, why)

    def _send_none(self, context: Context, mode: SignalsMode, why: str) -> dict[str, Any]:
        """Return a report about nobody that says why no signals are sent."""
        with failing_for_good():
            run = RunIdentity.of(context)
            run.announce(self.log)
            told = f"No risk signals are sent, because {why}."
            dry_run = to_flag(self.dry_run, "dry_run")
            consent = Consent.of(self.approved_plan, self.approval, self.planned_by)
            if not self.may_do_nothing(run, consent, dry_run=dry_run):
                raise ConfigurationError(
                    f"{told} But a plan with risk signals was approved.",
                    remedy="Plan again with the same value of signals.",
                )
            self.log.info("%s", told)
            self.is_paused()  # whether it is or not, nothing is sent; that it is has to be seen
            return build_report(
                self.action,
                [],
                as_of=run.as_of,
                as_of_reason=run.as_of_reason,
                dry_run=dry_run,
                # Somebody chose off; auto decided by itself, which has to be seen.
                warnings=[*self._warnings, *([told] if mode == "auto" else [])],
            ).to_dict()

    @property
    def scopes_to_ask_for(self) -> tuple[str, ...]:
        ensures = to_flag(self.ensure_provider, "ensure_provider") and not to_flag(self.dry_run, "dry_run")
        return (*super().scopes_to_ask_for, *((PROVIDERS_MANAGE,) if ensures else ()))

    def work(self, session: Session) -> Work:
        ensures = to_flag(self.ensure_provider, "ensure_provider")
        mode = PushMode(
            history=to_history(self.history),
            only_changes=to_flag(self.only_changes, "only_changes"),
            only_known=to_flag(self.only_known, "only_known"),
            most_unconfirmed=to_most_unconfirmed(self.most_unconfirmed),
        )
        return Pushing(
            session,
            sender_of(
                self.hook,
                reason_admin=self.reason_admin,
                reason_user=self.reason_user,
                run_as_of=session.run.as_of,
            ),
            mode,
            check_key=key_check_of(self.hook, session.info)
            if to_flag(self.check_jwks, "check_jwks")
            else _check_nothing,
            register=self._register if ensures else None,
        )

    def _register(self) -> None:
        provider = self.hook.registration.ensure(self.hook.client)
        self.log.info("Security events provider %r (%s) is active.", provider.name, provider.provider_id)


def sender_of(hook: OktaHook, *, reason_admin: str, reason_user: str, run_as_of: datetime) -> SignalSender:
    """
    Return what sends signals as the transmitter of a connection.

    :raises ConfigurationError: a reason text cannot be used, or the connection has no signing key.
    """
    # Before the first call, because a wrong reason text is refused here.
    admin, user = (
        ReasonText(reason_admin, argument="reason_admin"),
        ReasonText(reason_user, argument="reason_user"),
    )
    transmitter = hook.transmitter
    return SignalSender(
        hook.client,
        transmitter.key,
        issuer=transmitter.issuer,
        audience=transmitter.audience,
        reason_admin=admin,
        reason_user=user,
        run_as_of=run_as_of,
    )


def key_check_of(hook: OktaHook, info: Callable[..., object]) -> Callable[[], None]:
    """Return what checks that the key that signs is published where Okta looks for it."""

    def check() -> None:
        transmitter, settings = hook.transmitter, hook.settings
        published = check_published_key(
            hook.documents,
            transmitter.key,
            issuer=transmitter.issuer,
            jwks_url=settings.jwks_url,
            well_known_url=settings.well_known_url,
        )
        info("The key that signs, kid %s, is published at %s.", transmitter.key.key_id, published.url)

    return check


def _check_nothing() -> None:
    """Take the key for published."""
