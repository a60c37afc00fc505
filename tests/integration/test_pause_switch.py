"""The pause switch is read wherever Airflow may keep it; what cannot be read is never "not paused"."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import Variable

from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause
from airflow_provider_okta_ure.errors import PauseUnknownError
from airflow_provider_okta_ure.hooks.pause import read_pause

ENVIRONMENT = f"AIRFLOW_VAR_{VARIABLE.upper()}"


class Server:
    """What stands for Airflow's API server in a task: answers, or raises, what the test says."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def send(self, _: object) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _server(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    from airflow.sdk.execution_time import task_runner

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Server(answer), raising=False)


def _error(kind: str) -> object:
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse

    return ErrorResponse(error=ErrorType[kind])


def _value(text: str | None) -> object:
    from airflow.sdk.execution_time.comms import VariableResult

    return VariableResult(key=VARIABLE, value=text)


def _backend(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    from airflow.sdk import configuration

    name = f"backend_{abs(hash((str(folder), body)))}"
    (folder / f"{name}.py").write_text(
        "from airflow.secrets import BaseSecretsBackend\n"
        "class Backend(BaseSecretsBackend):\n"
        "    def __init__(self, **_): super().__init__()\n"
        f"    def get_variable(self, key, **_): {body}\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", f"{name}.Backend")
    # Airflow 3.2 keeps none.
    monkeypatch.setattr(configuration, "_secrets_backend_cache", {}, raising=False)


def test_without_the_variable_nothing_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert read_pause() is None


def test_the_environment_can_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "wrong tenant")
    assert read_pause() == Pause(reason="wrong tenant")


@pytest.mark.parametrize(
    ("text", "expected"), [("true", Pause()), ("false", None), ("", None), (None, None), ("{", "cannot")]
)
def test_a_task_asks_the_server(
    monkeypatch: pytest.MonkeyPatch, text: str | None, expected: Pause | str | None
) -> None:
    _server(monkeypatch, _value(text))
    pause = read_pause()
    if isinstance(expected, str):
        assert pause is not None
        assert expected in pause.reason
    else:
        assert pause == expected


def test_that_there_is_no_variable_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    _server(monkeypatch, _error("VARIABLE_NOT_FOUND"))
    assert read_pause() is None


@pytest.mark.parametrize("raised", [True, False])
@pytest.mark.parametrize("kind", ["API_SERVER_ERROR", "GENERIC_ERROR", "PERMISSION_DENIED"])
def test_a_server_that_does_not_answer_has_not_said_that_nothing_is_paused(
    monkeypatch: pytest.MonkeyPatch, kind: str, raised: bool
) -> None:
    from airflow.sdk.exceptions import AirflowRuntimeError

    answer = _error(kind)
    _server(monkeypatch, AirflowRuntimeError(answer) if raised else answer)  # type: ignore[arg-type]
    with pytest.raises(PauseUnknownError, match="cannot be read") as caught:
        read_pause()
    assert caught.value.retryable
    assert caught.value.topic == "pause-unknown"


def test_a_server_that_is_gone_has_not_said_so_either(monkeypatch: pytest.MonkeyPatch) -> None:
    _server(monkeypatch, BrokenPipeError("secret-canary"))
    with pytest.raises(PauseUnknownError) as caught:
        read_pause()
    assert "canary" not in str(caught.value)


def test_a_workers_environment_cannot_switch_off_what_is_on_in_the_ui(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENVIRONMENT, "false")
    _server(monkeypatch, _value('{"by": "ann"}'))
    assert read_pause() == Pause(by="ann")


@pytest.mark.parametrize(
    "body", ["raise TimeoutError('secret-canary')", "raise PermissionError('secret-canary')"]
)
def test_a_secrets_backend_that_fails_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str
) -> None:
    _backend(monkeypatch, tmp_path, body)
    with pytest.raises(PauseUnknownError) as caught:
        read_pause()
    assert "canary" not in str(caught.value)


def test_a_secrets_backend_that_has_no_variable_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _backend(monkeypatch, tmp_path, "return None")
    assert read_pause() is None


def test_a_secrets_backend_can_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _backend(monkeypatch, tmp_path, "return 'audit' if key == 'okta_ure_paused' else None")
    assert read_pause() == Pause(reason="audit")


def test_a_secrets_backend_that_cannot_be_made_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import configuration

    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "there.is.no.such.Backend")
    monkeypatch.setattr(configuration, "_secrets_backend_cache", {}, raising=False)
    with pytest.raises(PauseUnknownError):
        read_pause()


def test_an_old_answer_in_a_cache_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time.cache import SecretCache

    monkeypatch.setattr(SecretCache, "_cache", {})
    monkeypatch.setattr(SecretCache, "_ttl", __import__("datetime").timedelta(minutes=15), raising=False)
    SecretCache.save_variable(VARIABLE, "false")
    _server(monkeypatch, _value("true"))
    assert read_pause() == Pause()
    _server(monkeypatch, _value("false"))
    assert read_pause() is None


def test_what_airflow_itself_refuses_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("secret-canary")

    monkeypatch.setattr(Variable, "get", refused)
    with pytest.raises(PauseUnknownError) as caught:
        read_pause()
    assert "canary" not in str(caught.value)
