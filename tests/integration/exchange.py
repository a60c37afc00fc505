"""The acting tasks of a DAG against the sandbox, day by day, by the names of the users."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from tests.integration.conftest import NOW, FakeTaskInstance

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

GROUP = "At risk"
# Long enough ago that no run of a test is for a time in the future.
FIRST = NOW.replace(hour=0) - timedelta(days=25)


def day(number: int) -> datetime:
    """Return the midnight that a run is for."""
    return FIRST + timedelta(days=number)


class Exchange:
    """
    One org whose users have a name in front of ``@new.example``.

    :param sandbox: connected as ``okta_default``.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ids: dict[str, str] = {}

    def user(self, name: str, **fields: Any) -> str:
        """Add a user and return the id."""
        self.ids[name] = self.sandbox.okta.add_user(**{"login": f"{name}@new.example", **fields}).id
        return self.ids[name]

    def rename(self, name: str, new: str) -> None:
        """Give a user another login and e-mail address."""
        address = f"{new}@new.example"
        self.sandbox.okta.change_user(self.ids[name], login=address, email=address)

    def task(self, operator: Any, number: int, *, dag: str = "sync", **identity: Any) -> dict[str, Any]:
        """Run a task of the run of a day and return what it returns."""
        task = FakeTaskInstance()
        known = {"dag_id": dag, "run_id": f"day-{number}", "task_id": operator.task_id, **identity}
        for name, value in known.items():
            setattr(task, name, value)
        at = day(number)
        context = {
            "ti": task,
            "data_interval_end": at,
            "logical_date": at,
            "dag_run": SimpleNamespace(run_after=at, run_type="scheduled"),
        }
        result: dict[str, Any] = operator.execute(context)
        return result

    def push(
        self, number: int, rows: dict[str, int], *, dag: str = "sync", try_number: int = 1, **arguments: Any
    ) -> dict[str, Any]:
        """Push the levels of these scores."""
        settings = {"ensure_provider": True, "max_change_percent": 100, **arguments}
        operator = OktaPushRiskOperator(task_id="push_risk", rows=rows_of(rows), **settings)
        return self.task(operator, number, dag=dag, try_number=try_number)

    def add(
        self, number: int, rows: dict[str, int], *, dag: str = "sync", **arguments: Any
    ) -> dict[str, Any]:
        """Add users to the group."""
        settings = {"group_name": GROUP, "create_group": True, "max_change_percent": 100, **arguments}
        operator = OktaAddToGroupOperator(task_id="add_to_group", rows=rows_of(rows), **settings)
        return self.task(operator, number, dag=dag)

    def remove(
        self, number: int, rows: dict[str, int], *, dag: str = "sync", **arguments: Any
    ) -> dict[str, Any]:
        """Remove users from the group."""
        settings = {"group_name": GROUP, "missing_group_ok": True, "max_change_percent": 100, **arguments}
        operator = OktaRemoveFromGroupOperator(task_id="remove_from_group", rows=rows_of(rows), **settings)
        return self.task(operator, number, dag=dag)

    @property
    def members(self) -> set[str]:
        """The names of the group's members."""
        group = self.sandbox.okta.find_group(GROUP)
        inside = self.sandbox.okta.members(group.id) if group else set()
        return {name for name, user_id in self.ids.items() if user_id in inside}

    def told(self, name: str) -> list[tuple[str, str]]:
        """Return the levels from before and now that Okta took in about a user, the oldest first."""
        return [
            (one["event"]["previous_level"], one["event"]["current_level"])
            for one in self.sandbox.okta.accepted_events
            if one["user_id"] == self.ids[name]
        ]


def rows_of(scores: dict[str, int]) -> list[dict[str, Any]]:
    """Return the rows of users whose Netskope score of the day before was the same, mapped to levels."""
    return [
        {
            "user": name if "@" in name else f"{name}@new.example",
            "score": score,
            "previous_score": score,
            "risk_level": level_of(score),
            "previous_risk_level": level_of(score),
        }
        for name, score in scores.items()
    ]


def level_of(score: int) -> str:
    """Return Okta's level of a score; up is risk."""
    return "high" if score <= 500 else "medium" if score <= 750 else "low"
