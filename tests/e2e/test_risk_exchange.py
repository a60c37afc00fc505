# SPDX-License-Identifier: Apache-2.0
"""The page "User Risk" in a real Airflow, looked at with a real browser, against what the action log says."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Route, expect

from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.week import DAG_ID, GROUP, ODD, Week

if TYPE_CHECKING:
    from demo.airflow_instance import AirflowInstance

CHANGES = "action in ('add_to_group','remove_from_group','push_risk','upsert_risk')"
PEOPLE = "action in ('add_to_group','remove_from_group','push_risk','upsert_risk','no_action')"
BRIEF = f"{PEOPLE} and status != 'unchanged'"
SECONDS = 15_000

State = dict[str, Any]


class Viewer:
    """
    Somebody with a browser, who notes what the page does wrong.

    :param trouble: what the console said, and requests to other servers.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.trouble: list[str] = []
        page.set_default_timeout(SECONDS)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        page.on("request", lambda request: self._note_request(request.url))

    def sign_in(self, name: str = "admin") -> None:
        self.page.goto(f"{self.url}/auth/login")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(name)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/auth/" not in url)

    def open(self, query: str = "", path: str = "/plugin/risk-exchange") -> Locator:
        """Open the page and return it when it has finished reading."""
        self.page.goto(f"{self.url}{path}?{query}")
        root = self.page.get_by_test_id("risk-exchange")
        expect(root).to_be_visible(timeout=SECONDS)
        expect(root.get_by_test_id("loading")).to_have_count(0, timeout=SECONDS)
        return root

    def shoot(self, name: str, *, whole: bool = False) -> None:
        """Take a picture; ``whole``: of everything that can be scrolled to."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        assert size is not None
        if whole:
            height = self.page.get_by_test_id("risk-exchange").evaluate("one => one.scrollHeight")
            self.page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        self._settle()
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.page.set_viewport_size(size)

    def _settle(self) -> None:
        # Charts follow the size of their boxes with the next frames.
        self.page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"
        )

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.trouble.append(f"console: {message.text}")

    def _note_request(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https") and not url.startswith(self.url):
            self.trouble.append(f"elsewhere: {url}")


@pytest.fixture(scope="module")
def sessions(browser: Browser, airflow: AirflowInstance, week: Week) -> Iterator[dict[str, BrowserContext]]:
    """Who is signed in, once for all tests: so that Airflow's own scripts are read once."""
    contexts = {}
    for name in ("admin", "viewer"):
        contexts[name] = browser.new_context(viewport={"width": 1280, "height": 1000}, timezone_id="UTC")
        page = contexts[name].new_page()
        Viewer(page, airflow.url).sign_in(name)
        page.close()
    yield contexts
    for context in contexts.values():
        context.close()


@pytest.fixture
def visit(sessions: dict[str, BrowserContext], airflow: AirflowInstance) -> Iterator[Callable[..., Viewer]]:
    """Open a page for somebody; at the end nothing of what he saw may have been in trouble."""
    made: list[Viewer] = []

    def visit(name: str = "admin", *, width: int = 1280, height: int = 1000) -> Viewer:
        page = sessions[name].new_page()
        page.set_viewport_size({"width": width, "height": height})
        made.append(Viewer(page, airflow.url))
        return made[-1]

    yield visit
    for viewer in made:
        viewer.page.close()
        assert viewer.trouble == []


@pytest.fixture
def viewer(visit: Callable[..., Viewer]) -> Viewer:
    return visit()


@pytest.fixture
def remembering(viewer: Viewer, airflow: AirflowInstance) -> Iterator[Callable[[str, str], None]]:
    """Set what Airflow remembers in the browser, and forget it afterwards."""
    viewer.page.goto(f"{airflow.url}/okta-ure/static/icon.svg")
    names: list[str] = []

    def remember(name: str, value: str) -> None:
        names.append(name)
        viewer.page.evaluate("([name, value]) => localStorage.setItem(name, value)", [name, value])

    yield remember
    for name in names:
        viewer.page.evaluate("name => localStorage.removeItem(name)", name)


def shown_number(locator: Locator) -> int:
    return int(re.sub(r"\D", "", locator.inner_text()))


def log_count(viewer: Viewer) -> int:
    count = viewer.page.get_by_test_id("count")
    expect(count).to_be_visible()
    # Behind the number of entries stands that of the users who have none.
    return int(re.sub(r"\D", "", count.inner_text().partition(";")[0]))


def table_of(viewer: Viewer, title: str) -> list[list[str]]:
    """Turn a chart into its table and return the texts of its rows."""
    viewer.page.get_by_role("button", name=f"Table: {title}").click()
    table = viewer.page.get_by_role("table", name=title)
    rows = table.locator("tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("th,td").all()] for row in rows]


def click_mark(viewer: Viewer, title: str, dataset: int, index: int) -> None:
    """Click the middle of a bar."""
    canvas = viewer.page.get_by_role("region", name=title).locator("canvas")
    canvas.scroll_into_view_if_needed()
    middle = canvas.evaluate(
        """(canvas, [dataset, index]) => {
            const mark = Chart.getChart(canvas).getDatasetMeta(dataset).data[index];
            const {x, y} = mark.getCenterPoint();
            return {x, y};
        }""",
        [dataset, index],
    )
    canvas.click(position=middle)


def person_of(week: Week) -> tuple[str, int, str]:
    """Return name, score and rule of the least safe one who was put into the group today."""
    first = "where run_id = ? and action = 'add_to_group' and status = 'done' order by score limit 1"
    name, score, rule = week.ask("user_name, score, rule", first, week.run_id)[0]
    return name, score, rule


def test_from_the_navigation_to_who_was_quarantined_today_and_why(viewer: Viewer, week: Week):
    viewer.page.goto(viewer.url)
    viewer.page.get_by_role("link", name="User Risk").click()
    expect(viewer.page.get_by_role("heading", name="User Risk", level=1)).to_be_visible(timeout=SECONDS)
    name, score, rule = person_of(week)
    added = viewer.page.get_by_test_id("latest-added")
    number = week.count("run_id = ? and action = 'add_to_group' and status = 'done'", week.run_id)
    expect(added.get_by_role("heading")).to_have_text(re.compile(rf"^{number} users? added to “{GROUP}”$"))
    expect(added).to_contain_text(name)
    expect(added).to_contain_text(f"score {score}, rule: {rule}")
    viewer.shoot("overview")
    viewer.shoot("overview_whole", whole=True)


def test_the_numbers_of_the_overview_are_those_of_the_action_log(viewer: Viewer, week: Week):
    viewer.open("re-days=30")
    expected = {
        "done": week.count(f"status = 'done' and {CHANGES}"),
        "failed": week.count(f"status = 'failed' and {PEOPLE}"),
        "people": week.count(f"status = 'done' and {CHANGES}", of="count(distinct lower(user_name))"),
    }
    for name, number in expected.items():
        assert shown_number(viewer.page.get_by_test_id(f"total-{name}").locator("dd")) == number, name
    rows = table_of(viewer, "Add to group: users per run")
    by_run = week.ask(
        "sum(action = 'add_to_group' and status = 'done')",
        f"where {PEOPLE} group by run_id order by max(as_of)",
    )
    assert [int(row[1]) for row in rows] == by_run
    assert sum(by_run) > 10
    levels = table_of(viewer, "Users evaluated per run, by risk level")
    high = week.ask(
        "count(distinct lower(user_name))",
        f"where risk_level = 'high' and {PEOPLE} group by as_of order by as_of",
    )
    assert [int(row[1]) for row in levels if row[1] != "0"] == high
    signals = table_of(viewer, "Risk signals sent and confirmed")
    pushed = week.count("action = 'push_risk' and status = 'done'")
    assert sum(int(row[1]) for row in signals) == pushed > 0
    assert sum(int(row[2]) for row in signals) == week.count("confirmation = 'confirmed'") == pushed


def test_the_failure_is_shown_with_what_to_do(viewer: Viewer, week: Week):
    viewer.open()
    failures = viewer.page.get_by_test_id("failures")
    (name,) = week.ask("user_name", "where status = 'failed'")
    expect(failures).to_contain_text(name)
    expect(failures).to_contain_text("What to do:")
    failures.get_by_role("link", name="show all").click()
    assert log_count(viewer) == 1


def test_every_mark_leads_to_the_rows_behind_it(viewer: Viewer, week: Week):
    viewer.open()
    runs = week.ask(
        "run_id, sum(action = 'add_to_group' and status = 'done')",
        f"where {PEOPLE} group by run_id order by max(as_of)",
    )
    index = max(range(len(runs)), key=lambda at: runs[at][1])
    click_mark(viewer, "Add to group: users per run", 0, index)
    viewer.page.wait_for_url(re.compile("re-view=log"))
    run_id, number = runs[index]
    assert log_count(viewer) == number
    expect(viewer.page.get_by_text(f"Run: {run_id}")).to_be_visible()
    viewer.page.go_back()
    expect(viewer.page.get_by_test_id("latest")).to_be_visible()
    # The same by keyboard, through the table.
    table_of(viewer, "Add to group: users per run")
    link = viewer.page.get_by_role("table", name="Add to group: users per run").get_by_role("link").first
    number = shown_number(link)
    link.press("Enter")
    viewer.page.wait_for_url(re.compile("re-view=log"))
    assert log_count(viewer) == number


def test_filters_stand_in_the_address_and_the_back_button_works(viewer: Viewer, week: Week):
    viewer.open("re-view=log")
    everything = week.count(BRIEF)
    assert log_count(viewer) == everything
    viewer.page.get_by_role("button", name="Action", exact=False).first.click()
    viewer.page.get_by_role("menuitemcheckbox", name="Remove from group").click()
    viewer.page.keyboard.press("Escape")
    removed = week.count(f"{BRIEF} and action = 'remove_from_group'")
    expect(viewer.page.get_by_test_id("count")).to_have_text(re.compile(rf"^{removed} entr"))
    assert "re-action=remove_from_group" in viewer.page.url
    viewer.shoot("log_filtered")
    viewer.page.reload()
    expect(viewer.page.get_by_test_id("count")).to_have_text(re.compile(rf"^{removed} entr"), timeout=SECONDS)
    viewer.page.go_back()
    expect(viewer.page.get_by_test_id("count")).to_have_text(re.compile(rf"^{everything} entr"))
    field = viewer.page.get_by_role("textbox", name="User")
    part = person_of(week)[0][:12]
    field.fill(part)
    field.press("Enter")
    number = week.count(f"{BRIEF} and user_name like '%' || ? || '%'", part)
    expect(viewer.page.get_by_test_id("count")).to_have_text(re.compile(rf"^{number} entr"))
    viewer.page.get_by_role("button", name="Clear").click()
    expect(viewer.page.get_by_test_id("count")).to_have_text(re.compile(rf"^{everything} entr"))


def test_the_server_pages_and_sorts(viewer: Viewer, week: Week):
    viewer.open("re-view=log&re-show=all")
    assert log_count(viewer) == week.count("true") > 100

    def ids() -> list[str]:
        return [str(row.get_attribute("data-entry")) for row in viewer.page.locator("[data-entry]").all()]

    newest = week.ask("id", "order by as_of desc, id desc limit 100")
    assert ids() == [str(one) for one in newest[:50]]
    viewer.page.get_by_role("button", name="Next page").click()
    expect(viewer.page.locator("[data-entry]").first).to_have_attribute("data-entry", str(newest[50]))
    assert ids() == [str(one) for one in newest[50:]]
    viewer.page.get_by_role("button", name="First page").click()
    expect(viewer.page.locator("[data-entry]").first).to_have_attribute("data-entry", str(newest[0]))
    viewer.page.get_by_role("button", name="As of").click()
    (oldest,) = week.ask("id", "order by as_of, id limit 1")
    expect(viewer.page.locator("[data-entry]").first).to_have_attribute("data-entry", str(oldest))
    expect(viewer.page.get_by_role("columnheader", name="As of")).to_have_attribute("aria-sort", "ascending")


def test_a_row_tells_everything_and_leads_to_the_log_of_its_task(viewer: Viewer, week: Week):
    viewer.open("re-view=log&re-action=push_risk&re-status=done")
    viewer.page.get_by_role("button", name=re.compile("^Details: ")).first.click()
    details = viewer.page.get_by_test_id("details")
    newest = "where action = 'push_risk' and status = 'done' order by as_of desc, id desc limit 1"
    jti, request_id, name, run_id = week.ask("jti, request_id, user_name, run_id", newest)[0]
    for text in (jti, request_id, name, run_id, "score <= 500", "0 to 1000, higher is safer"):
        expect(details).to_contain_text(text)
    viewer.shoot("log_details")
    details.get_by_role("link", name="Log of the task").click()
    viewer.page.wait_for_url(lambda url: url.startswith(f"{viewer.url}/dags/{DAG_ID}/runs/"))
    assert "/tasks/push_risk" in viewer.page.url
    expect(viewer.page.get_by_text("push_risk").first).to_be_visible()


def test_why_is_somebody_in_this_group(viewer: Viewer, week: Week):
    name, score, _ = person_of(week)
    viewer.open("re-view=person")
    expect(viewer.page.get_by_test_id("empty")).to_be_visible()
    field = viewer.page.get_by_role("combobox", name="Person")
    field.press_sequentially(name[:10])
    expect(viewer.page.get_by_role("option", name=name)).to_be_visible()
    while name not in viewer.page.locator("[role=option][aria-selected=true]").inner_text():
        field.press("ArrowDown")
    field.press("Enter")
    groups = viewer.page.get_by_test_id("memberships")
    expect(groups).to_contain_text(GROUP)
    expect(groups).to_contain_text(f"score {score}")
    expect(groups).to_contain_text("score <= 500")
    expect(viewer.page.get_by_role("heading", name=name)).to_be_visible()
    rows = table_of(viewer, "Score over time")
    scores = week.ask("distinct as_of, score", "where lower(user_name) = lower(?) order by as_of", name)
    assert [int(row[1]) for row in rows] == [one for _, one in scores]
    assert "Added to group (done)" in rows[-1][3]
    viewer.page.get_by_role("button", name="Chart: Score over time").click()
    expect(viewer.page.get_by_role("region", name="Score over time").locator("canvas")).to_be_visible()
    viewer.shoot("person")
    viewer.page.reload()
    expect(viewer.page.get_by_role("heading", name=name)).to_be_visible(timeout=SECONDS)


def test_the_search_opens_who_was_typed_however_fast(viewer: Viewer, week: Week):
    name = week.ask("max(user_name)", f"where {PEOPLE} and user_name like 'm%@%'")[0]
    field = viewer.page.get_by_role("combobox", name="Person")
    heading = viewer.page.get_by_role("heading", level=2)
    for typed in (name, name.upper()):
        viewer.open("re-view=person")
        # With suggestions for the beginning on the screen, the rest is typed and entered.
        field.press_sequentially(typed[:1])
        expect(viewer.page.get_by_role("option").first).to_be_visible()
        field.press_sequentially(typed[1:])
        field.press("Enter")
        expect(heading).to_have_text(name)
        viewer.open("re-view=person")
        field.fill(typed)
        field.press("Enter")
        expect(heading).to_have_text(name)
    viewer.open("re-view=person")
    field.fill("nobody-is-called-that")
    field.press("Enter")
    expect(viewer.page.get_by_text("No matching user")).to_be_visible()
    expect(viewer.page.get_by_test_id("person")).to_have_count(0)


def test_a_reason_that_can_be_chosen_has_rows(viewer: Viewer, week: Week):
    viewer.open("re-view=log")
    viewer.page.get_by_role("button", name="Reason", exact=False).first.click()
    titles = [one.inner_text().strip() for one in viewer.page.get_by_role("menuitemcheckbox").all()]
    assert len(titles) == len(set(titles)) > 1
    for title in titles:
        viewer.open("re-view=log")
        viewer.page.get_by_role("button", name="Reason", exact=False).first.click()
        viewer.page.get_by_role("menuitemcheckbox", name=title, exact=True).click()
        viewer.page.wait_for_url(re.compile("re-reason="))
        viewer.page.reload()
        expect(viewer.page.get_by_test_id("count")).to_be_visible(timeout=SECONDS)
        expect(viewer.page.get_by_test_id("empty")).to_have_count(0)
        assert log_count(viewer) > 0


@pytest.mark.parametrize("view", ["overview", "log", "person"])
def test_a_date_in_the_address_that_is_none_is_a_message(viewer: Viewer, week: Week, view: str):
    viewer.open(f"re-view={view}&re-since=yesterday&re-user_name={quote(person_of(week)[0])}")
    problem = viewer.page.get_by_test_id("problem-date")
    expect(problem).to_contain_text("yesterday")
    problem.get_by_role("button", name="Remove this date").click()
    expect(problem).to_have_count(0)
    shown = {"overview": "latest", "log": "count", "person": "person"}[view]
    expect(viewer.page.get_by_test_id(shown)).to_be_visible()


def test_somebody_who_recovered_is_in_no_group(viewer: Viewer, week: Week):
    newest = "where action = 'remove_from_group' and status = 'done' order by as_of desc limit 1"
    (name,) = week.ask("user_name", newest)
    viewer.open(f"re-view=person&re-user_name={quote(name)}")
    expect(viewer.page.get_by_test_id("memberships")).to_contain_text(f"Removed from “{GROUP}”")
    viewer.shoot("person_recovered")


def test_the_export_holds_what_is_filtered(viewer: Viewer, week: Week, tmp_path: Path):
    viewer.open("re-view=log&re-show=all&re-action=no_action&re-action=add_to_group")
    with viewer.page.expect_download() as started:
        viewer.page.get_by_role("link", name="Export as CSV").click()
    file = tmp_path / "actions.csv"
    started.value.save_as(file)
    with file.open(newline="", encoding="utf-8-sig") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == week.count("action in ('no_action', 'add_to_group')")
    names = [row["user_name"] for row in rows]
    assert not [name for name in names if name.startswith(("=", "+", "-", "@"))]
    assert [name for name in names if "=cmd()" in name]


def test_names_that_look_like_code_are_only_names(viewer: Viewer, week: Week):
    viewer.open(f"re-view=log&re-dag_id={ODD}&re-show=all")
    (name,) = week.ask("user_name", "where user_name like '<img%'")
    expect(viewer.page.get_by_text(name, exact=True).first).to_be_visible()
    assert viewer.page.locator("img[onerror]").count() == 0
    viewer.page.get_by_role("button", name=re.compile("^Details: <img")).first.click()
    viewer.page.get_by_role("link", name=name).first.click()
    expect(viewer.page.get_by_role("heading", name=name)).to_be_visible()
    expect(viewer.page.get_by_test_id("person")).to_be_visible()
    assert viewer.page.locator("img[onerror]").count() == 0
    assert viewer.page.title() != "broken"


def test_a_dag_and_a_run_have_it_as_a_tab(viewer: Viewer, week: Week):
    viewer.page.goto(f"{viewer.url}/dags/{ODD}")
    viewer.page.locator('a[href$="/plugin/risk-exchange-dag"]').click()
    root = viewer.page.get_by_test_id("risk-exchange")
    expect(root).to_be_visible(timeout=SECONDS)
    expect(root.get_by_test_id("zone")).to_contain_text(f"DAG {ODD}")
    expect(root.get_by_test_id("latest-added")).to_contain_text("No users added")
    root.get_by_role("link", name="Action log", exact=True).click()
    assert log_count(viewer) == week.count(f"{BRIEF} and dag_id = ?", ODD)
    viewer.open(path=f"/dags/{DAG_ID}/runs/{quote(week.run_id)}/plugin/risk-exchange-run")
    expect(viewer.page.get_by_role("heading", name="This run")).to_be_visible()
    expect(viewer.page.get_by_label("Period")).to_have_count(0)
    viewer.shoot("run_tab")
    root.get_by_role("link", name="Action log", exact=True).click()
    assert log_count(viewer) == week.count(f"{BRIEF} and run_id = ?", week.run_id)


def test_it_is_dark_where_airflow_is(viewer: Viewer, remembering: Callable[[str, str], None]):
    remembering("theme", "dark")
    viewer.open()
    ground = viewer.page.get_by_test_id("latest").evaluate("one => getComputedStyle(one).backgroundColor")
    ink = viewer.page.get_by_test_id("latest").evaluate("one => getComputedStyle(one).color")
    assert viewer.page.evaluate("document.documentElement.className").split().count("dark") == 1
    assert ground != ink
    viewer.shoot("overview_dark")


@pytest.mark.parametrize("view", ["overview", "log", "person"])
def test_it_fits_into_a_narrow_window(visit: Callable[..., Viewer], week: Week, view: str):
    viewer = visit(width=400, height=860)
    root = viewer.open(f"re-view={view}&re-user_name={quote(person_of(week)[0]) if view == 'person' else ''}")
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert root.evaluate("one => one.scrollWidth - one.clientWidth") == 0
    viewer.shoot(f"narrow_{view}")


def test_moments_are_those_of_the_zone_that_is_chosen_in_airflow(
    viewer: Viewer, week: Week, remembering: Callable[[str, str], None]
):
    name = person_of(week)[0]
    remembering("timezone", '"Asia/Kolkata"')
    viewer.open(f"re-view=log&re-user={quote(name)}&re-until=2026-01-01T00:00:00Z")
    expect(viewer.page.get_by_test_id("zone")).to_have_text("Times in Asia/Kolkata")
    # 5:30 later than UTC, in the field as in the table
    expect(viewer.page.get_by_label("Until")).to_have_value("2026-01-01T05:30")
    viewer.page.get_by_label("From").fill("2025-12-31T05:30")
    viewer.page.get_by_label("From").press("Enter")
    viewer.page.wait_for_url(re.compile(re.escape(quote("2025-12-31T00:00:00Z", safe=""))))


def test_who_may_read_sees_it_and_who_may_not_sees_nothing(
    visit: Callable[..., Viewer], airflow: AirflowInstance
):
    viewer = visit("viewer")
    viewer.open()
    expect(viewer.page.get_by_test_id("latest")).to_be_visible()
    answer = requests.post(
        f"{airflow.url}/auth/token", json={"username": "nobody", "password": "nobody"}, timeout=30
    )
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for path in ("filters", "overview", "actions", "actions.csv", "people", "person?user_name=a"):
        url = f"{airflow.url}/okta-ure/api/{path}"
        assert requests.get(url, headers=bearer, timeout=30).status_code == 403, path
        assert requests.get(url, timeout=30).status_code == 401, path
    # What the server answers to nobody, shown by the page.
    answer = requests.get(f"{airflow.url}/okta-ure/api/overview", headers=bearer, timeout=30)
    answer_with(viewer, 403, answer.json())
    viewer.open()
    expect(viewer.page.get_by_test_id("problem-403")).to_contain_text(
        "You do not have permission to see this"
    )
    viewer.shoot("no_permission")
    forget_refusals(viewer)


def answer_with(viewer: Viewer, status: int, body: Any) -> None:
    def fulfil(route: Route) -> None:
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    viewer.page.route("**/okta-ure/api/**", fulfil)


def forget_refusals(viewer: Viewer) -> None:
    """The browser notes every refusal that was wanted here."""
    viewer.trouble = [one for one in viewer.trouble if "Failed to load resource" not in one]


@pytest.mark.parametrize(
    ("status", "body", "test_id", "words"),
    [
        (
            404,
            {"detail": "None.", "remedy": "Trigger one.", "state": "no_action_log"},
            "problem-no_action_log",
            ["There is no action log yet", "Trigger one.", "Show the DAGs"],
        ),
        (
            503,
            {"detail": "It is down.", "remedy": "Start it.", "state": "unreachable"},
            "problem-unreachable",
            ["cannot be read", "It is down.", "Start it.", "Try again"],
        ),
        (500, {"detail": "Broken.", "remedy": "Look."}, "problem-500", ["Broken.", "Try again"]),
        (401, {"detail": "Not authenticated"}, "problem-401", ["no longer signed in", "Sign in again"]),
    ],
    ids=["no-action-log", "unreachable", "broken", "signed-out"],
)
@pytest.mark.parametrize("view", ["overview", "log"])
def test_what_cannot_be_shown_is_said_with_what_to_do_next(viewer, view, status, body, test_id, words):
    answer_with(viewer, status, body)
    viewer.open(f"re-view={view}")
    problem = viewer.page.get_by_test_id(test_id)
    for word in words:
        expect(problem).to_contain_text(word)
    if view == "overview":
        viewer.shoot(test_id.replace("problem-", "state_"))
    if "Try again" in words:
        viewer.page.unroute("**/okta-ure/api/**")
        problem.get_by_role("button", name="Try again").click()
        expect(viewer.page.get_by_test_id("latest" if view == "overview" else "count")).to_be_visible()
    forget_refusals(viewer)


PAUSED = {
    "is_known": True,
    "since": "2026-11-27T10:00:00Z",
    "by": "ann",
    "reason": "wrong tenant",
    "remedy": "",
}


def test_a_pause_is_said_above_every_view(viewer: Viewer):
    def fulfil(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"paused": PAUSED}))

    viewer.page.route("**/okta-ure/api/pause", fulfil)
    for view in ("overview", "log", "person"):
        viewer.open(f"re-view={view}")
        said = viewer.page.get_by_test_id("paused")
        expect(said).to_contain_text("Paused since")
        expect(said).to_contain_text("by ann: wrong tenant. Nothing is written to Okta.")
    viewer.page.unroute("**/okta-ure/api/pause")
    viewer.open()
    expect(viewer.page.get_by_test_id("latest")).to_be_visible()
    expect(viewer.page.get_by_test_id("paused")).to_have_count(0)


def test_an_empty_period_says_what_to_do(viewer: Viewer):
    viewer.open("re-since=2020-01-01T00:00:00Z&re-until=2020-02-01T00:00:00Z")
    expect(viewer.page.get_by_test_id("empty")).to_contain_text("Choose a longer period")
    viewer.open("re-view=log&re-user=nobody-is-called-that")
    expect(viewer.page.get_by_test_id("empty")).to_contain_text("No entries match")
    viewer.page.get_by_role("button", name="Remove all filters").click()
    assert log_count(viewer) > 0


def test_everything_has_a_name_for_those_who_do_not_see_it(viewer: Viewer, week: Week):
    for query in ("", "re-view=log", f"re-view=person&re-user_name={quote(person_of(week)[0])}"):
        root = viewer.open(query)
        nameless = root.evaluate(
            """root => [...root.querySelectorAll('button, a[href], input:not([type=hidden]), select, canvas, table, nav, form')]
                .filter(one => one.offsetParent !== null)
                .filter(one => !(one.ariaLabel || one.innerText?.trim() || one.labels?.length || one.title))
                .map(one => one.outerHTML.slice(0, 200))"""
        )
        assert nameless == []
        levels = root.evaluate(
            "root => [...root.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))"
        )
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels
