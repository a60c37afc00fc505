# SPDX-License-Identifier: Apache-2.0
"""Who is an administrator: all pages of the list, or a refusal that says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import PermissionDeniedError, UnexpectedAnswerError
from tests.contract.client_support import okta, sandbox, timing_of
from tests.contract.sandbox_support import okta_api

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["okta", "sandbox"]

PATH = "/api/v1/iam/assignees/users"


def make_administrators(sandbox: Sandbox, count: int) -> list[str]:
    ids = [sandbox.okta.add_user(login=f"admin{number}@new.example").id for number in range(count)]
    for user_id in ids:
        sandbox.okta.make_administrator(user_id)
    return ids


def test_an_org_without_administrators_has_an_empty_list(okta: OktaClient) -> None:
    assert list(okta.list_administrators()) == []


def test_all_administrators_are_listed_and_nobody_else(okta: OktaClient, sandbox: Sandbox) -> None:
    ids = make_administrators(sandbox, 3)
    assert list(okta.list_administrators()) == ids


def test_the_list_is_read_to_its_end(okta: OktaClient, sandbox: Sandbox) -> None:
    ids = make_administrators(sandbox, 401)
    assert list(okta.list_administrators()) == ids
    assert len(sandbox.requests_to("okta", "GET", PATH)) == 3


def test_a_token_without_the_right_is_refused(sandbox: Sandbox) -> None:
    make_administrators(sandbox, 1)
    token = sandbox.okta.add_token(permissions=["okta.users.read"])
    client = OktaClient.connect(sandbox.okta_url, SswsAuth(token), timing=timing_of(sandbox))
    with pytest.raises(PermissionDeniedError):
        list(client.list_administrators())
    allowed = sandbox.okta.add_token(permissions=["okta.roles.read"])
    client = OktaClient.connect(sandbox.okta_url, SswsAuth(allowed), timing=timing_of(sandbox))
    assert len(list(client.list_administrators())) == 1


@pytest.mark.parametrize("body", ["{}", '{"value": null}', '{"value": "x"}'])
def test_an_answer_of_another_form_is_no_empty_list(okta: OktaClient, sandbox: Sandbox, body: str) -> None:
    sandbox.fail_next(service="okta", status=200, body=body, path_prefix=PATH)
    with pytest.raises(UnexpectedAnswerError):
        list(okta.list_administrators())


@pytest.mark.parametrize(
    "href", ["https://elsewhere.example/api/v1/iam/assignees/users", PATH + "?limit=200"]
)
def test_a_next_page_elsewhere_or_the_same_again_is_not_followed(
    okta: OktaClient, sandbox: Sandbox, href: str
) -> None:
    body = f'{{"value": [], "_links": {{"next": {{"href": "{href}"}}}}}}'
    sandbox.fail_next(service="okta", status=200, body=body, path_prefix=PATH, times=2)
    with pytest.raises(UnexpectedAnswerError):
        list(okta.list_administrators())
    assert len(sandbox.requests_to("okta", "GET", PATH)) == 1


def test_the_pages_of_the_pretend_org_say_what_okta_says(sandbox: Sandbox) -> None:
    ids = make_administrators(sandbox, 3)
    api = okta_api(sandbox)
    first = api.get(PATH, params={"limit": 2}).json()
    assert [one["id"] for one in first["value"]] == ids[:2]
    assert {"orgId", "id"} <= first["value"][0].keys()
    second = api.get(first["_links"]["next"]["href"]).json()
    assert [one["id"] for one in second["value"]] == ids[2:]
    assert "_links" not in second
    assert api.get(PATH, params={"after": "made-up"}).status_code == 400
