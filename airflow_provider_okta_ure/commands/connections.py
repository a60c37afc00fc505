# SPDX-License-Identifier: Apache-2.0
"""Connections for commands: from wherever Airflow keeps them, its database included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.hooks.okta import OktaHook

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


@contextmanager
def reading_the_database() -> Iterator[None]:
    """
    Let Airflow look for connections in its database, too, as `airflow connections` does.

    Outside of a task Airflow's SDK looks only into the environment and secrets backends, unless the
    process says that it belongs to the server.
    """
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CONTEXT]
        else:
            os.environ[_CONTEXT] = before


def okta_hook(conn_id: str) -> OktaHook:
    """
    Return a hook whose connection was found.

    :raises ConfigurationError: there is no such connection.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    from airflow_provider_okta_ure.hooks.finding import NoConnectionError
    from airflow_provider_okta_ure.hooks.okta import OktaHook

    hook = OktaHook(conn_id)
    try:
        with reading_the_database():
            _ = hook.connection
    except (NoConnectionError, AirflowNotFoundException):
        raise ConfigurationError(
            f"There is no connection {conn_id!r}, or Airflow's database cannot be read from here.",
            remedy="`airflow connections list` names those in the database.",
        ) from None
    return hook
