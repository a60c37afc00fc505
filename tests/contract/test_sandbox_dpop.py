"""DPoP at the pretend Okta: at the token endpoint and at every call, each mistake refused word for word."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from tests.contract.oauth_support import DROP, TOKEN, Client, ec_key, public_jwk, refusal, thumbprint
from tests.contract.sandbox_support import NOW, b64, make_sandbox, private_key

AT = int(NOW.timestamp())
DAY = 86_400
GROUPS = "/api/v1/groups"


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    return Client(sandbox)


def invalid_proof(text: str) -> tuple[int, str, str]:
    return 400, "invalid_dpop_proof", text


# --- at the token endpoint


def test_a_proof_is_needed_then_a_nonce_then_there_is_a_bound_token(client):
    answer = client.ask()
    assert refusal(answer) == invalid_proof("The DPoP proof JWT header is missing.")
    challenge = client.ask({"DPoP": client.proof()})
    text = "Authorization server requires nonce in DPoP proof."
    assert refusal(challenge) == (400, "use_dpop_nonce", text)
    nonce = challenge.headers["dpop-nonce"]
    answer = client.ask({"DPoP": client.proof(nonce=nonce)})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert answer.headers["dpop-nonce"] == nonce
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": thumbprint(public_jwk(client.proof_key))}


def test_a_challenge_comes_before_the_jti_is_looked_at_and_uses_up_the_assertion(client):
    assertion = client.assertion()
    proof = client.proof(jti=DROP)
    challenge = client.ask({"DPoP": proof}, assertion=assertion)
    assert challenge.json()["error"] == "use_dpop_nonce"
    nonce = challenge.headers["dpop-nonce"]
    used = client.ask({"DPoP": client.proof(nonce=nonce)}, assertion=assertion)
    assert refusal(used) == (401, "invalid_client", "The client_assertion token has already been used.")


def test_a_proof_key_on_a_curve(client):
    answer = client.ask_with_proof(key=ec_key())
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


def test_an_app_that_needs_no_proof_may_send_one(sandbox):
    client = Client(sandbox, dpop_required=False)
    assert client.ask().json()["token_type"] == "Bearer"
    assert client.ask_with_proof().json()["token_type"] == "DPoP"


def test_a_nonce_is_renewed_every_day_and_good_for_three_more(sandbox, client):
    def asked(nonce: str) -> Any:
        return client.ask({"DPoP": client.proof(nonce=nonce)})

    first = client.ask({"DPoP": client.proof()}).headers["dpop-nonce"]
    assert asked("nonsense").json()["error"] == "use_dpop_nonce"
    sandbox.clock.advance(DAY)
    assert client.ask({"DPoP": client.proof()}).headers["dpop-nonce"] != first
    assert asked(first).status_code == 200
    sandbox.clock.advance(2 * DAY)
    assert asked(first).status_code == 200
    sandbox.clock.advance(DAY)
    answer = asked(first)
    assert answer.json()["error"] == "use_dpop_nonce"
    assert asked(answer.headers["dpop-nonce"]).status_code == 200
    sandbox.okta.renew_dpop_nonce()
    renewed = asked(answer.headers["dpop-nonce"])
    assert renewed.json()["error"] == "use_dpop_nonce"
    assert asked(renewed.headers["dpop-nonce"]).status_code == 200


PRIVATE = {"jwk": {**public_jwk(private_key(6)), "d": "AQAB"}}
OTHER = {"jwk": public_jwk(private_key(8))}
PROOFS: list[Any] = [
    ("htu of the org", {}, {"htu": "http://127.0.0.1"}, "'htu' claim in the DPoP proof JWT is invalid."),
    ("no htu", {}, {"htu": DROP}, "'htu' claim in the DPoP proof JWT is invalid."),
    ("htm", {}, {"htm": "GET"}, "'htm' claim in the DPoP proof JWT is invalid."),
    ("lower-case htm", {}, {"htm": "post"}, "'htm' claim in the DPoP proof JWT is invalid."),
    ("no iat", {}, {"iat": DROP}, "'iat' claim in the DPoP proof JWT is invalid."),
    (
        "old",
        {},
        {"iat": AT - 301},
        "The DPoP proof JWT is issued more than five minutes in the past.",
    ),
    ("future", {}, {"iat": AT + 301}, "The DPoP proof JWT is issued in the future."),
    ("no jti", {}, {"jti": DROP}, "'jti' claim in the DPoP proof JWT is invalid."),
    ("empty jti", {}, {"jti": ""}, "'jti' claim in the DPoP proof JWT is invalid."),
    ("typ", {"typ": "JWT"}, {}, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."),
    ("no key", {"jwk": DROP}, {}, "The DPoP proof JWT is invalid."),
    ("private key", PRIVATE, {}, "The DPoP proof JWT is invalid."),
    ("other key", OTHER, {}, "The DPoP proof JWT signature is invalid."),
    ("unusable key", {"jwk": {"kty": "RSA"}}, {}, "The DPoP proof JWT signature is invalid."),
    ("other algorithm", {"alg": "PS256"}, {}, "The DPoP proof JWT signature algorithm is invalid."),
]


@pytest.mark.parametrize(("header", "claims", "text"), [pytest.param(*row[1:], id=row[0]) for row in PROOFS])
def test_a_wrong_proof_is_refused(client, header, claims, text):
    nonce = client.ask({"DPoP": client.proof()}).headers["dpop-nonce"]
    wrong = client.proof(header, nonce=nonce, **claims)
    answer = client.ask({"DPoP": wrong})
    assert refusal(answer) == invalid_proof(text)
    assert answer.headers["dpop-nonce"] == nonce
    assert client.ask({"DPoP": client.proof(nonce=nonce)}).status_code == 200


@pytest.mark.parametrize("text", ["nonsense", "a.b.c", "", b64(b"{}") + ".."])
def test_what_is_no_proof(client, text):
    assert refusal(client.ask({"DPoP": text})) == invalid_proof("The DPoP proof JWT cannot be parsed.")


def test_two_proofs_at_once(client):
    nonce = client.ask({"DPoP": client.proof()}).headers["dpop-nonce"]
    body = urlencode(client.form()).encode()
    connection = http.client.HTTPConnection(urlsplit(client.sandbox.okta_url).netloc, timeout=10)
    connection.putrequest("POST", TOKEN)
    for name, value in (
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        ("DPoP", client.proof()),
        ("DPoP", client.proof(nonce=nonce)),
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    shown = json.loads(answer.read())["error_description"]
    connection.close()
    assert (answer.status, shown) == (400, "Multiple DPoP proof JWT headers are not allowed.")


def test_a_proof_is_used_once(sandbox, client):
    nonce = client.ask({"DPoP": client.proof()}).headers["dpop-nonce"]
    proof = client.proof(nonce=nonce)
    assert client.ask({"DPoP": proof}).status_code == 200
    used = invalid_proof("The DPoP proof JWT has already been used.")
    assert refusal(client.ask({"DPoP": proof})) == used
    sandbox.clock.advance(300)
    assert refusal(client.ask({"DPoP": proof})) == used
    sandbox.clock.advance(1)
    assert "five minutes" in refusal(client.ask({"DPoP": proof}))[2]
    # By now nobody remembers it, and its jti may be used for another proof.
    client.ask({"DPoP": client.proof(nonce=nonce)})
    assert list(sandbox.okta._used_proofs.values()) == [AT + 301 + 300]


def test_a_wrong_client_is_refused_before_a_wrong_proof(client):
    answer = client.ask({"DPoP": "nonsense"}, assertion=client.assertion(key=private_key(8)))
    assert answer.status_code == 401
    assert "dpop-nonce" not in answer.headers


# --- at a call


def sent(client: Client, token: str, proof: str | None, scheme: str = "DPoP") -> Any:
    return client.get(GROUPS, token, scheme, headers={} if proof is None else {"DPoP": proof})


def test_a_call_with_a_fresh_proof(client):
    token = client.token()
    for _ in range(2):
        assert sent(client, token, client.proof_for("GET", GROUPS, token)).status_code == 200


def test_the_address_of_a_proof_is_without_the_query(sandbox, client):
    token = client.token("okta.users.read")
    path = "/api/v1/users?limit=1&search=profile.login sw %22a%22"
    proof = client.proof_for("GET", path, token)
    assert client.get(path, token, "DPoP", headers={"DPoP": proof}).status_code == 200
    query = client.proof_for("GET", path, token, htu=sandbox.okta_url + path)
    answer = client.get(path, token, "DPoP", headers={"DPoP": query})
    assert refusal(answer) == invalid_proof("'htu' claim in the DPoP proof JWT is invalid.")


def test_percent_signs_in_the_address_may_be_written_either_way(sandbox, client):
    token, login = client.token("okta.users.read"), sandbox.okta.users[0].login
    for written in (login, login.replace("@", "%40")):
        proof = client.proof_for("GET", f"/api/v1/users/{written}", token)
        answer = client.get(
            f"/api/v1/users/{login.replace('@', '%40')}", token, "DPoP", headers={"DPoP": proof}
        )
        assert answer.status_code == 200


def test_bearer_with_a_bound_token(sandbox, client):
    token = client.token()
    missing = (400, "invalid_request", "The resource request requires a DPoP proof.")
    answer = sent(client, token, None)
    assert refusal(answer) == missing
    org = sandbox.okta_url
    # What Okta was seen to answer; the scheme of the challenge is the one that was used.
    assert answer.headers["WWW-Authenticate"] == (
        f'DPoP authorization_uri="{org}/oauth2/v1/authorize", realm="{org}", error="invalid_request", '
        f'error_description="The resource request requires a DPoP proof.", resource="{GROUPS}"'
    )
    assert refusal(sent(client, token, None, "Bearer")) == missing
    text = "The resource request must use the DPoP authentication scheme when using a DPoP bound token."
    proof = client.proof_for("GET", GROUPS, token)
    assert refusal(sent(client, token, proof, "Bearer")) == (400, "invalid_request", text)
    # That proof was not looked at, so it is still good.
    assert sent(client, token, proof).status_code == 200


def test_a_token_that_is_not_bound(sandbox):
    client = Client(sandbox, dpop_required=False)
    token = client.token()
    answer = sent(client, token, client.proof_for("GET", GROUPS, token))
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "E0000011")
    text = 'error="invalid_token", error_description="The presented access_token is not DPoP bound."'
    assert text in answer.headers["WWW-Authenticate"]


CALLS: list[Any] = [
    *(row for row in PROOFS if not row[0].startswith("htu")),
    (
        "htu of another call",
        {},
        {"htu": "http://127.0.0.1/api"},
        "'htu' claim in the DPoP proof JWT is invalid.",
    ),
    (
        "no ath",
        {},
        {"ath": DROP},
        "'ath' claim in the DPoP proof does not match the presented access_token.",
    ),
    (
        "ath of another token",
        {},
        {"ath": b64(b"x" * 32)},
        "'ath' claim in the DPoP proof does not match the presented access_token.",
    ),
]


@pytest.mark.parametrize(("header", "claims", "text"), [pytest.param(*row[1:], id=row[0]) for row in CALLS])
def test_a_call_with_a_wrong_proof_is_refused(client, header, claims, text):
    token = client.token()
    if claims.get("htm") == "GET":
        claims = {**claims, "htm": "POST"}
    answer = sent(client, token, client.proof_for("GET", GROUPS, token, header=header, **claims))
    assert refusal(answer) == invalid_proof(text)
    assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]
    assert sent(client, token, client.proof_for("GET", GROUPS, token)).status_code == 200


def test_a_proof_for_a_call_is_used_once(client):
    token = client.token()
    proof = client.proof_for("GET", GROUPS, token)
    assert sent(client, token, proof).status_code == 200
    assert refusal(sent(client, token, proof)) == invalid_proof("The DPoP proof JWT has already been used.")


def test_a_proof_made_by_another_key(client):
    token = client.token()
    answer = sent(client, token, client.proof_for("GET", GROUPS, token, key=private_key(8)))
    assert refusal(answer) == invalid_proof("The access_token is not bound to the provided DPoP proof.")


def test_scopes_count_for_bound_tokens_too(client):
    token = client.token("okta.logs.read")
    answer = sent(client, token, client.proof_for("GET", GROUPS, token))
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000006")
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert 'scope="okta.groups.read", error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_tokens_that_are_over_are_401_whatever_the_proof(sandbox, client):
    token = client.token()
    sandbox.okta.revoke_access_tokens(client.app.client_id)
    answer = sent(client, token, None)
    assert answer.status_code == 401
    assert "has been revoked" in answer.headers["WWW-Authenticate"]
    token = client.token()
    sandbox.clock.advance(3600)
    answer = sent(client, token, client.proof_for("GET", GROUPS, token))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
