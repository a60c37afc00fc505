# SPDX-License-Identifier: Apache-2.0
"""Netskope's users and scores (higher is safer): for any moment, for exactly the users asked for, nobody's twice."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    UnexpectedAnswerError,
)
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.client_support import NOW, netskope, netskope_of, sandbox, timing_of
from tests.unit.http_script import Clock, Said, Script

__all__ = ["netskope", "sandbox"]

TODAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAY = timedelta(days=1)
ANN = "ann@corp.example"
SERIES = "/api/v2/incidents/uba/getuci"
LIST = "/api/v2/incidents/users/getuci"


def _set(sandbox: Sandbox, name: str = ANN, /, **by_days_ago: int | None) -> None:
    """Give a user exactly these scores: ``d0`` is today's, ``d1`` yesterday's."""
    if sandbox.netskope.index_of(name) is None:
        sandbox.netskope.add_user(name)
    for days_ago in range(45):
        sandbox.netskope.set_score(name, TODAY - days_ago * DAY, by_days_ago.get(f"d{days_ago}"))


def _one(client: NetskopeClient, as_of: datetime = NOW, **how: Any) -> Row:
    (row,) = client.scores(as_of, users=[ANN], **how)
    return row


# --- which score counts


def test_the_newest_score_before_the_moment_counts(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=100, d1=200, d2=300)
    row = _one(netskope, TODAY)
    assert (row.score, row.score_at, row.previous_score, row.previous_score_at) == (
        200,
        TODAY - DAY,
        300,
        TODAY - 2 * DAY,
    )
    assert (row.provisional, row.as_of, row.user) == (False, TODAY, ANN)


def test_a_day_that_is_not_over_is_provisional(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=100, d1=200)
    assert (_one(netskope).score, _one(netskope).provisional) == (100, True)


@pytest.mark.parametrize("days_ago", range(1, 40, 6))
def test_the_past_is_answered_as_it_was(netskope: NetskopeClient, sandbox: Sandbox, days_ago: int) -> None:
    _set(sandbox, **{f"d{day}": day * 10 for day in range(45)})
    row = _one(netskope, TODAY - days_ago * DAY)
    assert (row.score, row.previous_score) == ((days_ago + 1) * 10, (days_ago + 2) * 10)


def test_the_past_is_the_same_whatever_happened_since(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=1, d5=500, d6=600)
    before = _one(netskope, TODAY - 4 * DAY)
    _set(sandbox, d0=999, d1=3, d5=500, d6=600)
    assert _one(netskope, TODAY - 4 * DAY) == before


def test_a_score_is_carried_over_quiet_days_and_no_further(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox, d8=400)
    assert _one(netskope, TODAY, carry_days=7).score == 400
    assert _one(netskope, TODAY, carry_days=6).score is None


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
def test_the_order_of_the_days_does_not_matter(
    netskope: NetskopeClient, sandbox: Sandbox, order: str
) -> None:
    sandbox.options.uci_order = order
    _set(sandbox, d0=100, d1=200, d2=300, d3=400)
    assert (_one(netskope, TODAY).score, _one(netskope, TODAY).previous_score) == (200, 300)


@pytest.mark.parametrize("unit", ["milliseconds", "seconds_if_small"])
def test_from_time_is_sent_in_milliseconds_and_not_relied_on(
    netskope: NetskopeClient, sandbox: Sandbox, unit: str
) -> None:
    sandbox.options.uci_from_time_unit = unit
    _set(sandbox, d0=100, d20=999)
    assert _one(netskope).score == 100
    assert _one(netskope, TODAY).score is None
    body = json.loads(sandbox.requests_to(path_prefix=SERIES)[0].body)
    assert body["fromTime"] == int((TODAY - 7 * DAY).timestamp()) * 1000
    assert body["capPerUser"] == 8


def test_the_cap_reaches_back_from_now_because_it_keeps_the_newest(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox, **{f"d{day}": day for day in range(45)})
    assert _one(netskope, TODAY - 30 * DAY).score == 31
    body = json.loads(sandbox.requests_to(path_prefix=SERIES)[0].body)
    assert body["capPerUser"] == 31 + 7 + 1


def test_a_moment_in_another_time_zone_is_the_same_moment(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=100, d1=200)
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert _one(netskope, TODAY.astimezone(kolkata)).score == 200


def test_a_moment_without_offset_is_refused_before_anything_is_sent(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    with pytest.raises(ConfigurationError, match="no UTC offset"):
        netskope.scores(datetime(2026, 11, 23), users=[ANN])  # noqa: DTZ001
    assert sandbox.requests == []


# --- whose score


def test_every_name_gives_exactly_one_row_spelled_as_asked(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox, d0=100)
    asked = ["ANN@Corp.Example", "unknown@corp.example", ANN, "", "  ", "unknown@CORP.example"]
    rows = list(netskope.scores(NOW, users=asked))
    assert [(row.user, row.score) for row in rows] == [
        ("ANN@Corp.Example", 100),
        ("unknown@corp.example", None),
    ]


@pytest.mark.parametrize("spelling", ["as_is", "lower", "upper", "mixed"])
@pytest.mark.parametrize("strategy", ["series", "list"])
def test_netskopes_spelling_of_a_name_does_not_matter(
    netskope: NetskopeClient, sandbox: Sandbox, strategy: Any, spelling: str
) -> None:
    sandbox.options.netskope_case = spelling
    _set(sandbox, d0=100)
    assert _one(netskope, strategy=strategy) == Row(
        user=ANN, score=100, score_at=TODAY, provisional=True, as_of=NOW
    )


@pytest.mark.parametrize("strategy", ["series", "list"])
def test_a_name_within_another_name_never_gets_the_others_score(
    netskope: NetskopeClient, sandbox: Sandbox, strategy: Any
) -> None:
    _set(sandbox, "joann@corp.example", d0=900)
    _set(sandbox, d0=100)
    rows = netskope.scores(NOW, users=["joann@corp.example", ANN, "nn@corp.example"], strategy=strategy)
    assert [row.score for row in rows] == [900, 100, None]


@pytest.mark.parametrize("unknown", ["omit", "empty"])
def test_an_unknown_user_costs_the_others_nothing(
    netskope: NetskopeClient, sandbox: Sandbox, unknown: str
) -> None:
    sandbox.options.uci_unknown_users = unknown
    names = [name for name in sandbox.netskope.names() if sandbox.netskope.score(name) is not None][:20]
    asked = ["first@x.example", *names[:10], "middle@x.example", *names[10:], "last@x.example"]
    rows = {row.user: row.score for row in netskope.scores(NOW, users=asked)}
    assert [user for user, score in rows.items() if score is None] == asked[:1] + asked[11:12] + asked[-1:]
    assert all(rows[name] == sandbox.netskope.score(name) for name in names)


def test_a_user_without_score_has_none_and_not_the_worst_or_best(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox)
    assert _one(netskope) == Row(user=ANN, as_of=NOW)


def test_nought_is_a_score(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=0, d1=1000)
    assert (_one(netskope).score, _one(netskope).previous_score) == (0, 1000)


def test_everybody_gets_a_row_when_nobody_is_named(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    rows = list(netskope.scores(NOW))
    names = list(sandbox.netskope.names())
    assert [row.user for row in rows] == names
    assert [row.score for row in rows] == [sandbox.netskope.score(name) for name in names]


def test_no_names_cost_no_call(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    assert list(netskope.scores(NOW, users=[])) == []
    assert sandbox.requests == []


def test_2000_users_take_four_calls_and_two_more_to_know_their_names() -> None:
    with Sandbox(users=0, netskope_users=2000, now=NOW, frozen=True) as big:
        rows = list(netskope_of(big).scores(NOW))
        assert len(rows) == 2000
        assert len(big.requests_to(path_prefix=SERIES)) == 4
        assert len(big.requests_to(path_prefix="/api/v2/scim")) == 2
        assert {entry.status for entry in big.requests} == {200}


@pytest.mark.parametrize("most", [499, 100, 1])
def test_a_batch_that_is_too_large_for_the_tenant_is_halved(most: int) -> None:
    with Sandbox(users=0, netskope_users=520, now=NOW, frozen=True) as big:
        big.options.uci_max_users = most
        big.options.netskope_rate_limit = 0
        names = list(big.netskope.names())[: 520 if most > 1 else 20]
        rows = list(netskope_of(big).scores(NOW, users=names))
        assert [row.user for row in rows] == names


def test_a_body_that_is_too_large_for_the_tenant_is_halved(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    sandbox.fail_next(status=413, service="netskope")
    names = list(sandbox.netskope.names())
    assert len(list(netskope.scores(NOW, users=names))) == len(names)
    assert len(sandbox.requests) == 3


def test_a_refusal_of_one_user_is_an_error_and_no_endless_halving(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    sandbox.fail_next(status=400, service="netskope", times=9)
    with pytest.raises(InvalidRequestError):
        _one(netskope)
    assert len(sandbox.requests) == 1


# --- the list of everybody


def test_the_list_gives_the_same_scores_of_today_with_fewer_calls() -> None:
    with Sandbox(users=0, netskope_users=2500, now=NOW, frozen=True) as big:
        client = netskope_of(big)
        listed = {row.key: row for row in client.scores(NOW, strategy="list")}
        assert len(big.requests) == 3
        series = {row.key: row for row in client.scores(NOW)}
        assert listed
        assert {key: row.score for key, row in listed.items()} == {key: series[key].score for key in listed}
        assert all(row.provisional and row.previous_score is None for row in listed.values())


@pytest.mark.parametrize(
    "as_of", [TODAY, TODAY - timedelta(hours=1), TODAY - 7 * DAY, TODAY + DAY + timedelta(hours=1)]
)
def test_the_list_is_refused_for_any_day_but_today(
    netskope: NetskopeClient, sandbox: Sandbox, as_of: datetime
) -> None:
    with pytest.raises(ConfigurationError, match="strategy='series'"):
        netskope.scores(as_of, strategy="list")
    assert sandbox.requests == []


def test_the_list_answers_for_the_day_that_is_running(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    _set(sandbox, d0=100)
    assert _one(netskope, TODAY + timedelta(seconds=1), strategy="list").score == 100
    assert _one(netskope, TODAY + DAY, strategy="list").provisional is False


@pytest.mark.parametrize("drift", [-30, -1, 1, 30])
def test_a_list_that_changes_while_it_is_read_leaves_nobody_out(drift: int) -> None:
    with Sandbox(users=0, netskope_users=2500, now=NOW, frozen=True) as big:
        still = {row.key for row in netskope_of(big).scores(NOW, strategy="list")}
        big.options.page_drift = drift
        keys = [row.key for row in netskope_of(big).scores(NOW, strategy="list")]
        assert len(keys) == len(set(keys))
        assert set(keys) == still


def test_small_pages_are_read_to_the_end() -> None:
    with Sandbox(users=0, netskope_users=2500, now=NOW, frozen=True) as big:
        big.options.netskope_page_limit = 400
        big.options.scim_page_limit = 300
        client = netskope_of(big)
        names = list(client.list_users())
        assert names == list(big.netskope.names())
        assert len(list(client.scores(NOW, strategy="list"))) > 2000


def test_a_strategy_that_does_not_exist_is_refused(netskope: NetskopeClient) -> None:
    with pytest.raises(ConfigurationError, match="'series' or 'list'"):
        netskope.scores(NOW, strategy="guess")  # type: ignore[arg-type]


# --- refusals and faults


def test_a_wrong_token_names_rotation(sandbox: Sandbox) -> None:
    client = NetskopeClient.connect(
        sandbox.netskope_url, NetskopeTokenAuth("wrong"), timing=timing_of(sandbox)
    )
    with pytest.raises(AuthenticationError, match="rotation") as caught:
        client.check()
    assert "wrong" not in str(caught.value)


def test_a_token_that_was_rotated_while_we_read_is_an_error_and_no_half_result(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    assert len(list(netskope.list_users())) == 60
    sandbox.netskope.rotate_token()
    with pytest.raises(AuthenticationError):
        list(netskope.scores(NOW))


def test_a_missing_privilege_fails_the_check(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    netskope.check()
    sandbox.fail_next(status=403, path_prefix=SERIES)
    with pytest.raises(PermissionDeniedError, match="role"):
        netskope.check()


def test_reading_posts_are_repeated_because_they_only_read(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox, d0=100)
    for kind in ("reset", "truncate", "lost_answer", "ok_with_error"):
        sandbox.fail_next(kind=kind, path_prefix=SERIES)
        assert _one(netskope).score == 100


def test_success_that_is_none_is_an_error(netskope: NetskopeClient, sandbox: Sandbox) -> None:
    sandbox.fail_next(kind="ok_with_error", path_prefix=SERIES, times=9)
    with pytest.raises(ServerError) as caught:
        _one(netskope)
    assert (caught.value.status, caught.value.retryable) == (200, True)


def test_the_rate_limit_of_the_tenant_is_never_hit_by_us_alone() -> None:
    with Sandbox(users=0, netskope_users=9000, now=NOW, frozen=True) as big:
        for scope in ("endpoint", "shared"):
            big.options.netskope_rate_limit_scope = scope
            assert len(list(netskope_of(big).scores(NOW))) == 9000
        assert {entry.status for entry in big.requests} == {200}


def test_a_full_rate_limit_is_waited_out_as_long_as_netskope_says(
    netskope: NetskopeClient, sandbox: Sandbox
) -> None:
    _set(sandbox, d0=100)
    sandbox.fail_next(kind="rate_limit_429", service="netskope", times=2)
    started = sandbox.clock.timestamp()
    assert _one(netskope).score == 100
    assert sandbox.clock.timestamp() - started < 10


def test_a_rate_limit_that_does_not_end_is_an_error(sandbox: Sandbox) -> None:
    client = netskope_of(sandbox, retry=RetryPolicy(attempts=3))
    sandbox.fail_next(kind="rate_limit_429", service="netskope", times=9)
    with pytest.raises(RateLimitedError):
        list(client.list_users())
    assert len(sandbox.requests) == 3


def test_random_faults_change_nothing_in_the_result() -> None:
    with Sandbox(users=0, netskope_users=3000, now=NOW, frozen=True) as big:
        client = netskope_of(big, retry=RetryPolicy(attempts=12))
        expected = list(client.scores(NOW))
        rates = {"503": 0.1, "reset": 0.1, "truncate": 0.1, "rate_limit_429": 0.1, "ok_with_error": 0.1}
        big.set_fault_rates(rates, "netskope")
        assert list(client.scores(NOW)) == expected


# --- answers that a sandbox cannot give


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def warnings() -> Any:
    handler, logger = _Warnings(), logging.getLogger("airflow_provider_okta_ure.clients.netskope")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*bodies: Any) -> NetskopeClient:
        script = Script(*[Said(200, body) for body in bodies])
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        auth = NetskopeTokenAuth("token")
        return NetskopeClient.connect("https://acme.goskope.com", auth, timing=Clock().timing)

    return start


def _day(days_ago: int) -> int:
    return int((TODAY - days_ago * DAY).timestamp()) * 1000


def _said(*confidences: Any, name: str = ANN) -> dict[str, Any]:
    return {"usersUci": [{"userId": name, "confidences": list(confidences)}]}


def _confidence(start: Any, score: Any) -> dict[str, Any]:
    return {"start": start, "confidenceScore": score}


@pytest.mark.parametrize("score", [True, False, "400", -1, 1001, 400.5, [400], {}, 1e99])
def test_a_score_that_makes_no_sense_is_no_score_and_not_an_older_one(
    answering: Any, warnings: list[str], score: Any
) -> None:
    client = answering(_said(_confidence(_day(1), 900), _confidence(_day(0), score)))
    assert [row.score for row in client.scores(NOW, users=[ANN], now=NOW)] == [None]
    assert len(warnings) == 1
    assert warnings[0].startswith("1 users")
    assert ANN not in warnings[0]


def test_a_whole_float_is_a_whole_number(answering: Any, warnings: list[str]) -> None:
    client = answering(_said(_confidence(_day(0), 400.0)))
    assert [row.score for row in client.scores(NOW, users=[ANN], now=NOW)] == [400]
    assert warnings == []


def test_an_older_value_that_makes_no_sense_leaves_the_newest_alone(
    answering: Any, warnings: list[str]
) -> None:
    client = answering(_said(_confidence(_day(1), "bad"), _confidence(_day(0), 300)))
    (row,) = client.scores(NOW, users=[ANN], now=NOW)
    assert (row.score, row.previous_score, row.previous_score_at) == (300, None, None)
    assert warnings == []


@pytest.mark.parametrize("start", [None, "today", True, -1, 1e30, 10**18, 1.5])
def test_a_day_that_is_not_known_is_left_out(answering: Any, start: Any) -> None:
    client = answering(_said(_confidence(start, 100), _confidence(_day(0), 300)))
    assert [row.score for row in client.scores(NOW, users=[ANN], now=NOW)] == [300]


def test_a_user_who_comes_twice_in_an_answer_is_one_user(answering: Any) -> None:
    body = {
        "usersUci": [
            {"userId": "ANN@corp.example", "confidences": [_confidence(_day(1), 200)]},
            {"userId": ANN, "confidences": [_confidence(_day(0), 100)]},
            {"userId": "somebody@else.example", "confidences": [_confidence(_day(0), 1)]},
            {"userId": ANN, "confidences": None},
        ]
    }
    (row,) = answering(body).scores(NOW, users=[ANN], now=NOW)
    assert (row.score, row.previous_score) == (100, 200)


@pytest.mark.parametrize(
    "body", [{}, {"usersUci": "x"}, {"usersUci": [{"confidences": []}]}, [], {"data": []}]
)
def test_an_answer_of_another_form_is_an_error_and_not_nobody(answering: Any, body: Any) -> None:
    with pytest.raises(UnexpectedAnswerError):
        list(answering(body).scores(NOW, users=[ANN], now=NOW))


def test_names_that_scim_lists_twice_or_not_at_all_are_counted(answering: Any, warnings: list[str]) -> None:
    page = {
        "totalResults": 4,
        "Resources": [{"userName": ANN}, {"userName": "ANN@CORP.EXAMPLE"}, {"id": "7"}],
    }
    client = answering(page, {"totalResults": 4, "Resources": [{"userName": "bob@corp.example"}]})
    assert list(client.list_users()) == [ANN, "bob@corp.example"]
    assert len(warnings) == 1


def test_a_list_of_users_that_ends_early_is_said_aloud(answering: Any, warnings: list[str]) -> None:
    client = answering({"totalResults": 500, "Resources": [{"userName": ANN}]}, {"totalResults": 500})
    assert list(client.list_users()) == [ANN]
    assert warnings == ["Netskope says that it has 500 users, and listed 1."]


@pytest.mark.parametrize("score", [True, "400", 1001, -1])
def test_a_listed_score_that_makes_no_sense_is_no_score(
    answering: Any, warnings: list[str], score: Any
) -> None:
    client = answering(
        {"totalCount": 1, "results": [{"user": ANN, "start": _day(0), "confidenceScore": score}]}
    )
    assert [row.score for row in client.scores(NOW, strategy="list", users=[ANN], now=NOW)] == [None]
    assert warnings == ["1 users have no score, because Netskope's value for them makes no sense."]


def test_a_user_who_is_listed_twice_has_the_newest_score(answering: Any) -> None:
    results = [
        {"user": ANN, "start": _day(0), "confidenceScore": 100},
        {"user": "ANN@CORP.EXAMPLE", "start": _day(1), "confidenceScore": 900},
    ]
    client = answering(*[{"totalCount": 1, "results": results}])
    (row,) = client.scores(NOW, strategy="list", now=NOW)
    assert (row.user, row.score, row.score_at) == (ANN, 100, TODAY)


def test_a_token_that_was_rotated_is_read_again_in_the_middle_of_the_work(sandbox: Sandbox) -> None:
    auth = NetskopeTokenAuth(sandbox.netskope_token, reread=lambda: sandbox.netskope_token)
    client = NetskopeClient.connect(sandbox.netskope_url, auth, timing=timing_of(sandbox))
    client.check()
    sandbox.netskope.rotate_token()
    client.check()
    refused = [entry for entry in sandbox.requests if entry.status in (401, 403)]
    assert len(refused) == 1


def test_a_token_that_was_rotated_where_nobody_stored_it_is_an_error(sandbox: Sandbox) -> None:
    old = sandbox.netskope_token
    client = NetskopeClient.connect(
        sandbox.netskope_url, NetskopeTokenAuth(old, reread=lambda: old), timing=timing_of(sandbox)
    )
    sandbox.netskope.rotate_token()
    with pytest.raises((AuthenticationError, PermissionDeniedError)):
        client.check()
    assert len(sandbox.requests) == 1
