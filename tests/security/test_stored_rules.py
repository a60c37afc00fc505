"""Airflow's API server shows the rules in the action log as text and runs none of them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from airflow_provider_okta_ure.action_log.entries import Entry
from tests.support.page import SYNC, app, log, security, viewer

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from tests.support.airflow_security import Visitor

__all__ = ["app", "log", "security", "viewer"]

MOMENT = datetime(2026, 11, 23, tzinfo=timezone.utc)
NAME = "i" * 60 + "@corp.example"
# Each takes years on this name where it is run.
RULES = [
    'user =~ "' + "\u0130+i+" * 6 + 'x"',
    'user =~ "(i+)+$"',
    'user =~~ "(i|i)*x"',
    'user.matches("(i+)+x")',
    'score <= 500 or user =~ "' + "(i?i?)*" * 9 + 'x"',
    "user =~ " + '"(' * 500,
    "[x for x in " * 200,
    "((((" * 5000,
]


@pytest.mark.parametrize("rule", RULES, ids=range(len(RULES)))
def test_a_rule_in_the_log_is_shown_and_not_run(viewer: Visitor, log: ActionLog, rule: str) -> None:
    log.finish(
        [
            Entry(
                org="https://acme.okta.com",
                action="add_to_group",
                target="00gRISK",
                target_name="At risk",
                user_key="00uEVE",
                user_id="00uEVE",
                user_name=NAME,
                login=NAME,
                as_of=MOMENT,
                started_at=MOMENT,
                recorded_at=MOMENT,
                dag_id=SYNC,
                run_id="scheduled__1",
                task_id="add_to_group",
                rule=rule,
                score=103,
                status="done",
            )
        ]
    )
    answer = viewer.get("/okta-ure/api/person", user_id="00uEVE")
    assert answer.status_code == 200
    (membership,) = answer.json()["memberships"]
    assert membership["rule"]
    assert rule.startswith(membership["rule"].removesuffix("..."))
    assert membership["why"] == f"score 103 (higher is safer) matched the rule: {membership['rule']}"
    for path in ("overview?since=2026-11-01T00:00:00Z", "actions", "actions.csv"):
        assert viewer.get(f"/okta-ure/api/{path}").status_code == 200


def test_the_api_server_does_not_even_import_what_runs_rules() -> None:
    code = (
        "import sys, airflow_provider_okta_ure.plugin.app\n"
        "print(sorted(name for name in sys.modules if name.startswith('airflow_provider_okta_ure.core.rule')"
        " or name.split('.')[0] in ('rule_engine', 'cel', 'cel_expr_python', 're2')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
