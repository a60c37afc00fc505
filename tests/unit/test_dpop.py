# SPDX-License-Identifier: Apache-2.0
"""Proof of possession: asked for or demanded, with every nonce answered once and a fresh proof for each request."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.dpop import ProofKey, process_key
from airflow_provider_okta_ure.errors import AuthenticationError, InvalidRequestError, UnexpectedAnswerError
from tests.unit.http_script import ORG, SERVER_NOW, Said, Script, Step, refused
from tests.unit.oauth_script import (
    DATE,
    TOKEN_URL,
    WANTS_PROOF,
    World,
    app,
    assertion_of,
    denied,
    granted,
    paths,
    proof_key,
    proof_of,
    secrets_in,
    wants_nonce,
)

BOUND = granted("bound-token", kind="DPoP", nonce="n-1")
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


def test_an_app_that_requires_dpop_is_recognised_by_its_answers(play: Any, world: World) -> None:
    script = play(WANTS_PROOF, wants_nonce("n-1"), BOUND, Said())
    world.client().call("GET", "/api/v1/users?x=1#y", bucket="b", params={"limit": "1"})
    first, second, third, call = script.sent
    assert paths(script.sent) == [TOKEN] * 3 + ["/api/v1/users"]
    assert "DPoP" not in first.headers
    assert "nonce" not in proof_of(second)
    proof = proof_of(third)
    assert len({proof_of(request)["jti"] for request in (second, third, call)}) == 3
    assert {name: proof[name] for name in proof if name != "jti"} == {
        "htm": "POST",
        "htu": TOKEN_URL,
        "iat": SERVER_NOW,
        "nonce": "n-1",
    }
    assert len({assertion_of(request)["jti"] for request in script.sent[:3]}) == 3
    assert call.headers["Authorization"] == "DPoP bound-token"
    digest = hashlib.sha256(b"bound-token").digest()
    proof = proof_of(call)
    assert len(proof.pop("jti")) == 32
    assert proof == {
        "htm": "GET",
        "htu": f"{ORG}/api/v1/users",
        "iat": SERVER_NOW,
        "ath": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }


def test_what_was_learned_is_used_for_the_next_token(play: Any, world: World) -> None:
    script = play(WANTS_PROOF, wants_nonce("n-1"), BOUND, Said(), BOUND, Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 3600
    api.call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN] * 3 + ["/x", TOKEN, "/x"]
    assert proof_of(script.sent[4])["nonce"] == "n-1"


def test_a_nonce_that_is_no_longer_good_is_replaced(play: Any, world: World) -> None:
    script = play(WANTS_PROOF, wants_nonce("old"), BOUND, Said(), wants_nonce("new"), BOUND, Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 3600
    api.call("GET", "/x", bucket="b")
    assert [proof_of(request)["nonce"] for request in script.sent[4:6]] == ["n-1", "new"]


def test_a_nonce_is_kept_when_an_answer_brings_none(play: Any, world: World) -> None:
    bare = granted("bound-token", kind="DPoP")
    script = play(WANTS_PROOF, wants_nonce("n-1"), bare, Said(), Said(503, {}, [DATE]), bare, Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    world.clock.passed += 3600
    api.call("GET", "/x", bucket="b")
    assert [proof_of(script.sent[number])["nonce"] for number in (2, 4, 5)] == ["n-1"] * 3


def test_a_nonce_is_of_no_use_to_a_request_without_a_proof(play: Any, world: World) -> None:
    asks = Said(400, {"error": "use_dpop_nonce"}, [DATE, ("DPoP-Nonce", "r")])
    script = play(granted(), asks)
    with pytest.raises(InvalidRequestError):
        world.client().call("GET", "/x", bucket="b")
    assert len(script.sent) == 2


def test_a_nonce_is_answered_once_per_call(play: Any, world: World) -> None:
    script = play(WANTS_PROOF, wants_nonce("n-1"), wants_nonce("n-2"))
    with pytest.raises(AuthenticationError, match="use_dpop_nonce"):
        world.auth().granted_scopes()
    assert len(script.sent) == 3


def test_a_challenge_without_a_nonce_is_an_error(play: Any, world: World) -> None:
    script = play(WANTS_PROOF, denied(400, "use_dpop_nonce"))
    with pytest.raises(AuthenticationError):
        world.auth().granted_scopes()
    assert len(script.sent) == 2


def test_an_app_that_asks_for_a_nonce_at_once_is_recognised_too(play: Any, world: World) -> None:
    script = play(wants_nonce("n-1"), BOUND)
    world.auth().granted_scopes()
    assert proof_of(script.sent[1])["nonce"] == "n-1"


def test_dpop_can_be_demanded(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    script = play(wants_nonce("n-1"), BOUND, Said())
    world.client().call("GET", "/x", bucket="b")
    assert proof_of(script.sent[0])["htm"] == "POST"
    assert script.sent[2].headers["Authorization"] == "DPoP bound-token"


def test_a_token_that_is_not_bound_is_refused_where_dpop_is_demanded(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    play(granted())
    with pytest.raises(UnexpectedAnswerError, match="`dpop` to auto"):
        world.auth().granted_scopes()


def test_dpop_can_be_ruled_out(play: Any, world: World) -> None:
    world.app = app(dpop="never")
    script = play(WANTS_PROOF)
    with pytest.raises(AuthenticationError, match="set `dpop` to auto"):
        world.auth().granted_scopes()
    assert len(script.sent) == 1


def test_an_app_without_dpop_gets_no_proof(play: Any, world: World) -> None:
    script = play(granted(), Said())
    world.client().call("GET", "/x", bucket="b")
    assert not [request for request in script.sent if "DPoP" in request.headers]


def test_a_proof_that_okta_finds_wrong_is_not_sent_for_ever(play: Any, world: World) -> None:
    wrong = denied(400, "invalid_dpop_proof", "'htu' claim does not match.")
    script = play(WANTS_PROOF, wrong)
    with pytest.raises(AuthenticationError, match="htu"):
        world.auth().granted_scopes()
    assert len(script.sent) == 2


def test_each_try_of_a_call_has_a_proof_of_its_own(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    script = play(BOUND, requests.ConnectionError("reset"), Said(503, {}), Said())
    world.client().call("GET", "/x", bucket="b")
    assert len({proof_of(request)["jti"] for request in script.sent[1:]}) == 3


def test_each_page_has_a_proof_for_its_address_without_the_query(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    link = ("Link", f'<{ORG}/api/v1/users?after=1&limit=1>; rel="next"')
    script = play(BOUND, Said(body=[], headers=[link]), Said(body=[]))
    assert len(list(world.client().pages("/api/v1/users", bucket="b", expect=list[dict[str, Any]]))) == 2
    assert [proof_of(request)["htu"] for request in script.sent[1:]] == [f"{ORG}/api/v1/users"] * 2
    assert len({proof_of(request)["jti"] for request in script.sent[1:]}) == 2


@pytest.mark.parametrize(
    ("status", "body", "challenge"),
    [
        pytest.param(401, refused("E0000011"), 'DPoP error="use_dpop_nonce"', id="rfc-9449"),
        pytest.param(400, {"error": "use_dpop_nonce"}, "", id="as-at-the-token-endpoint"),
    ],
)
def test_a_resource_that_asks_for_a_nonce_gets_it(
    play: Any, world: World, status: int, body: Any, challenge: str
) -> None:
    world.app = app(dpop="always")
    asks = Said(status, body, [DATE, ("WWW-Authenticate", challenge), ("DPoP-Nonce", "r-1")])
    script = play(BOUND, asks, Said(headers=[("DPoP-Nonce", "r-2")]), Said())
    api = world.client()
    api.call("GET", "/x", bucket="b")
    api.call("GET", "/x", bucket="b")
    assert paths(script.sent) == [TOKEN, "/x", "/x", "/x"]
    assert [proof_of(request).get("nonce") for request in script.sent[1:]] == [None, "r-1", "r-2"]


def test_a_resource_that_never_has_enough_of_nonces_is_an_error(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    asks = Said(400, {"error": "use_dpop_nonce"}, [DATE, ("DPoP-Nonce", "r")])
    script = play(BOUND, asks, asks)
    with pytest.raises(InvalidRequestError):
        world.client().call("GET", "/x", bucket="b")
    assert len(script.sent) == 3


def test_a_bound_token_that_is_refused_is_replaced_once(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    expired = Said(401, refused("E0000011"), [DATE])
    script = play(BOUND, expired, granted("second", kind="DPoP"), Said())
    world.client().call("GET", "/x", bucket="b")
    assert script.sent[3].headers["Authorization"] == "DPoP second"
    assert proof_of(script.sent[3])["ath"] != proof_of(script.sent[1])["ath"]


def test_proofs_are_made_at_the_servers_time(play: Any, world: World) -> None:
    world.wall = SERVER_NOW + 4000
    script = play(WANTS_PROOF, wants_nonce("n"), BOUND, Said())
    world.client().call("GET", "/x", bucket="b")
    assert [proof_of(request)["iat"] for request in script.sent[1:]] == [SERVER_NOW] * 3


def test_a_proof_too_old_by_a_wrong_clock_is_made_again(play: Any, world: World) -> None:
    world.app = app(dpop="always")
    world.wall = SERVER_NOW - 4000
    old = denied(
        400, "invalid_dpop_proof", "The DPoP proof JWT is issued more than five minutes in the past."
    )
    script = play(old, BOUND)
    world.auth().granted_scopes()
    assert [proof_of(request)["iat"] for request in script.sent] == [SERVER_NOW - 4000, SERVER_NOW]


def test_no_proof_goes_to_another_origin(world: World) -> None:
    request = requests.Request("GET", "https://evil.example/x", auth=world.auth().bound_to(ORG)).prepare()
    assert dict(request.headers) == {}


def test_no_proof_can_be_seen_and_the_head_of_all_of_them_is_told(
    play: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "airflow_provider_okta_ure")
    world.app = app(dpop="always")

    def repeat_it(request: requests.PreparedRequest) -> Said:
        return Said(400, refused("E0000001", f"about {request.headers['DPoP']}"), [DATE])

    script = play(BOUND, repeat_it)
    with pytest.raises(InvalidRequestError) as caught:
        world.client().call("GET", "/x", bucket="b")
    proofs = [request.headers["DPoP"] for request in script.sent]
    assert len(proofs) == 2
    shown = f"{caplog.text} {caught.value!r} {caught.value} {proof_key()!r}"
    assert "about ***" in shown
    heads = {proof.partition(".")[0] for proof in proofs}
    assert len(heads) == 1
    assert heads <= set(world.told)
    assert not [text for text in heads.union(*map(secrets_in, script.sent)) if text in shown]


def test_a_process_has_one_key_and_it_is_its_own() -> None:
    assert process_key() is process_key()
    assert ProofKey.generate().secret != process_key().secret
