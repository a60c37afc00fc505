# SPDX-License-Identifier: Apache-2.0
"""A service app signs in: what it asks for, what it keeps, and what it does when it is refused."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
import traceback
from typing import Any

import jwt
import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.access_tokens import AccessToken, SignIn
from airflow_provider_okta_ure.clients.client_assertion import ServiceApp
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.oauth import WireToken
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.errors import (
    AuthenticationError,
    ConfigurationError,
    OktaUreError,
    PermissionDeniedError,
    ServerError,
    UnexpectedAnswerError,
)
from tests.unit.http_script import SERVER_NOW, Said, Script, Step, limits, refused
from tests.unit.oauth_script import (
    CLIENT_ID,
    DATE,
    TOKEN_URL,
    World,
    app,
    assertion_of,
    denied,
    form_of,
    granted,
    paths,
    rsa_key,
    secrets_in,
)

EXPIRED = Said(401, refused("E0000011", "Invalid token provided"), [DATE])
TOKEN = "/oauth2/v1/token"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*steps: Step) -> Script:
        script = Script(*steps)
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        return script

    return start


@pytest.fixture
def world() -> World:
    return World()


def test_the_token_request_is_what_okta_expects(play: Any, world: World) -> None:
    script = play(granted(), Said())
    world.client().call("GET", "/x", bucket="b")
    request = script.sent[0]
    assert (request.method, request.url) == ("POST", TOKEN_URL)
    assert "Authorization" not in request.headers
    assert "DPoP" not in request.headers
    form = form_of(request)
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "scope": "okta.groups.manage okta.users.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    claims = assertion_of(request)
    assert len(claims.pop("jti")) == 32
    assert claims == {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": TOKEN_URL, "exp": SERVER_NOW + 300}
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "kid": "key-1", "typ": "JWT"}
    assert script.sent[1].headers["Authorization"] == "Bearer access-token-1"


def test_closing_a_client_closes_the_way_to_the_token_endpoint_too(play: Any, world: World) -> None:
    play(granted(), Said(), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    way: Any = api._auth
    sessions: list[Any] = [*api._sessions, *way._api._sessions]
    closed: list[object] = []
    for session in sessions:
        session.close = functools.partial(closed.append, session)
    api.close()
    assert len(closed) == 2


def test_a_token_is_kept_and_replaced_some_time_before_it_expires(play: Any, world: World) -> None:
    script = play(granted("t-1"), Said(), Said(), granted("t-2"), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 3299
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 1
    api.call("GET", "/x", bucket="b")
    tokens = [request.headers.get("Authorization") for request in script.sent]
    assert tokens == [None, "Bearer t-1", "Bearer t-1", None, "Bearer t-2"]


def test_a_short_lived_token_is_used_for_most_of_its_life(play: Any, world: World) -> None:
    script = play(granted(expires_in=60), Said(), granted(), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 46
    api.call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN, "/x", TOKEN, "/x"]


def test_a_token_that_lasts_longer_than_any_float_is_used_for_a_day(play: Any, world: World) -> None:
    script = play(granted(expires_in=10**400), Said(), Said(), granted(), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 86_400 - 300 - 1
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 1
    api.call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN, "/x", "/x", TOKEN, "/x"]


def test_clients_of_one_app_share_a_token_and_others_do_not(play: Any, world: World) -> None:
    script = play(granted("t-1"), Said(), Said(), granted("t-2"), Said(), granted("t-3"), Said())
    world.client().call("GET", "/x", bucket="b")
    world.client(app()).call("GET", "/x", bucket="b")
    world.client(app(scopes=("okta.users.read",))).call("GET", "/x", bucket="b")
    world.client(app(number=1)).call("GET", "/x", bucket="b")
    used = [request.headers["Authorization"] for request in script.sent if str(request.url) != TOKEN_URL]
    assert used == ["Bearer t-1", "Bearer t-1", "Bearer t-2", "Bearer t-3"]


def test_each_try_of_a_token_request_has_an_assertion_of_its_own(play: Any, world: World) -> None:
    cut = requests.ConnectionError("reset")
    busy = Said(429, refused(), limits(10, 0, 3))
    script = play(cut, Said(503, {}), busy, granted(), Said())
    world.client().call("GET", "/x", bucket="b")
    assertions = [assertion_of(request) for request in script.sent[:4]]
    assert len({claims["jti"] for claims in assertions}) == 4


def test_many_threads_that_need_a_token_make_one_request(play: Any, world: World) -> None:
    threads: list[threading.Thread] = []

    def slow(request: requests.PreparedRequest) -> Said:
        until_waiting(threads, 7)
        return granted()

    script = play(slow, *[Said()] * 8)
    api = world.client()
    threads += [threading.Thread(target=lambda: api.call("GET", "/x", bucket="b")) for _ in range(8)]
    run(threads)
    assert sorted(paths(script.sent)) == [TOKEN] + ["/x"] * 8


def test_a_failed_token_request_is_not_repeated_by_each_thread_that_waited_for_it() -> None:
    sign_in = SignIn()
    threads: list[threading.Thread] = []
    made: list[int] = []
    errors: list[Exception] = []

    def request() -> AccessToken:
        made.append(1)
        until_waiting(threads, 3)
        raise AuthenticationError("no", service="Okta", status=401)

    def work() -> None:
        try:
            sign_in.token(0.0, request)
        except AuthenticationError as error:
            errors.append(error)

    threads += [threading.Thread(target=work) for _ in range(4)]
    run(threads)
    assert (len(made), len(errors)) == (1, 4)
    threads.clear()
    made.clear()
    with pytest.raises(AssertionError, match="wait"):  # asked again: a failure is not remembered
        sign_in.token(0.0, request)


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def until_waiting(threads: list[threading.Thread], number: int) -> None:
    """Return when so many threads wait for what another one gets."""
    deadline = time.monotonic() + 10
    while sum(_waits(thread) for thread in threads) < number:
        assert threads, "nobody is there to wait"
        assert time.monotonic() < deadline


def _waits(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    return bool(frame) and any(entry.name == "result" for entry in traceback.extract_stack(frame))


def test_a_refused_token_is_replaced_once(play: Any, world: World) -> None:
    script = play(granted("t-1"), EXPIRED, granted("t-2"), Said())
    world.client().call("POST", "/x", bucket="b", json={})
    assert paths(script.sent) == [TOKEN, "/x", TOKEN, "/x"]
    assert script.sent[3].headers["Authorization"] == "Bearer t-2"
    assert script.sent[3].body == script.sent[1].body


def test_a_refused_fresh_token_is_an_error_that_says_so(play: Any, world: World) -> None:
    script = play(granted("t-1"), EXPIRED, granted("t-2"), EXPIRED)
    with pytest.raises(AuthenticationError, match=r"E0000011 Invalid token.*fresh access token") as caught:
        world.client().call("GET", "/x", bucket="b")
    assert len(script.sent) == 4
    assert "API token" not in str(caught.value)


def test_a_token_that_another_thread_replaced_already_is_not_thrown_away(play: Any, world: World) -> None:
    def refuse_late(request: requests.PreparedRequest) -> Said:
        sign_in._token = None  # another thread was refused first ...
        auth.granted_scopes()  # ... and has a new one
        return EXPIRED

    script = play(granted("t-1"), refuse_late, granted("t-2"), Said())
    auth = world.auth()
    sign_in = auth._sign_in
    world.client().call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN, "/x", TOKEN, "/x"]
    assert script.sent[3].headers["Authorization"] == "Bearer t-2"


def test_an_org_without_a_feature_is_no_reason_for_another_token(play: Any, world: World) -> None:
    missing = Said(401, refused("E0000015", "You do not have permission to access the feature"))
    script = play(granted(), missing)
    with pytest.raises(PermissionDeniedError):
        world.client().call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN, "/x"]


def test_a_missing_scope_is_named(play: Any, world: World) -> None:
    challenge = (
        'Bearer authorization_uri="http://acme.okta.com/oauth2/v1/authorize", realm="http://acme.okta.com", '
        'scope="okta.groups.manage", error="insufficient_scope", '
        'error_description="The access token provided does not contain the required scopes.", resource="/api/v1/groups"'
    )
    script = play(
        granted(),
        Said(403, refused("E0000006", "You do not have permission"), [("WWW-Authenticate", challenge)]),
    )
    with pytest.raises(PermissionDeniedError, match=r"okta\.groups\.manage"):
        world.client().call("POST", "/api/v1/groups", bucket="b", json={})
    assert len(script.sent) == 2


def test_a_missing_role_is_told_from_a_missing_scope(play: Any, world: World) -> None:
    play(granted(), Said(403, refused("E0000006", "You do not have permission")))
    with pytest.raises(PermissionDeniedError, match="role"):
        world.client().call("GET", "/x", bucket="b")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "invalid_client"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
        (404, ""),
        (403, "access_denied"),
    ],
)
def test_who_cannot_sign_in_is_told_so_once_and_for_all_users(
    play: Any, world: World, status: int, code: str
) -> None:
    script = play(denied(status, code, "No."))
    with pytest.raises(AuthenticationError, match=f"POST /oauth2/v1/token .HTTP {status}"):
        world.client().call("GET", "/x", bucket="b")
    assert len(script.sent) == 1


@pytest.mark.parametrize("code", ["invalid_scope", "consent_required"])
def test_a_refusal_because_of_the_scopes_names_what_was_asked_for(play: Any, world: World, code: str) -> None:
    play(denied(400, code, "No."))
    with pytest.raises(AuthenticationError, match=r"Asked for: okta\.groups\.manage, okta\.users\.read"):
        world.client().call("GET", "/x", bucket="b")


def test_a_token_endpoint_that_fails_can_be_tried_again_later(play: Any, world: World) -> None:
    play(*[Said(500, {})] * 2)
    with pytest.raises(ServerError) as caught:
        world.auth(retry=RetryPolicy(attempts=2)).granted_scopes()
    assert caught.value.retryable


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(granted(kind="mac"), id="unknown-kind"),
        pytest.param(granted("to ken"), id="space"),
        pytest.param(granted(""), id="empty"),
        pytest.param(granted("to\r\nken"), id="line-end"),
        pytest.param(granted(expires_in=0), id="over"),
        pytest.param(granted(kind="DPoP"), id="bound-to-no-key-of-ours"),
        pytest.param(Said(body={"token_type": "Bearer"}), id="no-token"),
        pytest.param(Said(body=[]), id="no-object"),
    ],
)
def test_an_answer_that_is_no_token_is_refused(play: Any, world: World, answer: Said) -> None:
    play(answer)
    with pytest.raises(UnexpectedAnswerError):
        world.auth().granted_scopes()


def test_what_okta_granted_is_known_and_what_it_did_not_is_said(
    play: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    play(granted(scope="okta.users.read"))
    assert world.auth().granted_scopes() == ("okta.users.read",)
    assert "okta.groups.manage" in caplog.text


def test_an_answer_without_scopes_means_all_of_them(play: Any, world: World) -> None:
    play(granted(scope=""))
    assert world.auth().granted_scopes() == ("okta.groups.manage", "okta.users.read")


@pytest.mark.parametrize("ahead", [-7200.0, -31.0, 31.0, 7200.0])
def test_a_wrong_clock_is_corrected_by_the_servers(
    play: Any, world: World, ahead: float, caplog: pytest.LogCaptureFixture
) -> None:
    world.wall = SERVER_NOW + ahead
    script = play(denied(401, "invalid_client", "The client_assertion token is expired."), granted(), Said())
    world.client().call("GET", "/x", bucket="b")
    first, second = (assertion_of(request)["exp"] for request in script.sent[:2])
    assert (first, second) == (SERVER_NOW + ahead + 300, SERVER_NOW + 300)
    assert f"clock is {abs(ahead):.0f} s {'behind' if ahead < 0 else 'ahead of'} Okta's" in caplog.text


def test_a_clock_is_corrected_once_and_a_good_clock_never(play: Any, world: World) -> None:
    world.wall = SERVER_NOW + 29
    script = play(denied(401, "invalid_client"))
    with pytest.raises(AuthenticationError):
        world.auth().granted_scopes()
    assert len(script.sent) == 1
    world.wall = SERVER_NOW + 9000
    script = play(denied(401, "invalid_client"), denied(401, "invalid_client"))
    with pytest.raises(AuthenticationError):
        world.auth().granted_scopes()
    assert len(script.sent) == 2


def test_a_small_difference_of_the_clocks_is_left_alone(play: Any, world: World) -> None:
    world.wall = SERVER_NOW + 29
    script = play(granted(), Said(), granted(), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 3600
    api.call("GET", "/x", bucket="b")
    assert [assertion_of(script.sent[number])["exp"] for number in (0, 2)] == [SERVER_NOW + 29 + 300] * 2


def test_a_refusal_without_a_date_corrects_nothing(play: Any, world: World) -> None:
    script = play(Said(401, {"error": "invalid_client"}))
    with pytest.raises(AuthenticationError):
        world.auth().granted_scopes()
    assert len(script.sent) == 1


def test_every_secret_is_told_and_none_is_seen(
    play: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "airflow_provider_okta_ure")

    def repeat_it(request: requests.PreparedRequest) -> Said:
        (assertion,) = secrets_in(request)
        return denied(401, "invalid_client", f"about {assertion}", ("X-Okta-Request-Id", assertion))

    script = play(repeat_it)
    api = world.client()
    seen = [api, world.app, world.auth(), world.sign_ins.get("x")]
    with pytest.raises(OktaUreError) as caught:
        api.call("GET", "/x", bucket="b")
    seen += [caught.value, vars(caught.value)]

    def repeat_token(request: requests.PreparedRequest) -> Said:
        (token,) = secrets_in(request)
        return Said(400, refused("E0000001", f"about {token}"), [("X-Okta-Request-Id", token)])

    script.steps += [granted("access-token-canary"), repeat_token]
    with pytest.raises(OktaUreError) as caught:
        api.call("GET", "/x", bucket="b")
    seen += [caught.value, vars(caught.value), WireToken("access-token-canary", "Bearer", 1)]
    seen += [world.auth()._token()]
    secrets = {secret for request in script.sent for secret in secrets_in(request)}
    assert len(secrets) == 3
    assert caplog.text.count("request id ***") == 2
    assert str(seen[4]).count("about ***") == 1, "a text that is cut off could still show half of a secret"
    assert set(world.told) == set(world.auth().secrets) == secrets
    shown = caplog.text + " ".join(f"{one!r} {one}" for one in seen)
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize("client_id", ["", " ", "0oa 1", "0oa\n1", "ünique", 'a"b'])
def test_a_client_id_that_cannot_be_one_is_refused(client_id: str) -> None:
    with pytest.raises(ConfigurationError, match="client id"):
        ServiceApp(client_id, SigningKey(rsa_key(0)), ("okta.users.read",))


@pytest.mark.parametrize(
    ("scopes", "says"),
    [((), "no scope"), (("okta.users.read okta.groups.read",), "not a scope"), (("ö",), "not a scope")],
)
def test_scopes_that_cannot_be_asked_for_are_refused(scopes: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ServiceApp(CLIENT_ID, SigningKey(rsa_key(0)), scopes)
