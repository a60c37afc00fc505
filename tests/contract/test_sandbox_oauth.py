"""The pretend Okta's token endpoint: what it gives, and everything it refuses, word for word."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.contract.oauth_support import DROP, TOKEN, Client, ec_key, public_jwk, refusal
from tests.contract.sandbox_support import NOW, Api, b64, make_sandbox, okta_api, private_key

AT = int(NOW.timestamp())


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    return Client(sandbox, dpop_required=False)


# --- what it gives


def test_a_token_lasts_an_hour_and_names_its_scopes(sandbox, client):
    answer = client.ask(scope="okta.groups.read okta.users.read okta.groups.read")
    assert answer.status_code == 200
    body = answer.json()
    text = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "okta.groups.read okta.users.read"}
    assert "no-store" in answer.headers["Cache-Control"]
    assert "dpop-nonce" not in answer.headers
    claims = jwt.decode(text, options={"verify_signature": False})
    assert (claims["cid"], claims["exp"] - claims["iat"]) == (client.app.client_id, 3600)
    assert "cnf" not in claims
    assert client.get("/api/v1/groups", text).status_code == 200
    sandbox.clock.advance(3599)
    assert client.get("/api/v1/groups", text).status_code == 200
    sandbox.clock.advance(1)
    assert client.get("/api/v1/groups", text).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"])
def test_every_algorithm_okta_lists_is_taken(sandbox, algorithm):
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    client = Client(sandbox, ec_key(curve) if curve else None, algorithm=algorithm, dpop_required=False)
    assert client.ask().status_code == 200


def test_a_single_key_needs_no_kid_and_several_do(sandbox, client):
    assert client.ask(assertion=client.assertion(header={"kid": None})).status_code == 200
    keys = [public_jwk(private_key(5), kid="one"), public_jwk(private_key(7), kid="two")]
    several = Client(sandbox, private_key(7), jwks={"keys": keys}, dpop_required=False)
    assert several.ask(assertion=several.assertion(header={"kid": "two"})).status_code == 200
    answer = several.ask(assertion=several.assertion(header={"kid": None}))
    assert refusal(answer) == (401, "invalid_client", "The client_assertion JWT kid is invalid.")


def test_the_claims_that_need_not_be_there(client):
    assertion = client.assertion(iat=DROP, jti=DROP)
    # Without a jti nothing says that it was used before.
    assert [client.ask(assertion=assertion).status_code for _ in range(2)] == [200, 200]


def test_the_default_app_has_a_key_that_follows_from_the_seed(sandbox):
    app = sandbox.okta.apps[sandbox.okta_client_id]
    (key,) = app.keys()
    assert (app.dpop_required, key["kid"]) == (True, key["kid"])
    sandbox.okta.change_app(app.client_id, dpop_required=False)
    claims = {
        "iss": app.client_id,
        "sub": app.client_id,
        "aud": sandbox.okta_url + TOKEN,
        "exp": AT + 60,
        "jti": "1",
    }
    assertion = jwt.encode(claims, sandbox.okta_client_private_key, "RS256", {"kid": key["kid"]})
    client = Client(sandbox)
    assert client.ask(assertion=assertion, scope="okta.logs.read").status_code == 200
    assert make_sandbox(seed=7).okta_client_private_key == sandbox.okta_client_private_key
    assert make_sandbox(seed=8).okta_client_private_key != sandbox.okta_client_private_key
    assert make_sandbox(seed=8).okta_client_id != sandbox.okta_client_id


# --- what it refuses: one row for each line of Okta's table


def invalid_client(text: str) -> tuple[int, str, str]:
    return 401, "invalid_client", text


ASSERTIONS: list[Any] = [
    (
        "unknown issuer",
        {"iss": "0oaNobody"},
        "The issuer claim for client_assertion is not a valid client_id.",
    ),
    ("no issuer", {"iss": DROP}, "The issuer claim for client_assertion is not a valid client_id."),
    (
        "unknown subject",
        {"sub": "0oaNobody"},
        "The subject claim for client_assertion is not a valid client_id.",
    ),
    ("expired", {"exp": AT}, "The client_assertion token is expired."),
    ("far", {"exp": AT + 3601}, "The client_assertion token has an expiration too far into the future."),
    ("no exp", {"exp": DROP}, "The client_assertion must contain the 'exp' claim as seconds since epoch."),
    (
        "text exp",
        {"exp": "soon"},
        "The client_assertion must contain the 'exp' claim as seconds since epoch.",
    ),
    ("iat ahead", {"iat": AT + 301}, "The client_assertion token must be issued before the current time."),
    (
        "org as audience",
        {"aud": "http://127.0.0.1"},
        "The audience claim for client_assertion must be the endpoint invoked for the request.",
    ),
    (
        "no audience",
        {"aud": DROP},
        "The audience claim for client_assertion must be the endpoint invoked for the request.",
    ),
]


@pytest.mark.parametrize(("claims", "text"), [pytest.param(*row[1:], id=row[0]) for row in ASSERTIONS])
def test_a_wrong_claim_is_refused(client, claims, text):
    # PyJWT itself refuses an exp that is a text, so that claim is put in afterwards.
    assertion = signed(client, claims)
    assert refusal(client.ask(assertion=assertion)) == invalid_client(text)
    assert client.ask().status_code == 200


def test_the_whole_hour_can_be_used(client):
    assert client.ask(assertion=client.assertion(exp=AT + 3600)).status_code == 200


def test_another_key_made_the_signature(client):
    answer = client.ask(assertion=client.assertion(key=private_key(8)))
    assert refusal(answer) == invalid_client("The client_assertion signature is invalid.")


def test_an_unknown_kid(client):
    answer = client.ask(assertion=client.assertion(header={"kid": "key-2"}))
    assert refusal(answer) == invalid_client("The client_assertion JWT kid is invalid.")


@pytest.mark.parametrize("algorithm", ["HS256", "PS256", "none"])
def test_other_algorithms(client, algorithm):
    key: Any = {"HS256": "x" * 64, "PS256": client.key, "none": None}[algorithm]
    claims = {"iss": client.app.client_id, "sub": client.app.client_id, "exp": AT + 60}
    assertion = jwt.encode(claims, key, algorithm) + ("AA" if algorithm == "none" else "")
    text = "The client_assertion JWT signature algorithm is invalid."
    assert refusal(client.ask(assertion=assertion)) == invalid_client(text)


def test_an_algorithm_of_another_kind_than_the_key(client):
    assertion = client.assertion(header={"kid": "key-1", "alg": "ES256"}, key=ec_key())
    assert refusal(client.ask(assertion=assertion))[2] == "The client_assertion signature is invalid."


@pytest.mark.parametrize("text", ["x", "a.b.c", "....", "é.é.é", b64(b"{}") * 2])
def test_what_is_no_token(client, text):
    assert refusal(client.ask(assertion=text)) == invalid_client(
        "The parsing of the client_assertion failed."
    )


def test_keys_that_are_not_for_this_signature(sandbox):
    encrypts = Client(sandbox, jwks={"keys": [public_jwk(private_key(5), use="enc")]}, dpop_required=False)
    text = "The client_assertion JWT needs to be signed using a signing key."
    assert refusal(encrypts.ask(assertion=encrypts.assertion(header={"kid": None}))) == invalid_client(text)
    other = Client(sandbox, jwks={"keys": [public_jwk(private_key(5), alg="RS512")]}, dpop_required=False)
    text = "The client_assertion signature is invalid."
    assert refusal(other.ask(assertion=other.assertion(header={"kid": None}))) == invalid_client(text)
    assert other.ask(assertion=other.assertion(header={"kid": None, "alg": "RS512"})).status_code == 200


def test_a_header_that_nobody_understands(client):
    assertion = client.assertion(header={"kid": "key-1", "crit": ["exp"], "exp": 1})
    assert refusal(client.ask(assertion=assertion)) == invalid_client(
        "The parsing of the client_assertion failed."
    )


def test_a_curve_of_another_algorithm_and_a_cut_signature(sandbox):
    client = Client(sandbox, ec_key("P-384"), algorithm="ES384", dpop_required=False)
    text = "The client_assertion signature is invalid."
    # The header says ES256, the key is on P-384: RFC 7518 ties each algorithm to one curve.
    head, claims = (b64(json.dumps(part).encode()) for part in ({"alg": "ES256"}, payload_of(client)))
    der = ec_key("P-384").sign(f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    numbers = b"".join(number.to_bytes(48, "big") for number in decode_dss_signature(der))
    assert refusal(client.ask(assertion=f"{head}.{claims}.{b64(numbers)}")) == invalid_client(text)
    whole = client.assertion()
    signed_part, _, signature = whole.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    # With a zero before the second number it is the same pair of numbers, but not the same signature.
    for other in (raw[:-3], raw[:48] + b"\0" + raw[48:]):
        assert refusal(client.ask(assertion=f"{signed_part}.{b64(other)}")) == invalid_client(text)
    assert client.ask(assertion=whole).status_code == 200


def test_an_assertion_is_used_up_by_its_jti(sandbox, client):
    assertion = client.assertion()
    assert client.ask(assertion=assertion, scope="okta.nonsense.read").status_code == 400
    used = invalid_client("The client_assertion token has already been used.")
    assert refusal(client.ask(assertion=assertion)) == used
    sandbox.clock.advance(10)
    assert refusal(client.ask(assertion=client.assertion(jti="assertion-1"))) == used
    assert client.ask().status_code == 200
    # Another app may choose the same jti.
    assert Client(sandbox, dpop_required=False).ask().status_code == 200


def test_a_badly_signed_assertion_uses_nothing_up(client):
    client.ask(assertion=client.assertion(key=private_key(8), jti="mine"))
    assert client.ask(assertion=client.assertion(jti="mine")).status_code == 200


REQUESTS: list[Any] = [
    ("no assertion", {"client_assertion": DROP}, invalid_client("No client credentials found.")),
    (
        "nothing",
        {"client_assertion": DROP, "client_assertion_type": DROP},
        invalid_client("No client credentials found."),
    ),
    (
        "secret",
        {"client_assertion": DROP, "client_secret": "s"},
        invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt "
            "token_endpoint_auth_method."
        ),
    ),
    ("other client", {"client_id": "0oaOther"}, invalid_client("Invalid value for 'client_id' parameter.")),
    (
        "assertion type",
        {"client_assertion_type": "urn:saml"},
        (400, "invalid_request", "The client_assertion_type is invalid."),
    ),
    (
        "no assertion type",
        {"client_assertion_type": DROP},
        (400, "invalid_request", "The client_assertion_type is invalid."),
    ),
    ("no scope", {"scope": DROP}, (400, "invalid_scope", "No scopes were requested.")),
    ("blank scope", {"scope": " "}, (400, "invalid_scope", "No scopes were requested.")),
    (
        "unknown scope",
        {"scope": "okta.groups.read okta.weather.read"},
        (
            400,
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
    ),
    (
        "grant type",
        {"grant_type": "password"},
        (
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server. "
            "Configured grant types: [client_credentials].",
        ),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), [pytest.param(*row[1:], id=row[0]) for row in REQUESTS])
def test_a_wrong_request_is_refused(client, changes, expected):
    assert refusal(client.ask(**changes)) == expected


def test_basic_authentication_is_refused(client):
    header = {"Authorization": "Basic " + base64.b64encode(b"id:secret").decode()}
    assert "must use the private_key_jwt" in refusal(client.ask(header, client_assertion=DROP))[2]


def test_a_json_body_and_another_method_are_refused(client):
    assert client.api.post(TOKEN, json=client.form()).status_code == 400
    answer = client.api.get(TOKEN)
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "E0000022")


def test_scopes_that_were_not_granted(sandbox):
    client = Client(sandbox, scopes=["okta.users.read", "okta.groups.manage"], dpop_required=False)
    refused = (400, "consent_required", "You are not allowed any of the requested scopes.")
    assert refusal(client.ask(scope="okta.logs.read okta.groups.read")) == refused
    # Okta does not say what happens to a request that was granted in part.
    assert client.ask(scope="okta.users.read okta.logs.read").json()["scope"] == "okta.users.read"
    sandbox.options.partly_granted_scopes = "refuse"
    assert refusal(client.ask(scope="okta.users.read okta.logs.read")) == refused
    assert client.ask(scope="okta.users.read okta.groups.manage").status_code == 200


def test_an_app_that_is_not_active(sandbox, client):
    token = client.token()
    sandbox.okta.deactivate_app(client.app.client_id)
    assert refusal(client.ask())[2] == "The issuer claim for client_assertion is not a valid client_id."
    assert client.get("/api/v1/groups", token).status_code == 401
    sandbox.okta.change_app(client.app.client_id, status="ACTIVE")
    assert client.ask().status_code == 200


def test_the_endpoint_has_a_rate_limit_of_its_own(sandbox, client):
    assert client.ask().headers["X-Rate-Limit-Limit"] == "1000"
    sandbox.set_bucket(TOKEN, 1)
    answer = client.ask()
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "E0000047")
    assert okta_api(sandbox).get("/api/v1/groups").status_code == 200


# --- using a token


ENDPOINTS = [
    ("GET", "/api/v1/users", "okta.users.read"),
    ("GET", "/api/v1/users/{user}", "okta.users.read"),
    ("GET", "/api/v1/users/{user}/risk", "okta.userRisk.read"),
    ("PUT", "/api/v1/users/{user}/risk", "okta.userRisk.manage"),
    ("GET", "/api/v1/groups", "okta.groups.read"),
    ("GET", "/api/v1/groups/{group}", "okta.groups.read"),
    ("GET", "/api/v1/groups/{group}/users", "okta.groups.read"),
    ("POST", "/api/v1/groups", "okta.groups.manage"),
    ("PUT", "/api/v1/groups/{group}/users/{user}", "okta.groups.manage"),
    ("DELETE", "/api/v1/groups/{group}/users/{user}", "okta.groups.manage"),
    ("GET", "/api/v1/security-events-providers", "okta.securityEventsProviders.read"),
    ("GET", "/api/v1/security-events-providers/{provider}", "okta.securityEventsProviders.read"),
    ("POST", "/api/v1/security-events-providers", "okta.securityEventsProviders.manage"),
    ("PUT", "/api/v1/security-events-providers/{provider}", "okta.securityEventsProviders.manage"),
    (
        "POST",
        "/api/v1/security-events-providers/{provider}/lifecycle/activate",
        "okta.securityEventsProviders.manage",
    ),
    (
        "POST",
        "/api/v1/security-events-providers/{provider}/lifecycle/deactivate",
        "okta.securityEventsProviders.manage",
    ),
    ("DELETE", "/api/v1/security-events-providers/{provider}", "okta.securityEventsProviders.manage"),
    ("GET", "/api/v1/logs", "okta.logs.read"),
    ("GET", "/api/v1/org", "okta.orgs.read"),
    ("GET", "/api/v1/iam/assignees/users", "okta.roles.read"),
]
ALL = sorted({scope for _, _, scope in ENDPOINTS})
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/api/v1/users/{user}/risk"): {"riskLevel": "HIGH"},
    ("POST", "/api/v1/groups"): {"profile": {"name": "New"}},
}


def arranged(sandbox: Any) -> dict[str, str]:
    settings = {"issuer": "https://one.example", "jwks_url": "https://one.example/jwks"}
    body = {"name": "One", "type": "okta", "settings": settings}
    provider = okta_api(sandbox).post("/api/v1/security-events-providers", json=body).json()["id"]
    return {
        "user": sandbox.okta.users[0].id,
        "group": sandbox.okta.add_group("G").id,
        "provider": provider,
    }


def body_for(method: str, path: str) -> Any:
    if method in ("POST", "PUT") and path.partition("{provider}")[0].endswith(
        "providers" + "/" * ("{" in path)
    ):
        settings = {"issuer": f"https://{method}.example", "jwks_url": "https://two.example/jwks"}
        return {"name": method, "type": "okta", "settings": settings}
    return BODIES.get((method, path))


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_each_endpoint_needs_its_scope_and_says_so(sandbox, client, method, path, scope):
    address = path.format(**arranged(sandbox))
    body = body_for(method, path)
    others = [one for one in ALL if one not in (scope, scope.replace(".read", ".manage"))]
    answer = client.call(method, address, client.token(" ".join(others)), json=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000006")
    org = sandbox.okta_url
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer authorization_uri="{org}/oauth2/v1/authorize", realm="{org}", scope="{scope}", '
        'error="insufficient_scope", error_description="The access token provided does not contain the '
        f'required scopes.", resource="{address}"'
    )
    answer = client.call(method, address, client.token(scope), json=body)
    assert answer.status_code in (200, 201, 204), answer.text


@pytest.mark.parametrize("path", ["/api/v1/groups", "/api/v1/security-events-providers"])
def test_manage_includes_read(sandbox, client, path):
    family = "okta.groups" if path.endswith("groups") else "okta.securityEventsProviders"
    assert client.get(path, client.token(f"{family}.manage")).status_code == 200


def test_every_route_of_the_api_has_a_scope(sandbox):
    """A route that is added later and forgotten in the table would let everybody in, or crash."""
    from airflow_provider_okta_ure.sandbox.okta.scopes import SCOPES, needed_scope

    router = sandbox._okta_service._router
    labels = {(route.method, route.label) for routes in router._by_length.values() for route in routes}
    api = {(method, label) for method, label in labels if label.startswith("/api/")}
    assert len(api) == len(ENDPOINTS)
    assert {needed_scope(method, label) for method, label in api} <= set(SCOPES)
    assert labels - api == {
        ("POST", "/oauth2/v1/token"),
        ("POST", "/security/api/v1/security-events"),  # the signature is the credential
        ("GET", "/.well-known/okta-organization"),  # public: which org it is
    }


def test_a_service_app_is_nobody(client):
    assert client.get("/api/v1/users/me", client.token("okta.users.read")).status_code == 404


def test_the_space_after_the_scheme_may_be_missing(client):
    # Okta's own SDK for Python leaves it out on some calls, and gets its answers.
    api = Api(client.sandbox.okta_url, {"Authorization": "Bearer" + client.token()})
    assert api.get("/api/v1/groups").status_code == 200


def test_tokens_that_are_not_accepted(sandbox, client):
    token = client.token()

    def refused(used: str) -> str:
        answer = client.get("/api/v1/groups", used)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "E0000011")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        return str(answer.headers["WWW-Authenticate"]).split('error_description="')[1].split('"')[0]

    assert refused("nonsense") == "The access token is invalid."
    assert refused(token[:-4] + "AAAA") == "The access token is invalid."
    assert sandbox.okta.revoke_access_tokens() == 1
    assert sandbox.okta.revoke_access_tokens() == 0
    assert refused(token) == "The access token has been revoked."
    again = client.token()
    assert client.get("/api/v1/groups", again).status_code == 200
    sandbox.clock.advance(3600)
    assert refused(again) == "The token has expired."


def test_the_body_of_the_401_is_a_switch(sandbox, client):
    sandbox.options.invalid_token_body = "oauth"
    answer = client.get("/api/v1/groups", "nonsense")
    assert refusal(answer) == (401, "invalid_token", "The access token is invalid.")
    sandbox.options.invalid_token_body = "empty"
    answer = client.get("/api/v1/groups", "nonsense")
    assert (answer.status_code, answer.content) == (401, b"")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def signed(client: Client, claims: dict[str, Any]) -> str:
    """Return an assertion with claims that PyJWT itself would not write."""
    if claims.get("exp") != "soon":
        return client.assertion(**claims)
    payload = json.dumps({**payload_of(client), **claims})
    return jwt.api_jws.encode(payload.encode(), client.key, "RS256", {"kid": "key-1"})


def payload_of(client: Client) -> dict[str, Any]:
    audience = client.sandbox.okta_url + TOKEN
    return {"iss": client.app.client_id, "sub": client.app.client_id, "aud": audience, "exp": AT + 60}
