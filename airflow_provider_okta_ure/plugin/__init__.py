# SPDX-License-Identifier: Apache-2.0
"""
What this package adds to Airflow's API server.

Every component of Airflow imports this module, so what answers requests is imported with the first one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_okta_ure.plugin.pages import react_apps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

URL_PREFIX = "/okta-ure"


async def _app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    app = importlib.import_module("airflow_provider_okta_ure.plugin.app").app
    await app(scope, receive, send)


class OktaUrePlugin(AirflowPlugin):
    """The page "User Risk" with what it reads, and public routes for the keys that sign risk signals."""

    name = "okta_ure"
    fastapi_apps = [{"app": _app, "url_prefix": URL_PREFIX, "name": "Okta User Risk Exchange"}]
    react_apps = react_apps(URL_PREFIX)
