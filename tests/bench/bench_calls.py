"""
How many Okta calls it takes to put 500 of 10,000 users into a group, and to find that nothing is to be done.

``python -m tests.bench.bench_calls``
"""

from __future__ import annotations

import json
import logging
import os
import time
from math import ceil
from types import SimpleNamespace
from typing import Any

import structlog

from airflow_provider_okta_ure.operators.okta import OktaAddToGroupOperator
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.integration.conftest import NOW

DIRECTORY, SELECTED = 10_000, 500


def main() -> None:
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with Sandbox(users=DIRECTORY, seed=7, now=NOW) as sandbox:
        # The number of calls is measured here, not the patience that Okta's limits ask for.
        for bucket in ("/api/v1/groups", "/api/v1/users"):
            sandbox.set_bucket(bucket, 1_000_000)
        os.environ["AIRFLOW_CONN_OKTA_DEFAULT"] = json.dumps(
            {"conn_type": "okta", "host": sandbox.okta_url, "password": sandbox.okta_token}
        )
        rows = [{"user": name, "score": 100} for name in _people(sandbox)]
        print(f"directory of {DIRECTORY} users, {len(rows)} selected")
        for title in ("first run", "same run again"):
            sandbox.clear_requests()
            started = time.perf_counter()
            report = OktaAddToGroupOperator(
                task_id="add", rows=rows, group_name="Benchmark", create_group=True
            ).execute(_context())
            _print(title, sandbox, report, time.perf_counter() - started)


def _people(sandbox: Sandbox) -> list[str]:
    """Return the first names that Okta has exactly one living user for."""
    names = []
    for name in sandbox.netskope.names():
        user = sandbox.okta.find_user(name)
        if user is not None and user.status != "DEPROVISIONED":
            names.append(name)
        if len(names) == SELECTED:
            break
    return names


def _context() -> Any:
    return {
        "ti": SimpleNamespace(xcom_push=lambda **_: None),
        "data_interval_end": NOW,
        "dag_run": SimpleNamespace(run_after=NOW),
    }


def _print(title: str, sandbox: Sandbox, report: dict[str, Any], seconds: float) -> None:
    calls = sandbox.requests_to("okta")
    writes = sum(1 for call in calls if call.method in ("PUT", "POST", "DELETE"))
    done = report["counts"]["done"]
    members = SELECTED if done == 0 else 0
    # Pages of members, then the cheaper of listing everybody and asking for 25 names at a time.
    floor = ceil(members / 200) + (min(ceil(SELECTED / 25), ceil(DIRECTORY / 200)) if done else 0) + done
    print(f"{title:15} {len(calls):4} Okta calls (floor {floor}), of them {writes} writes; {seconds:.1f} s")


if __name__ == "__main__":
    main()
