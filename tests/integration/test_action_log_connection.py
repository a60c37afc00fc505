"""Where the action log is: connections of each kind, and what holds when there is none."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.executors.executor_loader import ExecutorLoader
from sqlalchemy import create_engine, make_url, text

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.errors import ActionLogError, ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import CONN_ID, FILE_NAME, action_log_url, open_action_log

VARIABLE = f"AIRFLOW_CONN_{CONN_ID.upper()}"
PASSWORD = "p@ss:w/rd %20#?&=é'"  # whatever a URL could take for something else


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No connection; an Airflow home of its own."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


# --- PostgreSQL


def test_each_field_of_a_connection_arrives(connect: Callable[..., None]) -> None:
    connect(
        CONN_ID,
        conn_type="postgres",
        host="db.corp.example",
        port=5433,
        login="ann",
        password=PASSWORD,
        schema="risk",
        extra={"sslmode": "verify-full", "sslrootcert": "/ca.pem", "keepalives_idle": 30, "cursor": "dict"},
    )
    url = action_log_url()
    assert (url.get_backend_name(), url.host, url.port, url.database) == (
        "postgresql",
        "db.corp.example",
        5433,
        "risk",
    )
    assert (url.username, url.password) == ("ann", PASSWORD)
    # Nothing else of a connection's extra reaches the driver.
    assert url.query == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_connection_may_be_a_uri(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv(VARIABLE, f"{scheme}://ann:p%40ss%3A%2F@db:5433/risk?sslmode=require")
    url = action_log_url()
    assert (url.username, url.password, url.host, url.port) == ("ann", "p@ss:/", "db", 5433)
    assert (url.database, url.query["sslmode"]) == ("risk", "require")


def test_a_real_server_is_used_through_a_connection(postgres: Any, connect: Callable[..., None]) -> None:
    at = make_url(postgres.new_database())
    engine = create_engine(at, isolation_level="AUTOCOMMIT")
    name = f"risk_{at.database}"
    with engine.connect() as connection:
        quoted = PASSWORD.replace("'", "''").replace(":", r"\:")
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'"))
        connection.execute(text(f"GRANT CREATE ON SCHEMA public TO {name}"))
    engine.dispose()
    connect(
        CONN_ID,
        conn_type="postgres",
        host=at.host,
        port=at.port,
        login=name,
        password=PASSWORD,
        schema=at.database,
        extra={"application_name": "risk"},
    )
    moment = datetime(2026, 11, 20, tzinfo=timezone.utc)
    log = open_action_log()
    log.finish(
        [
            Entry(
                org="o",
                action="push_risk",
                user_key="ann",
                as_of=moment,
                started_at=moment,
                recorded_at=moment,
                status="done",
            )
        ]
    )
    with log.database.reading() as session:
        assert session.execute(text("SHOW application_name")).scalar() == "risk"
    assert log.count(Filter()) == 1
    log.close()


def test_a_user_who_may_not_make_the_table_is_told_so(postgres: Any, connect: Callable[..., None]) -> None:
    at = make_url(postgres.new_database())
    engine = create_engine(at, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE weak_{at.database} LOGIN"))
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    engine.dispose()
    connect(
        CONN_ID,
        conn_type="postgres",
        host=at.host,
        port=at.port,
        login=f"weak_{at.database}",
        password=PASSWORD,
        schema=at.database,
    )
    with pytest.raises(ActionLogError, match="permission denied") as caught:
        open_action_log()
    assert not caught.value.retryable
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("extra", [{}, {"sslmode": "require"}, {"sslmode": "no such mode"}])
def test_no_message_holds_the_password(connect: Callable[..., None], extra: dict[str, str]) -> None:
    connect(
        CONN_ID, conn_type="postgres", host="127.0.0.1", port=1, login="ann", password=PASSWORD, extra=extra
    )
    with pytest.raises(ActionLogError) as caught:
        open_action_log()
    said = f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r} {action_log_url()!r}"
    assert "127.0.0.1" in said
    for part in (PASSWORD, json.dumps(PASSWORD), "p%40ss", "p@ss"):
        assert part not in said


# --- SQLite


def test_a_file_is_named_by_its_absolute_path(connect: Callable[..., None], tmp_path: Path) -> None:
    odd = tmp_path / "a?b#c%20d.db"
    connect(CONN_ID, conn_type="sqlite", host=str(odd))
    open_action_log().close()
    assert odd.exists()


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite://{}"])
def test_a_file_may_be_named_by_a_uri(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str) -> None:
    path = str(tmp_path / "x.db")
    monkeypatch.setenv(VARIABLE, form.format(path if form.endswith("///{}") else path.replace("/", "%2F")))
    assert action_log_url().database == path


@pytest.mark.parametrize("host", ["relative.db", "", None, "~/x.db"])
def test_another_path_is_refused(connect: Callable[..., None], host: str | None) -> None:
    connect(CONN_ID, conn_type="sqlite", host=host)
    with pytest.raises(ConfigurationError, match="no absolute path"):
        action_log_url()


@pytest.mark.parametrize("kind", ["mysql", "mssql", "okta", "http", "generic"])
def test_another_type_is_refused(connect: Callable[..., None], kind: str) -> None:
    connect(CONN_ID, conn_type=kind, host="db", password=PASSWORD)
    with pytest.raises(ConfigurationError, match=f"is of type '{kind}'") as caught:
        action_log_url()
    assert PASSWORD not in str(caught.value)


# --- no connection

ONE_MACHINE = [
    pytest.param("", id="default"),
    pytest.param("LocalExecutor", id="local"),
    pytest.param(" LocalExecutor ", id="spaces"),
    pytest.param("airflow.executors.local_executor.LocalExecutor", id="module"),
    pytest.param("here:LocalExecutor", id="alias"),
    pytest.param("here:airflow.executors.local_executor.LocalExecutor", id="alias-module"),
    pytest.param("=LocalExecutor", id="global-team"),
]
SEVERAL = [
    pytest.param("CeleryExecutor", id="celery"),
    pytest.param("KubernetesExecutor", id="kubernetes"),
    pytest.param("LocalExecutor,CeleryExecutor", id="local-and-celery"),
    pytest.param("CeleryExecutor, LocalExecutor", id="celery-and-local"),
    pytest.param("far:KubernetesExecutor", id="alias"),
    pytest.param("LocalExecutor,far:airflow.providers.edge3.executors.EdgeExecutor", id="alias-module"),
    pytest.param("CeleryExecutor;blue=here:LocalExecutor", id="global-celery"),
    pytest.param("CeleryExecutor;blue=a.b.LocalExecutor", id="global-celery-and-a-module"),
    pytest.param("our.own.LocalExecutor", id="only-called-local"),
]


@pytest.mark.parametrize("executor", ONE_MACHINE)
def test_on_one_machine_it_is_a_file_under_airflow_home(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    if executor:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert action_log_url().database == str(no_connection / FILE_NAME)


@pytest.mark.parametrize("executor", SEVERAL)
def test_on_several_machines_it_is_refused(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    with pytest.raises(ConfigurationError, match="runs tasks on several machines") as caught:
        open_action_log()
    assert caught.value.topic == "action-log-place"
    assert not list(no_connection.iterdir())


@pytest.mark.parametrize("with_teams", [True, False])
def test_executors_of_teams_count_when_airflow_has_teams(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, with_teams: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor;blue=CeleryExecutor;red=LocalExecutor")
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", str(with_teams))
    if with_teams:
        with pytest.raises(ConfigurationError, match="CeleryExecutor runs tasks on several"):
            action_log_url()
    else:
        assert action_log_url().database == str(no_connection / FILE_NAME)


@pytest.mark.parametrize("executor", [one.values[0] for one in (*ONE_MACHINE, *SEVERAL) if one.values[0]])
def test_airflow_reads_the_executors_as_we_do(monkeypatch: pytest.MonkeyPatch, executor: str) -> None:
    from airflow.executors import executor_loader

    from airflow_provider_okta_ure.hooks import action_log

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    monkeypatch.setattr(executor_loader, "_executor_names", [])
    theirs = [one.module_path for one in ExecutorLoader.get_executor_names(validate_teams=False)]
    ours = [ExecutorLoader.executors.get(name, name) for name in action_log._executors()]
    assert ours == theirs


# --- a connection that may exist


def _backend(monkeypatch: pytest.MonkeyPatch, folder: Path, section: str, body: str) -> None:
    """Configure a secrets backend, for servers (``secrets``) or for tasks (``workers``)."""
    from airflow.sdk import configuration

    name = f"backend_{abs(hash((str(folder), section, body)))}"
    (folder / f"{name}.py").write_text(
        "from airflow.secrets import BaseSecretsBackend\n"
        "class Backend(BaseSecretsBackend):\n"
        "    def __init__(self, **_): super().__init__()\n"
        f"    def get_conn_value(self, conn_id, **_): {body}\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    option = "SECRETS_BACKEND" if section == "workers" else "BACKEND"
    monkeypatch.setenv(f"AIRFLOW__{section.upper()}__{option}", f"{name}.Backend")
    # Airflow 3.2 keeps none.
    monkeypatch.setattr(configuration, "_secrets_backend_cache", {}, raising=False)


@pytest.mark.parametrize("section", ["secrets", "workers"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("raise TimeoutError('secret-canary')", id="no-answer"),
        pytest.param("raise PermissionError('secret-canary')", id="refused"),
        pytest.param("return None", id="not-there"),
        pytest.param("return 'no connection at all {secret-canary'", id="nonsense"),
    ],
)
def test_with_a_secrets_backend_no_new_log_is_begun(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, section: str, body: str
) -> None:
    folder = no_connection / "code"
    folder.mkdir()
    _backend(monkeypatch, folder, section, body)
    with pytest.raises((ActionLogError, ConfigurationError)) as caught:
        open_action_log()
    assert "canary" not in str(caught.value)
    assert not list(no_connection.glob("*.db"))


def test_a_secrets_backend_that_cannot_be_made_is_an_error_of_ours(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import configuration

    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "there.is.no.such.Backend")
    # Airflow 3.2 keeps none.
    monkeypatch.setattr(configuration, "_secrets_backend_cache", {}, raising=False)
    with pytest.raises(ActionLogError) as caught:
        open_action_log()
    assert caught.value.topic == "action-log-unknown"
    assert not list(no_connection.glob("*.db"))


def test_with_a_secrets_backend_a_file_can_be_chosen(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, connect: Callable[..., None]
) -> None:
    _backend(monkeypatch, no_connection, "secrets", "return None")
    connect(CONN_ID, conn_type="sqlite", host=str(no_connection / "chosen.db"))
    open_action_log().close()
    assert (no_connection / "chosen.db").exists()


def test_a_connection_that_the_backend_has_is_used(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = no_connection / "backend.db"
    _backend(monkeypatch, no_connection, "secrets", f"return 'sqlite:///{file}'")
    assert action_log_url().database == str(file)


@pytest.mark.parametrize("value", ["{not json", '{"conn_type": "postgres", "port": "soon"}', ""])
def test_a_connection_of_the_environment_that_cannot_be_read_is_not_a_missing_one(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigurationError):
        open_action_log()
    assert not list(no_connection.glob("*.db"))


@pytest.mark.parametrize("as_error", [True, False])
@pytest.mark.parametrize(
    ("kind", "is_known"),
    [("CONNECTION_NOT_FOUND", True), ("API_SERVER_ERROR", False), ("GENERIC_ERROR", False)],
)
def test_a_server_that_did_not_answer_has_not_said_that_there_is_no_connection(
    no_connection: Path, monkeypatch: pytest.MonkeyPatch, kind: str, is_known: bool, as_error: bool
) -> None:
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse

    class Server:
        def send(self, _: object) -> ErrorResponse:
            answer = ErrorResponse(error=ErrorType[kind])
            if as_error:
                raise AirflowRuntimeError(answer)
            return answer

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Server(), raising=False)
    if is_known:
        assert action_log_url().database == str(no_connection / FILE_NAME)
    else:
        with pytest.raises(ActionLogError, match="did not say that there is none") as caught:
            action_log_url()
        assert caught.value.retryable


@pytest.mark.parametrize("of_connection", [True, False])
def test_the_log_says_which_action_log_is_used(
    no_connection: Path, connect: Callable[..., None], caplog: pytest.LogCaptureFixture, of_connection: bool
) -> None:
    file = no_connection / (f"{no_connection.name}.db" if of_connection else FILE_NAME)
    if of_connection:
        connect(CONN_ID, conn_type="sqlite", host=str(file))
    with caplog.at_level("INFO"):
        open_action_log().close()
    (said,) = [one for one in caplog.messages if one.startswith("Action log: ")]
    assert str(file) in said
    assert ("of the connection" in said) is of_connection


def test_what_the_log_says_has_no_password(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    connect(CONN_ID, conn_type="postgres", host="127.0.0.1", port=1, login="eve", password=PASSWORD)
    with caplog.at_level("INFO"), pytest.raises(ActionLogError):
        open_action_log()
    assert "127.0.0.1" in caplog.text
    for part in (PASSWORD, json.dumps(PASSWORD), "p%40ss", "p@ss"):
        assert part not in caplog.text


def test_the_file_with_names_of_people_is_its_owners_alone(no_connection: Path) -> None:
    log = open_action_log()
    with log.database.reading():
        files = [path for path in no_connection.iterdir() if path.is_file()]
        assert {path.name for path in files} >= {FILE_NAME, f"{FILE_NAME}-wal"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    log.close()
    assert stat.S_IMODE((no_connection / f"{FILE_NAME}.locks").stat().st_mode) == 0o700


def test_a_home_that_is_not_there_is_told(no_connection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(no_connection / "nowhere"))
    with pytest.raises(ActionLogError, match="no such file or directory") as caught:
        open_action_log()
    assert str(no_connection / "nowhere") in caught.value.remedy
    assert not caught.value.retryable
