"""Who is tracked, in any order of runs, against a plain reading of the whole history."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from airflow_provider_okta_ure.action_log import migrating
from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tables import actions, tracked

ORG, OTHER, ISSUER = "https://acme.okta.com", "https://other.okta.com", "https://risk.corp.example"
DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
NO_PATIENCE = Waiting(seconds=0)


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, NO_PATIENCE)
    yield opened
    opened.close()


def entry(user: str = "00uANN", at: int = 0, **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": ORG,
        "action": "push_risk",
        "target": ISSUER if fields.get("action", "push_risk") == "push_risk" else "00gA",
        "user_key": user,
        "user_id": user,
        "user_name": f"{user}@corp.example",
        "as_of": DAY + timedelta(days=at),
        "started_at": DAY,
        "recorded_at": DAY + timedelta(days=at),
        "status": "done",
        "risk_level": "high",
        "dag_id": "sync",
    }
    return Entry(**{**known, **fields})


def added(at: int, **fields: Any) -> Entry:
    return entry(at=at, action="add_to_group", **fields)


def removed(at: int, **fields: Any) -> Entry:
    return entry(at=at, action="remove_from_group", **fields)


def everything(log: ActionLog) -> list[Entry]:
    return list(log.iterate(Filter()))


def who(log: ActionLog, org: str = "") -> set[str]:
    return {one.user_id for one in log.tracked(org)}


# --- memberships


@pytest.mark.parametrize("status", ["started", "done", "failed"])
def test_an_addition_that_was_begun_is_tracked(log: ActionLog, status: Any) -> None:
    log.begin([added(1, status="started")])
    assert who(log) == {"00uANN"}
    if status != "started":
        log.finish([added(1, status=status)])
    assert who(log) == {"00uANN"}


@pytest.mark.parametrize(
    "refusal", [{"http_status": 403}, {"reason": "not_attempted"}, {"reason": "interrupted"}], ids=str
)
def test_an_addition_that_was_refused_is_not_tracked(log: ActionLog, refusal: dict[str, Any]) -> None:
    log.begin([added(1, status="started")])
    log.finish([added(1, status="failed", **refusal)])
    assert who(log) == set()


@pytest.mark.parametrize(
    "release", [{}, {"status": "unchanged", "reason": "not_a_member"}], ids=["removed", "not a member"]
)
def test_who_was_released_by_a_rule_is_tracked_no_longer(log: ActionLog, release: dict[str, Any]) -> None:
    log.finish([added(1)])
    log.finish([removed(2, **release)])
    assert who(log) == set()
    # An older run that is carried out later opens nothing.
    log.finish([added(0)])
    assert who(log) == set()
    log.finish([added(3)])
    assert who(log) == {"00uANN"}


@pytest.mark.parametrize(
    "removal",
    [
        {"reason": "expired"},
        {"status": "skipped", "reason": "held_by_others"},
        {"status": "failed"},
        {"status": "planned"},
        {"as_of": DAY},
    ],
    ids=str,
)
def test_what_is_no_release_by_a_rule_ends_nothing(log: ActionLog, removal: dict[str, Any]) -> None:
    log.finish([added(1)])
    log.finish([removed(2, **removal)])
    assert who(log) == {"00uANN"}


def test_who_was_in_the_group_before_is_not_tracked(log: ActionLog) -> None:
    log.finish([added(1, status="unchanged", reason="already_member")])
    log.finish([added(1, user="00uBEN", reason="reverted_not_ours")])
    assert who(log) == set()


def test_who_was_removed_by_hand_is_a_member_by_us_until_a_removal_is_done(log: ActionLog) -> None:
    log.finish([added(1), added(1, user="00uBEN")])
    log.finish([removed(2, status="unchanged", reason="not_a_member"), removed(2, user="00uBEN")])
    assert set(log.members_by_us(org=ORG, target="00gA")) == {"00uANN"}
    assert log.members_by_us(org=ORG, target="00gA", users=["00uBEN"]) == {}
    assert log.members_by_us(org=OTHER, target="00gA") == {}


# --- levels


@pytest.mark.parametrize("level", ["medium", "high"])
def test_a_level_above_low_is_tracked_until_a_lower_one_was_delivered(log: ActionLog, level: str) -> None:
    log.finish([entry(at=1, risk_level=level)])
    assert who(log) == {"00uANN"}
    log.finish([entry(at=2, risk_level="low", status="failed", http_status=400)])
    log.finish([entry(at=0, risk_level="low")])
    assert who(log) == {"00uANN"}
    log.finish([entry(at=2, risk_level="low")])
    assert who(log) == set()


def test_a_lower_level_that_is_missing_in_the_system_log_ends_nothing(log: ActionLog) -> None:
    log.finish([entry(at=1)])
    log.finish([entry(at=2, risk_level="low")])
    (number,) = (one.id for one in everything(log) if one.risk_level == "low")
    assert number is not None
    log.confirm([Found(entry_id=number, confirmation="missing")])
    assert who(log) == {"00uANN"}
    log.confirm([Found(entry_id=number, confirmation="confirmed", confirmed_at=DAY)])
    assert who(log) == set()


def test_a_signal_without_an_answer_that_was_sent_late_is_in_doubt(log: ActionLog) -> None:
    log.finish([entry(at=2, risk_level="low")])
    log.finish([entry(at=1, status="failed", http_status=502, recorded_at=DAY + timedelta(days=3))])
    assert who(log) == {"00uANN"}
    log.finish([entry(at=4, risk_level="none")])
    assert who(log) == set()


def test_the_open_levels_of_an_issuer(log: ActionLog) -> None:
    log.finish([entry(at=1), entry("00uBEN", at=1, risk_level="low"), entry("00uCID", at=1, target="other")])
    known: Any = {"org": ORG, "action": "push_risk", "target": ISSUER}
    assert {key: one.risk_level for key, one in log.open_levels(**known).items()} == {"00uANN": "high"}
    assert log.open_levels(**known, users=["00uBEN", "00uCID"]) == {}


# --- names


def test_every_name_that_is_known_of_a_tracked_user(log: ActionLog) -> None:
    log.begin(
        [added(1, status="started", user_name="ANN@corp.example")], addresses={"00uANN": "Ann@Mail.example"}
    )
    log.finish(
        [added(2, status="unchanged", reason="already_member", user_name="ann.new@corp.example", login="A.N")]
    )
    log.remember_users(org=ORG, ids={"annie": "00uANN"}, now=DAY)
    log.remember_users(org=OTHER, ids={"somebody": "00uANN"}, now=DAY)
    (found,) = log.tracked(ORG)
    assert found.names == {"ann@corp.example", "ann@mail.example", "ann.new@corp.example", "a.n", "annie"}
    assert log.ids_known_as(org=ORG, names=["ann@mail.example", "nobody"]) == {"ann@mail.example": {"00uANN"}}


def test_who_is_tracked_in_one_org(log: ActionLog) -> None:
    log.finish([added(1), added(1, user="00uBEN", org=OTHER)])
    assert (who(log, ORG), who(log, OTHER), who(log)) == ({"00uANN"}, {"00uBEN"}, {"00uANN", "00uBEN"})


# --- any history


def is_unanswered(one: Entry) -> bool:
    if one.status == "started":
        return True
    was_sent = one.reason not in ("not_attempted", "interrupted", "never_confirmed")
    return one.status == "failed" and was_sent and (one.http_status or 500) >= 500


def is_open(one: Entry, others: Sequence[Entry]) -> bool:
    """Whether this entry alone keeps its user tracked, by the words of the definition."""
    alike = [
        each
        for each in others
        if (each.org, each.target, each.user_key) == (one.org, one.target, one.user_key)
    ]
    if one.action == "add_to_group":
        if one.reason == "reverted_not_ours" or not (one.status == "done" or is_unanswered(one)):
            return False
        return not any(
            each.action == "remove_from_group"
            and each.status in ("done", "unchanged")
            and each.reason != "expired"
            and each.as_of > one.as_of
            for each in alike
        )
    was_delivered = one.status == "done" and one.confirmation != "missing"
    if one.action != "push_risk" or one.risk_level not in ("medium", "high"):
        return False
    if not was_delivered and not is_unanswered(one):
        return False
    return not any(
        each.action == "push_risk"
        and each.status == "done"
        and each.confirmation != "missing"
        and each.risk_level in ("none", "low", "")
        and (each.as_of, each.revision) > (one.as_of, one.revision)
        and (was_delivered or each.recorded_at > one.recorded_at)
        for each in alike
    )


def read_plainly(entries: Sequence[Entry]) -> set[str]:
    return {one.user_key for one in entries if is_open(one, entries)}


def members_plainly(entries: Sequence[Entry]) -> set[tuple[str, str]]:
    last: dict[tuple[str, str], Entry] = {}
    for one in sorted(entries, key=lambda one: (one.as_of, one.revision, one.id or 0)):
        is_maybe = one.status == "started" and one.action == "add_to_group"
        if one.action in ("add_to_group", "remove_from_group") and (one.status == "done" or is_maybe):
            last[one.target, one.user_key] = one
    return {
        key for key, one in last.items() if one.action == "add_to_group" and one.reason != "reverted_not_ours"
    }


REASONS = {
    "add_to_group": {"done": ["", "", "reverted_not_ours", "adopted"], "unchanged": ["already_member"]},
    "remove_from_group": {
        "done": ["", "", "expired"],
        "unchanged": ["not_a_member"],
        "skipped": ["held_by_others"],
    },
    "push_risk": {"unchanged": ["same_level"]},
}


def any_entry(chance: random.Random) -> Entry:
    action: Any = chance.choice(["add_to_group", "remove_from_group", "push_risk", "push_risk"])
    status: Any = chance.choice(
        ["started", "done", "done", "done", "unchanged", "skipped", "failed", "planned"]
    )
    failed = {
        "reason": chance.choice(["", "", "not_attempted", "interrupted"]),
        "http_status": chance.choice([None, 403, 503]),
    }
    reasons = REASONS[action].get(status, [""])
    return entry(
        chance.choice(["00uANN", "00uBEN"]),
        at=chance.randrange(5),
        action=action,
        target=ISSUER if action == "push_risk" else chance.choice(["00gA", "00gB"]),
        status=status,
        revision=chance.choice([0, 0, 0, 1]),
        risk_level=chance.choice(["none", "low", "medium", "high"]),
        recorded_at=DAY + timedelta(days=10, minutes=chance.randrange(1000)),
        **(failed if status == "failed" else {"reason": chance.choice(reasons)}),
    )


def work(log: ActionLog, chance: random.Random) -> None:
    """Write one task's entries, whole or killed in between; or what the System Log says."""
    if chance.random() < 0.15:
        found = [one.id for one in everything(log) if one.action == "push_risk" and one.status == "done"]
        for number in found[: chance.randrange(3)]:
            assert number is not None
            log.confirm(
                [Found(entry_id=number, confirmation=chance.choice(["missing", "missing", "confirmed"]))]
            )
        return
    some = [any_entry(chance) for _ in range(chance.randrange(1, 4))]
    is_killed = chance.random() < 0.3
    if is_killed or chance.random() < 0.5:
        log.begin([msgspec.structs.replace(one, status="started", reason="") for one in some])
    if not is_killed:
        log.finish(some)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_order_nobody_is_missing(log: ActionLog, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # repeatable, and no secret
    for _ in range(25):
        work(log, chance)
        assert read_plainly(everything(log)) <= who(log)
    members = {
        (target, user) for target in ("00gA", "00gB") for user in log.members_by_us(org=ORG, target=target)
    }
    assert members == members_plainly(everything(log))
    # And nobody stays too many: whatever is written next about a user settles what is open for them.
    rules = [
        removed(8, user=user, target=target) for user in ("00uANN", "00uBEN") for target in ("00gA", "00gB")
    ]
    late = DAY + timedelta(days=20)
    log.finish(
        [*rules, *(entry(user, at=8, risk_level="low", recorded_at=late) for user in ("00uANN", "00uBEN"))]
    )
    assert who(log) == set()


@pytest.mark.parametrize("seed", range(3))
def test_pruning_forgets_nobody_who_is_tracked(log: ActionLog, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # repeatable, and no secret
    for _ in range(25):
        work(log, chance)
    before, members = who(log), members_plainly(everything(log))
    log.prune(DAY + timedelta(days=400))
    assert who(log) == before
    for _ in range(5):
        log.finish([any_entry(chance)])
        assert read_plainly(everything(log)) <= who(log)
    assert members or before


def rows_of(log: ActionLog) -> set[Any]:
    with log.database.reading() as connection:
        return {tuple(row) for row in connection.execute(select(tracked))}


@pytest.mark.parametrize("seed", range(4))
def test_a_log_of_the_version_before_tells_who_is_tracked(log_url: str, seed: int) -> None:
    from alembic import command

    chance = random.Random(seed)  # noqa: S311  # repeatable, and no secret
    history = {}
    for _ in range(60):
        one = any_entry(chance)
        said: Any = (
            chance.choice(["", "", "missing"]) if one.action == "push_risk" and one.status == "done" else ""
        )
        one = msgspec.structs.replace(one, confirmation=said, login=f"{one.user_key}.login")
        history[one.org, one.action, one.target, one.user_key, one.as_of, one.revision] = one
    database, config = Database(log_url), migrating._config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.execute(actions.insert(), [one.to_row() for one in history.values()])
    log = ActionLog(database, NO_PATIENCE)
    assert migrating.upgrade(database) == ("0007", migrating.newest_version())
    assert who(log) == read_plainly(everything(log))
    assert {one.user_id: one.names for one in log.tracked()} == {
        user: frozenset({f"{user.lower()}@corp.example", f"{user.lower()}.login"}) for user in who(log)
    }
    # The same as is derived when the users are written about the next time.
    before = rows_of(log)
    numbers = [one.id for one in everything(log) if one.id is not None]
    from airflow_provider_okta_ure.action_log import tracking

    with log.database.writing() as connection:
        tracking.derive_states_of(connection, numbers)
    assert rows_of(log) == before
    log.close()
