# SPDX-License-Identifier: Apache-2.0
"""Okta's groups: found by exact name, made once, and written as Okta allows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.errors import (
    GroupError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
    UnexpectedAnswerError,
)
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.client_support import NOW, methods, okta, okta_of, sandbox

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient

__all__ = ["okta", "sandbox"]


def test_groups_are_listed_with_and_without_their_size(okta: OktaClient, sandbox: Sandbox) -> None:
    groups = {group.name: group for group in okta.list_groups()}
    assert set(groups) == {group.name for group in sandbox.okta.groups}
    assert groups["Everyone"].type == "BUILT_IN"
    assert groups["Sales"].member_count is None
    sized = {group.name: group.member_count for group in okta.list_groups(stats=True)}
    assert sized["Sales"] == len(sandbox.okta.find_group("Sales").members)  # type: ignore[union-attr]


def test_more_groups_than_fit_on_a_page_are_all_listed(okta: OktaClient, sandbox: Sandbox) -> None:
    for number in range(450):
        sandbox.okta.add_group(f"Group {number}")
    assert len(list(okta.list_groups())) == len(sandbox.okta.groups)


def test_a_group_is_found_by_its_exact_name(okta: OktaClient, sandbox: Sandbox) -> None:
    exact = sandbox.okta.add_group('At "Risk" \\ now')
    sandbox.okta.add_group('at "risk" \\ NOW')
    found = okta.find_group('At "Risk" \\ now')
    assert found is not None
    assert found.group_id == exact.id
    assert okta.find_group("Sale") is None
    assert okta.find_group("Sales and more") is None
    assert okta.find_group("") is None


def test_two_groups_of_one_name_are_ambiguous_also_when_one_is_imported(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    one = sandbox.okta.add_group("At Risk")
    two = sandbox.okta.add_group("At Risk", "APP_GROUP")
    with pytest.raises(GroupError) as caught:
        okta.find_group("At Risk")
    assert caught.value.reason == "ambiguous_group"
    assert one.id in str(caught.value)
    assert two.id in str(caught.value)


def test_a_group_is_read_by_its_id(okta: OktaClient, sandbox: Sandbox) -> None:
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    assert okta.get_group(group.id).name == "Sales"
    with pytest.raises(NotFoundError) as caught:
        okta.get_group("00gunknown")
    assert caught.value.resource == "UserGroup"


def test_a_group_is_created_with_its_description(okta: OktaClient, sandbox: Sandbox) -> None:
    group = okta.create_group("At Risk", "Kept by Airflow")
    assert (group.type, group.description, group.is_writable) == ("OKTA_GROUP", "Kept by Airflow", True)
    assert sandbox.okta.group(group.group_id).description == "Kept by Airflow"


def test_a_name_that_is_taken_cannot_be_created_twice(okta: OktaClient) -> None:
    okta.create_group("At Risk")
    with pytest.raises(InvalidRequestError, match="already exists") as caught:
        okta.create_group("At Risk")
    assert caught.value.code == "E0000001"


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_that_okta_does_not_allow_is_refused(okta: OktaClient, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        okta.create_group(name)


# --- ensure


def test_a_group_is_made_once_and_then_found(okta: OktaClient, sandbox: Sandbox) -> None:
    first = okta.ensure_group("At Risk", "d")
    assert okta.ensure_group("At Risk", "another").group_id == first.group_id
    assert len(sandbox.requests_to(method="POST")) == 1


def test_a_group_that_somebody_else_makes_at_the_same_time_is_made_once(sandbox: Sandbox) -> None:
    sandbox.options.index_delay_seconds = 1.0
    clients = [okta_of(sandbox) for _ in range(6)]
    together = threading.Barrier(len(clients))

    def ensure(client: OktaClient) -> str:
        together.wait()
        return client.ensure_group("At Risk").group_id

    with ThreadPoolExecutor(len(clients)) as pool:
        ids = set(pool.map(ensure, clients))
    assert len(ids) == 1
    assert [group.name for group in sandbox.okta.groups].count("At Risk") == 1


def test_a_group_that_the_index_does_not_show_yet_is_found_soon(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.options.index_delay_seconds = 2.5
    made = sandbox.okta.add_group("At Risk")
    assert okta.find_group("At Risk") is None
    assert okta.ensure_group("At Risk").group_id == made.id


def test_a_group_whose_making_lost_its_answer_is_found_and_not_made_twice(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    sandbox.fail_next(kind="lost_answer", method="POST", path_prefix="/api/v1/groups")
    group = okta.ensure_group("At Risk")
    assert [one.id for one in sandbox.okta.groups if one.name == "At Risk"] == [group.group_id]


def test_a_group_whose_making_never_arrived_is_reported_as_such(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.fail_next(kind="reset", method="POST", path_prefix="/api/v1/groups")
    with pytest.raises(TransportError) as caught:
        okta.ensure_group("At Risk")
    assert caught.value.retryable
    assert sandbox.okta.find_group("At Risk") is None


def test_a_name_taken_in_another_case_is_explained(okta: OktaClient, sandbox: Sandbox) -> None:
    sandbox.okta.add_group("AT RISK")
    with pytest.raises(GroupError, match="differs in case") as caught:
        okta.ensure_group("At Risk")
    assert caught.value.reason == "group_not_found"


def test_other_refusals_to_make_a_group_are_not_taken_for_a_taken_name(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    with pytest.raises(InvalidRequestError):
        okta.ensure_group("x" * 256)
    assert len(sandbox.requests) == 2


# --- members


def test_members_are_added_listed_and_removed_and_again_without_harm(
    okta: OktaClient, sandbox: Sandbox
) -> None:
    group = okta.create_group("At Risk")
    users = [user.id for user in sandbox.okta.users if user.status == "ACTIVE"][:3]
    for user_id in users + users[:1]:
        answer = okta.add_member(group.group_id, user_id)
        assert answer.status == 204
        assert answer.request_id
    assert {user.user_id for user in okta.list_members(group.group_id)} == set(users)
    for user_id in users[:1] * 2:
        assert okta.remove_member(group.group_id, user_id).status == 204
    assert sandbox.okta.members(group.group_id) == set(users[1:])


def test_a_membership_is_written_without_a_body(okta: OktaClient, sandbox: Sandbox) -> None:
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    okta.add_member(group.id, sandbox.okta.users[0].id)
    okta.remove_member(group.id, sandbox.okta.users[0].id)
    assert [(entry.body, entry.content_type) for entry in sandbox.requests] == [(b"", None)] * 2


def test_more_members_than_fit_on_five_pages_are_all_listed() -> None:
    with Sandbox(users=1300, now=NOW, frozen=True) as big:
        group = big.okta.add_group("At Risk")
        for user in big.okta.users:
            big.okta.add_member(group.id, user.id)
        members = [user.user_id for user in okta_of(big).list_members(group.id)]
        assert len(members) == len(set(members))
        assert set(members) == big.okta.members(group.id)
        assert len(big.requests) == -(-len(members) // 200)


@pytest.mark.parametrize("write", ["add_member", "remove_member"])
def test_a_missing_user_is_not_blamed_on_the_group_and_the_other_way_round(
    okta: OktaClient, sandbox: Sandbox, write: str
) -> None:
    group, user = okta.create_group("At Risk"), sandbox.okta.users[0]
    for group_id, user_id, missing in (
        ("00gunknown", user.id, "UserGroup"),
        (group.group_id, "00uunknown", "User"),
    ):
        with pytest.raises(NotFoundError) as caught:
            getattr(okta, write)(group_id, user_id)
        assert caught.value.resource == missing


@pytest.mark.parametrize("old_answer", [False, True])
@pytest.mark.parametrize("name", ["Everyone", "CORP Domain Users"])
def test_a_group_that_cannot_be_written_is_refused_in_both_of_oktas_ways(
    okta: OktaClient, sandbox: Sandbox, name: str, old_answer: bool
) -> None:
    sandbox.options.built_in_group_refusal_501 = old_answer
    group = okta.find_group(name)
    assert group is not None
    assert not group.is_writable
    with pytest.raises(PermissionDeniedError, match="OKTA_GROUP") as caught:
        okta.add_member(group.group_id, sandbox.okta.users[0].id)
    assert not caught.value.retryable
    assert len(sandbox.requests_to(method="PUT")) == 1


def test_a_refused_list_is_an_error_and_not_a_list_of_its_keys(okta: OktaClient, sandbox: Sandbox) -> None:
    for path, read in (("/api/v1/groups", okta.list_groups), ("/api/v1/users", okta.list_users)):
        sandbox.fail_next(status=403, path_prefix=path)
        with pytest.raises(PermissionDeniedError):
            list(read())


def test_an_error_body_with_a_status_of_success_is_not_a_list(okta: OktaClient, sandbox: Sandbox) -> None:
    body = '{"errorCode": "E0000009", "errorSummary": "Internal Server Error"}'
    sandbox.fail_next(status=200, path_prefix="/api/v1/groups", body=body, times=9)
    with pytest.raises((UnexpectedAnswerError, InvalidRequestError)):
        list(okta.list_groups())


def test_a_failure_in_the_middle_of_a_list_repeats_that_page_only() -> None:
    with Sandbox(users=450, now=NOW, frozen=True) as big:
        client = okta_of(big)
        users = client.list_users()
        seen = [next(users).user_id for _ in range(200)]
        big.fail_next(kind="truncate", path_prefix="/api/v1/users")
        big.fail_next(status=503, path_prefix="/api/v1/users")
        seen += [user.user_id for user in users]
        assert len(seen) == len(set(seen)) == sum(user.status != "DEPROVISIONED" for user in big.okta.users)
        assert len(methods(big)) == 3 + 2
