# SPDX-License-Identifier: Apache-2.0
"""The users for whom nothing had to be done, who have no rows: counted by the records of the tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_okta_ure.action_log.lifecycle import GROUP_ACTIONS
from airflow_provider_okta_ure.action_log.tasks import FETCH, Silent, TaskSummary, find_tasks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.searching import Filter

Run: TypeAlias = tuple[str, str]


def tasks_with_silent(connection: Connection, wanted: Filter) -> list[TaskSummary]:
    """
    Return the records of tasks that decided about users who have no rows.

    :param wanted: of which the DAGs, the run and the period count.
    """
    # A range of ix_okta_ure_tasks_as_of: some records per run.
    found = find_tasks(connection, wanted, dag_ids=wanted.dag_ids or ())
    return [task for task in found if task.silent]


def count_silent(connection: Connection, wanted: Filter) -> int:
    """Return how many decisions a filter matches that have no row; a filter that names a person has none."""
    if wanted.user or wanted.user_key or wanted.user_keys is not None:
        return 0
    return sum(
        one.users
        for task in tasks_with_silent(connection, wanted)
        if task.action != FETCH and _is_wanted(task, wanted)
        for one in task.silent
        if _has_wanted(one, wanted)
    )


def levels_of_silent(tasks: Iterable[TaskSummary]) -> dict[datetime, Counter[str]]:
    """
    Return how many users without rows had which level at each moment.

    Each counts once, as far as numbers tell: those whom a fetch did not return are others than those that
    the tasks after it decided about; of these tasks, which are about the same users, the one with the most
    counts. Of several runs that read one source at the same moment, the one with the most counts, too.
    """
    by_run: dict[tuple[datetime, Run], list[TaskSummary]] = {}
    for task in tasks:
        by_run.setdefault((task.as_of, (task.dag_id, task.run_id)), []).append(task)
    by_source: dict[tuple[datetime, tuple[str, ...]], Counter[str]] = {}
    for (moment, _), some in by_run.items():
        source = tuple(sorted({task.source for task in some if task.action == FETCH}))
        here = _levels_of_run(some)
        known = by_source.get((moment, source))
        if known is None or known.total() < here.total():
            by_source[moment, source] = here
    found: dict[datetime, Counter[str]] = {}
    for (moment, _), numbers in by_source.items():
        found.setdefault(moment, Counter()).update(numbers)
    return found


def _levels_of_run(tasks: Sequence[TaskSummary]) -> Counter[str]:
    """Return how many users without rows had which level in one run; the parts of a task add up."""
    by_task: dict[tuple[bool, str], Counter[str]] = {}
    for task in tasks:
        numbers = by_task.setdefault((task.action == FETCH, task.task_id), Counter())
        for one in task.silent:
            numbers[one.risk_level or "none"] += one.users
    fetched = sum((each for (is_fetch, _), each in by_task.items() if is_fetch), Counter[str]())
    # Whoever mapped levels knows more of the same users than a task that did without.
    decided = max(
        (each for (is_fetch, _), each in by_task.items() if not is_fetch),
        key=lambda each: (each.total(), each.total() - each["none"]),
        default=Counter[str](),
    )
    return fetched + decided


def _is_wanted(task: TaskSummary, wanted: Filter) -> bool:
    if wanted.targets is not None and (
        task.action not in GROUP_ACTIONS or (task.org, task.target) not in wanted.targets
    ):
        return False
    if wanted.group and (
        task.action not in GROUP_ACTIONS or wanted.group not in (task.target, task.target_name)
    ):
        return False
    return (
        (not wanted.action or task.action in wanted.action)
        and wanted.org in ("", task.org)
        and wanted.task_id in ("", task.task_id)
    )


def _has_wanted(one: Silent, wanted: Filter) -> bool:
    return all(
        not values or value in values
        for values, value in (
            (wanted.status, one.status),
            (wanted.reason, one.reason),
            (wanted.risk_level, one.risk_level),
        )
    )


def as_counts(tasks: Iterable[TaskSummary], wanted: Filter) -> Iterator[tuple[TaskSummary, Silent]]:
    """Yield each number of users without rows in an org, with the task that decided about them."""
    for task in tasks:
        if task.action != FETCH and wanted.org in ("", task.org):
            yield from ((task, one) for one in task.silent)
