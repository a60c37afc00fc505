# SPDX-License-Identifier: Apache-2.0
"""What real services and gateways were seen doing, on request; and that our clients live with it."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_okta_ure.errors import RateLimitedError, ServerError, UnexpectedAnswerError
from tests.contract.client_support import NOW, netskope, netskope_of, okta, okta_of, sandbox

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.netskope import NetskopeClient
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["netskope", "okta", "sandbox"]

USERS = "/api/v1/users"


def _get(sandbox: Sandbox, path: str, **params: Any) -> requests.Response:
    return requests.get(
        sandbox.okta_url + path,
        params=params,
        headers={"Authorization": f"SSWS {sandbox.okta_token}"},
        timeout=5,
    )


def _scim(sandbox: Sandbox, **params: Any) -> requests.Response:
    return requests.get(
        sandbox.netskope_url + "/api/v2/scim/Users",
        params=params,
        headers={"Netskope-Api-Token": sandbox.netskope_token},
        timeout=5,
    )


# --- what the sandbox does


def test_by_default_nothing_is_odd(sandbox: Sandbox) -> None:
    for answer in (_get(sandbox, USERS), _scim(sandbox)):
        assert answer.content == answer.text.encode("ascii", "strict") or b"\\ud83d" not in answer.content
        assert b"null," not in answer.content[:20]
    assert "," not in _get(sandbox, USERS).headers["X-Rate-Limit-Limit"]


@pytest.mark.parametrize(("how", "lines"), [("lines", 2), ("joined", 1)])
def test_limit_headers_come_twice(sandbox: Sandbox, how: str, lines: int) -> None:
    sandbox.options.doubled_limit_headers = how
    answer = _get(sandbox, USERS)
    assert len(answer.raw.headers.getlist("X-Rate-Limit-Limit")) == lines
    assert answer.headers["X-Rate-Limit-Limit"] == "300, 300"
    assert answer.headers["X-Okta-Request-Id"].count(",") == 0
    assert _scim(sandbox).headers["RateLimit-Limit"] == "4, 4"


def test_every_entry_has_half_a_surrogate_pair(sandbox: Sandbox) -> None:
    sandbox.options.half_surrogates = True
    for answer, entries in ((_get(sandbox, USERS, limit=3), 3), (_scim(sandbox, count=3), 3)):
        assert answer.content.count(rb'"displayName":"\ud83d"') == entries


def test_lists_begin_with_null_or_are_null(sandbox: Sandbox) -> None:
    sandbox.options.null_elements = sandbox.options.null_for_empty_lists = True
    assert _get(sandbox, USERS, limit=3).json()[0] is None
    assert len(_get(sandbox, USERS, limit=3).json()) == 4
    assert _scim(sandbox, count=3).json()["Resources"][0] is None
    assert _get(sandbox, USERS, search='profile.login eq "nobody@x"').json() is None
    assert _scim(sandbox, startIndex=9999).json()["Resources"] is None


def test_an_entry_is_on_two_pages(sandbox: Sandbox) -> None:
    sandbox.options.repeat_across_pages = True
    first = _get(sandbox, USERS, limit=3)
    second = requests.get(
        first.links["next"]["url"], headers={"Authorization": f"SSWS {sandbox.okta_token}"}, timeout=5
    )
    assert second.json()[0]["id"] == first.json()[-1]["id"]
    assert len(second.json()) == 4


def test_a_block_page_is_a_200_of_somebody_else_without_effect(sandbox: Sandbox) -> None:
    group, user = sandbox.okta.add_group("Risky"), sandbox.okta.users[0]
    sandbox.fail_next(kind="block_page", method="PUT", content_type="text/html", body="<html>no")
    answer = requests.put(
        f"{sandbox.okta_url}/api/v1/groups/{group.id}/users/{user.id}",
        headers={"Authorization": f"SSWS {sandbox.okta_token}", "Content-Length": "0"},
        timeout=5,
    )
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, "<html>no", "text/html")
    assert "X-Okta-Request-Id" not in answer.headers
    assert "X-Rate-Limit-Limit" not in answer.headers
    assert sandbox.okta.members(group.id) == set()


def test_a_gateway_says_retry_after_and_nothing_else(sandbox: Sandbox) -> None:
    sandbox.fail_next(kind="retry_after", status=429, retry_after="17")
    answer = _get(sandbox, USERS)
    assert (answer.status_code, answer.headers["Retry-After"], answer.content) == (429, "17", b"")
    assert "X-Rate-Limit-Limit" not in answer.headers
    assert answer.headers["Date"]


def test_logins_that_only_look_alike_are_two_people(sandbox: Sandbox) -> None:
    """Okta: unique without regard to case and diacritics; other letters are other letters."""
    pairs = [("gross@x.example", "gro\u00df@x.example"), ("ann.s@x.example", "ann.\u017f@x.example")]
    for one, other in pairs:
        first, second = sandbox.okta.add_user(one), sandbox.okta.add_user(other)
        for login, user in ((one, first), (other, second)):
            found = _get(sandbox, USERS, search=f'profile.login eq "{login}"').json()
            assert [each["id"] for each in found] == [user.id]
    sandbox.okta.add_user("jos\u00e9@x.example")
    with pytest.raises(ValueError, match="already"):
        sandbox.okta.add_user("JOSE\u0301@x.example")


# --- how our clients live with it


@pytest.fixture(params=["half_surrogates", "null_elements", "null_for_empty_lists", "repeat_across_pages"])
def odd(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    setattr(sandbox.options, request.param, True)
    return sandbox


def test_okta_is_read_as_ever(odd: Sandbox, okta: OktaClient) -> None:
    everybody = [user.id for user in odd.okta.users if user.status != "DEPROVISIONED"]
    assert list(dict.fromkeys(user.user_id for user in okta.list_users())) == everybody
    assert okta.find_group("All Staff") is not None
    assert okta.find_group("nobody's") is None
    group = odd.okta.add_group("Risky")
    assert list(okta.list_members(group.id)) == []
    people = odd.okta.users[:3]
    for user in people:
        okta.add_member(group.id, user.id)
    assert {user.user_id for user in okta.list_members(group.id)} == {user.id for user in people}
    assert {user.user_id for user in okta.find_users([user.login for user in people])} >= {
        user.id for user in people
    }
    assert {user.user_id for user in okta.find_users_by_id(everybody)} == set(everybody)
    assert list(okta.list_security_events_providers()) == []
    assert list(okta.list_administrators()) == [] if not odd.options.null_for_empty_lists else True


def test_netskope_is_read_as_ever(odd: Sandbox, netskope: NetskopeClient) -> None:
    odd.options.scim_page_limit = odd.options.netskope_page_limit = 7
    names = set(odd.netskope.names())
    assert set(netskope.list_users()) == names
    series = {row.user: row.score for row in netskope.scores(NOW)}
    listed = {row.user: row.score for row in netskope.scores(NOW, strategy="list")}
    assert series.keys() == names
    # The list has whom Netskope has scored today; the series carries older scores on.
    assert len(listed) > 50
    assert listed.items() <= series.items()


@pytest.mark.parametrize("how", ["lines", "joined"])
def test_limits_that_are_said_twice_are_kept(sandbox: Sandbox, how: str) -> None:
    sandbox.options.doubled_limit_headers = how
    sandbox.use_bucket("/api/v1/groups", 250)
    client = okta_of(sandbox)
    started = sandbox.clock.timestamp()
    assert list(client.list_groups())
    assert 60 <= sandbox.clock.timestamp() - started <= 62
    assert client.limits["/api/v1/groups"] == 250
    assert len(list(netskope_of(sandbox).list_users())) == sandbox.netskope.count


@pytest.mark.parametrize("service", ["okta", "netskope"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_moment", [False, True], ids=["seconds", "moment"])
def test_retry_after_alone_is_obeyed(sandbox: Sandbox, service: str, status: int, as_moment: bool) -> None:
    asked = formatdate(sandbox.clock.timestamp() + 40, usegmt=True) if as_moment else "40"
    sandbox.fail_next(kind="retry_after", service=service, status=status, retry_after=asked)
    started = sandbox.clock.timestamp()
    if service == "okta":
        assert list(okta_of(sandbox).list_groups())
    else:
        assert list(netskope_of(sandbox).list_users())
    assert sandbox.clock.timestamp() - started == 40


def test_a_retry_after_beyond_our_patience_is_an_error(sandbox: Sandbox) -> None:
    for status, kind in ((429, RateLimitedError), (503, ServerError)):
        sandbox.fail_next(kind="retry_after", service="okta", status=status, retry_after="3600")
        with pytest.raises(kind) as caught:
            list(okta_of(sandbox).list_groups())
        assert caught.value.retry_after == 3600


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/json"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_block_page_is_no_membership(sandbox: Sandbox, method: str, content_type: str) -> None:
    group, user = sandbox.okta.add_group("Risky"), sandbox.okta.users[0]
    if method == "DELETE":
        sandbox.okta.add_member(group.id, user.id)
    before = sandbox.okta.members(group.id)
    sandbox.fail_next(kind="block_page", method=method, content_type=content_type)
    client = okta_of(sandbox)
    write = client.add_member if method == "PUT" else client.remove_member
    with pytest.raises(UnexpectedAnswerError, match="proxy"):
        write(group.id, user.id)
    assert sandbox.okta.members(group.id) == before
    assert sandbox.requests[-1].status == 200
