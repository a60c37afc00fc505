"""``airflow okta-ure pause`` and ``resume``: set and remove the switch, and say what they did."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.models import Variable
from airflow.secrets.metastore import MetastoreBackend
from sqlalchemy.exc import OperationalError

from airflow_provider_okta_ure.commands import pause as command
from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 28, 2, 10, tzinfo=timezone.utc)
LATER = datetime(2026, 11, 28, 4, tzinfo=timezone.utc)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What Airflow's database holds."""
    from airflow.utils import cli_action_loggers

    held: dict[str, str] = {}
    monkeypatch.setattr(Variable, "set", lambda key, value, **_: held.__setitem__(key, value))
    monkeypatch.setattr(Variable, "delete", lambda key, **_: held.pop(key, None))
    monkeypatch.setattr(MetastoreBackend, "get_variable", lambda _, key, **__: held.get(key))
    monkeypatch.setattr(cli_action_loggers, "on_pre_execution", lambda **_: None)
    monkeypatch.setattr(command, "utc_now", lambda: AT)
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    return held


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command, and return its status, output and errors."""

    def run(*options: str) -> tuple[int, str, str]:
        status = 0
        try:
            args = get_parser().parse_args(["okta-ure", *options])
            args.func(args)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_pause_says_who_since_when_and_why(variables: dict[str, str], run: Callable[..., Any]) -> None:
    status, said, _ = run("pause", "--reason", "wrong tenant")
    assert status == 0
    assert said.startswith("All writes to Okta are paused since 2026-11-28 02:10 UTC by ann: wrong tenant.\n")
    assert Pause.read(variables[VARIABLE]) == Pause(since=AT, by="ann", reason="wrong tenant")


def test_pause_twice_keeps_the_first_time_and_both_reasons(
    variables: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("pause", "--reason", "wrong tenant")
    monkeypatch.setattr(command, "utc_now", lambda: LATER)
    monkeypatch.setattr(getpass, "getuser", lambda: "bob")
    status, said, _ = run("pause", "--reason", "audit")
    assert status == 0
    assert "since 2026-11-28 02:10 UTC by ann: wrong tenant; bob: audit.\nThey were paused already; " in said
    assert Pause.read(variables[VARIABLE]) == Pause(since=AT, by="ann", reason="wrong tenant; bob: audit")
    run("pause", "--reason", "wrong tenant; bob: audit")
    assert Pause.read(variables[VARIABLE]) == Pause(since=AT, by="ann", reason="wrong tenant; bob: audit")


def test_resume_says_what_it_ended(variables: dict[str, str], run: Callable[..., Any]) -> None:
    run("pause", "--reason", "wrong tenant")
    status, said, _ = run("resume", "--reason", "corrected")
    assert status == 0
    assert said.startswith(
        "Resumed; all writes were paused since 2026-11-28 02:10 UTC by ann: wrong tenant.\n"
    )
    assert variables == {}


def test_resume_of_nothing_is_no_failure(variables: dict[str, str], run: Callable[..., Any]) -> None:
    assert run("resume", "--reason", "corrected")[:2] == (0, "Nothing was paused.\n")


def test_resume_does_not_claim_what_is_not_so(
    variables: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", "audit")
    status, said, error = run("resume", "--reason", "corrected")
    assert (status, said) == (1, "")
    assert "All writes are still paused: audit." in error
    assert "AIRFLOW_VAR_OKTA_URE_PAUSED" in error


def test_pause_works_while_the_switch_cannot_be_read(
    variables: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("no", None, Exception("no"))

    monkeypatch.setattr(MetastoreBackend, "get_variable", gone)
    status, said, error = run("pause", "--reason", "wrong tenant")
    assert (status, said) == (1, "")
    assert "cannot be read" in error
    assert VARIABLE in variables


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_a_database_that_cannot_be_written_is_an_error_of_ours(
    variables: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OperationalError("secret-canary", None, Exception("no"))

    monkeypatch.setattr(Variable, "set", refused)
    monkeypatch.setattr(Variable, "delete", refused)
    status, said, error = run(name, "--reason", "x")
    assert (status, said) == (1, "")
    assert "Change the Airflow Variable okta_ure_paused by hand" in error
    assert "canary" not in error


@pytest.mark.parametrize("options", [[], ["--reason", ""], ["--reason", "  "]])
@pytest.mark.parametrize("name", ["pause", "resume"])
def test_a_reason_is_needed(
    variables: dict[str, str], run: Callable[..., Any], name: str, options: list[str]
) -> None:
    status, _, _ = run(name, *options)
    assert status == 2
    assert variables == {}


def test_a_container_without_users_has_a_number(
    variables: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 50000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    run("pause", "--reason", "x")
    pause = Pause.read(variables[VARIABLE])
    assert pause is not None
    assert pause.by.startswith("uid ")
