"""The page as Airflow serves it, for tests that ask it something: fixtures to be imported by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.plugin import OktaUrePlugin
from tests.support.airflow_security import Security, Visitor, airflow_security

SYNC, WATCH, HIDDEN = "okta_risk_sync", "okta_watchlist", "somebody_elses"


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Security]:
    """An Airflow that knows three DAGs."""
    with airflow_security(tmp_path_factory.mktemp("security"), [SYNC, WATCH, HIDDEN]) as made:
        yield made


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Airflow's way to mount a plugin, on an application of its own, which knows no action log yet."""
    from airflow_provider_okta_ure.plugin import api_routes
    from airflow_provider_okta_ure.plugin.store import Store

    monkeypatch.setattr(api_routes, "store", Store())
    app = FastAPI()
    for one in OktaUrePlugin.fastapi_apps:
        app.mount(one["url_prefix"], one["app"])
    return app


@pytest.fixture
def viewer(app: FastAPI, security: Security) -> Visitor:
    """Somebody who may see the page and all DAGs."""
    return Visitor(app, security.token("viewer"))


@pytest.fixture
def log(tmp_path: Path, _action_log: None) -> Iterator[ActionLog]:
    """The action log that the connection names."""
    log = ActionLog.open(f"sqlite:///{tmp_path}/action_log.db")
    yield log
    log.close()
