# SPDX-License-Identifier: Apache-2.0
"""The key that signs, in a real Airflow: printed from its database, and shown by its API server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from demo.airflow_instance import AirflowInstance


def test_what_the_command_prints_of_a_stored_connection_is_what_the_api_server_shows_to_strangers(
    airflow: AirflowInstance,
):
    command = [sys.executable, "-m", "airflow", "okta-ure", "keys", "jwks", "--okta-conn-id", "okta_default"]
    printed = subprocess.run(command, env=airflow.environment, capture_output=True, text=True, check=True)
    shown = requests.get(f"{airflow.url}/okta-ure/jwks.json", timeout=10)
    assert shown.status_code == 200
    assert shown.headers["Content-Type"] == "application/json"
    assert json.loads(printed.stdout) == shown.json()


def test_strangers_see_nothing_else_there(airflow: AirflowInstance):
    assert "issuer" in requests.get(f"{airflow.url}/okta-ure/.well-known/ssf-configuration", timeout=10).text
    for path in ("docs", "openapi.json", "jwks", "connections"):
        assert requests.get(f"{airflow.url}/okta-ure/{path}", timeout=10).status_code == 404
