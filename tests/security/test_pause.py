"""While all writes are paused no operator writes anything to Okta; afterwards nobody was forgotten."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseOperator

import airflow_provider_okta_ure.operators as package
from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause
from airflow_provider_okta_ure.errors import PauseUnknownError
from airflow_provider_okta_ure.operators import pausing
from tests.integration.conftest import NOW
from tests.integration.judging_support import (
    ADD,
    PUSH,
    REMOVE,
    UPSERT,
    Task,
    context,
    logged,
    people,
    row,
    rows,
    run,
    writes,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2] / "airflow_provider_okta_ure"
PAUSED = '{"since": "2026-11-23T02:10:00Z", "by": "ann", "reason": "wrong tenant"}'
SAID = "Nothing is written, because all writes are paused since 2026-11-23 02:10 UTC by ann: wrong tenant."


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the switch; empty = nothing is paused."""

    def pause(text: str = PAUSED) -> None:
        monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", text)

    return pause


# --- every operator that there is, also one that is written tomorrow

AT_RISK = [row("p0"), row("p1")]
WRITING: dict[str, dict[str, Any]] = {
    "OktaAddToGroupOperator": {"rows": AT_RISK, "group_name": "New", "create_group": True},
    "OktaRemoveFromGroupOperator": {
        "rows": AT_RISK,
        "group_name": "Full",
        "only_added_by_us": False,
        "releases": "all",
    },
    "OktaPushRiskOperator": {"rows": AT_RISK, "ensure_provider": True},
    "OktaUpsertUserRiskOperator": {"rows": AT_RISK},
    "OktaSecurityEventsProviderOperator": {},
}
"""For each operator that writes, arguments with which it writes in the world of these tests."""
READING = {
    "NetskopeFetchScoresOperator",
    "OktaApprovalOperator",
    "OktaFetchUsersOperator",
    "OktaNoActionOperator",
    "OktaPreflightOperator",
    "RiskFilterOperator",
    "RiskMapLevelsOperator",
}
"""Operators that never write to Okta."""


def operators() -> dict[str, type[Any]]:
    """Return every operator of the package that somebody can use."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        for name, one in vars(importlib.import_module(f"{package.__name__}.{module.name}")).items():
            is_operator = inspect.isclass(one) and issubclass(one, BaseOperator)
            if is_operator and one.__module__.startswith(package.__name__):
                found[name] = one
    return found


PARTS = {
    "OktaActionOperator",
    "OktaGroupOperator",
    "OktaWritingOperator",
    "ServiceOperator",
}
"""What others are made of, and nobody puts into a DAG."""
REVERT = "OktaRevertRunOperator"


def test_every_operator_is_known_to_this_file() -> None:
    """Who writes an operator says here whether it writes; one that does is run below."""
    assert operators().keys() - PARTS == WRITING.keys() | READING | {REVERT}


def test_paused_nothing_is_undone_either(world: Sandbox, pause: Callable[..., None]) -> None:
    run(ADD, AT_RISK, context(task=Task("add")), group_name="New", create_group=True)
    run(PUSH, AT_RISK, context(task=Task("push")), ensure_provider=True)
    world.clear_requests()
    where = {"reverted_dag_id": "dag", "reverted_run_id": "run", "max_change_percent": 100}
    pause()
    later = context(NOW + timedelta(hours=1), task=Task("revert", "other"))
    report = operators()[REVERT](task_id="revert", **where).execute(later)
    assert report["warnings"] == [SAID]
    assert writes(world) == []
    pause("")
    operators()[REVERT](task_id="revert", **where).execute(later)
    assert len(writes(world)) == 4


@pytest.fixture
def world(okta: Sandbox) -> Sandbox:
    group = okta.okta.add_group("Full")
    for user_id in people(okta, 2):
        okta.okta.add_member(group.id, user_id)
    okta.clear_requests()
    return okta


def execute(name: str, **more: Any) -> Any:
    operator = operators()[name](task_id="act", **{**WRITING[name], **more})
    return operator.execute(context(task=Task("act")))


@pytest.mark.parametrize("name", WRITING)
def test_unpaused_it_writes(world: Sandbox, name: str) -> None:
    execute(name)
    assert writes(world)


@pytest.mark.parametrize("text", [PAUSED, "true", "{", "off", "1"])
@pytest.mark.parametrize("name", WRITING)
def test_paused_it_writes_nothing(world: Sandbox, pause: Callable[..., None], name: str, text: str) -> None:
    pause(text)
    before = world.dump()["okta"]
    execute(name)
    assert writes(world) == []
    assert world.dump()["okta"] == before
    assert logged(status="done") == logged(status="started") == []


@pytest.mark.parametrize("name", WRITING)
def test_a_switch_that_cannot_be_read_is_on(
    world: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable() -> None:
        raise PauseUnknownError("The switch cannot be read: TimeoutError.")

    monkeypatch.setattr(pausing, "read_pause", unreadable)
    result = execute(name)
    assert writes(world) == []
    if "warnings" in result:
        (said,) = result["warnings"]
        assert said.startswith("Nothing is written: The switch cannot be read: TimeoutError.")


@pytest.mark.parametrize("name", [name for name in WRITING if name != "OktaSecurityEventsProviderOperator"])
def test_the_report_says_who_paused_since_when_and_why(
    world: Sandbox, pause: Callable[..., None], name: str
) -> None:
    pause()
    report = execute(name)
    assert report["warnings"] == [SAID]
    assert report["reasons"] == {"planned:paused": 2}
    assert report["dry_run"] is True
    assert [one["user_id"] for one in report["plan"]["changes"]]
    assert {one.reason for one in logged(status="planned")} == {"paused"}
    # A report about nobody says so, too, and a dry run.
    assert execute(name, rows=[], **({"release_expired": False} if "Remove" in name else {}))["warnings"] == [
        SAID
    ]
    assert execute(name, dry_run=True)["warnings"] == [SAID]


def test_the_registration_that_is_there_is_returned_as_it_is(
    world: Sandbox, pause: Callable[..., None]
) -> None:
    made = execute("OktaSecurityEventsProviderOperator")
    pause()
    assert execute("OktaSecurityEventsProviderOperator", jwks_url="https://other.example/jwks.json") == made


CALLS_THAT_WRITE = {
    "add_member",
    "remove_member",
    "create_group",
    "ensure_group",
    "put_user_risk",
    "publish_security_event",
    "create_security_events_provider",
    "update_security_events_provider",
    "activate_security_events_provider",
    "deactivate_security_events_provider",
    "delete_security_events_provider",
    "ensure_security_events_provider",
}
BEHIND_THE_SWITCH = {
    "hooks/okta.py",
    "engine/actions/adding.py",
    "engine/actions/removing.py",
    "engine/actions/signals.py",
    "engine/actions/undo_group.py",
    "engine/actions/upserting.py",
}


def test_the_calls_that_write_are_all_known() -> None:
    """A call of a client that is not GET is in the list above, so that the next test finds who makes it."""
    writing = set()
    for path in (ROOT / "clients").glob("okta*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("call", "_provider"):
                        method = call.args[0] if call.args else None
                        if isinstance(method, ast.Constant) and method.value != "GET":
                            writing.add(function.name)
    assert writing
    assert writing <= CALLS_THAT_WRITE


def test_nobody_else_makes_a_call_that_writes() -> None:
    """Whoever does has to ask the pause switch, and to be added here with a test."""
    found = set()
    for path in ROOT.rglob("*.py"):
        place = str(path.relative_to(ROOT))
        if not place.startswith(("clients/", "sandbox/")):
            tree = ast.parse(path.read_text())
            called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
            # Operators have an argument of the same name as one of the calls.
            named = [
                node for node in ast.walk(tree) if getattr(node, "attr", "create_group") != "create_group"
            ]
            if any(getattr(node, "attr", "") in CALLS_THAT_WRITE for node in (*called, *named)):
                found.add(place)
    assert found == BEHIND_THE_SWITCH


# --- at which moment


class Switch:
    """A switch that somebody turns on before it is asked for the n-th time."""

    def __init__(self, on_from: int) -> None:
        self.asked = 0
        self.on_from = on_from

    def __call__(self) -> Pause | None:
        self.asked += 1
        return Pause(by="ann", reason="stop") if self.asked >= self.on_from else None


ASKED_BEFORE_THE_FIRST_BATCH = 4
"""When it begins, after its turn, before it prepares, before the first batch."""


@pytest.mark.parametrize("asked", range(1, ASKED_BEFORE_THE_FIRST_BATCH))
@pytest.mark.parametrize("name", [name for name in WRITING if name != "OktaSecurityEventsProviderOperator"])
def test_paused_before_the_first_write_nothing_is_prepared(
    world: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, asked: int
) -> None:
    """Also when it happens while the task waits for its turn, which may take a quarter of an hour."""
    monkeypatch.setattr(pausing, "read_pause", Switch(asked))
    report = execute(name)
    assert writes(world) == []
    assert report["reasons"] == {"planned:paused": 2}


@pytest.mark.parametrize("operator", [ADD, PUSH, UPSERT])
def test_a_running_task_stops_before_its_next_batch(
    okta: Sandbox, monkeypatch: pytest.MonkeyPatch, operator: type[Any]
) -> None:
    people(okta, 20)
    arguments = WRITING[operator.__name__] | {"rows": rows(20)}
    # Two workers times eight users are a batch.
    monkeypatch.setattr(pausing, "read_pause", Switch(ASKED_BEFORE_THE_FIRST_BATCH + 1))
    report = run(operator, workers=2, **arguments)
    assert report["counts"] == {"done": 16, "planned": 4, "unchanged": 0, "skipped": 0, "failed": 0}
    assert report["reasons"] == {"planned:paused": 4}
    assert report["warnings"] == ["Nothing is written, because all writes are paused by ann: stop."]
    assert report["dry_run"] is False
    assert [one.reason for one in logged(status="planned")] == ["paused"] * 4
    assert logged(status="started") == []
    # Resumed, the same task does the rest, and nothing twice.
    monkeypatch.setattr(pausing, "read_pause", lambda: None)
    okta.clear_requests()
    again = run(operator, workers=2, **arguments)
    assert (again["counts"]["done"], again["counts"]["unchanged"]) == (4, 16)
    assert len(writes(okta)) == 4


def test_whoever_was_only_planned_keeps_the_doubt_about_an_earlier_try(
    okta: Sandbox, pause: Callable[..., None]
) -> None:
    """A try whose answer was lost is not hidden by a plan of the meantime."""
    people(okta, 1)
    okta.fail_next(kind="reset", service="okta", method="PUT", times=10, path_prefix="/api/v1/groups")
    group = okta.okta.add_group("Risky")
    report = run(ADD, rows(1), group_id=group.id, fail_on="never")
    assert report["counts"]["failed"] == 1
    okta.clear_faults()
    pause()
    run(ADD, rows(1), group_id=group.id)
    (entry,) = logged(action="add_to_group")
    assert entry.status == "failed"


# --- afterwards


def test_after_resume_the_next_run_does_what_was_left(okta: Sandbox, pause: Callable[..., None]) -> None:
    """Who became a risk while paused is added, and who recovered is released: on the next day's run."""
    ids = people(okta, 3)
    day = timedelta(days=1)
    group = okta.okta.add_group("Risky")
    push = {"ensure_provider": True}
    run(ADD, [row("p0")], context(NOW), group_id=group.id)
    run(PUSH, [row("p0")], context(NOW), **push)

    pause()
    safe = row("p0", score=900, score_level="low", risk_level="low")
    for operator, some, more in (
        (ADD, [row("p1")], {"group_id": group.id}),
        (REMOVE, [safe], {"group_id": group.id}),
        (PUSH, [row("p1"), safe], push),
    ):
        assert run(operator, some, context(NOW + day), **more)["counts"]["planned"] == len(some)
    assert set(okta.okta.members(group.id)) == {ids[0]}

    pause("")
    # The scores did not change, so nothing but what is left can be the reason.
    after = context(NOW + 2 * day)
    assert run(ADD, [row("p1")], after, group_id=group.id)["counts"]["done"] == 1
    assert run(REMOVE, [safe], after, group_id=group.id)["counts"]["done"] == 1
    assert run(PUSH, [row("p1"), safe], after, **push)["counts"]["done"] == 2
    assert set(okta.okta.members(group.id)) == {ids[1]}


def test_a_cleared_task_of_the_paused_run_does_it_as_well(okta: Sandbox, pause: Callable[..., None]) -> None:
    (user_id,) = people(okta, 1)
    pause()
    run(ADD, rows(1), group_name="Risky", create_group=True)
    pause("false")
    assert run(ADD, rows(1), group_name="Risky", create_group=True)["counts"]["done"] == 1
    group = okta.okta.find_group("Risky")
    assert group is not None
    assert set(okta.okta.members(group.id)) == {user_id}


def test_a_membership_whose_time_is_over_ends_after_the_pause(
    okta: Sandbox, pause: Callable[..., None]
) -> None:
    people(okta, 1)
    group = okta.okta.add_group("Risky")
    run(ADD, rows(1), context(NOW), group_id=group.id, expires_after="1d")
    later = context(NOW + timedelta(days=2))
    pause()
    assert run(REMOVE, [], later, group_id=group.id)["counts"]["planned"] == 1
    pause("")
    assert run(REMOVE, [], context(NOW + timedelta(days=3)), group_id=group.id)["counts"]["done"] == 1
    assert not okta.okta.members(group.id)
