# SPDX-License-Identifier: Apache-2.0
"""Who an Okta connection signs in as: the fields that belong together, told from those that were mixed up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.settings import token_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Connection

    from airflow_provider_okta_ure.clients.client_assertion import ServiceApp
    from airflow_provider_okta_ure.clients.keys import SigningKey
    from airflow_provider_okta_ure.hooks.settings import OktaSettings

log = logging.getLogger(__name__)

_USE_OAUTH = "Set auth_method to private_key_jwt, or remove what belongs to a service app."


def api_token_of(connection: Connection, settings: OktaSettings) -> str:
    """
    Return the API token of a connection with ``auth_method=ssws``.

    :raises ConfigurationError: there is none, or the connection describes a service app as well.
    """
    conn_id = connection.conn_id
    if settings.client_private_key:
        raise ConfigurationError(
            f"Connection {conn_id!r} has a client_private_key, but auth_method is ssws.", remedy=_USE_OAUTH
        )
    if (connection.login or "").startswith("0oa"):
        raise ConfigurationError(
            f"Connection {conn_id!r} has the client id of an app as its login, but auth_method is ssws.",
            remedy=_USE_OAUTH,
        )
    if _is_key(connection.password or ""):
        raise ConfigurationError(
            f"Connection {conn_id!r} has a key where the API token belongs.",
            remedy="Put the key into the extra field client_private_key, "
            "and set auth_method to private_key_jwt.",
        )
    return token_of(connection, "API token")


def service_app_of(
    connection: Connection, settings: OktaSettings, scopes: Sequence[str] | None
) -> ServiceApp:
    """
    Return the service app of a connection with ``auth_method=private_key_jwt``.

    :param scopes: what is needed, unless the connection lists scopes; None = all that this package can use.
    :raises ConfigurationError: a field is missing, cannot be right, or belongs elsewhere.
    """
    from airflow_provider_okta_ure.clients.client_assertion import ServiceApp
    from airflow_provider_okta_ure.clients.scopes import ALL_SCOPES

    client_id = _client_id_of(connection)
    _check_password(connection, settings)
    key = _client_key_of(connection, settings)
    listed = (settings.scopes or "").replace(",", " ").split()
    wanted = tuple(listed or (ALL_SCOPES if scopes is None else scopes))
    try:
        return ServiceApp(client_id, key, wanted, dpop=settings.dpop)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}: {error.message}", remedy=error.remedy, topic=error.topic
        ) from None


def refuse_shared_key(connection: Connection, signing_key: SigningKey, client_key: SigningKey) -> None:
    """
    Refuse one key for two purposes: whoever may publish or rotate one of them would control the other.

    :raises ConfigurationError: both are the same key.
    """
    if signing_key.public_jwk()["n"] == client_key.public_jwk()["n"]:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has one key as client_private_key and signing_private_key.",
            remedy="Make a key of its own for each of them.",
        )


def _client_id_of(connection: Connection) -> str:
    client_id = (connection.login or "").strip()
    if not client_id:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has auth_method private_key_jwt, but no login.",
            remedy="Put the client id of the Okta app there.",
        )
    if "@" in client_id:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has a person's login where the client id of the app belongs.",
            remedy="Copy the client id from the app's page in Okta.",
        )
    return client_id


def _check_password(connection: Connection, settings: OktaSettings) -> None:
    password = (connection.password or "").strip()
    if not password:
        return
    conn_id = connection.conn_id
    if _is_key(password):
        raise ConfigurationError(
            f"Connection {conn_id!r} has a key in the password.",
            remedy="Put it into the extra field client_private_key, in a new connection without a password.",
        )
    if not settings.client_private_key:
        raise ConfigurationError(
            f"Connection {conn_id!r} has auth_method private_key_jwt, but a password and no key.",
            remedy="Set auth_method to ssws if it is an API token. Client secrets cannot be used: "
            "Okta wants a key for its API.",
        )
    # Not refused: Airflow keeps a stored password when its field is emptied, so that it cannot be taken away.
    log.warning(
        "Connection %r has a password, which private_key_jwt does not use. Revoke it in Okta if it is an API "
        "token, and make the connection anew to be rid of it here.",
        conn_id,
    )


def _client_key_of(connection: Connection, settings: OktaSettings) -> SigningKey:
    from airflow_provider_okta_ure.clients.keys import SigningKey

    if not settings.client_private_key:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has auth_method private_key_jwt, but no client_private_key.",
            remedy="Put the private key of the Okta app there, as PEM or JWK.",
        )
    try:
        key = SigningKey.load(settings.client_private_key, key_id=settings.client_key_id)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, client_private_key: {error.message}",
            remedy=error.remedy,
            topic=error.topic,
        ) from None
    if settings.signing_private_key:
        try:
            signing_key = SigningKey.load(settings.signing_private_key)
        except ConfigurationError:
            return key  # told by what signs with it; a group can be changed without
        refuse_shared_key(connection, signing_key, key)
    return key


def _is_key(text: str) -> bool:
    return "-----BEGIN" in text or text.lstrip().startswith("{")
