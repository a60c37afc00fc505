# SPDX-License-Identifier: Apache-2.0
"""Two Celery workers, 20,000 users, and one worker that is killed while an action changes a group."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from sqlalchemy import create_engine, text

from airflow_provider_okta_ure.sandbox import JournalEntry, Options, Sandbox
from demo.keys import SigningKeyPair, new_signing_key
from tests.e2e.distributed import SeveralWorkers, connection_to, several_workers
from tests.support.pgbouncer import find_program, pooled

if TYPE_CHECKING:
    from tests.support.postgres import Server

USERS = 20_000
AFTER, HELD = 100, 2
"""So many additions were made, and so many were on their way, when the worker is killed."""
SECONDS = 900
"""For a run, on a machine that has other things to do."""
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[SeveralWorkers]:
    for module in ("airflow.providers.celery", "asyncpg"):
        pytest.importorskip(module, reason="The extra 'distributed' of this package is not installed")
    find_program()
    dags = tmp_path_factory.mktemp("dags")
    shutil.copy(HERE / "dags" / "on_several_workers.py", dags)
    with several_workers(tmp_path_factory.mktemp("airflow"), dags, postgres) as running:
        yield running


_PART_THAT_ADDS = text(
    "SELECT DISTINCT map_index FROM okta_ure_action_log WHERE action = 'add_to_group' AND status = 'started'"
)


class Org(NamedTuple):
    """
    A pretend org and tenant, and what belongs to them.

    :param name: what the ids of its connections end with, and the id of its DAG.
    :param log_url: the database of the action log.
    """

    name: str
    sandbox: Sandbox
    log_url: str

    @property
    def dag_id(self) -> str:
        return f"in_parts_{self.name}"

    def connect(self, workers: SeveralWorkers, key: SigningKeyPair, log_url: str) -> None:
        """Store the connections; the action log is reached by this URL."""
        sandbox, add = self.sandbox, workers.airflow.add_connection
        extra = {
            "issuer": "https://risk.corp.example",
            "jwks_url": sandbox.publish_jwks(key.jwks),
            "signing_private_key": key.pem,
            "allow_private_jwks_url": True,
            "max_changed_users_per_day": "none",
        }
        okta = {"host": sandbox.okta_url, "password": sandbox.okta_token, "extra": extra}
        netskope = {"host": sandbox.netskope_url, "password": sandbox.netskope_token}
        add(f"okta_{self.name}", conn_type="okta", **okta)
        add(f"netskope_{self.name}", conn_type="netskope", **netskope)
        add("okta_ure_action_log", **connection_to(log_url))

    def part_that_adds(self) -> int:
        """Return which part of add_to_group is changing the group now: the others wait for it."""
        engine = create_engine(self.log_url)
        with engine.connect() as connection:
            (part,) = connection.execute(_PART_THAT_ADDS).scalars().all()
        engine.dispose()
        return int(part)

    def members(self) -> set[str]:
        """Return the ids of the members of the group."""
        (group,) = (group for group in self.sandbox.okta.groups if group.name == "Netskope at risk")
        return self.sandbox.okta.members(group.id)

    def signals(self) -> dict[str, list[tuple[str, str]]]:
        """Return the levels, previous and current, of each user's accepted signals, in their order."""
        said: dict[str, list[tuple[str, str]]] = {}
        for one in self.sandbox.okta.accepted_events:
            event = one["event"]
            said.setdefault(one["user_id"], []).append((event["previous_level"], event["current_level"]))
        return said

    def changes(self) -> Counter[tuple[str, str]]:
        """Return how often each membership was made or ended; what had no answer is none of them."""
        return Counter(
            (entry.method, entry.path.rpartition("/")[2])
            for method in ("PUT", "DELETE")
            for entry in self.sandbox.requests_to("okta", method, "/api/v1/groups/")
            if entry.status == 204
        )


class InTheMiddle:
    """
    Has some additions wait for their answers once others were made.

    :ivar sandbox: where; none = nowhere yet.
    """

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self._made = 0

    def __call__(self, entry: JournalEntry) -> None:
        if entry.method == "PUT" and "/users/" in entry.path:
            self._made += 1
            if self._made == AFTER and self.sandbox is not None:
                self.sandbox.fail_next(
                    kind="hold", service="okta", method="PUT", path_prefix="/api/v1/groups/", times=HELD
                )


def test_a_killed_worker_changes_nothing_about_the_end(workers: SeveralWorkers, postgres: Server):
    today = datetime.now(tz=timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    key, in_the_middle = new_signing_key(), InTheMiddle()
    with _sandbox() as of_calm, _sandbox(in_the_middle) as of_killed:
        calm = Org("calm", of_calm, postgres.new_database())
        killed = Org("killed", of_killed, postgres.new_database())

        # As in Airflow's Helm charts: the action log is reached through a pooler in transaction mode.
        with pooled(calm.log_url, "transaction") as log_url:
            calm.connect(workers, key, log_url)
            workers.begin(calm.dag_id, days)
            workers.end(calm.dag_id, days, SECONDS)
        # The org of the next runs has the same id, and nothing of it is known yet.
        workers.airflow.request("DELETE", "/connections/okta_ure_action_log")
        with pooled(killed.log_url, "transaction") as log_url:
            killed.connect(workers, key, log_url)
            in_the_middle.sandbox = of_killed
            workers.begin(killed.dag_id, days)
            assert of_killed.wait_for_held(HELD, SECONDS)
            part = killed.part_that_adds()
            workers.kill_worker_of(workers.process_of(killed.dag_id, "add_to_group", part))
            assert AFTER <= len(killed.members()) < len(calm.members()) / 2
            # They arrived: they have their effect, and nobody is there to read the answers.
            of_killed.release_held()
            first, _ = workers.end(killed.dag_id, days, SECONDS)

        tries = {
            one["map_index"]: one["try_number"] for one in workers.tries(killed.dag_id, first, "add_to_group")
        }
        assert len(tries) > 2
        assert tries[part] == 2
        assert killed.members() == calm.members()
        assert killed.signals() == calm.signals()
        assert killed.changes() == calm.changes()
        assert {method for method, _ in calm.changes()} == {"PUT", "DELETE"}
        # Tens of users recover within a day, and hundreds are at risk on any.
        assert len(calm.members()) > 500 > len(calm.changes()) - len(calm.members()) > 25
        for org in (calm, killed):
            assert set(org.changes().values()) == {1}
            signals = org.sandbox.okta.accepted_events
            assert len({signal["claims"]["jti"] for signal in signals}) == len(signals) > 500
            assert [entry for entry in org.sandbox.requests if entry.status == 429] == []


def _sandbox(on_request: Any = None) -> Sandbox:
    # Larger limits than an org has, because waiting for them is the subject of other tests.
    sandbox = Sandbox(users=USERS, seed=7, options=Options(push_rate_limit=6000), on_request=on_request)
    for bucket in ("/api/v1/groups", "/api/v1/users"):
        sandbox.set_bucket(bucket, 6000)
    return sandbox
