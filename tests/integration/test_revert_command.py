# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure revert``: says user by user what would be undone, and undoes it within the limits."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.secrets.metastore import MetastoreBackend

from airflow_provider_okta_ure.commands import revert as command
from tests.integration.exchange import Exchange, day
from tests.integration.judging_support import logged, writes
from tests.integration.test_revert import at_noon

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox import Sandbox

    Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    for name in ("ann", "bob"):
        known.user(name)
    known.add(1, {"ann": 100, "bob": 100})
    known.push(1, {"ann": 100})
    okta.clear_requests()
    return known


@pytest.fixture
def revert(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command at noon of the second day, and return its status, output and errors."""
    from airflow.utils import cli_action_loggers

    monkeypatch.setattr(command, "utc_now", lambda: at_noon(2))
    monkeypatch.setattr(getpass, "getuser", lambda: "carol")
    monkeypatch.setattr(cli_action_loggers, "on_pre_execution", lambda **_: None)
    monkeypatch.setattr(MetastoreBackend, "get_variable", lambda *_, **__: None)

    def revert(*options: str, dag: str = "sync", run: str = "day-1") -> tuple[int, list[str], str]:
        status = 0
        try:
            args = get_parser().parse_args(["okta-ure", "revert", "--dag-id", dag, "--run-id", run, *options])
            args.func(args)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        kinds = ("planned", "done", "not done", "skipped", "unchanged", "failed")
        return status, [one for one in said.out.splitlines() if one.startswith(kinds)], said.err

    return revert


ANYTHING = ("--max-change-percent", "100")


def test_a_dry_run_says_who_and_changes_nothing(exchange: Exchange, revert: Run) -> None:
    exchange.add(2, {"bob": 100})
    exchange.sandbox.clear_requests()
    status, lines, said = revert("--dry-run")
    assert status == 0
    assert [line.split()[0] for line in lines] == ["skipped", "planned", "planned"]
    assert "bob@new.example  later_decision: a later decision" in lines[0]
    assert f"as of {day(2):%Y-%m-%d %H:%M} UTC by the run day-2 of sync, has been made" in lines[0]
    assert "remove_from_group  'At risk'  ann@new.example  reverted" in lines[1]
    assert "push_risk  'https://risk.corp.example'  ann@new.example" in lines[2]
    assert "This would undo the run day-1 of sync: 2 planned, 1 skipped. Nothing was written." in said
    assert writes(exchange.sandbox) == []
    assert exchange.members == {"ann", "bob"}


def test_it_undoes_and_says_how_to_take_it_back(exchange: Exchange, revert: Run) -> None:
    status, lines, said = revert(*ANYTHING)
    assert (status, len(lines)) == (0, 3)
    assert exchange.members == set()
    assert exchange.told("ann")[-1] == ("high", "none")
    assert "It does nothing again by a retry or a clear" in said
    # Under the DAG whose run it was, because there is no run of another one.
    run_id = f"revert__{at_noon(2).isoformat()}"
    assert {(one.dag_id, one.run_id) for one in logged(reason="reverted")} == {("sync", run_id)}
    assert f"--dag-id sync --run-id {run_id}" in said


def test_what_it_undid_can_be_taken_back(
    exchange: Exchange, revert: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    revert(*ANYTHING)
    monkeypatch.setattr(command, "utc_now", lambda: at_noon(3))
    assert revert(*ANYTHING, run=f"revert__{at_noon(2).isoformat()}")[0] == 0
    assert exchange.members == {"ann", "bob"}
    assert exchange.told("ann")[-1] == ("none", "high")
    # They are held by the DAG that added them, as before.
    exchange.remove(4, {"ann": 900})
    assert exchange.members == {"bob"}


def test_what_was_undone_already_is_said_so_and_ends_with_1(
    exchange: Exchange, revert: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    revert("--action", "push_risk", *ANYTHING)
    monkeypatch.setattr(command, "utc_now", lambda: at_noon(3))
    status, lines, said = revert("--action", "push_risk", *ANYTHING)
    assert status == 1
    assert "Nothing was undone of the run day-1 of sync: 1 skipped. " in said
    assert f"later_decision: already undone by the run revert__{at_noon(2).isoformat()} of sync" in lines[0]
    assert exchange.told("ann") == [("none", "high"), ("high", "none")]


def test_a_run_that_changed_nothing_has_nothing_to_undo(exchange: Exchange, revert: Run) -> None:
    exchange.add(2, {"ann": 900}, dag="idle", dry_run=True)
    assert (
        "There is nothing to undo of the run day-2 of idle."
        in revert("--dry-run", dag="idle", run="day-2")[2]
    )
    status, _, said = revert(dag="idle", run="day-2")
    assert status == 1
    assert "Nothing was undone of the run day-2 of idle: the run changed nothing that can be undone. " in said


def test_holds_that_ended_are_said(exchange: Exchange, revert: Run) -> None:
    exchange.add(2, {"ann": 100, "bob": 100}, dag="wide")
    status, _, said = revert(dag="wide", run="day-2")
    assert (status, exchange.members) == (0, {"ann", "bob"})
    assert "Undid the run day-2 of wide: 2 holds ended. " in said
    exchange.remove(3, {"ann": 900})
    assert exchange.members == {"bob"}


def test_only_one_action_and_one_person(exchange: Exchange, revert: Run) -> None:
    revert("--action", "add_to_group", "--user", "ann@new.example", *ANYTHING)
    assert exchange.members == {"bob"}
    assert exchange.told("ann") == [("none", "high")]


def test_the_limits_hold_and_a_plan_that_was_looked_at_may_be_larger(exchange: Exchange, revert: Run) -> None:
    status, _, said = revert("--max-changes", "1")
    assert status == 1
    assert "remove_from_group would change 2 of 2 members of the group" in said
    assert writes(exchange.sandbox) == []
    plans = revert("--dry-run")[2].partition("Plans: ")[2].partition(".")[0]
    assert revert("--max-changes", "1", "--approved-plan", plans)[0] == 0
    assert exchange.members == set()
    assert {one.approved_by for one in logged(reason="reverted", status="done")} == {"plan id, by carol"}


def test_while_all_writes_are_paused_nothing_is_undone(
    exchange: Exchange, revert: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_OKTA_URE_PAUSED", "wrong tenant")
    status, _, said = revert()
    assert status == 1
    assert "Nothing was undone of the run day-1 of sync" in said
    assert "wrong tenant" in said
    assert writes(exchange.sandbox) == []


@pytest.mark.parametrize(
    ("options", "run", "text"),
    [
        pytest.param((), "day-2", "knows no run 'day-2' of the DAG sync. Did you mean 'day-1'?", id="run"),
        pytest.param(("--user", "zoe"), "day-1", "The run decided about nobody named 'zoe'.", id="user"),
        pytest.param(("--action", "upsert_risk"), "day-1", "which cannot be undone", id="action"),
        pytest.param(("--okta-conn-id", "nowhere"), "day-1", "no connection 'nowhere'", id="connection"),
        pytest.param(("--user", ""), "day-1", "--user is empty", id="empty"),
    ],
)
def test_wrong_options_end_with_2(
    exchange: Exchange, revert: Run, options: tuple[str, ...], run: str, text: str
) -> None:
    status, _, said = revert(*options, run=run)
    assert status == 2
    assert text in said
    assert writes(exchange.sandbox) == []
