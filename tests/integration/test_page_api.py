# SPDX-License-Identifier: Apache-2.0
"""What the page reads, through Airflow's real login and permissions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from airflow_provider_okta_ure.action_log.approvals import ApprovalRecord, write_approval
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tasks import Calls, TaskSummary
from airflow_provider_okta_ure.catalogue import entry_for_reason, entry_for_topic
from tests.support.airflow_security import Security, Visitor
from tests.support.page import HIDDEN, SYNC, WATCH, app, log, security, viewer

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["app", "log", "security", "viewer"]

ORG = "https://acme.okta.com"
TODAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
PUBLIC = {"/jwks.json", "/.well-known/ssf-configuration"}
PATHS = ("filters", "overview", "actions", "actions.csv", "people", "person?user_name=ann")
IMG, FORMULA = "<img src=x onerror=alert(1)>@corp.example", '=cmd|" /C calc"!A0'


def entry(user: str, day: int = 0, **more: Any) -> Entry:
    fields: dict[str, Any] = {
        "org": ORG,
        "action": "push_risk",
        "target": "https://risk.corp.example",
        "user_key": user.casefold(),
        "as_of": TODAY - timedelta(days=day),
        "user_name": user,
        "started_at": TODAY,
        "recorded_at": TODAY,
        "dag_id": SYNC,
        "run_id": f"scheduled__{day}+00:00",
        "task_id": "push_risk",
        "rule": "score <= 500",
        "score": 103,
        "score_level": "critical",
        "risk_level": "high",
        "status": "done",
    }
    return Entry(**{**fields, **more})


def addition(user: str, day: int = 0, **more: Any) -> Entry:
    number = f"00u{re.sub('[^A-Z]', '', user.upper())[:6]}"
    fields: dict[str, Any] = {
        "action": "add_to_group",
        "target": "00gRISK",
        "target_name": "At risk",
        "user_key": number,
        "user_id": number,
        "task_id": "add_to_group",
    }
    return entry(user, day, **{**fields, **more})


def cost_of(task_id: str, run_id: str = "scheduled__0+00:00") -> TaskSummary:
    return TaskSummary(
        dag_id=SYNC,
        run_id=run_id,
        task_id=task_id,
        as_of=TODAY,
        org=ORG,
        action=task_id,
        ended_at=TODAY,
        seconds=2.5,
        calls={"/api/v1/groups": Calls(calls=4, limit=500, ours=400)},
    )


@pytest.fixture
def hide(security: Security, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the right to read one DAG, or only one thing of it, away from everybody."""

    def hide(dag_id: str, entity: str | None = None) -> None:
        allowed = type(security.manager).is_authorized_dag

        def is_authorized_dag(self: Any, **question: Any) -> bool:
            about, of = question.get("details"), question.get("access_entity")
            if about is not None and about.id == dag_id and (entity is None or (of and of.name == entity)):
                return False
            return bool(allowed(self, **question))

        monkeypatch.setattr(type(security.manager), "is_authorized_dag", is_authorized_dag)

    return hide


def ask(visitor: Visitor, path: str, **params: Any) -> Any:
    answer = visitor.get(f"/okta-ure/api/{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- access


def routes() -> list[tuple[str, set[str]]]:
    from airflow_provider_okta_ure.plugin.app import app

    def found(some: Any) -> Iterator[tuple[str, set[str]]]:
        for route in some:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from found(inner.routes)
            else:
                yield re.sub(r"\{[^}]*\}", "main.js", route.path), set(getattr(route, "methods", ["MOUNT"]))

    return list(found(app.routes))


def test_every_route_asks_who_calls_but_those_for_public_keys(app: FastAPI, security: Security) -> None:
    asked = [path for path, _ in routes() if path not in PUBLIC]
    assert {"/api/filters", "/api/actions.csv"} <= set(asked)
    for path in asked:
        nobody = Visitor(app).get(f"/okta-ure{path}")
        assert nobody.status_code == 401, path
        assert Visitor(app, "no.token.atall").get(f"/okta-ure{path}").status_code in (401, 403), path
        forged = security.token("viewer")[:-4] + "AAAA"
        assert Visitor(app, forged).get(f"/okta-ure{path}").status_code in (401, 403), path


def test_every_route_with_data_takes_the_right_to_see_plugins(app: FastAPI, security: Security) -> None:
    without = Visitor(app, security.token(None))
    for path, _ in routes():
        if path.startswith("/api/"):
            answer = without.get(f"/okta-ure{path}")
            assert answer.status_code == 403, path
            assert answer.json()["remedy"], path


def test_nothing_can_be_changed() -> None:
    assert all(methods <= {"GET", "HEAD"} for _, methods in routes())


@pytest.mark.parametrize("by_cookie", [False, True])
def test_the_login_is_airflows_own_as_cookie_or_token(
    app: FastAPI, security: Security, log: ActionLog, by_cookie: bool
) -> None:
    visitor = Visitor(app, security.token("viewer"), by_cookie=by_cookie)
    assert ask(visitor, "actions")["rows"] == []


@pytest.mark.parametrize("entity", [None, "TASK_LOGS"], ids=["the-dag", "its-task-logs"])
def test_rows_of_a_dag_that_the_user_may_not_read_are_nowhere(
    viewer: Visitor, log: ActionLog, hide: Callable[..., None], entity: str | None
) -> None:
    secret: dict[str, Any] = {
        "dag_id": HIDDEN,
        "run_id": "secret_run",
        "reason": "ambiguous_user",
        "target_name": "Secret",
    }
    log.finish(
        [
            entry("ann"),
            entry("zed", org="https://secret.okta.com", **secret),
            addition("zed", status="failed", target="00gSECRET", **secret),
            addition("ann", 1, target="00gSECRET", **secret),
        ]
    )
    assert "zed" in viewer.get("/okta-ure/api/actions").text
    hide(HIDDEN, entity)
    for is_counted in (False, True):
        if is_counted:
            log.summarise()
        for path in PATHS:
            answer = viewer.get(f"/okta-ure/api/{path}")
            assert answer.status_code == 200, path
            for word in ("zed", "secret", "SECRET", "Secret", HIDDEN):
                assert word not in answer.text, (path, word)
        assert ask(viewer, "actions")["count"] == 1
        assert ask(viewer, "actions", dag_id=HIDDEN) == {
            "rows": [],
            "next": None,
            "count": 0,
            "count_is_exact": True,
            "silent": 0,
        }
        assert ask(viewer, "overview", dag_id=HIDDEN)["runs"] == []
        assert viewer.get("/okta-ure/api/person", user_name="zed").status_code == 404
        assert ask(viewer, "person", user_name="ann")["memberships"] == []
        assert ask(viewer, "people", q="zed")["people"] == []
        assert ask(viewer, "overview")["totals"] == {"people": 1, "done": 1, "failed": 0, "in_groups": 0}


def test_a_dag_that_airflow_does_not_know_is_seen_by_nobody(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry("ann", dag_id="deleted"), entry("bob", dag_id="")])
    assert ask(viewer, "actions")["rows"] == []
    assert ask(viewer, "people")["people"] == []


def test_answers_with_names_stay_in_no_cache_and_run_nothing(viewer: Visitor, log: ActionLog) -> None:
    for path in (*PATHS, "nothing-here", "actions?limit=0"):
        headers = viewer.get(f"/okta-ure/api/{path}").headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["content-type"].split(";")[0] in ("application/json", "text/csv"), path


# --- no action log


def test_no_action_log_yet_is_said_and_none_is_made(viewer: Visitor, tmp_path: Path) -> None:
    answer = viewer.get("/okta-ure/api/overview")
    assert (answer.status_code, answer.json()["state"]) == (404, "no_action_log")
    assert answer.json()["remedy"]
    assert "There is no action log" not in answer.json()["detail"]  # the page's own title
    assert not (tmp_path / "action_log.db").exists()


def test_a_log_that_appears_is_noticed(viewer: Visitor, tmp_path: Path) -> None:
    assert viewer.get("/okta-ure/api/actions").status_code == 404
    log = ActionLog.open(f"sqlite:///{tmp_path}/action_log.db")
    log.finish([entry("ann")])
    log.close()
    assert ask(viewer, "actions")["count"] == 1


@pytest.mark.parametrize(
    ("version", "status", "state"),
    [(None, 404, "no_action_log"), ("9999", 503, "unreachable")],
    ids=["empty", "newer"],
)
def test_a_table_of_another_version_is_not_read(
    viewer: Visitor, log: ActionLog, version: str | None, status: int, state: str
) -> None:
    with log.database.writing() as connection:
        connection.execute(text("DELETE FROM okta_ure_alembic_version"))
        if version:
            connection.execute(text("INSERT INTO okta_ure_alembic_version VALUES (:v)"), {"v": version})
    answer = viewer.get("/okta-ure/api/actions")
    assert (answer.status_code, answer.json()["state"]) == (status, state)


def test_a_database_that_is_not_there_is_told_without_its_address(
    viewer: Visitor, connect: Callable[..., None]
) -> None:
    connect(
        "okta_ure_action_log",
        conn_type="postgres",
        host="127.0.0.1",
        port=9,
        login="joe",
        password="sesame",
        schema="riskdb",
    )
    answer = viewer.get("/okta-ure/api/actions")
    assert (answer.status_code, answer.json()["state"]) == (503, "unreachable")
    assert not re.search("127.0.0.1|joe|sesame|riskdb", answer.text)


def test_a_connection_of_a_wrong_type_is_told_with_its_remedy(
    viewer: Visitor, connect: Callable[..., None]
) -> None:
    connect("okta_ure_action_log", conn_type="mysql", host="db")
    answer = viewer.get("/okta-ure/api/actions")
    assert (answer.status_code, answer.json()["state"]) == (503, "misconfigured")
    assert "mysql" in answer.json()["detail"]
    assert "postgres" in answer.json()["remedy"]


def test_a_changed_connection_is_noticed(tmp_path: Path) -> None:
    from airflow_provider_okta_ure.plugin.store import LOOK_AGAIN, Store

    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "two")]
    for url in urls:
        ActionLog.open(url).close()
    now = 0.0
    place = urls[0]
    store = Store(lambda: place, lambda: now)
    first = store.open()
    place = urls[1]
    assert store.open() is first
    now = LOOK_AGAIN + 1
    assert store.open().database.file == tmp_path / "two.db"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_page_cannot_write(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    from airflow_provider_okta_ure.errors import ActionLogError
    from airflow_provider_okta_ure.plugin.store import Store

    url = f"sqlite:///{tmp_path}/log.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with_rows = ActionLog.open(url)
    with_rows.finish([entry("ann")])
    with_rows.close()
    log = Store(lambda: url).open()
    assert log.count(Filter()) == 1
    with pytest.raises(ActionLogError, match=r"read.?only"):
        log.finish([entry("bob")])
    log.database.close()


# --- answers


def test_every_entry_is_on_exactly_one_page(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry(f"user{number:02}", number % 3) for number in range(25)])
    newest_first = [one.id for one in log.search(Filter(), limit=100)]
    for sort, expected in (("-as_of", newest_first), ("as_of", newest_first[::-1])):
        seen, cursor = [], ""
        while True:
            page = ask(viewer, "actions", limit=7, cursor=cursor, sort=sort)
            seen += [row["id"] for row in page["rows"]]
            assert (page["count"], page["count_is_exact"]) == (25, True)
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == expected


def test_filters_are_alternatives_of_one_field_and_all_fields_together(
    viewer: Visitor, log: ActionLog
) -> None:
    log.finish(
        [
            entry("ann", status="failed", reason="user_not_in_okta"),
            entry("bob", status="skipped", reason="superseded", risk_level="low"),
            entry("cid", 1),
            addition("ann", 1, status="unchanged"),
        ]
    )

    def users(**params: Any) -> list[str]:
        found = ask(viewer, "actions", **params)
        assert found["count"] == len(found["rows"])
        return sorted(row["user_name"] for row in found["rows"])

    assert users(status=["failed", "skipped"]) == ["ann", "bob"]
    assert users(status=["failed", "skipped"], risk_level="low") == ["bob"]
    assert users(reason="superseded") == ["bob"]
    assert users(user="AN") == ["ann", "ann"]
    assert users(user_key="cid") == users(user="cid", since="2026-11-22T00:00:00Z") == ["cid"]
    assert users(group="At risk") == users(group="00gRISK", action="add_to_group") == ["ann"]
    assert users(until="2026-11-23T01:00:00+01:00") == ["ann", "cid"]
    assert users(run_id="scheduled__0+00:00", task_id="push_risk", org=ORG) == ["ann", "bob"]
    assert users(dag_id=WATCH) == users(org="https://other.okta.com") == users(user="%") == []


def test_an_entry_says_what_its_reason_means_and_where_more_is(
    viewer: Visitor, log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://corp.example/airflow/")
    log.finish([addition(IMG, status="skipped", reason="superseded", map_index=3)])
    (row,) = ask(viewer, "actions")["rows"]
    assert row["user_name"] == IMG
    assert row["as_of"] == "2026-11-23T00:00:00Z"
    assert row["reason_title"]
    assert row["reason_remedy"]
    run = f"/airflow/dags/{SYNC}/runs/scheduled__0%2B00%3A00"
    assert row["links"] == {
        "run": run,
        "task": f"{run}/tasks/add_to_group/mapped/3",
        "user": "https://acme-admin.okta.com/admin/user/profile/view/00uIMGSRC",
        "group": "https://acme-admin.okta.com/admin/group/00gRISK",
    }


def test_the_csv_is_what_is_filtered_and_no_spreadsheet_runs_it(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry(FORMULA), entry(IMG), entry("other", status="failed")])
    answer = viewer.get("/okta-ure/api/actions.csv", status="done")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["user_name"] for row in rows} == {f"'{FORMULA}", IMG}
    assert set(rows[0]) == set(Entry.__struct_fields__)


def test_the_overview_has_the_numbers_of_the_log(viewer: Visitor, log: ActionLog) -> None:
    log.finish(
        [
            entry("ann"),
            entry("bob", status="failed", reason="user_not_in_okta", message="no such user"),
            addition("ann"),
            addition("cid", status="unchanged", risk_level="medium"),
            addition("ann", 2, action="remove_from_group", risk_level="", task_id="remove_from_group"),
            entry("old", 60),
        ]
    )
    log.record_task(cost_of("add_to_group"))
    found = ask(viewer, "overview", since="2026-11-01T00:00:00Z")
    assert found["levels"] == [
        {"as_of": "2026-11-21T00:00:00Z", "high": 0, "medium": 0, "low": 0, "none": 1},
        {"as_of": "2026-11-23T00:00:00Z", "high": 2, "medium": 1, "low": 0, "none": 0},
    ]
    assert [run["as_of"] for run in found["runs"]] == ["2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"]
    newest = found["runs"][-1]
    assert (newest["pushed"], newest["confirmed"], newest["seconds"]) == (1, 0, 2.5)
    assert newest["calls"] == {"/api/v1/groups": {"calls": 4, "limit": 500, "ours": 400}}
    assert newest["actions"]["push_risk"]["failed"] == 1
    assert newest["actions"]["add_to_group"]["unchanged"] == 1
    assert found["totals"] == {"people": 1, "done": 3, "failed": 1, "in_groups": 1}
    (failure,) = found["failures"]
    assert failure["title"]
    assert failure["remedy"]
    assert failure["link"] == failure["links"]["task"]
    assert [row["user_name"] for row in found["today"]["added"]] == ["ann"]
    assert (found["today"]["removed"], found["today"]["run_id"]) == ([], "scheduled__0+00:00")
    earlier = ask(viewer, "overview", since="2026-11-01T00:00:00Z", until="2026-11-22T00:00:00Z")
    assert [row["user_name"] for row in earlier["today"]["removed"]] == ["ann"]
    assert earlier["totals"]["in_groups"] == 0


def test_one_screen_answers_why_somebody_is_in_a_group(viewer: Visitor, log: ActionLog) -> None:
    ends = TODAY + timedelta(days=14)
    log.finish([entry("Ann"), addition("Ann", expires_at=ends), entry("Ann", 1, status="unchanged")])
    found = ask(viewer, "person", user_name="ann")
    assert found["person"]["user_name"] == "Ann"
    (membership,) = found["memberships"]
    assert membership["expires_at"] == "2026-12-07T00:00:00Z"
    assert membership["why"] == "score 103 (higher is safer) matched the rule: score <= 500"
    assert [event["status"] for event in found["events"]] == ["done", "done"]
    assert len(ask(viewer, "person", user_id="00uANN", unchanged="true")["events"]) == 3
    assert len(found["scores"]) == 2


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("", "chosen by a list of users", id="no-rule"),
        pytest.param("previous_score > 900", "matched the rule: previous_score > 900", id="not-in-the-log"),
        pytest.param("not a rule at all (", "matched the rule: not a rule at all (", id="broken"),
    ],
)
def test_a_reason_is_given_whatever_the_rule_was(
    viewer: Visitor, log: ActionLog, rule: str, expected: str
) -> None:
    log.finish([addition("Ann", rule=rule)])
    (membership,) = ask(viewer, "person", user_id="00uANN")["memberships"]
    assert expected in membership["why"]


def test_what_there_is_to_filter_by(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry("ann", reason="superseded"), addition("bob", org="https://risk.corp.example")])
    found = ask(viewer, "filters")
    assert found["dags"] == [SYNC]
    assert found["okta"] == {
        ORG: {"admin_url": "https://acme-admin.okta.com"},
        # Nobody can tell the admin console of a domain of one's own.
        "https://risk.corp.example": {"admin_url": None},
    }
    assert found["groups"] == [{"org": "https://risk.corp.example", "name": "At risk", "id": "00gRISK"}]
    (superseded,) = found["reasons"]
    assert superseded["codes"] == ["superseded"]
    assert superseded["title"] != "superseded"


def test_reasons_with_the_same_words_are_one_choice_that_means_all_of_them(
    viewer: Visitor, log: ActionLog
) -> None:
    log.finish(
        [
            addition("ann", status="unchanged", reason="already_member"),
            entry("ann", status="unchanged", reason="same_level"),
            entry("bob", status="skipped", reason="superseded"),
            entry("cid", status="skipped", reason="a_new_one"),
        ]
    )
    titles = {one["title"]: one["codes"] for one in ask(viewer, "filters")["reasons"]}
    assert ["already_member", "same_level"] in titles.values()
    assert titles["a new one"] == ["a_new_one"]
    assert len(titles) == 3
    assert ask(viewer, "actions", reason=["already_member", "same_level"])["count"] == 2


def test_what_a_task_refused_is_not_what_okta_refused(viewer: Visitor, log: ActionLog) -> None:
    log.finish([addition("ann", status="planned", reason="plan_refused")])
    (reason,) = ask(viewer, "filters")["reasons"]
    by_limits, by_okta = entry_for_topic("blast-radius"), entry_for_reason("refused")
    assert by_limits is not None
    assert by_okta is not None
    assert reason == {"title": "Plan refused", "codes": ["plan_refused"]}
    (row,) = ask(viewer, "actions")["rows"]
    assert (row["reason_title"], row["reason_remedy"]) == ("Plan refused", by_limits.remedy)
    log.finish([addition("bob", status="failed", reason="refused")])
    titles = {one["title"]: one["codes"] for one in ask(viewer, "filters")["reasons"]}
    assert titles == {"Plan refused": ["plan_refused"], by_okta.title: ["refused"]}


def test_a_group_is_found_under_its_id_and_under_the_name_it_had_before(
    viewer: Visitor, log: ActionLog
) -> None:
    log.finish([addition("ann", 1, target="name:at risk", status="planned"), addition("bob")])
    (group,) = ask(viewer, "filters")["groups"]
    assert group["id"] == "00gRISK"
    assert ask(viewer, "actions", group="00gRISK")["count"] == 2
    answer = viewer.get("/okta-ure/api/actions.csv", group="00gRISK")
    assert {row["user_name"] for row in csv.DictReader(io.StringIO(answer.text))} == {"ann", "bob"}


def test_the_search_says_when_there_are_more(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry(f"user{number}") for number in range(3)])
    few = ask(viewer, "people", q="user", limit=2)
    assert ([one["user_name"] for one in few["people"]], few["more"]) == (["user0", "user1"], True)
    assert ask(viewer, "people", q="user", limit=3)["more"] is False


def test_what_a_dry_run_would_do_is_on_the_overview(viewer: Visitor, log: ActionLog) -> None:
    planned: dict[str, Any] = {"status": "planned", "reason": "dry_run"}
    log.finish([addition("ann", **planned), entry("bob", **planned), entry("old", 1)])
    found = ask(viewer, "overview", since="2026-11-01T00:00:00Z")
    today = found["today"]
    assert [one["user_name"] for one in today["planned"]["added"]] == ["ann"]
    assert [one["user_name"] for one in today["planned"]["pushed"]] == ["bob"]
    assert (today["added"], today["pushed"]) == ([], [])
    assert {(one["task_id"], one["reason"], one["entries"]) for one in today["plans"]} == {
        ("add_to_group", "dry_run", 1),
        ("push_risk", "dry_run", 1),
    }
    assert found["totals"]["done"] == 1


def test_a_refused_plan_says_by_which_id_it_is_approved(viewer: Visitor, log: ActionLog) -> None:
    message = "40 of 60 members would change, and 20 % may: plan 8f0c2d9a1b3e4f55, nothing was written."
    log.finish([addition("ann", status="planned", reason="plan_refused", message=message)])
    (plan,) = ask(viewer, "overview", since="2026-11-01T00:00:00Z")["today"]["plans"]
    assert (plan["plan_id"], plan["message"]) == ("8f0c2d9a1b3e4f55", message)
    assert plan["link"].endswith("/tasks/add_to_group")


def test_a_run_that_found_nobody_to_act_on_is_a_run_all_the_same(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry("ann", 3)])
    log.record_task(cost_of("fetch_scores", run_id="manual__1"))
    found = ask(viewer, "overview", since="2026-11-01T00:00:00Z")
    assert (found["today"]["run_id"], found["today"]["added"]) == ("manual__1", [])
    (run,) = ask(viewer, "overview", dag_id=SYNC, run_id="manual__1")["runs"]
    assert run["actions"] == {}


def asked(answer: str = "", **more: Any) -> ApprovalRecord:
    fields: dict[str, Any] = {
        "dag_id": SYNC,
        "run_id": "manual__1",
        "task_id": "approve",
        "as_of": TODAY,
        "subject": "Okta: 4 changes",
        "asked_at": TODAY,
        "answer": answer,
        "answered_by": "Eve" if answer else "",
        "answered_at": TODAY + timedelta(hours=2) if answer else None,
    }
    return ApprovalRecord(**{**fields, **more})


@pytest.mark.parametrize(
    ("record", "answer", "when"),
    [
        pytest.param(asked("rejected"), "rejected", "2026-11-23T02:00:00Z", id="rejected"),
        pytest.param(asked("approved"), "approved", "2026-11-23T02:00:00Z", id="approved"),
        pytest.param(asked(due_at=datetime(2999, 1, 1, tzinfo=timezone.utc)), "", None, id="waiting"),
        pytest.param(
            asked(due_at=TODAY + timedelta(hours=1)), "unanswered", "2026-11-23T01:00:00Z", id="overdue"
        ),
    ],
)
def test_who_answered_an_approval_is_on_the_overview_and_in_the_run(
    viewer: Visitor, log: ActionLog, record: ApprovalRecord, answer: str, when: str | None
) -> None:
    with log.database.writing() as connection:
        write_approval(connection, record)
    for params in ({"since": "2026-11-01T00:00:00Z"}, {"dag_id": SYNC, "run_id": "manual__1"}):
        found = ask(viewer, "overview", **params)
        assert [run["run_id"] for run in found["runs"]] == ["manual__1"]
        (shown,) = found["today"]["approvals"]
        assert (shown["answer"], shown["answered_at"]) == (answer, when)
        assert shown["answered_by"] == record.answered_by
        assert shown["link"].removesuffix("/required_actions").endswith("/manual__1/tasks/approve")
        assert shown["link"].endswith("/required_actions") == (answer == "")


def test_an_approval_that_still_waits_is_shown_though_a_later_run_is_the_latest(
    viewer: Visitor, log: ActionLog
) -> None:
    later = datetime(2999, 1, 1, tzinfo=timezone.utc)
    log.finish([entry("ann", -1)])
    with log.database.writing() as connection:
        write_approval(connection, asked(due_at=later))
        write_approval(connection, asked("rejected", run_id="manual__2"))
        write_approval(connection, asked(due_at=TODAY, run_id="manual__3"))
    found = ask(viewer, "overview", since="2026-11-01T00:00:00Z")
    assert found["today"]["approvals"] == []
    assert [one["run_id"] for one in found["waiting"]] == ["manual__1"]


def test_an_approval_of_a_dag_that_the_user_may_not_read_is_nowhere(
    viewer: Visitor, log: ActionLog, hide: Callable[..., None]
) -> None:
    log.finish([entry("ann", -1)])
    with log.database.writing() as connection:
        write_approval(connection, asked(dag_id=HIDDEN, run_id="waits", subject="Zed's"))
    with log.database.writing() as connection:
        write_approval(connection, asked("rejected", dag_id=HIDDEN, answered_by="Zed"))
    assert "Zed" in viewer.get("/okta-ure/api/overview", since="2026-11-01T00:00:00Z").text
    hide(HIDDEN)
    assert "Zed" not in viewer.get("/okta-ure/api/overview", since="2026-11-01T00:00:00Z").text
    hidden = ask(viewer, "overview", dag_id=HIDDEN, run_id="manual__1")
    assert (hidden["runs"], hidden["today"]["approvals"]) == ([], [])


def test_what_the_tasks_of_a_run_warned_of_is_shown_once_each(viewer: Visitor, log: ActionLog) -> None:
    stale = "The newest score is 40 hours old."
    log.record_task(msgspec.structs.replace(cost_of("fetch_scores"), map_index=0, warnings=(stale,)))
    log.record_task(msgspec.structs.replace(cost_of("fetch_scores"), map_index=1, warnings=(stale, "Other.")))
    log.record_task(cost_of("add_to_group"))
    assert ask(viewer, "overview", since="2026-11-01T00:00:00Z")["today"]["warnings"] == [
        {"task_id": "fetch_scores", "text": stale},
        {"task_id": "fetch_scores", "text": "Other."},
    ]


def test_a_membership_names_who_holds_it_and_no_dag_that_the_user_may_not_read(
    viewer: Visitor, log: ActionLog, hide: Callable[..., None]
) -> None:
    held: dict[str, Any] = {"status": "unchanged", "reason": "already_member"}
    log.finish([addition("ann", 2), addition("ann", 1, dag_id=HIDDEN, task_id="keep", **held)])
    log.finish([addition("bob", 2)])

    def holders(user: str) -> tuple[list[str], bool]:
        (membership,) = ask(viewer, "person", user_name=user)["memberships"]
        names = [f"{one['dag_id']}.{one['task_id']}" for one in membership["held_by"]]
        return names, membership["held_by_others"]

    assert holders("ann") == ([f"{SYNC}.add_to_group", f"{HIDDEN}.keep"], False)
    assert holders("bob") == ([f"{SYNC}.add_to_group"], False)
    hide(HIDDEN)
    assert holders("ann") == ([f"{SYNC}.add_to_group"], True)
    assert holders("bob") == ([f"{SYNC}.add_to_group"], False)
    assert HIDDEN not in viewer.get("/okta-ure/api/person", user_name="ann").text


def test_a_membership_is_shown_to_whoever_may_read_a_dag_that_holds_it(
    viewer: Visitor, log: ActionLog, hide: Callable[..., None]
) -> None:
    held: dict[str, Any] = {"status": "unchanged", "reason": "already_member"}
    log.finish([addition("ann", 3, dag_id=HIDDEN), addition("ann", 2, **held), addition("ann", 1, **held)])
    hide(HIDDEN)
    (membership,) = ask(viewer, "person", user_name="ann")["memberships"]
    assert (membership["status"], membership["since"]) == ("unchanged", "2026-11-22T00:00:00Z")
    assert [one["dag_id"] for one in membership["held_by"]] == [SYNC]
    assert membership["held_by_others"] is True
    # It lets go; the other one still holds.
    log.finish([addition("ann", 0, action="remove_from_group", status="skipped", reason="held_by_others")])
    assert ask(viewer, "person", user_name="ann")["memberships"] == []


def test_why_the_latest_run_is_for_its_time_is_said_when_it_is_known(viewer: Visitor, log: ActionLog) -> None:
    log.record_task(cost_of("fetch_scores"))
    assert ask(viewer, "overview", since="2026-11-01T00:00:00Z")["today"]["as_of_reason"] is None
    log.record_task(msgspec.structs.replace(cost_of("add_to_group"), as_of_reason="triggered"))
    reason = ask(viewer, "overview", since="2026-11-01T00:00:00Z")["today"]["as_of_reason"]
    assert reason == "this manual run was triggered then"


def test_what_is_only_recorded_is_no_change_in_okta(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry("ann"), entry("bob", action="no_action", target="", task_id="note")])
    found = ask(viewer, "overview", since="2026-11-01T00:00:00Z")
    assert (found["totals"]["done"], found["totals"]["people"]) == (1, 1)
    assert [one["user_name"] for one in found["today"]["recorded"]] == ["bob"]


ANSWER = "Okta refused (HTTP 403: E0000006 no (really)) [request id r1]."


@pytest.mark.parametrize(
    ("advice", "topic", "remedy"),
    [
        pytest.param(
            "{group_not_writable}", "group_not_writable", "{group_not_writable}", id="of-the-catalogue"
        ),
        pytest.param("Ask Ann.", "not_permitted", "Ask Ann.", id="of-the-error"),
        pytest.param("", "not_permitted", "{not_permitted}", id="of-the-reason"),
    ],
)
def test_a_failure_has_one_remedy_the_one_that_fits(
    viewer: Visitor, log: ActionLog, advice: str, topic: str, remedy: str
) -> None:
    known = {code: entry_for_reason(code) for code in ("group_not_writable", "not_permitted")}
    texts = {code: trouble.remedy for code, trouble in known.items() if trouble}
    message = f"{ANSWER} {advice.format(**texts)}".rstrip()
    log.finish([addition("ann", status="failed", reason="not_permitted", message=message)])
    (failure,) = ask(viewer, "overview", since="2026-11-01T00:00:00Z")["failures"]
    assert (failure["message"], failure["remedy"]) == (ANSWER, remedy.format(**texts))
    trouble = known[topic]
    assert trouble is not None
    assert failure["title"] == trouble.title


def test_a_failure_that_nobody_explains_is_shown_as_it_is(viewer: Visitor, log: ActionLog) -> None:
    log.finish([addition("ann", status="failed", reason="unheard_of", message="It broke.")])
    (failure,) = ask(viewer, "overview", since="2026-11-01T00:00:00Z")["failures"]
    assert (failure["title"], failure["message"], failure["remedy"]) == ("It broke.", "It broke.", None)


def test_the_bounds_of_the_levels_are_given_unless_other_ones_were_used(
    viewer: Visitor, log: ActionLog
) -> None:
    log.finish(
        [entry("ann", score=250), entry("bob", score=250, score_level="high"), entry("cid", score=None)]
    )
    assert ask(viewer, "person", user_name="ann")["bounds"] == [250, 500, 750]
    assert ask(viewer, "person", user_name="cid")["bounds"] == [250, 500, 750]
    assert ask(viewer, "person", user_name="bob")["bounds"] is None


# --- requests that are wrong


@pytest.mark.parametrize(
    "query",
    [
        "actions?limit=0",
        "actions?limit=501",
        "actions?limit=x",
        "actions?sort=score",
        "actions?cursor=abc",
        "actions?cursor=WyIyMDI2LTExLTIzIiwxXQ",
        "actions?since=yesterday",
        "actions?since=2026-11-23T00:00:00",
        "actions?since=0001-01-01T00:00:00%2B14:00",
        "actions?until=9999-12-31T23:59:59-14:00",
        "actions?user=%00",
        "actions?action=a%0Ab",
        f"actions?user={'x' * 256}",
        "overview?since=x",
        "people?limit=101",
        "people?q=%00",
        "person",
        "person?user_name=%1f",
    ],
)
def test_a_request_that_is_wrong_is_told_what(viewer: Visitor, log: ActionLog, query: str) -> None:
    answer = viewer.get(f"/okta-ure/api/{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]
    assert answer.json()["remedy"]


NAMES = [
    "user",
    "user_key",
    "org",
    "group",
    "run_id",
    "task_id",
    "action",
    "status",
    "reason",
    "risk_level",
    "dag_id",
    "since",
    "until",
    "sort",
    "cursor",
    "limit",
    "q",
    "user_name",
    "user_id",
    "unchanged",
]
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["2026-11-23T00:00:00Z", "ann", "done", "%", "_", "\\", "'", '"', "1", "-1", "as_of", SYNC]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
)


@given(
    path=st.sampled_from(["filters", "overview", "actions", "actions.csv", "people", "person"]),
    params=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
)
@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_request_breaks_it(viewer: Visitor, log: ActionLog, path: str, params: dict[str, str]) -> None:
    log.finish([entry("ann"), addition("ann")])
    answer = viewer.get(f"/okta-ure/api/{path}", **params)
    assert answer.status_code in (200, 400, 404, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["detail"]
