"""Whatever stands in an address of the page: it is answered or refused, and never breaks anything."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from fastapi import FastAPI

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.plugin import api_routes
from airflow_provider_okta_ure.plugin.store import Store
from tests.support.airflow_security import Visitor
from tests.support.page import SYNC, app, security, viewer

if TYPE_CHECKING:
    from tests.support.airflow_security import Security
    from tests.support.postgres import Server

__all__ = ["app", "security", "viewer"]

MOMENT = datetime(2026, 11, 23, tzinfo=timezone.utc)
DATES = [
    f"{day}T{time}{offset}"
    for day in ("0001-01-01", "0001-01-02", "2026-02-29", "9999-12-31")
    for time in ("00:00:00", "23:59:59.999999")
    for offset in ("Z", "+14:00", "-14:00", "+23:59", "")
]
TEXTS = [
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\x7f",
    "\u0085",
    "\u2028",
    "\ufffe\uffff",
    "\U0010ffff",
    "a" * 255,
    "a" * 256,
    "\U0001f600" * 255,
    "%",
    "%%%_\\",
    "\\",
    "'; DROP TABLE okta_ure_action_log; --",
    "0001-01-01",
    "inf",
    "nan",
    "null",
    "[]",
    "{}",
    "true",
    "-1",
    "1e400",
    "\u0661",
    "9" * 5000,
    str(2**63),
    str(-(2**63) - 1),
]
NUMBERS = [
    "0",
    "1",
    "-1",
    "500",
    "501",
    "1.5",
    "1e9",
    "0x10",
    " 1",
    "\u0661",
    "9" * 5000,
    str(2**63),
    "-0",
    "",
]


def cursor(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


CURSORS = [
    *(cursor(f'["{moment}",{number}]') for moment in DATES for number in (0, 2**63 - 1)),
    *(
        cursor(f'["2026-11-23T00:00:00Z",{number}]')
        for number in (-1, 2**63, 2**64, 10**40, 1.5, "null", "true", '"1"', "[]", "1e999", "9" * 100)
    ),
    *(cursor(one) for one in ("", "[]", "null", "[" * 100, "{}", '["\x00",1]', b"\xff\xfe", b"\x00")),
    "=",
    "====",
    "\u0661",
    "a" * 201,
]


def entry() -> Entry:
    return Entry(
        org="https://acme.okta.com",
        action="add_to_group",
        target="00gRISK",
        target_name="At risk",
        user_key="00uANN",
        user_id="00uANN",
        user_name="ann",
        as_of=MOMENT,
        started_at=MOMENT,
        recorded_at=MOMENT,
        dag_id=SYNC,
        run_id="scheduled__1",
        task_id="add_to_group",
        rule="score <= 500",
        score=103,
        status="done",
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionLog]:
    url = f"sqlite:///{tmp_path_factory.mktemp('log')}/log.db"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
    log = ActionLog.open(url)
    log.finish([entry()])
    yield log
    log.close()


@pytest.fixture
def get(viewer: Visitor, log: ActionLog, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.setattr(api_routes, "store", Store(lambda: log.database.engine.url))

    def get(path: str, **params: Any) -> tuple[int, str]:
        answer = viewer.get(f"/okta-ure{path}", **params)
        assert answer.status_code < 500, (path, params, answer.text)
        if answer.status_code >= 400:
            assert answer.json()["detail"]
            assert answer.json()["remedy"]
        return answer.status_code, answer.text

    return get


def parameters() -> list[tuple[str, str, str]]:
    """Return every route of the page with each of its parameters and what kind of value that takes."""
    page = FastAPI()
    page.include_router(api_routes.router)
    found = []
    for path, methods in page.openapi()["paths"].items():
        for one in methods["get"].get("parameters", ()):
            name, schema = one["name"], one["schema"]
            kind = "number" if schema.get("type") == "integer" else "text"
            kind = {"since": "date", "until": "date", "cursor": "cursor"}.get(name, kind)
            found.append((path, name, kind))
    return found


VALUES = {"date": [*DATES, *TEXTS], "cursor": [*CURSORS, *TEXTS], "number": [*NUMBERS, *TEXTS], "text": TEXTS}


@pytest.mark.parametrize(("path", "name", "kind"), parameters())
def test_no_value_of_a_parameter_breaks_a_route(
    get: Callable[..., tuple[int, str]], path: str, name: str, kind: str
) -> None:
    person = {"user_name": "ann"} if path == "/api/person" and name != "user_name" else {}
    for value in VALUES[kind]:
        get(path, **{**person, name: value})


def test_every_route_with_parameters_is_tried() -> None:
    assert {"/api/overview", "/api/actions", "/api/actions.csv", "/api/people", "/api/person"} <= {
        path for path, _, _ in parameters()
    }
    assert {kind for _, _, kind in parameters()} == set(VALUES)


@pytest.mark.parametrize("path", ["/api/overview", "/api/actions", "/api/actions.csv", "/api/person"])
def test_periods_of_extreme_times_have_no_entries_and_break_nothing(
    get: Callable[..., tuple[int, str]], path: str
) -> None:
    person = {"user_name": "ann"} if path == "/api/person" else {}
    for since in DATES[::6]:
        for until in DATES[::5]:
            get(path, since=since, until=until, **person)


def test_an_end_before_which_there_is_no_time_is_refused_and_said(
    get: Callable[..., tuple[int, str]],
) -> None:
    status, said = get("/api/overview", until="0001-01-01T00:00:00Z")
    assert status == 400
    assert "until" in said
    assert get("/api/overview", until="0001-02-01T00:00:00Z")[0] == 200
    assert get("/api/overview", since="0001-01-01T00:00:00Z", until="0001-01-01T00:00:00Z")[0] == 200


def test_a_name_with_nul_is_refused_before_the_database_is_asked(
    get: Callable[..., tuple[int, str]],
) -> None:
    for path, name, kind in parameters():
        if kind == "text" and name != "sort":
            assert get(path, **{name: "a\x00b"})[0] == 422, (path, name)


STATIC = ["main.js", "shared/api.js", "icon.svg", "vendor/chart.js/LICENSE.md"]
ODD_PATHS = [
    "%00",
    "main.js%00",
    "main.js%00.svg",
    "%0a",
    "shared%00/api.js",
    "",
    ".",
    "..",
    "%2e%2e/store.py",
    "..%2fstore.py",
    "..%5cstore.py",
    "%252e%252e/store.py",
    "/etc/passwd",
    "//main.js",
    "./main.js",
    "shared/../main.js",
    "shared/",
    "shared",
    "main.js/",
    "MAIN.JS",
    "vendor/chart.js",
    "a" * 5000,
    "a/" * 2000 + "b.js",
    "%ff%fe.js",
    "%ed%a0%80.js",
    quote("\U0001f600.js"),
    "con.js",
    "~root",
]


def test_files_of_the_page_are_there(viewer: Visitor) -> None:
    for name in STATIC:
        assert viewer.get(f"/okta-ure/static/{name}").status_code == 200, name


def status_of_path(app: FastAPI, token: str, path: str) -> tuple[int, bytes]:
    """Return the answer to a path as it is: clients take dots and slashes out of it themselves."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "server": ("airflow.example", 443),
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize("name", ODD_PATHS, ids=range(len(ODD_PATHS)))
def test_no_odd_name_of_a_file_breaks_anything_or_leads_elsewhere(
    app: FastAPI, security: Security, name: str
) -> None:
    status, body = status_of_path(app, security.token("viewer"), f"/okta-ure/static/{name}")
    assert status == (400 if "%00" in name else 404)
    assert b"import" not in body


@pytest.mark.parametrize("header", ["If-None-Match", "Accept", "Range", "Authorization", "Cookie"])
@pytest.mark.parametrize(
    "value", ["", "*", 'W/"', "bytes=9999999999-", "Bearer ", "Bearer a.b.c", "_token=", "\xff"]
)
def test_no_odd_header_breaks_anything(app: FastAPI, security: Security, header: str, value: str) -> None:
    viewer = Visitor(app, security.token("viewer"))
    for path in ("/static/main.js", "/jwks.json", "/.well-known/ssf-configuration", "/api/people"):
        answer = viewer.request("GET", f"/okta-ure{path}", headers={header: value.encode("latin-1")})
        assert answer.status_code < 500, (path, answer.text)
