# SPDX-License-Identifier: Apache-2.0
"""The pretend services of the demo, read through the same public routes that anybody would use."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from demo.processes import Children, DemoError

CONTROL_HEADER = "X-Okta-Ure-Sandbox"
"""What the sandbox's control routes want to see, so that no web page can use them."""


class Services:
    """
    The sandbox as a process of its own, and what can be asked of it.

    :param folder: where its ready file and its output go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children = Children(folder)
        self._http = requests.Session()
        self._http.trust_env = False
        self.ready: dict[str, Any] = {}

    def start(self, *, okta_port: int, netskope_port: int, users: int, seed: int) -> None:
        """
        Start the sandbox and return when it listens.

        :raises DemoError: it ended or did not listen in time.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        ready = self._folder / "sandbox.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "airflow_provider_okta_ure.sandbox"]
        options = {
            "--okta-port": okta_port,
            "--netskope-port": netskope_port,
            "--users": users,
            "--seed": seed,
        }
        for name, value in options.items():
            command += [name, str(value)]
        self._children.start("sandbox", [*command, "--ready-file", str(ready)], _plain_environment())
        deadline = time.monotonic() + 30
        while not ready.exists():
            self._children.check()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"The sandbox did not start within 30 s. Output: {self._children.log('sandbox')}"
                )
            time.sleep(0.1)
        self.ready = json.loads(ready.read_text())

    def stop(self) -> None:
        """End the sandbox."""
        self._http.close()
        self._children.stop()

    def publish_jwks(self, jwks: dict[str, Any]) -> str:
        """Put a key set on the pretend static host and return its URL."""
        answer = self._http.put(
            f"{self.ready['okta_url']}/sandbox/static/jwks.json",
            json=jwks,
            headers={CONTROL_HEADER: "1"},
            timeout=10,
        )
        answer.raise_for_status()
        return f"{self.ready['okta_url']}/sandbox/static/jwks.json"

    def group_members(self, name: str) -> tuple[str, list[dict[str, Any]]]:
        """Return the id and the members of the group with this exact name; empty when there is none."""
        groups = [
            one for one in self._okta_pages(f"/api/v1/groups?q={name}") if one["profile"]["name"] == name
        ]
        if not groups:
            return "", []
        group_id: str = groups[0]["id"]
        return group_id, list(self._okta_pages(f"/api/v1/groups/{group_id}/users?limit=200"))

    def risk_levels(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Return the risk level that Okta has of each user; ``NONE`` = none was delivered."""
        return {
            user_id: next(self._okta_pages(f"/api/v1/users/{user_id}/risk"))["riskLevel"]
            for user_id in user_ids
        }

    def okta_users(self) -> list[dict[str, Any]]:
        """Return all users that are not deprovisioned."""
        return list(self._okta_pages("/api/v1/users?limit=200"))

    def log_events(self, since: str, event_type: str) -> list[dict[str, Any]]:
        """Return the System Log events of one type since a time."""
        until = "2999-01-01T00:00:00Z"
        query = f'since={since}&until={until}&limit=1000&filter=eventType eq "{event_type}"'
        return list(self._okta_pages(f"/api/v1/logs?{query}"))

    def scores(self, users: list[str], at: datetime) -> dict[str, int | None]:
        """
        Return each user's newest score as of a time, or None; keys are lower case.

        :param at: the time (aware); the score of a day that begins later does not count.
        """
        until = at.timestamp() * 1000
        result: dict[str, int | None] = dict.fromkeys((user.lower() for user in users), None)
        for start in range(0, len(users), 500):
            body = {"users": users[start : start + 500], "fromTime": 0, "capPerUser": 2}
            answer = self._netskope("POST", "/api/v2/incidents/uba/getuci", json=body)
            for one in answer["usersUci"]:
                counting = [bucket for bucket in one["confidences"] if bucket["start"] < until]
                newest = max(counting, key=lambda bucket: bucket["start"], default=None)
                if newest is not None:
                    result[one["userId"].lower()] = newest["confidenceScore"]
        return result

    def netskope_users(self) -> list[str]:
        """Return the names of all users Netskope knows."""
        names: list[str] = []
        while True:
            page = self._netskope("GET", f"/api/v2/scim/Users?startIndex={len(names) + 1}&count=1000")
            names += [one["userName"] for one in page["Resources"]]
            if not page["Resources"] or len(names) >= page["totalResults"]:
                return names

    def _okta_pages(self, path: str) -> Iterator[dict[str, Any]]:
        url = self.ready["okta_url"] + path
        headers = {"Authorization": f"SSWS {self.ready['okta_token']}"}
        while url:
            answer = self._patiently(lambda url=url: self._http.get(url, headers=headers, timeout=30))  # type: ignore[misc]
            content = answer.json()
            yield from content if isinstance(content, list) else [content]
            url = answer.links.get("next", {}).get("url", "")

    def _netskope(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Netskope-Api-Token": self.ready["netskope_token"]}
        url = self.ready["netskope_url"] + path
        send = lambda: self._http.request(method, url, headers=headers, timeout=60, **arguments)  # noqa: E731
        return self._patiently(send).json()

    def _patiently(self, send: Callable[[], requests.Response]) -> requests.Response:
        """Send until the rate limit of the pretend services lets us through."""
        for _ in range(120):
            answer = send()
            if answer.status_code != 429:
                answer.raise_for_status()
                return answer
            time.sleep(1)
        raise DemoError("The pretend services kept refusing requests for their rate limit.")


def _plain_environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONUNBUFFERED": "1"}
