# SPDX-License-Identifier: Apache-2.0
"""An Airflow connection of type ``netskope`` becomes a client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.finding import find_connection
from airflow_provider_okta_ure.hooks.masking import mask_proxies, mask_token
from airflow_provider_okta_ure.hooks.pacing import limit_store
from airflow_provider_okta_ure.hooks.settings import (
    TransportSettings,
    base_host,
    read_settings,
    said_in_test,
    token_of,
)

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.http import Transport
    from airflow_provider_okta_ure.clients.netskope import NetskopeClient


class NetskopeHook(BaseHook):
    """
    Turn a connection of type ``netskope`` into a :class:`NetskopeClient`.

    :param netskope_conn_id: the connection to the Netskope tenant.
    """

    conn_name_attr = "netskope_conn_id"
    default_conn_name = "netskope_default"
    conn_type = "netskope"
    hook_name = "Netskope"

    def __init__(self, netskope_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.netskope_conn_id = netskope_conn_id

    @cached_property
    def connection(self) -> Connection:
        """
        The Airflow connection.

        :raises NoConnectionError: there is none.
        """
        return find_connection(self.netskope_conn_id, self.get_connection)

    @cached_property
    def settings(self) -> TransportSettings:
        """
        The connection's extra fields.

        :raises ConfigurationError: one of them is wrong.
        """
        settings = read_settings(self.connection, TransportSettings)
        mask_proxies(settings)
        return settings

    @cached_property
    def base_url(self) -> str:
        """
        The tenant's URL, without a slash at the end.

        :raises ConfigurationError: the host is not one that may receive the token.
        """
        from airflow_provider_okta_ure.clients.hosts import netskope_base_url

        return netskope_base_url(
            base_host(self.connection), allow_custom_domain=self.settings.allow_custom_domain
        )

    @cached_property
    def client(self) -> NetskopeClient:
        """
        A client for the tenant.

        :raises ConfigurationError: the connection is not usable.
        """
        return self._connect(limit_store=limit_store())

    def _connect(self, **transport: Unpack[Transport]) -> NetskopeClient:
        from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth
        from airflow_provider_okta_ure.clients.netskope import NetskopeClient

        auth = NetskopeTokenAuth(
            token_of(self.connection, "REST API v2 token"), reread=self._token_stored_now
        )
        mask_token(auth)
        return NetskopeClient.connect(self.base_url, auth, **{**self.settings.transport, **transport})

    def _token_stored_now(self) -> str:
        """
        Return the token of the connection, read again because it may have been rotated; empty if gone.

        :raises ConfigurationError: what is there cannot be a token.
        """
        from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth

        try:
            token = (self.get_connection(self.netskope_conn_id).password or "").strip()
        except AirflowNotFoundException:
            return ""
        if token:
            mask_token(NetskopeTokenAuth(token))
        return token

    def get_conn(self) -> NetskopeClient:
        """Return the client, under the name that Airflow's hooks share."""
        return self.client

    def test_connection(self) -> tuple[bool, str]:
        """Try what every use of the connection needs, and say precisely what is wrong."""
        from airflow_provider_okta_ure.clients.retries import BRIEF

        try:
            self._connect(retry=BRIEF).check()
        except OktaUreError as error:
            return False, said_in_test(error, self.netskope_conn_id)
        return True, f"{self.base_url} is a Netskope tenant, and the token can read users and scores."
