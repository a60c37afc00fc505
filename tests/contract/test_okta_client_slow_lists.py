# SPDX-License-Identifier: Apache-2.0
"""A list that Okta's own query cannot put together in time is asked for in smaller pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.errors import ServerError
from tests.contract.client_support import okta, sandbox

__all__ = ["okta", "sandbox"]

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.sandbox import Sandbox

ATTEMPTS = 5
TOO_SLOW = json.dumps({"errorCode": "E0000009", "errorSummary": "Internal Server Error", "errorCauses": []})


def limits_asked_for(sandbox: Sandbox) -> list[str]:
    return [one.parameters["limit"] for one in sandbox.requests_to("okta")]


def slow(sandbox: Sandbox, times: int) -> None:
    sandbox.fail_next(service="okta", status=500, path_prefix="/api/v1", times=times, body=TOO_SLOW)


def test_a_slow_list_is_read_in_smaller_pages_and_everybody_once(okta: OktaClient, sandbox: Sandbox) -> None:
    expected = [user.user_id for user in okta.list_users()]
    sandbox.clear_requests()
    slow(sandbox, ATTEMPTS)
    assert [user.user_id for user in okta.list_users()] == expected
    assert limits_asked_for(sandbox)[: ATTEMPTS + 1] == ["200"] * ATTEMPTS + ["50"]


def test_the_members_of_a_group_likewise(okta: OktaClient, sandbox: Sandbox) -> None:
    group = sandbox.okta.add_group("Slow")
    for user in sandbox.okta.users[:30]:
        sandbox.okta.add_member(group.id, user.id)
    slow(sandbox, 2 * ATTEMPTS)
    assert len(list(okta.list_members(group.id))) == 30
    assert limits_asked_for(sandbox)[-1] == "10"


def test_a_list_that_stays_slow_says_so(okta: OktaClient, sandbox: Sandbox) -> None:
    slow(sandbox, 100)
    with pytest.raises(ServerError, match="E0000009") as caught:
        list(okta.list_users())
    assert caught.value.topic == "okta-timeout"
    assert limits_asked_for(sandbox) == ["200"] * ATTEMPTS + ["50"] * ATTEMPTS + ["10"] * ATTEMPTS


def test_another_failure_is_not_met_with_smaller_pages(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.fail_next(service="okta", status=502, path_prefix="/api/v1", times=100, body="{}")
    with pytest.raises(ServerError):
        list(okta.list_users())
    assert set(limits_asked_for(sandbox)) == {"200"}
