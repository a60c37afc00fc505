# SPDX-License-Identifier: Apache-2.0
"""How the services' refusals become errors with a remedy, and answers become data."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.answers import (
    Refusal,
    Reply,
    clean_text,
    decoded_object,
    is_html,
    outline,
)
from airflow_provider_okta_ure.clients.auth import SswsAuth
from airflow_provider_okta_ure.clients.calls import Call
from airflow_provider_okta_ure.clients.dialects import retry_after, server_time
from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    UnexpectedAnswerError,
)
from tests.unit.http_script import TOKEN, Clock, Said, Script, Step, client, limits, refused

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.dialects import Dialect

HTML = b"<!DOCTYPE html><html><title>Sign in</title></html>"


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


def _error(
    play: Any, said: Said, *, method: str = "GET", path: str = "/api/v1/org", dialect: Dialect | None = None
) -> ApiError:
    play(*[said] * 5)
    with pytest.raises(ApiError) as caught:
        client(Clock(), dialect=dialect or OktaDialect()).call(method, path, bucket="b")
    return caught.value


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Wed, 01 Jan 1969 00:00:00 GMT",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 23 Nov 2026 03:00:00 +99999999999999999999",
        "Mon, ",
        "\xff",
        "",
    ],
)
def test_a_date_that_no_clock_shows_is_none(date: str) -> None:
    assert server_time({"Date": date}) is None
    assert retry_after({"Retry-After": date, "Date": formatdate(1_700_000_000, usegmt=True)}) is None


OKTA = [
    pytest.param(
        401,
        refused("E0000011", "Invalid token provided"),
        AuthenticationError,
        "E0000011",
        "30 days",
        id="token",
    ),
    pytest.param(
        401,
        refused("E0000015", "You do not have permission to access the feature you are requesting"),
        PermissionDeniedError,
        "E0000015",
        "Identity Threat Protection",
        id="feature-not-bought",
    ),
    pytest.param(
        403,
        refused("E0000006", "You do not have permission"),
        PermissionDeniedError,
        "E0000006",
        "admin role",
        id="role",
    ),
    pytest.param(
        403,
        refused("E0000038", "This operation is not allowed in the user's current status."),
        PermissionDeniedError,
        "E0000038",
        "deactivated",
        id="status",
    ),
    pytest.param(
        501,
        refused("E0000060", "Unsupported operation."),
        PermissionDeniedError,
        "E0000060",
        "OKTA_GROUP",
        id="read-only-group-before-2026",
    ),
    pytest.param(
        404,
        refused("E0000007", "Not found: Resource not found: x (User)"),
        NotFoundError,
        "E0000007",
        "",
        id="not-found",
    ),
    pytest.param(
        404,
        {"status": 404, "message": "Resource not found"},
        NotFoundError,
        "",
        "Okta org itself",
        id="edge-without-code",
    ),
    pytest.param(404, HTML, NotFoundError, "", "Okta org itself", id="page-for-people"),
    pytest.param(
        400,
        {"err": "invalid_key", "description": "no kid"},
        InvalidRequestError,
        "invalid_key",
        "public key",
        id="rfc-8935",
    ),
    pytest.param(
        400,
        {"err": "invalid_audience"},
        InvalidRequestError,
        "invalid_audience",
        "org's own URL",
        id="rfc-8935-blank",
    ),
    pytest.param(
        400,
        {"error": "invalid_client", "error_description": "No client credentials found."},
        InvalidRequestError,
        "invalid_client",
        "",
        id="oauth",
    ),
    pytest.param(401, b"", AuthenticationError, "", "API token", id="blank-401"),
    pytest.param(400, b"", InvalidRequestError, "", "", id="blank-400"),
    pytest.param(400, b"[1]", InvalidRequestError, "", "", id="not-an-object"),
    pytest.param(
        418, refused("E0000001", "x"), InvalidRequestError, "E0000001", "", id="status-never-heard-of"
    ),
    pytest.param(
        500, refused("E0000009", "Internal Server Error"), ServerError, "E0000009", "later", id="server"
    ),
    pytest.param(504, b"", ServerError, "", "later", id="blank-504"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code", "remedy"), OKTA)
def test_every_shape_of_okta_refusal_becomes_one_error(
    play: Any, status: int, body: Any, kind: type[ApiError], code: str, remedy: str
) -> None:
    error = _error(play, Said(status, body, [("X-Okta-Request-Id", "req7")]))
    assert type(error) is kind
    assert (error.status, error.code, error.request_id, error.service) == (status, code, "req7", "Okta")
    assert remedy in error.remedy
    assert "req7" in str(error)


@pytest.mark.parametrize(
    ("summary", "resource"),
    [
        ("Not found: Resource not found: 00u1 (User)", "User"),
        ("Not found: Resource not found: 00g1 (UserGroup)", "UserGroup"),
        ("Not found", ""),
    ],
)
def test_a_404_says_whether_the_user_or_the_group_is_missing(play: Any, summary: str, resource: str) -> None:
    error = _error(
        play, Said(404, refused("E0000007", summary)), method="PUT", path="/api/v1/groups/00g1/users/00u1"
    )
    assert isinstance(error, NotFoundError)
    assert error.resource == resource


def test_a_refused_membership_write_names_the_kinds_of_groups_that_cannot_be_written(play: Any) -> None:
    said = Said(403, refused("E0000006", "You do not have permission to perform the requested action"))
    error = _error(play, said, method="PUT", path="/api/v1/groups/00g1/users/00u1")
    assert isinstance(error, PermissionDeniedError)
    assert "OKTA_GROUP" in error.remedy


def test_the_causes_are_part_of_what_okta_said(play: Any) -> None:
    body = {
        **refused("E0000001", "Api validation failed: name"),
        "errorCauses": [{"errorSummary": "name: already exists"}, 3, {}],
    }
    assert _error(play, Said(400, body)).summary == "Api validation failed: name; name: already exists"


def test_only_causes_and_no_summary_is_not_a_blank_error(play: Any) -> None:
    body = {"errorCode": "E0000001", "errorCauses": [{"errorSummary": "issuer must be unique"}]}
    assert "issuer must be unique" in str(_error(play, Said(400, body)))


@pytest.mark.parametrize("causes", [None, "text", {"errorSummary": "x"}, 7])
def test_causes_of_another_form_do_no_harm(play: Any, causes: Any) -> None:
    body = {"errorCode": "E0000001", "errorSummary": "no", "errorCauses": causes}
    assert _error(play, Said(400, body)).summary == "no"


def test_a_missing_scope_is_named(play: Any) -> None:
    header = 'Bearer realm="x", scope="okta.groups.read", error="insufficient_scope"'
    error = _error(play, Said(403, refused("E0000006", "no"), [("WWW-Authenticate", header)]))
    assert "okta.groups.read" in error.remedy


@pytest.mark.parametrize("limit", [0, 50])
def test_the_two_kinds_of_429_are_told_apart_in_words(play: Any, limit: int) -> None:
    error = _error(play, Said(429, refused(), limits(limit, 0, 20)))
    assert isinstance(error, RateLimitedError)
    assert ("same time" in str(error)) is (limit == 0)
    assert error.retry_after == (0 if limit == 0 else 21)


NETSKOPE = [
    pytest.param(
        401, {"message": "Unauthorized"}, AuthenticationError, "Unauthorized", "token rotation", id="token"
    ),
    pytest.param(
        403,
        {"status": {"message": "no privilege"}},
        PermissionDeniedError,
        "no privilege",
        "read and write",
        id="privilege",
    ),
    pytest.param(403, b"", PermissionDeniedError, "", "role", id="blank"),
    pytest.param(400, {"error": "bad body"}, InvalidRequestError, "bad body", "", id="error-text"),
    pytest.param(400, {"error": {"message": "deep"}}, InvalidRequestError, "deep", "", id="error-object"),
    pytest.param(
        400, {"errors": ["one", {"message": "two"}]}, InvalidRequestError, "one; two", "", id="error-list"
    ),
    pytest.param(409, {"message": "conflict"}, InvalidRequestError, "conflict", "same time", id="conflict"),
    pytest.param(413, b"", InvalidRequestError, "", "", id="too-large"),
    pytest.param(404, HTML, NotFoundError, "a page for people", "tenant itself", id="page-for-people"),
    pytest.param(
        429,
        {"message": "API rate limit exceeded"},
        RateLimitedError,
        "API rate limit exceeded",
        "",
        id="limit",
    ),
    pytest.param(500, {"message": "oops"}, ServerError, "oops", "later", id="server"),
    pytest.param(
        200, {"status": "error", "message": "broken"}, ServerError, "broken", "", id="success-that-is-none"
    ),
    pytest.param(
        200,
        {"status": "Error", "error": {"message": "deep"}},
        ServerError,
        "deep",
        "",
        id="success-that-is-none-2",
    ),
    pytest.param(200, {"status": 400, "message": "bad"}, ServerError, "bad", "", id="another-status"),
    pytest.param(200, {"ok": 0, "errors": ["x"]}, ServerError, "x", "", id="ok-is-0"),
]


@pytest.mark.parametrize(("status", "body", "kind", "summary", "remedy"), NETSKOPE)
def test_every_shape_of_netskope_refusal_becomes_one_error(
    play: Any, status: int, body: Any, kind: type[ApiError], summary: str, remedy: str
) -> None:
    error = _error(play, Said(status, body, [("X-Request-Id", "n7")]), dialect=NetskopeDialect())
    assert type(error) is kind
    assert (error.status, error.request_id, error.service) == (status, "n7", "Netskope")
    assert summary in error.summary
    assert remedy in error.remedy


@pytest.mark.parametrize(
    "body",
    [
        {"status": "success"},
        {"status": 200},
        {"status": 399},
        {"status": {"state": "done"}},
        {"ok": 1},
        {"error": None},
    ],
)
def test_a_netskope_success_is_not_taken_for_a_refusal(play: Any, body: Any) -> None:
    play(Said(200, body))
    reply = client(dialect=NetskopeDialect()).call(
        "POST", "/api/v2/x", bucket="b", json={}, expect=dict[str, Any]
    )
    assert reply.body == body


# --- what a service says is not trusted


def test_what_a_service_says_is_one_short_line_without_the_token(play: Any) -> None:
    summary = f"a\r\nFAKE LOG LINE\x1b[31m {TOKEN} \u202eevil" + "x" * 1000
    error = _error(play, Said(400, refused("E0000001\n", summary), [("X-Okta-Request-Id", "a\tb")]))
    text = str(error)
    assert TOKEN not in text
    assert all(character.isprintable() for character in text)
    assert len(error.summary) <= 300


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIcanary+canary/canary==\n-----END PRIVATE KEY-----"
HOSTILE = {
    "token": f"no such token: {TOKEN}",
    "token-in-its-header": f"Authorization: SSWS {TOKEN}x was refused",
    "token-of-somebody-else": "Authorization: SSWS 00canaryCANARYcanary was refused",
    "access-token": f"Bearer {JWT} has expired",
    "opaque-access-token": "Bearer canary0123456789abcdef has expired",
    "assertion": f"cannot parse {JWT}",
    "half-an-assertion": f"cannot parse {JWT[:40]}",
    "key": f"this is a private key: {PEM}",
    "cut-off-key": f"this is a private key: {PEM[:50]}",
    "page": f"<html><head><title>canary</title></head><body>{'x' * 5000}</body></html>",
    "script": "Sorry <script>canary()</script>",
    "control-characters": "a\x00b\x1b[2Jc\r\n2026-11-23 INFO fake line\u2028\u202e\u200b",
    "huge": "x" * 100_000,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    ("dialect", "shape"),
    [
        (OktaDialect(), lambda text: refused("E0000001", text)),
        (OktaDialect(), lambda text: {"errorCode": text, "errorSummary": text, "errorId": text}),
        (OktaDialect(), lambda text: {"errorCode": "E1", "errorCauses": [{"errorSummary": text}] * 5}),
        (OktaDialect(), lambda text: {"err": text, "description": text}),
        (OktaDialect(), lambda text: {"error": text, "error_description": text}),
        (OktaDialect(), lambda text: {"message": text}),
        (OktaDialect(), lambda text: text.encode()),
        (NetskopeDialect(), lambda text: {"message": text}),
        (NetskopeDialect(), lambda text: {"errors": [text] * 5}),
        (NetskopeDialect(), lambda text: {"status": {"message": text}}),
        (NetskopeDialect(), lambda text: text.encode()),
    ],
)
def test_whatever_a_service_answers_people_read_one_short_line_without_secrets(
    hostile: str, dialect: Dialect, shape: Any
) -> None:
    shaped = shape(hostile)
    content = shaped if isinstance(shaped, bytes) else json.dumps(shaped).encode()
    headers = {
        "X-Okta-Request-Id": hostile,
        "X-Request-Id": hostile,
        "WWW-Authenticate": f'Bearer scope="{hostile}", error_description="{hostile}"',
    }
    said, page = decoded_object(content), is_html("", content)
    for status in (400, 401, 403, 404, 409, 429, 501, 503):
        error = dialect.error(Refusal("GET", "/api/v1/org", status, headers, said, page, (TOKEN,)))
        for text in (str(error), repr(error), error.summary, error.code, error.request_id, error.remedy):
            assert TOKEN not in text
            assert "canary" not in text.lower()
            assert text.isprintable()
            assert not any(tag in text for tag in ("<html", "<script", "<body"))
            assert len(text) < 2500
        assert str(error).endswith(f"More: `airflow okta-ure explain {error.topic}`")


def test_what_only_looks_like_a_secret_is_still_said() -> None:
    for text in (
        "Bearer token is missing",
        "a < b and b > c",
        "kid=8s4cciA4UPIN7aVyTwVEhE9JTUSL87XALbCY9SUKvws",
    ):
        assert clean_text(text) == text


@pytest.mark.parametrize(
    ("dialect", "status", "headers", "seconds"),
    [
        (OktaDialect(), 429, limits(50, 0, 20), 21),
        (OktaDialect(), 429, [("Retry-After", "17")], 17),
        (OktaDialect(), 503, [("Retry-After", "17")], 17),
        (OktaDialect(), 503, [("Retry-After", formatdate(100, usegmt=True)), ("Date", formatdate(58, usegmt=True))], 42),
        (OktaDialect(), 503, [("Retry-After", formatdate(58, usegmt=True)), ("Date", formatdate(100, usegmt=True))], 0),
        (OktaDialect(), 503, [("Retry-After", formatdate(100, usegmt=True))], None),
        (OktaDialect(), 503, [("Retry-After", "soon")], None),
        (OktaDialect(), 503, [], None),
        (OktaDialect(), 400, [], None),
        (NetskopeDialect(), 429, [("Retry-After", "17")], 17),
        (NetskopeDialect(), 429, [("RateLimit-Reset", "3")], 3),
        (NetskopeDialect(), 503, [("Retry-After", "17")], 17),
        (NetskopeDialect(), 503, [], None),
    ],
)  # fmt: skip
def test_an_error_knows_the_time_that_the_service_gave(
    play: Any, dialect: Dialect, status: int, headers: Any, seconds: float | None
) -> None:
    assert _error(play, Said(status, b"", headers), dialect=dialect).retry_after == seconds


@pytest.mark.parametrize("code", [None, 7, ["x"]])
def test_a_code_that_is_no_text_does_no_harm(play: Any, code: Any) -> None:
    assert _error(play, Said(400, {"errorCode": code, "errorSummary": 9})).code == ""


def test_cleaning_leaves_people_readable() -> None:
    assert clean_text(" Müller\tß  x ") == "Müller ß x"
    assert clean_text(None) == ""


@pytest.mark.parametrize("expect", [None, list[Any]])
@pytest.mark.parametrize("content_type", ["text/html;charset=utf-8", "application/json"])
def test_a_login_page_instead_of_an_answer_is_never_success(
    play: Any, content_type: str, expect: Any
) -> None:
    play(Said(200, HTML, [("Content-Type", content_type)]))
    with pytest.raises(UnexpectedAnswerError, match="page for people"):
        client().call("PUT", "/api/v1/groups/a/users/b", bucket="b", expect=expect)


def test_an_object_where_a_list_belongs_is_not_read_as_a_list(play: Any) -> None:
    play(Said(200, {"unexpected": "object"}))
    with pytest.raises(UnexpectedAnswerError, match="another form"):
        list(client().pages("/api/v1/groups", bucket="b", expect=list[dict[str, Any]]))


class _Person(msgspec.Struct):
    name: str


def test_an_answer_of_another_form_is_named_by_place_and_not_by_value(play: Any) -> None:
    play(Said(200, [{"name": ["secret value"]}, {"name": 7}]))
    with pytest.raises(UnexpectedAnswerError, match=r"\$\[0\]\.name|\$\[\.\.\.\]\.name") as caught:
        client().call("GET", "/api/v1/x", bucket="b", expect=list[_Person])
    assert "secret value" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_counts_only_with_a_status_that_the_call_names(play: Any, status: int) -> None:
    play(*[Said(status, b"", [("X-Okta-Request-Id", "r")])] * 2)
    answer = client().call("PUT", "/api/v1/x", bucket="b", accepts=(status,)).answer
    assert (answer.status, answer.request_id) == (status, "r")
    with pytest.raises(UnexpectedAnswerError, match=f"HTTP {status} came") as caught:
        client().call("PUT", "/api/v1/x", bucket="b", accepts=(299,))
    assert caught.value.topic == "proxy-answered"


def test_a_429_without_headers_names_no_time(play: Any) -> None:
    for dialect in (NetskopeDialect(), OktaDialect()):
        error = _error(play, Said(429, b""), dialect=dialect)
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 0


def test_what_is_kept_of_a_request_or_answer_shows_nothing_of_its_content() -> None:
    call = Call(
        method="GET",
        url=f"https://acme.okta.com/{TOKEN}",
        bucket="b",
        repeatable=True,
        expect=None,
        params={"search": TOKEN},
        body=TOKEN.encode(),
        headers={"x": TOKEN},
        auth=SswsAuth(TOKEN),
        secrets=(TOKEN,),
    )
    reply = Reply(status=200, request_id="r", url=TOKEN, headers={"x": TOKEN}, body=TOKEN)
    refusal = Refusal("GET", "/x", 400, {"x": TOKEN}, {"x": TOKEN}, is_html=False, secrets=(TOKEN,))
    assert TOKEN not in f"{call!r} {reply!r} {refusal!r}"


@pytest.mark.parametrize(
    ("body", "outlined"),
    [
        (b'{"status": 500, "ok": 0, "message": "no"}', {"status": 500, "ok": 0, "message": "no"}),
        (
            b' {"status": {"code": 500}, "users": [{"a": 1}], "x": null}',
            {"status": None, "users": None, "x": None},
        ),
        (b'{"errorCode": "E1", "errorCauses": []}', {"errorCode": "E1", "errorCauses": None}),
        (b"[1]", {}),
        (b"", {}),
        (b'{"status": 500', {}),
        (b'{"a":' + b"[" * 100_000, {}),
        (b'{"status": "\xff"}', {}),
    ],
)
def test_the_outline_of_a_body_has_what_is_not_in_lists_and_objects(body: bytes, outlined: Any) -> None:
    assert outline(body) == outlined
