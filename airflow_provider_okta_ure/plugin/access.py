# SPDX-License-Identifier: Apache-2.0
"""
Who may see what: the only module that knows Airflow's login and permissions, which are no public API.

Airflow mounts a plugin's application without asking who calls. When its names have moved, nobody gets in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, HTTPException

log = logging.getLogger(__name__)

try:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        AccessView,
        DagAccessEntity,
        DagDetails,
    )
    from airflow.api_fastapi.core_api.security import get_user
    from airflow.models.dag import DagModel
except ImportError:  # pragma: no cover  # a version of Airflow that we do not know
    log.exception("This version of Airflow has another way to ask who calls, so nobody sees the action log.")

    def get_user() -> Any:  # type: ignore[misc]  # stands in for one that is not there
        raise HTTPException(403, "This version of Airflow is not supported here.")


class Reader:
    """
    Somebody who signed in and may see Airflow's plugins.

    :param user: as Airflow's auth manager knows them.
    """

    def __init__(self, user: Any) -> None:
        self.user = user

    def readable(self, dag_ids: Sequence[str]) -> list[str]:
        """
        Return those of the DAGs whose rows the user may see.

        A row holds what the task's log holds, so it takes the right to read the DAG and its task logs.
        """
        manager = get_auth_manager()
        allowed = manager.get_authorized_dag_ids(user=self.user, method="GET")
        candidates = [dag_id for dag_id in dag_ids if dag_id in allowed]
        if not candidates:
            return []
        teams = DagModel.get_dag_id_to_team_name_mapping(candidates)
        return [
            dag_id
            for dag_id in candidates
            if manager.is_authorized_dag(
                method="GET",
                access_entity=DagAccessEntity.TASK_LOGS,
                details=DagDetails(id=dag_id, team_name=teams.get(dag_id)),
                user=self.user,
            )
        ]

    def may_trigger(self, dag_id: str) -> bool:
        """Return whether there is such a DAG, and the user may trigger it."""
        dag = DagModel.get_dagmodel(dag_id)
        if dag is None or dag.is_stale:
            return False
        teams = DagModel.get_dag_id_to_team_name_mapping([dag_id])
        return bool(
            get_auth_manager().is_authorized_dag(
                method="POST",
                access_entity=DagAccessEntity.RUN,
                details=DagDetails(id=dag_id, team_name=teams.get(dag_id)),
                user=self.user,
            )
        )


def person_of(who: Reader) -> str:
    """Return what is the same for all logins of one person; empty when the auth manager does not tell."""
    get_id = getattr(getattr(who, "user", None), "get_id", None)
    return str(get_id()) if get_id else ""


def signed_in(user: Annotated[Any, Depends(get_user)]) -> None:
    """
    Let everybody with a login in, whatever they may see.

    :raises HTTPException: 401 without a login.
    """


def reader(user: Annotated[Any, Depends(get_user)]) -> Reader:
    """
    Return who calls.

    :raises HTTPException: 401 without a login, 403 without the right to see plugins.
    """
    if not get_auth_manager().is_authorized_view(access_view=AccessView.PLUGINS, user=user):
        raise HTTPException(403, "You do not have permission to see plugins.")
    return Reader(user)


ReaderDep = Annotated[Reader, Depends(reader)]
