"""The example DAGs: they import anywhere, are dry by default, and every task of theirs works against the sandbox."""

from __future__ import annotations

import fnmatch
import json
import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronDataIntervalTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from tests.integration.conftest import NOW, context_of

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_provider_okta_ure.sandbox import Sandbox

DAGS = Path(__file__).parents[2] / "dags"
MIDNIGHT = NOW.replace(hour=0)


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    return dict(bag.dags)


class Run:
    """One run of a DAG, task by task in topological order, with what each handed over."""

    def __init__(self, dag: Any, context: dict[str, Any], **params: Any) -> None:
        self._dag = dag
        values = (
            {name: param.value for name, param in dag.params.items_raw()}
            if hasattr(dag.params, "items_raw")
            else dict(dag.params)
        )
        self.outlet_events: dict[Any, Any] = defaultdict(SimpleNamespace)
        self._context = {
            **context,
            "params": {**values, **params},
            "dag": dag,
            "outlet_events": self.outlet_events,
        }
        self.xcom: dict[str, Any] = {}

    def all_tasks(self) -> dict[str, Any]:
        for task in self._dag.topological_sort():
            assert not isinstance(task, MappedOperator)
            self.xcom[task.task_id] = self._execute(task)
        return self.xcom

    def _execute(self, task: Any) -> Any:
        task = task.prepare_for_execution()
        for name in task.template_fields:
            setattr(task, name, self._value(task, getattr(task, name)))
        result = task.execute({**self._context, "task": task})
        return json.loads(json.dumps(result))

    def _value(self, task: Any, value: Any) -> Any:
        if hasattr(value, "operator"):  # the output of another task
            return self.xcom[value.operator.task_id]
        if isinstance(value, dict):
            return {name: self._value(task, one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._value(task, one) for one in value)
        return task.render_template(value, self._context)


def test_the_files_hold_the_documented_dags(dags):
    assert set(dags) == {
        "okta_revert_run",
        "okta_risk_alerts",
        "okta_risk_sync",
        "okta_risk_sync_hourly",
        "okta_risk_sync_two_tenants",
        "okta_risk_sync_with_approval",
        "okta_watchlist",
    }


def test_the_main_dag_is_drawn_as_designed(dags):
    downstream = {task.task_id: task.downstream_task_ids for task in dags["okta_risk_sync"].tasks}
    assert downstream["check"] == {"fetch_scores"}
    assert dags["okta_risk_sync"].roots == [dags["okta_risk_sync"].get_task("check")]
    assert downstream["fetch_scores"] == {"filter_at_risk", "filter_recovered", "filter_improved"}
    assert downstream["filter_at_risk"] == {"map_levels"}
    assert downstream["map_levels"] == {"add_to_group", "push_risk"}
    assert downstream["filter_recovered"] == {"remove_from_group"}
    for last in ("add_to_group", "remove_from_group", "confirm_ingested"):
        assert downstream[last] == {"report"}
    for push in ("push_risk", "push_improved"):
        assert downstream[push] == {"confirm_ingested", "report"}


def test_a_run_speaks_for_one_whole_day(dags):
    dag = dags["okta_risk_sync"]
    # The only timetable whose intervals are not of zero length for a cron expression.
    assert type(dag.timetable).__name__ == CronDataIntervalTimetable.__name__
    assert dag.catchup is False


@pytest.mark.parametrize(
    "dag_id",
    [
        "okta_risk_sync",
        "okta_risk_sync_hourly",
        "okta_risk_sync_two_tenants",
        "okta_watchlist",
        "okta_revert_run",
    ],
)
def test_dry_run_is_the_default_and_everything_in_the_form_has_a_title(dags, dag_id):
    params = dags[dag_id].params
    assert params["dry_run"] is True
    for name in params:
        assert params.get_param(name).schema.get("title"), name


ADVISED = {
    "signals",
    "only_changes",
    "only_added_by_us",
    "exclude_users",
    "exclude_groups",
    "expires_after",
    "min_source_percent",
    "max_score_age",
    "stale_scores",
    "score_bounds",
    "scores_as_of",
    "okta_conn_id",
    "netskope_conn_id",
}


@pytest.mark.parametrize("dag_id", ["okta_risk_sync", "okta_risk_sync_with_approval"])
def test_the_form_offers_what_messages_advise_in_sections_and_in_words(dags, dag_id):
    params = dags[dag_id].params
    assert set(params) >= ADVISED
    schemas = {name: params.get_param(name).schema for name in params}
    for name, schema in schemas.items():
        assert schema["title"], name
        assert schema.get("section") or name == "dry_run", name
        assert set(schema.get("values_display", ())) == set(schema.get("enum", ())), name
    # The form shows a section where its first field is; a section in two places would be two.
    sections = [schema.get("section") for schema in schemas.values()]
    changes = [one for before, one in zip([None, *sections], sections, strict=False) if one != before]
    assert len(changes) == len(set(changes))


def test_what_is_chosen_in_the_form_reaches_okta(dags, okta, netskope):
    kept, left = (user.login for user in okta.okta.users[:2])
    for login in (kept, left):
        netskope.netskope.set_score(login, NOW - timedelta(days=1), 900)
        netskope.netskope.set_score(login, NOW, 450)
    guests = okta.okta.add_group("Guests, all")
    third = okta.okta.users[2]
    netskope.netskope.set_score(third.login, NOW, 450)
    okta.okta.add_member(guests.id, third.id)
    chosen = {
        "group": "Risky",
        "dry_run": False,
        "at_risk_rule": "score == 450",
        "exclude_users": [kept],
        "exclude_groups": ["Guests, all"],
        "score_bounds": {"critical": [0, 100], "high": [101, 200], "medium": [201, 460], "low": [461, 1000]},
        "expires_after": "14d",
    }
    xcom = Run(dags["okta_risk_sync"], context_of(NOW), **chosen).all_tasks()
    assert xcom["add_to_group"]["reasons"]["skipped:excluded"] == 2
    group = okta.okta.find_group("Risky")
    assert group is not None
    members = {user.login for user in okta.okta.users if user.id in okta.okta.members(group.id)}
    assert left in members
    assert not members & {kept, third.login}
    levels = {event["user_id"]: event["event"]["current_level"] for event in okta.okta.accepted_events}
    assert levels[next(user.id for user in okta.okta.users if user.login == left)] == "medium"


def test_every_dag_explains_itself(dags):
    for dag in dags.values():
        assert len(dag.doc_md or "") > 100
        assert dag.tags
        for name in dag.params:
            assert dag.params.get_param(name).schema.get("title"), name


@pytest.mark.parametrize(
    "dag_id",
    [
        "okta_revert_run",
        "okta_risk_alerts",
        "okta_risk_sync",
        "okta_risk_sync_hourly",
        "okta_risk_sync_two_tenants",
    ],
)
def test_the_table_of_a_dag_names_its_tasks(dags, dag_id):
    named = re.findall(
        r"`([a-z_]+\*?)`", "".join(re.findall(r"^\| `.*?\|", dags[dag_id].doc_md, re.MULTILINE))
    )
    tasks = set(dags[dag_id].task_ids)
    for name in named:
        assert fnmatch.filter(tasks, name), name
    assert all(any(fnmatch.fnmatch(task, name) for name in named) for task in tasks)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(lambda: context_of(MIDNIGHT), id="scheduled"),
        pytest.param(lambda: context_of(MIDNIGHT - timedelta(days=3)), id="backfill"),
        pytest.param(lambda: context_of(None, run_after=NOW), id="manual-or-asset-triggered"),
    ],
)
def test_the_main_dag_does_its_job_in_every_kind_of_run(dags, okta, netskope, context):
    run = Run(dags["okta_risk_sync"], context(), dry_run=False, group="Risky")
    xcom = run.all_tasks()
    group = okta.okta.find_group("Risky")
    assert group is not None
    members = {okta.okta.user(one).login.lower() for one in okta.okta.members(group.id)}
    at_risk = {row["user"].lower() for row in xcom["fetch_scores"] if row.get("score", 1000) <= 500}
    assert members
    assert members <= at_risk
    report = xcom["report"]
    assert report["add_to_group"]["counts"]["done"] == len(members)
    (told,) = run.outlet_events.values()
    assert told.extra["dry_run"] is False
    assert told.extra["add_to_group"]["done"] == len(members)
    proof = report.pop("confirm_ingested")
    assert all(one["counts"]["failed"] == 0 for one in report.values())
    pushed = report["push_risk"]["counts"]["done"] + report["push_improved"]["counts"]["done"]
    assert pushed
    assert proof["counts"] == {"confirmed": pushed, "missing": 0}


def test_the_main_dag_writes_nothing_unless_told_to(dags, okta, netskope):
    Run(dags["okta_risk_sync"], context_of(MIDNIGHT)).all_tasks()
    written = [one.line() for one in okta.requests_to("okta") if one.method != "GET"]
    assert written == []


def test_the_same_day_twice_writes_once(dags, okta, netskope):
    Run(dags["okta_risk_sync"], context_of(MIDNIGHT), dry_run=False).all_tasks()
    okta.clear_requests()
    received = len(_events(okta))
    Run(dags["okta_risk_sync"], context_of(MIDNIGHT), dry_run=False).all_tasks()
    assert [one.line() for one in okta.requests_to("okta") if one.method in ("PUT", "DELETE")] == []
    assert len(_events(okta)) == received


def test_who_matches_both_rules_stays_in_the_group(dags, okta, netskope):
    rules = {"at_risk_rule": "score <= 500", "recovered_rule": "score >= 0", "group": "Risky"}
    xcom = Run(dags["okta_risk_sync"], context_of(MIDNIGHT), dry_run=False, **rules).all_tasks()
    at_risk = {row["user"] for row in xcom["filter_at_risk"]}
    assert at_risk
    assert not at_risk & {row["user"] for row in xcom["filter_recovered"]}


def test_a_missing_report_fails_the_last_task(dags, okta, netskope):
    report = dags["okta_risk_sync"].get_task("report").python_callable
    with pytest.raises(RuntimeError, match="No report of push_risk"):
        report({"add_to_group": {"counts": {}, "reasons": {}}, "push_risk": None})


def test_the_watchlist_adds_people_of_your_own(dags, okta):
    user = okta.okta.add_user(login="vip@new.example")
    Run(
        dags["okta_watchlist"], context_of(None, run_after=NOW), users=["VIP@new.example"], dry_run=False
    ).all_tasks()
    group = okta.okta.find_group("Watchlist")
    assert group is not None
    assert okta.okta.members(group.id) == {user.id}


def test_the_dags_import_without_connections_and_without_the_heavy_libraries():
    import subprocess
    import sys

    script = (
        f"import runpy, sys; [runpy.run_path(p) for p in {[str(path) for path in sorted(DAGS.glob('*.py'))]!r}];"
        "print([m for m in ('rule_engine', 'hypothesis', 'okta') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def _events(okta: Sandbox) -> list[Any]:
    return [
        one for one in okta.okta.system_log if one["eventType"] == "security.events.provider.receive_event"
    ]


def in_both(sandbox: Sandbox, connect: Any, monkeypatch: pytest.MonkeyPatch, us_score: int) -> str:
    """Connect two tenants in which one user has two scores; return their login."""
    login: str = sandbox.okta.users[0].login
    with_us_score = {}
    for conn_id, score in (("netskope_eu", 100), ("netskope_us", us_score)):
        with_us_score[conn_id] = score
        connect(conn_id, conn_type="netskope", host=sandbox.netskope_url, password=sandbox.netskope_token)
    execute = NetskopeFetchScoresOperator.execute

    def fetched(self: Any, context: Any) -> list[dict[str, Any]]:
        # One sandbox is both tenants, one after the other.
        for days in (1, 2):
            at = MIDNIGHT - timedelta(days=days)
            sandbox.netskope.set_score(login, at, with_us_score[self.netskope_conn_id])
        rows: list[dict[str, Any]] = execute(self, context)
        return rows

    monkeypatch.setattr(NetskopeFetchScoresOperator, "execute", fetched)
    return login


@pytest.mark.parametrize("us_score", [100, 900])
def test_who_is_at_risk_in_one_of_two_tenants_goes_into_the_group_and_stays(
    dags, okta, connect, monkeypatch, us_score
):
    dag = dags["okta_risk_sync_two_tenants"]
    assert dag.get_task("filter_at_risk").upstream_task_ids == {"fetch_eu", "fetch_us"}
    login = in_both(okta, connect, monkeypatch, us_score)
    for day in (MIDNIGHT - timedelta(days=1), MIDNIGHT):
        Run(dag, context_of(day), group="Risky", dry_run=False).all_tasks()
        group = okta.okta.find_group("Risky")
        assert group is not None
        user_id = next(user.id for user in okta.okta.users if user.login == login)
        assert user_id in okta.okta.members(group.id)
    levels = [e["event"]["current_level"] for e in okta.okta.accepted_events if e["user_id"] == user_id]
    assert levels[-1:] == ["high"]


def test_the_hourly_dag_acts_on_the_day_that_is_still_running(dags, okta, netskope):
    dag = dags["okta_risk_sync_hourly"]
    worse, better = (user.login for user in okta.okta.users[:2])
    for login, score in ((worse, 900), (better, 100)):
        netskope.netskope.set_score(login, NOW, score)
    first = NOW.replace(minute=30)
    okta.clock.advance((first - NOW).total_seconds())
    Run(dag, context_of(first), group="Risky", dry_run=False).all_tasks()
    netskope.netskope.set_score(worse, NOW, 100)
    netskope.netskope.set_score(better, NOW, 900)
    okta.clock.advance(3600)
    Run(dag, context_of(first + timedelta(hours=1)), group="Risky", dry_run=False).all_tasks()
    group = okta.okta.find_group("Risky")
    assert group is not None
    members = {user.login for user in okta.okta.users if user.id in okta.okta.members(group.id)}
    assert worse in members
    assert better not in members


def test_no_hour_of_the_hourly_dag_asks_the_list_for_the_day_before(dags):
    timetable = dags["okta_risk_sync_hourly"].timetable
    assert timetable.expression == "30 * * * *"


def test_the_alerts_are_about_every_match_and_not_about_ten(dags, okta, netskope):
    names = [f"n{number}@new.example" for number in range(30)]
    for name in names:
        netskope.netskope.add_user(name)
        netskope.netskope.set_score(name, MIDNIGHT - timedelta(days=2), 900)
        netskope.netskope.set_score(name, MIDNIGHT - timedelta(days=1), 90)
    xcom = Run(dags["okta_risk_alerts"], context_of(MIDNIGHT)).all_tasks()
    alerted = {alert["key"].partition(" ")[0] for alert in xcom["alert"]}
    assert set(names) <= alerted
    assert all("score <= 250" in alert["text"] for alert in xcom["alert"])
    assert okta.requests_to("okta") == []


@pytest.mark.parametrize(
    ("signals", "has_key", "has_itp", "sends"),
    [
        pytest.param("auto", True, True, True, id="auto-where-it-can"),
        pytest.param("auto", False, True, False, id="auto-without-a-key"),
        pytest.param("auto", True, False, False, id="auto-without-threat-protection"),
        pytest.param("off", True, True, False, id="off"),
        pytest.param("off", False, False, False, id="off-where-it-cannot"),
    ],
)
def test_a_group_is_kept_where_no_signals_can_be_sent(
    dags, okta, netskope, connect, signals, has_key, has_itp, sends
):
    okta.options.has_itp = has_itp
    if not has_key:
        connect("okta_default", conn_type="okta", host=okta.okta_url, password=okta.okta_token)
    xcom = Run(
        dags["okta_risk_sync"], context_of(NOW), group="Risky", dry_run=False, signals=signals
    ).all_tasks()
    assert xcom["add_to_group"]["counts"]["done"] > 0
    assert (xcom["push_risk"]["counts"]["done"] > 0) is sends
    assert bool(okta.okta.accepted_events) is sends
    told = xcom["push_risk"]["warnings"]
    assert bool(told) is (signals == "auto" and not sends)
    assert xcom["confirm_ingested"]["counts"]["missing"] == 0


def test_signals_that_are_demanded_fail_where_they_cannot_be_sent(dags, okta, netskope):
    okta.options.has_itp = False
    with pytest.raises(AirflowFailException, match="Identity Threat Protection"):
        Run(dags["okta_risk_sync"], context_of(NOW), group="Risky", dry_run=False, signals="on").all_tasks()
    assert okta.okta.find_group("Risky") is None
