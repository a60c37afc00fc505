"""Who may do what at the pretend Okta: administrator roles, missing features, and no secrets shown to anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.oauth_support import TOKEN, Client, public_jwk
from tests.contract.sandbox_support import (
    PROVIDERS,
    Api,
    Transmitter,
    make_sandbox,
    okta_api,
    private_key,
)

GROUPS, LOGS, ORG = "/api/v1/groups", "/api/v1/logs", "/api/v1/org"


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def control(sandbox):
    return Api(sandbox.okta_url, {"X-Okta-Ure-Sandbox": "1"})


def ssws(sandbox: Any, token: str) -> Api:
    return Api(sandbox.okta_url, {"Authorization": f"SSWS {token}"})


# --- administrator roles


def test_the_token_of_an_administrator_who_may_not_do_everything(sandbox):
    api = ssws(sandbox, sandbox.okta.add_token(["okta.groups.manage", "okta.users.read"]))
    assert api.get(GROUPS).status_code == 200
    assert api.post(GROUPS, json={"profile": {"name": "G"}}).status_code == 200
    assert api.get("/api/v1/users").status_code == 200
    refused = [api.get(LOGS), api.get(ORG), api.get(f"/api/v1/users/{sandbox.okta.users[0].id}/risk")]
    assert {(one.status_code, one.json()["errorCode"]) for one in refused} == {(403, "E0000006")}
    assert not any("WWW-Authenticate" in one.headers for one in refused)
    assert [okta_api(sandbox).get(path).status_code for path in (LOGS, ORG)] == [200, 200]


def test_tokens_that_may_do_everything_or_nothing_and_are_revoked(sandbox):
    everything, nothing = sandbox.okta.add_token(), sandbox.okta.add_token([])
    assert ssws(sandbox, everything).get(LOGS).status_code == 200
    assert ssws(sandbox, nothing).get(LOGS).status_code == 403
    sandbox.okta.revoke_token(everything)
    assert ssws(sandbox, everything).get(LOGS).status_code == 401
    assert sandbox.okta.add_token() != nothing
    assert okta_api(sandbox).get(LOGS).status_code == 200


def test_a_scope_without_the_role_is_not_enough(sandbox):
    client = Client(sandbox, dpop_required=False, role_permissions=["okta.groups.read"])
    token = client.token("okta.groups.manage okta.users.read")
    assert client.get(GROUPS, token).status_code == 200
    for answer in (
        client.get("/api/v1/users", token),
        client.call("POST", GROUPS, token, json={"profile": {"name": "G"}}),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000006")
        assert "WWW-Authenticate" not in answer.headers
    # The role is looked at when the call is made, the scopes when the token is.
    sandbox.okta.change_app(client.app.client_id, role_permissions=None, scopes=["okta.logs.read"])
    assert client.get("/api/v1/users", token).status_code == 200


WRONG: list[Any] = [
    ({"scopes": ["okta.groups"]}, "does not know okta.groups"),
    ({"scopes": "okta.groups.read"}, "list of scopes"),
    ({"role_permissions": ["everything"]}, "does not know everything"),
    ({"jwks": {}}, "1 to 50 keys"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}, "private key"),
    ({"jwks": {"keys": [{"kty": "RSA"}]}}, "cannot be used"),
    ({"jwks": {"keys": [public_jwk(private_key(5)), public_jwk(private_key(6))]}}, "kid each"),
    ({"dpop_required": "no"}, "dpop_required"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_a_wrong_app_is_explained(sandbox, wrong, message):
    before = len(sandbox.okta.apps)
    with pytest.raises((ValueError, TypeError), match=message):
        sandbox.okta.add_app(**wrong)
    with pytest.raises((ValueError, TypeError), match=message):
        sandbox.okta.change_app(sandbox.okta_client_id, **wrong)
    assert len(sandbox.okta.apps) == before


def test_changes_that_an_app_does_not_know(sandbox):
    with pytest.raises(ValueError, match="no nonsense"):
        sandbox.okta.change_app(sandbox.okta_client_id, nonsense=1)
    with pytest.raises(ValueError, match="ACTIVE, INACTIVE"):
        sandbox.okta.change_app(sandbox.okta_client_id, status="ODD")


# --- Identity Threat Protection


def test_an_org_without_identity_threat_protection(sandbox):
    sender = Transmitter(sandbox)
    sandbox.options.has_itp = False
    okta = okta_api(sandbox)
    risk = f"/api/v1/users/{sandbox.okta.users[0].id}/risk"
    for answer in (
        okta.get(PROVIDERS),
        okta.post(PROVIDERS, json={}),
        okta.get(risk),
        okta.put(risk, json={"riskLevel": "HIGH"}),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "E0000015")
        text = "You do not have permission to access the feature you are requesting"
        assert answer.json()["errorSummary"] == text
    assert okta.get(GROUPS).status_code == 200
    # A wrong token is still told apart from a missing feature.
    assert ssws(sandbox, "wrong").get(risk).json()["errorCode"] == "E0000011"
    assert sender.push(sender.token()).status_code == 202
    sandbox.options.has_itp = True
    assert okta.get(PROVIDERS).status_code == 200


# --- from another process


def test_apps_and_tokens_over_the_control_routes(sandbox, control):
    jwks = {"keys": [public_jwk(private_key(5), kid="key-1")]}
    app = control.post(
        "/sandbox/okta/apps", json={"jwks": jwks, "scopes": ["okta.logs.read"], "dpop_required": False}
    ).json()
    client = Client(sandbox, dpop_required=False)
    client.app = sandbox.okta.apps[app["client_id"]]
    token = client.token("okta.logs.read")
    assert client.get(LOGS, token).status_code == 200
    listed = control.get("/sandbox/okta/apps").json()
    assert listed[0]["client_id"] == sandbox.okta_client_id
    assert app in listed
    assert control.post("/sandbox/okta/access-tokens/revoke", json={}).json() == {"revoked": 1}
    assert client.get(LOGS, token).status_code == 401
    changed = control.patch(f"/sandbox/okta/apps/{app['client_id']}", json={"dpop_required": True}).json()
    assert (changed["dpop_required"], client.ask(scope="okta.logs.read").status_code) == (True, 400)
    nonce = client.ask({"DPoP": client.proof()}, scope="okta.logs.read").headers["dpop-nonce"]
    assert control.post("/sandbox/okta/dpop-nonce/renew").status_code == 204
    again = client.ask({"DPoP": client.proof(nonce=nonce)}, scope="okta.logs.read")
    assert again.json()["error"] == "use_dpop_nonce"
    limited = control.post("/sandbox/okta/tokens", json={"permissions": ["okta.logs.read"]}).json()["token"]
    assert [ssws(sandbox, limited).get(path).status_code for path in (LOGS, ORG)] == [200, 403]
    assert control.patch("/sandbox/okta/apps/nobody", json={}).status_code == 400
    assert control.post("/sandbox/okta/apps", json={"scopes": ["x"]}).status_code == 400


def test_a_reset_leaves_the_default_app_and_token_only(sandbox):
    client = Client(sandbox, dpop_required=False)
    access, limited = client.token(), sandbox.okta.add_token()
    sandbox.okta.change_app(sandbox.okta_client_id, status="INACTIVE")
    sandbox.reset()
    (app,) = sandbox.okta.apps.values()
    assert (app.client_id, app.status) == (sandbox.okta_client_id, "ACTIVE")
    assert client.get(GROUPS, access).status_code == 401
    assert ssws(sandbox, limited).get(GROUPS).status_code == 401
    assert sandbox.okta.token_requests == []


# --- secrets


def test_no_token_assertion_proof_or_key_is_shown_anywhere():
    lines: list[str] = []
    with make_sandbox(on_request=lambda entry: lines.append(entry.line())) as sandbox:
        client, sender = Client(sandbox), Transmitter(sandbox)
        assertion, proof = client.assertion(), client.proof()
        challenge = client.ask({"DPoP": proof}, assertion=assertion)
        good_proof, good_assertion = client.proof(nonce=challenge.headers["dpop-nonce"]), client.assertion()
        answer = client.ask({"DPoP": good_proof}, assertion=good_assertion)
        token = answer.json()["access_token"]
        call_proof = client.proof_for("GET", GROUPS, token)
        assert client.get(GROUPS, token, "DPoP", headers={"DPoP": call_proof}).status_code == 200
        limited, event = sandbox.okta.add_token(["okta.logs.read"]), sender.token()
        ssws(sandbox, limited).get(LOGS)
        sender.push(event)
        sender.push(event[:-8] + "AAAAAAAA")
        control = Api(sandbox.okta_url, {"X-Okta-Ure-Sandbox": "1"})
        state, journal = control.get("/sandbox/state"), control.get("/sandbox/requests")
        seen = "\n".join(
            [
                state.text,
                journal.text,
                *lines,
                repr(sandbox.requests),
                repr(sandbox.okta.apps),
                str(sandbox.dump()),
            ]
        )
        bodies = b"".join(entry.body for entry in sandbox.requests_to(path_prefix=TOKEN)).decode()
        key = sandbox.okta_client_private_key
        tokens = repr(list(sandbox.okta.more_tokens.values()))
    secrets = [assertion, proof, good_assertion, good_proof, token, call_proof, limited, event]
    secrets += [sandbox.okta_token, key, *key.splitlines()[1:-1]]
    for secret in secrets:
        # A JWS is searched for by its signature, so that a shortened one is found too.
        part = secret.rpartition(".")[2]
        assert part not in seen
        assert part not in bodies
        assert part not in tokens
    assert "client_assertion=***" in bodies
    assert "grant_type=client_credentials" in bodies
    assert client.app.client_id in seen
    (challenged, issued) = json.loads(state.text)["okta"]["callers"]["token_requests"]
    assert (challenged["outcome"], issued["outcome"]) == ("use_dpop_nonce", "issued")
    assert (issued["client_id"], issued["is_bound"]) == (client.app.client_id, True)
    assert challenged["assertion_jti"] != issued["assertion_jti"]


# --- faults of the token endpoint


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (401, "invalid_client"),
        (400, "invalid_request"),
        (500, "server_error"),
        (503, "E0000010"),
        (429, "E0000047"),
    ],
)
def test_a_fault_looks_like_one_of_the_token_endpoint(sandbox, status, shown):
    client = Client(sandbox, dpop_required=False)
    sandbox.fail_next(status=status, path_prefix=TOKEN)
    answer = client.ask()
    body = answer.json()
    assert (answer.status_code, body.get("error", body.get("errorCode"))) == (status, shown)
    assert client.ask().status_code == 200


# --- the static host


def well_known(sandbox: Any, **way: Any) -> Any:
    url = sandbox.publish_well_known("https://w.example", "https://w.example/jwks", **way)
    settings = {"well_known_url": url}
    body = {"name": "W", "type": "okta", "settings": settings}
    return okta_api(sandbox).post(PROVIDERS, json=body)


def test_a_well_known_document_is_read_and_counted(sandbox):
    answer = well_known(sandbox)
    assert answer.status_code == 200
    assert answer.json()["settings"]["issuer"] == "https://w.example"
    assert answer.json()["settings"]["jwks_url"] == "https://w.example/jwks"
    assert sandbox.documents.reads == {".well-known/ssf-configuration": 1}


WAYS: list[Any] = [
    ("content type", {"content_type": "text/html"}, "content type 'text/html'"),
    ("redirect", {"status": 302, "headers": {"Location": "https://elsewhere.example"}}, "answered 302"),
    ("missing", {"status": 404}, "answered 404"),
    ("late", {"delay": 5.0}, "could not be read"),
    ("slow", {"drip": 2.0}, "took too long"),
]


@pytest.mark.parametrize(("way", "why"), [pytest.param(*row[1:], id=row[0]) for row in WAYS])
def test_a_host_that_does_not_serve_a_document_as_it_should(sandbox, way, why):
    sandbox.options.jwks_timeout_seconds = 0.2
    answer = well_known(sandbox, **way)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000001")
    assert why in answer.json()["errorCauses"][0]["errorSummary"]
    assert okta_api(sandbox).get(PROVIDERS).json() == []


@pytest.mark.parametrize("drip", [0.0, 0.01])
def test_a_document_without_end_is_not_read_to_the_end(sandbox, drip):
    url = sandbox.publish("huge.json", b" " * 1_000_000, drip=drip)
    body = {"name": "W", "type": "okta", "settings": {"well_known_url": url}}
    answer = okta_api(sandbox).post(PROVIDERS, json=body)
    assert "too large" in answer.json()["errorCauses"][0]["errorSummary"]


def test_odd_documents_over_the_control_routes(control):
    put = control.put("/sandbox/static/a?status=302&location=https://x.example&drip=0.02", data=b"abc")
    answer = control.get(put.json()["url"], allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"], answer.text) == (302, "https://x.example", "abc")
    assert "Content-Length" not in answer.headers
    for wrong in ("status=99", "status=x", "delay=-1"):
        assert control.put(f"/sandbox/static/a?{wrong}", data=b"").status_code == 400


def test_the_documentation_names_every_control_route_about_callers():
    text = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()
    for route in ("okta/apps", "okta/tokens", "okta/access-tokens/revoke", "okta/dpop-nonce/renew"):
        assert f"/sandbox/{route}" in text
