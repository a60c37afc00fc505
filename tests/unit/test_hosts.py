# SPDX-License-Identifier: Apache-2.0
"""Which hosts may receive a token."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.clients.hosts import (
    is_same_origin,
    netskope_base_url,
    okta_base_url,
    origin_of,
)
from airflow_provider_okta_ure.errors import ConfigurationError


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com/", "https://acme.okta.com"),
        ("  HTTPS://Acme.OKTA.com.  ", "https://acme.okta.com"),
        ("acme.okta.com:443", "https://acme.okta.com"),
        ("https://acme.okta.com:8443/", "https://acme.okta.com:8443"),
        ("acme.oktapreview.com", "https://acme.oktapreview.com"),
        ("acme.okta-emea.com", "https://acme.okta-emea.com"),
        ("acme.okta-gov.com", "https://acme.okta-gov.com"),
        ("acme.okta.mil", "https://acme.okta.mil"),
        ("a.b.okta.com", "https://a.b.okta.com"),
        ("after.okta.com", "https://after.okta.com"),
        ("dev-123456.okta.com", "https://dev-123456.okta.com"),
        ("admin-acme.okta.com", "https://admin-acme.okta.com"),
        ("http://127.0.0.1:8091", "http://127.0.0.1:8091"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8091/", "http://localhost:8091"),
        ("http://[::1]:8091", "http://[::1]:8091"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_an_okta_org_is_accepted_in_every_usual_spelling(typed: str, spelled: str) -> None:
    assert okta_base_url(typed) == spelled
    assert okta_base_url(spelled) == spelled


@pytest.mark.parametrize(
    "typed",
    [
        "https://acme.okta.com.evil.example",
        "https://evil.example/?.okta.com",
        "https://evil.example/.okta.com",
        "https://evil.example#.okta.com",
        "https://acme.okta.com@evil.example",
        "https://user:secret@acme.okta.com",
        "https://acme.okta.com\\@evil.example",
        "https://acme.okta.com\\.evil.example",
        "https://evil.example\\.okta.com",
        "https://evil.example%2f.okta.com",
        "https://evil.example%00.okta.com",
        "https://evilokta.com",
        "https://acme.evilokta.com",
        "https://okta.com",
        "https://.okta.com",
        "https://acme..okta.com",
        "https://-acme.okta.com",
        "https://acme_.okta.com",
        "https://acme.okta.com:0",
        "https://acme.okta.com:65536",
        "https://acme.okta.com:99999999",
        "https://acme.okta.com:https",
        "https://acme.okta.com:443:443",
        "https://acme.okta.com/api/v1",
        "https://acme.okta.com//",
        "https://acme.okta.com?x=1",
        "https://acme.okta.com#x",
        "http://acme.okta.com",
        "ftp://acme.okta.com",
        "javascript://acme.okta.com",
        "https:acme.okta.com",
        "https:/acme.okta.com",
        "https://https://acme.okta.com",
        "acme.okta.com evil.example",
        "acme.okta.com\nevil.example",
        "acme.okta.com\tx",
        "acme\u200b.okta.com",
        "acme.okta。com",
        "acme.okt\u0430.com",  # a Cyrillic letter
        "\uff41cme.okta.com",  # a wide letter
        "evil.example\uff0f.okta.com",
        "https://[::1",
        "https://[::1].okta.com",
        "https://[v1.x]/",
        "login.acme.example",
        "acme.goskope.com",
        "10.0.0.1",
        "a" * 64 + ".okta.com",
        ".".join(["a" * 60] * 5) + ".okta.com",
        "",
        "   ",
        "https://",
        "acme",
    ],
)
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        okta_base_url(typed)
    assert caught.value.remedy


@pytest.mark.parametrize("typed", [None, 7, b"acme.okta.com"])
def test_what_is_no_text_is_refused(typed: object) -> None:
    with pytest.raises(ConfigurationError):
        okta_base_url(typed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    ["http://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://0.0.0.0"],
)
def test_plain_http_is_for_this_machine_only(typed: str) -> None:
    for allowed in (False, True):
        with pytest.raises(ConfigurationError):
            okta_base_url(typed, allow_custom_domain=allowed)


@pytest.mark.parametrize(
    "typed", ["http://127.1", "http://2130706433", "http://0x7f000001", "http://017700000001"]
)
def test_an_address_that_programs_read_in_different_ways_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError):
        okta_base_url(typed, allow_custom_domain=True)


@pytest.mark.parametrize(
    ("typed", "use"),
    [
        ("https://acme-admin.okta.com", "https://acme.okta.com"),
        ("ACME-ADMIN.oktapreview.com:8443/", "https://acme.oktapreview.com:8443"),
        ("acme-admin.okta.mil", "https://acme.okta.mil"),
    ],
)
def test_the_admin_console_is_refused_with_the_host_to_use_instead(typed: str, use: str) -> None:
    for allowed in (False, True):
        with pytest.raises(ConfigurationError) as caught:
            okta_base_url(typed, allow_custom_domain=allowed)
        assert use in caught.value.remedy


def test_a_custom_domain_is_accepted_only_when_the_connection_says_so() -> None:
    assert okta_base_url("login.acme.example", allow_custom_domain=True) == "https://login.acme.example"
    assert okta_base_url("xn--mller-kva.example", allow_custom_domain=True) == "https://xn--mller-kva.example"
    with pytest.raises(ConfigurationError, match="allow_custom_domain"):
        okta_base_url("login.acme.example")


@pytest.mark.parametrize(
    "typed", ["https://u:p@login.acme.example", "https://login.acme.example/x", "müller.example"]
)
def test_a_custom_domain_is_checked_like_any_other(typed: str) -> None:
    with pytest.raises(ConfigurationError):
        okta_base_url(typed, allow_custom_domain=True)


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:hunter2@acme.okta.com",
        "00hunter2hunter2hunter2hunter2hunter2",
        "00hunter2_hunter2-hunter2",
    ],
)
def test_a_password_or_token_in_the_host_field_is_not_repeated(secret: str) -> None:
    for check in (okta_base_url, netskope_base_url):
        with pytest.raises(ConfigurationError) as caught:
            check(secret)
        assert "hunter2" not in f"{caught.value} {caught.value.remedy} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("acme.goskope.com", "https://acme.goskope.com"),
        ("https://ACME.eu.goskope.com/", "https://acme.eu.goskope.com"),
        ("acme.de.goskope.com:443", "https://acme.de.goskope.com"),
        ("http://127.0.0.1:8092", "http://127.0.0.1:8092"),
        ("acme.netskope.com", "https://acme.netskope.com"),
        ("acme.boomskope.com.", "https://acme.boomskope.com"),
    ],
)
def test_a_netskope_tenant_is_accepted_on_netskopes_domains(typed: str, spelled: str) -> None:
    assert netskope_base_url(typed) == spelled
    assert netskope_base_url(spelled) == spelled


@pytest.mark.parametrize(
    "typed",
    [
        "tenant.example",
        "https://acme.goskope.com.evil.example",
        "https://evilgoskope.com",
        "https://acme.evilgoskope.com",
        "https://goskope.com",
        "acme.okta.com",
        "acme.govskope.us",
        "93.184.215.14",
    ],
)
def test_a_netskope_host_on_another_domain_needs_the_switch(typed: str) -> None:
    with pytest.raises(ConfigurationError, match="not a tenant") as caught:
        netskope_base_url(typed)
    assert "allow_custom_domain" in caught.value.remedy
    assert netskope_base_url(typed, allow_custom_domain=True).startswith("https://")


@pytest.mark.parametrize(
    "typed",
    ["http://acme.goskope.com", "https://a@b.example", "acme.goskope.com/api", "acme", "acme.goskope.com\\x"],
)
def test_a_netskope_host_of_another_form_is_refused(typed: str) -> None:
    for allowed in (False, True):
        with pytest.raises(ConfigurationError, match="Netskope"):
            netskope_base_url(typed, allow_custom_domain=allowed)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("https://acme.okta.com/api?x=1", True),
        ("HTTPS://ACME.OKTA.COM:443/", True),
        ("https://acme.okta.com./", True),
        ("http://acme.okta.com/", False),
        ("https://acme.okta.com:444/", False),
        ("https://acme.okta.com@evil.example/", False),
        ("https://evil.example@acme.okta.com/", False),
        ("https://acme.okta.com\\@evil.example/", False),
        ("https://acme.okta.com/\\x", False),
        ("https://acme.okta.com/a b", False),
        ("/api/v1/users", False),
        ("", False),
    ],
)
def test_the_same_origin_is_the_same_beyond_doubt(one: str, same: bool) -> None:
    assert is_same_origin(one, "https://acme.okta.com") is same


def test_two_urls_without_origin_are_not_the_same() -> None:
    assert origin_of("x") is None
    assert not is_same_origin("x", "x")


@pytest.mark.parametrize(
    "host",
    [
        "acme_x.goskope.com",
        "-acme.goskope.com",
        "acme-.goskope.com",
        "acme..com",
        ".goskope.com",
        "a" * 64 + ".goskope.com",
        ".".join(["a" * 50] * 5),
        "tenant.example.0x7f",
        "10.0.0.300",
        "10.0.0",
        "[::1",
        "[gggg::1]",
        "[1.2.3.4]",
        "tenant.example:0",
        "tenant.example:65536",
        "tenant.example:",
    ],
)
def test_what_is_no_host_name_is_refused_on_every_domain(host: str) -> None:
    with pytest.raises(ConfigurationError):
        netskope_base_url(f"https://{host}", allow_custom_domain=True)
    with pytest.raises(ConfigurationError):
        okta_base_url(f"https://{host}", allow_custom_domain=True)


def test_the_longest_names_and_the_last_ports_are_accepted() -> None:
    label, name = "a" * 63, ".".join(["a" * 62] * 4) + ".b"
    assert len(name) == 253
    assert netskope_base_url(f"{label}.goskope.com") == f"https://{label}.goskope.com"
    assert netskope_base_url(name, allow_custom_domain=True) == f"https://{name}"
    assert netskope_base_url("acme.goskope.com:65535") == "https://acme.goskope.com:65535"
    assert netskope_base_url("acme.goskope.com:1") == "https://acme.goskope.com:1"


@pytest.mark.parametrize("empty", ["", " \t\n"])
def test_an_empty_host_is_called_empty(empty: str) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        okta_base_url(empty)


def test_a_long_wrong_host_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        netskope_base_url(".".join(["a" * 50] * 9))
    assert "aaa" not in str(caught.value)
