"""A web page cannot drive the sandbox, and other users of the machine cannot read what the demo writes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_okta_ure.sandbox.control import HEADER, Control
from demo.folders import fresh_folder

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

PATHS = [
    "/sandbox/state",
    "/sandbox/requests",
    "/sandbox/reset",
    "/sandbox/options",
    "/sandbox/okta/tokens",
    "/sandbox/static/jwks.json",
    "/sandbox/nothing",
]


def call(sandbox: Sandbox, method: str, path: str, **headers: str) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.request(method, sandbox.okta_url + path, data="{}", headers=headers, timeout=10)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(
            {"Content-Type": "text/plain", "Origin": "https://evil.example"}, id="form-of-another-site"
        ),
        pytest.param({"Sec-Fetch-Site": "cross-site", HEADER: ""}, id="empty-header"),
        pytest.param({HEADER: "1", "Host": "evil.example:8091"}, id="name-that-points-here"),
        pytest.param({HEADER: "1", "Host": "127.0.0.1.evil.example"}, id="name-that-looks-like-here"),
        pytest.param({HEADER: "1", "Host": "localhost@evil.example"}, id="name-with-a-user"),
    ],
)
def test_a_web_page_cannot_use_a_control_route(sandbox: Sandbox, headers: dict[str, str]) -> None:
    def state() -> dict[str, Any]:
        return {name: value for name, value in sandbox.dump().items() if name != "now"}

    before = state()
    for path in PATHS:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            if path.startswith("/sandbox/static/") and method == "GET":
                continue  # a published document, for everybody
            answer = call(sandbox, method, path, **headers)
            assert answer.status_code == 403, (method, path)
            assert not any(name.lower().startswith("access-control-") for name in answer.headers)
    assert state() == before


def test_the_answer_says_which_header_is_needed(sandbox: Sandbox) -> None:
    assert HEADER in call(sandbox, "GET", "/sandbox/state").json()["error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8091", "[::1]:8091", "127.0.0.2"])
def test_with_the_header_everything_is_as_before(sandbox: Sandbox, host: str) -> None:
    assert call(sandbox, "GET", "/sandbox/state", **{HEADER: "1", "Host": host}).status_code == 200
    assert call(sandbox, "GET", "/sandbox/health", Host=host).status_code == 200


def test_every_route_is_behind_the_check(sandbox: Sandbox) -> None:
    for method, path, _ in Control(sandbox)._routes():
        if path != "/sandbox/health":
            assert call(sandbox, method, path).status_code == 403, path


def test_only_its_user_reads_what_a_demo_writes(tmp_path: Path) -> None:
    folder = tmp_path / "demos" / "demo"
    previous = os.umask(0o022)
    try:
        with fresh_folder(folder) as made:
            (made / "sub").mkdir()
            (made / "sub" / "token").write_text("secret")
            subprocess.run(
                [sys.executable, "-c", "open('of-a-child', 'w').close()"], cwd=made, check=True, timeout=60
            )
        assert os.umask(0o022) == 0o022
        modes: dict[str, Any] = {
            str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")
        }
    finally:
        os.umask(previous)
    assert modes == {
        "demos": 0o700,
        "demos/demo": 0o700,
        "demos/demo.lock": 0o600,
        "demos/demo/made-by-the-demo": 0o600,
        "demos/demo/of-a-child": 0o600,
        "demos/demo/sub": 0o700,
        "demos/demo/sub/token": 0o600,
    }
