"""No secret is anywhere: not in logs at any level, XComs, templates, errors, links, files, or the environment."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.api.datamodels._generated import TaskInstanceState
from airflow.sdk.log import mask_secret
from sqlalchemy import create_engine, make_url, select

from airflow_provider_okta_ure.action_log.tables import actions
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaNoActionOperator,
    OktaPushRiskOperator,
)
from demo.keys import SigningKeyPair, new_signing_key
from tests.integration.canaries.scenarios import SCENARIOS
from tests.integration.canaries.task_runs import TaskRun, masked_log, run_task
from tests.integration.canaries.tasks import ASKS_NOBODY, TASKS, every_operator, rows_of
from tests.integration.canaries.world import LOG_PASSWORD, WAYS, World, world_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from tests.integration.canaries.birds import Birds
    from tests.support.postgres import Server

STARTED: list[str] = []
"""Every program that this process starts: its arguments, which ``ps`` shows, and its environment."""
_STARTING = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")


def _note_programs(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _STARTING:
        *what, environment = arguments or ("", None)
        inherited = environment if isinstance(environment, dict) else os.environ
        # The connections of these tests are there because a test put them there.
        handed_on = {name: text for name, text in inherited.items() if "AIRFLOW_CONN" not in str(name)}
        STARTED.append(f"{event} {what} {handed_on}")


sys.addaudithook(_note_programs)


@pytest.fixture(scope="module")
def keys() -> tuple[SigningKeyPair, SigningKeyPair]:
    return new_signing_key(), new_signing_key()


@pytest.fixture
def world(
    monkeypatch: pytest.MonkeyPatch,
    connect: Callable[..., None],
    keys: tuple[SigningKeyPair, SigningKeyPair],
    tmp_path: Path,
) -> Iterator[World]:
    # Whatever writes a temporary file writes it where we look.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with world_of(monkeypatch, connect, keys) as running:
        group = running.sandbox.okta.add_group("Members")
        for user in running.sandbox.okta.users[:4]:
            running.sandbox.okta.add_member(group.id, user.id)
        yield running


@pytest.fixture
def output() -> Iterator[io.BytesIO]:
    with masked_log() as log:
        yield log


def places(run: TaskRun, folder: Path, *, with_error: bool = True) -> dict[str, str]:
    """Return every text in which a secret could be, by where it is."""
    found = {"log": run.log, "messages": run.said, "environment": run.environment}
    found["programs"] = "\n".join(STARTED)
    if with_error:
        found["error"] = run.story_of_error
    for place in (folder, Path(os.environ["AIRFLOW_HOME"])):
        for file in place.rglob("*"):
            if file.is_file():
                found[f"file {file.name}"] = file.read_bytes().decode("latin-1")
    return found


def leaks(birds: Birds, texts: dict[str, str]) -> dict[str, set[str]]:
    return {place: kinds for place, text in texts.items() if (kinds := birds.found_in(text))}


def test_every_operator_is_among_them() -> None:
    assert set(TASKS) == every_operator()


# Every operator as a service app with DPoP; those that show it all also in the other ways.
RUNS = [(operator, "app") for operator in TASKS] + [
    (operator, way) for operator in (OktaAddToGroupOperator, OktaPushRiskOperator) for way in WAYS[1:]
]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("operator", "way"), RUNS, ids=lambda one: getattr(one, "__name__", one))
def test_no_secret_of_a_task_is_anywhere(
    world: World,
    output: io.BytesIO,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    operator: type[BaseOperator],
    way: str,
    scenario: str,
) -> None:
    run = tried(world, output, monkeypatch, operator, way, scenario)
    assert (run.state == TaskInstanceState.SUCCESS) == ends_well(operator, scenario, way), run.log
    assert {"SetRenderedFields"} <= run.kinds
    texts = places(run, tmp_path, with_error=scenario != "noisy-crash")
    assert leaks(world.birds, texts) == {}


def tried(
    world: World,
    output: io.BytesIO,
    monkeypatch: pytest.MonkeyPatch,
    operator: type[BaseOperator],
    way: str,
    scenario: str,
) -> TaskRun:
    """Run one try of an operator's task in a scenario."""
    STARTED.clear()
    world.sign_in_as(way)
    task = TASKS[operator](rows_of(world.sandbox))
    SCENARIOS[scenario](world, monkeypatch)
    return run_task(task, output, monkeypatch)


def ends_well(operator: type[BaseOperator], scenario: str, way: str) -> bool:
    if scenario == "success" or operator in ASKS_NOBODY:
        return True
    if operator is OktaNoActionOperator:
        return True
    return scenario == "sign-in-401" and (way == "token" or operator.__name__.startswith("Netskope"))


def test_what_could_be_shown_was_there(
    world: World, output: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(world, output, monkeypatch, OktaPushRiskOperator, "app", "success")
    assert set(world.birds.texts) == {
        "signing PEM",
        "client PEM",
        "client assertion",
        "access token",
        "DPoP proof",
        "SET",
        "Netskope token",
        "proxy password",
    }
    assert world.proxy.logins


def _nothing(*_: Any) -> None:
    """Mask nothing."""


def _not(kind: Callable[[str], bool]) -> Callable[[str], None]:
    """Return what masks everything but one kind of secret."""
    return lambda secret: None if kind(secret) else mask_secret(secret)


def _claims(secret: str) -> dict[str, Any]:
    parts = secret.split(".")
    if len(parts) != 3:
        return {}
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    return said


def _is_assertion(secret: str) -> bool:
    return str(_claims(secret).get("aud")).endswith("/oauth2/v1/token")


def _is_head_of_proofs(secret: str) -> bool:
    return "." not in secret


def _is_access_token(secret: str) -> bool:
    return not _is_assertion(secret) and not _is_head_of_proofs(secret)


CALLS = [
    pytest.param("app", "okta.mask_keys", _nothing, {"signing PEM", "client PEM"}, id="keys"),
    pytest.param("app-jwk", "okta.mask_keys", _nothing, {"signing JWK", "client JWK"}, id="jwks"),
    pytest.param("app", "okta.mask_proxies", _nothing, {"proxy password"}, id="proxy"),
    pytest.param("token", "okta.mask_token", _nothing, {"API token"}, id="api-token"),
    pytest.param("app", "okta.mask_secret", _not(_is_assertion), {"client assertion"}, id="assertion"),
    pytest.param("app", "okta.mask_secret", _not(_is_head_of_proofs), {"DPoP proof"}, id="proof"),
    pytest.param("app", "okta.mask_secret", _not(_is_access_token), {"access token"}, id="access-token"),
    pytest.param("netskope", "netskope.mask_token", _nothing, {"Netskope token"}, id="netskope-token"),
    pytest.param("netskope", "netskope.mask_proxies", _nothing, {"proxy password"}, id="netskope-proxy"),
]


@pytest.mark.parametrize(("way", "call", "instead", "seen"), CALLS)
def test_without_one_call_that_masks_the_log_shows_a_secret(
    world: World,
    output: io.BytesIO,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    call: str,
    instead: Any,
    seen: set[str],
) -> None:
    monkeypatch.setattr(f"airflow_provider_okta_ure.hooks.{call}", instead)
    operator = NetskopeFetchScoresOperator if way == "netskope" else OktaAddToGroupOperator
    run = tried(world, output, monkeypatch, operator, way if way in WAYS else "app", "noisy-crash")
    assert world.birds.found_in(run.log) == seen


@pytest.mark.parametrize("hook", [OktaHook, NetskopeHook])
@pytest.mark.parametrize("way", WAYS)
def test_no_hook_client_or_setting_shows_what_it_holds(world: World, hook: type[Any], way: str) -> None:
    world.sign_in_as(way)
    one = hook()
    held = [one, one.client, one.settings]
    if isinstance(one, OktaHook):
        held += [one.auth, one.transmitter, one.registration, one.documents]
    one.test_connection()
    assert world.birds.found_in(f"{held}") == set()


@pytest.mark.parametrize("scenario", ["success", "401", "403", "500", "sign-in-401", "timeout"])
@pytest.mark.parametrize("hook", [OktaHook, NetskopeHook])
def test_what_a_tried_connection_says_holds_no_secret(
    world: World, output: io.BytesIO, monkeypatch: pytest.MonkeyPatch, hook: type[Any], scenario: str
) -> None:
    world.sign_in_as("app")
    SCENARIOS[scenario](world, monkeypatch)
    is_fine, message = hook().test_connection()
    assert is_fine == (scenario == "success" or (scenario == "sign-in-401" and hook is NetskopeHook))
    assert leaks(world.birds, {"message": message, "log": output.getvalue().decode()}) == {}


def test_a_database_that_cannot_be_reached_does_not_show_its_password(
    world: World, output: io.BytesIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.store(
        "okta_ure_action_log",
        conn_type="postgres",
        host="127.0.0.1",
        port=1,
        login="risk",
        password=LOG_PASSWORD,
        schema="risk",
    )
    world.birds.add("database password", LOG_PASSWORD)
    run = tried(world, output, monkeypatch, OktaAddToGroupOperator, "app", "success")
    assert run.state != TaskInstanceState.SUCCESS
    assert "action log" in run.story_of_error
    assert leaks(world.birds, places(run, tmp_path)) == {}


def test_a_database_that_is_used_does_not_keep_or_show_its_password(
    world: World, output: io.BytesIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Server
) -> None:
    url = make_url(postgres.new_database())
    world.store(
        "okta_ure_action_log",
        conn_type="postgres",
        host=url.host,
        port=url.port,
        login=url.username,
        password=LOG_PASSWORD,
        schema=url.database,
    )
    world.birds.add("database password", LOG_PASSWORD)
    run = tried(world, output, monkeypatch, OktaPushRiskOperator, "app", "success")
    assert run.state == TaskInstanceState.SUCCESS, run.log
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = str(connection.execute(select(actions)).all())
    engine.dispose()
    assert "push_risk" in kept
    assert leaks(world.birds, {**places(run, tmp_path), "database": kept}) == {}
