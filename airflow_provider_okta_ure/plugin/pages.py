# SPDX-License-Identifier: Apache-2.0
"""Where the page "User Risk" appears in Airflow: in the navigation, and as a tab of DAGs and runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf

NAME = "User Risk"
"""Shown to people; Airflow also looks for the component under this name, so main.js must say the same."""

_ROUTES = {"nav": "risk-exchange", "dag": "risk-exchange-dag", "dag_run": "risk-exchange-run"}


def react_apps(url_prefix: str) -> list[dict[str, str | bool]]:
    """
    Return the entries of the page for Airflow's plugin manager, one per place.

    :param url_prefix: where our own application is mounted.
    """
    # Airflow 3.2 would look for a relative address beside its own scripts, so it begins with a slash.
    static = f"{_path_of_airflow()}{url_prefix}/static"
    common = {
        "name": NAME,
        "bundle_url": f"{static}/main.js",
        "icon": f"{static}/icon.svg",
        "icon_dark_mode": f"{static}/icon-dark.svg",
    }
    # Airflow drops an entry whose route another one has.
    return [
        {**common, "destination": place, "url_route": route, "nav_top_level": place == "nav"}
        for place, route in _ROUTES.items()
    ]


def _path_of_airflow() -> str:
    """Return the sub-path that Airflow lives under, without a slash at its end; mostly nothing."""
    return urlsplit(str(conf.get("api", "base_url", fallback="") or "")).path.rstrip("/")
