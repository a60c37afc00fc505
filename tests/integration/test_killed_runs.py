"""
The process of a task is killed (SIGKILL) at every call and at every write of the log, and is tried again.

The process is a fork, so that killing it a few hundred times takes a minute.
"""

from __future__ import annotations

import http.client
import os
import select
import signal
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.tables import metadata
from tests.integration.repeating import ADD, GROUP, PUSH, REMOVE, World, day, world_of

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

NAMES = [f"u{number:02}" for number in range(30)]
BEFORE, NOW = day(1), day(2)
SCORES: dict[str, dict[str, int | None]] = {
    ADD: dict.fromkeys(NAMES, 100),
    PUSH: dict.fromkeys(NAMES, 100),
    REMOVE: dict.fromkeys(NAMES, 900),
}
SECONDS = 60


class Counting:
    """
    Kills this process at the n-th time that something happens.

    :param at: which time, from 1; 0 = never.
    """

    def __init__(self, at: int) -> None:
        self.at, self.times = at, 0

    def __call__(self) -> None:
        self.times += 1
        if self.times == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def after_each_answer(count: Counting, patch: pytest.MonkeyPatch) -> None:
    """The answer is there, and nobody has done anything with it."""
    send = requests.Session.send

    def dying(session: requests.Session, request: Any, **settings: Any) -> requests.Response:
        answer = send(session, request, **settings)
        count()
        return answer

    patch.setattr(requests.Session, "send", dying)


def before_each_answer_is_read(count: Counting, patch: pytest.MonkeyPatch) -> None:
    """Okta has done it and has answered, and the task never knows."""
    read = http.client.HTTPConnection.getresponse

    def dying(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        select.select([connection.sock], [], [], SECONDS)
        count()
        return read(connection)

    patch.setattr(http.client.HTTPConnection, "getresponse", dying)


def around_each_write_of_the_log(count: Counting, patch: pytest.MonkeyPatch) -> None:
    """Between intent and effect, and between effect and record."""

    def dying(write: Callable[..., None]) -> Callable[..., None]:
        def around(*arguments: Any) -> None:
            count()
            write(*arguments)
            count()

        return around

    for name in ("begin", "finish"):
        patch.setattr(ActionLog, name, dying(getattr(ActionLog, name)))


WAYS = (after_each_answer, before_each_answer_is_read, around_each_write_of_the_log)


@pytest.fixture(scope="module")
def world(shared_log_url: str, signing_key: SigningKeyPair) -> Iterator[World]:
    with world_of(signing_key, shared_log_url) as made:
        for name in NAMES:
            made.user(name)
        made.group()
        yield made


def start_over(world: World, action: str) -> None:
    """Put everything back to how it was before the run; for a release, everybody was added by us."""
    okta = world.sandbox.okta
    okta.accepted_events.clear()
    okta.seen_jtis.clear()
    okta.group(world.group()).members.clear()
    with world.open_log().database.writing() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    if action == REMOVE:
        for name in NAMES:
            okta.add_member(world.group(), world.ids[name])
        world.open_log().finish(additions(world))
    world.sandbox.clear_requests()


def additions(world: World) -> list[Entry]:
    """Return what the log says of everybody's addition the day before."""
    return [
        Entry(
            org=world.sandbox.okta_url,
            action="add_to_group",
            target=world.group(),
            target_name=GROUP,
            user_key=world.ids[name],
            user_id=world.ids[name],
            user_name=f"{name}@new.example",
            login=f"{name}@new.example",
            as_of=BEFORE,
            started_at=BEFORE,
            recorded_at=BEFORE,
            status="done",
        )
        for name in NAMES
    ]


def run(world: World, action: str, try_number: int = 1) -> None:
    assert world.run(action, SCORES[action], NOW, try_number=try_number, workers=4) is not None


def run_and_die(
    world: World, action: str, way: Callable[[Counting, pytest.MonkeyPatch], None], at: int
) -> bool:
    """Run a task in a process of its own; return whether it was killed."""
    with warnings.catch_warnings():
        # The sandbox is a thread of this process, which the fork has not and need not have.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(SECONDS)
            world.begin_in_a_fork()
            with pytest.MonkeyPatch.context() as patch:
                way(Counting(at), patch)
                run(world, action)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def ours(world: World) -> set[str]:
    """Return the Okta ids of the members that the log knows as added by us."""
    last = world.open_log().last_done(org=world.sandbox.okta_url, doing=GROUP_ACTIONS, target=world.group())
    return {user_id for user_id, entry in last.items() if entry.action == ADD}


def what_is(world: World) -> tuple[set[str], list[str], set[str], list[tuple[str, str, datetime, str]]]:
    """Return the members, the accepted signals, whom the log calls ours, and what it says became of all."""
    told = [(one.action, one.user_name, one.as_of, one.status) for one in world.log()]
    return world.members, sorted(world.accepted_ids), ours(world), sorted(told)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("action", [ADD, PUSH, REMOVE])
def test_killed_at_any_moment_the_next_try_ends_like_an_undisturbed_run(world, action, way):
    start_over(world, action)
    run(world, action)
    undisturbed = what_is(world)
    assert len(undisturbed[0]) == (30 if action == ADD else 0)
    assert len(undisturbed[1]) == (30 if action == PUSH else 0)

    # On a server each process costs more; the calls are the same ones.
    at, stride = 1, 1 if world.open_log().database.kind == "sqlite" else 7
    while True:
        start_over(world, action)
        if not run_and_die(world, action, way, at):
            break
        run(world, action, try_number=2)
        assert what_is(world) == undisturbed, f"killed at {at}"
        at += stride
    assert what_is(world) == undisturbed
    assert at > (30 if way is not around_each_write_of_the_log else 4)
