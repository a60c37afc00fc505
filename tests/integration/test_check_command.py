"""``airflow okta-ure check``: a table or JSON, a status for scripts, and no database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli import cli_parser

from airflow_provider_okta_ure.commands import check as command
from tests.integration.preflight_support import GROUP, World, state_of
from tests.integration.preflight_support import one_sandbox as one_sandbox
from tests.integration.preflight_support import world as world

if TYPE_CHECKING:
    from argparse import ArgumentParser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    return cli_parser.get_parser()


def run(world: World, parser: ArgumentParser, *options: str) -> int:
    """Return the status of the command with these options, as Airflow would run it in this process."""
    world.store()
    try:
        args = parser.parse_args(["okta-ure", "check", *options])
        args.func(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def test_a_healthy_world_is_a_table_and_status_0(world, parser, capsys):
    before = state_of(world.sandbox)
    assert run(world, parser, "--group-name", GROUP, "--actions", "groups,push") == 0
    output = capsys.readouterr().out
    assert "0 problems, 0 warnings" in output
    assert f"okta_default: {world.sandbox.okta_url}" in output
    assert max(map(len, output.splitlines())) <= 100
    assert "\x1b" not in output
    assert state_of(world.sandbox) == before


def test_a_problem_is_status_1_and_says_what_to_do(world, parser, capsys):
    assert run(world, parser, "--group-name", "Nobody made it") == 1
    output = " ".join(capsys.readouterr().out.split())
    assert "problem okta.group There is no group named 'Nobody made it'. -> Check the name" in output


def test_a_warning_is_status_0(world, parser, capsys):
    world.sandbox.fail_next(service="okta", status=403, times=50, path_prefix="/api/v1/logs")
    assert run(world, parser) == 0
    assert "0 problems, 1 warning," in capsys.readouterr().out


def test_json_is_the_report_and_nothing_else(world, parser, capsys):
    assert run(world, parser, "--json", "--group-name", "Nobody made it") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == "problem"
    assert [one["name"] for one in said["checks"] if one["status"] == "problem"] == ["okta.group"]


def test_every_option_arrives(world, parser, capsys):
    world.sandbox.okta.providers.clear()
    options = ["--actions", "groups,push", "--group-name", "New one", "--create-group", "--ensure-provider"]
    options += ["--no-check-jwks", "--strategy", "list", "--users", "100000", "--max-minutes", "7", "--json"]
    assert run(world, parser, *options, "--netskope-conn-id", "netskope_default") == 0
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert "will be created" in checks["okta.group"]["message"]
    assert "will be created" in checks["okta.registration"]["message"]
    assert checks["signing.jwks"]["status"] == "skipped"
    assert checks["netskope.score_list"]["status"] == "ok"
    assert "100000 users" in checks["okta.rate_limits"]["message"]
    assert "more than 7" in checks["okta.rate_limits"]["message"]


def test_without_netskope_only_okta_is_checked(world, parser, capsys):
    assert run(world, parser, "--netskope-conn-id", "", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["targets"]) == ["okta_default"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(
            ["--okta-conn-id", "okta_nowhere"], "AIRFLOW_CONN_OKTA_NOWHERE", id="no-okta-connection"
        ),
        pytest.param(["--netskope-conn-id", "other"], "--netskope-conn-id ''", id="no-netskope-connection"),
        pytest.param(["--actions", "psuh"], "push", id="unknown-action"),
        pytest.param(["--group-name", "a", "--group-id", "b"], "exactly one", id="two-groups"),
        pytest.param(["--strategy", "guess"], "invalid choice", id="unknown-strategy"),
        pytest.param(["--users", "many"], "invalid int", id="no-number"),
        pytest.param(["--no-such-option"], "unrecognized", id="unknown-option"),
    ],
)
def test_wrong_usage_is_status_2_and_goes_to_the_error_stream(world, parser, capsys, options, says):
    assert run(world, parser, "--json", *options) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert '"checks"' not in said.out
    assert world.sandbox.requests == []


def test_ctrl_c_ends_with_its_status_and_one_sentence(world, parser, capsys, monkeypatch):
    def interrupted(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "preflight", interrupted)
    assert run(world, parser, "--json") == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Interrupted")
    assert "Traceback" not in said.err


def test_colours_are_for_terminals_that_want_them(world, parser, monkeypatch):
    class Terminal:
        written = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None:
            pass

    for wanted in (True, False):
        if not wanted:
            monkeypatch.setenv("NO_COLOR", "1")
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            assert run(world, parser) == 0
        assert ("\x1b[32m" in terminal.written) is wanted


# --- a process of its own


def process(world: World, home: Path, *options: str, **more: str) -> subprocess.Popen[str]:
    """Start the real command, with connections in the environment and no metadata database."""
    world.store()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/nothing/airflow.db",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        **more,
    }
    # A shell lets what it runs in the background ignore Ctrl-C, and whoever is started by that, too.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", "okta-ure", "check", *options],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, ours)


def test_it_needs_no_database_and_logs_do_not_spoil_the_json(world, tmp_path):
    # An app without one scope: the client logs a warning while the checks run.
    world.okta |= {"password": None, "login": world.sandbox.okta_client_id}
    world.okta["extra"] |= {
        "auth_method": "private_key_jwt",
        "client_private_key": world.sandbox.okta_client_private_key,
    }
    world.sandbox.okta.change_app(world.sandbox.okta_client_id, scopes=["okta.users.read"])
    world.sandbox.clock.unfreeze()
    child = process(world, tmp_path, "--json", "--netskope-conn-id", "")
    output, errors = child.communicate(timeout=60)
    said = json.loads(output)
    checks = {one["name"]: one for one in said["checks"]}
    assert child.returncode == 1, errors
    assert checks["okta.scopes"]["status"] == "problem"
    assert "okta.groups.manage" in checks["okta.scopes"]["remedy"]
    assert world.sandbox.okta_client_private_key.splitlines()[1] not in output + errors


def test_ctrl_c_while_it_waits_for_an_answer(world, tmp_path):
    world.sandbox.fail_next(kind="hold", service="okta", times=1)
    child = process(world, tmp_path, "--json")
    try:
        assert world.sandbox.wait_for_held(timeout=60)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=30)
    finally:
        world.sandbox.release_held()
        child.kill()
        child.wait()
    assert (child.returncode, output) == (130, "")
    assert "Traceback" not in errors
    assert "Interrupted" in errors
