# SPDX-License-Identifier: Apache-2.0
"""Whom nothing may happen to, nothing happens to; and when that cannot be known, nothing happens to anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.okta import OktaNoActionOperator
from tests.contract.client_support import timing_of
from tests.contract.sandbox_support import jwk, private_key
from tests.integration.judging_support import (
    ADD,
    PUSH,
    REMOVE,
    UPSERT,
    logged,
    people,
    rows,
    run,
    writes,
)

ACTIONS = [
    pytest.param(ADD, {"group_name": "Risky"}, id="add"),
    pytest.param(REMOVE, {"group_name": "Risky", "only_added_by_us": False}, id="remove"),
    pytest.param(PUSH, {"ensure_provider": True}, id="push"),
    pytest.param(UPSERT, {}, id="upsert"),
]


@pytest.fixture
def three(okta, request) -> list[str]:
    """Three people; a group that they are in when somebody is to be removed, and are not in otherwise."""
    ids = people(okta, 3)
    group = okta.okta.add_group("Risky")
    if request.node.callspec.params.get("operator") is REMOVE:
        for user_id in ids:
            okta.okta.add_member(group.id, user_id)
    return ids


@pytest.fixture
def warned(monkeypatch) -> Callable[[str], list[str]]:
    """What hooks have logged as warnings, of which a part is named."""
    said: list[str] = []

    class Log:
        def info(self, *_: object) -> None: ...

        def warning(self, text: str, *values: object) -> None:
            said.append(text % values)

    monkeypatch.setattr(OktaHook, "log", Log())
    return lambda part: [text for text in said if part in text]


def touched(okta: Any, three: list[str]) -> set[str]:
    """Return the users among the three that something was done to."""
    paths = [one.path for one in okta.requests_to("okta") if one.method in ("PUT", "DELETE")]
    pushed = {
        event["target"][0]["id"] for event in okta.okta.system_log if "receive_event" in event["eventType"]
    }
    return {user_id for user_id in three if user_id in pushed or any(user_id in path for path in paths)}


@pytest.mark.parametrize(("operator", "arguments"), ACTIONS)
@pytest.mark.parametrize(
    "exclude",
    [
        pytest.param(lambda okta, ids: {"exclude_users": ["P1@New.EXAMPLE"]}, id="login-in-any-case"),
        pytest.param(lambda okta, ids: {"exclude_users": [ids[1].upper()]}, id="id-in-any-case"),
        pytest.param(lambda okta, ids: {"exclude_users": " x@y.example , p1@new.example"}, id="text"),
        pytest.param(lambda okta, ids: {"exclude_users": '["p1@new.example"]'}, id="json"),
        pytest.param(lambda okta, ids: {"exclude_users": "['p1@new.example', 'x']"}, id="list-made-text"),
        pytest.param(lambda okta, ids: {"exclude_users": "x@y.example;p1@new.example"}, id="semicolon"),
        pytest.param(lambda okta, ids: {"exclude_users": "x@y.example\np1@new.example"}, id="line-end"),
        pytest.param(lambda okta, ids: {"exclude_users": "x@y.example p1@new.example"}, id="blank"),
        pytest.param(lambda okta, ids: {"exclude_users": "'p1@new.example'"}, id="quotes"),
        pytest.param(lambda okta, ids: {"exclude_users": {"p1@new.example"}}, id="set"),
        pytest.param(lambda okta, ids: {"exclude_groups": ["Break glass"]}, id="group-by-name"),
        pytest.param(
            lambda okta, ids: {"exclude_groups": okta.okta.find_group("Break glass").id}, id="group-by-id"
        ),
        pytest.param(
            lambda okta, ids: okta.okta.make_administrator(ids[1]) or {}, id="administrator-if-readable"
        ),
        pytest.param(
            lambda okta, ids: okta.okta.make_administrator(ids[1]) or {"exclude_administrators": True},
            id="administrator",
        ),
    ],
)
def test_an_excluded_user_is_not_touched_and_the_others_are(okta, three, operator, arguments, exclude):
    protected = okta.okta.add_group("Break glass")
    is_by_group = "exclude_groups" in (more := exclude(okta, three))
    if is_by_group:
        okta.okta.add_member(protected.id, three[1])
    report = run(operator, rows(3), **arguments, **more)
    assert touched(okta, three) == {three[0], three[2]}
    assert report["reasons"]["skipped:excluded"] == 1
    assert report["counts"]["done"] == 2
    (entry,) = logged(reason="excluded")
    assert (entry.user_id, entry.status) == (three[1], "skipped")


@pytest.mark.parametrize("where", ["operator", "connection"])
@pytest.mark.parametrize(
    ("named", "login"),
    [
        pytest.param("jose\u0301@new.example", "jos\u00e9@new.example", id="accents-apart"),
        pytest.param("JOS\u00c9@new.example", "jose\u0301@new.example", id="accents-composed"),
    ],
)
def test_an_excluded_name_is_the_same_however_its_accents_are_composed(okta, connect, where, named, login):
    jose, group = okta.okta.add_user(login=login), okta.okta.add_group("Risky")
    excluded: dict[str, Any] = {"exclude_users": [named]}
    if where == "connection":
        connect(
            "okta_default",
            conn_type="okta",
            host=okta.okta_url,
            password=okta.okta_token,
            extra=excluded,
        )
    report = run(ADD, [{"user": login}], group_id=group.id, **(excluded if where == "operator" else {}))
    assert (report["reasons"], okta.okta.members(group.id)) == ({"skipped:excluded": 1}, set())
    assert jose.id


def test_an_excluded_user_who_was_renamed_stays_excluded(okta, warned):
    """A break-glass account is renamed in Okta, and nobody thinks of the list."""
    ids = people(okta, 2)
    group = okta.okta.add_group("Risky")
    run(ADD, rows(2), group_id=group.id, exclude_users="p0@new.example", dry_run=True)
    okta.okta.change_user(ids[0], login="emergency@new.example", email="emergency@new.example")
    report = run(
        ADD,
        [{"user": "emergency@new.example"}, {"user": "p1@new.example"}],
        group_id=group.id,
        exclude_users="p0@new.example",
    )
    assert okta.okta.members(group.id) == {ids[1]}
    assert report["reasons"] == {"skipped:excluded": 1}
    (warning,) = report["warnings"]
    assert "'p0@new.example' any more" in warning
    assert ids[0] in warning


def test_an_excluded_name_that_somebody_else_has_now_is_theirs(okta):
    ids = people(okta, 1)
    group = okta.okta.add_group("Risky")
    run(ADD, rows(1), group_id=group.id, exclude_users="p0@new.example")
    okta.okta.change_user(ids[0], login="old@new.example", email="old@new.example")
    successor = okta.okta.add_user(login="p0@new.example")
    run(ADD, rows(1), group_id=group.id, exclude_users="p0@new.example")
    assert successor.id not in okta.okta.members(group.id)


def test_a_name_that_several_users_have_excludes_each_of_them(okta):
    shared = [okta.okta.add_user(login=f"s{one}@new.example", email="desk@new.example") for one in (1, 2)]
    group = okta.okta.add_group("Risky")
    report = run(
        ADD,
        [{"user": one.login} for one in shared],
        group_id=group.id,
        exclude_users="desk@new.example",
    )
    assert (report["reasons"], okta.okta.members(group.id)) == ({"skipped:excluded": 2}, set())


def test_a_name_that_is_nobodys_is_a_warning_in_the_log(okta, warned):
    ids = people(okta, 2)
    group = okta.okta.add_group("Risky")
    run(ADD, rows(2), group_id=group.id, exclude_users=["p0@new.example", "vpi@new.example"])
    assert okta.okta.members(group.id) == {ids[1]}
    (warning,) = warned("protect nobody")
    assert "1 of 2 names in exclude_users" in warning
    assert "'vpi@new.example'" in warning
    assert "p0@" not in warning


def test_exclusions_that_match_somebody_are_no_warning(okta, warned):
    ids = people(okta, 3)
    okta.okta.add_user(login="ann.login@new.example", email="ann@new.example")
    group = okta.okta.add_group("Risky")
    excluded = ["P0@new.example", ids[1], "Ann@new.example"]
    run(ADD, rows(3), group_id=group.id, exclude_users=excluded)
    assert okta.okta.members(group.id) == {ids[2]}
    assert warned("protect") == []


def test_an_excluded_group_without_members_is_a_warning(okta, warned):
    people(okta, 1)
    okta.okta.add_group("Break glass")
    okta.okta.add_group("Risky")
    run(ADD, rows(1), group_name="Risky", exclude_groups="Break glass")
    (warning,) = warned("protects nobody")
    assert "'Break glass' has no members" in warning


def test_a_name_of_nobody_that_looks_like_several_stops_the_task(okta):
    people(okta, 2)
    okta.okta.add_group("Risky")
    with pytest.raises(AirflowFailException, match="'p0, p1', which looks like several names"):
        run(ADD, rows(2), group_name="Risky", exclude_users=["p0, p1"])
    assert writes(okta) == []


def test_a_group_with_a_comma_in_its_name_is_excluded_as_an_item_of_a_list(okta):
    ids = people(okta, 2)
    okta.okta.add_member(okta.okta.add_group("Break glass, EMEA").id, ids[0])
    group = okta.okta.add_group("Risky")
    run(ADD, rows(2), group_id=group.id, exclude_groups=["Break glass, EMEA"])
    assert okta.okta.members(group.id) == {ids[1]}


def test_text_that_is_both_a_group_and_a_list_of_groups_stops_the_task(okta):
    people(okta, 1)
    for name in ("Break glass, EMEA", "Break glass", "EMEA", "Risky"):
        okta.okta.add_group(name)
    with pytest.raises(AirflowFailException, match="is the name of one group, and reads like several"):
        run(ADD, rows(1), group_name="Risky", exclude_groups="Break glass, EMEA")
    assert writes(okta) == []


def test_names_are_looked_up_in_few_calls(okta):
    people(okta, 30)
    okta.okta.add_group("Risky")

    def searches(**arguments: Any) -> int:
        before = len(okta.requests_to("okta", "GET", "/api/v1/users"))
        run(ADD, rows(1), group_name="Risky", dry_run=True, **arguments)
        return len(okta.requests_to("okta", "GET", "/api/v1/users")) - before

    without = searches()
    assert searches(exclude_users=[f"p{number}@new.example" for number in range(5, 30)]) == without + 1


@pytest.mark.parametrize(("operator", "arguments"), ACTIONS)
def test_without_exclusions_all_three_are_touched(okta, three, operator, arguments):
    run(operator, rows(3), **arguments)
    assert touched(okta, three) == set(three)


def test_the_email_of_a_user_excludes_him_whatever_the_row_calls_him(okta):
    user = okta.okta.add_user(login="ann.login@new.example", email="ann@new.example")
    group = okta.okta.add_group("Risky")
    for name in ("ann.login@new.example", "ANN@new.example"):
        report = run(ADD, [{"user": name}], group_id=group.id, exclude_users=["Ann@New.Example"])
        assert report["reasons"] == {"skipped:excluded": 1}
    assert user.id not in okta.okta.members(group.id)


def test_exclusions_of_the_connection_and_of_the_operator_add_up(okta, connect):
    ids = people(okta, 5)
    protected = [okta.okta.add_group(name) for name in ("From the connection", "From the operator")]
    okta.okta.add_member(protected[0].id, ids[0])
    okta.okta.add_member(protected[1].id, ids[1])
    connect(
        "okta_default",
        conn_type="okta",
        host=okta.okta_url,
        password=okta.okta_token,
        extra={"exclude_users": "p2@new.example", "exclude_groups": "From the connection"},
    )
    group = okta.okta.add_group("Risky")
    report = run(
        ADD,
        rows(5),
        group_id=group.id,
        exclude_users=["p3@new.example"],
        exclude_groups=["From the operator"],
    )
    assert report["reasons"] == {"skipped:excluded": 4}
    assert okta.okta.members(group.id) == {ids[4]}


def test_excluded_users_count_neither_as_changes_nor_as_failures(okta):
    people(okta, 40)
    excluded = [f"p{number}@new.example" for number in range(15)]
    report = run(ADD, rows(40), group_name="Risky", create_group=True, exclude_users=excluded, dry_run=True)
    assert len(report["plan"]["changes"]) == 25
    done = run(ADD, rows(40), group_name="Risky", create_group=True, exclude_users=excluded)
    assert (done["counts"]["done"], done["counts"]["skipped"], done["counts"]["failed"]) == (25, 15, 0)


def _missing(okta: Any) -> Any:
    return "Nothing of the kind"


def _ambiguous(okta: Any) -> Any:
    okta.okta.add_group("Twins")
    okta.okta.add_group("Twins", type="APP_GROUP")
    return "Twins"


def _unreadable(okta: Any) -> Any:
    group = okta.okta.add_group("Hidden")
    okta.fail_next(
        service="okta", status=403, method="GET", path_prefix=f"/api/v1/groups/{group.id}/users", times=99
    )
    return "Hidden"


@pytest.mark.parametrize("how", [_missing, _ambiguous, _unreadable])
@pytest.mark.parametrize(("operator", "arguments"), ACTIONS)
def test_when_an_excluded_group_cannot_be_read_nobody_is_touched(okta, three, operator, arguments, how):
    name = how(okta)
    with pytest.raises(AirflowFailException, match=rf"excluded group '{name}' cannot be read, so nobody is"):
        run(operator, rows(3), exclude_groups=[name], **arguments)
    assert writes(okta) == []
    assert logged() == []


@pytest.mark.parametrize("wrong", [5, [5], [""], "[unfinished", {"a": 1}])
def test_what_is_no_list_of_names_is_an_error_and_not_an_empty_list(okta, wrong):
    people(okta, 1)
    okta.okta.add_group("Risky")
    for argument in ("exclude_users", "exclude_groups"):
        with pytest.raises(AirflowFailException, match=f"{argument} is not a list of names"):
            run(ADD, rows(1), group_name="Risky", **{argument: wrong})
    assert writes(okta) == []


def test_an_outage_while_the_exclusions_are_read_may_be_tried_again(okta, monkeypatch):
    monkeypatch.setattr("airflow_provider_okta_ure.clients.http.Timing", lambda: timing_of(okta))
    people(okta, 1)
    okta.okta.add_group("Risky")
    okta.okta.add_group("Hidden")
    okta.fail_next(service="okta", status=503, method="GET", path_prefix="/api/v1/iam", times=99)
    with pytest.raises(OktaUreError) as caught:
        run(ADD, rows(1), group_name="Risky", exclude_administrators=True)
    assert caught.value.retryable
    assert writes(okta) == []


def test_administrators_who_cannot_be_read_stop_everything_only_when_they_must_be(okta):
    people(okta, 2)
    okta.okta.add_group("Risky")
    okta.fail_next(service="okta", status=403, method="GET", path_prefix="/api/v1/iam", times=2)
    with pytest.raises(AirflowFailException, match="list of administrators cannot be read, so nobody"):
        run(ADD, rows(2), group_name="Risky", exclude_administrators="True")
    assert writes(okta) == []
    assert run(ADD, rows(2), group_name="Risky")["counts"]["done"] == 2


def test_administrators_are_not_even_read_when_they_are_not_excluded(okta):
    ids = people(okta, 1)
    okta.okta.make_administrator(ids[0])
    okta.okta.add_group("Risky")
    assert run(ADD, rows(1), group_name="Risky", exclude_administrators=False)["counts"]["done"] == 1
    assert okta.requests_to("okta", "GET", "/api/v1/iam") == []


def test_an_argument_that_is_neither_is_an_error(okta):
    with pytest.raises(AirflowFailException, match="exclude_administrators is 'sometimes'"):
        run(ADD, rows(1), group_name="Risky", exclude_administrators="sometimes")


def test_a_task_without_anything_to_do_does_not_read_the_exclusions(okta):
    group = okta.okta.add_group("Risky")
    run(ADD, rows(2), group_id=group.id, exclude_groups=["There is no such group"])
    assert okta.requests_to("okta", "GET", "/api/v1/iam") == []


def test_recording_a_match_needs_no_exclusions(okta):
    report = run(OktaNoActionOperator, rows(2), exclude_groups=["There is no such group"])
    assert report["counts"]["done"] == 2


# --- scopes of a service app


@pytest.fixture
def as_app(okta, connect, signing_key) -> Callable[..., None]:
    """Connect as a service app that was granted these scopes and no others."""

    def connect_as(*scopes: str, **extra: Any) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        app = okta.okta.add_app({"keys": [jwk("key-1", 3)]}, scopes=scopes, dpop_required=False)
        pem = private_key(3, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        connect(
            "okta_default",
            conn_type="okta",
            host=okta.okta_url,
            login=app.client_id,
            extra={
                "auth_method": "private_key_jwt",
                "client_private_key": pem,
                "client_key_id": "key-1",
                "issuer": "https://risk.corp.example",
                "jwks_url": okta.publish_jwks(signing_key.jwks),
                "signing_private_key": signing_key.pem,
                "allow_private_jwks_url": True,
                **extra,
            },
        )

    return connect_as


@pytest.mark.parametrize("where", ["operator", "connection"])
def test_a_push_with_excluded_groups_asks_for_the_scope_that_reads_them(okta, as_app, where):
    ids = people(okta, 2)
    okta.okta.add_member(okta.okta.add_group("Break glass").id, ids[0])
    excluded: dict[str, Any] = {"exclude_groups": "Break glass"}
    as_app(
        "okta.users.read",
        "okta.groups.read",
        "okta.securityEventsProviders.manage",
        **(excluded if where == "connection" else {}),
    )
    arguments = excluded if where == "operator" else {}
    report = run(PUSH, rows(2), ensure_provider=True, **arguments)
    assert (report["counts"]["done"], report["reasons"]) == (1, {"skipped:excluded": 1})
    # For the list of administrators it signs in once more.
    assert any("okta.groups.read" in str(one) for one in okta.okta.token_requests)


def test_a_push_without_excluded_groups_does_not_ask_for_it(okta, as_app):
    people(okta, 1)
    as_app("okta.users.read", "okta.securityEventsProviders.manage")
    assert run(PUSH, rows(1), ensure_provider=True)["counts"]["done"] == 1
    assert "okta.groups" not in str(okta.okta.token_requests)


def test_administrators_are_read_with_the_scope_for_roles_or_nobody_is_touched(okta, as_app):
    ids = people(okta, 2)
    okta.okta.make_administrator(ids[0])
    group = okta.okta.add_group("Risky")
    as_app("okta.users.read", "okta.groups.manage")
    with pytest.raises(AirflowFailException, match=r"okta\.roles\.read"):
        run(ADD, rows(2), group_id=group.id, exclude_administrators=True)
    assert okta.okta.members(group.id) == set()
    as_app("okta.users.read", "okta.groups.manage", "okta.roles.read")
    report = run(ADD, rows(2), group_id=group.id, exclude_administrators=True)
    assert report["reasons"] == {"skipped:excluded": 1}
    assert okta.okta.members(group.id) == {ids[1]}


def test_an_app_that_may_read_roles_excludes_administrators_by_default(okta, as_app):
    ids = people(okta, 2)
    okta.okta.make_administrator(ids[0])
    group = okta.okta.add_group("Risky")
    as_app("okta.users.read", "okta.groups.manage", "okta.roles.read")
    assert run(ADD, rows(2), group_id=group.id)["reasons"] == {"skipped:excluded": 1}
    assert okta.okta.members(group.id) == {ids[1]}


def test_an_app_that_may_not_read_roles_acts_by_default(okta, as_app):
    people(okta, 1)
    group = okta.okta.add_group("Risky")
    as_app("okta.users.read", "okta.groups.manage")
    assert run(ADD, rows(1), group_id=group.id)["counts"]["done"] == 1
