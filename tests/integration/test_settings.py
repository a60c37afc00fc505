"""A connection is read strictly, in its JSON and in its URI form."""

from __future__ import annotations

import pytest
from airflow.sdk import Connection

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.settings import (
    OktaSettings,
    TransportSettings,
    base_host,
    read_settings,
    token_of,
)


def connection(uri: str = "", **fields: object) -> Connection:
    if uri:
        return Connection.from_uri(uri, conn_id="okta_x")
    return Connection(conn_id="okta_x", conn_type="okta", **fields)  # type: ignore[arg-type]


def test_the_json_form_and_the_uri_form_mean_the_same():
    as_json = connection(
        host="https://acme.okta.com",
        password="token-token",
        extra='{"verify": false, "timeout": 30, "proxy": ""}',
    )
    as_uri = connection("okta://https://:token-token@acme.okta.com?verify=false&timeout=30")
    for one in (as_json, as_uri):
        assert base_host(one) == "https://acme.okta.com"
        assert token_of(one, "API token") == "token-token"
        assert read_settings(one, OktaSettings) == OktaSettings(verify=False, timeout=30)


def test_host_and_port_are_one_address():
    assert base_host(connection("okta://http://:token@127.0.0.1:8091")) == "http://127.0.0.1:8091"
    assert base_host(connection(host="https://acme.okta.com/", port=8443)) == "https://acme.okta.com:8443"


def test_what_the_form_left_empty_has_its_default():
    extra = '{"verify": null, "issuer": "", "auth_method": null, "rate_limit_share": null}'
    assert read_settings(connection(extra=extra), OktaSettings) == OktaSettings()
    assert read_settings(connection(), TransportSettings) == TransportSettings()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        pytest.param(
            '{"verifyy": true}', "unknown extra field 'verifyy'.*Did you mean 'verify'", id="typing-error"
        ),
        pytest.param('{"colour": 1}', "unknown extra field 'colour'.*Known fields", id="unknown"),
        pytest.param('{"timeout": "soon"}', r"timeout", id="wrong-kind"),
        pytest.param('{"timeout": 0}', "timeout is 0 seconds", id="too-short"),
        pytest.param('{"rate_limit_share": 1.5}', "rate_limit_share is 1.5", id="more-than-all"),
        pytest.param('{"rate_limit_share": 0}', "rate_limit_share is 0", id="nothing"),
        pytest.param('{"auth_method": "magic"}', "auth_method", id="unknown-method"),
        pytest.param('{"max_answer_mib": 0}', "max_answer_mib is 0", id="no-answer"),
        pytest.param('{"max_answer_mib": 1025}', "max_answer_mib is 1025", id="too-large-an-answer"),
    ],
)
def test_a_wrong_extra_field_is_refused_by_name(extra, message):
    with pytest.raises(ConfigurationError, match=f"(?s)'okta_x'.*{message}"):
        read_settings(connection(extra=extra), OktaSettings)


def test_the_largest_answer_is_what_the_connection_says():
    settings = read_settings(connection(extra='{"max_answer_mib": 2}'), TransportSettings)
    assert settings.transport["largest_answer"] == 2 * 1024 * 1024
    assert "largest_answer" not in TransportSettings().transport


def test_a_wrong_value_is_never_quoted_because_it_may_be_a_secret():
    with pytest.raises(ConfigurationError) as caught:
        read_settings(connection(extra='{"signing_private_key": ["-----BEGIN-canary"]}'), OktaSettings)
    assert "canary" not in str(caught.value)


def test_a_connection_without_host_or_token_says_so():
    with pytest.raises(ConfigurationError, match="no host"):
        base_host(connection(password="token"))
    with pytest.raises(ConfigurationError, match=r"no password.*API token"):
        token_of(connection(host="acme.okta.com", password=" "), "API token")
