# SPDX-License-Identifier: Apache-2.0
"""What is repeated, how long is waited before, and when it is given up."""

from __future__ import annotations

import contextlib
import ssl
from email.utils import formatdate
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError
from urllib3.exceptions import ProxyError as UrllibProxyError
from urllib3.exceptions import SSLError as UrllibSslError

from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.errors import (
    ApiError,
    ConfigurationError,
    InvalidRequestError,
    OktaUreError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnexpectedAnswerError,
)
from tests.unit.http_script import SERVER_NOW, Clock, Said, Script, Step, client, limits, refused

TOO_MANY = refused()


@pytest.fixture
def clock() -> Clock:
    return Clock()


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


def _refused_connection() -> requests.ConnectionError:
    reason = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    return requests.ConnectionError(MaxRetryError(None, "/", reason))  # type: ignore[arg-type]


def _unknown_name() -> requests.ConnectionError:
    import socket

    reason = NameResolutionError("acme.okta.com", None, socket.gaierror("no"))  # type: ignore[arg-type]
    return requests.ConnectionError(MaxRetryError(None, "/", reason))  # type: ignore[arg-type]


def _unreachable_proxy() -> requests.exceptions.ProxyError:
    reason = UrllibProxyError("no", NewConnectionError(None, "refused"))  # type: ignore[arg-type]
    return requests.exceptions.ProxyError(MaxRetryError(None, "/", reason))  # type: ignore[arg-type]


def _untrusted() -> requests.exceptions.SSLError:
    verification = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    reason = UrllibSslError(verification)
    return requests.exceptions.SSLError(MaxRetryError(None, "/", reason))  # type: ignore[arg-type]


def _cut() -> requests.ConnectionError:
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))


NOT_SENT = [
    pytest.param(_refused_connection, id="refused"),
    pytest.param(_unknown_name, id="name-not-known"),
    pytest.param(_unreachable_proxy, id="proxy-not-reachable"),
    pytest.param(lambda: requests.exceptions.ConnectTimeout("slow"), id="connect-timeout"),
]
PERHAPS_SENT = [
    pytest.param(_cut, id="reset"),
    pytest.param(lambda: requests.exceptions.ReadTimeout("slow"), id="read-timeout"),
    pytest.param(lambda: requests.exceptions.ChunkedEncodingError("cut"), id="cut-off"),
    pytest.param(lambda: requests.exceptions.SSLError("EOF occurred"), id="tls-cut"),
]


# --- the two kinds of 429, and waiting by the server's clock


def test_a_full_minute_is_waited_out_by_the_servers_own_clock(play: Any, clock: Clock) -> None:
    play(Said(429, TOO_MANY, limits(50, 0, reset_in=20)), Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [21]


@pytest.mark.parametrize("reset_in", [-1, -2, -3600])
def test_a_reset_in_the_past_gives_a_short_wait_and_never_a_negative_one(
    play: Any, clock: Clock, reset_in: int
) -> None:
    play(Said(429, TOO_MANY, limits(50, 0, reset_in=reset_in)), Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [1.0]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no-headers"),
        pytest.param(limits(50, 0, 20, date=False), id="no-date"),
        pytest.param([*limits(50, 0, 20, date=False), ("Date", "yesterday")], id="bad-date"),
        pytest.param([("X-Rate-Limit-Reset", "soon"), *limits(50, 0, 0)[3:]], id="bad-reset"),
    ],
)
def test_a_429_without_usable_headers_backs_off_by_doubling(play: Any, clock: Clock, headers: Any) -> None:
    play(*[Said(429, TOO_MANY, headers)] * 3, Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [1.0, 2.0, 4.0]


def test_a_reset_in_this_very_second_waits_one(play: Any, clock: Clock) -> None:
    play(Said(429, TOO_MANY, limits(50, 0, reset_in=0)), Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [1]


def test_a_wait_that_is_just_allowed_is_waited(play: Any, clock: Clock) -> None:
    play(Said(429, TOO_MANY, limits(50, 0, reset_in=59)), Said())
    policy = RetryPolicy(attempts=2, longest_wait=60, total_wait=60)
    client(clock, retry=policy).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [60]


def test_one_attempt_means_one(play: Any, clock: Clock) -> None:
    script = play(Said(503))
    with pytest.raises(ServerError):
        client(clock, retry=RetryPolicy(attempts=1)).call("GET", "/api/v1/org", bucket="b")
    assert (len(script.sent), clock.waits) == (1, [])


def test_too_many_requests_at_once_wait_shortly_and_never_for_the_reset(play: Any, clock: Clock) -> None:
    play(*[Said(429, TOO_MANY, limits(0, 0, reset_in=3600))] * 2, Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [1.0, 2.0]


def test_a_wait_longer_than_allowed_is_not_begun(play: Any, clock: Clock) -> None:
    script = play(Said(429, TOO_MANY, limits(50, 0, reset_in=600)))
    with pytest.raises(RateLimitedError) as caught:
        client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert (caught.value.retry_after, clock.waits, len(script.sent)) == (601, [], 1)
    assert caught.value.retryable


def test_all_waits_of_a_call_together_have_a_limit(play: Any, clock: Clock) -> None:
    play(*[Said(429, TOO_MANY, limits(50, 0, reset_in=59))] * 9)
    policy = RetryPolicy(attempts=9, total_wait=150)
    with pytest.raises(RateLimitedError):
        client(clock, retry=policy).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [60, 60]


def test_attempts_have_a_limit(play: Any, clock: Clock) -> None:
    script = play(*[Said(503)] * 5)
    with pytest.raises(ServerError):
        client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert len(script.sent) == 5
    assert clock.waits == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param([("Retry-After", "7"), ("RateLimit-Reset", "3")], 7, id="retry-after-first"),
        pytest.param([("RateLimit-Reset", "3")], 3, id="then-reset-in-seconds"),
        pytest.param([], 1, id="then-back-off"),
        pytest.param([("Retry-After", "0"), ("RateLimit-Reset", "0")], 1, id="nought-says-nothing"),
        pytest.param([("Retry-After", "-5")], 1, id="negative-is-ignored"),
    ],
)
def test_netskope_says_how_many_seconds_to_wait(play: Any, clock: Clock, headers: Any, wait: float) -> None:
    play(Said(429, {"message": "API rate limit exceeded"}, headers), Said())
    client(clock, dialect=NetskopeDialect()).call("GET", "/api/v2/scim/Users", bucket="b")
    assert clock.waits == [wait]


def test_maintenance_may_name_its_end(play: Any, clock: Clock) -> None:
    play(Said(503, {}, [("Retry-After", "30")]), Said())
    client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert clock.waits == [30]


def test_back_off_takes_up_to_half_away_so_that_clients_do_not_march_in_step() -> None:
    policy = RetryPolicy(first_wait=4, longest_wait=20)
    assert [policy.back_off(attempt, 0.0) for attempt in (1, 2, 3, 9000)] == [2, 4, 8, 10]
    assert [policy.back_off(attempt, 1.0) for attempt in (1, 2, 3, 9000)] == [4, 8, 16, 20]


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"first_wait": -1}, {"longest_wait": -1}, {"total_wait": -1}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RetryPolicy(**wrong)


# --- which statuses are repeated, and for which requests


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_busy_service_is_asked_again_whatever_the_request(
    play: Any, clock: Clock, method: str, status: int
) -> None:
    script = play(Said(status), Said())
    client(clock).call(method, "/api/v1/groups", bucket="/api/v1/groups")
    assert len(script.sent) == 2


@pytest.mark.parametrize(
    ("method", "repeatable", "times"),
    [
        ("GET", None, 2),
        ("PUT", None, 2),
        ("DELETE", None, 2),
        ("POST", None, 1),
        ("POST", True, 2),
        ("PUT", False, 1),
    ],
)
def test_a_failure_inside_the_service_is_repeated_only_where_that_is_safe(
    play: Any, clock: Clock, method: str, repeatable: bool | None, times: int
) -> None:
    script = play(Said(500, refused("E0000009", "Internal Server Error")), Said())
    with contextlib.suppress(ServerError):
        client(clock).call(method, "/api/v1/groups", bucket="/api/v1/groups", repeatable=repeatable)
    assert len(script.sent) == times


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 411, 414, 501])
def test_a_refusal_for_good_is_not_repeated(play: Any, clock: Clock, status: int) -> None:
    script = play(Said(status, refused("E0000001", "no")))
    with pytest.raises(ApiError) as caught:
        client(clock).call("GET", "/api/v1/org", bucket="/api/v1")
    assert (len(script.sent), caught.value.status, caught.value.retryable) == (1, status, False)


# --- no answer


@pytest.mark.parametrize("error", NOT_SENT)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_certainly_did_not_arrive_is_sent_again(
    play: Any, clock: Clock, method: str, error: Any
) -> None:
    script = play(error(), Said())
    client(clock).call(method, "/api/v1/groups", bucket="/api/v1/groups")
    assert len(script.sent) == 2


@pytest.mark.parametrize("error", PERHAPS_SENT)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_after_a_lost_answer_what_is_safe_is_sent_again(
    play: Any, clock: Clock, method: str, error: Any
) -> None:
    script = play(error(), Said())
    client(clock).call(method, "/api/v1/groups", bucket="/api/v1/groups")
    assert len(script.sent) == 2


@pytest.mark.parametrize("error", PERHAPS_SENT)
def test_after_a_lost_answer_a_post_is_not_sent_blindly_again(play: Any, clock: Clock, error: Any) -> None:
    script = play(error())
    with pytest.raises(TransportError) as caught:
        client(clock).call("POST", "/api/v1/groups", bucket="/api/v1/groups", json={})
    assert (len(script.sent), caught.value.sent, caught.value.retryable) == (1, True, True)


@pytest.mark.parametrize("error", PERHAPS_SENT)
def test_after_a_lost_answer_a_post_that_may_be_repeated_is_sent_again_byte_for_byte(
    play: Any, clock: Clock, error: Any
) -> None:
    script = play(error(), Said())
    client(clock).call("POST", "/x", bucket="b", body=b"eyJ.eyJ.sig", repeatable=True)
    assert [request.body for request in script.sent] == [b"eyJ.eyJ.sig"] * 2


@pytest.mark.parametrize("body", [b"", b'[{"id": "00u1', b"\xff\xfe", b"[] trailing"])
def test_a_body_that_is_cut_off_counts_as_no_answer(play: Any, clock: Clock, body: bytes) -> None:
    script = play(Said(200, body), Said(200, [{"id": "1"}]))
    reply = client(clock).call("GET", "/api/v1/users", bucket="b", expect=list[dict[str, Any]])
    assert (reply.body, len(script.sent)) == ([{"id": "1"}], 2)


def test_a_cut_off_answer_to_a_post_may_have_had_its_effect(play: Any, clock: Clock) -> None:
    script = play(Said(200, b'{"id": '))
    with pytest.raises(TransportError) as caught:
        client(clock).call("POST", "/api/v1/groups", bucket="b", json={}, expect=dict[str, Any])
    assert (caught.value.sent, len(script.sent)) == (True, 1)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(_refused_connection, "refused the connection", id="refused"),
        pytest.param(_unknown_name, "not known", id="name-not-known"),
        pytest.param(_unreachable_proxy, "proxy", id="proxy"),
        pytest.param(
            lambda: requests.exceptions.ReadTimeout("x"), "did not answer in time", id="read-timeout"
        ),
        pytest.param(lambda: requests.exceptions.ContentDecodingError("x"), "garbled", id="garbled"),
    ],
)
def test_no_answer_is_explained_in_words_without_the_url(
    play: Any, clock: Clock, error: Any, says: str
) -> None:
    play(*[error() for _ in range(5)])
    with pytest.raises(TransportError, match=says) as caught:
        client(clock).call("GET", "/api/v1/users", bucket="b", params={"search": "ann@corp.example"})
    assert "ann@" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(
            requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
            "not trusted",
            id="certificate",
        ),
        pytest.param(_untrusted(), "not trusted", id="certificate-as-urllib3-says-it"),
        pytest.param(
            OSError("Could not find a suitable TLS CA certificate bundle"), "ca_bundle", id="ca-bundle"
        ),
        pytest.param(requests.exceptions.InvalidProxyURL("x"), "proxy", id="proxy-url"),
        pytest.param(
            requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."), "proxy", id="socks"
        ),
    ],
)
def test_what_trying_again_cannot_mend_is_a_matter_of_configuration(
    play: Any, clock: Clock, error: Exception, says: str
) -> None:
    script = play(error)
    with pytest.raises(ConfigurationError, match=says):
        client(clock).call("GET", "/api/v1/org", bucket="b")
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    "proxy",
    [
        "http://[bad",
        "proxy.example:99999",
        "http://proxy.example:abc",
        "http://proxy..example:3128",
        "http://a b:1",
        "http://",
        "ftp://proxy.example:21",
        "http://user:pass#word@proxy.example:3128",
    ],
)
def test_a_proxy_url_that_makes_no_sense_is_not_blamed_on_the_network(clock: Clock, proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy URL") as caught:
        client(clock, proxy=proxy).call("GET", "/api/v1/org", bucket="b")
    assert caught.value.topic == "proxy-trouble"
    assert "pass" not in str(caught.value)
    assert clock.waits == []


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), ValueError("Invalid IPv6 URL")]
)
def test_headers_that_nobody_can_read_are_an_error_of_ours(play: Any, clock: Clock, error: Exception) -> None:
    play(error)
    with pytest.raises(UnexpectedAnswerError, match="headers"):
        client(clock).call("GET", "/api/v1/org", bucket="b")


@pytest.mark.parametrize(
    "header",
    [("Location", "http://[::1"), ("Location", "http://[x]/"), ("Link", '<http://[x]/>; rel="next"')],
)
def test_an_address_that_makes_no_sense_is_an_error_of_ours(
    play: Any, clock: Clock, header: tuple[str, str]
) -> None:
    play(Said(302 if header[0] == "Location" else 200, [], [header]))
    with pytest.raises(UnexpectedAnswerError):
        list(client(clock).pages("/api/v1/users", bucket="b", expect=list[dict[str, Any]]))


# --- what a repeated request looks like


def test_okta_hears_which_request_is_repeated_and_how_often(play: Any, clock: Clock) -> None:
    first = [("X-Okta-Request-Id", "first")]
    script = play(Said(503, {}, first), Said(503, {}, [("X-Okta-Request-Id", "second")]), Said())
    client(clock).call("GET", "/api/v1/org", bucket="b")
    told = [
        (sent.headers.get("X-Okta-Retry-For"), sent.headers.get("X-Okta-Retry-Count")) for sent in script.sent
    ]
    assert told == [(None, None), ("first", "1"), ("first", "2")]


def test_a_repetition_after_no_answer_names_no_request(play: Any, clock: Clock) -> None:
    script = play(_cut(), Said())
    client(clock).call("GET", "/api/v1/org", bucket="b")
    assert "X-Okta-Retry-For" not in script.sent[1].headers


def test_every_attempt_is_prepared_anew(play: Any, clock: Clock) -> None:
    script = play(Said(503), Said())
    client(clock).call("GET", "/api/v1/org", bucket="b")
    assert script.sent[0] is not script.sent[1]


def test_the_error_of_the_last_attempt_is_the_one_that_is_raised(play: Any, clock: Clock) -> None:
    play(_cut(), Said(400, refused("E0000001", "Api validation failed: name")))
    with pytest.raises(InvalidRequestError) as caught:
        client(clock).call("GET", "/api/v1/org", bucket="b")
    assert isinstance(caught.value, OktaUreError)


# --- what gateways do with headers


def _moment(seconds: int) -> str:
    return formatdate(SERVER_NOW + seconds, usegmt=True)


@pytest.mark.parametrize("dialect", [OktaDialect(), NetskopeDialect()], ids=["okta", "netskope"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(["40"], id="seconds"),
        pytest.param(["40", "40"], id="twice"),
        pytest.param(["40, 40"], id="twice-in-one"),
        pytest.param(["7", "40"], id="the-longer-one"),
        pytest.param([_moment(40)], id="moment"),
        pytest.param([_moment(40), _moment(40)], id="moment-twice"),
    ],
)
def test_retry_after_alone_is_obeyed(
    play: Any, clock: Clock, dialect: Any, status: int, asked: list[str]
) -> None:
    headers = [("Date", _moment(0)), *(("Retry-After", one) for one in asked)]
    play(Said(status, b"", headers), Said())
    client(clock, dialect=dialect).call("POST", "/x", bucket="b")
    assert clock.waits == [40]


def test_a_retry_after_longer_than_allowed_is_an_error_that_names_it(play: Any, clock: Clock) -> None:
    script = play(Said(429, b"", [("Retry-After", "3600")]))
    with pytest.raises(RateLimitedError) as caught:
        client(clock).call("GET", "/x", bucket="b")
    assert (caught.value.retry_after, clock.waits, len(script.sent)) == (3600, [], 1)


@pytest.mark.parametrize("apart", [True, False], ids=["two-lines", "one-line"])
def test_limit_headers_that_come_twice_are_read(play: Any, clock: Clock, apart: bool) -> None:
    """Seen with a gateway in front of Okta: every X-Rate-Limit header two times."""
    once = limits(600, 0, 40)
    twice = once * 2 if apart else [(name, f"{value}, {value}") for name, value in once]
    play(Said(429, refused(), twice), Said(200, {}, twice), Said())
    api = client(clock)
    api.call("GET", "/x", bucket="b")
    assert clock.waits == [41]
    assert api.limits == {"b": 600}


def test_netskope_headers_that_come_twice_are_read(play: Any, clock: Clock) -> None:
    names = {"RateLimit-Limit": "4", "RateLimit-Remaining": "0", "RateLimit-Reset": "2", "Date": _moment(0)}
    play(Said(429, b"", list(names.items()) * 2), Said())
    client(clock, dialect=NetskopeDialect()).call("GET", "/x", bucket="b")
    assert clock.waits == [2]


def test_of_two_limits_that_differ_the_careful_one_counts() -> None:
    headers = dict(limits(600, 300, 40)) | {
        "X-Rate-Limit-Limit": "600, 100",
        "X-Rate-Limit-Remaining": "300, 20",
    }
    window = OktaDialect().window(headers)
    assert window is not None
    assert (window.limit, window.remaining) == (100, 20)


@pytest.mark.parametrize("dialect", [OktaDialect(), NetskopeDialect()], ids=["okta", "netskope"])
@pytest.mark.parametrize(
    ("status", "method", "repeatable", "times"),
    [
        (408, "GET", None, 2),
        (408, "PUT", None, 2),
        (408, "POST", True, 2),
        (408, "POST", None, 1),
        (425, "GET", None, 2),
        (425, "POST", None, 2),
    ],
)
def test_a_service_that_asks_for_the_request_once_more_gets_it_where_that_is_safe(
    play: Any, clock: Clock, dialect: Any, status: int, method: str, repeatable: bool | None, times: int
) -> None:
    """RFC 9110 section 15.5.9, RFC 8470 section 5.2."""
    script = play(Said(status, b""), Said())
    api = client(clock, dialect=dialect)
    if times == 2:
        api.call(method, "/x", bucket="b", repeatable=repeatable)
    else:
        with pytest.raises(ServerError) as caught:
            api.call(method, "/x", bucket="b", repeatable=repeatable)
        assert caught.value.retryable
    assert len(script.sent) == times
