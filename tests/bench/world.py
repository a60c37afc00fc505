# SPDX-License-Identifier: Apache-2.0
"""A sandbox of many users in a process of its own, and what it was asked for; no limits unless they are wanted."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox import Options, Sandbox
from demo.keys import new_signing_key

if TYPE_CHECKING:
    from datetime import datetime
    from multiprocessing.connection import Connection
    from types import TracebackType

    from airflow_provider_okta_ure.sandbox.journal import JournalEntry

UNLIMITED = 1_000_000_000
#: What changes something in Okta, when it is answered with 2xx.
CHANGES = ("member added", "member removed", "signal", "group made", "provider made")


@dataclass
class Situation:
    """Whom a run is about: users at risk, members of the group, and users that Okta was last told to be at risk."""

    at_risk: int
    members: int
    tracked: int


@dataclass
class Settings:
    """
    How the world is made.

    :param users: people in Okta and in Netskope.
    :param one_in: only every so-manieth has low scores now and then: 2 = 2 % of all are at risk on any day.
    :param limits: limits of Okta's that there are, requests a minute, by bucket; None = none, of Netskope neither.
    :param now: where the clock starts; None = the machine's time.
    """

    users: int
    one_in: int = 2
    limits: dict[str, int] | None = None
    now: datetime | None = None


@dataclass
class World:
    """
    A running sandbox; use it as a context manager.

    :param settings: how it is made.
    """

    settings: Settings
    connections: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> World:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.settings), daemon=True)
        self._process.start()
        self.connections = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.send(None)
        self._process.join()

    def take_calls(self) -> Counter[tuple[str, int]]:
        """Return how many requests of which kind had which status since this was last asked."""
        calls: Counter[tuple[str, int]] = self._ask("take_calls")
        return calls

    def situation(self, group: str, day: datetime) -> Situation:
        """Return whom the scores of a day and the changes so far make a run be about."""
        found: Situation = self._ask("situation", group, day)
        return found

    def next_day(self) -> None:
        """Let the scores of each day be those of the day after it, so that another day can be read today."""
        self._ask("next_day")

    def addable(self, count: int) -> list[str]:
        """Return names that Netskope has for users who are active in Okta under just that login."""
        names: list[str] = self._ask("addable", count)
        return names

    def _ask(self, question: str, *arguments: Any) -> Any:
        self._pipe.send((question, arguments))
        return self._pipe.recv()


class _Inside:
    """What answers the questions, in the process of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._calls: Counter[tuple[str, int]] = Counter()

    def count(self, entry: JournalEntry) -> None:
        self._calls[_kind(entry), entry.status or 0] += 1

    def take_calls(self) -> Counter[tuple[str, int]]:
        with self._sandbox.lock:
            taken, self._calls = self._calls, Counter()
        return taken

    def situation(self, group: str, day: datetime) -> Situation:
        okta, netskope = self._sandbox.okta, self._sandbox.netskope
        with self._sandbox.lock:
            number = int(day.timestamp() // 86_400)
            at_risk = sum(1 for score in netskope.all_scores(number) if 0 <= score <= 500)
            found = okta.find_group(group)
            members = okta.members(found.id) if found else set()
            told = {one["user_id"]: one["event"]["current_level"] for one in okta.accepted_events}
            risky = {user_id for user_id, level in told.items() if level in ("medium", "high")}
        return Situation(at_risk, len(members), len(members | risky))

    def next_day(self) -> None:
        netskope = self._sandbox.netskope
        one, everybody = netskope.score_of, netskope.all_scores
        with self._sandbox.lock:
            changed: Any = netskope
            changed.score_of = lambda index, day: one(index, day + 1)
            changed.all_scores = lambda day: everybody(day + 1)
            netskope.version += 1

    def addable(self, count: int) -> list[str]:
        okta = self._sandbox.okta
        found = ((name, okta.find_user(name)) for name in self._sandbox.netskope.names())
        active = (name for name, user in found if user is not None and user.status == "ACTIVE")
        return list(islice(active, count))


def _serve(pipe: Connection, settings: Settings) -> None:
    options = Options(episodes_one_in=settings.one_in, journal_size=1000)
    if settings.limits is None:
        options.netskope_rate_limit = 0
    inside: list[_Inside] = []
    with Sandbox(
        users=settings.users,
        now=settings.now,
        options=options,
        on_request=lambda entry: inside[0].count(entry),
    ) as sandbox:
        inside.append(_Inside(sandbox))
        for bucket in sandbox.buckets():
            limits = settings.limits
            sandbox.set_bucket(bucket, UNLIMITED if limits is None else limits.get(bucket, UNLIMITED))
        pipe.send(_connections(sandbox))
        while (asked := pipe.recv()) is not None:
            question, arguments = asked
            pipe.send(getattr(inside[0], question)(*arguments))


def _connections(sandbox: Sandbox) -> dict[str, str]:
    """Return Airflow's environment variables of both connections."""
    key = new_signing_key()
    okta = {
        "conn_type": "okta",
        "host": sandbox.okta_url,
        "password": sandbox.okta_token,
        "extra": {
            "issuer": "https://risk.corp.example",
            "jwks_url": sandbox.publish_jwks(key.jwks),
            "signing_private_key": key.pem,
            "allow_private_jwks_url": True,
            "max_changed_users_per_day": UNLIMITED,
        },
    }
    netskope = {"conn_type": "netskope", "host": sandbox.netskope_url, "password": sandbox.netskope_token}
    return {
        "AIRFLOW_CONN_OKTA_DEFAULT": json.dumps(okta),
        "AIRFLOW_CONN_NETSKOPE_DEFAULT": json.dumps(netskope),
        "SANDBOX_OKTA_URL": sandbox.okta_url,
    }


_NETSKOPE = {
    "/api/v2/scim/Users": "Netskope names",
    "/api/v2/incidents/uba/getuci": "Netskope series",
    "/api/v2/incidents/users/getuci": "Netskope list",
}
_GROUPS = {"PUT": "member added", "DELETE": "member removed", "POST": "group made"}


def _kind(entry: JournalEntry) -> str:
    if entry.service == "netskope":
        return _NETSKOPE.get(entry.path, "Netskope, other")
    return _okta_kind(entry.method, entry.path)


def _okta_kind(method: str, path: str) -> str:
    if path.startswith("/api/v1/groups"):
        return _GROUPS.get(method) or ("members read" if path.endswith("/users") else "groups read")
    if path.startswith("/api/v1/users"):
        return "users read"
    if path.startswith("/api/v1/logs"):
        return "System Log"
    if path.startswith("/api/v1/security-events-providers"):
        return "provider made" if method == "POST" else "providers read"
    return "signal" if "security-events" in path else "Okta, other"
