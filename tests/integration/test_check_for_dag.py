"""``airflow okta-ure check --for-dag``: what a DAG needs is read from its own tasks and parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.preflight_support import GROUP, World
from tests.integration.preflight_support import one_sandbox as one_sandbox
from tests.integration.preflight_support import world as world
from tests.integration.test_check_command import parser as parser
from tests.integration.test_check_command import run

if TYPE_CHECKING:
    from argparse import ArgumentParser

DAGS = Path(__file__).parents[2] / "dags"
HEAD = """
from datetime import datetime, timezone
from airflow.sdk import DAG, Param
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import *
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator
"""


@pytest.fixture
def check(world: World, parser: ArgumentParser, capsys: Any) -> Any:
    """Run the command for a DAG; return its status, its checks by name and its error output."""

    def check(dag_id: str, folder: Path = DAGS, **params: Any) -> tuple[int, dict[str, Any], str]:
        options = ["--for-dag", dag_id, "--dags-folder", str(folder), "--json"]
        options += ["--params", json.dumps(params)] if params else []
        status = run(world, parser, *options)
        said = capsys.readouterr()
        checks = json.loads(said.out)["checks"] if said.out else []
        return status, {one["name"]: one for one in checks}, said.err

    return check


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a DAG whose tasks are these lines; return the folder."""

    def write(*tasks: str, params: str = "{}") -> Path:
        body = "\n".join(f"    {task}" for task in tasks)
        (tmp_path / "of_a_test.py").write_text(
            f"{HEAD}with DAG('of_a_test', start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None, "
            f"params={params}):\n{body}\n"
        )
        return tmp_path

    return write


def bad(checks: dict[str, Any]) -> set[str]:
    return {name for name, one in checks.items() if one["status"] in ("problem", "warning")}


def test_the_main_dag_is_green_where_everything_is_there(check: Any) -> None:
    status, checks, _ = check("okta_risk_sync", group=GROUP)
    assert (status, bad(checks)) == (0, set())
    assert GROUP in checks["okta.group"]["message"]
    assert checks["okta.registration"]["status"] == "ok"
    assert checks["netskope.daily_scores"]["status"] == "ok"
    assert checks["action_log.write"]["status"] == "ok"


def test_the_dag_that_undoes_a_run_is_green_where_everything_is_there(world: World, check: Any) -> None:
    status, checks, _ = check("okta_revert_run", reverted_run_id="day-1")
    assert (status, bad(checks)) == (0, set())
    assert checks["okta.registration"]["status"] == "ok"
    assert "netskope.daily_scores" not in checks


def test_the_defaults_of_its_parameters_count(check: Any) -> None:
    _, checks, _ = check("okta_risk_sync")
    assert "'Netskope at risk' yet; it will be created" in checks["okta.group"]["message"]


def test_the_main_dag_is_not_green_without_a_signing_key_unless_its_tasks_say_so(
    world: World, check: Any
) -> None:
    world.okta["extra"] = {}
    _, checks, _ = check("okta_risk_sync", group=GROUP, **({"signals": "on"} if _has_signals() else {}))
    assert checks["signing.key"]["status"] == "problem"


def _has_signals() -> bool:
    return '"signals": Param' in (DAGS / "okta_risk_sync.py").read_text()


def test_it_is_not_green_where_the_action_log_cannot_be(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_OKTA_URE_ACTION_LOG")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    status, checks, _ = check("okta_risk_sync", group=GROUP)
    assert (status, checks["action_log.place"]["status"]) == (1, "problem")


def test_exclusions_in_its_parameters_are_looked_up(check: Any) -> None:
    _, checks, _ = check("okta_risk_sync", group=GROUP, exclude_users=["nobody@new.example"])
    assert checks["okta.exclusions"]["status"] == "warning"
    assert "nobody@new.example" in checks["okta.exclusions"]["message"]


def test_a_rule_that_cannot_be_used_is_a_problem(check: Any) -> None:
    status, checks, _ = check("okta_risk_sync", group=GROUP, at_risk_rule="scroe <= 500")
    assert (status, checks["dag.rules"]["status"]) == (1, "problem")


def test_each_group_and_each_connection_is_checked(world: World, check: Any, write: Any) -> None:
    world.sandbox.okta.add_group("Other")
    folder = write(
        "fetch = NetskopeFetchScoresOperator(task_id='fetch', strategy='list')",
        f"OktaAddToGroupOperator(task_id='a', rows=[], group_name={GROUP!r})",
        "OktaAddToGroupOperator(task_id='b', rows=[], group_name='{{ params.other }}')",
        "OktaRemoveFromGroupOperator(task_id='c', rows=[], group_name='Nobody made it', missing_group_ok=True)",
        params="{'other': 'Othre'}",
    )
    status, checks, _ = check("of_a_test", folder)
    assert status == 1
    assert bad(checks) == {"Othre:okta.group"}
    assert checks["netskope.score_list"]["status"] == "ok"
    assert checks["signing.key"]["status"] == "skipped"
    assert check("of_a_test", folder, other="Other")[0] == 0


def test_mapped_tasks_are_read_and_what_only_a_run_knows_is_named(check: Any, write: Any) -> None:
    folder = write(
        f"OktaAddToGroupOperator.partial(task_id='a', group_name={GROUP!r}).expand(rows=[[], []])",
        "OktaPushRiskOperator.partial(task_id='p', rows=[]).expand(exclude_users=[['x'], ['y']])",
        "OktaAddToGroupOperator(task_id='b', rows=[], group_name='{{ ti.xcom_pull(task_ids=\"x\") }}')",
    )
    _, checks, _ = check("of_a_test", folder)
    assert GROUP in checks["okta.group"]["message"]
    assert checks["dag.arguments"]["status"] == "warning"
    assert "b.group_name" in checks["dag.arguments"]["message"]
    assert "p.exclude_users" in checks["dag.arguments"]["message"]


def test_administrators_that_a_task_excludes_for_certain_must_be_readable(check: Any, write: Any) -> None:
    folder = write(
        f"OktaAddToGroupOperator(task_id='a', rows=[], group_name={GROUP!r}, exclude_administrators=True)"
    )
    assert check("of_a_test", folder)[1]["okta.administrators"]["status"] == "ok"


@pytest.mark.parametrize("dag_id", [path.stem for path in sorted(DAGS.glob("*.py"))])
def test_every_example_can_be_checked(check: Any, dag_id: str, connect: Any, world: World) -> None:
    for conn_id in ("netskope_eu", "netskope_us"):
        connect(conn_id, conn_type="netskope", **world.netskope)
    status, checks, error = check(dag_id)
    assert status in (0, 1), error
    assert "dag.arguments" in checks


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--for-dag", "okta_risk_snyc"], "Did you mean 'okta_risk_sync'", id="unknown"),
        pytest.param(["--for-dag", "okta_risk_sync", "--group-name", "x"], "--group-name and", id="both"),
        pytest.param(["--for-dag", "okta_risk_sync", "--params", "[1]"], "JSON object", id="no-object"),
        pytest.param(
            ["--for-dag", "okta_risk_sync", "--params", '{"gruop": "x"}'], "no parameter 'gruop'", id="param"
        ),
    ],
)
def test_wrong_usage_is_status_2(
    world: World, parser: ArgumentParser, capsys: Any, options: list[str], says: str
) -> None:
    assert run(world, parser, *options, "--dags-folder", str(DAGS)) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named(
    world: World, parser: ArgumentParser, capsys: Any, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("from airflow.sdk import DAG\nraise RuntimeError('not today')\n")
    assert run(world, parser, "--for-dag", "broken", "--dags-folder", str(tmp_path)) == 2
    assert "not today" in capsys.readouterr().err


def test_a_dag_without_tasks_of_ours_is_refused(
    world: World, parser: ArgumentParser, capsys: Any, tmp_path: Path
) -> None:
    (tmp_path / "other.py").write_text(
        "from airflow.sdk import DAG, task\nwith DAG('other'):\n    @task\n    def t(): ...\n    t()\n"
    )
    assert run(world, parser, "--for-dag", "other", "--dags-folder", str(tmp_path)) == 2
    assert "no tasks of this package" in capsys.readouterr().err
