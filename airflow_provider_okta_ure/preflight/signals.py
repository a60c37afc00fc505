# SPDX-License-Identifier: Apache-2.0
"""What risk needs: our registration at Okta, the key that signs, and Okta's feature behind it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.jwks import check_published_key
from airflow_provider_okta_ure.clients.okta_features import is_denial, lacks_feature
from airflow_provider_okta_ure.clients.okta_signals import refuse_others
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.clients.scopes import PROVIDERS_READ, USER_RISK_READ
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.preflight.attempt import Attempt, attempt
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.report import Verdict, ok, problem, refused, skipped, warning

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import SecurityEventsProvider
    from airflow_provider_okta_ure.hooks.okta import OktaHook, Registration
    from airflow_provider_okta_ure.preflight.okta import OktaChecks
    from airflow_provider_okta_ure.preflight.wanted import ActionKind, Wanted

NO_SIGNALS = "No risk signals are going to be sent."

_WITHOUT = "Have it enabled, or use groups instead."
_HOW_TO_REGISTER = (
    "Run OktaSecurityEventsProviderOperator once, or set ensure_provider=True on OktaPushRiskOperator."
)


class SignalChecks:
    """
    Checks of everything that risk needs.

    :param okta: the checks of the org, whose reads are shared.
    :param hook: reads the connection.
    :param wanted: what is going to be done.
    :param actions: the kinds of actions that are meant.
    :param why_none: why no risk signals are going to be sent, as the end of a sentence; empty = nobody asked.
    """

    def __init__(
        self,
        okta: OktaChecks,
        hook: OktaHook,
        wanted: Wanted,
        actions: tuple[ActionKind, ...],
        why_none: str = "",
    ) -> None:
        self._okta = okta
        self._hook = hook
        self._wanted = wanted
        self._actions = actions
        self._no_signals = f"{NO_SIGNALS.removesuffix('.')}: {why_none}." if why_none else NO_SIGNALS

    def checks(self) -> list[Check]:
        """Return the checks; those of the key need nothing of Okta but a readable connection."""
        signed_in = ("okta.credentials",)
        no_signals = "" if "push" in self._actions else self._no_signals
        return [
            Check("okta.identity_threat_protection", self.threat_protection, ("okta.users",)),
            Check("okta.security_events_providers", self.providers, signed_in, no_signals),
            Check("okta.registration", self.registration, ("okta.security_events_providers",), no_signals),
            Check("signing.key", self.key, ("okta.host",), no_signals),
            Check("signing.jwks", self.jwks, ("signing.key",), no_signals or self._no_look),
        ]

    def providers(self) -> Verdict:
        """Whether security events providers can be read; sending a signal does not need it."""
        return self._okta.judged(
            self._providers.error,
            "read security events providers",
            PROVIDERS_READ,
            "Security events providers can be read.",
            status="problem" if self._wanted.ensure_provider else "warning",
        )

    def registration(self) -> Verdict:
        """Whether Okta knows us: one active security events provider that agrees with the connection."""
        if self._providers.error is not None:
            return skipped("Cannot be told, because security events providers may not be read.")
        ours, registration = self._ours, self._hook.registration
        if len(ours) > 1:
            listed = ", ".join(f"{one.name!r} ({one.provider_id})" for one in ours)
            return problem(
                f"Our name and our issuer belong to different security events providers: {listed}.",
                "Use the name of the one with the issuer, or delete one of them in Okta.",
            )
        if not ours:
            return self._to_be_mended(
                f"Okta has no security events provider named {registration.name!r} "
                f"or with the issuer {registration.issuer!r}",
                "it will be created",
            )
        if not registration.take_over:
            refuse_others(
                ours[0],
                issuer=registration.issuer or "",
                well_known_url=registration.well_known_url or "",
            )
        return self._as_it_should_be(ours[0])

    def threat_protection(self) -> Verdict:
        """Whether the org has Identity Threat Protection, which risk levels belong to."""
        user = self._okta.first_user.value
        if user is None:
            return skipped("Okta shows no user whose risk could be read.")
        error = attempt(lambda: self._hook.probe_for(USER_RISK_READ).read_risk(user.user_id)).error
        if error is None:
            return ok("The org has Identity Threat Protection, and users' risk can be read.")
        if lacks_feature(error):
            return self._without_threat_protection()
        if "upsert" in self._actions:
            return self._okta.judged(error, "read users' risk", USER_RISK_READ, "")
        if is_denial(error):
            return skipped("Cannot be told, because users' risk may not be read; nothing needs to read it.")
        return refused(error, status="warning")

    def key(self) -> Verdict:
        """Whether there is a key that can sign risk signals."""
        transmitter = self._hook.transmitter
        return ok(f"The signing key can be used; its key id is {transmitter.key.key_id}.")

    def jwks(self) -> Verdict:
        """Whether the published key set can be read, and holds the very key that signs."""
        transmitter, settings = self._hook.transmitter, self._hook.settings
        published = check_published_key(
            # Once: whoever runs the preflight can run it again.
            replace(self._hook.documents, retry=RetryPolicy(attempts=1)),
            transmitter.key,
            issuer=transmitter.issuer,
            jwks_url=settings.jwks_url,
            well_known_url=settings.well_known_url,
        )
        return ok(f"{published.url} can be read, and holds the key that signs.")

    @property
    def _no_look(self) -> str:
        return "" if self._wanted.check_jwks else "The published JWKS is not going to be looked at."

    @cached_property
    def _providers(self) -> Attempt[list[SecurityEventsProvider]]:
        return attempt(lambda: self._hook.probe_for(PROVIDERS_READ).read_security_events_providers())

    @property
    def _ours(self) -> list[SecurityEventsProvider]:
        registration = self._hook.registration
        if not registration.issuer and not registration.well_known_url:
            raise ConfigurationError(
                "The connection does not say who we are as a transmitter.",
                remedy="Set `issuer` and `jwks_url`, or `well_known_url`, in the Okta connection.",
            )
        return [one for one in self._providers.value if _is_ours(one, registration)]

    def _as_it_should_be(self, provider: SecurityEventsProvider) -> Verdict:
        named = f"The security events provider {provider.name!r} ({provider.provider_id})"
        registration = self._hook.registration
        for field in ("issuer", "jwks_url", "well_known_url"):
            there, here = getattr(provider, field), getattr(registration, field)
            # With a well-known URL, Okta fills in the JWKS URL itself.
            if here and there != here and not (field == "jwks_url" and registration.well_known_url):
                return self._to_be_mended(
                    f"{named} has the {field} {there!r}, the connection has {here!r}",
                    "it will be updated",
                )
        if not provider.is_active:
            return self._to_be_mended(
                f"{named} is {provider.status}, so Okta accepts no signals of ours", "it will be activated"
            )
        return ok(f"{named} is active, and agrees with the connection.")

    def _to_be_mended(self, what: str, how: str) -> Verdict:
        if self._wanted.ensure_provider:
            return ok(f"{what}; {how}.")
        return problem(f"{what}.", _HOW_TO_REGISTER)

    def _without_threat_protection(self) -> Verdict:
        said = "The org does not have Identity Threat Protection"
        if "upsert" in self._actions:
            return problem(f"{said}, so users' risk cannot be set.", _WITHOUT)
        if "push" in self._actions and lacks_feature(self._providers.error):
            return problem(f"{said}, so it takes no risk signals.", _WITHOUT)
        if "push" in self._actions:
            return warning(
                f"{said}, so Okta may ignore risk signals although it accepts them.",
                "Have it enabled, or look in the System Log for what became of the signals.",
            )
        return ok(f"{said}, which changing groups does not need. {self._no_signals}")


def _is_ours(provider: SecurityEventsProvider, registration: Registration) -> bool:
    return (
        provider.name == registration.name
        or bool(registration.issuer and provider.issuer == registration.issuer)
        or bool(registration.well_known_url and provider.well_known_url == registration.well_known_url)
    )
