"""A small world in which runs are repeated, killed and mixed, and what a plain model expects of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests

from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tables import metadata
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators import actions
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.integration.conftest import FakeTaskInstance

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from demo.keys import SigningKeyPair

ISSUER = "https://risk.corp.example"
GROUP = "At risk"
MIDNIGHT = datetime(2026, 1, 10, tzinfo=timezone.utc)
BUCKETS = (
    "/api/v1/users",
    "/api/v1/groups",
    "/api/v1/groups/{id}",
    "/api/v1",
    "/security/api/v1/security-events",
)
ADD, REMOVE, PUSH = "add_to_group", "remove_from_group", "push_risk"
OPERATORS: dict[str, Any] = {
    ADD: OktaAddToGroupOperator,
    REMOVE: OktaRemoveFromGroupOperator,
    PUSH: OktaPushRiskOperator,
}


def day(number: int, hour: int = 0) -> datetime:
    """Return a moment that a run speaks for."""
    return MIDNIGHT + timedelta(days=number, hours=hour)


def level_of(score: int) -> str:
    """Return Okta's level of a score; up is risk."""
    return "high" if score <= 500 else "medium" if score <= 750 else "low"


class KilledError(BaseException):
    """The task process is gone; nothing of ours may catch it."""


class Death:
    """
    Ends a task at one of its steps: before and after each call, before and after each write of the log.

    :param after: how many steps it lives; None = for ever.
    """

    def __init__(self, after: int | None = None) -> None:
        self.left = after
        self.dead = False
        self._lock = threading.Lock()

    def step(self) -> None:
        """Die here, or go on."""
        with self._lock:
            if self.left is not None:
                self.left -= 1
                self.dead = self.dead or self.left < 0
            if self.dead:
                raise KilledError


class KeptLog(ActionLog):
    """An action log that outlives the task that closes it."""

    def close(self) -> None:
        """Stay open."""


class World:
    """
    One sandbox and one action log for many cases, each of which begins with :meth:`reset`.

    :param sandbox: is running, and has no users of its own.
    :param key: signs risk signals.
    :param patch: lasts as long as the world.
    :param log_url: where the action log is.
    """

    log_steps: ClassVar[tuple[str, ...]] = ("begin", "finish")

    def __init__(
        self,
        sandbox: Sandbox,
        key: SigningKeyPair,
        patch: pytest.MonkeyPatch,
        log_url: str,
    ) -> None:
        self.sandbox, self._key, self._patch = sandbox, key, patch
        self.log_url = log_url
        ActionLog.open(log_url).close()
        self._log = KeptLog(Database(log_url), Waiting(seconds=60, every=0.002))
        self.death = Death()
        self.impatient = False
        self.steps_left: int | None = None
        self.ids: dict[str, str] = {}
        self._hold_breath()
        self.reset()

    def reset(self) -> None:
        """Forget everything: Okta, what it has accepted, the action log."""
        self.death = Death()
        self.sandbox.reset()
        for bucket in BUCKETS:
            self.sandbox.set_bucket(bucket, 1_000_000)
        self.ids = {}
        with self._log.database.writing() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.delete())
        self._connect()
        hook = OktaHook()
        hook.registration.ensure(hook.client)
        hook.client.close()

    def _connect(self) -> None:
        extra = {
            "issuer": ISSUER,
            "jwks_url": self.sandbox.publish_jwks(self._key.jwks),
            "signing_private_key": self._key.pem,
            "allow_private_jwks_url": True,
            "rate_limit_share": 1,
        }
        okta = {
            "conn_type": "okta",
            "host": self.sandbox.okta_url,
            "password": self.sandbox.okta_token,
            "extra": extra,
        }
        self._patch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps(okta))

    def _hold_breath(self) -> None:
        """Put the steps at which a task can die around its calls and its writes of the log."""
        world, send = self, requests.Session.send

        def dying_send(session: requests.Session, request: Any, **settings: Any) -> requests.Response:
            world.death.step()
            response = send(session, request, **settings)
            try:
                world.death.step()
            except KilledError:
                # With the process its sockets are gone, too.
                response.close()
                raise
            return response

        self._patch.setattr(requests.Session, "send", dying_send)
        for name in self.log_steps:
            self._patch.setattr(ActionLog, name, self._dying(getattr(ActionLog, name)))
        # The log is the world's, whatever connection the test around it has made; waiting is short.
        self._patch.setattr(actions, "open_action_log", world.open_log)
        # Checking a private key takes longer than everything else that a task does here.
        self._patch.setattr(SigningKey, "load", cache(SigningKey.load))

    def open_log(self) -> ActionLog:
        """Return the action log; one for all tasks, because preparing its statements takes time."""
        if self.impatient:
            return KeptLog(self._log.database, Waiting(seconds=0))
        return self._log

    def _dying(self, write: Callable[..., None]) -> Callable[..., None]:
        def dying(*arguments: Any) -> None:
            self.death.step()
            write(*arguments)
            self.death.step()

        return dying

    def begin_in_a_fork(self) -> None:
        """Take connections of our own to the log: those of the process before are not ours."""
        self._log = KeptLog(Database(self.log_url), Waiting(seconds=60, every=0.002))

    # --- arranging

    def user(self, name: str, **fields: Any) -> str:
        """Add a user with the login ``name@new.example`` and return the id."""
        found = self.sandbox.okta.add_user(login=f"{name}@new.example", **fields)
        self.ids[name] = found.id
        return found.id

    def group(self) -> str:
        """Return the id of the group, which is made when there is none."""
        found = self.sandbox.okta.find_group(GROUP)
        return (found or self.sandbox.okta.add_group(GROUP)).id

    # --- acting

    def run(
        self,
        action: str,
        scores: dict[str, int | None],
        as_of: datetime,
        *,
        kill_after: int | None = None,
        try_number: int = 1,
        run_type: str = "scheduled",
        task_id: str | None = None,
        **arguments: Any,
    ) -> dict[str, Any] | None:
        """
        Run one task and return its report; None when it was killed.

        :param scores: 0..1000 by name, higher is safer.
        :param kill_after: how many steps the task lives.
        :param task_id: None = the name of the action.
        """
        defaults: dict[str, Any] = {
            "max_change_percent": 100,
            "workers": 2,
            "exclude_administrators": False,
        }
        if action == PUSH:
            defaults["check_jwks"] = False
        else:
            defaults |= {"group_name": GROUP, "past_intervals": "apply"}
            defaults |= {"create_group": True} if action == ADD else {"missing_group_ok": True}
        task_id = task_id or action
        operator = OPERATORS[action](task_id=task_id, **{"rows": rows_of(scores), **defaults, **arguments})
        task = FakeTaskInstance()
        identity = {
            "dag_id": "sync",
            "run_id": f"{run_type}__{as_of.isoformat()}",
            "task_id": task_id,
            "try_number": try_number,
        }
        for name, value in identity.items():
            setattr(task, name, value)
        context: Any = {
            "ti": task,
            "data_interval_end": as_of,
            "logical_date": as_of,
            "dag_run": SimpleNamespace(run_after=as_of, run_type=run_type),
        }
        self.death = Death(kill_after)
        try:
            report: dict[str, Any] = operator.execute(context)
        except KilledError:
            return None
        finally:
            self.steps_left = self.death.left
            self.death = Death()
            operator.hook.client.close()
        return report

    def sync(self, scores: dict[str, int | None], as_of: datetime, **arguments: Any) -> None:
        """Do what the example DAG does: add, push, remove; between 500 and 600 nobody is moved."""
        self.run(ADD, at_risk(scores), as_of)
        self.run(PUSH, known(scores), as_of, **arguments)
        self.run(REMOVE, recovered(scores), as_of)

    # --- what is there

    @property
    def members(self) -> set[str]:
        """The names of the group's members."""
        names = {user_id: name for name, user_id in self.ids.items()}
        return {names[user_id] for user_id in self.sandbox.okta.members(self.group())}

    def accepted(self, name: str | None = None) -> list[tuple[str, datetime, str]]:
        """Return name, moment and level of the accepted signals, the oldest acceptance first."""
        names = {user_id: known for known, user_id in self.ids.items()}
        found = [
            (
                names[one["user_id"]],
                datetime.fromtimestamp(one["event"]["event_timestamp"], tz=timezone.utc),
                one["event"]["current_level"],
            )
            for one in self.sandbox.okta.accepted_events
        ]
        return [one for one in found if name in (None, one[0])]

    def last_levels(self) -> dict[str, str]:
        """Return the level that was accepted last, by name."""
        return {name: level for name, _, level in self.accepted()}

    @property
    def accepted_ids(self) -> list[str]:
        """The ids of the accepted signals."""
        return [one["claims"]["jti"] for one in self.sandbox.okta.accepted_events]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of every successful change of a member, in order."""
        return [
            (one.method, one.path)
            for one in self.sandbox.requests_to("okta", path_prefix="/api/v1/groups/")
            if one.method in ("PUT", "DELETE") and one.status == 204
        ]

    def log(self, **wanted: Any) -> list[Entry]:
        """Return the action log, the oldest moment first."""
        return list(self.open_log().iterate(Filter(**wanted)))


def rows_of(scores: dict[str, int | None]) -> list[dict[str, Any]]:
    """Return the rows of a push, or of a group task; a name without a domain is a login of ours."""
    return [
        {
            "user": name if "@" in name else f"{name}@new.example",
            "score": score,
            "risk_level": "none" if score is None else level_of(score),
            "source": "netskope_default",
        }
        for name, score in scores.items()
    ]


def known(scores: dict[str, int | None]) -> dict[str, int | None]:
    """Return who has a score."""
    return {name: score for name, score in scores.items() if score is not None}


def at_risk(scores: dict[str, int | None]) -> dict[str, int | None]:
    """Return who is to be in the group."""
    return {name: score for name, score in scores.items() if score is not None and score <= 500}


def recovered(scores: dict[str, int | None]) -> dict[str, int | None]:
    """Return who is to leave the group; between 500 and 600 nobody is moved."""
    return {name: score for name, score in scores.items() if score is not None and score > 600}


@contextmanager
def world_of(key: SigningKeyPair, log_url: str) -> Iterator[World]:
    """Yield a world that lasts for many cases."""
    with Sandbox(users=0) as sandbox, pytest.MonkeyPatch.context() as patch:
        yield World(sandbox, key, patch, log_url)
