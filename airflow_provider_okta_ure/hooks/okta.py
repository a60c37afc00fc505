# SPDX-License-Identifier: Apache-2.0
"""An Airflow connection of type ``okta`` becomes a client, and the identity that signs risk signals."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError
from airflow_provider_okta_ure.hooks.finding import find_connection
from airflow_provider_okta_ure.hooks.masking import mask_keys, mask_proxies, mask_token
from airflow_provider_okta_ure.hooks.okta_sign_in import api_token_of, service_app_of
from airflow_provider_okta_ure.hooks.pacing import limit_store
from airflow_provider_okta_ure.hooks.settings import OktaSettings, base_host, read_settings, said_in_test
from airflow_provider_okta_ure.hooks.signals import signals_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Connection
    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.auth import OriginAuth
    from airflow_provider_okta_ure.clients.documents import DocumentReader
    from airflow_provider_okta_ure.clients.http import Transport
    from airflow_provider_okta_ure.clients.keys import SigningKey
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.clients.okta_probe import OktaProbe
    from airflow_provider_okta_ure.core.models import SecurityEventsProvider


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """
    How an Okta org is to know us: by issuer and JWKS URL, or by a well-known URL.

    :param name: the security events provider's name in Okta.
    :param take_over: one of this name with another issuer is changed to be ours.
    """

    name: str
    take_over: bool = False
    issuer: str | None = None
    jwks_url: str | None = None
    well_known_url: str | None = None

    def override(
        self,
        *,
        name: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
        well_known_url: str | None = None,
        take_over: bool | None = None,
    ) -> Registration:
        """Return the registration with what is given; a given way of being found replaces the other."""
        takes_over = self.take_over if take_over is None else take_over
        if well_known_url:
            return Registration(
                name=name or self.name,
                take_over=takes_over,
                issuer=issuer or self.issuer,
                well_known_url=well_known_url,
            )
        keeps_well_known = not (issuer or jwks_url)
        return Registration(
            name=name or self.name,
            take_over=takes_over,
            issuer=issuer or self.issuer,
            jwks_url=jwks_url or self.jwks_url,
            well_known_url=self.well_known_url if keeps_well_known else None,
        )

    def ensure(self, client: OktaClient) -> SecurityEventsProvider:
        """
        Make the org accept our signals; see :meth:`OktaClient.ensure_security_events_provider`.

        :raises ConfigurationError: neither a well-known URL nor issuer and JWKS URL are set.
        """
        if self.well_known_url:
            return client.ensure_security_events_provider(
                self.name,
                issuer=self.issuer or "",
                well_known_url=self.well_known_url,
                take_over=self.take_over,
            )
        if not self.issuer or not self.jwks_url:
            raise ConfigurationError(
                "Okta needs an address for our public key.",
                remedy="Set issuer and jwks_url, or well_known_url, in the Okta connection.",
            )
        return client.ensure_security_events_provider(
            self.name, issuer=self.issuer, jwks_url=self.jwks_url, take_over=self.take_over
        )


class Transmitter(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who signs risk signals, and for whom.

    :param issuer: the ``iss`` of every token.
    :param audience: the ``aud`` of every token: the org's URL.
    :param key: the loaded private key.
    """

    issuer: str
    audience: str
    key: SigningKey


class OktaHook(BaseHook):
    """
    Turn a connection of type ``okta`` into an :class:`OktaClient`.

    :param okta_conn_id: the connection to the Okta org.
    :param scopes: what a service app asks for, such as ``okta.users.read``, unless the connection lists
        scopes; None = all that this package can use. Without a meaning for an API token.
    """

    conn_name_attr = "okta_conn_id"
    default_conn_name = "okta_default"
    conn_type = "okta"
    hook_name = "Okta"

    def __init__(self, okta_conn_id: str = default_conn_name, *, scopes: Sequence[str] | None = None) -> None:
        super().__init__()
        self.okta_conn_id = okta_conn_id
        self.scopes = scopes
        self.give_back_after: float | None = None
        """
        Seconds; a call of :attr:`client` that would have to wait longer for a rate limit's window raises
        ``WindowUsedUpError`` instead. None = it waits. Set it before the client is asked for.
        """

    @cached_property
    def connection(self) -> Connection:
        """
        The Airflow connection.

        :raises NoConnectionError: there is none.
        """
        return find_connection(self.okta_conn_id, self.get_connection)

    @cached_property
    def settings(self) -> OktaSettings:
        """
        The connection's extra fields.

        :raises ConfigurationError: one of them is wrong.
        """
        settings = read_settings(self.connection, OktaSettings)
        mask_keys(settings)
        mask_proxies(settings)
        return settings

    @cached_property
    def base_url(self) -> str:
        """
        The org's URL, without a slash at the end.

        :raises ConfigurationError: the host is not one that may receive the token.
        """
        from airflow_provider_okta_ure.clients.hosts import okta_base_url

        return okta_base_url(
            base_host(self.connection), allow_custom_domain=self.settings.allow_custom_domain
        )

    @cached_property
    def client(self) -> OktaClient:
        """
        A client for the org.

        :raises ConfigurationError: the connection is not usable.
        """
        return self._connect(self.auth, give_back_after=self.give_back_after, limit_store=limit_store())

    @cached_property
    def auth(self) -> OriginAuth:
        """
        Who we are to the org: an API token, or a service app.

        :raises ConfigurationError: the connection's fields do not fit together.
        """
        return self._auth(self.scopes)

    def granted_scopes(self) -> frozenset[str] | None:
        """
        Return the scopes that Okta grants the service app; None for an API token, where roles alone decide.

        :raises OktaUreError: the app cannot sign in.
        """
        from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth

        auth = self.auth
        return frozenset(auth.granted_scopes()) if isinstance(auth, ServiceAppAuth) else None

    def _auth(self, scopes: Sequence[str] | None, **transport: Unpack[Transport]) -> OriginAuth:
        from airflow_provider_okta_ure.clients.auth import SswsAuth
        from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth

        settings = self.settings
        if settings.auth_method == "ssws":
            auth = SswsAuth(api_token_of(self.connection, settings))
            mask_token(auth)
            return auth
        app = service_app_of(self.connection, settings, scopes)
        return ServiceAppAuth.connect(
            self.base_url, app, on_secret=mask_secret, **{**settings.transport, **transport}
        )

    def _connect(self, auth: OriginAuth, **transport: Unpack[Transport]) -> OktaClient:
        from airflow_provider_okta_ure.clients.okta import OktaClient

        return OktaClient.connect(self.base_url, auth, **{**self.settings.transport, **transport})

    def client_for(self, scope: str) -> OktaClient:
        """
        Return a client for what a service app needs a scope for that it may not have been granted.

        It signs in for it separately, because Okta may refuse a request for scopes of which one was not
        granted as a whole.
        """
        from airflow_provider_okta_ure.clients.scopes import covers

        # Scopes that the connection lists are for the work itself, and do not keep it from being asked for.
        listed = (self.settings.scopes or "").replace(",", " ").split()
        if self.settings.auth_method == "ssws" or covers(listed or self.scopes or (), scope):
            return self.client
        alone = OktaHook(self.okta_conn_id, scopes=(scope,))
        alone.give_back_after = self.give_back_after
        alone.settings = msgspec.structs.replace(self.settings, scopes=None)
        return alone.client

    def how_to_permit(self, what: str, scope: str) -> str:
        """
        Return what an administrator has to do so that the credential may do something.

        :param what: what it is to be allowed, after "may".
        :param scope: the OAuth scope for it.
        """
        if self.settings.auth_method != "ssws":
            return f"Grant the app the scope {scope}, and an admin role that may {what}."
        return (
            f"Give the admin who made the API token a role that may {what} "
            f"(an OAuth app would need the scope {scope})."
        )

    def probe_for(self, scope: str) -> OktaProbe:
        """Return small reads of the org; see :meth:`client_for`."""
        return self.client_for(scope).probe

    def signals_wanted(self, mode: object) -> tuple[bool, str]:
        """
        Return whether risk signals are to be sent, and why; see :func:`hooks.signals.signals_wanted`.

        :param mode: ``auto``, ``on`` or ``off``.
        """
        return signals_wanted(self, mode)

    @cached_property
    def registration(self) -> Registration:
        """How the org is to know us, as far as the connection says."""
        settings = self.settings
        return Registration(
            name=settings.security_events_provider_name,
            take_over=settings.take_over,
            issuer=settings.issuer,
            jwks_url=settings.jwks_url,
            well_known_url=settings.well_known_url,
        )

    @cached_property
    def transmitter(self) -> Transmitter:
        """
        The identity that signs risk signals; the key is parsed once.

        :raises ConfigurationError: the connection has no issuer or no usable signing key.
        """
        from airflow_provider_okta_ure.clients.keys import SigningKey

        settings = self.settings
        if not settings.issuer or not settings.signing_private_key:
            missing = "issuer" if not settings.issuer else "signing_private_key"
            raise ConfigurationError(
                f"Connection {self.okta_conn_id!r} has no {missing}, which pushing risk needs.",
                remedy=f"Set the extra field {missing!r}.",
                topic="connection-field",
            )
        key = SigningKey.load(settings.signing_private_key, key_id=settings.signing_key_id)
        return Transmitter(issuer=settings.issuer, audience=self.base_url, key=key)

    @cached_property
    def documents(self) -> DocumentReader:
        """How we read what we publish ourselves: the JWKS, and the document at the well-known URL."""
        from airflow_provider_okta_ure.clients.documents import DocumentReader

        settings = self.settings
        return DocumentReader(
            allow_private=settings.allow_private_jwks_url, verify=settings.tls, proxy=settings.proxy
        )

    def get_conn(self) -> OktaClient:
        """Return the client, under the name that Airflow's hooks share."""
        return self.client

    def test_connection(self) -> tuple[bool, str]:
        """Try what every use of the connection needs, and say precisely what is wrong."""
        from airflow_provider_okta_ure.clients.retries import BRIEF
        from airflow_provider_okta_ure.clients.scopes import CHECK_SCOPES

        try:
            self._connect(self._auth(CHECK_SCOPES, retry=BRIEF), retry=BRIEF).check()
            if self.settings.signing_private_key:
                _ = self.transmitter
        except OktaUreError as error:
            return False, said_in_test(error, self.okta_conn_id)
        is_token = self.settings.auth_method == "ssws"
        who = "the token" if is_token else f"the service app {self.connection.login}"
        return True, f"{self.base_url} is an Okta org, and {who} can read its users and groups."
