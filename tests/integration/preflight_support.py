"""A healthy pretend world for the preflight, and one function per way to break it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.preflight.run import preflight
from airflow_provider_okta_ure.preflight.wanted import Wanted
from airflow_provider_okta_ure.sandbox import Sandbox

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.report import PreflightReport
    from demo.keys import SigningKeyPair

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
GROUP = "Risky"
ISSUER = "https://risk.corp.example"


@dataclass
class World:
    """
    A sandbox, the two connections to it, and what is going to be done.

    :param wanted: arguments of :class:`Wanted`; a test may change them, and the connections, before it checks.
    """

    sandbox: Sandbox
    key: SigningKeyPair
    okta: dict[str, Any]
    netskope: dict[str, Any]
    connect: Callable[..., None]
    wanted: dict[str, Any] = field(
        default_factory=lambda: {"actions": ("groups", "push"), "group_name": GROUP}
    )
    clock_error: float = 0.0
    netskope_conn_id: str | None = "netskope_default"

    def now(self) -> float:
        """Our clock: the sandbox's, and wrong by ``clock_error`` seconds."""
        return self.sandbox.clock.timestamp() + self.clock_error

    def store(self) -> None:
        self.connect("okta_default", conn_type="okta", **self.okta)
        self.connect("netskope_default", conn_type="netskope", **self.netskope)

    def check(self) -> PreflightReport:
        self.store()
        return preflight("okta_default", self.netskope_conn_id, Wanted(**self.wanted))

    def register(self) -> None:
        """Make Okta know us as a transmitter."""
        self.store()
        hook = OktaHook("okta_default")
        hook.registration.ensure(hook.client)


def make_world(
    sandbox: Sandbox, connect: Callable[..., None], key: SigningKeyPair, patch: pytest.MonkeyPatch
) -> World:
    """Return a world in which everything is right, and in which waiting takes no time."""
    world = World(
        sandbox=sandbox,
        key=key,
        connect=connect,
        okta={
            "host": sandbox.okta_url,
            "password": sandbox.okta_token,
            "extra": {
                "issuer": ISSUER,
                "jwks_url": sandbox.publish_jwks(key.jwks),
                "signing_private_key": key.pem,
                "allow_private_jwks_url": True,
                "writable_groups": ["*"],
            },
        },
        netskope={"host": sandbox.netskope_url, "password": sandbox.netskope_token, "extra": {}},
    )
    clock = sandbox.clock
    for module in ("http", "oauth"):
        patch.setattr(
            f"airflow_provider_okta_ure.clients.{module}.Timing",
            lambda: Timing(sleep=clock.advance, monotonic=clock.timestamp, now=world.now, random=lambda: 1.0),
        )
    sandbox.okta.add_group(GROUP)
    world.register()
    sandbox.clear_requests()
    return world


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=20, now=NOW, frozen=True) as sandbox:
        yield sandbox


@pytest.fixture
def world(
    one_sandbox: Sandbox,
    connect: Callable[..., None],
    signing_key: SigningKeyPair,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    one_sandbox.reset()
    return make_world(one_sandbox, connect, signing_key, monkeypatch)


def state_of(sandbox: Sandbox) -> str:
    """Return everything that a write would change."""
    dump = sandbox.dump()
    # Signing in is no write: it leaves an access token behind, and nothing else.
    for name in ("token_requests", "access_tokens"):
        dump["okta"]["callers"].pop(name)
    return json.dumps({"okta": dump["okta"], "netskope": dump["netskope"]}, sort_keys=True)
