"""A connection says who signs in to Okta: forms that work, mix-ups that are named, secrets that are masked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import Connection
from airflow.sdk._shared.secrets_masker import redact

from airflow_provider_okta_ure.clients.access_tokens import PROCESS
from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth
from airflow_provider_okta_ure.clients.scopes import ALL_SCOPES
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaNoActionOperator,
    OktaPushRiskOperator,
    OktaSecurityEventsProviderOperator,
    OktaUpsertUserRiskOperator,
)
from demo.keys import new_signing_key
from tests.integration.conftest import context_of


@pytest.fixture(autouse=True)
def _nothing_remembered():
    PROCESS.clear()
    yield
    PROCESS.clear()


@pytest.fixture(scope="module")
def other_key() -> str:
    return new_signing_key().pem


@pytest.fixture
def app(sandbox) -> dict[str, Any]:
    """The fields of a connection of the sandbox's service app, which requires DPoP."""
    return {
        "conn_type": "okta",
        "host": sandbox.okta_url,
        "login": sandbox.okta_client_id,
        "extra": {
            "auth_method": "private_key_jwt",
            "client_private_key": sandbox.okta_client_private_key,
        },
    }


def jwk_of(pem: str, **more: str) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt.algorithms import RSAAlgorithm

    key: Any = load_pem_private_key(pem.encode(), None)
    return json.dumps({**RSAAlgorithm.to_jwk(key, as_dict=True), **more})


def test_a_service_app_is_a_working_connection(sandbox, app, connect):
    connect("x", **app)
    ok, message = OktaHook("x").test_connection()
    assert ok, message
    assert message == (
        f"{sandbox.okta_url} is an Okta org, and the service app {sandbox.okta_client_id} "
        "can read its users and groups."
    )
    assert sandbox.okta.token_requests[-1]["scopes"] == ["okta.groups.read", "okta.users.read"]
    assert sandbox.okta.token_requests[-1]["is_bound"]


def test_an_app_without_dpop_works_as_well(sandbox, app, connect):
    plain = sandbox.okta.add_app(dpop_required=False)
    connect("x", **{**app, "login": plain.client_id})
    assert OktaHook("x").test_connection()[0]
    assert not sandbox.okta.token_requests[-1]["is_bound"]


def test_the_uri_form_that_test_connection_uses_carries_the_key(sandbox, app, monkeypatch):
    from airflow.models.connection import Connection as Stored

    stored = Stored(
        conn_id="x", **{**app, "extra": {**app["extra"], "scopes": "okta.users.read,okta.groups.read"}}
    )
    monkeypatch.setenv("AIRFLOW_CONN_FROM_URI", stored.get_uri())
    assert OktaHook("from_uri").test_connection()[0]


def test_a_uri_written_by_hand_works(sandbox, app, monkeypatch):
    address = sandbox.okta_url.removeprefix("http://")
    key = quote(sandbox.okta_client_private_key, safe="")
    uri = f"okta://http://{app['login']}@{address}?auth_method=private_key_jwt&client_private_key={key}"
    monkeypatch.setenv("AIRFLOW_CONN_BY_HAND", uri)
    assert OktaHook("by_hand").test_connection()[0]


def test_a_jwk_is_a_key_and_its_kid_is_sent(sandbox, app, connect):
    sandbox.okta.change_app(
        sandbox.okta_client_id,
        jwks={"keys": [{**SigningKey.load(sandbox.okta_client_private_key).public_jwk(), "kid": "mine"}]},
    )
    app["extra"]["client_private_key"] = jwk_of(sandbox.okta_client_private_key, kid="mine")
    connect("x", **app)
    assert OktaHook("x").test_connection()[0]
    app["extra"]["client_key_id"] = "another"
    connect("x", **app)
    ok, message = OktaHook("x").test_connection()
    assert not ok
    assert "kid is invalid" in message


@pytest.mark.parametrize(
    ("fields", "extra", "says"),
    [
        pytest.param({"login": ""}, {}, "no login.*client id", id="no-client-id"),
        pytest.param({"login": "ann@corp.example"}, {}, "a person's login", id="a-person"),
        pytest.param({"login": "0oa 1"}, {}, "'x'.*client id", id="no-such-client-id"),
        pytest.param({}, {"client_private_key": ""}, "no client_private_key", id="no-key"),
        pytest.param(
            {}, {"client_private_key": "x"}, "'x', client_private_key: .*neither PEM nor JWK", id="bad-key"
        ),
        pytest.param(
            {"password": "00token-canary"},
            {"client_private_key": ""},
            "Set auth_method to ssws",
            id="a-token-instead",
        ),
        pytest.param(
            {"password": "PEM"}, {"client_private_key": ""}, "a key in the password", id="key-as-password"
        ),
        pytest.param(
            {}, {"auth_method": "ssws"}, "client_private_key, but auth_method is ssws", id="key-with-ssws"
        ),
        pytest.param(
            {},
            {"auth_method": "", "client_private_key": ""},
            "client id of an app as its login, but auth_method is ssws",
            id="client-id-with-ssws",
        ),
        pytest.param(
            {"login": "", "password": "PEM"},
            {"auth_method": "ssws", "client_private_key": ""},
            "a key where the API token belongs",
            id="key-as-token",
        ),
        pytest.param({}, {"scopes": "okta.users.read ö"}, "not a scope", id="no-scope"),
        pytest.param({}, {"dpop": "perhaps"}, "dpop", id="dpop-unknown"),
        pytest.param({}, {"auth_method": "private_key"}, "auth_method", id="method-unknown"),
    ],
)
def test_what_is_mixed_up_is_named_without_its_value(app, connect, sandbox, fields, extra, says):
    fields = {
        name: sandbox.okta_client_private_key if value == "PEM" else value for name, value in fields.items()
    }
    connect("x", **{**app, **fields, "extra": {**app["extra"], **extra}})
    hook = OktaHook("x")
    with pytest.raises(ConfigurationError, match=f"(?s){says}") as caught:
        _ = hook.client
    ok, message = hook.test_connection()
    assert not ok
    # The same, but Airflow tests a copy, under an id made up for it.
    assert "Connection 'x'" in str(caught.value)
    assert message == str(caught.value).replace("Connection 'x'", "The connection")
    assert "canary" not in message
    assert not sandbox.requests


def test_a_password_that_is_left_over_is_not_sent_and_said_to_be_useless(sandbox, app, connect, caplog):
    # Airflow keeps a stored password when the form's field is emptied.
    connect("x", **app, password="00token-canary")
    assert OktaHook("x").test_connection()[0]
    assert "which private_key_jwt does not use" in caplog.text
    assert "canary" not in caplog.text
    assert {entry.status for entry in sandbox.requests_to("okta", "GET")} == {200}


def test_one_key_for_two_purposes_is_refused(sandbox, app, connect, other_key):
    app["extra"] |= {
        "issuer": "https://i.example",
        "signing_private_key": jwk_of(sandbox.okta_client_private_key),
    }
    connect("x", **app)
    with pytest.raises(ConfigurationError, match="one key as client_private_key and signing_private_key"):
        _ = OktaHook("x").client
    app["extra"]["signing_private_key"] = other_key
    connect("x", **app)
    assert OktaHook("x").test_connection()[0]


def test_a_broken_signing_key_is_told_by_who_needs_it(app, connect):
    app["extra"] |= {"issuer": "https://i.example", "signing_private_key": "broken"}
    connect("x", **app)
    OktaHook("x").client.check()
    ok, message = OktaHook("x").test_connection()
    assert not ok
    assert "signing key" in message


def test_a_hook_asks_for_its_scopes_the_connection_comes_first(sandbox, app, connect):
    def asked(**hook: Any) -> list[str]:
        OktaHook("x", **hook).client.check()
        scopes: list[str] = sandbox.okta.token_requests[-1]["scopes"]
        return scopes

    connect("x", **app)
    assert asked() == sorted(ALL_SCOPES)
    mine = ("okta.users.read", "okta.groups.read")
    assert asked(scopes=mine) == sorted(mine)
    app["extra"]["scopes"] = " okta.users.read, okta.groups.manage "
    connect("x", **app)
    assert asked(scopes=mine) == ["okta.groups.manage", "okta.users.read"]


def test_what_was_granted_can_be_asked(okta, sandbox, app, connect):
    sandbox.okta.change_app(sandbox.okta_client_id, scopes=["okta.users.read"])
    connect("x", **app)
    assert OktaHook("x").granted_scopes() == frozenset({"okta.users.read"})
    assert OktaHook().granted_scopes() is None
    assert isinstance(OktaHook().auth, SswsAuth)
    assert isinstance(OktaHook("x").auth, ServiceAppAuth)


ROW = {"score": 100, "score_level": "critical", "risk_level": "high", "previous_risk_level": "low"}


@pytest.mark.parametrize(
    ("operator", "arguments", "scopes"),
    [
        (
            OktaAddToGroupOperator,
            {"group_name": "G", "create_group": True},
            {"okta.users.read", "okta.groups.manage"},
        ),
        (OktaUpsertUserRiskOperator, {}, {"okta.users.read", "okta.userRisk.manage"}),
        (OktaPushRiskOperator, {}, {"okta.users.read"}),
        (
            OktaPushRiskOperator,
            {"ensure_provider": True},
            {"okta.users.read", "okta.securityEventsProviders.manage"},
        ),
        (OktaPushRiskOperator, {"ensure_provider": True, "dry_run": True}, {"okta.users.read"}),
        (OktaSecurityEventsProviderOperator, None, {"okta.securityEventsProviders.manage"}),
        (OktaNoActionOperator, {}, None),
    ],
)
def test_an_operator_asks_for_what_it_needs_and_that_is_enough(
    sandbox, app, connect, other_key, operator, arguments, scopes
):
    if scopes:
        sandbox.okta.change_app(sandbox.okta_client_id, scopes=scopes)
    key = SigningKey.load(other_key)
    app["extra"] |= {
        "issuer": "https://i.example",
        "jwks_url": sandbox.publish_jwks(key.jwks()),
        "allow_private_jwks_url": True,
        "signing_private_key": other_key,
    }
    connect("x", **app)
    if operator is OktaPushRiskOperator and not (arguments or {}).get("ensure_provider"):
        sandbox.okta.change_app(sandbox.okta_client_id, scopes=["okta.securityEventsProviders.manage"])
        context: Any = context_of()
        OktaSecurityEventsProviderOperator(task_id="p", okta_conn_id="x").execute(context)
        sandbox.okta.change_app(sandbox.okta_client_id, scopes=scopes)
        sandbox.okta.token_requests.clear()
    rows = {} if arguments is None else {"rows": [{"user": sandbox.okta.users[1].login, **ROW}], **arguments}
    report = operator(task_id="t", okta_conn_id="x", **rows).execute(context_of())
    if arguments is not None:
        assert report["counts"]["failed"] == 0
    asked = {scope for one in sandbox.okta.token_requests for scope in one.get("scopes", [])}
    assert asked == (scopes or set())


def test_every_secret_of_signing_in_is_masked(sandbox, app, connect, monkeypatch):
    from requests.adapters import HTTPAdapter

    send: Any = HTTPAdapter.send
    sent: list[str] = []

    def note(adapter, request, **settings):
        sent.extend(
            request.headers[name].rpartition(" ")[2]
            for name in ("Authorization", "DPoP")
            if name in request.headers
        )
        if "oauth2" in request.url:
            sent.append(request.body.decode().rpartition("client_assertion=")[2])
        return send(adapter, request, **settings)

    monkeypatch.setattr(HTTPAdapter, "send", note)
    connect("x", **app)
    OktaHook("x").client.check()
    # Three token requests, the last two with a proof; two calls with token and proof. A fourth when our clock
    # is far from the sandbox's.
    assert len(sent) >= 3 + 2 + 4
    shown = [str(redact(f"it is {secret}.")) for secret in sent]
    assert not [text for text, secret in zip(shown, sent, strict=True) if secret in text]
    assert all("***" in text for text in shown)


@pytest.mark.parametrize("as_jwk", [False, True])
def test_every_line_and_every_private_part_of_a_key_is_masked(app, connect, other_key, as_jwk):
    text = json.dumps(json.loads(jwk_of(other_key)), indent=2) if as_jwk else other_key
    app["extra"]["client_private_key"] = text
    connect("x", **app)
    _ = OktaHook("x").settings
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 40]
    assert lines
    assert not [line for line in lines if line in str(redact(f"line: {line}"))]
    if as_jwk:
        jwk = json.loads(text)
        parts = [jwk[name] for name in ("d", "p", "q", "dp", "dq", "qi")]
        assert not [part for part in parts if part in str(redact(json.dumps(parts)))]


def test_nothing_of_the_connection_is_shown_by_hook_or_client(app, connect, sandbox):
    connect("x", **app)
    hook = OktaHook("x")
    hook.client.check()
    shown = f"{hook.client!r} {hook.auth!r} {vars(hook.auth)!r}"
    assert "BEGIN" not in shown
    token = hook.auth.secrets[-1]
    assert len(hook.auth.secrets) >= 3
    assert token not in shown


def test_the_form_shows_the_client_id_and_hides_nothing_that_is_needed():
    from airflow_provider_okta_ure.get_provider_info import get_provider_info

    okta = next(one for one in get_provider_info()["connection-types"] if one["connection-type"] == "okta")
    behaviour = okta["ui-field-behaviour"]
    assert "login" not in behaviour["hidden-fields"]
    assert behaviour["relabeling"]["login"] == "Client ID"
    assert okta["conn-fields"]["auth_method"]["schema"]["enum"] == ["ssws", "private_key_jwt"]
    assert okta["conn-fields"]["dpop"]["schema"]["enum"] == ["auto", "always", "never"]


def test_airflow_masks_the_client_key_wherever_it_shows_a_connection(app):
    stored = Connection(conn_id="x", conn_type="okta", extra=json.dumps(app["extra"]))
    shown: Any = redact(stored.extra_dejson)
    assert shown["client_private_key"] == "***"
