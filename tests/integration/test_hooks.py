"""Hooks: a connection becomes a client, and Test Connection says precisely what is wrong."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.errors import AuthenticationError, ConfigurationError, WindowUsedUpError
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook, Registration
from demo.processes import free_port


def test_a_working_connection_is_a_success(okta, netskope):
    ok, message = OktaHook().test_connection()
    assert (ok, okta.okta_url in message) == (True, True)
    ok, message = NetskopeHook().test_connection()
    assert (ok, netskope.netskope_url in message) == (True, True)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"password": "wrong-token"}, "401", id="bad-token"),
        pytest.param({"password": ""}, "no password", id="no-token"),
        pytest.param({"host": ""}, "no host", id="no-host"),
        pytest.param({"host": "https://acme.okta.com.evil.example"}, "custom", id="foreign-host"),
        pytest.param({"host": "https://acme-admin.okta.com"}, "admin", id="admin-host"),
        pytest.param({"host": "http://acme.okta.com"}, "https", id="plain-http"),
        pytest.param({"extra": {"timeout": "soon"}}, "timeout", id="wrong-extra"),
        pytest.param(
            {"extra": {"issuer": "https://i.example", "signing_private_key": "nonsense"}},
            "key",
            id="wrong-key",
        ),
    ],
)
def test_what_is_wrong_with_an_okta_connection_is_said(okta, connect, fields, says):
    connect("x", **{"conn_type": "okta", "host": okta.okta_url, "password": okta.okta_token, **fields})
    ok, message = OktaHook("x").test_connection()
    assert not ok
    assert says in message


def test_an_unreachable_host_is_named(connect):
    url = f"http://127.0.0.1:{free_port()}"
    connect("x", conn_type="okta", host=url, password="secret-token-canary")
    ok, message = OktaHook("x").test_connection()
    assert not ok
    assert url in message
    assert "canary" not in message


def test_a_missing_permission_is_told_from_a_bad_token(okta):
    okta.fail_next(service="okta", status=403, times=10)
    ok, message = OktaHook().test_connection()
    assert not ok
    assert "403" in message
    assert "role" in message


def test_a_page_for_people_is_not_an_okta_org(okta, connect):
    page = okta.publish("login.html", "<!doctype html><html></html>", "text/html")
    okta.fail_next(service="okta", status=200, times=10, body="<!doctype html><html>login</html>")
    ok, message = OktaHook().test_connection()
    assert page
    assert not ok
    assert "people" in message or "Okta" in message


def test_a_netskope_host_on_another_domain_needs_the_switch(connect):
    connect("x", conn_type="netskope", host="https://tenant.example", password="token")
    with pytest.raises(ConfigurationError, match="not a tenant"):
        _ = NetskopeHook("x").client
    connect(
        "y",
        conn_type="netskope",
        host="tenant.example",
        password="token",
        extra={"allow_custom_domain": True},
    )
    assert NetskopeHook("y").client.base_url == "https://tenant.example"


def test_a_netskope_connection_with_a_wrong_token_says_so(netskope, connect):
    connect("x", conn_type="netskope", host=netskope.netskope_url, password="wrong")
    ok, message = NetskopeHook("x").test_connection()
    assert not ok
    assert "401" in message


def test_the_uri_form_that_test_connection_uses_carries_everything(okta, monkeypatch, signing_key):
    from airflow.models.connection import Connection

    stored = Connection(
        conn_id="x",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra={"signing_private_key": signing_key.pem, "issuer": "https://i.example", "timeout": 20},
    )
    monkeypatch.setenv("AIRFLOW_CONN_FROM_URI", stored.get_uri())
    hook = OktaHook("from_uri")
    assert hook.test_connection()[0]
    assert hook.settings.timeout == 20
    assert hook.transmitter.key.key_id == signing_key.jwks["keys"][0]["kid"]


@pytest.mark.parametrize("gives_back", [True, False])
def test_a_hook_says_how_long_its_client_waits_for_a_window(okta, gives_back):
    okta.set_bucket("/api/v1/groups", 5)
    hook = OktaHook()
    assert hook.give_back_after is None
    # Less than nothing: even a window that ends just now is too far away.
    hook.give_back_after = -1 if gives_back else None
    client = hook.client
    for _ in range(4):  # 0.8 of 5
        list(client.list_groups())
    if not gives_back:
        return
    with pytest.raises(WindowUsedUpError):
        list(client.list_groups())
    assert len([one for one in okta.requests_to("okta") if one.path == "/api/v1/groups"]) == 4


def test_a_registration_given_by_hand_replaces_the_other_way_of_being_found():
    stored = Registration(name="n", issuer="https://i.example", jwks_url="https://i.example/k")
    assert stored.override(well_known_url="https://w.example").jwks_url is None
    assert stored.override(jwks_url="https://j.example").jwks_url == "https://j.example"
    well_known = Registration(name="n", well_known_url="https://w.example")
    assert well_known.override().well_known_url == "https://w.example"
    assert (
        well_known.override(issuer="https://i.example", jwks_url="https://j.example").well_known_url is None
    )


def test_a_transmitter_without_a_key_names_the_field(okta, connect):
    connect(
        "x",
        conn_type="okta",
        host=okta.okta_url,
        password="tokentoken",
        extra={"issuer": "https://i.example"},
    )
    with pytest.raises(ConfigurationError, match="signing_private_key"):
        _ = OktaHook("x").transmitter


def test_a_netskope_token_that_was_rotated_is_found_in_the_connection(netskope, connect):
    client = NetskopeHook().client
    client.check()
    connect(
        "netskope_default",
        conn_type="netskope",
        host=netskope.netskope_url,
        password=netskope.netskope.rotate_token(),
    )
    client.check()
    assert [entry.status for entry in netskope.requests].count(401) == 1


def test_a_netskope_connection_that_is_gone_leaves_the_refusal(netskope, monkeypatch):
    client = NetskopeHook().client
    netskope.netskope.rotate_token()
    monkeypatch.delenv("AIRFLOW_CONN_NETSKOPE_DEFAULT")
    with pytest.raises(AuthenticationError, match="401"):
        client.check()
