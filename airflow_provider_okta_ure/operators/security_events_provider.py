# SPDX-License-Identifier: Apache-2.0
"""Our registration at Okta as a transmitter of risk signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from airflow_provider_okta_ure.clients.scopes import PROVIDERS_MANAGE
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.pausing import PauseSwitch
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import failing_for_good, say_as_of, to_flag, to_text

if TYPE_CHECKING:
    from airflow.sdk import Context


class OktaSecurityEventsProviderOperator(ServiceOperator):
    """
    Make sure that an Okta org accepts our risk signals: one security events provider, up to date and active.

    What is not given here comes from the connection. While all writes are paused, nothing is changed.

    :param provider_name: the security events provider's name in Okta. (templated)
    :param issuer: who signs, as in every token's ``iss``. (templated)
    :param jwks_url: public address of the key set; goes with ``issuer``. (templated)
    :param well_known_url: public address of our SSF configuration, instead of issuer and JWKS URL.
        (templated)
    :param take_over: a security events provider of that name that has another issuer is changed to be ours;
        None = as the connection says. (templated)
    :param okta_conn_id: the connection to the Okta org. (templated)
    :return: the security events provider as a dict; empty when there is none and all writes are paused.
    """

    scopes: ClassVar[tuple[str, ...]] = (PROVIDERS_MANAGE,)
    """What a service app has to be granted."""
    template_fields: Sequence[str] = (
        "provider_name",
        "issuer",
        "jwks_url",
        "well_known_url",
        "take_over",
        "okta_conn_id",
    )

    def __init__(
        self,
        *,
        provider_name: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
        well_known_url: str | None = None,
        take_over: bool | str | None = None,
        okta_conn_id: str = OktaHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.provider_name = provider_name
        self.issuer = issuer
        self.jwks_url = jwks_url
        self.well_known_url = well_known_url
        self.take_over = take_over
        self.okta_conn_id = okta_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            say_as_of(self.log, context)
            hook = OktaHook(self.okta_conn_id, scopes=self.scopes)
            registration = hook.registration.override(
                name=to_text(self.provider_name, "provider_name"),
                issuer=to_text(self.issuer, "issuer"),
                jwks_url=to_text(self.jwks_url, "jwks_url"),
                well_known_url=to_text(self.well_known_url, "well_known_url"),
                take_over=None
                if self.take_over in (None, "", "None")
                else to_flag(self.take_over, "take_over"),
            )
            if PauseSwitch(lambda text: self.log.warning("%s", text)).is_on():
                found = hook.client.find_security_events_provider(
                    name=registration.name, issuer=registration.issuer or ""
                )
                as_it_is: dict[str, Any] = {} if found is None else msgspec.to_builtins(found)
                return as_it_is
            provider = registration.ensure(hook.client)
            self.log.info(
                "Security events provider %r (%s) is %s.",
                provider.name,
                provider.provider_id,
                provider.status,
            )
            result: dict[str, Any] = msgspec.to_builtins(provider)
            return result
