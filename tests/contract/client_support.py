# SPDX-License-Identifier: Apache-2.0
"""What the clients' contract tests share: a sandbox whose clock moves only by waiting, and clients on its time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)


def timing_of(sandbox: Sandbox) -> Timing:
    """Return the sandbox's time: waiting moves its clock and takes none of ours."""
    clock = sandbox.clock
    return Timing(sleep=clock.advance, monotonic=clock.timestamp, now=clock.timestamp, random=lambda: 1.0)


def okta_of(sandbox: Sandbox, **transport: Any) -> OktaClient:
    transport.setdefault("timing", timing_of(sandbox))
    return OktaClient.connect(sandbox.okta_url, SswsAuth(sandbox.okta_token), **transport)


def netskope_of(sandbox: Sandbox, **transport: Any) -> NetskopeClient:
    transport.setdefault("timing", timing_of(sandbox))
    return NetskopeClient.connect(
        sandbox.netskope_url, NetskopeTokenAuth(sandbox.netskope_token), **transport
    )


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=60, now=NOW, frozen=True) as running:
        yield running


@pytest.fixture
def okta(sandbox: Sandbox) -> Iterator[OktaClient]:
    client = okta_of(sandbox)
    yield client
    client.close()


@pytest.fixture
def netskope(sandbox: Sandbox) -> Iterator[NetskopeClient]:
    client = netskope_of(sandbox)
    yield client
    client.close()


def methods(sandbox: Sandbox) -> list[str]:
    """Return what was asked of the sandbox, as ``GET /api/v1/users``."""
    return [f"{entry.method} {entry.path}" for entry in sandbox.requests]
