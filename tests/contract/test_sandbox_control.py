"""The Python object and the control routes: journal, reset, documents, and everything from another process."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_okta_ure.sandbox import Options, PortBusyError, Sandbox, Tls
from airflow_provider_okta_ure.sandbox.pytest_fixture import okta_ure_sandbox  # noqa: F401
from tests.contract.sandbox_support import (
    NOW,
    Api,
    Transmitter,
    jwk,
    make_sandbox,
    netskope_api,
    okta_api,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def control(sandbox):
    return Api(sandbox.okta_url, {"X-Okta-Ure-Sandbox": "1"})


# --- the journal


def test_the_journal_says_what_arrived_and_never_the_credentials(sandbox):
    okta_api(sandbox).post("/api/v1/groups?x=1", json={"profile": {"name": "G"}})
    netskope_api(sandbox).get("/api/v2/scim/Users")
    first, second = sandbox.requests
    assert (first.service, first.method, first.path, first.query) == ("okta", "POST", "/api/v1/groups", "x=1")
    assert (first.status, first.bucket, first.at) == (200, "/api/v1/groups", NOW.timestamp())
    assert first.body == b'{"profile": {"name": "G"}}'
    assert (first.has_authorization, first.authorization_scheme) == (True, "SSWS")
    assert (second.service, second.authorization_scheme) == ("netskope", "Netskope-Api-Token")
    assert sandbox.okta_token not in repr(sandbox.requests)
    assert sandbox.netskope_token not in repr(sandbox.requests)
    assert sandbox.requests_to("okta", "post", "/api/v1") == [first]
    assert sandbox.requests_to("okta", "GET") == []
    sandbox.clear_requests()
    assert sandbox.requests == []


def test_a_log_line_hides_what_looks_like_a_secret(sandbox):
    okta_api(sandbox).get("/api/v1/groups?api_token=abc&q=x&client_assertion=def")
    line = sandbox.requests[-1].line()
    assert line.startswith("okta GET /api/v1/groups?api_token=***&q=x&client_assertion=*** -> 200")
    assert "abc" not in line + str(sandbox.requests[-1].to_dict())


def test_the_journal_forgets_the_oldest():
    with make_sandbox(options=Options(journal_size=3)) as sandbox:
        okta = okta_api(sandbox)
        for number in range(5):
            okta.get(f"/api/v1/users/{number}")
        assert [entry.path[-1] for entry in sandbox.requests] == ["2", "3", "4"]


# --- life and death


def test_it_listens_on_the_loopback_only(sandbox):
    assert sandbox.okta_url.startswith("http://127.0.0.1:")
    assert sandbox.netskope_url.startswith("http://127.0.0.1:")
    port = int(sandbox.okta_url.rsplit(":", 1)[1])
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.2", port))


def test_it_stops_while_a_request_is_held_and_frees_its_ports():
    sandbox = make_sandbox()
    sandbox.start()
    url = sandbox.okta_url
    okta_api(sandbox).get("/api/v1/org")
    sandbox.fail_next(kind="hold")
    with pytest.raises(requests.ReadTimeout):
        okta_api(sandbox).get("/api/v1/org", timeout=0.02)
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        Api(url, {}).get("/sandbox/health")
    with make_sandbox(okta_port=int(url.rsplit(":", 1)[1])) as again:
        assert again.okta_url == url


def test_it_starts_where_an_event_loop_is_running():
    async def work() -> int:
        with make_sandbox() as sandbox:
            return okta_api(sandbox).get("/api/v1/org").status_code

    assert asyncio.run(work()) == 200


def test_a_certificate_that_cannot_be_used_stops_the_start_and_frees_the_ports():
    sandbox = make_sandbox(tls=Tls("missing.pem", "missing.pem"))
    with pytest.raises(FileNotFoundError):
        sandbox.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "okta-ure-sandbox"]


def test_stopping_twice_is_fine_and_starting_twice_is_not(sandbox):
    with pytest.raises(RuntimeError, match="already running"):
        sandbox.start()
    sandbox.stop()
    sandbox.stop()


def test_ten_thousand_users_are_there_from_the_start():
    with Sandbox(users=10_000) as sandbox:
        assert len(sandbox.okta.users) > 9_000  # a few are only in Netskope
        assert okta_api(sandbox).get("/api/v1/users?limit=1").status_code == 200


def test_a_busy_port_is_named(sandbox):
    port = int(sandbox.okta_url.rsplit(":", 1)[1])
    with pytest.raises(PortBusyError, match=f"Port {port} for the pretend Netskope.*--netskope-port"):
        make_sandbox(netskope_port=port).start()


def test_the_fixture_is_ready_to_use(okta_ure_sandbox):  # noqa: F811
    assert okta_ure_sandbox.clock.is_frozen
    assert okta_api(okta_ure_sandbox).get("/api/v1/org").status_code == 200


def test_it_imports_neither_the_rest_of_the_package_nor_airflow_nor_pytest():
    code = (
        "import sys, airflow_provider_okta_ure.sandbox, airflow_provider_okta_ure.sandbox.__main__\n"
        "own = [name for name in sys.modules if name.startswith('airflow_provider_okta_ure.')]\n"
        "print([name for name in own if not name.startswith('airflow_provider_okta_ure.sandbox')])\n"
        "print([name for name in ('airflow', 'pytest', 'jwt') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_another_public_address_is_used_in_links_and_as_audience():
    with make_sandbox(okta_public_url="https://acme.okta.example/") as sandbox:
        assert sandbox.okta_url == "https://acme.okta.example"
        assert sandbox.static_url.startswith("http://127.0.0.1:")
        api = Api(sandbox.static_url.removesuffix("/sandbox/static"), {})
        api.headers["Authorization"] = f"SSWS {sandbox.okta_token}"
        link = api.get("/api/v1/users?limit=1").links["next"]["url"]
        assert link.startswith("https://acme.okta.example/api/v1/users?after=")


# --- reset


def test_a_reset_brings_everything_back(sandbox):
    before = sandbox.dump()
    sender = Transmitter(sandbox)
    sender.push(sender.token())
    sandbox.okta.add_user("x@corp.example")
    sandbox.okta.change_user(sandbox.okta.users[0].id, status="SUSPENDED")
    sandbox.netskope.add_user("y@corp.example")
    sandbox.netskope.set_score(sandbox.netskope.name(0), None, 1)
    sandbox.options.uci_order = "random"
    sandbox.set_bucket("/api/v1/groups", 1)
    sandbox.fail_next(status=500)
    sandbox.clock.advance(1000)
    sandbox.clock.unfreeze()
    assert sandbox.dump() != before
    sandbox.reset()
    assert sandbox.dump() == before
    assert sandbox.requests == []
    assert sandbox.jwks_fetches == 0
    assert okta_api(sandbox).get("/api/v1/groups").headers["X-Rate-Limit-Remaining"] == "249"


def test_a_dump_has_no_secrets(sandbox):
    text = str(sandbox.dump())
    assert sandbox.okta_token not in text
    assert sandbox.netskope_token not in text
    assert sandbox.okta.users[0].login in text


# --- switches


def test_every_switch_has_a_default_and_an_explanation():
    described = Options.describe()
    assert len(described) == len(dataclasses.fields(Options))
    assert all(help_text.endswith(".") for _, _, help_text in described)
    assert Options().to_dict() == {name: default for name, default, _ in described}


WRONG = [
    ({"nonsense": 1}, "no switch named 'nonsense'"),
    ({"uci_order": "sideways"}, "one of ascending"),
    ({"set_audience_strict": "yes"}, "type bool"),
    ({"search_max_terms": True}, "type int"),
    ({"search_max_terms": -1}, "negative"),
    ({"search_max_terms": None}, "type int"),
    ({"index_delay_seconds": "1"}, "type float"),
    ({"risk_bucket": "/api/v9"}, "one of /api/v1/users"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_switch_changes_nothing(change, message):
    options = Options()
    with pytest.raises(ValueError, match=message):
        options.update({"log_delay_seconds": 5.0, **change})
    assert options == Options()


def test_the_documentation_lists_every_switch_with_its_default():
    text = (ROOT / "docs" / "sandbox.md").read_text()
    for name, default, _ in Options.describe():
        shown = f'"{default}"' if isinstance(default, str) else str(default)
        assert f"| `{name}` | `{shown}` |" in text, name


# --- control routes


def test_health_clock_and_switches(sandbox, control):
    health = control.get("/sandbox/health").json()
    assert health["okta_url"] == sandbox.okta_url
    assert Api(sandbox.netskope_url, {}).get("/sandbox/health").json() == health
    assert (
        control.post("/sandbox/clock/advance", json={"seconds": 60}).json()["now"]
        == "2026-11-23T03:01:00+00:00"
    )
    control.put("/sandbox/clock", json={"now": "2026-12-01T00:00:00Z"})
    assert control.get("/sandbox/clock").json() == {"now": "2026-12-01T00:00:00+00:00", "frozen": True}
    assert control.post("/sandbox/clock/unfreeze").json()["frozen"] is False
    assert control.post("/sandbox/clock/freeze").json()["frozen"] is True
    assert control.put("/sandbox/options", json={"uci_order": "random"}).json()["uci_order"] == "random"
    assert sandbox.options.uci_order == "random"
    assert control.get("/sandbox/options").json() == sandbox.options.to_dict()
    assert len(control.get("/sandbox/options/help").json()) == len(sandbox.options.to_dict())


def test_faults_and_buckets(sandbox, control):
    okta = okta_api(sandbox)
    control.post("/sandbox/faults", json={"status": 503, "service": "okta", "times": 2})
    assert control.get("/sandbox/faults").json()["planned"][0]["times"] == 2
    assert okta.get("/api/v1/org").status_code == 503
    assert control.delete("/sandbox/faults").status_code == 204
    assert okta.get("/api/v1/org").status_code == 200
    control.put("/sandbox/faults/rates", json={"rates": {"500": 1.0}})
    assert okta.get("/api/v1/org").status_code == 500
    control.delete("/sandbox/faults")
    control.put("/sandbox/buckets", json={"name": "/api/v1/groups", "limit": 5})
    control.post("/sandbox/buckets/use", json={"name": "/api/v1/groups", "count": 4})
    assert control.get("/sandbox/buckets").json()["/api/v1/groups"]["used"] == 4
    assert [okta.get("/api/v1/groups").status_code for _ in range(2)] == [200, 429]


def test_control_routes_are_neither_counted_nor_noted_nor_hit_by_faults(sandbox, control):
    sandbox.fail_next(status=500)
    sandbox.set_bucket("/api/v1", 0)
    assert control.get("/sandbox/health").status_code == 200
    assert sandbox.requests == []
    assert sandbox.faults()["planned"] != []


def test_the_journal_and_the_state_over_http(sandbox, control):
    okta_api(sandbox).get("/api/v1/org")
    netskope_api(sandbox).get("/api/v2/scim/Users")
    assert [entry["service"] for entry in control.get("/sandbox/requests").json()] == ["okta", "netskope"]
    (entry,) = control.get("/sandbox/requests?service=okta&method=GET&path_prefix=/api").json()
    assert (entry["path"], entry["status"], entry["body_bytes"]) == ("/api/v1/org", 200, 0)
    assert control.get("/sandbox/state").json()["okta"]["users"]
    assert control.delete("/sandbox/requests").status_code == 204
    assert control.get("/sandbox/requests").json() == []


def test_the_org_and_the_tenant_are_arranged_over_http(sandbox, control):
    user = control.post("/sandbox/okta/users", json={"login": "a@corp.example", "department": "Sales"}).json()
    assert user["profile"]["department"] == "Sales"
    control.patch(f"/sandbox/okta/users/{user['id']}", json={"status": "SUSPENDED"})
    assert sandbox.okta.user(user["id"]).status == "SUSPENDED"
    group = control.post("/sandbox/okta/groups", json={"name": "G", "type": "APP_GROUP"}).json()
    assert control.put(f"/sandbox/okta/groups/{group['id']}/members/{user['id']}").status_code == 204
    assert control.get(f"/sandbox/okta/groups/{group['id']}/members").json() == [user["id"]]
    assert control.post("/sandbox/okta/rules/apply").status_code == 204
    assert (
        control.post("/sandbox/netskope/users", json={"name": "a@corp.example", "score": 9}).status_code
        == 204
    )
    score = "/sandbox/netskope/users/a%40corp.example/score"
    assert control.get(score).json() == {"score": 9}
    control.put(score, json={"score": 77, "day": "2026-11-20"})
    assert control.get(score + "?day=2026-11-20").json() == {"score": 77}
    control.delete(score)
    assert control.get(score).json() == {"score": None}
    assert control.delete("/sandbox/netskope/users/a%40corp.example").status_code == 204
    assert control.get(score).status_code == 400
    assert control.post("/sandbox/reset").status_code == 204
    assert sandbox.okta.find_user("a@corp.example") is None


BAD: list[tuple[str, str, Any, int]] = [
    ("GET", "/sandbox/nope", None, 404),
    ("DELETE", "/sandbox/health", None, 405),
    ("PUT", "/sandbox/clock", {}, 400),
    ("PUT", "/sandbox/clock", {"now": "soon"}, 400),
    ("POST", "/sandbox/clock/advance", {"seconds": -1}, 400),
    ("POST", "/sandbox/faults", {"kind": "explode"}, 400),
    ("POST", "/sandbox/faults", {"nonsense": 1}, 400),
    ("PUT", "/sandbox/options", {"nonsense": 1}, 400),
    ("PUT", "/sandbox/options", [], 400),
    ("POST", "/sandbox/okta/users", {}, 400),
    ("POST", "/sandbox/okta/users", {"login": "x", "status": "ODD"}, 400),
    ("PATCH", "/sandbox/okta/users/nobody", {"status": "ACTIVE"}, 400),
    ("PATCH", "/sandbox/okta/users/nobody", {"id": "x"}, 400),
    ("POST", "/sandbox/okta/groups", {"name": "x", "type": "ODD"}, 400),
    ("POST", "/sandbox/jwks", {"keys": [{"kty": "RSA", "d": "secret"}]}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_a_wrong_control_request_is_explained(control, method, path, body, status):
    answer = control.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


# --- documents


def test_documents_are_served_with_their_content_type(sandbox, control):
    url = sandbox.publish_jwks({"keys": [jwk("k")]})
    answer = control.get(url)
    assert (answer.headers["Content-Type"], answer.json()["keys"][0]["kid"]) == ("application/json", "k")
    over_http = control.put("/sandbox/static/a/b.txt", data=b"hi", headers={"Content-Type": "text/plain"})
    assert over_http.json()["url"] == f"{sandbox.static_url}/a/b.txt"
    answer = control.get("/sandbox/static/a/b.txt")
    assert (answer.text, answer.headers["Content-Type"]) == ("hi", "text/plain")
    assert control.delete("/sandbox/static/a/b.txt").status_code == 204
    assert control.get("/sandbox/static/a/b.txt").status_code == 404
    assert control.post("/sandbox/jwks", json={"keys": [jwk("z")]}).json()["url"] == url
    assert control.get(url).json()["keys"][0]["kid"] == "z"


def test_private_keys_and_odd_names_are_not_published(sandbox):
    with pytest.raises(ValueError, match="private key"):
        sandbox.publish_jwks({"keys": [{"kty": "RSA", "d": "x"}]})
    for name in ("", "../x", "a b", "/x"):
        with pytest.raises(ValueError, match="name"):
            sandbox.publish(name, b"")
