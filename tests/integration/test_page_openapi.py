# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of the page's routes, right or wrong: the answer is one that their OpenAPI describes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.plugin.api_routes import router
from airflow_provider_okta_ure.plugin.app import app
from tests.support.airflow_security import Visitor, airflow_security

with warnings.catch_warnings():
    # It can also drive an application itself, with a test client that warns.
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import Case, GenerationMode
    from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

DAG = "okta_risk_sync"
NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


def described() -> dict[str, Any]:
    """Return the OpenAPI of the page's routes, which nobody is served outside of the tests."""
    page = FastAPI(title="User Risk")
    page.include_router(router)
    return page.openapi()


SCHEMA = schemathesis.openapi.from_dict(described())


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with airflow_security(tmp_path_factory.mktemp("security"), [DAG]) as security:
        yield Visitor(app, security.token("viewer"))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _action_log: None) -> Iterator[ActionLog]:
    """An action log with one entry, and routes that have not opened another one."""
    from airflow_provider_okta_ure.plugin import api_routes
    from airflow_provider_okta_ure.plugin.store import Store

    monkeypatch.setattr(api_routes, "store", Store())
    log = ActionLog.open(f"sqlite:///{tmp_path}/action_log.db")
    log.finish(
        [
            Entry(
                org="https://acme.okta.com",
                action="push_risk",
                target="https://risk.corp.example",
                user_key="ann",
                user_name="ann",
                as_of=NOW,
                started_at=NOW,
                recorded_at=NOW,
                dag_id=DAG,
                run_id="scheduled__1",
                status="done",
            )
        ]
    )
    yield log
    log.close()


def sent(viewer: Visitor, case: Case[Any]) -> None:
    """Send a request, and hold the answer against the description."""
    answer = viewer.request(case.method, case.formatted_path, params=case.query or None)
    case.validate_response(
        schemathesis.Response.from_httpx(answer, verify=True),
        excluded_checks=[
            ignored_auth,  # the login is ours, not its; what happens without one is another test's subject
            positive_data_acceptance,  # no schema says that a moment needs an offset, or a person a name
        ],
    )


PATIENT = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


@given(case=SCHEMA.as_strategy())
@PATIENT
def test_requests_as_described_get_answers_as_described(
    viewer: Visitor, log: ActionLog, case: Case[Any]
) -> None:
    sent(viewer, case)


@given(case=SCHEMA.as_strategy(generation_mode=GenerationMode("negative")))
@PATIENT
def test_requests_that_are_wrong_get_answers_as_described(
    viewer: Visitor, log: ActionLog, case: Case[Any]
) -> None:
    sent(viewer, case)


def test_all_routes_of_the_page_are_described_and_only_read() -> None:
    paths = described()["paths"]
    assert set(paths) == {
        "/api/filters",
        "/api/pause",
        "/api/overview",
        "/api/actions",
        "/api/actions.csv",
        "/api/people",
        "/api/person",
    }
    assert {method for one in paths.values() for method in one} == {"get"}
