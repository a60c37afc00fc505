# SPDX-License-Identifier: Apache-2.0
"""The Okta client signs in: with an API token, as a service app, and as one that requires DPoP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.access_tokens import SignIns
from airflow_provider_okta_ure.clients.client_assertion import DpopUse, ServiceApp
from airflow_provider_okta_ure.clients.dpop import process_key
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.clients.scopes import ALL_SCOPES, CHECK_SCOPES
from airflow_provider_okta_ure.errors import AuthenticationError, NotFoundError, PermissionDeniedError
from tests.contract.client_support import methods, okta_of, sandbox, timing_of
from tests.contract.sandbox_support import group_id, jwk, private_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["sandbox"]

TOKEN = "POST /oauth2/v1/token"
USERS = "GET /api/v1/users"


class Signed:
    """A service app of the pretend org, and our clients that sign in as it."""

    def __init__(self, sandbox: Sandbox, **app: Any) -> None:
        self.sandbox = sandbox
        self.key = SigningKey(private_key(3, 2048), "key-1")
        self.app = sandbox.okta.add_app({"keys": [jwk("key-1", 3)]}, **app)
        self.sign_ins = SignIns()
        self.told: list[str] = []

    def auth(
        self, scopes: tuple[str, ...] = ALL_SCOPES, *, dpop: DpopUse = "auto", **changes: Any
    ) -> ServiceAppAuth:
        timing = changes.pop("timing", None) or timing_of(self.sandbox)
        client_id = changes.get("client_id", self.app.client_id)
        app = ServiceApp(client_id, changes.get("key", self.key), scopes, dpop=dpop)
        return ServiceAppAuth.connect(
            self.sandbox.okta_url, app, on_secret=self.told.append, sign_ins=self.sign_ins, timing=timing
        )

    def client(self, scopes: tuple[str, ...] = ALL_SCOPES, **changes: Any) -> OktaClient:
        timing = changes.get("timing") or timing_of(self.sandbox)
        return OktaClient.connect(self.sandbox.okta_url, self.auth(scopes, **changes), timing=timing)

    @property
    def outcomes(self) -> list[str]:
        return [one["outcome"] for one in self.sandbox.okta.token_requests]


@pytest.fixture
def bearer(sandbox: Sandbox) -> Signed:
    return Signed(sandbox, dpop_required=False)


@pytest.fixture
def dpop(sandbox: Sandbox) -> Signed:
    return Signed(sandbox, dpop_required=True)


@pytest.fixture(params=["ssws", "bearer", "dpop"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> OktaClient:
    if request.param == "ssws":
        return okta_of(sandbox)
    return Signed(sandbox, dpop_required=request.param == "dpop").client()


def test_every_kind_of_call_works_whichever_way_we_sign_in(sandbox: Sandbox, client: OktaClient) -> None:
    client.check()
    assert client.get_org()["id"].startswith("00o")
    people = [sandbox.okta.users[1], sandbox.okta.users[2]]
    found = list(client.find_users([person.login for person in people]))
    assert {user.user_id for user in found} >= {person.id for person in people}
    group = client.ensure_group("At risk", "by a test")
    assert client.add_member(group.group_id, people[0].id).status == 204
    assert [user.user_id for user in client.list_members(group.group_id)] == [people[0].id]
    assert client.remove_member(group.group_id, people[0].id).status == 204
    assert client.put_user_risk(people[0].id, "high", "a test").status in (200, 201)
    assert client.get_user_risk(people[0].id) == "high"
    provider = client.ensure_security_events_provider(
        "Test", issuer="https://i.example", jwks_url="https://i.example/jwks.json"
    )
    assert provider.status == "ACTIVE"
    with pytest.raises(NotFoundError):
        client.get_group("00gnobody")


def test_a_list_of_many_pages_is_read_with_a_proof_for_each(sandbox: Sandbox, dpop: Signed) -> None:
    everybody = group_id(sandbox, "Everyone")
    members = list(dpop.client().list_members(everybody))
    assert len(members) == len({user.user_id for user in members})
    assert members


def test_dpop_is_found_out_with_two_more_requests_and_remembered(sandbox: Sandbox, dpop: Signed) -> None:
    client = dpop.client(CHECK_SCOPES)
    client.check()
    client.check()
    dpop.client(CHECK_SCOPES).check()
    assert dpop.outcomes == ["invalid_dpop_proof", "use_dpop_nonce", "issued"]
    sandbox.clock.advance(3600)
    client.check()
    assert dpop.outcomes[3:] == ["issued"]


def test_a_bearer_app_gets_no_proof_and_one_token(bearer: Signed) -> None:
    bearer.client().check()
    bearer.client().check()
    assert bearer.outcomes == ["issued"]
    assert methods(bearer.sandbox).count(TOKEN) == 1


def test_dpop_can_be_demanded_of_an_app_that_does_not_require_it(bearer: Signed) -> None:
    bearer.client(dpop="always").check()
    assert bearer.outcomes == ["use_dpop_nonce", "issued"]
    assert bearer.sandbox.okta.token_requests[-1]["is_bound"]


def test_a_nonce_is_answered_when_okta_renews_it(sandbox: Sandbox, dpop: Signed) -> None:
    client = dpop.client()
    client.check()
    sandbox.okta.renew_dpop_nonce()
    sandbox.okta.revoke_access_tokens()
    client.check()
    assert dpop.outcomes[3:] == ["use_dpop_nonce", "issued"]


@pytest.mark.parametrize("body", ["management", "oauth", "empty"])
@pytest.mark.parametrize("kind", ["bearer", "dpop"])
def test_a_revoked_token_is_replaced_and_nobody_notices(
    request: pytest.FixtureRequest, kind: str, body: str
) -> None:
    signed: Signed = request.getfixturevalue(kind)
    signed.sandbox.okta.options.invalid_token_body = body
    client = signed.client()
    client.check()
    before = len(signed.outcomes)
    signed.sandbox.okta.revoke_access_tokens()
    client.check()
    assert signed.outcomes[before:] == ["issued"]


def test_an_app_that_is_deactivated_is_told_so(sandbox: Sandbox, bearer: Signed) -> None:
    client = bearer.client()
    client.check()
    sandbox.okta.deactivate_app(bearer.app.client_id)
    with pytest.raises(AuthenticationError, match="invalid_client"):
        client.check()
    assert bearer.outcomes == ["issued", "invalid_client"]


def test_a_token_that_okta_goes_on_refusing_is_replaced_once(sandbox: Sandbox, bearer: Signed) -> None:
    sandbox.fail_next(service="okta", status=401, times=9, path_prefix="/api/")
    with pytest.raises(AuthenticationError, match="fresh access token"):
        bearer.client().check()
    assert methods(sandbox) == [TOKEN, USERS, TOKEN, USERS]


def test_an_api_token_that_is_refused_is_not_tried_again(sandbox: Sandbox) -> None:
    client = okta_of(sandbox)
    sandbox.okta.rotate_token()
    with pytest.raises(AuthenticationError):
        client.check()
    assert methods(sandbox) == [USERS]


def test_a_token_is_replaced_before_it_expires(sandbox: Sandbox, bearer: Signed) -> None:
    client = bearer.client()
    client.check()
    sandbox.clock.advance(3299)
    client.check()
    assert bearer.outcomes == ["issued"]
    sandbox.clock.advance(2)
    client.check()
    assert bearer.outcomes == ["issued", "issued"]
    refused = [entry for entry in sandbox.requests if entry.status == 401]
    assert not refused


def test_many_threads_sign_in_once(dpop: Signed) -> None:
    client = dpop.client()
    ready = threading.Barrier(6)
    errors: list[Exception] = []

    def work() -> None:
        try:
            ready.wait(10)
            client.check()
        except Exception as error:  # noqa: BLE001  # a thread's error would be lost
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert dpop.outcomes == ["invalid_dpop_proof", "use_dpop_nonce", "issued"]


@pytest.mark.parametrize("kind", ["bearer", "dpop"])
def test_faults_at_the_token_endpoint_are_ridden_out_with_fresh_assertions(
    request: pytest.FixtureRequest, kind: str
) -> None:
    signed: Signed = request.getfixturevalue(kind)
    sandbox = signed.sandbox
    sandbox.fail_next(service="okta", status=503, times=1, path_prefix="/oauth2")
    sandbox.fail_next(kind="lost_answer", service="okta", times=2, path_prefix="/oauth2")
    signed.client().check()
    sandbox.set_fault_rates({"503": 0.2, "429": 0.1}, "okta")
    client = signed.client()
    for _ in range(10):
        client.check()
    assert "invalid_client" not in signed.outcomes
    made = [one["assertion_jti"] for one in sandbox.okta.token_requests]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("kind", ["bearer", "dpop"])
@pytest.mark.parametrize("ahead", [-86400, -400, 400, 5000])
def test_a_wrong_clock_of_ours_is_no_obstacle(request: pytest.FixtureRequest, kind: str, ahead: int) -> None:
    signed: Signed = request.getfixturevalue(kind)
    clock = signed.sandbox.clock
    ours = Timing(
        sleep=clock.advance,
        monotonic=clock.timestamp,
        now=lambda: clock.timestamp() + ahead,
        random=lambda: 1.0,
    )
    client = signed.client(timing=ours)
    client.check()
    client.check()
    assert signed.outcomes.count("issued") == 1
    assert {entry.status for entry in signed.sandbox.requests_to("okta", "GET")} == {200}


@pytest.mark.parametrize("kind", ["bearer", "dpop"])
def test_a_scope_that_was_not_granted_is_named(request: pytest.FixtureRequest, kind: str) -> None:
    signed: Signed = request.getfixturevalue(kind)
    signed.sandbox.okta.change_app(signed.app.client_id, scopes=["okta.users.read"])
    client = signed.client()
    with pytest.raises(PermissionDeniedError, match=r"scope okta\.groups\.read"):
        client.find_group("At risk")
    with pytest.raises(PermissionDeniedError, match=r"scope okta\.groups\.manage"):
        client.create_group("At risk")


def test_a_role_that_does_not_cover_it_is_told_from_a_scope(sandbox: Sandbox, bearer: Signed) -> None:
    sandbox.okta.change_app(bearer.app.client_id, role_permissions=["okta.users.read"])
    with pytest.raises(PermissionDeniedError, match="admin role"):
        bearer.client().check()


def test_scopes_that_are_all_not_granted_are_listed(sandbox: Sandbox, bearer: Signed) -> None:
    sandbox.okta.change_app(bearer.app.client_id, scopes=["okta.logs.read"])
    with pytest.raises(AuthenticationError, match=r"consent_required.*okta\.groups\.read, okta\.users\.read"):
        bearer.client(CHECK_SCOPES).check()
    assert bearer.auth(("okta.logs.read", "okta.users.read")).granted_scopes() == ("okta.logs.read",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"client_id": "0oaunknown"}, "not a valid client_id", id="unknown-app"),
        pytest.param(
            {"key": SigningKey(private_key(4, 2048), "key-1")}, "signature is invalid", id="other-key"
        ),
        pytest.param({"key": SigningKey(private_key(3, 2048), "key-2")}, "kid is invalid", id="other-kid"),
        pytest.param(
            {"scopes": ("okta.nonsense.read",)}, "Asked for: okta.nonsense.read", id="no-such-scope"
        ),
    ],
)
def test_what_is_wrong_with_a_sign_in_is_said(bearer: Signed, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(AuthenticationError, match=says):
        bearer.client(**changes).check()
    assert len(bearer.outcomes) == 1


def test_dpop_ruled_out_is_named_when_the_app_requires_it(dpop: Signed) -> None:
    with pytest.raises(AuthenticationError, match="`dpop` to auto"):
        dpop.client(dpop="never").check()


def test_a_risk_signal_goes_without_any_authorisation(
    sandbox: Sandbox, dpop: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    from requests.adapters import HTTPAdapter

    send: Callable[..., Any] = HTTPAdapter.send

    def note(adapter: HTTPAdapter, request: Any, **settings: Any) -> Any:
        sent.append(dict(request.headers))
        return send(adapter, request, **settings)

    monkeypatch.setattr(HTTPAdapter, "send", note)
    with pytest.raises(Exception, match="invalid_"):
        dpop.client().publish_security_event("a.b.c")
    assert len(sent) == 1
    assert not {"Authorization", "DPoP"} & set(sent[0])


def test_every_secret_that_was_sent_was_told_before(dpop: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    from requests.adapters import HTTPAdapter

    send: Callable[..., Any] = HTTPAdapter.send
    missed: list[str] = []

    def check(adapter: HTTPAdapter, request: Any, **settings: Any) -> Any:
        secrets = [
            request.headers[name].rpartition(" ")[2]
            for name in ("Authorization", "DPoP")
            if name in request.headers
        ]
        missed.extend(secret for secret in secrets if not any(told in secret for told in dpop.told))
        return send(adapter, request, **settings)

    monkeypatch.setattr(HTTPAdapter, "send", check)
    dpop.client().check()
    assert not missed
    assert process_key().secret in dpop.told
    # A hook of its own with a mask of its own is told what the process knows already.
    dpop.told.clear()
    dpop.client().check()
    assert len(dpop.told) == 2
