# SPDX-License-Identifier: Apache-2.0
"""The watch for one DAG run, as the sensor and its trigger make it from a connection."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.scopes import LOGS_READ
from airflow_provider_okta_ure.core.deliveries import Senders
from airflow_provider_okta_ure.delivery.watch import Progress, Wanted, Watch
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog

SCOPES = (LOGS_READ,)
"""What a service app has to be granted to look."""


def watch_of(okta_conn_id: str, *, dag_id: str, run_id: str, within: timedelta, match_issuer: bool) -> Watch:
    """
    Return what watches for the risk signals of one DAG run; no call is made yet.

    :param within: how long after the last push an event may take to show up.
    :param match_issuer: whether an event has to name our issuer or our security events provider.
    :raises ConfigurationError: the connection cannot be used.
    """
    hook = OktaHook(okta_conn_id, scopes=SCOPES)
    wanted = Wanted(
        org=hook.base_url,
        dag_id=dag_id,
        run_id=run_id,
        within=within,
        senders=Senders(also_known_as=hook.settings.security_events_provider_name, anybody=not match_issuer),
    )
    return Watch(wanted, lambda: hook.client)


def look(watch: Watch) -> Progress:
    """Open the action log and look once; see :meth:`Watch.look`."""
    log: ActionLog = open_action_log()
    try:
        return watch.look(log)
    finally:
        log.close()
