"""Watching a pretend org's System Log for the risk signals of a run: completely, with few calls, starting anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.core.deliveries import Senders
from airflow_provider_okta_ure.delivery.diagnosis import Diagnosis
from airflow_provider_okta_ure.delivery.watch import Progress, Wanted, Watch
from airflow_provider_okta_ure.errors import AuthenticationError, ServerError
from airflow_provider_okta_ure.sandbox.okta.system_log import user_target
from tests.contract.client_support import okta, okta_of, sandbox

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["okta", "sandbox"]

ISSUER = "https://risk.corp.example"
RECEIVED = "security.events.provider.receive_event"
LOGS = "/api/v1/logs"
SECOND = timedelta(seconds=1)


class World:
    """An org, an action log, and what was pushed; time passes only when told to."""

    def __init__(self, sandbox: Sandbox, log: ActionLog) -> None:
        self.sandbox = sandbox
        self.log = log
        self.people = sandbox.okta.users

    @property
    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def wait(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def event(self, number: int, sender: str = ISSUER) -> str:
        """Let Okta log that it took in a signal about a user; return the event's id."""
        actor = {"id": "sse1", "type": "SecurityEventProvider", "displayName": sender}
        written = self.sandbox.okta.log.write(RECEIVED, [user_target(self.people[number])], actor=actor)
        return str(written["uuid"])

    def entry(self, number: int, run: str = "r1", behind: timedelta = timedelta(0), **more: Any) -> Entry:
        """Return what the action log says of a push that happens now; the writer's clock may be behind."""
        user = self.people[number]
        at = self.now - behind
        known: dict[str, Any] = {
            "org": self.sandbox.okta_url,
            "action": "push_risk",
            "target": ISSUER,
            "user_key": user.login.casefold(),
            "user_name": user.login,
            "user_id": user.id,
            "login": user.login,
            "as_of": self.now.replace(microsecond=0) - timedelta(hours=3),
            "started_at": at.replace(microsecond=0),
            "recorded_at": at,
            "dag_id": "d",
            "run_id": run,
            "status": "done",
            "risk_level": "high",
        }
        return Entry(**{**known, **more})

    def push(self, *numbers: int, arrives: bool = True, **more: Any) -> None:
        """Push a signal for each of these users, which Okta takes in or ignores."""
        self.log.finish([self.entry(number, **more) for number in numbers])
        for number in numbers if arrives else ():
            self.event(number)

    def watch(self, run: str = "r1", **more: Any) -> Watch:
        client = more.pop("client", None) or okta_of(self.sandbox)
        now: Callable[[], datetime] = more.pop("now", lambda: self.now)
        wanted = Wanted(
            org=self.sandbox.okta_url, dag_id="d", run_id=run, within=timedelta(minutes=5), **more
        )
        return Watch(wanted, lambda: client, now=now)

    def look(self, watch: Watch | None = None) -> Progress:
        return (watch or self.watch()).look(self.log)

    def calls(self) -> list[str]:
        return [one.path for one in self.sandbox.requests_to("okta")]

    def written(self, run: str = "r1") -> dict[str, Entry]:
        return {one.login: one for one in self.log.pushed_in_run(dag_id="d", run_id=run)}


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path) -> Iterator[World]:
    log = ActionLog.open(f"sqlite:///{tmp_path}/log.db")
    yield World(sandbox, log)
    log.close()


def logins(world: World, progress: Progress) -> list[int]:
    numbers = {user.id: number for number, user in enumerate(world.people)}
    return sorted(numbers[one.user_id] for one in progress.missing)


# --- what a look finds


def test_all_signals_are_found_with_one_page_and_written_into_the_action_log(world):
    world.push(*range(30))
    progress = world.look()
    assert (progress.confirmed, progress.missing, progress.is_over) == (30, [], True)
    assert world.calls() == [LOGS]
    for one in world.written().values():
        assert one.confirmation == "confirmed"
        assert one.log_event_id
        assert one.confirmed_at == world.now


def test_what_okta_ignored_is_missing_and_only_that(world):
    world.push(*range(10))
    world.push(10, 11, arrives=False)
    progress = world.look()
    assert logins(world, progress) == [10, 11]
    assert progress.confirmed == 10
    assert not progress.is_over


def test_nothing_pushed_is_over_at_once_and_without_a_call(world):
    world.push(1, run="another")
    world.log.finish([world.entry(2, status="planned"), world.entry(3, status="failed")])
    progress = world.look()
    assert (progress.confirmed, progress.missing, progress.is_over) == (0, [], True)
    assert world.calls() == []


def test_what_was_confirmed_before_needs_no_call_again(world):
    world.push(*range(5))
    world.look()
    world.sandbox.clear_requests()
    assert world.look().confirmed == 5
    assert world.calls() == []


def test_signals_to_another_org_are_left_to_its_own_sensor(world):
    world.push(1)
    world.log.finish([world.entry(2, org="https://other.okta.com")])
    progress = world.look()
    assert (progress.confirmed, progress.missing, progress.elsewhere) == (1, [], 1)


def test_events_about_others_and_of_other_senders_prove_nothing(world):
    world.push(1, 2, arrives=False)
    world.event(3)
    world.event(1, sender="https://someone.example")
    world.event(2, sender="Netskope User Risk (Airflow)")
    assert logins(world, world.look()) == [1, 2]
    by_name = world.watch(senders=Senders(also_known_as="Netskope User Risk (Airflow)"))
    assert logins(world, world.look(by_name)) == [1]
    assert world.look(world.watch(senders=Senders(anybody=True))).missing == []


def test_an_old_event_does_not_prove_a_new_signal(world):
    world.event(1)
    world.wait(3600)
    world.push(1, arrives=False)
    assert logins(world, world.look()) == [1]


# --- waiting


def test_it_is_over_when_the_time_after_the_last_push_is_over_by_oktas_clock(world):
    world.push(1, arrives=False)
    watch = world.watch()
    world.wait(299)
    assert not world.look(watch).is_over
    world.wait(2)
    assert world.look(watch).is_over


def test_events_that_come_late_are_found_by_a_later_look(world):
    world.sandbox.options.log_delay_seconds = 40
    world.push(*range(20))
    watch = world.watch()
    assert len(world.look(watch).missing) == 20
    world.wait(41)
    assert world.look(watch).missing == []


def test_each_page_of_a_busy_log_is_read_once(world):
    """Thousands of other people's events between ours, and the log is read on, not anew."""
    world.push(0)
    for _ in range(2500):
        world.event(40)
    world.push(1, arrives=False)
    watch = world.watch()
    assert logins(world, world.look(watch)) == [1]
    assert len(world.calls()) == 4  # 1000, 1000, 501 and the empty one
    world.sandbox.clear_requests()
    for _ in range(5):
        world.wait(15)
        world.look(watch)
    assert len(world.calls()) == 5
    world.event(1)
    world.sandbox.clear_requests()
    assert world.look(watch).missing == []
    assert len(world.calls()) == 1


def test_reading_stops_as_soon_as_everything_is_found(world):
    world.push(*range(5))
    for _ in range(3000):
        world.event(40)
    assert world.look().missing == []
    assert len(world.calls()) == 1


def test_the_number_of_calls_does_not_grow_with_the_users(world):
    world.push(*range(50))
    world.push(50, arrives=False)
    world.look()
    assert len(world.calls()) == 2


# --- starting anew


def test_a_new_watch_goes_on_with_what_is_missing(world):
    world.push(*range(10))
    world.wait(600)
    world.push(10, arrives=False)
    world.look()
    world.sandbox.clear_requests()
    world.event(10)
    assert world.look().missing == []
    (call,) = world.sandbox.requests_to("okta")
    # From a minute before the one that was missing, not from the first.
    since = datetime.fromisoformat(call.parameters["since"])
    assert since == world.now - timedelta(seconds=60)


def test_what_was_found_before_a_failure_is_kept(world):
    """The second page fails for good: the next watch has less to do, or the same, and ends the same."""
    world.push(*range(3))
    for _ in range(1000):
        world.event(40)
    world.push(3)
    client = okta_of(world.sandbox, retry=RetryPolicy(attempts=1))
    watch = world.watch(client=client)
    pages = 0

    def fail_on_the_second(*arguments: Any, **more: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 2:
            world.sandbox.fail_next(service="okta", status=503, path_prefix=LOGS)
        return original(*arguments, **more)

    original, client._api.call = client._api.call, fail_on_the_second  # type: ignore[method-assign]  # a script
    with pytest.raises(ServerError):
        world.look(watch)
    assert world.look(watch).missing == []
    assert world.look().confirmed == 4


def test_a_429_in_the_middle_is_waited_for(world):
    world.push(*range(3))
    for _ in range(1500):
        world.event(40)
    world.push(3)
    world.sandbox.set_bucket(LOGS, 1)
    before = world.now
    assert world.look().missing == []
    assert SECOND < world.now - before < timedelta(seconds=130)


def test_a_credential_that_may_not_read_the_log_is_an_error_and_not_a_miss(world):
    world.push(1)
    world.sandbox.fail_next(service="okta", status=401, path_prefix=LOGS)
    with pytest.raises(AuthenticationError):
        world.look()
    assert world.written()[world.people[1].login].confirmation == ""


def test_a_confirmed_signal_is_not_taken_back_and_a_missing_one_can_still_be_confirmed(world):
    from airflow_provider_okta_ure.action_log.confirming import Found

    world.push(1)
    world.push(2, arrives=False)
    world.look()
    entries = world.written()
    world.log.confirm([Found(entry_id=one.id or 0, confirmation="missing") for one in entries.values()])
    said = {one.login: one.confirmation for one in world.written().values()}
    assert said == {world.people[1].login: "confirmed", world.people[2].login: "missing"}
    world.event(2)
    assert world.look().confirmed == 2


# --- several runs, several pushes


def test_two_runs_at_the_same_time_count_each_event_once(world):
    """Both pushed for the same user, Okta took in one: one run is missing one, and only one is."""
    world.push(1, run="r1", arrives=False)
    world.wait(2)
    world.push(1, run="r2", as_of=world.now.replace(microsecond=0))
    first, second = world.watch("r1"), world.watch("r2")
    found = [world.look(first).confirmed, world.look(second).confirmed]
    assert sum(found) == 1
    world.event(1)
    assert [world.look(first).confirmed, world.look(second).confirmed] == [1, 1]
    assert len({one.log_event_id for run in ("r1", "r2") for one in world.written(run).values()}) == 2


def test_the_event_of_the_run_before_is_not_taken_for_ours(world):
    world.push(1, run="r1")
    world.wait(30)
    world.push(1, run="r2", arrives=False, as_of=world.now.replace(microsecond=0))
    assert logins(world, world.look(world.watch("r2"))) == [1]
    assert world.look(world.watch("r1")).confirmed == 1


def test_a_failed_push_of_another_run_may_have_left_an_event(world):
    world.push(1, run="r1", status="failed")
    world.wait(30)
    world.push(1, run="r2", arrives=False, as_of=world.now.replace(microsecond=0))
    assert logins(world, world.look(world.watch("r2"))) == [1]


# --- clocks


@pytest.mark.parametrize("hours", [-12, -1, 1, 12])
def test_a_clock_of_ours_that_is_wrong_by_hours_changes_nothing(world, hours):
    behind = timedelta(hours=hours)

    def ours() -> datetime:
        now: datetime = world.now
        return now - behind

    world.push(*range(5), behind=behind)
    world.push(5, behind=behind, arrives=False)
    watch = world.watch(now=ours)
    progress = world.look(watch)
    assert logins(world, progress) == [5]
    assert not progress.is_over
    world.wait(301)
    assert world.look(watch).is_over


def test_without_a_date_the_own_clock_has_to_do(world, monkeypatch):
    monkeypatch.setattr("airflow_provider_okta_ure.clients.okta_log.server_time", lambda headers: None)
    world.push(1)
    world.push(2, arrives=False)
    watch = world.watch()
    assert logins(world, world.look(watch)) == [2]
    world.wait(301)
    assert world.look(watch).is_over


def test_the_log_is_not_asked_for_more_than_it_keeps(world):
    world.push(1, arrives=False)
    world.wait(200 * 86400)
    progress = world.look()
    assert logins(world, progress) == [1]
    assert progress.is_over


# --- why


def why(world: World, client_for: Callable[[str], OktaClient] | None = None) -> dict[int, str]:
    watch = world.watch()
    progress = world.look(watch)
    one_client = okta_of(world.sandbox)
    told = Diagnosis(watch, world.log, client_for or (lambda scope: one_client)).explain(progress.missing)
    numbers = {user.id: number for number, user in enumerate(world.people)}
    return {numbers[entry.user_id]: missing.reason for entry, missing in told}


@pytest.fixture
def registered(world: World, okta: OktaClient) -> str:
    return okta.create_security_events_provider(
        "Netskope User Risk (Airflow)", issuer=ISSUER, jwks_url="https://k.example/jwks.json"
    ).provider_id


def test_each_missing_signal_has_its_own_reason(world, registered):
    no_address = world.sandbox.okta.add_user(login="plain", email="plain@corp.example")
    world.people = world.sandbox.okta.users
    plain = next(number for number, user in enumerate(world.people) if user.id == no_address.id)
    world.push(0, 1, 2, 3, plain, arrives=False)
    world.event(3, sender="https://someone.example")
    world.sandbox.okta.change_user(world.people[1].id, status="DEPROVISIONED")
    world.sandbox.okta.change_user(world.people[2].id, login="renamed@corp.example", email="r@corp.example")
    assert why(world) == {
        0: "not_in_log",
        1: "user_deprovisioned",
        # Who was renamed since is still there.
        2: "not_in_log",
        3: "other_sender",
        plain: "unknown_login",
    }


def test_an_inactive_security_events_provider_is_the_reason_for_all(world, registered, okta):
    okta.deactivate_security_events_provider(registered)
    world.push(0, 1, arrives=False)
    assert set(why(world).values()) == {"provider_inactive"}


def test_a_deleted_security_events_provider_is_the_reason_for_all(world):
    world.push(0, 1, arrives=False)
    assert set(why(world).values()) == {"provider_inactive"}


def test_a_signal_that_okta_took_in_before_the_action_log_was_lost_is_recognised(world, registered):
    moment = world.now.replace(microsecond=0)
    world.push(0, 1, as_of=moment)
    world.look()
    with world.log.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM okta_ure_action_log")
    world.wait(7200)
    world.push(0, 2, as_of=moment, arrives=False)
    assert why(world) == {0: "repeated_jti", 2: "not_in_log"}


def test_earlier_signals_that_other_runs_pushed_are_no_repetition(world, registered):
    moment = world.now.replace(microsecond=0)
    world.wait(600)
    world.push(0, run="earlier", as_of=moment + timedelta(minutes=5))
    world.wait(7200)
    world.push(0, as_of=moment, arrives=False)
    assert why(world) == {0: "not_in_log"}


def test_what_okta_does_not_let_us_read_costs_a_reason_and_not_the_result(world, registered):
    world.push(0, arrives=False)
    nobody = okta_of(world.sandbox, retry=RetryPolicy(attempts=1))
    nobody._api._auth = type(nobody._api._auth)("wrong").bound_to(nobody.base_url)  # type: ignore[call-arg]  # SSWS
    assert why(world, lambda scope: nobody) == {0: "not_in_log"}


def test_asking_why_takes_few_calls_however_many_are_missing(world, registered):
    world.push(*range(60), arrives=False)
    watch = world.watch()
    progress = world.look(watch)
    world.sandbox.clear_requests()
    client = okta_of(world.sandbox)
    told = Diagnosis(watch, world.log, lambda scope: client).explain(progress.missing)
    assert len(told) == 60
    assert len(world.calls()) <= 1 + 4 + 3


# --- the same on both databases


def test_the_questions_behind_it_are_right_on_both_databases(log_url, sandbox):
    log = ActionLog.open(log_url)
    world = World(sandbox, log)
    world.push(*range(3))
    mine = world.entry(7, org="https://other.okta.com", run="r0")
    old = world.entry(
        8,
        run="r0",
        recorded_at=world.now - timedelta(hours=1),
        started_at=world.now - timedelta(hours=2),
    )
    log.finish([mine, old, world.entry(9, status="unchanged"), world.entry(10, status="started")])
    keys = [user.login.casefold() for user in world.people[:11]]
    found = log.pushes_since(org=sandbox.okta_url, user_keys=keys, since=world.now - timedelta(minutes=1))
    assert sorted(one.user_key for one in found) == sorted([*keys[:3], keys[10]])
    assert log.pushes_since(org=sandbox.okta_url, user_keys=[], since=world.now) == []
    assert world.look().missing == []
    log.close()
