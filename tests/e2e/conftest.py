"""One real Airflow and one sandbox for all end-to-end tests."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from airflow_provider_okta_ure.sandbox import Sandbox
from demo.airflow_instance import AirflowInstance
from demo.keys import new_signing_key
from demo.processes import free_port
from tests.e2e.week import Week, live_through_a_week

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parents[1] / "test-results" / "screenshots"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=120, seed=7) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[AirflowInstance]:
    dags = tmp_path_factory.mktemp("dags")
    for folder in (HERE.parents[1] / "dags", HERE / "dags"):
        for file in folder.glob("*.py"):
            shutil.copy(file, dags)
    key = new_signing_key()
    home = tmp_path_factory.mktemp("airflow")
    jwks_file = home / "jwks.json"
    jwks_file.write_text(json.dumps(key.jwks))
    passwords = home / "all_passwords.json"
    passwords.write_text(json.dumps({name: name for name in ("admin", "approver", "viewer", "nobody")}))
    settings = {
        "AIRFLOW__OKTA_URE__JWKS_FILE": str(jwks_file),
        # Without a role, somebody who may sign in and see nothing.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,approver:user,viewer:viewer,nobody:",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    instance = AirflowInstance(home, dags, free_port(), settings)
    try:
        instance.start(print)
        instance.add_connection(
            "okta_default",
            conn_type="okta",
            host=sandbox.okta_url,
            password=sandbox.okta_token,
            extra={
                "issuer": "https://risk.corp.example",
                "jwks_url": sandbox.publish_jwks(key.jwks),
                "signing_private_key": key.pem,
                "allow_private_jwks_url": True,
            },
        )
        instance.add_connection(
            "netskope_default",
            conn_type="netskope",
            host=sandbox.netskope_url,
            password=sandbox.netskope_token,
        )
        yield instance
    finally:
        instance.stop()


@pytest.fixture(scope="session")
def week(airflow: AirflowInstance) -> Iterator[Week]:
    """A week of runs, and one of today, in an org of their own; shared by all who look at the page."""
    with Sandbox(users=600, seed=7) as acme:
        yield live_through_a_week(airflow, acme)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    Debian's Chromium: Playwright's own download is not to be had everywhere.

    Not for longer than one file, because while it is there no other test can run an event loop.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip(
            "There is no Chromium on this machine, so nobody looks at the pages: apt-get install chromium"
        )
    arguments = [
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    # Other tests may be running beside, and a busy machine is no failure.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of 1280 by 1000, in a session of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()
