"""Real runs: mapped operators, an asset as trigger, retries, and what stays out of sight."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.processes import DemoError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox
    from demo.airflow_instance import AirflowInstance


def test_mapped_operators_act_once_per_user_and_create_one_group(airflow: AirflowInstance, sandbox: Sandbox):
    airflow.wait_for_dag("in_parts")
    airflow.unpause("in_parts")
    run_id = airflow.trigger("in_parts")
    airflow.wait_for_run("in_parts", run_id, 120)
    groups = [group for group in sandbox.okta.groups if group.name == "In parts"]
    assert len(groups) == 1
    added = list(sandbox.requests_to("okta", "PUT", f"/api/v1/groups/{groups[0].id}/users"))
    assert len(added) == len(sandbox.okta.members(groups[0].id)) > 20
    instances = f"/dags/in_parts/dagRuns/{run_id}/taskInstances"
    links = airflow.request("GET", f"{instances}/add_to_group/links?map_index=0")["extra_links"]
    rows = parse_qs(urlsplit(links["Action log of this task"]).query)
    assert (rows["re-dag_id"], rows["re-run_id"]) == (["in_parts"], [run_id])
    # The sandbox has no admin console.
    assert not links["Group in Okta"]


def test_a_run_that_an_asset_triggered_works_without_any_date_and_waits_in_the_triggerer(
    airflow: AirflowInstance, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    before = len(sandbox.okta.accepted_events)
    monkeypatch.setattr(sandbox.options, "log_delay_seconds", 10.0)
    for dag_id in ("on_asset", "changes_scores"):
        airflow.wait_for_dag(dag_id)
        airflow.unpause(dag_id)
    airflow.wait_for_run("changes_scores", airflow.trigger("changes_scores"), 60)
    deadline = time.monotonic() + 60
    while not (runs := airflow.runs("on_asset")):
        assert time.monotonic() < deadline, "the asset triggered no run"
        time.sleep(0.5)
    run = airflow.wait_for_run("on_asset", runs[0]["dag_run_id"], 120)
    assert run["run_type"] == "asset_triggered"
    assert run["data_interval_end"] is None
    report = airflow.xcom("on_asset", run["dag_run_id"], "push_risk")
    assert report["counts"]["done"] == len(sandbox.okta.accepted_events) - before > 50
    proof = airflow.xcom("on_asset", run["dag_run_id"], "confirm_ingested")
    assert proof["counts"] == {"confirmed": report["counts"]["done"], "missing": 0}
    logs = Path(airflow.home, "logs", "dag_id=on_asset")
    in_triggerer = "".join(path.read_text() for path in logs.rglob("*.trigger.*.log"))
    assert "{'status': 'over'}" in in_triggerer


def test_a_permanent_error_is_not_retried_and_tells_what_to_do(airflow: AirflowInstance):
    airflow.wait_for_dag("goes_wrong")
    airflow.unpause("goes_wrong")
    run_id = airflow.trigger("goes_wrong")
    with pytest.raises(DemoError, match="add_to_group"):
        airflow.wait_for_run("goes_wrong", run_id, 60)
    tasks = airflow.request("GET", f"/dags/goes_wrong/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert [task["try_number"] for task in tasks] == [1]
    log = "".join(path.read_text() for path in Path(airflow.home, "logs", "dag_id=goes_wrong").rglob("*.log"))
    assert "There is no group named 'Not there'" in log


def test_the_connections_api_masks_every_secret(airflow: AirflowInstance, sandbox: Sandbox):
    key = sandbox.okta_client_private_key
    lines = [line for line in key.splitlines() if not line.startswith("-----")]
    airflow.add_connection(
        "okta_service_app",
        conn_type="okta",
        host=sandbox.okta_url,
        login=sandbox.okta_client_id,
        extra={
            "auth_method": "private_key_jwt",
            "client_private_key": key,
            "signing_private_key": json.dumps({"kty": "RSA", "d": "canary-private-exponent"}),
            "proxy": "http://worker:canary-of-the-proxy@proxy.corp.example:3128",
        },
    )
    for path in ("/connections", "/connections/okta_default", "/connections/okta_service_app"):
        text = str(airflow.request("GET", path))
        assert sandbox.okta_token not in text
        assert sandbox.netskope_token not in text
        assert "PRIVATE KEY" not in text
        assert "canary" not in text
        assert not [line for line in lines if line in text]
    assert "risk.corp.example" in str(airflow.request("GET", "/connections/okta_default"))
    assert sandbox.okta_client_id in str(airflow.request("GET", "/connections/okta_service_app"))


def test_no_log_of_any_run_holds_a_secret(airflow: AirflowInstance, sandbox: Sandbox):
    logs = [path.read_text(errors="replace") for path in Path(airflow.home, "logs").rglob("*.log")]
    assert logs
    for text in logs:
        assert sandbox.okta_token not in text
        assert sandbox.netskope_token not in text
        assert "PRIVATE KEY-----" not in text
        assert "canary" not in text
