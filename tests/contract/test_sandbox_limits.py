"""Rate limits, concurrency, faults and the clock, all by the sandbox clock and without waiting."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.contract.sandbox_support import PUSH, Transmitter, make_sandbox, netskope_api, okta_api

UCI = "/api/v2/ubadatasvc/user/uci"


@pytest.fixture
def sandbox():
    with make_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def okta(sandbox):
    return okta_api(sandbox)


def standing(answer: requests.Response) -> tuple[int, int, int]:
    names = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
    limit, remaining, reset = (int(answer.headers[name]) for name in names)
    return limit, remaining, reset


# --- Okta's buckets


BUCKETS = [
    ("GET", "/api/v1/users", "/api/v1/users", 300),
    ("GET", "/api/v1/users/nope", "/api/v1/users/{idOrLogin}", 1000),
    ("GET", "/api/v1/users/nope/risk", "/api/v1/users", 300),
    ("PUT", "/api/v1/users/nope/risk", "/api/v1/users", 300),
    ("GET", "/api/v1/groups", "/api/v1/groups", 250),
    ("POST", "/api/v1/groups", "/api/v1/groups", 250),
    ("GET", "/api/v1/groups/nope", "/api/v1/groups/{id}", 500),
    ("GET", "/api/v1/groups/nope/users", "/api/v1/groups", 250),
    ("PUT", "/api/v1/groups/nope/users/nope", "/api/v1/groups", 250),
    ("DELETE", "/api/v1/groups/nope/users/nope", "/api/v1/groups", 250),
    ("GET", "/api/v1/logs", "/api/v1/logs", 60),
    ("GET", "/api/v1/security-events-providers", "/api/v1", 600),
    ("GET", "/api/v1/org", "/api/v1", 600),
    ("POST", PUSH, PUSH, 1200),
]


@pytest.mark.parametrize(("method", "path", "bucket", "limit"), BUCKETS)
def test_which_bucket_a_request_counts_against(sandbox, okta, method, path, bucket, limit):
    answer = okta.request(method, path, data=b"")
    assert standing(answer) == (limit, limit - 1, int(sandbox.clock.timestamp()) + 60)
    assert sandbox.requests[-1].bucket == bucket


def test_kinds_of_org_and_share_of_the_token_are_switches(sandbox, okta):
    sandbox.options.update({"rate_limit_profile": "integrator", "token_rate_share": 1.0})
    assert standing(okta.get("/api/v1/users"))[0] == 100
    sandbox.options.risk_bucket = "/api/v1"
    okta.get("/api/v1/users/nope/risk")
    assert sandbox.requests[-1].bucket == "/api/v1"


def test_an_empty_bucket_answers_429_without_retry_after(sandbox, okta):
    sandbox.set_bucket("/api/v1/groups", 2)
    assert [okta.get("/api/v1/groups").status_code for _ in range(4)] == [200, 200, 429, 429]
    answer = okta.get("/api/v1/groups")
    assert answer.json()["errorCode"] == "E0000047"
    assert answer.json()["errorCauses"] == []
    assert standing(answer) == (2, 0, int(sandbox.clock.timestamp()) + 60)
    assert "Retry-After" not in answer.headers
    assert okta.get("/api/v1/users").status_code == 200, "the other buckets are not empty"


def test_a_refused_write_has_no_effect(sandbox, okta):
    sandbox.set_bucket("/api/v1/groups", 1)
    group, user = sandbox.okta.add_group("G").id, sandbox.okta.users[0].id
    okta.get("/api/v1/groups")
    assert okta.put(f"/api/v1/groups/{group}/users/{user}").status_code == 429
    assert sandbox.okta.members(group) == set()


def test_a_window_starts_with_its_first_request_and_lasts_a_minute(sandbox, okta):
    sandbox.set_bucket("/api/v1/groups", 1)
    sandbox.clock.advance(20)
    start = int(sandbox.clock.timestamp())
    assert standing(okta.get("/api/v1/groups"))[2] == start + 60
    sandbox.clock.advance(59)
    assert okta.get("/api/v1/groups").status_code == 429
    sandbox.clock.advance(1)
    assert standing(okta.get("/api/v1/groups")) == (1, 0, start + 120)


def test_windows_of_two_buckets_are_independent(sandbox, okta):
    first = standing(okta.get("/api/v1/groups"))[2]
    sandbox.clock.advance(30)
    assert standing(okta.get("/api/v1/users"))[2] == first + 30
    assert standing(okta.get("/api/v1/groups"))[2] == first


def test_other_clients_use_up_a_bucket(sandbox, okta):
    sandbox.use_bucket("/api/v1/groups", 248)
    assert standing(okta.get("/api/v1/groups"))[1] == 1
    sandbox.use_bucket("/api/v1/groups", 500)
    assert okta.get("/api/v1/groups").status_code == 429


def test_the_window_length_is_a_switch(sandbox, okta):
    sandbox.options.rate_limit_window_seconds = 5
    assert standing(okta.get("/api/v1/groups"))[2] == int(sandbox.clock.timestamp()) + 5


def test_an_unknown_bucket_is_an_error(sandbox):
    with pytest.raises(ValueError, match="Known: /api/v1/users"):
        sandbox.set_bucket("/api/v2", 1)


def test_the_sets_bucket_is_a_switch(sandbox):
    sender = Transmitter(sandbox)
    sandbox.options.push_rate_limit = 1
    assert sender.push(sender.token()).status_code == 202
    answer = sender.push(sender.token())
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "E0000047")
    assert len(sandbox.okta.accepted_events) == 1


# --- concurrency


def test_too_many_requests_at_the_same_time_get_the_other_429(sandbox, okta):
    sandbox.options.okta_concurrency_limit = 2
    sandbox.fail_next(kind="hold", times=2)
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(okta_api(sandbox).get, "/api/v1/groups") for _ in range(2)]
        assert sandbox.wait_for_held(2)
        answer = okta.get("/api/v1/groups")
        sandbox.release_held()
        assert [one.result().status_code for one in held] == [200, 200]
    assert answer.status_code == 429
    assert answer.json()["errorCode"] == "E0000047"
    assert standing(answer)[:2] == (0, 0)
    assert okta.get("/api/v1/groups").status_code == 200


def test_the_concurrency_429_can_be_asked_for(sandbox, okta):
    sandbox.fail_next(kind="concurrency_429")
    assert standing(okta.get("/api/v1/groups"))[:2] == (0, 0)
    assert standing(okta.get("/api/v1/groups"))[0] == 250


def test_many_threads_lose_no_request(sandbox):
    group = sandbox.okta.add_group("G").id
    ids = [user.id for user in sandbox.okta.users if user.status != "DEPROVISIONED"][:40]

    def add(user: str) -> int:
        return okta_api(sandbox).put(f"/api/v1/groups/{group}/users/{user}").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(add, ids))
    assert statuses == {204: 40}
    assert sandbox.okta.members(group) == set(ids)
    assert len({event["uuid"] for event in sandbox.okta.system_log}) == 40


# --- faults


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_a_status_is_answered_in_oktas_form_and_with_its_headers(sandbox, okta, status):
    sandbox.fail_next(service="okta", status=status)
    answer = okta.get("/api/v1/groups")
    assert answer.status_code == status
    assert answer.json()["errorCode"].startswith("E0000")
    assert all(name in answer.headers for name in ("Date", "X-Rate-Limit-Reset", "X-Okta-Request-Id"))
    assert okta.get("/api/v1/groups").status_code == 200


def test_a_fault_hits_only_what_it_is_meant_for(sandbox, okta):
    sandbox.fail_next(service="okta", status=503, times=2, method="PUT", path_prefix="/api/v1/groups")
    assert netskope_api(sandbox).get("/api/v2/scim/Users").status_code == 200
    assert okta.get("/api/v1/groups").status_code == 200
    assert okta.put("/api/v1/users/x/risk", json={}).status_code == 404
    assert [okta.put("/api/v1/groups/a/users/b").status_code for _ in range(3)] == [503, 503, 404]
    assert [entry.fault for entry in sandbox.requests[-3:]] == ["status 503", "status 503", None]


def test_a_status_can_have_a_body_of_its_own(sandbox, okta):
    sandbox.fail_next(status=502, body="<html>bad gateway</html>")
    assert okta.get("/api/v1/groups").text == "<html>bad gateway</html>"


def test_a_fault_without_effect_changes_nothing(sandbox, okta):
    group, user = sandbox.okta.add_group("G").id, sandbox.okta.users[0].id
    for fault in ({"status": 503}, {"kind": "reset"}, {"kind": "rate_limit_429"}):
        sandbox.fail_next(**fault)
        try:
            assert okta.put(f"/api/v1/groups/{group}/users/{user}").status_code in (503, 429)
        except requests.ConnectionError:
            assert fault == {"kind": "reset"}
        assert sandbox.okta.members(group) == set()


def test_a_reset_connection_has_no_answer(sandbox, okta):
    sandbox.fail_next(kind="reset")
    with pytest.raises(requests.ConnectionError):
        okta.get("/api/v1/groups")
    assert (sandbox.requests[-1].status, sandbox.requests[-1].fault) == (None, "reset")
    assert okta.get("/api/v1/groups").status_code == 200


def test_a_lost_answer_has_its_effect(sandbox, okta):
    group, user = sandbox.okta.add_group("G").id, sandbox.okta.users[0].id
    sandbox.fail_next(kind="lost_answer", method="PUT")
    with pytest.raises(requests.ConnectionError):
        okta.put(f"/api/v1/groups/{group}/users/{user}")
    assert sandbox.okta.members(group) == {user}


def test_a_lost_answer_to_a_token_has_its_effect_once(sandbox):
    sender = Transmitter(sandbox)
    token = sender.token()
    sandbox.fail_next(kind="lost_answer", path_prefix=PUSH)
    with pytest.raises(requests.ConnectionError):
        sender.push(token)
    assert sender.push(token).status_code == 202
    assert len(sandbox.okta.accepted_events) == 1


def test_a_truncated_body_is_shorter_than_promised(sandbox, okta):
    sandbox.fail_next(kind="truncate")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        okta.get("/api/v1/groups")
    assert okta.get("/api/v1/groups").status_code == 200


def test_a_slow_answer_runs_into_the_clients_timeout(sandbox, okta):
    sandbox.fail_next(kind="hold")
    with pytest.raises(requests.ReadTimeout):
        okta.get("/api/v1/groups", timeout=0.05)
    sandbox.release_held()
    sandbox.fail_next(kind="slow", seconds=0.01)
    assert okta.get("/api/v1/groups").status_code == 200


def test_rates_hit_about_as_many_as_they_say_and_the_same_every_time(sandbox, okta):
    def run() -> list[int]:
        sandbox.reset()
        sandbox.set_fault_rates({"503": 0.2, "429": 0.1}, service="okta")
        return [okta.get("/api/v1/org").status_code for _ in range(300)]

    first = run()
    assert first == run()
    counts = Counter(first)
    assert 35 <= counts[503] <= 85
    assert 15 <= counts[429] <= 50
    sandbox.set_fault_rates({})
    assert okta.get("/api/v1/org").status_code == 200


WRONG = [
    {"kind": "explode"},
    {"service": "other"},
    {"status": 42},
    {"times": 0},
]


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_fault_is_an_error(sandbox, fault):
    with pytest.raises(ValueError, match=next(iter(fault))):
        sandbox.fail_next(**fault)


@pytest.mark.parametrize("rates", [{"explode": 0.1}, {"503": 2}, {"503": -0.1}])
def test_a_wrong_rate_is_an_error(sandbox, rates):
    with pytest.raises(ValueError, match="rate"):
        sandbox.set_fault_rates(rates)


# --- Netskope's requests per second


def test_netskope_answers_four_requests_a_second(sandbox):
    netskope = netskope_api(sandbox)
    ask = {"user": sandbox.netskope.name(0)}
    answers = [netskope.post(UCI, json=ask) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["3", "2", "1", "0", "0", "0"]
    assert answers[-1].json() == {"message": "API rate limit exceeded"}
    for name, value in (("RateLimit-Limit", "4"), ("RateLimit-Reset", "1"), ("Retry-After", "1")):
        assert answers[-1].headers[name] == value
    assert "Retry-After" not in answers[0].headers
    sandbox.clock.advance(1)
    assert netskope.post(UCI, json=ask).status_code == 200


@pytest.mark.parametrize(("scope", "status"), [("endpoint", 200), ("shared", 429)])
def test_netskopes_limit_is_per_endpoint_or_shared(sandbox, scope, status):
    sandbox.options.netskope_rate_limit_scope = scope
    netskope = netskope_api(sandbox)
    for _ in range(4):
        netskope.get("/api/v2/scim/Users")
    assert netskope.post(UCI, json={"user": sandbox.netskope.name(0)}).status_code == status


def test_netskopes_limit_can_be_switched_off(sandbox):
    sandbox.options.netskope_rate_limit = 0
    netskope = netskope_api(sandbox)
    answers = [netskope.get("/api/v2/scim/Users?count=1") for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0].headers


# --- the clock


def test_dates_follow_the_clock(sandbox, okta):
    sandbox.clock.advance(3600)
    assert okta.get("/api/v1/org").headers["Date"] == "Mon, 23 Nov 2026 04:00:00 GMT"
    assert netskope_api(sandbox).get("/api/v2/scim/Users").headers["Date"] == "Mon, 23 Nov 2026 04:00:00 GMT"


def test_a_frozen_clock_stands_still_until_it_is_let_go(sandbox):
    before = sandbox.clock.timestamp()
    assert sandbox.clock.timestamp() == before
    sandbox.clock.unfreeze()
    assert sandbox.clock.timestamp() > before
    sandbox.clock.freeze()
    assert sandbox.clock.timestamp() == sandbox.clock.timestamp()


def test_the_clock_never_goes_back_by_advancing(sandbox):
    with pytest.raises(ValueError, match="advances"):
        sandbox.clock.advance(-1)


def test_sleeping_threads_share_one_clock(sandbox):
    before = sandbox.clock.timestamp()
    threads = [threading.Thread(target=sandbox.clock.advance, args=(1,)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.clock.timestamp() == before + 50
