# SPDX-License-Identifier: Apache-2.0
"""
``make pictures``: the pictures of the README, taken from a demo that is running.

The picture in ``docs/approval.md`` is ``approval.png`` of ``tests/e2e/test_approval.py``, which leaves it in
``test-results/screenshots``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect, sync_playwright

from demo.airflow_instance import LOGIN, PASSWORD

DAG_ID = "okta_risk_sync"
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
_SIZE, _WIDE = (1280, 1000), (1500, 760)
_LONGEST = 60_000  # milliseconds


class Photographer:
    """
    A signed-in browser in front of a demo.

    :param url: where the demo's Airflow is.
    """

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url
        page.set_default_timeout(_LONGEST)
        page.goto(f"{url}/auth/login")
        page.get_by_label("Username").fill(LOGIN)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/auth/" not in address)

    def take_all(self) -> None:
        """Take every picture of the README."""
        self._resize(_SIZE)
        self._take_page("page_overview", "re-days=30")
        person = self._page.get_by_test_id("latest-added").get_by_role("link").first.inner_text()
        self._take_page("page_person", f"re-view=person&re-user_name={quote(person)}")
        self._open_page("re-view=log&re-action=add_to_group&re-status=done")
        self._page.get_by_role("button", name="Details: ").first.click()
        expect(self._page.get_by_test_id("details")).to_be_visible()
        self._save("page_log")
        self._take_graph()

    def _take_page(self, name: str, query: str) -> None:
        self._open_page(query)
        self._save(name)

    def _open_page(self, query: str) -> None:
        self._page.goto(f"{self._url}/plugin/risk-exchange?{query}")
        root = self._page.get_by_test_id("risk-exchange")
        expect(root).to_be_visible()
        expect(root.get_by_test_id("loading")).to_have_count(0)

    def _take_graph(self) -> None:
        """Take the graph of the newest run, which Airflow shows once somebody has chosen graphs."""
        self._page.evaluate("localStorage.setItem('default_dag_view', JSON.stringify('graph'))")
        # Before it is drawn: the graph is fitted to the window once.
        self._resize(_WIDE)
        self._page.goto(f"{self._url}/dags/{DAG_ID}/runs/{quote(self._newest_run())}")
        expect(self._page.locator(".react-flow__node").first).to_be_visible()
        self._save("okta_risk_sync")

    def _newest_run(self) -> str:
        answer = self._page.request.get(
            f"{self._url}/api/v2/dags/{DAG_ID}/dagRuns?run_type=manual&order_by=-run_after&limit=1"
        )
        run_id: str = answer.json()["dag_runs"][0]["dag_run_id"]
        return run_id

    def _resize(self, size: tuple[int, int]) -> None:
        self._page.set_viewport_size({"width": size[0], "height": size[1]})

    def _save(self, name: str) -> None:
        # Charts and the graph are drawn with an animation.
        self._page.wait_for_timeout(1500)
        self._page.screenshot(path=FOLDER / f"{name}.png")
        print(FOLDER / f"{name}.png")


def main() -> int:
    """Take the pictures and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo.pictures", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="port of the demo's Airflow UI")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("There is no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    # The demo has just been busy.
    expect.set_options(timeout=_LONGEST)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        Photographer(browser.new_page(), f"http://127.0.0.1:{options.port}").take_all()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
