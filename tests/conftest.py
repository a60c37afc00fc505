"""Marks every test by its folder, and refuses a test that has no tier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from airflow_provider_okta_ure.clients import limit_stores
from tests.support.postgres import Server, running

if TYPE_CHECKING:
    from xdist.remote import Producer

TIERS = ("unit", "contract", "integration", "security", "e2e", "bench")
_HERE = Path(__file__).parent
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE not in item.path.parents:
            continue  # a doctest of the package
        tier = item.path.relative_to(_HERE).parts[0]
        if tier not in TIERS:
            raise pytest.UsageError(f"{item.nodeid} is in no tier: move it to tests/{'|'.join(TIERS)}.")
        item.add_marker(tier)


class _OneAirflow(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out tests one by one to several processes, and all those that share a real Airflow to the same."""

    def _split_scope(self, nodeid: str) -> str:
        return "e2e" if nodeid.startswith("tests/e2e/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _OneAirflow(config, log)


@pytest.fixture(autouse=True)
def limits_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Let each test count rate limits by itself, and return the folder where it does.

    On one machine all processes count together, by address and token: those of a sandbox come again.
    """
    folder = tmp_path_factory.getbasetemp() / f"limits-{next(_numbers)}"
    monkeypatch.setattr(limit_stores, "folder_of_user", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the test run."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database for an action log, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/action_log.db"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_log_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, for all tests of a file."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('log')}/log.db"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()
