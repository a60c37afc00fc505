# SPDX-License-Identifier: Apache-2.0
"""Tokens: taken as people paste them, sent to one origin, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, NoAuth, OriginAuth, SswsAuth
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "00aBc-dEf_ghi"
ORG = "https://acme.okta.com"


def _headers(auth: OriginAuth, url: str = ORG + "/x") -> dict[str, str]:
    request = requests.Request("GET", url, auth=auth.bound_to(ORG)).prepare()
    return dict(request.headers)


@pytest.mark.parametrize(
    "pasted",
    [
        TOKEN,
        f"  {TOKEN}\r\n",
        f"SSWS {TOKEN}",
        f"ssws   {TOKEN}",
        f"Authorization: SSWS {TOKEN}",
        f'"{TOKEN}"',
        f"\ufeff{TOKEN}\u00a0",
    ],
)
def test_an_okta_token_is_taken_as_people_paste_it(pasted: str) -> None:
    assert _headers(SswsAuth(pasted)) == {"Authorization": f"SSWS {TOKEN}"}


@pytest.mark.parametrize("pasted", [TOKEN, f"Netskope-Api-Token: {TOKEN}", f"Bearer {TOKEN}", f"\n{TOKEN} "])
def test_a_netskope_token_is_taken_as_people_paste_it(pasted: str) -> None:
    assert _headers(NetskopeTokenAuth(pasted)) == {"Netskope-Api-Token": TOKEN}


@pytest.mark.parametrize("make", [SswsAuth, NetskopeTokenAuth])
@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        f"{TOKEN} {TOKEN}",
        f"{TOKEN}\n{TOKEN}",
        f"{TOKEN}\x00",
        "töken",
        "tok\u200ben",
        "токен",
        "tok\ten",
    ],
)
def test_what_cannot_be_a_token_is_refused_without_being_shown(
    make: Callable[[str], OriginAuth], pasted: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(pasted)
    assert TOKEN not in str(caught.value)
    assert caught.value.remedy


def test_only_the_scheme_is_an_empty_token() -> None:
    with pytest.raises(ConfigurationError):
        SswsAuth("SSWS ")


def test_an_access_token_in_place_of_an_api_token_is_explained() -> None:
    with pytest.raises(ConfigurationError, match="access tokens"):
        SswsAuth(f"Bearer {TOKEN}")


@pytest.mark.parametrize("token", [None, 7, b"00abc"])
def test_a_token_that_is_no_text_is_refused(token: object) -> None:
    with pytest.raises(ConfigurationError):
        SswsAuth(token)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://acme.okta.com.evil.example/x",
        "https://acme-admin.okta.com/x",
        "http://acme.okta.com/x",
        "https://acme.okta.com:8443/x",
    ],
)
def test_the_token_is_sent_to_the_configured_origin_only(url: str) -> None:
    assert _headers(SswsAuth(TOKEN), url) == {}


def test_a_token_that_is_bound_to_no_origin_is_sent_nowhere() -> None:
    request = requests.Request("GET", ORG, auth=SswsAuth(TOKEN)).prepare()
    assert dict(request.headers) == {}


def test_binding_leaves_the_original_as_it_was() -> None:
    auth = SswsAuth(TOKEN)
    assert auth.bound_to(ORG) is not auth
    assert dict(requests.Request("GET", ORG, auth=auth).prepare().headers) == {}


def test_no_auth_adds_nothing_and_is_not_mistaken_for_none() -> None:
    assert _headers(NoAuth()) == {}
    assert bool(NoAuth())


@pytest.mark.parametrize("auth", [SswsAuth(TOKEN), NetskopeTokenAuth(TOKEN), SswsAuth(TOKEN).bound_to(ORG)])
def test_a_token_is_never_shown(auth: OriginAuth) -> None:
    assert TOKEN not in f"{auth!r} {auth} {[auth]}"
    assert auth.secrets == (TOKEN,)
