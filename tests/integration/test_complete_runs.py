"""A run that read its whole source decides also about those of whom it has no row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.action_log.tasks import TaskSummary
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
)
from tests.integration.exchange import GROUP, Exchange, day, rows_of
from tests.integration.judging_support import logged

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

SOURCE = "netskope_default"


@pytest.fixture
def exchange(okta: Sandbox) -> Exchange:
    known = Exchange(okta)
    for name in ("ann", "bob", "cyd"):
        known.user(name)
    # Whatever is decided later about a group or an issuer that nobody has used yet is decided about nothing.
    act(known, 0, add={"cyd": 100}, push={"cyd": 100})
    return known


def fetched(number: int, *, whole: bool = True) -> None:
    """Let the run of a day have read its source."""
    log = open_action_log()
    log.record_task(
        TaskSummary(
            dag_id="sync",
            run_id=f"day-{number}",
            task_id="fetch_scores",
            as_of=day(number),
            org="https://tenant.example",
            action="fetch_scores",
            ended_at=day(number),
            seconds=1.0,
            calls={},
            is_complete=whole,
            source=SOURCE,
        )
    )
    log.close()


def from_source(scores: dict[str, int]) -> list[dict[str, Any]]:
    return [{**row, "source": SOURCE} for row in rows_of(scores)]


def act(exchange: Exchange, number: int, *, whole: bool = True, **scores: dict[str, int]) -> dict[str, Any]:
    """Run the tasks named, of a day's run, with rows of its source; return their reports."""
    fetched(number, whole=whole)
    group: dict[str, Any] = {"group_name": GROUP, "past_intervals": "apply", "max_change_percent": 100}
    operators: dict[str, Any] = {
        "add": lambda rows: OktaAddToGroupOperator(task_id="add", rows=rows, create_group=True, **group),
        "remove": lambda rows: OktaRemoveFromGroupOperator(
            task_id="remove", rows=rows, missing_group_ok=True, **group
        ),
        "push": lambda rows: OktaPushRiskOperator(
            task_id="push", rows=rows, ensure_provider=True, max_change_percent=100
        ),
    }
    return {name: exchange.task(operators[name](from_source(some)), number) for name, some in scores.items()}


def rows_about(exchange: Exchange, name: str, action: str, number: int) -> list[str]:
    """Return how the log's rows of a day about somebody ended."""
    return [
        f"{one.status}:{one.reason}"
        for one in logged(action=action)
        if one.user_name.startswith(f"{name}@") and one.as_of == day(number)
    ]


@pytest.mark.parametrize("later", [{"bob": 100}, {}], ids=["others-matched", "nobody-matched"])
def test_who_did_not_match_in_a_later_complete_run_is_not_added_for_an_older_day(
    exchange: Exchange, later: dict[str, int]
) -> None:
    act(exchange, 3, add=later)
    assert act(exchange, 2, add={"ann": 100})["add"]["reasons"] == {"skipped:superseded": 1}
    assert "ann" not in exchange.members


def test_a_later_run_that_did_not_read_everything_decides_only_about_its_rows(exchange: Exchange) -> None:
    act(exchange, 3, whole=False, add={"bob": 100})
    act(exchange, 2, add={"ann": 100})
    assert exchange.members == {"ann", "bob", "cyd"}


def test_one_of_several_parts_does_not_decide_for_the_others(exchange: Exchange) -> None:
    """A mapped task of which Airflow does not tell how many parts it has."""
    fetched(3)
    for rows in ({"bob": 100}, {}):
        operator = OktaAddToGroupOperator(
            task_id="add", rows=from_source(rows), group_name=GROUP, max_change_percent=100
        )
        exchange.task(operator, 3, map_index=len(rows))
    act(exchange, 2, add={"ann": 100})
    assert "ann" in exchange.members


def test_a_later_plan_decides_nothing(exchange: Exchange) -> None:
    fetched(3)
    operator = OktaAddToGroupOperator(
        task_id="add", rows=from_source({"bob": 100}), group_name=GROUP, dry_run=True
    )
    exchange.task(operator, 3)
    act(exchange, 2, add={"ann": 100})
    assert "ann" in exchange.members


def test_another_task_and_another_group_decide_for_themselves(exchange: Exchange) -> None:
    fetched(3)
    other = OktaAddToGroupOperator(
        task_id="add", rows=from_source({"bob": 100}), group_name="Other", create_group=True
    )
    exchange.task(other, 3)
    act(exchange, 3, remove={"cyd": 900})
    act(exchange, 2, add={"ann": 100})
    assert "ann" in exchange.members


def test_who_did_not_match_later_gets_no_old_signal(exchange: Exchange) -> None:
    act(exchange, 3, push={"bob": 100})
    assert act(exchange, 2, push={"ann": 100})["push"]["reasons"] == {"skipped:superseded": 1}
    assert exchange.told("ann") == []


def test_who_did_not_recover_in_a_later_run_stays(exchange: Exchange) -> None:
    act(exchange, 1, add={"ann": 100})
    act(exchange, 3, remove={})
    assert act(exchange, 2, remove={"ann": 900})["remove"]["reasons"] == {"skipped:superseded": 1}
    assert "ann" in exchange.members


def test_nobody_who_is_neither_at_risk_nor_tracked_has_a_row(exchange: Exchange) -> None:
    report = act(exchange, 1, remove={"ann": 900, "bob": 900, "cyd": 900})["remove"]
    # The report is about everybody all the same.
    assert report["counts"] == {"done": 1, "planned": 0, "unchanged": 2, "skipped": 0, "failed": 0}
    assert [rows_about(exchange, name, "remove_from_group", 1) for name in ("ann", "bob", "cyd")] == [
        [],
        [],
        ["done:"],
    ]


def test_who_is_tracked_has_a_row_although_nothing_had_to_be_done(exchange: Exchange) -> None:
    """Somebody took cyd out of the group by hand; that they are not in it ends what was open."""
    group = exchange.sandbox.okta.find_group(GROUP)
    assert group is not None
    group.members.clear()
    act(exchange, 1, remove={"cyd": 900})
    assert rows_about(exchange, "cyd", "remove_from_group", 1) == ["unchanged:not_a_member"]


def test_in_a_run_that_is_not_complete_everybody_has_a_row(exchange: Exchange) -> None:
    act(exchange, 1, whole=False, remove={"ann": 900})
    assert rows_about(exchange, "ann", "remove_from_group", 1) == ["unchanged:not_a_member"]


def test_a_run_that_gave_up_has_rows_of_everybody(exchange: Exchange) -> None:
    exchange.sandbox.fail_next(service="okta", status=401, method="DELETE", times=5)
    with pytest.raises(Exception, match="token"):
        act(exchange, 1, remove={"ann": 900, "cyd": 900})
    assert rows_about(exchange, "ann", "remove_from_group", 1) == ["unchanged:not_a_member"]
