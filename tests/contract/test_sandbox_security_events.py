"""The pretend Okta is strict about security event tokens: one test for every rule."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.contract.sandbox_support import (
    DROP,
    ISSUER,
    PROVIDERS,
    PUSH,
    USER_RISK,
    Transmitter,
    b64,
    jwk,
    make_sandbox,
    okta_api,
    private_key,
    signed,
)

RECEIVED = "security.events.provider.receive_event"


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sender(sandbox):
    return Transmitter(sandbox)


def test_a_good_token_is_accepted_logged_and_changes_the_risk(sandbox, sender):
    answer = sender.push(sender.token())
    assert (answer.status_code, answer.content) == (202, b"")
    user = sandbox.okta.users[0]
    (event,) = [event for event in sandbox.okta.system_log if event["eventType"] == RECEIVED]
    assert event["target"][0]["id"] == user.id
    assert event["actor"]["type"] == "SecurityEventProvider"
    assert event["actor"]["displayName"] == ISSUER
    report = json.loads(event["debugContext"]["debugData"]["partnerRiskReportData"])
    assert report[USER_RISK]["current_level"] == "high"
    assert sandbox.okta.risk(user.id) == "HIGH"
    assert sandbox.okta.accepted_events[0]["remarks"] == []
    assert any(event["eventType"] == "user.risk.detect" for event in sandbox.okta.system_log)


HEADERS = [
    pytest.param({"typ": "JWT"}, "'typ'", id="typ JWT"),
    pytest.param({"typ": DROP}, "'typ'", id="no typ"),
    pytest.param({"typ": "SECEVENT+JWT"}, "'typ'", id="typ in capitals"),
    pytest.param({"alg": "none"}, "'alg'", id="alg none"),
    pytest.param({"alg": "HS256"}, "'alg'", id="alg HS256"),
    pytest.param({"alg": "RS384"}, "'alg'", id="alg RS384"),
    pytest.param({"alg": DROP}, "'alg'", id="no alg"),
    pytest.param({"kid": DROP}, "'kid'", id="no kid"),
    pytest.param({"kid": ""}, "'kid'", id="empty kid"),
    pytest.param({"kid": 1}, "'kid'", id="numeric kid"),
]


@pytest.mark.parametrize(("change", "named"), HEADERS)
def test_a_wrong_header_is_refused(sender, change, named):
    answer = sender.push(sender.token(header=sender.header(**change)))
    assert answer.status_code == 400
    assert answer.json()["err"] == "invalid_request"
    assert named in answer.json()["description"]
    assert sender.left_no_trace()


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(sender):
    parts = (
        f"{b64(json.dumps(sender.header(alg='HS256')).encode())}.{b64(json.dumps(sender.claims()).encode())}"
    )
    secret = json.dumps({"keys": [jwk("key-1")]}).encode()
    signature = hmac.new(secret, parts.encode(), hashlib.sha256).digest()
    assert sender.push(f"{parts}.{b64(signature)}").json()["err"] == "invalid_request"
    assert sender.left_no_trace()


BODIES = [
    pytest.param(lambda token: json.dumps(token), id="in JSON quotes"),
    pytest.param(lambda token: token + "\n", id="newline at the end"),
    pytest.param(lambda token: " " + token, id="space in front"),
    pytest.param(lambda token: f"token={token}", id="as a form"),
    pytest.param(lambda token: token.rsplit(".", 1)[0], id="two parts"),
    pytest.param(lambda token: token + ".x", id="four parts"),
    pytest.param(lambda token: f"{token}\n{token}", id="two tokens"),
    pytest.param(lambda _: "", id="nothing"),
    pytest.param(lambda _: "é".encode(), id="not ASCII"),
]


@pytest.mark.parametrize("spoil", BODIES)
def test_a_body_that_is_not_the_raw_token_is_refused(sender, spoil):
    answer = sender.push(spoil(sender.token()))
    assert answer.status_code == 400
    assert answer.json()["err"] in ("invalid_request", "authentication_failed")
    assert sender.left_no_trace()


@pytest.mark.parametrize("content_type", ["application/json", "application/jwt", "text/plain", ""])
def test_another_content_type_is_refused(sender, content_type):
    assert sender.push(sender.token(), content_type).json()["err"] == "invalid_request"
    assert sender.left_no_trace()


def test_content_type_parameters_are_fine(sender):
    assert sender.push(sender.token(), "application/secevent+jwt; charset=utf-8").status_code == 202


def test_lenient_bodies_are_a_switch(sandbox, sender):
    sandbox.options.set_body_lenient = True
    assert sender.push(json.dumps(sender.token()), "application/json").status_code == 202
    assert sender.push(json.dumps(sender.token())).status_code == 202
    assert sender.push(sender.token()).status_code == 202


CLAIMS = [
    pytest.param({"iss": "https://issuer.example/"}, "invalid_issuer", id="iss with a slash"),
    pytest.param({"iss": "https://other.example"}, "invalid_issuer", id="unknown iss"),
    pytest.param({"iss": DROP}, "invalid_issuer", id="no iss"),
    pytest.param({"aud": "https://other.okta.com"}, "invalid_audience", id="aud of another org"),
    pytest.param({"aud": DROP}, "invalid_audience", id="no aud"),
    pytest.param({"aud": []}, "invalid_audience", id="aud a list"),
    pytest.param({"iat": 1_795_402_800.5}, "invalid_request", id="iat a fraction"),
    pytest.param({"iat": 1_795_402_800.0}, "invalid_request", id="iat a whole float"),
    pytest.param({"iat": "1795402800"}, "invalid_request", id="iat a text"),
    pytest.param({"iat": True}, "invalid_request", id="iat true"),
    pytest.param({"iat": DROP}, "invalid_request", id="no iat"),
    pytest.param({"jti": DROP}, "invalid_request", id="no jti"),
    pytest.param({"jti": ""}, "invalid_request", id="empty jti"),
    pytest.param({"jti": 7}, "invalid_request", id="jti a number"),
    pytest.param({"exp": 1_999_999_999}, "invalid_request", id="exp"),
    pytest.param({"sub": "somebody"}, "invalid_request", id="sub"),
    pytest.param({"events": DROP}, "invalid_request", id="no events"),
    pytest.param({"events": {}}, "invalid_request", id="no event"),
    pytest.param({"events": []}, "invalid_request", id="events a list"),
    pytest.param({"events": {"https://example.com/unknown": {}}}, "invalid_request", id="unknown event"),
    pytest.param({"events": {USER_RISK: "high"}}, "invalid_request", id="event a text"),
]


@pytest.mark.parametrize(("change", "err"), CLAIMS)
def test_a_wrong_claim_is_refused(sender, change, err):
    answer = sender.push(sender.token(claims=sender.claims(**change)))
    assert answer.status_code == 400
    assert answer.json()["err"] == err
    assert sender.left_no_trace()


def test_an_event_without_the_events_wrapper_is_refused(sender):
    claims = {**sender.claims(events=DROP), USER_RISK: sender.event()}
    answer = sender.push(sender.token(claims=claims))
    assert answer.json()["err"] == "invalid_request"
    assert "'events': The field cannot be left blank" in answer.json()["description"]
    assert sender.left_no_trace()


def test_two_events_in_one_token_are_refused(sender):
    other = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    events = {USER_RISK: sender.event(), other: sender.event()}
    assert sender.push(sender.token(claims=sender.claims(events=events))).json()["err"] == "invalid_request"
    assert sender.left_no_trace()


EVENTS = [
    pytest.param({"current_level": DROP}, "currentRiskLevel': The field cannot be left blank", id="no level"),
    pytest.param({"previous_level": DROP}, "previousRiskLevel': The field cannot", id="no previous level"),
    pytest.param({"current_level": "HIGH"}, "currentRiskLevel': Not one of", id="level in capitals"),
    pytest.param({"current_level": "critical"}, "currentRiskLevel': Not one of", id="level of Netskope"),
    pytest.param({"current_level": ["high"]}, "currentRiskLevel': Not one of", id="level a list"),
    pytest.param({"previous_level": "medium-high"}, "previousRiskLevel': Not one of", id="unknown level"),
    pytest.param({"initiating_entity": "robot"}, "initiatingEntity': Not one of", id="unknown entity"),
    pytest.param({"event_timestamp": DROP}, "eventTimestamp': The field cannot", id="no time"),
    pytest.param({"event_timestamp": "now"}, "eventTimestamp': Must be a number", id="time a text"),
    pytest.param({"event_timestamp": True}, "eventTimestamp': Must be a number", id="time true"),
    pytest.param({"reason_admin": "text"}, "reasonAdmin.en': The field cannot", id="reason a text"),
    pytest.param({"reason_user": {"de": "x"}}, "reasonUser.en': The field cannot", id="reason without en"),
    pytest.param({"subject": DROP}, "subject': The field cannot", id="no subject"),
    pytest.param({"subject": {}}, "subject': The field cannot", id="empty subject"),
    pytest.param({"subject": {"device": {"id": "x"}}}, "subject.user': The field", id="no user"),
    pytest.param({"subject": {"user": {"email": "a@b.c"}}}, "subject.user.format': Not one", id="no format"),
    pytest.param({"subject": {"user": {"format": "email"}}}, "subject.user.email': The", id="no email"),
]


@pytest.mark.parametrize(("change", "named"), EVENTS)
def test_a_wrong_event_is_refused_in_oktas_words(sender, change, named):
    answer = sender.push(sender.token(claims=sender.claims(sender.event(**change))))
    assert answer.status_code == 400
    assert answer.json()["err"] == "invalid_request"
    assert "events.mediationUserRiskChangeEvent." + named in answer.json()["description"]
    assert sender.left_no_trace()


def test_several_faults_of_an_event_are_all_named(sender):
    event = sender.event(current_level=DROP, previous_level=DROP)
    description = sender.push(sender.token(claims=sender.claims(event))).json()["description"]
    assert description == (
        "Failed claim validation in security event token. "
        "'events.mediationUserRiskChangeEvent.currentRiskLevel': The field cannot be left blank, "
        "'events.mediationUserRiskChangeEvent.previousRiskLevel': The field cannot be left blank"
    )


def test_every_documented_level_and_entity_is_accepted(sender):
    for level in ("low", "medium", "high", "secure", "none"):
        for entity in ("admin", "user", "policy", "system", DROP):
            event = sender.event(current_level=level, previous_level="none", initiating_entity=entity)
            assert sender.push(sender.token(claims=sender.claims(event))).status_code == 202


def test_other_documented_events_are_accepted(sandbox, sender):
    event = sender.event(current_level=DROP, previous_level=DROP)
    caep = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    assert sender.push(sender.token(claims=sender.claims(events={caep: event}))).status_code == 202
    assert len(sandbox.okta.accepted_events) == 1
    assert sandbox.okta.risks == {}


@pytest.mark.parametrize("timestamp", [1_795_402_800.5, 1_795_402_800.0, 1_795_402_800_000])
def test_odd_event_timestamps_are_accepted_unless_the_switch_is_strict(sandbox, sender, timestamp):
    event = sender.event(event_timestamp=timestamp)
    assert sender.push(sender.token(claims=sender.claims(event))).status_code == 202
    sandbox.options.set_timestamp_strict = True
    assert sender.push(sender.token(claims=sender.claims(event))).json()["err"] == "invalid_request"
    assert sender.push(sender.token()).status_code == 202


def test_a_reason_is_only_required_by_a_switch(sandbox, sender):
    event = sender.event(reason_admin=DROP)
    assert sender.push(sender.token(claims=sender.claims(event))).status_code == 202
    sandbox.options.set_reason_required = True
    assert sender.push(sender.token(claims=sender.claims(event))).json()["err"] == "invalid_request"
    reason_user = sender.event(reason_admin=DROP, reason_user={"en": "Because"})
    assert sender.push(sender.token(claims=sender.claims(reason_user))).status_code == 202


def test_a_slash_after_the_audience_is_noted_and_strictly_refused(sandbox, sender):
    claims = sender.claims(aud=sandbox.okta_url + "/")
    assert sender.push(sender.token(claims=claims)).status_code == 202
    assert sandbox.okta.accepted_events[0]["remarks"] == ["the audience has a slash at the end"]
    sandbox.options.set_audience_strict = True
    claims = sender.claims(aud=sandbox.okta_url + "/")
    assert sender.push(sender.token(claims=claims)).json()["err"] == "invalid_audience"


def test_an_iat_in_the_future_is_noted_and_refused_by_a_switch(sandbox, sender):
    ahead = sender.claims()["iat"] + 19_800
    assert sender.push(sender.token(claims=sender.claims(iat=ahead))).status_code == 202
    assert sandbox.okta.accepted_events[0]["remarks"] == ["iat is 19800 seconds in the future"]
    sandbox.options.set_iat_max_future_seconds = 300
    assert sender.push(sender.token(claims=sender.claims(iat=ahead))).json()["err"] == "invalid_request"


# --- keys and signatures


def test_a_wrong_kid_is_an_invalid_key(sender):
    answer = sender.push(sender.token(header=sender.header(kid="another")))
    assert answer.json()["err"] == "invalid_key"
    assert sender.left_no_trace()


def test_a_signature_of_another_key_fails(sender):
    assert sender.push(sender.token(number=1)).json()["err"] == "authentication_failed"
    assert sender.left_no_trace()


def test_claims_changed_after_signing_fail(sender):
    header, _, signature = sender.token().split(".")
    changed = b64(json.dumps(sender.claims()).encode())
    assert sender.push(f"{header}.{changed}.{signature}").json()["err"] == "authentication_failed"


def test_a_missing_signature_fails(sender):
    assert sender.push(sender.token().rsplit(".", 1)[0] + ".").json()["err"] == "authentication_failed"


def test_a_payload_that_is_no_json_object_fails(sender):
    assert sender.push(sender.token(claims=["a list"])).json() == {
        "err": "authentication_failed",
        "description": "Invalid payload in security event token, cannot convert to json",
    }


@pytest.mark.parametrize("alphabet", [base64.urlsafe_b64encode, base64.b64encode])
def test_a_payload_in_another_base64_is_refused_although_its_signature_is_good(sender, alphabet):
    header = b64(json.dumps(sender.header()).encode())
    claims = json.dumps(sender.claims(note="\u00ff\u00fe?>~"), ensure_ascii=False).encode()
    padded = alphabet(claims + b" " * ((1 - len(claims)) % 3)).decode()
    assert padded.endswith("==")
    signature = private_key().sign(f"{header}.{padded}".encode(), PKCS1v15(), SHA256())
    answer = sender.push(f"{header}.{padded}.{b64(signature)}")
    assert answer.json()["err"] == "authentication_failed"
    assert "base64url" in answer.json()["description"]
    assert sender.left_no_trace()


KEYS = [
    pytest.param([jwk("key-1", use="enc")], id="for encryption"),
    pytest.param([jwk("key-1", alg="RS512")], id="for another algorithm"),
    pytest.param([jwk("key-1", kty="EC")], id="not RSA"),
    pytest.param([jwk("key-1", n="!!")], id="unreadable"),
    pytest.param([jwk("key-1", bits=1024)], id="too short"),
    pytest.param([], id="no keys"),
]


@pytest.mark.parametrize("keys", KEYS)
def test_an_unusable_key_is_an_invalid_key(sandbox, sender, keys):
    sandbox.publish_jwks({"keys": keys})
    assert sender.push(sender.token()).json()["err"] == "invalid_key"
    assert sender.left_no_trace()


GOOD = json.dumps({"keys": [jwk("key-1")]}).encode()
JWKS = [
    pytest.param({"content": b"{", "content_type": "application/json"}, id="not JSON"),
    pytest.param({"content": b"[]", "content_type": "application/json"}, id="a list"),
    pytest.param({"content": b"{}", "content_type": "application/json"}, id="no keys member"),
    pytest.param({"content": GOOD, "content_type": "text/plain"}, id="text/plain"),
    pytest.param({"content": GOOD, "content_type": "application/json", "status": 500}, id="an error"),
    pytest.param({"content": b" " * 300_000 + GOOD, "content_type": "application/json"}, id="too large"),
]


@pytest.mark.parametrize("document", JWKS)
def test_a_jwks_that_cannot_be_used_is_an_invalid_key(sandbox, sender, document):
    sandbox.publish("jwks.json", **document)
    assert sender.push(sender.token()).json()["err"] == "invalid_key"
    assert sender.left_no_trace()


def test_a_good_jwks_is_used(sandbox, sender):
    sandbox.publish("jwks.json", GOOD, "application/json; charset=utf-8")
    assert sender.push(sender.token()).status_code == 202


def test_redirects_to_a_good_jwks_are_not_followed(sandbox, sender):
    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", sender.jwks_url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        sandbox.okta.providers[0].jwks_url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        answer = sender.push(sender.token())
        server.shutdown()
        thread.join()
    assert answer.json()["err"] == "invalid_key"
    assert "302" in answer.json()["description"]


def test_a_jwks_nobody_serves_is_an_invalid_key(sandbox, sender):
    sandbox.okta.providers[0].jwks_url = "http://127.0.0.1:9/jwks.json"
    assert sender.push(sender.token()).json()["err"] == "invalid_key"


def test_keys_are_fetched_once_and_again_when_they_are_old(sandbox, sender):
    for _ in range(3):
        assert sender.push(sender.token()).status_code == 202
    assert sandbox.jwks_fetches == 1
    sandbox.clock.advance(601)
    assert sender.push(sender.token()).status_code == 202
    assert sandbox.jwks_fetches == 2


def test_an_unknown_kid_makes_the_keys_be_fetched_but_not_too_often(sandbox, sender):
    assert sender.push(sender.token()).status_code == 202
    sandbox.publish_jwks({"keys": [jwk("key-1"), jwk("key-2", number=1)]})
    rotated = sender.token(header=sender.header(kid="key-2"), number=1)
    assert sender.push(rotated).json()["err"] == "invalid_key"
    assert sandbox.jwks_fetches == 1
    sandbox.clock.advance(31)
    assert sender.push(rotated).status_code == 202
    assert sandbox.jwks_fetches == 2


# --- who it is about, repetition, the provider


def test_an_unknown_user_is_ignored_with_202_and_no_log(sandbox, sender):
    sender.email = "nobody@corp.example"
    answer = sender.push(sender.token())
    assert answer.status_code == 202
    assert sender.left_no_trace()
    assert sandbox.okta.ignored_events[0]["why"] == "the user is unknown"


def test_a_repeated_jti_is_ignored_with_202_and_no_log(sandbox, sender):
    assert sender.push(sender.token(claims=sender.claims(jti="same"))).status_code == 202
    logged = len(sandbox.okta.system_log)
    event = sender.event(current_level="low")
    assert sender.push(sender.token(claims=sender.claims(event, jti="same"))).status_code == 202
    assert len(sandbox.okta.system_log) == logged
    assert sandbox.okta.risk(sandbox.okta.users[0].id) == "HIGH"
    assert sandbox.okta.ignored_events[0]["why"] == "the jti was seen before"


def test_a_refused_token_does_not_use_up_its_jti(sender):
    wrong = sender.claims(sender.event(current_level="x"), jti="same")
    assert sender.push(sender.token(claims=wrong)).status_code == 400
    assert sender.push(sender.token(claims=sender.claims(jti="same"))).status_code == 202
    assert not sender.left_no_trace()


def test_the_login_is_matched_in_any_letter_case(sandbox, sender):
    sender.email = sender.email.upper()
    assert sender.push(sender.token()).status_code == 202
    assert sandbox.okta.accepted_events[0]["user_id"] == sandbox.okta.users[0].id


def test_the_email_counts_when_no_login_fits_unless_a_switch_forbids_it(sandbox, sender):
    user = sandbox.okta.add_user("short.login@corp.example", email="long.address@corp.example")
    sender.email = "Long.Address@corp.example"
    assert sender.push(sender.token()).status_code == 202
    assert sandbox.okta.accepted_events[0]["user_id"] == user.id
    sandbox.options.set_subject_matching = "login_only"
    assert sender.push(sender.token()).status_code == 202
    assert len(sandbox.okta.accepted_events) == 1


def test_an_email_of_several_users_is_ignored(sandbox, sender):
    sandbox.okta.add_user("one@corp.example", email="shared@corp.example")
    sandbox.okta.add_user("two@corp.example", email="shared@corp.example")
    sender.email = "shared@corp.example"
    assert sender.push(sender.token()).status_code == 202
    assert sender.left_no_trace()


def test_a_deactivated_provider_is_an_invalid_issuer_until_activated(sender):
    here = f"{PROVIDERS}/{sender.provider['id']}/lifecycle/"
    assert sender.okta.post(here + "deactivate").json()["status"] == "INACTIVE"
    assert sender.push(sender.token()).json()["err"] == "invalid_issuer"
    assert sender.okta.post(here + "activate").json()["status"] == "ACTIVE"
    assert sender.push(sender.token()).status_code == 202


def test_a_deleted_provider_is_an_invalid_issuer(sender):
    assert sender.okta.delete(f"{PROVIDERS}/{sender.provider['id']}").status_code == 204
    assert sender.push(sender.token()).json()["err"] == "invalid_issuer"


@pytest.mark.parametrize(("level", "risk"), [("low", "LOW"), ("secure", "NONE"), ("none", "NONE")])
def test_levels_none_and_secure_leave_the_risk_alone(sandbox, sender, level, risk):
    sender.push(sender.token(claims=sender.claims(sender.event(current_level=level))))
    assert sandbox.okta.risk(sandbox.okta.users[0].id) == risk


def test_a_switch_keeps_tokens_from_changing_the_risk(sandbox, sender):
    sandbox.options.set_changes_risk = False
    sender.push(sender.token())
    assert sandbox.okta.risk(sandbox.okta.users[0].id) == "NONE"
    assert len(sandbox.okta.accepted_events) == 1


def test_pushing_takes_no_credentials_and_has_its_own_bucket(sandbox, sender):
    sender.push(sender.token())
    (entry,) = sandbox.requests_to("okta", "POST", PUSH)
    assert not entry.has_authorization
    assert entry.bucket == PUSH
    assert sender.push(sender.token()).headers["X-Rate-Limit-Limit"] == "1200"


def test_the_official_shape_of_a_refusal_has_two_members_only(sender):
    body = sender.push("x").json()
    assert set(body) == {"err", "description"}


# --- providers


def provider(
    name: str = "P", issuer: str = "https://p.example", url: str = "https://p.example/jwks"
) -> dict[str, Any]:
    return {"name": name, "type": "Netskope", "settings": {"issuer": issuer, "jwks_url": url}}


def test_names_and_issuers_of_providers_are_unique(sandbox):
    okta = okta_api(sandbox)
    assert okta.post(PROVIDERS, json=provider()).json()["status"] == "ACTIVE"
    answer = okta.post(PROVIDERS, json=provider(issuer="https://q.example"))
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000001")
    assert answer.json()["errorCauses"] == [{"errorSummary": "Security Events Provider name must be unique"}]
    answer = okta.post(PROVIDERS, json=provider(name="Q"))
    (cause,) = answer.json()["errorCauses"]
    assert cause["errorSummary"] == "The provided issuer already exists for this organization."
    assert len(okta.get(PROVIDERS).json()) == 1


def test_a_provider_can_be_replaced_but_not_by_anothers_name(sandbox):
    okta = okta_api(sandbox)
    first = okta.post(PROVIDERS, json=provider()).json()
    okta.post(PROVIDERS, json=provider("Q", "https://q.example"))
    here = f"{PROVIDERS}/{first['id']}"
    assert okta.put(here, json=provider(url="https://p.example/new")).json()["settings"] == {
        "issuer": "https://p.example",
        "jwks_url": "https://p.example/new",
    }
    assert okta.put(here, json=provider("Q", "https://p.example")).status_code == 400
    assert okta.get(here).json()["name"] == "P"


def test_creating_a_provider_fetches_no_keys(sandbox):
    okta = okta_api(sandbox)
    assert okta.post(PROVIDERS, json=provider(url="http://127.0.0.1:9/none")).status_code == 200
    assert sandbox.jwks_fetches == 0


BAD_PROVIDERS = [
    pytest.param({"name": ""}, id="empty name"),
    pytest.param({"name": "x" * 101}, id="long name"),
    pytest.param({"type": None}, id="no type"),
    pytest.param({"settings": {}}, id="no settings"),
    pytest.param({"settings": {"issuer": "https://p.example"}}, id="no jwks_url"),
    pytest.param({"settings": {"issuer": "x", "jwks_url": "ftp://x"}}, id="not http"),
    pytest.param({"settings": {"well_known_url": "https://x", "issuer": "https://y"}}, id="both ways"),
    pytest.param({"settings": []}, id="settings a list"),
]


@pytest.mark.parametrize("change", BAD_PROVIDERS)
def test_a_wrong_provider_is_refused(sandbox, change):
    answer = okta_api(sandbox).post(PROVIDERS, json={**provider(), **change})
    assert answer.status_code == 400
    assert answer.json()["errorCode"] in ("E0000001", "E0000003")
    assert sandbox.okta.providers == []


def test_a_well_known_document_gives_issuer_and_keys(sandbox):
    okta = okta_api(sandbox)
    document = {"issuer": "https://w.example", "jwks_uri": "https://w.example/jwks"}
    url = sandbox.publish("well-known.json", json.dumps(document))
    body = {"name": "W", "type": "Netskope", "settings": {"well_known_url": url}}
    assert okta.post(PROVIDERS, json=body).json()["settings"] == {
        "issuer": "https://w.example",
        "jwks_url": "https://w.example/jwks",
        "well_known_url": url,
    }


@pytest.mark.parametrize("content", [b"{}", b"<html>"])
def test_a_bad_well_known_document_is_refused(sandbox, content):
    url = sandbox.publish("well-known.json", content)
    body = {"name": "W", "type": "Netskope", "settings": {"well_known_url": url}}
    assert okta_api(sandbox).post(PROVIDERS, json=body).status_code == 400


def test_a_switch_refuses_plain_http_addresses(sandbox):
    sandbox.options.jwks_https_only = True
    okta = okta_api(sandbox)
    assert okta.post(PROVIDERS, json=provider(url="http://p.example/jwks")).status_code == 400
    assert okta.post(PROVIDERS, json=provider(url="https://p.example/jwks")).status_code == 200


def test_what_happens_to_providers_is_logged(sandbox):
    okta = okta_api(sandbox)
    made = okta.post(PROVIDERS, json=provider()).json()
    here = f"{PROVIDERS}/{made['id']}"
    okta.put(here, json=provider(name="R"))
    okta.post(here + "/lifecycle/deactivate")
    okta.post(here + "/lifecycle/deactivate")
    okta.post(here + "/lifecycle/activate")
    okta.delete(here)
    types = [event["eventType"].rsplit(".", 1)[1] for event in sandbox.okta.system_log]
    assert types == ["create", "update", "deactivate", "activate", "delete"]
    assert okta.get(here).json()["errorSummary"].endswith("(SecurityEventsProvider)")


def test_a_token_for_another_org_with_a_valid_signature_is_refused(sender):
    claims = sender.claims(aud="https://acme.okta.com")
    assert sender.push(signed(sender.header(), claims)).json()["err"] == "invalid_audience"
