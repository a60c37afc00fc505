"""What people see in the browser: the connection forms, the trigger dialog, the graph."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from demo.airflow_instance import LOGIN, PASSWORD, AirflowInstance
from tests.e2e.conftest import SCREENSHOTS


@pytest.fixture
def signed_in(page: Page, airflow: AirflowInstance) -> Page:
    page.goto(f"{airflow.url}/auth/login")
    page.get_by_label("Username").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/" not in url)
    expect(page.get_by_text("Dags").first).to_be_visible()
    return page


def _shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_the_connection_of_type_okta_has_a_form(signed_in: Page, airflow: AirflowInstance):
    page = signed_in
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    page.get_by_role("combobox").first.click()
    page.keyboard.type("Okta")
    page.get_by_text("Okta", exact=True).last.click()
    for label in ("Okta org URL", "API token", "Client ID"):
        expect(page.get_by_text(label, exact=False).first).to_be_visible()
    page.get_by_text("Extra Fields", exact=True).first.click()
    for label in (
        "Auth method",
        "Client private key",
        "Client key id",
        "Scopes",
        "DPoP",
        "Issuer",
        "JWKS URL",
        "Signing private key",
        "Verify TLS",
        "CA bundle",
        "Proxy",
    ):
        expect(page.get_by_text(label, exact=True).first).to_be_visible()
    _shoot(page, "connection_okta")


@pytest.mark.parametrize("conn_id", ["okta_default", "netskope_default"])
def test_a_stored_connection_can_be_tested_by_a_click(
    signed_in: Page, airflow: AirflowInstance, conn_id: str
):
    page = signed_in
    page.goto(f"{airflow.url}/connections")
    row = page.get_by_role("row").filter(has_text=conn_id)
    row.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("Test Connection Successful")).to_be_visible()
    _shoot(page, f"test_{conn_id}")


def test_the_trigger_dialog_has_a_form_with_dry_run_on(signed_in: Page, airflow: AirflowInstance):
    airflow.wait_for_dag("okta_risk_sync")
    page = signed_in
    page.goto(f"{airflow.url}/dags/okta_risk_sync")
    page.get_by_role("button", name="Trigger").first.click()
    expect(page.get_by_role("checkbox", name="Dry run")).to_be_checked()
    dialog = page.get_by_role("dialog")
    for section, titles in (("Who", ("At risk", "Recovered")), ("Group", ("Okta group",))):
        dialog.get_by_role("button", name=section, exact=True).click()
        for title in titles:
            expect(dialog.get_by_text(title).first).to_be_visible()
    _shoot(page, "trigger")


def test_the_main_dag_shows_its_graph_and_its_words(signed_in: Page, airflow: AirflowInstance):
    airflow.wait_for_dag("okta_risk_sync")
    page = signed_in
    page.goto(f"{airflow.url}/dags/okta_risk_sync/")
    expect(page.get_by_text("fetch_scores").first).to_be_visible()
    _shoot(page, "dag")
