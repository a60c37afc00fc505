# SPDX-License-Identifier: Apache-2.0
"""What leaves this machine: to whom, with which headers, and with the token only where it belongs."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure import __version__
from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.calls import Call
from airflow_provider_okta_ure.clients.http import ApiClient
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError, UnexpectedAnswerError
from tests.unit.http_script import ORG, TOKEN, Clock, Said, Script, Step, client, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*steps: Step) -> Script:
        script = Script(*steps)
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        return script

    return start


def test_every_request_has_a_timeout_and_follows_no_redirect(play: Any) -> None:
    script = play(Said())
    client(connect_timeout=3, read_timeout=44).call("GET", "/api/v1/org", bucket="b")
    assert script.settings[0]["timeout"] == (3, 44)


def test_timeouts_are_set_when_nobody_asks_for_them_and_longer_for_netskope(play: Any) -> None:
    script = play(Said(200, []), Said(200, {"totalResults": 0}))
    list(OktaClient.connect(ORG, SswsAuth(TOKEN)).list_users())
    list(NetskopeClient.connect("https://acme.goskope.com", NetskopeTokenAuth("t")).list_users())
    assert [settings["timeout"] for settings in script.settings] == [(10.0, 60.0), (10.0, 120.0)]


def test_we_say_who_we_are_and_in_which_version(play: Any) -> None:
    script = play(Said())
    client().call("GET", "/api/v1/org", bucket="b")
    assert script.sent[0].headers["User-Agent"] == f"airflow-provider-okta-ure/{__version__}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["https://evil.example/steal", "//evil.example/x", "https://evil.example:8443/?a=b"]
)
def test_a_redirect_is_not_followed_and_its_host_is_named(play: Any, status: int, target: str) -> None:
    script = play(Said(status, b"", [("Location", target)]))
    with pytest.raises(UnexpectedAnswerError, match=r"evil\.example"):
        client().call("GET", "/api/v1/org", bucket="b")
    assert len(script.sent) == 1


def test_a_redirect_to_nowhere_is_refused_as_well(play: Any) -> None:
    play(Said(302))
    with pytest.raises(UnexpectedAnswerError):
        client().call("GET", "/api/v1/org", bucket="b")


def test_a_get_and_a_delete_have_no_body_and_a_put_without_one_says_so(play: Any) -> None:
    script = play(Said(204, b""), Said(204, b""), Said(204, b""))
    for method in ("GET", "DELETE", "PUT"):
        client().call(method, "/api/v1/groups/a/users/b", bucket="b", accepts=(204,))
    assert [sent.body for sent in script.sent] == [None] * 3
    assert script.sent[0].headers.get("Content-Length") is None
    assert script.sent[2].headers["Content-Length"] == "0"
    assert all("Content-Type" not in sent.headers for sent in script.sent)


def test_json_is_sent_as_json(play: Any) -> None:
    script = play(Said())
    client().call("POST", "/x", bucket="b", json={"name": "ä"})
    assert script.sent[0].body == '{"name":"ä"}'.encode()
    assert script.sent[0].headers["Content-Type"] == "application/json"


# --- the token


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "netrc"
    path.write_text("default login somebody password from-netrc\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


def test_a_netrc_file_never_replaces_the_token(play: Any, netrc: None) -> None:
    script = play(Said())
    client().call("GET", "/api/v1/org", bucket="b")
    assert script.sent[0].headers["Authorization"] == f"SSWS {TOKEN}"


def test_a_request_without_token_gets_none_from_a_netrc_file_either(play: Any, netrc: None) -> None:
    script = play(Said(202, b""))
    path = "/security/api/v1/security-events"
    client().call("POST", path, bucket="b", body=b"x", authorised=False, accepts=(202,))
    assert "Authorization" not in script.sent[0].headers


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "//evil.example/x", "http://acme.okta.com/x", "https://acme.okta.com:8443/x"],
)
def test_a_request_to_another_origin_leaves_without_the_token(play: Any, url: str) -> None:
    script = play(Said())
    client().call("GET", url, bucket="b")
    assert TOKEN not in str(script.sent[0].headers)


def test_cookies_are_neither_kept_nor_sent_back(play: Any) -> None:
    script = play(Said(200, {}, [("Set-Cookie", "sid=1; Path=/")]), Said())
    api = client()
    for _ in range(2):
        api.call("GET", "/api/v1/org", bucket="b")
    assert "Cookie" not in script.sent[1].headers


def test_plain_http_is_spoken_on_this_machine_only() -> None:
    ApiClient("http://127.0.0.1:8091", SswsAuth(TOKEN), OktaDialect())
    with pytest.raises(ConfigurationError):
        ApiClient("http://acme.okta.com", SswsAuth(TOKEN), OktaDialect())


# --- proxies and certificates


def test_the_proxy_of_the_connection_wins_over_the_environments(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example:1")
    script = play(Said(), Said())
    client(proxy="http://ours.example:3128").call("GET", "/api/v1/org", bucket="b")
    client().call("GET", "/api/v1/org", bucket="b")
    assert [settings["proxies"]["https"] for settings in script.settings] == [
        "http://ours.example:3128",
        "http://environment.example:1",
    ]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    play: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://environment.example:1")
    script = play(Said())
    client(base_url="http://127.0.0.1:8091").call("GET", "/api/v1/org", bucket="b")
    assert script.settings[0]["proxies"] == {}


@pytest.mark.parametrize(
    ("verify", "expected"), [(True, "/env/ca.pem"), (False, False), ("/our/ca.pem", "/our/ca.pem")]
)
def test_what_the_connection_says_about_certificates_wins_over_the_environment(
    play: Any, monkeypatch: pytest.MonkeyPatch, verify: bool | str, expected: bool | str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/env/ca.pem")
    script = play(Said())
    client(verify=verify).call("GET", "/api/v1/org", bucket="b")
    assert script.settings[0]["verify"] == expected


# --- secrets and names of people


class _Everything(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.exc_info}")


@pytest.fixture
def logged() -> Any:
    handler, root = _Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "step",
    [
        Said(200, {"token": TOKEN}),
        Said(401, refused("E0000011", f"Invalid token {TOKEN}")),
        Said(403, {"err": TOKEN, "description": TOKEN}),
        Said(302, b"", [("Location", f"https://evil.example/{TOKEN}")]),
        Said(200, b"<html>" + TOKEN.encode()),
        Said(400, refused("E0000001", "x"), [("X-Okta-Request-Id", TOKEN)]),
        requests.exceptions.InvalidHeader(f"Invalid header {TOKEN}"),
        requests.exceptions.ReadTimeout(TOKEN),
    ],
    ids=str,
)
def test_no_error_log_line_or_repr_shows_the_token(play: Any, logged: list[str], step: Step) -> None:
    play(*[step] * 5)
    api = client(Clock())
    shown = [
        repr(api),
        repr(SswsAuth(TOKEN)),
        str(SswsAuth(TOKEN)),
        repr(Call("GET", "u", "b", True, None, secrets=(TOKEN,))),
    ]
    error: OktaUreError | None = None
    try:
        shown.append(repr(api.call("GET", "/api/v1/org", bucket="b", expect=dict[str, Any])))
    except OktaUreError as raised:
        error = raised
    if error is not None:
        shown += [str(error), repr(error), str(error.args), str(error.__cause__), str(vars(error))]
        assert error.__suppress_context__ or error.__context__ is None
    assert logged
    assert not [line for line in shown + logged if TOKEN in line]


def test_names_of_people_are_not_in_the_log(play: Any, logged: list[str]) -> None:
    play(Said(200, []), Said(404, refused("E0000007", "Not found (User)")))
    okta = OktaClient(client(Clock()))
    assert list(okta.find_users(["ann@corp.example"])) == []
    with pytest.raises(OktaUreError):
        okta.get_user("ann@corp.example")
    ours = [line for line in logged if "Okta" in line]
    assert len(ours) == 2
    assert not [line for line in ours if "ann" in line]


# --- threads


def test_every_thread_has_a_session_of_its_own(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = requests.Session.__init__

    def counted(self: requests.Session) -> None:
        made.append(threading.get_ident())
        original(self)

    monkeypatch.setattr(requests.Session, "__init__", counted)
    play(*[Said()] * 6)
    api = client()
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        for _ in range(2):
            api.call("GET", "/api/v1/org", bucket="b")
        together.wait()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 3
    api.close()
