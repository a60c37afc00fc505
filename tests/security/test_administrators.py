"""Whoever administers the org is not locked out by a score; when nobody can tell, that is said each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.errors import OktaUreError
from demo.keys import new_signing_key
from tests.integration.judging_support import ADD, PUSH, UPSERT, Task, context, people, rows, run, writes

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

WORK = ("okta.users.read", "okta.groups.manage")
ROLES = "okta.roles.read"
SAID = "It cannot be read who is an Okta administrator, so administrators are not excluded: "


@pytest.fixture
def as_app(okta: Sandbox, connect: Callable[..., None]) -> Callable[..., None]:
    """Connect as a service app that was granted these scopes."""

    def as_app(*scopes: str, dpop: bool = False, roles: list[str] | None = None, **extra: Any) -> None:
        key = new_signing_key()
        app = okta.okta.add_app(key.jwks, scopes=list(scopes), dpop_required=dpop, role_permissions=roles)
        connect(
            "okta_default",
            conn_type="okta",
            host=okta.okta_url,
            login=app.client_id,
            extra={"auth_method": "private_key_jwt", "client_private_key": key.pem, **extra},
        )

    return as_app


@pytest.fixture
def group(okta: Sandbox) -> str:
    """A group, an administrator (p0), and somebody else (p1)."""
    ids = people(okta, 2)
    okta.okta.make_administrator(ids[0])
    return str(okta.okta.add_group("Risky").id)


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
@pytest.mark.parametrize("extra", [{}, {"scopes": " ".join(WORK)}, {"scopes": ",".join((*WORK, ROLES))}])
def test_an_app_with_the_scope_leaves_administrators_alone(
    okta: Sandbox, as_app: Callable[..., None], group: str, dpop: bool, extra: dict[str, str]
) -> None:
    """Also when the connection lists the scopes of the work, and not this one."""
    as_app(*WORK, ROLES, dpop=dpop, **extra)
    report = run(ADD, rows(2), group_id=group)
    assert report["reasons"] == {"skipped:excluded": 1}
    assert report["warnings"] == []
    assert [okta.okta.user(one).login for one in okta.okta.members(group)] == ["p1@new.example"]


@pytest.mark.parametrize(
    "why",
    [
        pytest.param("scope", id="scope-not-granted"),
        pytest.param("role", id="scope-without-role"),
        pytest.param("token", id="api-token-without-right"),
    ],
)
def test_what_is_missing_is_said_in_the_report_each_time(
    okta: Sandbox, as_app: Callable[..., None], connect: Callable[..., None], group: str, why: str
) -> None:
    if why == "scope":
        as_app(*WORK)
    elif why == "role":
        as_app(*WORK, ROLES, roles=list(WORK))
    else:
        token = okta.okta.add_token(permissions=list(WORK))
        connect("okta_default", conn_type="okta", host=okta.okta_url, password=token)
    for _ in range(2):
        report = run(ADD, rows(2), group_id=group, dry_run=True)
        (said,) = report["warnings"]
        assert said.startswith(SAID)
        assert ROLES in said
        assert "role that may see who is an administrator" in said
    with pytest.raises(AirflowFailException, match="so nobody is touched"):
        run(ADD, rows(2), group_id=group, exclude_administrators=True)
    assert okta.okta.members(group) == set()


def test_whoever_does_not_exclude_them_is_not_warned(
    okta: Sandbox, as_app: Callable[..., None], group: str
) -> None:
    as_app(*WORK)
    report = run(ADD, rows(2), group_id=group, exclude_administrators=False)
    assert (report["counts"]["done"], report["warnings"]) == (2, [])


@pytest.mark.parametrize("operator", [PUSH, UPSERT])
def test_neither_signals_nor_risks_are_about_administrators(
    okta: Sandbox, group: str, operator: type[Any]
) -> None:
    arguments = {"ensure_provider": True} if operator is PUSH else {}
    report = run(operator, rows(2), context(task=Task("act")), **arguments)
    assert (report["counts"]["done"], report["reasons"]) == (1, {"skipped:excluded": 1})


def test_a_list_that_may_come_another_time_is_waited_for(okta: Sandbox, group: str) -> None:
    """A failure of Okta is no missing right: the task fails and is tried again."""
    okta.fail_next(service="okta", status=503, times=50, path_prefix="/api/v1/iam")
    with pytest.raises(OktaUreError) as caught:
        run(ADD, rows(2), group_id=group)
    assert caught.value.retryable
    assert writes(okta) == []
