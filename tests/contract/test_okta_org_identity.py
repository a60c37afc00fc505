# SPDX-License-Identifier: Apache-2.0
"""Which org it is, by whatever host, and who has an id: what the action log compares by."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.okta_users import IDS_PER_SEARCH
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.client_support import NOW, methods, okta, okta_of, sandbox

__all__ = ["okta", "sandbox"]

WELL_KNOWN = "/.well-known/okta-organization"


def test_the_org_says_its_id_without_a_token(okta: OktaClient, sandbox: Sandbox) -> None:
    assert okta.get_org_id() == okta.get_org()["id"]
    asked = next(entry for entry in sandbox.requests if entry.path == WELL_KNOWN)
    assert not asked.has_authorization
    assert asked.bucket is None  # Okta: no rate limit counts it


def test_the_id_is_the_same_by_another_host(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.okta_url).port
    other = OktaClient.connect(f"http://localhost:{port}", okta_of(sandbox)._api._auth)
    assert other.get_org_id() == okta_of(sandbox).get_org_id()


def test_two_orgs_have_two_ids() -> None:
    with Sandbox(users=0, now=NOW, seed=1) as one, Sandbox(users=0, now=NOW, seed=2) as two:
        assert okta_of(one).get_org_id() != okta_of(two).get_org_id()


@pytest.mark.parametrize("status", [200, 403, 404, 500])
@pytest.mark.parametrize(
    "body", ["", "blocked by policy", "[]", '{"id": null}', '{"id": 7}', '{"id": "a b"}', "{}"]
)
def test_an_org_that_does_not_say_it_fails_nobody(
    okta: OktaClient, sandbox: Sandbox, status: int, body: str
) -> None:
    sandbox.fail_next(service="okta", status=status, path_prefix=WELL_KNOWN, times=9, body=body)
    assert okta.get_org_id() is None


def test_users_are_found_by_id_many_at_once(okta: OktaClient, sandbox: Sandbox) -> None:
    everybody = list(sandbox.okta.users)
    gone = everybody[3]
    sandbox.okta.change_user(gone.id, status="DEPROVISIONED")
    ids = [user.id for user in everybody]
    found = list(
        okta.find_users_by_id([*ids, ids[0], "00u0nobody0000000000", "", 'x" or id pr', "\U0001f389"])
    )
    assert sorted(user.user_id for user in found) == sorted(ids)
    assert {user.user_id: user.status for user in found}[gone.id] == "DEPROVISIONED"
    assert methods(sandbox) == ["GET /api/v1/users"] * -(-(len(ids) + 2) // IDS_PER_SEARCH)


def test_nobody_is_found_by_an_id_in_another_case(okta: OktaClient, sandbox: Sandbox) -> None:
    """Okta searches without regard to case; an id has one."""
    known = next(user for user in sandbox.okta.users if user.id != user.id.upper())
    assert list(okta.find_users_by_id([known.id.upper()])) == []
