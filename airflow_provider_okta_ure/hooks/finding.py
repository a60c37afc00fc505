# SPDX-License-Identifier: Apache-2.0
"""A connection by its id, or an error that says that there is none and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import secrets_backend
from airflow_provider_okta_ure.hooks.asking import may_be_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Connection


class NoConnectionError(ConfigurationError):
    """There is no connection with an id."""


def find_connection(conn_id: str, get: Callable[[str], Connection]) -> Connection:
    """
    Return the connection with an id.

    :param get: how Airflow looks for it.
    :raises NoConnectionError: there certainly is none, so that another try is in vain.
    :raises AirflowNotFoundException: it was not found, and may be there: whoever knows it did not answer.
    """
    try:
        return get(conn_id)
    except AirflowNotFoundException:
        if secrets_backend() or may_be_there(conn_id):
            raise
    raise NoConnectionError(
        f"There is no connection {conn_id!r}.",
        remedy="Create it in the UI under Admin > Connections, with `airflow connections add`, or as the "
        f"environment variable AIRFLOW_CONN_{conn_id.upper()}; or correct the id where it is named.",
    )
