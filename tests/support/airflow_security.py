# SPDX-License-Identifier: Apache-2.0
"""Airflow's real login and permissions, on a database of their own, without any server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI

BASE = "https://airflow.example"


class Visitor:
    """
    Somebody with a browser.

    :param app: what is asked.
    :param token: the login; empty = none.
    :param by_cookie: the browser sends it as Airflow's cookie.
    """

    def __init__(self, app: FastAPI, token: str = "", *, by_cookie: bool = False) -> None:
        self._app = app
        self._headers = {"Authorization": f"Bearer {token}"} if token and not by_cookie else {}
        self._cookies = {"_token": token} if token and by_cookie else {}

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, headers=self._headers, cookies=self._cookies
            ) as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.request("GET", path, params=params or None)


class Security:
    """Hands out logins of Airflow's simple auth manager."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def token(self, role: str | None, name: str = "") -> str:
        """Return a login of somebody with this role; None = none at all."""
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        user = SimpleAuthManagerUser(username=name or role or "nobody", role=role)
        token: str = self.manager.generate_jwt(user)
        return token


@contextmanager
def airflow_security(folder: Path, dag_ids: Sequence[str]) -> Iterator[Security]:
    """
    Yield the security of an Airflow that knows these DAGs.

    :param folder: where its database is made.
    """
    from airflow import settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder}/airflow.db")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret of the tests, long enough for HS512 " * 2)
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "viewer:viewer")
        patch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        settings.configure_vars()
        settings.configure_orm()
        try:
            _make_database(dag_ids)
            yield Security(_auth_manager())
        finally:
            settings.dispose_orm()
    settings.configure_vars()
    settings.configure_orm()


def _make_database(dag_ids: Sequence[str]) -> None:
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from sqlalchemy.orm import Session

    import_all_models()
    # What logins, permissions and the pause switch look at; all tables take ten times as long.
    wanted = ("dag", "dag_bundle", "dag_bundle_team", "team", "revoked_token", "variable")
    tables = [table for name, table in Base.metadata.tables.items() if name in wanted]
    Base.metadata.create_all(settings.engine, tables=tables)
    with Session(settings.engine) as session:
        session.add(DagBundleModel(name="dags"))
        session.flush()
        session.add_all(
            DagModel(dag_id=one, bundle_name="dags", fileloc=f"{one}.py", is_stale=False) for one in dag_ids
        )
        session.commit()


def _auth_manager() -> Any:
    from airflow.api_fastapi.app import create_auth_manager

    return create_auth_manager()
