"""The catalogue of troubles: complete, unambiguous, and what the document says."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from pathlib import Path

import pytest

from airflow_provider_okta_ure.catalogue import (
    CHAPTERS,
    PAGE,
    Entry,
    entry_for_answer,
    entry_for_reason,
    entry_for_topic,
)
from airflow_provider_okta_ure.catalogue.__main__ import main
from airflow_provider_okta_ure.catalogue.page import COMMAND, page
from airflow_provider_okta_ure.errors import JwksError
from tests.unit.test_docs import reason_codes

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_okta_ure"
ENTRIES = [entry for chapter in CHAPTERS for entry in chapter.entries]
ANSWERS = [(answer, entry) for entry in ENTRIES for answer in entry.answers]

RISK = "/api/v1/users/00u1/risk"
MEMBER = "/api/v1/groups/00g1/users/00u1"
PROVIDERS = "/api/v1/security-events-providers"
EVENTS = "/security/api/v1/security-events"
TOKEN = "/oauth2/v1/token"


def topic_of(service: str = "Okta", **answer: object) -> str:
    entry = entry_for_answer(service, **answer)  # type: ignore[arg-type]  # the tables below have the right types
    return entry.topic if entry else ""


# --- the document


def test_the_document_is_what_the_catalogue_says() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == page(), f"Write it again: {COMMAND} > {PAGE}"


def test_a_change_of_the_catalogue_changes_the_document() -> None:
    assert page() != page().replace(ENTRIES[0].remedy, "Wait.")
    for entry in ENTRIES:
        for text in (entry.title, entry.what, entry.why, *entry.steps, *entry.seen):
            assert text in page()


def test_every_link_in_the_document_leads_to_one_heading() -> None:
    anchors = re.findall(r'<a id="([^"]+)">', page())
    assert set(re.findall(r"\]\(#([^)]+)\)", page())) == set(anchors)
    assert [anchor for anchor, number in Counter(anchors).items() if number > 1] == []


def test_the_command_prints_the_document_or_a_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == page()
    assert main([f"{PAGE}#okta-api-token"]) == 0
    assert "Okta does not accept the API token" in capsys.readouterr().out


def test_the_command_names_the_topics_when_there_is_none_of_that_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["okta-api-tokn"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "'okta-api-tokn'" in said.err
    assert "okta-api-token" in said.err


# --- the entries


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.topic)
def test_every_entry_says_what_why_and_what_to_do_in_whole_sentences(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]+", entry.topic)
    for text in (entry.what, entry.why, entry.remedy, *entry.steps):
        assert text[0].isupper() or text[0] in "`'"
        assert text.endswith((".", ".)", "`")), text
        assert "  " not in text
    assert not entry.title.endswith(".")
    assert entry.seen or entry.reasons
    assert [name for _, name, _, _ in string.Formatter().parse(entry.remedy) if name] in ([], ["scope"])


def test_no_two_entries_claim_the_same_answer_topic_or_reason() -> None:
    assert [answer for answer, number in Counter(answer for answer, _ in ANSWERS).items() if number > 1] == []
    assert [topic for topic, number in Counter(one.topic for one in ENTRIES).items() if number > 1] == []
    reasons = Counter(reason for entry in ENTRIES for reason in entry.reasons)
    assert [reason for reason, number in reasons.items() if number > 1] == []


def test_the_texts_that_recognise_an_answer_are_in_lower_case() -> None:
    assert [answer.says for answer, _ in ANSWERS if answer.says != answer.says.lower()] == []


def topics_in_the_code() -> dict[str, str]:
    found = {}
    for path in [*PACKAGE.rglob("*.py")]:
        if "sandbox" in path.parts or "catalogue" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "topic" and isinstance(node.value, ast.Constant):
                found[str(node.value.value)] = path.name
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "default_topic":
                found[ast.literal_eval(node.value)] = path.name
    return found


def test_every_topic_that_the_code_names_exists() -> None:
    topics = topics_in_the_code()
    assert {"no-answer", "proxy-trouble"} <= topics.keys()
    assert [topic for topic in topics if entry_for_topic(topic) is None] == []


@pytest.mark.parametrize("reason", reason_codes())
def test_every_reason_of_a_report_is_explained(reason: str) -> None:
    entry = entry_for_reason(reason)
    assert entry is not None
    assert f"`{reason}`" in page()


def test_no_reason_is_explained_that_nothing_gives() -> None:
    assert {reason for entry in ENTRIES for reason in entry.reasons} == set(reason_codes())


def test_everything_that_can_be_wrong_with_a_published_key_is_explained() -> None:
    reasons = set(re.findall(r"``(\w+)``", (JwksError.__doc__ or "").partition(":param retryable")[0]))
    assert len(reasons) > 10
    for reason in reasons:
        assert JwksError("No.", url="https://x.example", reason=reason).topic.startswith("jwks-")
    assert {one for entry in ENTRIES for one in entry.jwks_reasons} == reasons


# --- what the services say

MISSION = {
    "Api validation failed: name. Error Causes: [{'errorSummary': 'name: Security Events Provider name must be "
    "unique'}]": "provider-name-taken",
    "settings.jwksUrl: Is not a valid URL. Valid example: http://www.okta.com": "jwks-url-invalid",
    "Unable to establish connection with Okta platform while 'Fetching Key ID'.": "jwks-unreachable",
    "invalid_key No matching key was found in JWKS uri, kid=": "set-invalid-key",
    "does not exist on Okta.": "group-not-found",
    "Invalid Private Key provided, make sure the Private Key is in PEM format.": "private-key",
    "Invalid Okta Domain provided.": "okta-domain",
    "Authentication failed, check the API Token provided.": "okta-api-token",
}


@pytest.mark.parametrize(("message", "topic"), MISSION.items(), ids=MISSION.values())
def test_every_message_of_the_former_tool_can_be_searched_for(message: str, topic: str) -> None:
    assert [one.topic for one in ENTRIES if any(message in seen for seen in one.seen)] == [topic]
    assert message in page()


OKTA = [
    # status, code, what was said, method, path, topic
    (400, "E0000001", "Api validation failed: login", "POST", "/api/v1/users", "okta-validation"),
    (400, "E0000001", "x; name: Security Events Provider name must be unique", "POST", PROVIDERS, "provider-name-taken"),
    (400, "E0000001", "The provided issuer already exists for this organization.", "POST", PROVIDERS, "provider-issuer-taken"),
    (400, "E0000001", "settings.jwksUrl: Is not a valid URL.", "POST", PROVIDERS, "jwks-url-invalid"),
    (400, "E0000001", "settings.issuer: too long", "PUT", f"{PROVIDERS}/sse1", "provider-invalid"),
    (400, "E0000001", "name: An object with this field already exists in", "POST", "/api/v1/groups", "group-name-taken"),
    (400, "E0000001", "Api validation failed: riskLevel", "PUT", RISK, "okta-risk-level"),
    (400, "E0000001", "Api validation failed: riskReason", "PUT", RISK, "okta-risk-reason"),
    (400, "E0000001", "Api validation failed: since", "GET", "/api/v1/logs", "okta-log-query"),
    (400, "E0000003", "The request body was not well-formed.", "PUT", RISK, "okta-malformed"),
    (400, "E0000018", "", "GET", "/api/v1/users", "okta-malformed"),
    (400, "E0000021", "", "GET", "/api/v1/users", "okta-malformed"),
    (405, "E0000022", "", "DELETE", RISK, "okta-malformed"),
    (411, "", "", "PUT", MEMBER, "okta-malformed"),
    (400, "E0000029", "Invalid paging request.", "GET", "/api/v1/groups", "okta-malformed"),
    (400, "E0000031", "Invalid search criteria.", "GET", "/api/v1/users", "okta-search"),
    (414, "", "", "GET", "/api/v1/users", "okta-search"),
    (400, "E0000053", "Invalid SCIM filter.", "GET", "/api/v1/logs", "okta-log-query"),
    (401, "E0000004", "Authentication failed", "GET", "/api/v1/users", "okta-api-token"),
    (401, "E0000011", "Invalid token provided", "GET", "/api/v1/users", "okta-api-token"),
    (401, "E0000011", "Invalid token provided invalid_token The token has expired.", "GET", "/x", "okta-access-token"),
    (401, "", "", "GET", "/api/v1/users", "okta-api-token"),
    (401, "E0000015", "You do not have permission to access the feature", "GET", "/api/v1/x", "okta-feature"),
    (401, "E0000015", "You do not have permission to access the feature", "GET", RISK, "okta-risk-unavailable"),
    (403, "E0000015", "You do not have permission to access the feature", "PUT", RISK, "okta-risk-unavailable"),
    (401, "E0000015", "", "POST", PROVIDERS, "provider-not-permitted"),
    (403, "E0000005", "Invalid session", "GET", RISK, "okta-session"),
    (403, "E0000006", "You do not have permission", "GET", "/api/v1/users", "okta-not-permitted"),
    (403, "E0000006", "You do not have permission", "PUT", MEMBER, "group-not-writable"),
    (403, "E0000006", "You do not have permission", "GET", RISK, "okta-risk-not-permitted"),
    (403, "E0000006", "You do not have permission", "POST", PROVIDERS, "provider-not-permitted"),
    (403, "E0000006", "no insufficient_scope", "GET", RISK, "okta-scope"),
    (403, "", "", "GET", "/api/v1/users", "okta-not-permitted"),
    (403, "E0000038", "not allowed in the user's current status", "PUT", MEMBER, "user-deprovisioned"),
    (403, "E0000111", "Cannot modify the group object because it is read-only.", "PUT", MEMBER, "group-not-writable"),
    (501, "E0000060", "Unsupported operation.", "PUT", MEMBER, "group-not-writable"),
    (404, "E0000007", "Not found: Resource not found: 00g1 (UserGroup)", "PUT", MEMBER, "group-not-found"),
    (404, "E0000007", "Not found: Resource not found: 00u1 (User)", "PUT", MEMBER, "user-not-in-okta"),
    (404, "E0000007", "Not found: Resource not found: 00u1 (User)", "GET", RISK, "user-not-in-okta"),
    (404, "E0000007", "Not found: sse1", "GET", f"{PROVIDERS}/sse1", "okta-not-found"),
    (404, "E0000008", "The requested path was not found", "GET", "/api/v1/x", "okta-path"),
    (404, "E0000008", "The requested path was not found", "GET", RISK, "okta-risk-unavailable"),
    (404, "", "Resource not found", "GET", "/api/v1/users", "okta-wrong-host"),
    (403, "", "a page for people instead of an answer", "GET", "/api/v1/users", "okta-wrong-host"),
    (429, "E0000047", "API call exceeded rate limit", "GET", "/api/v1/users", "okta-rate-limit"),
    (429, "", "", "GET", "/api/v1/users", "okta-rate-limit"),
    (500, "E0000009", "Internal Server Error", "GET", "/api/v1/users", "okta-timeout"),
    (500, "E0000009", "Internal Server Error", "GET", "/api/v1/groups/00g1/users", "okta-timeout"),
    (500, "E0000009", "Internal Server Error", "PUT", MEMBER, "okta-server-error"),
    (500, "E0000009", "Internal Server Error", "DELETE", MEMBER, "okta-server-error"),
    (500, "E0000009", "Internal Server Error", "PUT", RISK, "okta-server-error"),
    (500, "E0000009", "Internal Server Error", "GET", "/api/v1/users/00u1", "okta-server-error"),
    (500, "E0000009", "Internal Server Error", "POST", "/api/v1/groups", "okta-server-error"),
    (408, "", "", "GET", "/api/v1/users", "okta-server-error"),
    (425, "", "", "GET", "/api/v1/users", "okta-server-error"),
    (503, "E0000010", "Service is in read only mode", "PUT", MEMBER, "okta-maintenance"),
    (500, "", "", "GET", "/api/v1/users", "okta-server-error"),
    (599, "", "", "GET", "/api/v1/users", "okta-server-error"),
    # --- the token endpoint and DPoP
    *[
        (401, "invalid_client", said, "POST", TOKEN, topic)
        for said, topic in {
            "No client credentials found.": "oauth-method",
            "The client_assertion token is expired.": "oauth-clock",
            "The client_assertion signature is invalid.": "oauth-key-unknown",
            "The client_assertion JWT kid is invalid.": "oauth-key-unknown",
            "The client_assertion token has already been used.": "oauth-replayed",
            "The audience claim for client_assertion must be the endpoint invoked for the request.": "oauth-audience",
            "The client_assertion token has an expiration too far into the future.": "oauth-clock",
            "The issuer claim for client_assertion is not a valid client_id.": "oauth-client-unknown",
            "The subject claim for client_assertion is not a valid client_id.": "oauth-client-unknown",
            "The parsing of the client_assertion failed.": "oauth-method",
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt "
            "token_endpoint_auth_method.": "oauth-method",
            "Something new.": "oauth-client-unknown",
        }.items()
    ],
    (400, "invalid_request", "The client_assertion_type is invalid.", "POST", TOKEN, "oauth-method"),
    (400, "invalid_scope", "No scopes were requested.", "POST", TOKEN, "oauth-scope-not-granted"),
    (400, "invalid_scope", "One or more scopes are not configured", "POST", TOKEN, "oauth-scope-not-granted"),
    (400, "consent_required", "You are not allowed any of the", "POST", TOKEN, "oauth-scope-not-granted"),
    (400, "unsupported_grant_type", "The authorization grant type is not", "POST", TOKEN, "oauth-method"),
    (400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.", "POST", TOKEN, "dpop-required"),
    (400, "invalid_dpop_proof", "'htu' claim in the proof is wrong", "POST", TOKEN, "dpop-proof"),
    (400, "invalid_dpop_proof", "'htm' claim in the proof is wrong", "POST", TOKEN, "dpop-proof"),
    (400, "invalid_dpop_proof", "The DPoP proof JWT is issued more than five minutes in the past.", "POST", TOKEN, "oauth-clock"),
    (400, "invalid_dpop_proof", "The DPoP proof JWT has already been used.", "POST", TOKEN, "oauth-replayed"),
    (400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", "POST", TOKEN, "dpop-nonce"),
    (400, "invalid_request", "The resource request must use the DPoP authentication scheme when", "GET", "/api/v1/users", "dpop-required"),
    (400, "invalid_request", "The resource request requires a DPoP proof.", "GET", "/api/v1/users", "dpop-required"),
    # --- security event tokens, RFC 8935 section 2.4
    (400, "invalid_request", "Failed claim validation in security event token. 'x': The field cannot be left blank", "POST", EVENTS, "set-invalid-request"),
    (400, "invalid_request", "'x.initiatingEntity': Not one of the allowed values.", "POST", EVENTS, "set-invalid-request"),
    (400, "invalid_request", "", "POST", EVENTS, "set-invalid-request"),
    (400, "invalid_key", "No matching key was found in JWKS uri, kid=1", "POST", EVENTS, "set-invalid-key"),
    (400, "invalid_issuer", "", "POST", EVENTS, "set-invalid-issuer"),
    (400, "invalid_audience", "", "POST", EVENTS, "set-invalid-audience"),
    (400, "authentication_failed", "Could not verify message signature", "POST", EVENTS, "set-authentication-failed"),
    (400, "authentication_failed", "Invalid payload in security event token, cannot", "POST", EVENTS, "set-payload"),
    (400, "access_denied", "", "POST", EVENTS, "set-access-denied"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "said", "method", "path", "topic"), OKTA)
def test_every_refusal_that_okta_documents_for_our_calls_finds_its_own_entry(
    status: int, code: str, said: str, method: str, path: str, topic: str
) -> None:
    assert topic_of(status=status, code=code, said=said, method=method, path=path) == topic
    assert code in page()


@pytest.mark.parametrize(
    ("status", "topic"),
    [
        (200, "netskope-server-error"),
        (400, "netskope-invalid"),
        (401, "netskope-token"),
        (403, "netskope-not-permitted"),
        (404, "netskope-wrong-host"),
        (409, "netskope-conflict"),
        (413, "netskope-invalid"),
        (429, "netskope-rate-limit"),
        (500, "netskope-server-error"),
        (501, "netskope-server-error"),
        (503, "netskope-server-error"),
    ],
)
def test_every_status_of_netskope_finds_its_own_entry(status: int, topic: str) -> None:
    assert topic_of("Netskope", status=status) == topic


def test_the_more_specific_entry_wins() -> None:
    said = "You do not have permission"
    assert topic_of(status=403) == "okta-not-permitted"
    assert topic_of(status=403, code="E0000006", said=said) == "okta-not-permitted"
    assert (
        topic_of(status=403, code="E0000006", said=said, method="GET", path=RISK) == "okta-risk-not-permitted"
    )
    assert (
        topic_of(status=403, code="E0000006", said="Insufficient_Scope", method="GET", path=RISK)
        == "okta-scope"
    )


def test_what_nobody_has_heard_of_is_explained_in_general() -> None:
    assert topic_of(status=418) == topic_of(status=501) == "okta-refused"
    assert topic_of("Netskope", status=418) == "netskope-invalid"
    assert topic_of(status=400, code="E9999999") == "okta-validation"
    assert topic_of("Somebody", status=401) == ""


@pytest.mark.parametrize(
    "path", ["/api/v1/users/00u1/risk/more", "/api/v1/users/a/b/risk", "x/api/v1/users/1/risk"]
)
def test_a_path_is_compared_as_a_whole(path: str) -> None:
    assert topic_of(status=403, code="E0000006", path=path) == "okta-not-permitted"
