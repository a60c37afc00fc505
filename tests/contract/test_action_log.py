"""The action log on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from sqlalchemy import inspect, text

from airflow_provider_okta_ure.action_log import migrating, retention
from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.migrating import newest_version, upgrade, version_of
from airflow_provider_okta_ure.action_log.searching import Cursor, Filter
from airflow_provider_okta_ure.action_log.tables import actions, metadata
from airflow_provider_okta_ure.action_log.tasks import TaskKey
from airflow_provider_okta_ure.errors import ActionLogError, ConfigurationError, LockedError

ORG, ISSUER, GROUP = "https://acme.okta.com", "https://risk.corp.example", "00gGROUP"
DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
NO_PATIENCE = Waiting(seconds=0)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def entry(user: str = "00uANN", at: int = 0, **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": ORG,
        "action": "push_risk",
        "target": ISSUER,
        "user_key": user,
        "user_name": f"{user.lower()}@corp.example",
        "as_of": day(at),
        "started_at": day(at),
        "recorded_at": day(at),
        "status": "done",
        "risk_level": "high",
    }
    return Entry(**{**known, **fields})


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, NO_PATIENCE)
    yield opened
    opened.close()


def everything(log: ActionLog) -> list[Entry]:
    return list(log.iterate(Filter()))


def about(log: ActionLog, at: int = 0, user: str = "00uANN") -> Entry | None:
    found = log.find(org=ORG, action="push_risk", target=ISSUER, as_of=day(at), users=[user])
    return found.get(user)


# --- the table


def test_the_migrations_make_the_table_that_the_code_uses(log: ActionLog, log_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(thing: Any, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in metadata.tables

    with log.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert {column["name"] for column in inspect(connection).get_columns(actions.name)} == set(
            actions.c.keys()
        )


def test_the_newest_version_is_the_last_migration() -> None:
    assert newest_version() == migrating._scripts().get_current_head()


def test_opening_a_log_that_is_up_to_date_says_nothing(
    log: ActionLog, log_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    with caplog.at_level("INFO"):
        ActionLog.open(log_url, NO_PATIENCE).close()
    assert caplog.text == ""


def test_opening_twice_changes_nothing_and_keeps_what_is_there(log: ActionLog, log_url: str) -> None:
    log.finish([entry()])
    again = ActionLog.open(log_url, NO_PATIENCE)
    assert everything(again) == everything(log)
    assert upgrade(again.database) == (newest_version(), newest_version())
    again.close()


def test_a_table_of_a_newer_version_is_refused(log: ActionLog, log_url: str) -> None:
    with log.database.writing() as connection:
        connection.execute(text("UPDATE okta_ure_alembic_version SET version_num = '9999'"))
    with pytest.raises(ActionLogError, match="9999") as caught:
        ActionLog.open(log_url, NO_PATIENCE)
    assert not caught.value.retryable


def test_many_who_open_at_the_same_time_make_one_table(log_url: str) -> None:
    patient = Waiting(seconds=60, every=0.01)
    with ThreadPoolExecutor(8) as pool:
        logs = list(pool.map(lambda _: ActionLog.open(log_url, patient), range(8)))
    assert {version_of(one.database) for one in logs} == {newest_version()}
    for one in logs:
        one.close()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "not a url secret", "postgresql+nodriver://u:secret@h/d"]
)
def test_another_kind_of_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(ActionLogError) as caught:
        ActionLog.open("postgresql+psycopg2://ann:secret@127.0.0.1:1/log")
    assert caught.value.retryable
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


# --- writing


def test_what_was_written_is_read_back(log: ActionLog) -> None:
    full = entry(
        action="add_to_group",
        target=GROUP,
        target_name="Netskope at risk",
        user_id="00uANN",
        login="Ann@corp.example",
        dag_id="d",
        run_id="r",
        task_id="t",
        map_index=3,
        try_number=2,
        source="netskope_default",
        rule="score <= 500",
        score=120,
        score_level="critical",
        previous_risk_level="low",
        reason="x",
        message="y",
        http_status=204,
        request_id="req",
        jti="j",
        expires_at=day(14),
        approved_by="eve",
    )
    log.finish([full])
    assert [msgspec.structs.replace(one, id=None) for one in everything(log)] == [full]


def test_a_moment_of_another_offset_is_the_same_moment(log: ActionLog) -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    log.finish([entry(as_of=day(0).astimezone(elsewhere))])
    assert about(log) is not None


def test_a_moment_without_offset_is_refused(log: ActionLog) -> None:
    with pytest.raises(Exception, match="no UTC offset"):
        log.finish([entry(as_of=datetime(2026, 11, 20))])  # noqa: DTZ001  # the point of the test
    assert everything(log) == []


def test_over_long_text_is_cut_and_not_refused(log: ActionLog) -> None:
    log.finish([entry(message="x" * 5000, login="l" * 400, user_name="n" * 400, request_id="r" * 400)])
    assert len(everything(log)[0].message) == 1000


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        ("started", "done", "done"),
        ("failed", "done", "done"),
        ("skipped", "unchanged", "unchanged"),
        ("unchanged", "failed", "failed"),
        ("planned", "skipped", "skipped"),
        ("done", "unchanged", "done"),
        ("done", "failed", "done"),
        ("done", "skipped", "done"),
        ("done", "planned", "done"),
        ("unchanged", "planned", "unchanged"),
        ("started", "planned", "started"),
        ("planned", "planned", "planned"),
    ],
)
def test_a_lesser_status_never_replaces_a_greater_one(
    log: ActionLog, first: Any, then: Any, kept: str
) -> None:
    log.finish([entry(status=first)])
    log.finish([entry(status=then)])
    assert [one.status for one in everything(log)] == [kept]


def test_an_intent_keeps_the_moment_of_the_first_try(log: ActionLog) -> None:
    log.begin([entry(status="started", started_at=day(0), jti="first")])
    log.begin([entry(status="started", started_at=day(1), jti="second")])
    log.finish([entry(status="failed", started_at=day(2))])
    log.begin([entry(status="started", started_at=day(3))])
    found = about(log)
    assert found is not None
    assert (found.status, found.started_at) == ("started", day(0))


def test_an_intent_never_takes_back_what_is_done(log: ActionLog) -> None:
    log.finish([entry(jti="j")])
    log.begin([entry(status="started", jti="")])
    found = about(log)
    assert found is not None
    assert (found.status, found.jti) == ("done", "j")


def test_the_same_entry_twice_in_one_write_counts_once(log: ActionLog) -> None:
    log.finish([entry(reason="a"), entry(reason="b")])
    assert [one.reason for one in everything(log)] == ["b"]


def test_several_writers_lose_nothing(log: ActionLog) -> None:
    def write(number: int) -> None:
        log.finish([entry(f"00u{number}-{one}") for one in range(50)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    assert len(everything(log)) == 800


# --- questions


def test_the_last_delivered_is_the_newest_done_before_the_moment(log: ActionLog) -> None:
    log.finish(
        [
            entry(at=1, risk_level="low"),
            entry(at=3, risk_level="high"),
            entry(at=2, risk_level="medium"),
            entry(at=4, status="failed"),
            entry(at=1, target="https://another.example"),
            entry(at=2, org="https://another.okta.com"),
            entry("00uBOB", at=5),
        ]
    )

    def delivered(before: int) -> dict[str, str]:
        found = log.last_done(
            org=ORG, doing=["push_risk"], target=ISSUER, users=["00uANN", "00uBOB"], before=day(before)
        )
        return {user: one.risk_level for user, one in found.items()}

    assert delivered(1) == {}
    assert delivered(2) == {"00uANN": "low"}
    assert delivered(3) == {"00uANN": "medium"}
    assert delivered(6) == {"00uANN": "high", "00uBOB": "high"}


def test_everybody_whose_last_group_action_is_an_addition(log: ActionLog) -> None:
    both: list[Any] = ["add_to_group", "remove_from_group"]
    log.finish(
        [
            entry("00uIN", at=1, action="add_to_group", target=GROUP),
            entry("00uOUT", at=1, action="add_to_group", target=GROUP),
            entry("00uOUT", at=2, action="remove_from_group", target=GROUP),
            entry("00uBACK", at=1, action="remove_from_group", target=GROUP),
            entry("00uBACK", at=2, action="add_to_group", target=GROUP),
            entry("00uNEVER", at=2, action="add_to_group", target=GROUP, status="unchanged"),
        ]
    )
    last = log.last_done(org=ORG, doing=both, target=GROUP)
    assert {user for user, one in last.items() if one.action == "add_to_group"} == {"00uIN", "00uBACK"}


def test_a_later_decision_counts_whether_or_not_it_wrote_but_no_plan(log: ActionLog) -> None:
    log.finish(
        [
            entry("00uA", at=3, status="unchanged", dag_id="sync", task_id="push"),
            entry("00uB", at=3, status="planned", dag_id="sync", task_id="push"),
            entry("00uC", at=1, dag_id="sync", task_id="push"),
        ]
    )

    def later(after: int) -> dict[str, datetime]:
        found = log.newest_decisions(
            org=ORG,
            doing=["push_risk"],
            target=ISSUER,
            users=["00uA", "00uB", "00uC"],
            after=day(after),
            dag_id="sync",
        )
        return {user: one.as_of for user, one in found.items()}

    assert later(2) == {"00uA": day(3)}
    assert later(3) == {}
    of_task: Any = {"org": ORG, "action": "push_risk", "dag_id": "sync", "task_id": "push"}
    assert log.newest_moment(target=ISSUER, **of_task) == day(3)
    assert log.newest_moment(target="nobody", **of_task) is None
    assert log.newest_moment(target=ISSUER, **{**of_task, "task_id": "other"}) is None


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        pytest.param({"status": "done"}, True, id="what it did"),
        pytest.param({"status": "started"}, True, id="what it may have done"),
        pytest.param({"status": "unchanged", "reason": "same_level"}, True, id="the level that Okta knows"),
        pytest.param({"status": "unchanged", "reason": "never_told"}, False, id="its own rules"),
        pytest.param({"status": "failed", "reason": "refused", "http_status": 400}, False, id="its failure"),
    ],
)
def test_of_a_later_decision_of_another_dag_only_what_it_did_counts(
    log: ActionLog, fields: dict[str, Any], counts: bool
) -> None:
    log.finish([entry("00uA", at=3, dag_id="hourly", **fields)])
    asked: Any = {"org": ORG, "doing": ["push_risk"], "target": ISSUER, "users": ["00uA"], "after": day(2)}
    assert bool(log.newest_decisions(dag_id="daily", **asked)) == counts
    assert log.newest_decisions(dag_id="hourly", **asked)


def test_more_users_than_fit_into_one_statement(log: ActionLog) -> None:
    users = [f"00u{number}" for number in range(1203)]
    log.finish([entry(user) for user in users])
    assert set(log.find(org=ORG, action="push_risk", target=ISSUER, as_of=day(0), users=users)) == set(users)


def test_the_last_reading_of_a_source_is_from_before(log: ActionLog) -> None:
    tenant = "https://acme.goskope.com"
    read = {"org": tenant, "action": "fetch_scores", "target": "series"}
    log.finish(
        [
            entry("one", at=1, users=100, source="one", **read),
            entry("one", at=2, users=90, source="one", **read),
            entry("one", at=3, users=1, source="one", **read),
            entry("two", at=2, users=7, source="two", **read),
        ]
    )

    def last(source: str, target: str, before: int) -> int | None:
        found = log.last_reading(org=tenant, target=target, source=source, before=day(before))
        return found.users if found else None

    assert last("one", "series", 3) == 90
    assert last("two", "series", 3) == 7
    assert last("one", "series", 1) is None
    assert last("one", "list", 3) is None
    assert log.size_of_source("one", not_after=day(2)) == 90
    assert log.size_of_source("three", not_after=day(2)) == 0


# --- reading for people


def test_a_filter_is_all_of_its_fields(log: ActionLog) -> None:
    log.finish(
        [
            entry("00uANN", at=0, login="Ann.Lee@corp.example", dag_id="a"),
            entry("00uANN", at=1, action="add_to_group", target=GROUP, target_name="At risk", dag_id="a"),
            entry("00uBOB", at=2, status="failed", reason="not_permitted", dag_id="b"),
        ]
    )

    def found(**fields: Any) -> list[int]:
        return [(one.as_of - DAY).days for one in log.search(Filter(**fields))]

    assert found() == [2, 1, 0]
    assert found(user="ann.LEE") == [0]
    assert found(user="00uANN") == [1, 0]
    assert found(user="%") == []
    assert found(user="00uann@corp") == [1, 0]
    assert found(group="At risk") == [1]
    assert found(group=GROUP) == [1]
    assert found(group=ISSUER) == []
    assert found(action=["add_to_group"]) == [1]
    assert found(status=["failed", "done"], dag_ids=["b"]) == [2]
    assert found(dag_ids=[]) == []
    assert found(reason=["not_permitted"]) == [2]
    assert found(since=day(1), until=day(2)) == [1]
    assert log.count(Filter(user_key="00uANN")) == 2
    assert log.count(Filter(), most=2) == 2


def test_pages_follow_one_another_without_gap_or_repetition_while_the_log_grows(log: ActionLog) -> None:
    log.finish([entry(f"00u{number:03}", at=number % 3) for number in range(50)])
    seen: list[Entry] = []
    after: Cursor | None = None
    while page := log.search(Filter(), limit=7, after=after):
        seen += page
        after = Cursor(page[-1].as_of, page[-1].id or 0)
        log.finish([entry(f"00uNEW{len(seen)}", at=9)])
    assert len(seen) == len({one.id for one in seen}) == 50
    assert [one.as_of for one in seen] == sorted((one.as_of for one in seen), reverse=True)
    assert len(everything(log)) > 50


# --- confirmation


def test_a_confirmation_stays(log: ActionLog) -> None:
    log.finish([entry(dag_id="d", run_id="r"), entry("00uBOB", dag_id="d", run_id="r", status="failed")])
    (pushed,) = log.pushed_in_run(dag_id="d", run_id="r")
    assert pushed.user_key == "00uANN"
    number = pushed.id or 0
    log.confirm([Found(entry_id=number, confirmation="missing")])
    log.confirm([Found(entry_id=number, confirmation="confirmed", confirmed_at=day(1), log_event_id="e")])
    log.confirm([Found(entry_id=number, confirmation="missing")])
    log.confirm([])
    log.finish([entry(dag_id="d", run_id="r", message="again")])
    found = about(log)
    assert found is not None
    assert (found.confirmation, found.confirmed_at, found.log_event_id) == ("confirmed", day(1), "e")


# --- retention


def test_pruning_keeps_what_the_next_run_has_to_know(log: ActionLog) -> None:
    group = {"action": "add_to_group", "target": GROUP}
    removal = {"action": "remove_from_group", "target": GROUP}
    log.finish(
        [
            entry("00uA", at=0, reason="replaced"),
            entry("00uA", at=1, reason="last delivered"),
            entry("00uA", at=2, status="unchanged", reason="old decision"),
            entry("00uA", at=3, status="unchanged", reason="last decision"),
            entry("00uA", at=4, status="skipped", reason="skipped"),
            entry("00uA", at=4, target="https://other.example", status="planned", reason="planned"),
            entry("00uB", at=0, reason="replaced addition", **group),
            entry("00uB", at=1, reason="ended", **group),
            entry("00uB", at=2, status="unchanged", reason="old removal", **removal),
            entry("00uB", at=3, reason="last group action", **removal),
            entry("00uC", at=0, reason="open membership", **group),
            entry("00uD", at=0, status="started", reason="answer unknown"),
            entry("00uE", at=9, status="failed", reason="young"),
            entry("00uF", at=0, reason="earlier time box", expires_at=day(1), **group),
            entry("00uF", at=1, reason="time box", expires_at=day(2), **group),
            entry("00uF", at=2, reason="released", **removal),
            entry("00uG", at=0, recorded_at=day(8), status="skipped", reason="by a backfill lately"),
        ]
    )
    forgotten = {
        "replaced",
        "old decision",
        "skipped",
        "planned",
        "replaced addition",
        "old removal",
        "earlier time box",
    }
    everybody = {one.reason for one in everything(log)}
    assert log.prunable(day(5)) == len(forgotten)
    assert log.prune(day(5)) == len(forgotten)
    assert {one.reason for one in everything(log)} == everybody - forgotten
    assert log.prune(day(5)) == 0


def test_pruning_keeps_the_last_reading_of_each_source_and_part(log: ActionLog) -> None:
    read = {"org": "https://acme.goskope.com", "action": "fetch_scores"}
    for source in ("one", "two"):
        for part in ("series 1/2", "series 2/2"):
            log.finish(
                [entry(source, at=at, target=part, source=source, users=at, **read) for at in range(4)]
            )
    assert log.prune(day(9)) == 12
    assert log.size_of_source("one", not_after=day(9)) == log.size_of_source("two", not_after=day(9)) == 6


@pytest.mark.parametrize("at_once", [1, 2, 5000])
def test_pruning_a_few_at_a_time_deletes_the_same(log: ActionLog, at_once: int) -> None:
    log.finish([entry(f"00u{number % 3}", at=number) for number in range(12)])
    assert retention.prune(log.database, day(99), at_once=at_once) == 9
    assert {one.as_of for one in everything(log)} == {day(9), day(10), day(11)}


def test_what_was_decided_is_decided_the_same_after_pruning(log: ActionLog) -> None:
    statuses: list[Any] = ["done", "unchanged", "failed", "skipped", "planned", "started"]
    doing: list[Any] = ["add_to_group", "remove_from_group"]
    chance = random.Random(7)  # noqa: S311  # an example, not a secret
    log.finish(
        [
            entry(
                f"00u{user}",
                at=at,
                action=chance.choice(doing),
                target=GROUP,
                status=chance.choice(statuses),
                expires_at=chance.choice([None, day(at + 2)]),
                reason=chance.choice(["", "expired"]),
            )
            for user in range(25)
            for at in range(12)
        ]
    )
    users = [f"00u{user}" for user in range(25)]

    def known() -> list[Any]:
        """What a run as of a moment that is not pruned asks."""
        about: dict[str, Any] = {"org": ORG, "target": GROUP}
        return [
            log.last_done(doing=doing, **about),
            log.last_done(doing=["add_to_group"], users=users, **about),
            log.last_done(doing=doing, users=users, before=day(10), **about),
            log.newest_decisions(doing=doing, users=users, after=day(9), dag_id="", **about),
            *(log.newest_moment(action=one, dag_id="", task_id="", **about) for one in doing),
            log.last_releases(users=users, **about),
        ]

    before = known()
    overtaken = set(
        log.newest_decisions(org=ORG, doing=doing, target=GROUP, users=users, after=day(0), dag_id="")
    )
    assert log.prune(day(8)) > 50
    assert known() == before
    # Whatever moment an old run speaks for, who was overtaken still is.
    assert overtaken == set(
        log.newest_decisions(org=ORG, doing=doing, target=GROUP, users=users, after=day(0), dag_id="")
    )


# --- names, orgs, holders, scores of a run


def test_a_name_stands_for_the_id_that_it_stood_for_last(log: ActionLog) -> None:
    log.finish([entry("00uA", at=1, user_id="00uA", user_name="Ann@corp.example")])
    asked: Any = {"org": ORG, "kind": "user", "known_as": ["ann@corp.example", "nobody@corp.example"]}
    assert log.ids_of_names(**asked) == {"ann@corp.example": "00uA"}
    log.finish([entry("00uNEW", at=2, user_id="00uNEW", user_name="ann@corp.example")])
    assert log.ids_of_names(**asked) == {"ann@corp.example": "00uNEW"}
    assert log.ids_of_names(**{**asked, "org": "https://other.okta.com"}) == {}
    assert log.ids_of_names(**{**asked, "kind": "group"}) == {}


def test_an_org_is_one_org_whatever_its_url(log: ActionLog) -> None:
    assert log.org_at("https://corp.okta.com", lambda: "00oCORP") == "https://corp.okta.com"
    assert log.org_at("https://login.corp.example", lambda: "00oCORP") == "https://corp.okta.com"
    assert log.org_at("https://other.okta.com", lambda: "00oOTHER") == "https://other.okta.com"


def test_an_org_that_does_not_tell_its_id_is_its_url_and_is_asked_again(log: ActionLog) -> None:
    assert log.org_at("https://corp.okta.com", lambda: None) == "https://corp.okta.com"
    assert log.org_at("https://corp.okta.com", lambda: "00oCORP") == "https://corp.okta.com"
    assert log.org_at("https://corp.okta.com", pytest.fail) == "https://corp.okta.com"


def added(dag: str, at: int, **fields: Any) -> Entry:
    known: dict[str, Any] = {"action": "add_to_group", "target": GROUP, "dag_id": dag, "task_id": "add"}
    return entry("00uA", at=at, **{**known, **fields})


def removed(dag: str, at: int, **fields: Any) -> Entry:
    return added(dag, at, **{"action": "remove_from_group", "task_id": "remove", **fields})


def holders_of(log: ActionLog) -> set[str]:
    holds = log.holds_on(org=ORG, target=GROUP).get("00uA", [])
    return {one.dag_id for one in holds if one.held}


def test_each_dag_holds_a_membership_until_it_lets_go(log: ActionLog) -> None:
    log.finish([added("a", 1), added("b", 1, status="unchanged", reason="already_member", revision=1)])
    assert holders_of(log) == {"a", "b"}
    log.finish([removed("a", 2, status="skipped", reason="held_by_others")])
    assert holders_of(log) == {"b"}
    log.finish([removed("b", 3)])
    assert holders_of(log) == set()


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param(removed("a", 1), id="an older one"),
        pytest.param(removed("a", 3, reason="expired"), id="the end of the time"),
        pytest.param(removed("a", 3, status="failed", reason="refused"), id="a failed one"),
        pytest.param(removed("a", 3, status="skipped", reason="excluded"), id="a skipped one"),
    ],
)
def test_a_removal_that_does_not_let_go(log: ActionLog, decision: Entry) -> None:
    log.finish([added("a", 2)])
    log.finish([decision])
    assert holders_of(log) == {"a"}


def test_the_least_safe_score_of_each_name_in_a_run(log: ActionLog) -> None:
    def of(task_id: str, run_id: str = "r") -> TaskKey:
        return TaskKey(dag_id="sync", run_id=run_id, task_id=task_id)

    log.remember_scores(of("fetch"), "eu", {"ann": 100, "bob": 300}, now=day(4))
    log.remember_scores(of("fetch"), "us", {"ann": 900, "bob": 200}, now=day(4))
    log.remember_scores(of("fetch", "other"), "eu", {"ann": 1}, now=day(4))
    assert log.least_safe_scores(dag_id="sync", run_id="r") == {"ann": 100, "bob": 200}
    # Read again, after a correction.
    log.remember_scores(of("fetch"), "eu", {"ann": 950}, now=day(4))
    assert log.least_safe_scores(dag_id="sync", run_id="r") == {"ann": 900, "bob": 200}


def test_the_scores_of_old_runs_are_deleted(log: ActionLog) -> None:
    old = TaskKey(dag_id="sync", run_id="old", task_id="fetch")
    log.remember_scores(old, "eu", {"ann": 1}, now=day(1))
    log.remember_scores(TaskKey(dag_id="sync", run_id="new", task_id="fetch"), "eu", {}, now=day(5))
    assert log.least_safe_scores(dag_id="sync", run_id="old") == {}


# --- the next version of the tables


def test_a_log_of_the_version_before_is_brought_up_to_date(log_url: str) -> None:
    from alembic import command

    database = Database(log_url)
    config = migrating._config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = [column.name for column in actions.c if column.name not in ("id", "revision")]
        entries = [
            entry("ann@corp.example", at=1, user_id="00uANN", user_name="Ann@corp.example"),
            entry("nobody@corp.example", at=1, user_id="", status="skipped"),
            added("sync", 1, user_id="00uA", user_name="a@corp.example", target_name="At risk"),
        ]
        for one in entries:
            row = one.to_row()
            connection.execute(actions.insert().values({name: row[name] for name in columns}))
    log = ActionLog(database, NO_PATIENCE)
    assert upgrade(database) == ("0001", newest_version())
    assert {one.user_key for one in everything(log)} == {"00uANN", "nobody@corp.example", "00uA"}
    assert log.last_done(org=ORG, doing=["push_risk"], target=ISSUER, users=["00uANN"])
    assert holders_of(log) == {"sync"}
    known: Any = {"org": ORG, "known_as": ["ann@corp.example", "at risk"]}
    assert log.ids_of_names(kind="user", **known) == {"ann@corp.example": "00uANN"}
    assert log.ids_of_names(kind="group", **known) == {"at risk": GROUP}
    log.close()


# --- locks


def test_a_lock_has_one_holder_and_is_free_again_afterwards(log: ActionLog, log_url: str) -> None:
    other = ActionLog(Database(log_url), NO_PATIENCE)
    with log.lock("a"):
        with pytest.raises(LockedError, match="acting on a for"), other.lock("a"):
            pass
        with other.lock("b"):
            pass
    with other.lock("a"):
        pass
    other.close()


def test_waiting_for_a_lock_ends_when_it_is_given_back(log: ActionLog, log_url: str) -> None:
    holder = log.lock("a")
    holder.__enter__()

    def sleep(_: float) -> None:
        holder.__exit__(None, None, None)

    with ActionLog(Database(log_url), Waiting(seconds=60, sleep=sleep)).lock("a"):
        pass


def _hold_until_killed(url: str, ready: Any) -> None:
    with ActionLog(Database(url), NO_PATIENCE).lock("a"):
        ready.set()
        signal.pause()


def test_a_killed_holder_blocks_nobody(log: ActionLog, log_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    holder = spawn.Process(target=_hold_until_killed, args=(log_url, ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(LockedError), log.lock("a"):
        pass
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(30)
    with ActionLog(Database(log_url), Waiting(seconds=30, every=0.01)).lock("a"):
        pass
