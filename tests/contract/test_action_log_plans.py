# SPDX-License-Identifier: Apache-2.0
"""Plans and approvals come back from both databases as they were written, so that digests and seals still fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from airflow_provider_okta_ure.action_log.approvals import (
    ApprovalRecord,
    PlanShown,
    approvals_of_run,
    write_approval,
)
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.plans import PlanRecord, plans_of_tasks, plans_with_ids, write_plan
from airflow_provider_okta_ure.action_log.tables import plans
from airflow_provider_okta_ure.action_log.tasks import TaskKey
from airflow_provider_okta_ure.core.plans import Change, ChangePlan, PlanInOrg
from airflow_provider_okta_ure.core.seals import derive_key
from airflow_provider_okta_ure.errors import ActionLogError

KEY = derive_key("a secret")
AS_OF = datetime(2026, 11, 20, tzinfo=timezone.utc)
# Elsewhere than in UTC, and to the last microsecond.
NOW = datetime(2026, 11, 20, 9, 30, 15, 123457, tzinfo=timezone(timedelta(hours=5, minutes=30)))


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, Waiting(seconds=0))
    yield opened
    opened.close()


def planned(target: str = "00g1", *, task_id: str = "plan", try_id: str = "1", **more: Any) -> PlanRecord:
    change = Change(user="Zo\u00eb \U0001f600\x00", user_id="00u1", login="zo\u00eb@x.example", score=10)
    plan = ChangePlan(
        plan_id="0123456789abcdef",
        action=more.pop("action", "add_to_group"),
        target={"group_id": target},
        as_of=more.pop("as_of", AS_OF),
        changes=[change],
        minutes=0.1,
    )
    task = TaskKey(dag_id=more.pop("dag_id", "sync"), run_id=more.pop("run_id", "r"), task_id=task_id)
    in_org = PlanInOrg(org="https://o", target=target, plan=plan)
    values: dict[str, Any] = {"made_at": NOW.astimezone(timezone.utc), "triggered_by": "Ann", **more}
    return PlanRecord.of(task, in_org, try_id=try_id, **values)


def write(log: ActionLog, *records: PlanRecord) -> None:
    for record in records:
        with log.database.writing() as connection:
            write_plan(connection, record)


def found(log: ActionLog, *task_ids: str, run_id: str = "r") -> list[PlanRecord]:
    with log.database.reading() as connection:
        return plans_of_tasks(connection, dag_id="sync", run_id=run_id, task_ids=task_ids or ("plan",))


def test_a_plan_comes_back_with_the_same_digest(log: ActionLog) -> None:
    record = planned()
    write(log, record)
    assert found(log) == [record]
    assert found(log)[0].digest == record.digest
    assert found(log)[0].planned.plan.changes[0].user == "Zo\u00eb \U0001f600\x00"


def test_the_digest_is_of_everything_in_the_record() -> None:
    record = planned()
    for name in record.__struct_fields__:
        value = getattr(record, name)
        other = value + timedelta(microseconds=1) if isinstance(value, datetime) else f"{value}x"
        changed = msgspec.structs.replace(record, **{name: 7 if isinstance(value, int) else other})
        assert changed.digest != record.digest, name


def test_plans_for_several_targets_stay_side_by_side_and_another_try_replaces_all(log: ActionLog) -> None:
    write(log, planned("00g1"), planned("00g2"), planned("00g1", action="remove_from_group"))
    assert len(found(log)) == 3
    write(log, planned("00g2", made_at=NOW.astimezone(timezone.utc) + timedelta(hours=1)))
    assert len(found(log)) == 3
    write(log, planned("00g3", try_id="2"), planned("00g4", try_id="2"))
    assert [one.target for one in found(log)] == ["00g3", "00g4"]


def test_plans_of_other_tasks_and_runs_are_left_alone(log: ActionLog) -> None:
    write(log, planned(), planned(task_id="other"), planned(run_id="another"), planned(try_id="2"))
    assert len(found(log)) == len(found(log, "other")) == len(found(log, run_id="another")) == 1
    assert [one.task_id for one in found(log, "plan", "other")] == ["other", "plan"]


def test_plans_are_found_by_their_id_in_one_dag_and_org(log: ActionLog) -> None:
    write(log, planned(), planned(run_id="later"), planned(dag_id="foreign"))
    with log.database.reading() as connection:

        def known(plan_id: str, org: str = "https://o") -> int:
            return len(plans_with_ids(connection, dag_id="sync", org=org, plan_ids=[plan_id, "x"]))

        assert known("0123456789abcdef") == 2
        assert known("0123456789abcdee") == known("0123456789abcdef", "https://p") == 0


def test_what_is_no_plan_is_an_error_that_says_what_to_do(log: ActionLog) -> None:
    write(log, planned())
    with log.database.writing() as connection:
        connection.execute(plans.update().values(plan="[" * 100_000))
    with pytest.raises(ActionLogError, match=r"plan of the task plan .* cannot be read") as caught:
        _ = found(log)[0].planned
    assert not caught.value.retryable


def approval(**more: Any) -> ApprovalRecord:
    fields: dict[str, Any] = {
        "dag_id": "sync",
        "run_id": "r",
        "task_id": "approve",
        "as_of": AS_OF,
        "subject": "Okta: \u00fc \U0001f600 " + 2000 * "x",
        "asked_at": NOW.astimezone(timezone.utc),
        "due_at": None,
        "answer": "approved",
        "answered_by": "Eve" + 300 * "e",
        "answered_by_id": "7",
        "answered_at": NOW.astimezone(timezone.utc) + timedelta(microseconds=1),
        "org": "https://o",
        "plans": (PlanShown.of(planned("00g2")), PlanShown.of(planned("00g1"))),
    }
    return ApprovalRecord(**{**fields, **more})


def test_an_approval_comes_back_with_a_seal_that_fits(log: ActionLog) -> None:
    record = approval().sealed(KEY)
    assert (len(record.subject), len(record.answered_by)) == (1000, 255)
    with log.database.writing() as connection:
        write_approval(connection, record)
    with log.database.reading() as connection:
        assert approvals_of_run(connection, dag_id="sync", run_id="r", task_id="other") == []
        (back,) = approvals_of_run(connection, dag_id="sync", run_id="r", task_id="approve")
    assert back == record
    assert back.is_sealed(KEY)
    assert not back.is_sealed(derive_key("another secret"))


@pytest.mark.parametrize("is_lately", [True, False])
def test_old_plans_and_approvals_are_forgotten_unless_they_were_made_lately(
    log: ActionLog, is_lately: bool
) -> None:
    """A backfill asks about days long ago, and its question may be open."""
    made = AS_OF + timedelta(days=30) if is_lately else AS_OF
    write(log, planned(made_at=made), planned(run_id="new", as_of=AS_OF + timedelta(days=20), made_at=made))
    with log.database.writing() as connection:
        write_approval(connection, approval(asked_at=made).sealed(KEY))
    log.prune(AS_OF + timedelta(days=10))
    assert bool(found(log)) == is_lately
    assert found(log, run_id="new")
    with log.database.reading() as connection:
        assert bool(approvals_of_run(connection, dag_id="sync", run_id="r")) == is_lately
