"""The page says that writes are paused, and where a run is undone; it does neither itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.reverts import Revert, write_reverts
from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause
from airflow_provider_okta_ure.plugin.reverting import REVERT_DAG
from tests.support.airflow_security import Security, Visitor, airflow_security
from tests.support.page import SYNC, app, log, viewer

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog

__all__ = ["app", "log", "viewer"]

MOMENT = datetime(2026, 11, 23, tzinfo=timezone.utc)
RUN = "scheduled__2026-11-23T00:00:00+00:00"


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Security]:
    with airflow_security(tmp_path_factory.mktemp("security"), [SYNC, REVERT_DAG]) as made:
        yield made


@pytest.fixture
def pause(security: Security) -> Iterator[Callable[[str], None]]:
    """Set the Variable as Airflow's UI does."""
    from airflow import settings
    from airflow.models.variable import Variable

    def pause(value: str) -> None:
        with Session(settings.engine) as session:
            row: Any = Variable
            session.add(row(key=VARIABLE, val=value))
            session.commit()

    yield pause
    with Session(settings.engine) as session:
        session.execute(delete(Variable))
        session.commit()


def entry(**more: Any) -> Entry:
    fields: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "add_to_group",
        "target": "00gRISK",
        "target_name": "At risk",
        "user_key": "00uANN",
        "user_id": "00uANN",
        "user_name": "ann",
        "as_of": MOMENT,
        "started_at": MOMENT,
        "recorded_at": MOMENT,
        "dag_id": SYNC,
        "run_id": RUN,
        "task_id": "add_to_group",
        "status": "done",
    }
    return Entry(**{**fields, **more})


def ask(viewer: Visitor, path: str, **params: Any) -> Any:
    answer = viewer.get(f"/okta-ure/api/{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def both(viewer: Visitor) -> Any:
    """Return what two routes say, which is the same."""
    said = ask(viewer, "pause")["paused"]
    assert ask(viewer, "overview")["paused"] == said
    return said


def test_nothing_is_paused_unless_somebody_did(viewer: Visitor, log: ActionLog) -> None:
    assert both(viewer) is None


def test_who_paused_since_when_and_why_is_said_at_once(
    viewer: Visitor, log: ActionLog, pause: Callable[[str], None]
) -> None:
    assert both(viewer) is None
    pause(Pause(since=MOMENT, by="ann", reason="wrong tenant").to_text())
    assert both(viewer) == {
        "is_known": True,
        "since": "2026-11-23T00:00:00Z",
        "by": "ann",
        "reason": "wrong tenant",
        "remedy": "",
    }


def test_words_instead_of_json_pause_too(
    viewer: Visitor, log: ActionLog, pause: Callable[[str], None]
) -> None:
    pause("<b>wrong tenant</b>")
    assert (both(viewer)["reason"], both(viewer)["since"]) == ("<b>wrong tenant</b>", None)


def test_a_switch_that_cannot_be_read_is_no_switch_that_is_off(
    viewer: Visitor, log: ActionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.secrets.metastore import MetastoreBackend

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("sesame")

    monkeypatch.setattr(MetastoreBackend, "get_variable", fail)
    said = both(viewer)
    assert said["is_known"] is False
    assert VARIABLE in said["reason"]
    assert said["remedy"]
    assert "sesame" not in str(said)


def test_it_is_said_also_without_an_action_log_and_only_to_readers(
    viewer: Visitor, app: Any, security: Security, tmp_path: Path
) -> None:
    assert ask(viewer, "pause") == {"paused": None}
    assert Visitor(app).get("/okta-ure/api/pause").status_code == 401
    assert Visitor(app, security.token(None)).get("/okta-ure/api/pause").status_code == 403


# --- the way to undo a run


def test_a_run_leads_to_the_dag_that_undoes_it_with_its_values(
    app: Any, security: Security, log: ActionLog
) -> None:
    log.finish([entry()])
    user = Visitor(app, security.token("user"))
    assert ask(user, "overview", dag_id=SYNC, run_id=RUN)["revert"] == {
        "dag_id": REVERT_DAG,
        "link": f"/dags/{REVERT_DAG}",
        "conf": {"reverted_dag_id": SYNC, "reverted_run_id": RUN},
    }


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"since": "2026-11-01T00:00:00Z"}, id="no-run"),
        pytest.param({"dag_id": SYNC, "since": "2026-11-01T00:00:00Z"}, id="a-dag"),
        pytest.param({"run_id": RUN}, id="no-dag"),
        pytest.param({"dag_id": SYNC, "run_id": "another"}, id="recorded-nothing"),
        pytest.param({"dag_id": "unknown", "run_id": RUN}, id="unknown-dag"),
    ],
)
def test_only_a_run_that_is_shown_can_be_undone(
    app: Any, security: Security, log: ActionLog, params: dict[str, str]
) -> None:
    log.finish([entry()])
    found = ask(Visitor(app, security.token("user")), "overview", **params)
    assert (found["revert"], found["reverted_by"]) == (None, [])


def test_whoever_may_not_trigger_is_not_led_there(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry()])
    assert ask(viewer, "overview", dag_id=SYNC, run_id=RUN)["revert"] is None


def reverted(log: ActionLog, by_run_id: str, **more: Any) -> None:
    fields: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "dag_id": SYNC,
        "run_id": RUN,
        "by_dag_id": REVERT_DAG,
        "by_run_id": by_run_id,
        "as_of": MOMENT,
        "recorded_at": MOMENT,
        "asked_by": "Eve",
    }
    with log.database.writing() as connection:
        write_reverts(connection, [Revert(**{**fields, **more})])


def test_a_run_that_was_undone_says_so_wholly_or_in_part(viewer: Visitor, log: ActionLog) -> None:
    log.finish([entry()])
    assert ask(viewer, "overview", dag_id=SYNC, run_id=RUN)["reverted_by"] == []
    reverted(log, "part", action="add_to_group", user_key="00uANN")
    reverted(log, "part", action="push_risk", user_key="ann")
    reverted(log, "whole", recorded_at=MOMENT.replace(hour=1))
    part, whole = ask(viewer, "overview", dag_id=SYNC, run_id=RUN)["reverted_by"]
    assert part == {
        "dag_id": REVERT_DAG,
        "run_id": "part",
        "asked_by": "Eve",
        "recorded_at": "2026-11-23T00:00:00Z",
        "is_whole": False,
        "link": f"/dags/{REVERT_DAG}/runs/part",
    }
    assert (whole["run_id"], whole["is_whole"]) == ("whole", True)


def test_of_a_run_that_the_reader_may_not_see_only_that_it_undid_this_one_is_said(
    viewer: Visitor, log: ActionLog
) -> None:
    log.finish([entry()])
    reverted(log, "secret", by_dag_id="unknown_dag")
    answer = viewer.get("/okta-ure/api/overview", dag_id=SYNC, run_id=RUN)
    (one,) = answer.json()["reverted_by"]
    assert (one["dag_id"], one["link"], one["is_whole"]) == (None, None, True)
    for word in ("secret", "unknown_dag", "Eve"):
        assert word not in answer.text


def test_a_dag_that_is_gone_is_not_offered(app: Any, security: Security, log: ActionLog) -> None:
    from airflow import settings
    from airflow.models.dag import DagModel

    log.finish([entry()])
    user = Visitor(app, security.token("user"))
    with Session(settings.engine) as session:
        dag = session.get(DagModel, REVERT_DAG)
        assert dag is not None
        dag.is_stale = True
        session.commit()
        try:
            assert ask(user, "overview", dag_id=SYNC, run_id=RUN)["revert"] is None
        finally:
            dag.is_stale = False
            session.commit()
