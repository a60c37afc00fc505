"""An extra that cannot be read is an error that says where it is broken, never a set of defaults."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import action_log_url
from airflow_provider_okta_ure.hooks.extras import extra_of
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from tests.integration.judging_support import ADD, run, writes

BROKEN = [
    pytest.param('{"exclude_users": "canary@new.example",}', r"line 1, column 40", id="trailing-comma"),
    pytest.param("{\n  'exclude_users': 'canary@new.example'\n}", r"line 2, column 3", id="single-quotes"),
    pytest.param('{"exclude_users": "canary@new.example"', r"line 1, column 39", id="not-closed"),
    pytest.param("exclude_users: canary@new.example", r"line 1, column 1", id="yaml"),
    pytest.param('["canary@new.example"]', r"is a list and not a JSON object", id="list"),
    pytest.param('"canary@new.example"', r"is text and not a JSON object", id="text"),
    pytest.param("4711", r"is a number and not a JSON object", id="number"),
    pytest.param("null", r"is null and not a JSON object", id="null"),
    pytest.param("true", r"is true or false and not a JSON object", id="flag"),
    pytest.param('{"exclude_users": "canary@new.example", "exclude_users": ""}', "twice", id="repeated"),
]


def _okta(conn_id: str) -> Any:
    return OktaHook(conn_id).settings


def _netskope(conn_id: str) -> Any:
    return NetskopeHook(conn_id).settings


def _action_log(_: str) -> Any:
    return action_log_url()


@pytest.mark.parametrize(
    ("conn_type", "conn_id", "read"),
    [
        pytest.param("okta", "okta_default", _okta, id="okta"),
        pytest.param("netskope", "netskope_default", _netskope, id="netskope"),
        pytest.param("postgres", "okta_ure_action_log", _action_log, id="action-log"),
    ],
)
@pytest.mark.parametrize(("extra", "message"), BROKEN)
def test_a_broken_extra_is_an_error_with_its_place(connect, conn_type, conn_id, read, extra, message):
    connect(conn_id, conn_type=conn_type, host="db.corp.example", password="canary-token", extra=extra)
    with pytest.raises(ConfigurationError, match=f"'{conn_id}'.*{message}") as caught:
        read(conn_id)
    assert "canary" not in f"{caught.value} {caught.value.__cause__!r}"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("conn_type", ["okta", "netskope"])
@pytest.mark.parametrize(("extra", "message"), BROKEN)
def test_testing_the_connection_says_the_same(connect, conn_type, extra, message):
    # Airflow makes up an id for the copy that it tests.
    connect(
        "qk9w5ugf", conn_type=conn_type, host="https://acme.okta.com", password="canary-token", extra=extra
    )
    hook = OktaHook("qk9w5ugf") if conn_type == "okta" else NetskopeHook("qk9w5ugf")
    works, said = hook.test_connection()
    assert not works
    assert said.startswith("The connection: the extra")
    assert "qk9w5ugf" not in said
    assert "canary" not in said


def test_nobody_is_touched_while_the_exclusions_of_the_connection_cannot_be_read(okta, connect):
    okta.okta.add_user(login="vip@new.example")
    group = okta.okta.add_group("Risky")
    connect(
        "okta_default",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra='{"exclude_users": "vip@new.example",}',
    )
    with pytest.raises(Exception, match="is not JSON"):
        run(ADD, [{"user": "vip@new.example"}], group_id=group.id)
    assert writes(okta) == []


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000])
def test_an_extra_too_deep_to_read_is_an_error_of_ours(deep):
    with pytest.raises(ConfigurationError, match="is not JSON"):
        extra_of(Connection(conn_id="x", conn_type="okta", extra=deep))


@pytest.mark.parametrize("extra", [None, "", "  ", "{}"])
def test_no_extra_is_an_empty_one(extra):
    assert extra_of(Connection(conn_id="x", conn_type="okta", extra=extra)) == {}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('{"timeout": "soon"}', r"'timeout' is 'soon'\. Use a whole number"),
        ('{"verify": "perhaps"}', r"'verify' is 'perhaps'\. Use true or false"),
        ('{"auth_method": "magic"}', r"'auth_method' is 'magic'\. Use one of ssws, private_key_jwt"),
        ('{"rate_limit_share": "half"}', r"'rate_limit_share' is 'half'\. Use a number"),
        ('{"signing_private_key": ["canary"]}', r"'signing_private_key' is a list\. Use text"),
        ('{"exclude_users": [["canary"]]}', r"'exclude_users' is a list\. Use text"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_in_words(connect, extra, message):
    connect("okta_default", conn_type="okta", host="https://acme.okta.com", password="token", extra=extra)
    with pytest.raises(ConfigurationError, match=message) as caught:
        _ = OktaHook().settings
    assert "canary" not in str(caught.value)
    assert "$." not in str(caught.value)
