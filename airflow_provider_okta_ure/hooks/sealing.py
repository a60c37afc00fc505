# SPDX-License-Identifier: Apache-2.0
"""The key that approvals are sealed with: made from the secret that an Okta connection has anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.seals import derive_key
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.okta_sign_in import api_token_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.hooks.okta import OktaHook


def sealing_key_of(hook: OktaHook) -> bytes:
    """
    Return the key; it changes with the API token or the app's private key.

    Users of Airflow's API cannot read either: Airflow masks the password and what is named like a key.

    :raises ConfigurationError: the connection has no secret.
    """
    settings = hook.settings
    if settings.auth_method == "ssws":
        return derive_key(api_token_of(hook.connection, settings))
    if not settings.client_private_key:
        raise ConfigurationError(
            f"Connection {hook.okta_conn_id!r} has auth_method private_key_jwt, but no client_private_key.",
            remedy="Put the private key of the Okta app there, as PEM or JWK.",
        )
    return derive_key(settings.client_private_key)
