# SPDX-License-Identifier: Apache-2.0
"""Where rate limits are counted together with other processes: in the action log's PostgreSQL, or a file."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.action_log import action_log_url

if TYPE_CHECKING:
    from sqlalchemy import URL

    from airflow_provider_okta_ure.clients.limit_stores import LimitStore

log = logging.getLogger(__name__)


def limit_store() -> LimitStore:
    """Return where all who use a rate limit count together; never an error, because no call depends on it."""
    from airflow_provider_okta_ure.clients.limit_stores import FileStore

    try:
        url = action_log_url()
    except OktaUreError as error:
        # Whoever needs the action log itself fails; who only reads goes on.
        log.debug("Rate limits are shared with the processes of this machine only: %s", error.message)
        return FileStore()
    return _of_database(url) if url.get_backend_name() == "postgresql" else FileStore()


@cache
def _of_database(url: URL) -> LimitStore:
    """Return the store in a database; one for a process, so that all its clients share a connection."""
    from airflow_provider_okta_ure.action_log.pacing import PacingStore
    from airflow_provider_okta_ure.clients.limit_stores import FileStore, StoreWithFallback

    return StoreWithFallback(PacingStore(url), FileStore())
