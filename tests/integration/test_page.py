# SPDX-License-Identifier: Apache-2.0
"""The page "User Risk" as Airflow finds it, and the files that it is made of."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from airflow.api_fastapi.core_api.datamodels.plugins import ReactAppResponse
from airflow.plugins_manager import AirflowPlugin

from airflow_provider_okta_ure.plugin import OktaUrePlugin, pages
from airflow_provider_okta_ure.plugin.access import signed_in as signed_in_dependency
from airflow_provider_okta_ure.plugin.app import app
from airflow_provider_okta_ure.plugin.static_routes import FOLDER

PLACES = {"nav": "risk-exchange", "dag": "risk-exchange-dag", "dag_run": "risk-exchange-run"}


def ask(path: str, **more: Any) -> httpx.Response:
    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://airflow.example") as client:
            return await client.get(path, **more)

    return asyncio.run(answer())


@pytest.fixture
def signed_in() -> Iterator[None]:
    app.dependency_overrides[signed_in_dependency] = lambda: None
    yield
    app.dependency_overrides.clear()


# --- where it appears


def test_it_is_in_the_navigation_and_a_tab_of_dags_and_runs():
    found = {one["destination"]: one["url_route"] for one in OktaUrePlugin.react_apps}
    assert found == PLACES
    assert {one["name"] for one in OktaUrePlugin.react_apps} == {"User Risk"}


def test_airflow_accepts_every_entry_and_drops_none():
    from airflow import plugins_manager

    for one in OktaUrePlugin.react_apps:
        assert ReactAppResponse.model_validate(one).bundle_url == "/okta-ure/static/main.js"
    assert issubclass(OktaUrePlugin, AirflowPlugin)
    _, shown = plugins_manager._get_ui_plugins()
    routes = {one["url_route"] for one in shown}
    assert set(PLACES.values()) <= routes


def test_the_module_registers_the_component_under_the_name_that_airflow_looks_for():
    registered = re.findall(r'globalThis\["([^"]+)"\] = ', (FOLDER / "main.js").read_text())
    assert registered == [pages.NAME]


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("", "/okta-ure/static/main.js"),
        ("https://airflow.corp.example", "/okta-ure/static/main.js"),
        ("https://corp.example/data/airflow/", "/data/airflow/okta-ure/static/main.js"),
    ],
)
def test_it_is_found_below_the_path_that_airflow_is_served_under(monkeypatch, base_url, expected):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert {one["bundle_url"] for one in pages.react_apps("/okta-ure")} == {expected}


@pytest.mark.parametrize("icon", ["icon.svg", "icon-dark.svg"])
def test_the_icon_can_be_seen_on_light_and_on_dark_ground(icon):
    # When its page is open, Airflow's button is dark in light mode, too.
    drawing = (FOLDER / icon).read_text()
    assert "#ffffff" in drawing or "#f3f4f6" in drawing


def test_the_name_fits_below_the_icon():
    # 56 pixels in letters of 10; what is longer, Airflow cuts.
    assert len(pages.NAME) <= 10


# --- its files


@pytest.mark.parametrize("name", ["main.js", "icon.svg", "vendor/chart.js/LICENSE.md", "nothing.js"])
# Airflow's own dependency
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_strangers_get_no_file(name):
    assert ask(f"/static/{name}").status_code == 401


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("vendor/chart.js/chart.umd.min.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("icon-dark.svg", "image/svg+xml"),
    ],
)
def test_whoever_is_signed_in_gets_every_file_as_what_it_is(name, media_type):
    answer = ask(f"/static/{name}")
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("signed_in")
def test_a_browser_asks_each_time_and_is_not_sent_again_what_it_has():
    first = ask("/static/main.js")
    assert first.headers["cache-control"] == "private, no-cache"
    again = ask("/static/main.js", headers={"If-None-Match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    assert ask("/static/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "shared",
        "nothing.js",
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "main.js/",
    ],
)
def test_nothing_outside_of_the_folder_is_a_file_of_the_page(name):
    assert ask(f"/static/{name}").status_code == 404
