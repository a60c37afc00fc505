"""Okta's own Python SDK, which knows nothing of this project, gets along with the pretend Okta."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contract.sandbox_support import group_id, jwk, make_sandbox

okta_client = pytest.importorskip("okta.client", reason="Okta's SDK is not installed")
models = pytest.importorskip("okta.models")


@pytest.fixture
def sandbox(monkeypatch):
    # The SDK refuses plain http unless this is set before a client is made.
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    with make_sandbox(users=250) as sandbox:
        yield sandbox


def ask(sandbox: Any, *calls: Any, **configuration: Any) -> list[tuple[Any, Any, Any]]:
    """Make calls of the SDK, one after the other, and return (data, answer, error) of each."""

    async def work() -> list[tuple[Any, Any, Any]]:
        settings = {"orgUrl": sandbox.okta_url, "token": sandbox.okta_token, **configuration}
        async with okta_client.Client(settings) as client:
            results = []
            for call in calls:
                result = await call(client)
                results.append(result if len(result) == 3 else (None, *result))
            return results

    return asyncio.run(work())


def test_users_are_listed_page_by_page(sandbox):
    seen: list[str] = []
    pages = 0
    after = None
    while True:
        arguments = {"limit": 100, **({"after": after} if after else {})}
        ((users, answer, error),) = ask(sandbox, lambda client, sent=arguments: client.list_users(**sent))
        assert error is None
        seen += [user.id for user in users]
        pages += 1
        link = (
            answer.headers.getall("Link") if hasattr(answer.headers, "getall") else [answer.headers["Link"]]
        )
        following = [part for part in ", ".join(link).split(", ") if 'rel="next"' in part]
        if not following:
            break
        after = following[0].split("after=")[1].split("&")[0].split(">")[0]
    active = [user.id for user in sandbox.okta.users if user.status != "DEPROVISIONED"]
    assert seen == active
    assert pages == 3


def test_one_user_by_id_and_login(sandbox):
    user = sandbox.okta.users[0]
    for name in (user.id, user.login):
        ((found, _, error),) = ask(sandbox, lambda client, name=name: client.get_user(name))
        assert error is None
        assert found.profile.login == user.login


def test_every_kind_of_user_can_be_read(sandbox):
    ((users, _, error),) = ask(
        sandbox, lambda client: client.list_users(search='status pr and profile.login co "."', limit=200)
    )
    assert error is None
    assert {"DEPROVISIONED", "SUSPENDED", "STAGED", "LOCKED_OUT"} <= {user.status.value for user in users}


def test_a_missing_user_is_an_error_with_oktas_code(sandbox):
    ((found, _, error),) = ask(sandbox, lambda client: client.get_user("nobody@corp.example"))
    assert found is None
    assert error.error_code == "E0000007"
    assert "nobody@corp.example (User)" in str(error)


def test_a_group_is_made_filled_and_emptied(sandbox):
    user = sandbox.okta.users[0].id
    profile = models.OktaUserGroupProfile(name="Made by the SDK", description="d")
    ((group, _, error),) = ask(
        sandbox, lambda client: client.add_group(models.AddGroupRequest(profile=profile))
    )
    assert error is None
    ((_, _, error),) = ask(sandbox, lambda client: client.assign_user_to_group(group.id, user))
    assert error is None
    assert sandbox.okta.members(group.id) == {user}
    ((members, _, error),) = ask(sandbox, lambda client: client.list_group_users(group.id))
    assert error is None
    assert [member.id for member in members] == [user]
    ((_, _, error),) = ask(sandbox, lambda client: client.unassign_user_from_group(group.id, user))
    assert error is None
    assert sandbox.okta.members(group.id) == set()


def test_a_group_that_cannot_be_written_is_an_error(sandbox):
    everyone = group_id(sandbox, "Everyone")
    user = sandbox.okta.users[0].id
    ((_, _, error),) = ask(sandbox, lambda client: client.assign_user_to_group(everyone, user))
    assert error.error_code == "E0000006"


def test_a_429_is_waited_out_by_the_sdk(sandbox, monkeypatch):
    """The SDK waits until the reset that the headers name, by the server's Date; here the clock does."""
    waited = []

    async def sleep(seconds, *_):
        waited.append(seconds)
        sandbox.clock.advance(seconds)

    sandbox.set_bucket("/api/v1/groups", 1)
    real_sleep = asyncio.sleep
    monkeypatch.setattr(
        "okta.request_executor.time.sleep", lambda seconds: waited.append(seconds), raising=False
    )
    monkeypatch.setattr(
        asyncio, "sleep", lambda seconds, *rest: (sleep if seconds > 1 else real_sleep)(seconds)
    )
    (first, second) = ask(sandbox, lambda client: client.list_groups(), lambda client: client.list_groups())
    assert first[2] is None
    assert second[2] is None
    assert len(second[0]) == len(sandbox.okta.groups)
    assert waited == [61]
    assert [entry.status for entry in sandbox.requests_to("okta", "GET", "/api/v1/groups")] == [200, 429, 200]
    assert sandbox.requests[-1].retry_count == "1"


def test_providers_and_risk(sandbox):
    user = sandbox.okta.users[0].id
    settings = models.SecurityEventsProviderSettingsNonSSFCompliant(
        issuer="https://sdk.example", jwks_url="https://sdk.example/jwks"
    )
    request = models.SecurityEventsProviderRequest(
        name="SDK",
        type="okta",
        settings=models.SecurityEventsProviderRequestSettings(actual_instance=settings),
    )
    ((provider, _, error),) = ask(
        sandbox, lambda client: client.create_security_events_provider_instance(request)
    )
    assert error is None
    assert provider.status == "ACTIVE"
    ((listed, _, error),) = ask(sandbox, lambda client: client.list_security_events_provider_instances())
    assert error is None
    assert [one.name for one in listed] == ["SDK"]
    ((before, _, error),) = ask(sandbox, lambda client: client.get_user_risk(user))
    assert error is None
    assert _level(before) == "NONE"
    wanted = models.UserRiskRequest(risk_level="HIGH")
    ((_, _, error),) = ask(sandbox, lambda client: client.upsert_user_risk(user, wanted))
    assert error is None
    assert sandbox.okta.risk(user) == "HIGH"
    ((after, _, error),) = ask(sandbox, lambda client: client.get_user_risk(user))
    assert error is None
    assert _level(after) == "HIGH"


def test_log_events_can_be_read(sandbox):
    user = sandbox.okta.users[0].id
    group = sandbox.okta.add_group("G").id
    (_, (events, _, error)) = ask(
        sandbox,
        lambda client: client.assign_user_to_group(group, user),
        lambda client: client.list_log_events(),
    )
    assert error is None
    assert [event.event_type for event in events] == ["group.user_membership.add"]


def test_a_wrong_token_is_an_error(sandbox):
    ((_, _, error),) = ask(sandbox, lambda client: client.list_groups(), token="wrong")
    assert error.error_code == "E0000011"


def _level(risk: Any) -> str:
    inner = getattr(risk, "actual_instance", None) or risk
    level = inner.risk_level
    return str(getattr(level, "value", level))


# --- signing in with a key


@pytest.fixture
def timely(monkeypatch):
    """Return a sandbox whose clock runs with the machine's, because the SDK signs with that."""
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    with make_sandbox(now=None, frozen=False) as sandbox:
        yield sandbox


def with_key(sandbox: Any, client_id: str, scopes: list[str], **settings: Any) -> dict[str, Any]:
    return {
        "authorizationMode": "PrivateKey",
        "clientId": client_id,
        "privateKey": sandbox.okta_client_private_key,
        "scopes": scopes,
        **settings,
    }


def schemes(sandbox: Any) -> list[tuple[str, str | None, int | None]]:
    return [(entry.path, entry.authorization_scheme, entry.status) for entry in sandbox.requests]


def test_a_key_and_bearer_tokens(timely):
    app = timely.okta.add_app(scopes=["okta.groups.manage", "okta.users.read"], dpop_required=False)
    settings = with_key(timely, app.client_id, ["okta.groups.manage", "okta.users.read"])
    (groups, users, logs) = ask(
        timely,
        lambda client: client.list_groups(),
        lambda client: client.list_users(limit=2),
        lambda client: client.list_log_events(),
        **settings,
    )
    assert (groups[2], users[2], len(users[0])) == (None, None, 2)
    assert logs[2].error_code == "E0000006"
    assert schemes(timely) == [
        ("/oauth2/v1/token", None, 200),
        ("/api/v1/groups", "Bearer", 200),
        ("/api/v1/users", "Bearer", 200),
        ("/api/v1/logs", "Bearer", 403),
    ]


def test_a_key_and_dpop(timely):
    settings = with_key(timely, timely.okta_client_id, ["okta.groups.manage"], dpopEnabled=True)
    profile = models.OktaUserGroupProfile(name="Made with DPoP", description="d")
    user = timely.okta.users[0].id
    group = timely.okta.add_group("Filled with DPoP").id
    results = ask(
        timely,
        lambda client: client.list_groups(limit=2),
        lambda client: client.add_group(models.AddGroupRequest(profile=profile)),
        lambda client: client.assign_user_to_group(group, user),
        **settings,
    )
    assert [error for _, _, error in results] == [None, None, None]
    assert timely.okta.members(group) == {user}
    assert timely.okta.find_group("Made with DPoP") is not None
    assert schemes(timely) == [
        ("/oauth2/v1/token", None, 400),
        ("/oauth2/v1/token", None, 200),
        ("/api/v1/groups", "DPoP", 200),
        ("/api/v1/groups", "DPoP", 200),
        (f"/api/v1/groups/{group}/users/{user}", "DPoP", 204),
    ]
    assert [request["outcome"] for request in timely.okta.token_requests] == ["use_dpop_nonce", "issued"]


def test_an_app_that_needs_dpop_and_does_not_get_it(timely):
    settings = with_key(timely, timely.okta_client_id, ["okta.groups.read"])
    ((_, _, error),) = ask(timely, lambda client: client.list_groups(), **settings)
    assert "The DPoP proof JWT header is missing." in str(error)


def test_scopes_that_were_not_granted_and_another_key(timely):
    app = timely.okta.add_app(scopes=["okta.logs.read"], dpop_required=False)
    settings = with_key(timely, app.client_id, ["okta.groups.read"])
    ((_, _, error),) = ask(timely, lambda client: client.list_groups(), **settings)
    assert "You are not allowed any of the requested scopes." in str(error)
    other = timely.okta.add_app({"keys": [jwk("other", 9)]}, dpop_required=False)
    settings = with_key(timely, other.client_id, ["okta.groups.read"])
    ((_, _, error),) = ask(timely, lambda client: client.list_groups(), **settings)
    assert "The client_assertion signature is invalid." in str(error)
