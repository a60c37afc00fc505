"""``airflow okta-ure adopt``: members whom somebody else added are released when they recover."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli import cli_parser

from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator, OktaRemoveFromGroupOperator
from tests.integration.conftest import NOW
from tests.integration.judging_support import logged, people, writes

if TYPE_CHECKING:
    from datetime import datetime


@pytest.fixture(scope="module")
def parser() -> Any:
    return cli_parser.get_parser()


@pytest.fixture
def group(okta: Any) -> Any:
    """A group with three members whom somebody else put there."""
    made = okta.okta.add_group("Risky")
    for user_id in people(okta, 3):
        okta.okta.add_member(made.id, user_id)
    okta.clear_requests()
    return made


@pytest.fixture
def adopt(parser: Any, capsys: Any) -> Callable[..., tuple[int, list[str], str]]:
    """Run the command; return its status, whom it printed, and what it said."""

    def adopt(*options: str) -> tuple[int, list[str], str]:
        status = 0
        try:
            args = parser.parse_args(["okta-ure", "adopt", *options])
            args.func(args)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return status, [line for line in said.out.splitlines() if line.endswith("@new.example")], said.err

    return adopt


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A time after the command has run, for the task that finds who has recovered."""
    monkeypatch.setattr("airflow_provider_okta_ure.commands.adopt.utc_now", lambda: NOW)
    return NOW + timedelta(hours=1)


def act(operator: Any, rows: list[dict[str, Any]], as_of: Any, dag_id: str = "sync", **arguments: Any) -> Any:
    from tests.integration.conftest import context_of

    context = context_of(as_of)
    for name, value in {"dag_id": dag_id, "run_id": f"r{as_of}", "task_id": "act", "map_index": -1}.items():
        setattr(context["ti"], name, value)
    return operator(task_id="act", rows=rows, **arguments).execute(context)


def recovered(as_of: Any, *names: str, **arguments: Any) -> Any:
    rows = [{"user": f"{name}@new.example", "score": 900} for name in names]
    return act(OktaRemoveFromGroupOperator, rows, as_of, group_name="Risky", **arguments)


def members(okta: Any, group: Any) -> set[str]:
    ids = okta.okta.members(group.id)
    return {name for name in ("p0", "p1", "p2") if okta.okta.find_user(f"{name}@new.example").id in ids}


def test_without_it_they_stay(okta: Any, group: Any, later: Any) -> None:
    assert recovered(later, "p0", "p1")["reasons"] == {"skipped:not_added_by_us": 2}
    assert members(okta, group) == {"p0", "p1", "p2"}


@pytest.mark.parametrize("holder", [[], ["--from-dag", "sync"]])
def test_who_is_adopted_is_released_and_nobody_else(
    okta: Any, group: Any, adopt: Any, later: Any, holder: list[str]
) -> None:
    status, who, said = adopt("--group", "Risky", "--users", "p0@new.example; P1@new.example", *holder)
    assert (status, who) == (0, ["p0@new.example", "p1@new.example"])
    assert "Adopted 2 members of the group 'Risky'" in said
    assert writes(okta) == []
    assert members(okta, group) == {"p0", "p1", "p2"}
    recovered(later, "p0", "p2")
    assert members(okta, group) == {"p1", "p2"}


def test_all_of_them(okta: Any, group: Any, adopt: Any, later: Any) -> None:
    assert len(adopt("--group-id", group.id, "--all")[1]) == 3
    recovered(later, "p0", "p1", "p2", max_change_percent=100)
    assert members(okta, group) == set()


def test_a_dry_run_says_who_and_writes_nothing(okta: Any, group: Any, adopt: Any, later: Any) -> None:
    status, who, said = adopt("--group", "Risky", "--all", "--dry-run")
    assert (status, len(who)) == (0, 3)
    assert "Would adopt 3" in said
    assert logged() == []
    recovered(later, "p0")
    assert members(okta, group) == {"p0", "p1", "p2"}


def test_who_was_added_by_this_provider_is_left_as_they_are(okta: Any, group: Any, adopt: Any) -> None:
    okta.okta.group(group.id).members.discard(okta.okta.find_user("p0@new.example").number)
    act(OktaAddToGroupOperator, [{"user": "p0@new.example", "score": 1}], NOW, group_name="Risky")
    _, who, said = adopt("--group", "Risky", "--all")
    assert who == ["p1@new.example", "p2@new.example"]
    assert "1 were added by this provider already" in said


def test_twice_is_once(okta: Any, group: Any, adopt: Any) -> None:
    adopt("--group", "Risky", "--all")
    assert adopt("--group", "Risky", "--all")[1] == []
    assert len(logged(reason="adopted")) == 3


def test_who_is_held_by_another_dag_stays(okta: Any, group: Any, adopt: Any, later: Any) -> None:
    adopt("--group", "Risky", "--all", "--from-dag", "other")
    assert recovered(later, "p0", dag_id="sync")["reasons"] != {}
    assert members(okta, group) == {"p0", "p1", "p2"}
    recovered(later + timedelta(minutes=1), "p0", dag_id="other")
    assert members(okta, group) == {"p1", "p2"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--group", "Risky"], "either --users or --all", id="nobody"),
        pytest.param(["--group", "Risky", "--users", "p0@new.example", "--all"], "either", id="both"),
        pytest.param(["--group", "Risky", "--users", ""], "--users is empty", id="empty"),
        pytest.param(["--group", "Risky", "--users", "p0 p1"], "one name or several", id="ambiguous-list"),
        pytest.param(
            ["--group", "Risky", "--users", "x@new.example, p0@new.example"], "'x@new.", id="no-member"
        ),
        pytest.param(["--all"], "Neither group_id nor group_name", id="no-group"),
        pytest.param(
            ["--group", "Risky", "--all", "--okta-conn-id", "nowhere"], "'nowhere'", id="connection"
        ),
    ],
)
def test_wrong_usage_is_status_2_and_adopts_nobody(
    group: Any, adopt: Any, options: list[str], says: str
) -> None:
    status, who, said = adopt(*options)
    assert (status, who) == (2, [])
    assert says in said
    assert logged() == []


@pytest.mark.parametrize("kind", ["APP_GROUP", "missing"])
def test_a_group_that_nobody_can_be_released_from_is_refused(okta: Any, adopt: Any, kind: str) -> None:
    if kind != "missing":
        okta.okta.add_group("Imported", type=kind)
    assert adopt("--group", "Imported", "--all")[0] == 1
