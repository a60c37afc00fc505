"""Limits hold for the whole: split over groups, runs, tasks, DAGs or moments, no more people are changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.action_log.changes import effects_since
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.engine import session
from airflow_provider_okta_ure.engine.guard import Guard
from airflow_provider_okta_ure.engine.recorder import Recorder
from airflow_provider_okta_ure.errors import BlastRadiusError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from tests.integration.conftest import NOW
from tests.integration.judging_support import ADD, PUSH, REMOVE, Task, context, people, row, rows, run

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

DAY = timedelta(days=1)
CLOCK = datetime(2027, 1, 7, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock on the wall; at first it is noon, so that no test runs over midnight."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(session, "utc_now", lambda: moment)

    set_to(CLOCK)
    return set_to


@pytest.fixture
def bound(okta: Sandbox, connect: Callable[..., None], signing_key: Any) -> Callable[[object], None]:
    """Set ``max_changed_users_per_day`` in the connection."""

    def bound(value: object) -> None:
        extra = {
            "issuer": "https://risk.corp.example",
            "jwks_url": okta.publish_jwks(signing_key.jwks),
            "signing_private_key": signing_key.pem,
            "allow_private_jwks_url": True,
            "max_changed_users_per_day": value,
        }
        connect("okta_default", conn_type="okta", host=okta.okta_url, password=okta.okta_token, extra=extra)

    return bound


def task(task_id: str = "act", dag_id: str = "dag", **identity: Any) -> dict[str, Any]:
    made = Task(task_id, **identity)
    made.dag_id = dag_id
    return context(task=made)


def part(number: int, size: int = 10) -> list[dict[str, Any]]:
    return [row(f"p{one}") for one in range(number * size, (number + 1) * size)]


def done(operator: type[Any], some: Any, where: dict[str, Any], **arguments: Any) -> int:
    """Return how many users were changed; 0 when the task was refused for the number of them."""
    try:
        return int(run(operator, some, where, **arguments)["counts"]["done"])
    except AirflowFailException as error:
        if isinstance(error.__cause__, BlastRadiusError):
            return 0
        raise


def changed(okta: Sandbox, *groups: str) -> int:
    return len({member for group in groups for member in okta.okta.members(group)})


# --- one task


@pytest.mark.parametrize("split", ["parts", "runs", "both"])
@pytest.mark.parametrize("several", [True, False], ids=["several-groups", "one-group"])
def test_a_task_changes_no_more_people_however_it_is_split(okta: Sandbox, split: str, several: bool) -> None:
    people(okta, 80)
    groups = [okta.okta.add_group(f"g{number if several else 0}").id for number in range(8)]
    for number in range(8):
        identity: dict[str, Any] = {}
        if split != "runs":
            identity["map_index"] = number
        if split != "parts":
            identity["run_id"] = f"run-{number}"
        done(ADD, part(number), task(**identity), group_id=groups[number if several else 0])
    assert changed(okta, *groups) == 20


def test_removals_from_several_groups_are_one_sum(okta: Sandbox) -> None:
    ids = people(okta, 40)
    groups = [okta.okta.add_group(f"g{number}").id for number in range(4)]
    for number, user_id in enumerate(ids):
        okta.okta.add_member(groups[number // 10], user_id)
    for number in range(4):
        where = task(map_index=number)
        done(REMOVE, part(number), where, group_id=groups[number], only_added_by_us=False, releases="all")
    assert changed(okta, *groups) == 20


def test_signals_of_several_runs_are_one_sum(okta: Sandbox) -> None:
    people(okta, 60)
    sent = [
        done(PUSH, part(number), task("push", run_id=f"run-{number}"), ensure_provider=True)
        for number in range(6)
    ]
    assert sum(sent) == 20


def test_the_same_people_count_once(okta: Sandbox) -> None:
    """Hourly runs about the same people are no growing number of people."""
    people(okta, 20)
    groups = [okta.okta.add_group(f"g{number}").id for number in range(4)]
    for number, group in enumerate(groups):
        assert done(ADD, part(0, 20), task(run_id=f"run-{number}"), group_id=group) == 20


def test_the_next_day_is_another_day(okta: Sandbox, clock: Callable[[datetime], None]) -> None:
    people(okta, 60)
    group = okta.okta.add_group("Risky").id
    assert done(ADD, part(0, 25), task(run_id="1"), group_id=group) == 25
    clock(CLOCK.replace(hour=23, minute=59, second=59))
    assert done(ADD, part(1, 25), task(run_id="2"), group_id=group) == 0
    clock(CLOCK.replace(hour=0) + DAY)
    assert done(ADD, part(1, 25), task(run_id="3"), group_id=group) == 25


def test_the_message_says_what_was_done_today_and_the_id_can_be_approved(okta: Sandbox) -> None:
    people(okta, 40)
    group = okta.okta.add_group("Risky").id
    run(ADD, part(0, 20), task(run_id="1"), group_id=group)
    with pytest.raises(AirflowFailException) as caught:
        run(ADD, part(1, 20), task(run_id="2"), group_id=group)
    said = str(caught.value)
    assert (
        "would change 40 of 40 users in the rows (100.0 %), 20 of which it has changed already today; "
        "allowed are 25" in said
    )
    plan_id = said.partition("Plan: ")[2].partition(".")[0]
    assert done(ADD, part(1, 20), task(run_id="2", try_number=2), group_id=group, approved_plan=plan_id) == 20


@pytest.mark.parametrize("triggered_by", ["Ann", None])
def test_what_the_id_of_a_plan_allowed_is_not_counted_against_the_task(
    okta: Sandbox, triggered_by: str | None
) -> None:
    people(okta, 60)
    group = okta.okta.add_group("Risky").id
    plan = run(ADD, part(0, 30), task(run_id="1"), group_id=group, dry_run=True)["plan"]
    where = task(run_id="1")
    where["dag_run"].triggering_user_name = triggered_by
    assert done(ADD, part(0, 30), where, group_id=group, approved_plan=plan["plan_id"]) == 30
    assert done(ADD, [row(f"p{n}") for n in range(30, 55)], task(run_id="2"), group_id=group) == 25


def test_rows_about_nobody_make_no_limit_larger(okta: Sandbox) -> None:
    people(okta, 30)
    group = okta.okta.add_group("Risky").id
    padded = [*part(0, 30), *(row(f"nobody{number}") for number in range(1000))]
    assert done(ADD, padded, task(), group_id=group) == 0
    assert changed(okta, group) == 0


def test_another_task_has_a_limit_of_its_own(okta: Sandbox) -> None:
    people(okta, 50)
    group = okta.okta.add_group("Risky").id
    assert done(ADD, part(0, 25), task("act"), group_id=group) == 25
    assert done(ADD, part(1, 25), task("other"), group_id=group) == 25
    assert done(ADD, part(1, 25), task("act", dag_id="other"), group_id=okta.okta.add_group("B").id) == 25


# --- all tasks of an org


@pytest.mark.parametrize("value", [30, "30", " 30 "])
def test_all_tasks_and_dags_together_stay_within_the_bound_of_the_org(
    okta: Sandbox, bound: Callable[[object], None], value: object
) -> None:
    people(okta, 80)
    bound(value)
    groups = [okta.okta.add_group(f"g{number}").id for number in range(8)]
    for number, group in enumerate(groups):
        where = task(f"act-{number}", dag_id=f"dag-{number}", run_id=f"run-{number}")
        done(ADD, part(number), where, group_id=group)
    assert changed(okta, *groups) == 30


def test_the_message_names_the_tasks_that_have_used_the_bound(
    okta: Sandbox, bound: Callable[[object], None]
) -> None:
    people(okta, 40)
    bound(30)
    group = okta.okta.add_group("Risky").id
    run(ADD, part(0, 20), task("add", dag_id="sync"), group_id=group)
    run(PUSH, part(0, 5), task("push", dag_id="sync"), ensure_provider=True)
    with pytest.raises(AirflowFailException) as caught:
        run(ADD, part(1, 20), task("act", dag_id="watchlist"), group_id=group)
    said = str(caught.value)
    assert "would make it 40 users changed today, UTC, by all tasks of all DAGs in this org" in said
    assert "20 were changed today already: sync.add 20, sync.push 5" in said
    assert "Allowed are 30 (max_changed_users_per_day of the Okta connection)" in said
    assert "airflow okta-ure explain daily-bound" in said


def test_the_id_of_a_plan_does_not_lift_the_bound_of_the_org(
    okta: Sandbox, bound: Callable[[object], None]
) -> None:
    bound(60)
    people(okta, 120)
    group = okta.okta.add_group("Risky").id
    for number, expected in enumerate([40, 0, 0]):
        some = part(number, 40)
        plan = run(ADD, some, task(run_id=f"{number}"), group_id=group, dry_run=True)["plan"]
        where = task(run_id=f"{number}")
        where["dag_run"].triggering_user_name = "Mallory"
        assert done(ADD, some, where, group_id=group, approved_plan=plan["plan_id"]) == expected
    assert changed(okta, group) == 40


def test_one_person_of_several_actions_counts_once(okta: Sandbox, bound: Callable[[object], None]) -> None:
    people(okta, 20)
    bound(20)
    group = okta.okta.add_group("Risky").id
    assert done(ADD, rows(20), task("add"), group_id=group) == 20
    assert done(PUSH, rows(20), task("push"), ensure_provider=True) == 20


def test_nobody_is_changed_with_a_bound_of_nothing(okta: Sandbox, bound: Callable[[object], None]) -> None:
    people(okta, 1)
    bound(0)
    assert done(ADD, rows(1), task(), group_id=okta.okta.add_group("Risky").id) == 0


def test_the_bound_can_be_switched_off(okta: Sandbox, bound: Callable[[object], None]) -> None:
    people(okta, 30)
    bound("none")
    assert done(ADD, rows(30), task(), group_id=okta.okta.add_group("Risky").id, max_change_percent=100) == 30


def test_it_is_on_by_default() -> None:
    from airflow_provider_okta_ure.core.guardrails.limits import DailyBound

    assert [DailyBound.parse(None).allowed(users) for users in (0, 900, 1000, 10_000)] == [
        500,
        500,
        500,
        5000,
    ]


@pytest.mark.parametrize("value", ["many", -1, "0%", "101%", 1.5, True, "nan", "1e999", [5]])
def test_a_bound_that_cannot_be_understood_lets_nothing_through(
    okta: Sandbox, bound: Callable[[object], None], value: object
) -> None:
    people(okta, 1)
    bound(value)
    with pytest.raises(AirflowFailException, match="max_changed_users_per_day"):
        run(ADD, rows(1), task(), group_name="Risky", create_group=True)
    assert okta.okta.find_group("Risky") is None


# --- at the same moment


def test_tasks_that_plan_at_the_same_moment_do_not_all_pass(
    okta: Sandbox, bound: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them have planned, and none has changed anybody yet: whoever comes second sees the first."""
    people(okta, 40)
    bound(25)
    groups = [okta.okta.add_group(f"g{number}").id for number in range(4)]
    judged, all_judged = threading.Semaphore(0), threading.Event()

    def judge(self: Any, *arguments: Any, _before: Any = Guard.judge) -> str:
        try:
            approved_by: str = _before(self, *arguments)
            return approved_by
        finally:
            judged.release()

    def begin(self: Recorder, decisions: Any, _before: Any = Recorder.begin) -> Any:
        assert all_judged.wait(timeout=120)
        return _before(self, decisions)

    monkeypatch.setattr(Guard, "judge", judge)
    monkeypatch.setattr(Recorder, "begin", begin)

    def act(number: int) -> int:
        return done(ADD, part(number), task(f"act-{number}"), group_id=groups[number])

    with ThreadPoolExecutor(4) as pool:
        acting = [pool.submit(act, number) for number in range(4)]
        for _ in acting:
            assert judged.acquire(timeout=120)
        all_judged.set()
        assert sorted(one.result() for one in acting) == [0, 0, 10, 10]
    assert changed(okta, *groups) == 20


def test_a_task_that_ended_leaves_no_claim(okta: Sandbox, bound: Callable[[object], None]) -> None:
    """Users whom Okta refused were not changed, and others may be instead."""
    people(okta, 20)
    bound(10)
    group = okta.okta.add_group("Risky").id
    okta.fail_next(service="okta", status=403, method="PUT", times=10)
    run(ADD, part(0), task("first"), group_id=group, fail_on="never")
    assert changed(okta, group) == 0
    assert done(ADD, part(1), task("second"), group_id=group) == 10


def test_the_claim_of_a_killed_task_counts_until_its_next_try(
    okta: Sandbox, bound: Callable[[object], None]
) -> None:
    ids = people(okta, 30)
    bound(15)
    group = okta.okta.add_group("Risky").id
    killed = task("killed", run_id="r")
    _claim(killed, ids[:10])
    assert done(ADD, part(1), task("other"), group_id=group) == 0
    # Its next try plans anew, and what it had claimed is not counted against itself.
    assert done(ADD, part(2), task("killed", run_id="r", try_number=2), group_id=group) == 10


def test_the_claim_of_a_killed_task_is_over_with_the_day(
    okta: Sandbox, bound: Callable[[object], None], clock: Callable[[datetime], None]
) -> None:
    ids = people(okta, 20)
    bound(10)
    _claim(task("killed"), ids[:1])
    clock(CLOCK + DAY)
    assert done(ADD, part(1), task("other"), group_id=okta.okta.add_group("Risky").id) == 10


def _claim(where: dict[str, Any], ids: list[str]) -> None:
    from airflow_provider_okta_ure.action_log.tasks import TaskKey

    made = where["ti"]
    key = TaskKey(dag_id=made.dag_id, run_id=made.run_id, task_id=made.task_id, map_index=made.map_index)
    log = open_action_log()
    (org,) = {log.known_org(url) or url for url in [_url()]}
    log.claim(org=org, task=key, try_id="1", people=ids, now=CLOCK)
    log.close()


def _url() -> str:
    from airflow_provider_okta_ure.hooks.okta import OktaHook

    return OktaHook().base_url


# --- what it costs


def test_the_day_is_read_from_its_index_and_not_from_the_whole_log(okta: Sandbox) -> None:
    log = open_action_log()
    moment = datetime(2026, 11, 1, tzinfo=timezone.utc)
    log.finish(
        [
            Entry(
                org="o",
                action="add_to_group",
                user_key=str(number),
                as_of=moment,
                started_at=moment,
                recorded_at=moment,
                status="done" if number % 2 else "unchanged",
            )
            for number in range(500)
        ]
    )
    statement = effects_since("o", NOW).compile(log.database.engine, compile_kwargs={"literal_binds": True})
    with log.database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    log.close()
    assert "USING INDEX ix_okta_ure_action_log_day (org=? AND recorded_at>?)" in str(plan)
