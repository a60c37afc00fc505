# SPDX-License-Identifier: Apache-2.0
"""What the page asks the action log: the numbers are those of the entries, counted beforehand or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select, text

from airflow_provider_okta_ure.action_log import (
    facets,
    memberships,
    overview,
    people,
    searching,
    summaries,
    tables,
    tasks,
)
from airflow_provider_okta_ure.action_log import log as log_module
from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter

ORG, OTHER_ORG = "https://acme.okta.com", "https://other.okta.com"
DAGS = ["sync", "watch"]
NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
HEIGHTS = {"": 0, "none": 0, "low": 1, "medium": 2, "high": 3}


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def entry(user: str = "Ann@corp.example", at: int = 0, **more: Any) -> Entry:
    fields: dict[str, Any] = {
        "org": ORG,
        "action": "push_risk",
        "target": "https://risk.corp.example",
        "user_key": user.casefold(),
        "as_of": day(at),
        "user_name": user,
        "started_at": NOON,
        "recorded_at": NOON,
        "dag_id": "sync",
        "run_id": f"run-{at}",
        "task_id": "push_risk",
        "status": "done",
    }
    return Entry(**{**fields, **more})


def group_entry(user: str = "Ann@corp.example", at: int = 0, *, leaves: bool = False, **more: Any) -> Entry:
    return entry(
        user,
        at,
        **{
            "action": "remove_from_group" if leaves else "add_to_group",
            "target": "00gRISK",
            "target_name": "At risk",
            "user_key": f"00u{user[:3].upper()}",
            "user_id": f"00u{user[:3].upper()}",
            "login": user.lower(),
            "task_id": "remove_from_group" if leaves else "add_to_group",
            **more,
        },
    )


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    log = ActionLog.open(log_url, Waiting(seconds=0))
    yield log
    log.close()


def reading(log: ActionLog, ask: Any, *args: Any, **more: Any) -> Any:
    with log.database.reading() as connection:
        return ask(connection, *args, **more)


def random_entries(random: Random, number: int) -> list[Entry]:
    entries = []
    for _ in range(number):
        at, user = random.randrange(4), random.choice(["Ann@corp.example", "bob", "BOB", "Zoë", "<img>"])
        shape = random.choice([entry, group_entry])
        dag_id = random.choice([*DAGS, "hidden"])
        entries.append(
            shape(
                user,
                at,
                org=random.choice([ORG, OTHER_ORG]),
                dag_id=dag_id,
                run_id=f"{dag_id}-{at}",
                status=random.choice(["done", "unchanged", "skipped", "failed", "planned"]),
                reason=random.choice(["", "superseded", "ambiguous_user"]),
                risk_level=random.choice(["", "none", "low", "medium", "high"]),
            )
        )
    return entries


def expected_levels(entries: list[Entry], wanted: Filter) -> dict[datetime, Counter[str]]:
    highest: dict[tuple[datetime, str], int] = {}
    for one in entries:
        if one.dag_id in (wanted.dag_ids or ()) and wanted.org in ("", one.org):
            key = (one.as_of, one.user_name.lower())
            highest[key] = max(highest.get(key, 0), HEIGHTS[one.risk_level])
    found: dict[datetime, Counter[str]] = {}
    for (moment, _), height in highest.items():
        found.setdefault(moment, Counter())[summaries.LEVELS[height]] += 1
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_are_those_of_the_entries_whether_or_not_they_were_counted_before(
    log: ActionLog, seed: int
) -> None:
    random = Random(seed)  # noqa: S311  # chance for tests
    for _ in range(4):
        log.finish(random_entries(random, 25))
        if random.random() < 0.6:
            log.summarise()
        everything = list(log.iterate(Filter()))
        for wanted in (
            Filter(dag_ids=DAGS),
            Filter(dag_ids=["sync"]),
            Filter(dag_ids=[*DAGS, "hidden"]),
            Filter(dag_ids=[]),
            Filter(dag_ids=DAGS, org=OTHER_ORG),
            Filter(dag_ids=DAGS, since=day(1), until=day(3)),
            Filter(dag_ids=DAGS, since=day(2)),
        ):
            chosen = [
                one
                for one in everything
                if one.dag_id in (wanted.dag_ids or ())
                and wanted.org in ("", one.org)
                and (wanted.since is None or one.as_of >= wanted.since)
                and (wanted.until is None or one.as_of < wanted.until)
            ]
            counted = reading(log, overview.run_counts, wanted)
            assert {
                (one.dag_id, one.run_id, one.action, one.status, one.confirmation): one.entries
                for one in counted
            } == Counter((one.dag_id, one.run_id, one.action, one.status, one.confirmation) for one in chosen)
            assert {
                one.as_of: {name: getattr(one, name) for name in summaries.LEVELS if getattr(one, name)}
                for one in reading(log, overview.levels, wanted)
            } == {moment: dict(by_level) for moment, by_level in expected_levels(chosen, wanted).items()}
            done = {one.user_name.lower() for one in chosen if one.status == "done"}
            assert reading(log, overview.count_people, wanted) == len(done)
            by_status = reading(log, summaries.count_by_status, wanted)
            assert by_status == Counter(one.status for one in chosen)
        for more in (
            {"reason": ["superseded"]},
            {"group": "At risk"},
            {"group": "00gRISK", "status": ["done", "failed"]},
            {"risk_level": ["high"], "task_id": "push_risk"},
            {"run_id": "sync-1", "action": ["push_risk"]},
        ):
            wanted = Filter(dag_ids=DAGS, **more)
            assert sum(reading(log, summaries.count_by_status, wanted).values()) == log.count(wanted)


def test_a_moment_that_is_written_to_is_stale_until_it_is_counted(log: ActionLog) -> None:
    log.finish([entry()])
    assert reading(log, summaries.stale_moments) == [day(0)]
    log.summarise()
    assert reading(log, summaries.stale_moments) == []
    log.begin([entry("bob", at=2, status="started")])
    assert reading(log, summaries.stale_moments) == [day(2)]
    log.close()
    assert reading(log, summaries.stale_moments) == []
    number = log.search(Filter(user_key="bob"))[0].id or 0
    log.confirm([Found(entry_id=number, confirmation="confirmed", confirmed_at=NOON)])
    assert reading(log, summaries.stale_moments) == [day(2)]


def test_what_a_killed_task_left_uncounted_is_counted_by_the_next(log: ActionLog, log_url: str) -> None:
    killed = ActionLog.open(log_url)
    killed.finish([entry()])
    log.finish([entry("bob", at=1)])
    log.close()
    assert reading(log, summaries.stale_moments) == []


def test_a_summary_that_cannot_be_written_hides_nothing(log: ActionLog) -> None:
    log.finish([entry()])
    with log.database.writing() as connection:
        connection.execute(text("DROP TABLE okta_ure_levels"))
    log.close()
    assert log.count(Filter()) == 1


def test_pruning_takes_numbers_names_and_costs_along(log: ActionLog) -> None:
    log.finish([entry("Old", at=0, status="skipped"), group_entry("Ann", at=0), entry("Ann", at=9)])
    log.record_task(cost(at=0))
    log.record_task(cost(at=9))
    log.summarise()
    log.prune(day(5))
    left = list(log.iterate(Filter()))
    assert sum(one.entries for one in reading(log, overview.run_counts, Filter(dag_ids=DAGS))) == len(left)
    found = reading(log, people.find_people, "", dag_ids=DAGS)
    assert {one.user_name for one in found} == {one.user_name for one in left} == {"Ann"}
    with log.database.reading() as connection:
        known = connection.execute(select(tables.people.c.user_name)).scalars().all()
        assert "Old" not in known
    assert [one.as_of for one in reading(log, tasks.find_tasks, Filter(), dag_ids=DAGS)] == [day(9)]


# --- people


def test_people_are_found_by_a_part_of_name_login_or_by_their_id(log: ActionLog) -> None:
    log.finish(
        [
            entry("Ann@corp.example", risk_level="high"),
            group_entry("Ann@corp.example", at=1, login="ann.adams@corp.example"),
            entry("bob_1@corp.example", at=2),
            entry("hidden@corp.example", dag_id="hidden"),
        ]
    )
    for is_counted in (False, True):
        if is_counted:
            log.summarise()

        def names(text: str, **more: Any) -> list[str]:
            return [one.user_name for one in reading(log, people.find_people, text, dag_ids=DAGS, **more)]

        assert names("") == ["Ann@corp.example", "bob_1@corp.example"]
        assert names("ANN") == names("adams") == names("00uANN") == ["Ann@corp.example"]
        assert names("b_1") == names("_") == ["bob_1@corp.example"]
        assert names("hidden") == names("%") == names("00uA") == []
        assert names("", limit=1) == ["Ann@corp.example"]
        (ann,) = reading(log, people.find_people, "ann", dag_ids=DAGS)
        assert (ann.user_id, ann.risk_level, ann.last_as_of) == ("00uANN", "high", day(1))
        assert (ann.user_key, ann.login) == ("ann@corp.example", "ann.adams@corp.example")


def test_who_was_typed_is_first_then_who_is_at_risk_then_by_name_without_regard_to_case(
    log: ActionLog,
) -> None:
    levels = {"mei": "low", "Mei.Young": "low", "mei.adams": "low", "Mei.Zhao": "high", "mei.berg": "medium"}
    log.finish([entry(name, at, risk_level=level) for at, (name, level) in enumerate(levels.items())])
    for is_counted in (False, True):
        if is_counted:
            log.summarise()
        for limit in (2, 20):
            found = reading(log, people.find_people, "MEI", dag_ids=DAGS, limit=limit)
            expected = ["mei", "Mei.Zhao", "mei.berg", "mei.adams", "Mei.Young"]
            assert [one.user_name for one in found] == expected[:limit]
        (whole,) = reading(log, people.find_people, "mei.young", dag_ids=DAGS, limit=1)
        assert whole.user_name == "Mei.Young"


def test_of_several_rows_about_a_person_the_newest_says_the_level(log: ActionLog) -> None:
    log.finish([entry("ann", 0, dag_id="watch", risk_level="high"), entry("ann", 1, risk_level="low")])
    (ann,) = reading(log, people.find_people, "ann", dag_ids=DAGS)
    assert (ann.risk_level, ann.last_as_of) == ("low", day(1))


@pytest.mark.parametrize(
    "named",
    [{"user_name": "ANN@corp.example"}, {"user_id": "00uANN"}, {"user_key": "ann@corp.example"}],
    ids=["name", "id", "key"],
)
def test_a_person_is_the_same_by_name_and_by_id(log: ActionLog, named: dict[str, str]) -> None:
    log.finish(
        [
            entry("Ann@corp.example", score=300, score_level="high", risk_level="high"),
            group_entry("Ann@corp.example", score=300),
            group_entry("Ann@corp.example", at=1, leaves=True, score=700, status="skipped"),
            entry("Ann@corp.example", at=2, score=800, risk_level="low", status="unchanged"),
            entry("Ann@corp.example", at=3, dag_id="hidden", score=1),
            entry("bob", score=2),
        ]
    )
    keys = reading(log, people.keys_of, **named, dag_ids=DAGS)
    assert keys == ["00uANN", "ann@corp.example"]
    found = reading(log, people.describe, keys, dag_ids=DAGS)
    assert (found.user_name, found.user_id, found.risk_level) == ("Ann@corp.example", "00uANN", "low")
    assert found.last_as_of == day(2)
    scores = reading(log, people.scores_of, keys, dag_ids=DAGS)
    assert [(one.as_of, one.score, one.risk_level) for one in scores] == [
        (day(0), 300, "high"),
        (day(1), 700, ""),
        (day(2), 800, "low"),
    ]
    events = reading(log, people.events_of, keys, dag_ids=DAGS)
    assert [(one.as_of, one.status) for one in events] == [
        (day(1), "skipped"),
        (day(0), "done"),
        (day(0), "done"),
    ]
    every = reading(log, people.events_of, keys, dag_ids=DAGS, with_unchanged=True)
    assert [one.status for one in every] == ["unchanged", "skipped", "done", "done"]
    assert reading(log, people.keys_of, user_name="nobody", dag_ids=DAGS) == ["nobody"]
    assert reading(log, people.describe, ["nobody"], dag_ids=DAGS) is None


def test_few_people_with_a_part_of_a_name_are_looked_up_by_key(
    log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.finish([entry("ann"), group_entry("ann", at=1), entry("anton", at=2), entry("bob")])
    wanted = Filter(user="AN", dag_ids=DAGS)
    few = reading(log, people.with_people_found, wanted)
    assert few.user == ""
    assert few.user_keys == ["00uANN", "ann", "anton"]
    assert log.search(few) == log.search(wanted)
    monkeypatch.setattr(people, "_FEW", 1)
    assert reading(log, people.with_people_found, wanted) == wanted
    nobody = reading(log, people.with_people_found, Filter(user="zzz", dag_ids=DAGS))
    assert log.search(nobody) == []


# --- memberships


def test_who_is_in_a_group_because_of_us(log: ActionLog) -> None:
    log.finish(
        [
            group_entry("Ann"),
            group_entry("Ann", at=1, status="unchanged"),
            group_entry("Bob"),
            group_entry("Bob", at=2, leaves=True, dag_id="hidden"),
            group_entry("Cid", at=1, dag_id="hidden"),
            group_entry("Dan", at=1, status="failed"),
        ]
    )
    log.begin([group_entry("Eve", at=1, status="started")])
    ours = reading(log, memberships.memberships, users=["00uANN", "00uBOB", "00uCID"], dag_ids=DAGS)
    assert [one.user_name for one in ours] == ["Ann"]
    assert reading(log, memberships.count_memberships, dag_ids=DAGS) == 2
    # Before he was removed.
    assert reading(log, memberships.count_memberships, dag_ids=DAGS, until=day(2)) == 3
    assert reading(log, memberships.count_memberships, dag_ids=DAGS, org=OTHER_ORG) == 0


# --- filters, today, costs


def test_what_there_is_to_filter_by(log: ActionLog) -> None:
    log.finish(
        [
            entry(reason="superseded", source="netskope_default"),
            group_entry(org=OTHER_ORG),
            entry("x", dag_id="hidden", org="https://secret.okta.com", reason="ambiguous_user"),
            entry("", action="fetch_scores", org="https://acme.goskope.com", target="series 1/1", source="n"),
        ]
    )
    assert reading(log, facets.dags_in_log) == ["hidden", "sync"]
    found = reading(log, facets.facets, dag_ids=DAGS)
    assert found.orgs == [ORG, OTHER_ORG]
    assert found.groups == [facets.Group(org=OTHER_ORG, name="At risk", id="00gRISK")]
    assert found.reasons == [("superseded", False)]
    assert found.sources == ["n", "netskope_default"]


def test_what_a_run_did_begins_with_the_least_safe(log: ActionLog) -> None:
    log.finish(
        [
            group_entry("Ann", score=300),
            group_entry("Bob", score=100),
            group_entry("Cid", score=50, status="failed"),
            group_entry("Dan", at=1),
        ]
    )
    found = reading(
        log,
        overview.entries_of_run,
        dag_id="sync",
        run_id="run-0",
        action="add_to_group",
        status="done",
        limit=10,
    )
    assert [one.user_name for one in found] == ["Bob", "Ann"]
    assert reading(log, overview.count_people, Filter(dag_ids=DAGS)) == 3
    assert reading(log, overview.count_people, Filter(dag_ids=["watch"])) == 0


def test_what_is_only_recorded_is_no_change_in_okta(log: ActionLog) -> None:
    log.finish([entry("ann"), entry("bob", action="no_action", target=""), entry("cid", status="planned")])
    for is_counted in (False, True):
        if is_counted:
            log.summarise()
        for wanted in (Filter(dag_ids=DAGS), Filter(dag_ids=DAGS, until=day(1))):
            assert reading(log, overview.count_people, wanted) == 1


def test_what_the_tasks_of_a_run_planned_is_counted_by_task_and_reason(log: ActionLog) -> None:
    refused: dict[str, Any] = {
        "status": "planned",
        "reason": "plan_refused",
        "message": "plan 0123456789abcdef",
    }
    log.finish(
        [
            group_entry("ann", **refused),
            group_entry("bob", **refused),
            entry("ann", status="planned", reason="dry_run"),
            entry("bob"),
            entry("cid", 1, status="planned", reason="dry_run"),
            entry("dan", status="planned", reason="dry_run", dag_id="watch"),
        ]
    )
    found = reading(log, overview.plans_of_run, dag_id="sync", run_id="run-0")
    assert [(one.task_id, one.action, one.reason, one.entries) for one in found] == [
        ("add_to_group", "add_to_group", "plan_refused", 2),
        ("push_risk", "push_risk", "dry_run", 1),
    ]
    assert found[0].message == "plan 0123456789abcdef"


NOT_YET = "name:at risk"
"""What stands for a group that did not exist yet."""


@pytest.mark.parametrize("chosen", ["00gRISK", NOT_YET, "At risk", "At Risk!"])
def test_a_group_is_one_before_and_after_it_was_created_and_renamed(log: ActionLog, chosen: str) -> None:
    log.finish(
        [
            group_entry("ann", 0, target=NOT_YET, target_name="At risk", status="planned"),
            group_entry("bob", 1),
            group_entry("cid", 2, target_name="At Risk!"),
            group_entry("dan", 2, target="00gOTHER", target_name="Other"),
            group_entry("eve", 2, org=OTHER_ORG, target="00gTHERE", target_name="Elsewhere"),
            group_entry("hid", 3, dag_id="hidden", target_name="Secret"),
        ]
    )
    for is_counted in (False, True):
        if is_counted:
            log.summarise()
        assert reading(log, facets.facets, dag_ids=DAGS).groups == [
            facets.Group(org=ORG, name="At Risk!", id="00gRISK"),
            facets.Group(org=ORG, name="Other", id="00gOTHER"),
            facets.Group(org=OTHER_ORG, name="Elsewhere", id="00gTHERE"),
        ]
        wanted = reading(log, facets.with_group_found, Filter(dag_ids=DAGS, group=chosen))
        assert sorted(one.user_name for one in log.search(wanted)) == ["ann", "bob", "cid"]
        assert sum(reading(log, summaries.count_by_status, wanted).values()) == 3


def test_a_group_that_was_never_created_is_there_and_one_that_is_none_has_no_rows(log: ActionLog) -> None:
    log.finish([group_entry("ann", target=NOT_YET, target_name="At risk", status="planned"), entry("bob")])
    assert reading(log, facets.facets, dag_ids=DAGS).groups == [
        facets.Group(org=ORG, name="At risk", id=NOT_YET)
    ]
    for chosen, number in ((NOT_YET, 1), ("nothing", 0), ("https://risk.corp.example", 0)):
        wanted = reading(log, facets.with_group_found, Filter(dag_ids=DAGS, group=chosen))
        assert len(log.search(wanted)) == number, chosen


def cost(at: int = 0, **more: Any) -> tasks.TaskSummary:
    fields: dict[str, Any] = {
        "dag_id": "sync",
        "run_id": f"run-{at}",
        "task_id": "push_risk",
        "as_of": day(at),
        "org": ORG,
        "action": "push_risk",
        "ended_at": NOON,
        "seconds": 1.5,
        "calls": {"/api/v1/groups": tasks.Calls(calls=3, limit=500, ours=400)},
    }
    return tasks.TaskSummary(**{**fields, **more})


def test_what_a_task_cost_is_that_of_its_last_try(log: ActionLog) -> None:
    log.record_task(cost())
    log.record_task(cost(try_number=2, seconds=2.5, calls={}))
    log.record_task(cost(map_index=1))
    found = reading(log, tasks.find_tasks, Filter(), dag_ids=DAGS)
    assert sorted((one.map_index, one.try_number, one.seconds) for one in found) == [
        (-1, 2, 2.5),
        (1, 1, 1.5),
    ]
    assert cost(map_index=1) in found
    assert reading(log, tasks.find_tasks, Filter(since=day(1)), dag_ids=DAGS) == []
    assert reading(log, tasks.find_tasks, Filter(), dag_ids=["watch"]) == []
    # What it cost is no entry about a person.
    assert log.count(Filter()) == 0


def test_what_is_notable_is_found_in_order(log: ActionLog) -> None:
    log.finish([entry("a", status="unchanged"), entry("b", at=1, status="failed"), entry("c", at=2)])
    found = reading(log, searching.search, Filter(), limit=10, only_notable=True)
    assert [one.user_name for one in found] == ["c", "b"]


def test_whoever_reads_entry_by_entry_keeps_no_connection_between_two_batches(
    log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.finish([entry(f"user{number}") for number in range(5)])
    monkeypatch.setattr(log_module, "ENTRIES_AT_ONCE", 2)
    in_use: set[int] = set()
    engine = log.database.engine
    event.listen(engine, "checkout", lambda connection, record, proxy: in_use.add(id(record)))
    event.listen(engine, "checkin", lambda connection, record: in_use.discard(id(record)))
    entries = log.iterate(Filter())
    for number in range(5):
        assert next(entries).user_name == f"user{number}"
        assert in_use == set()
    assert list(entries) == []
