# SPDX-License-Identifier: Apache-2.0
"""Whether risk signals are to be sent: as somebody says, or as the connection and the org allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_okta_ure.clients.scopes import PROVIDERS_READ, USER_RISK_READ
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.hooks.okta import OktaHook

SignalsMode: TypeAlias = Literal["auto", "on", "off"]

_MODES: dict[str, SignalsMode] = {
    "auto": "auto",
    "on": "on",
    "off": "off",
    # What YAML and JSON make of on and off.
    "true": "on",
    "false": "off",
}


def to_signals_mode(value: object, argument: str = "signals") -> SignalsMode:
    """
    Return the mode that an argument means, which may come from a template.

    >>> to_signals_mode("Auto"), to_signals_mode(True)
    ('auto', 'on')

    :raises ConfigurationError: it is none of them.
    """
    mode = _MODES.get(as_text(value).strip().lower())
    if mode is None:
        raise ConfigurationError(f"{argument} is {shown(value)}.", remedy='Use "auto", "on" or "off".')
    return mode


def signals_wanted(hook: OktaHook, mode: object) -> tuple[bool, str]:
    """
    Return whether risk signals are to be sent, and why, as the end of a sentence.

    :param mode: ``auto`` = when the connection has a signing key and the org has Identity Threat Protection,
        as far as the credential can see that; ``on``; ``off``.
    :raises OktaUreError: Okta has to be asked and cannot be, or the connection is not usable.
    """
    from airflow_provider_okta_ure.clients.okta_features import has_threat_protection

    chosen = to_signals_mode(mode)
    if chosen != "auto":
        return chosen == "on", f"signals is {chosen}"
    if not hook.settings.signing_private_key:
        return False, f"the connection {hook.okta_conn_id!r} has no signing key"
    has = has_threat_protection(
        users=hook.client.probe,
        risk=lambda: hook.probe_for(USER_RISK_READ),
        providers=lambda: hook.probe_for(PROVIDERS_READ),
    )
    if has is False:
        return False, "the org does not have Identity Threat Protection"
    if has is None:
        return True, (
            "the connection has a signing key; whether the org has Identity Threat Protection cannot be seen "
            "with this credential"
        )
    return True, "the connection has a signing key, and the org has Identity Threat Protection"
