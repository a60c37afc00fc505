"""What comes from outside cannot change how Airflow shows a task's log: no folding, no lines of its own."""

from __future__ import annotations

import io
import logging
import re
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.operators import identities
from airflow_provider_okta_ure.operators.identities import Names
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaFetchUsersOperator,
    OktaPreflightOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator
from tests.integration.conftest import context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

ODD = [
    pytest.param("::group::all is well", id="folds-the-rest"),
    pytest.param("::endgroup::", id="is-left-out"),
    pytest.param("x ::GROUP:: x", id="capitals"),
    pytest.param("\x1b[2K::gr\x1b[0moup::", id="inside-colors"),
    pytest.param("::group:", id="completed-by-our-colon"),
    pytest.param(":group::", id="completed-by-a-colon-before"),
    pytest.param("a\nINFO - all is well", id="line-end"),
    pytest.param("a\r\x0b\x0c\x85\u2028\u2029b", id="other-line-ends"),
    pytest.param("\x1b[31mred\x9b31m", id="colors"),
    pytest.param("\u202egnp.exe\u2066", id="direction"),
    pytest.param("a\x00\x07\x7fb", id="controls"),
    pytest.param("a\ud800b", id="half-a-pair"),
    pytest.param("a\u200b\ufeff\u00adb", id="invisible"),
]


def is_plain(text: str) -> bool:
    return (
        "::group::" not in f":{text}: :".casefold()
        and "::endgroup::" not in text.casefold()
        and text.isprintable()
    )


@pytest.mark.parametrize("text", ODD)
def test_a_text_from_outside_is_one_plain_line(text: str) -> None:
    plain = in_one_line(text)
    assert is_plain(plain)
    assert is_plain(f":{plain}: ")


@pytest.mark.parametrize(
    "text", ["ann@corp.example", "M\u00fcller", "\u6f22\u5b57", "10:30", "a: b", "groups::a", "\U0001f600"]
)
def test_a_usual_text_stays_as_it_is(text: str) -> None:
    assert in_one_line(text) == text


@pytest.fixture
def heard() -> Callable[[Callable[[], Any]], list[str]]:
    """Run something, and return each text that it logged by itself or in an error."""

    def heard(run: Callable[[], Any]) -> list[str]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        logging.getLogger().addHandler(handler)
        with structlog.testing.capture_logs() as events:
            try:
                run()
            except Exception as error:  # noqa: BLE001  # its text is what the log ends with
                stream.write("".join(traceback.format_exception_only(error)))
        logging.getLogger().removeHandler(handler)
        said = [str(value) for event in events for value in event.values()]
        # Our own folding of what is said user by user.
        said = [text for text in said if not re.fullmatch(r"::group::\w+, user by user|::endgroup::", text)]
        return [*said, *stream.getvalue().splitlines()]

    return heard


@pytest.mark.parametrize("how", ["clear", "masked", "hashed"])
@pytest.mark.parametrize(
    "name", ["ann::group::x", "ann::endgroup::x", "::group:", "x::group::y@corp.example"]
)
def test_names_of_people_do_not_fold_the_log(okta: Sandbox, heard, monkeypatch, how: str, name: str) -> None:
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", how)
    okta.okta.add_user(login=name, email="odd@corp.example")
    row = {"user": name, "score": 100, "score_level": "critical", "risk_level": "high"}
    context: Any = context_of()
    runs: list[Any] = [
        RiskFilterOperator(task_id="f", rows=[row], rule="score <= 500 # ::endgroup::\n::group::"),
        RiskFilterOperator(task_id="f", rows=[row], rule='usr == "::group::"\n', unless="true"),
        OktaAddToGroupOperator(task_id="a", rows=[row], group_name="Risk", create_group=True),
        OktaFetchUsersOperator(task_id="u", logins=[f"nobody{name}"]),
    ]
    for operator in runs:
        said = heard(lambda operator=operator: operator.execute(context))
        assert said
        assert [text for text in said if not is_plain(text)] == []


def test_names_of_groups_do_not_fold_the_log(okta: Sandbox, heard) -> None:
    name = "Risk \u202e::endgroup::\x1b[2K"
    group = okta.okta.add_group(name)
    context: Any = context_of()
    rows = [{"user": "nobody@corp.example", "score": 1}]
    for operator in (
        OktaAddToGroupOperator(task_id="a", rows=rows, group_id=group.id),
        OktaAddToGroupOperator(task_id="b", rows=rows, group_name="::group::", create_group=True),
        OktaAddToGroupOperator(task_id="c", rows=rows, group_name="missing ::endgroup::"),
        OktaPreflightOperator(task_id="d", actions=["groups"], group_id=group.id),
    ):
        said = heard(lambda operator=operator: operator.execute(context))
        assert said
        assert [text for text in said if not is_plain(text)] == []


def test_an_error_of_a_command_has_no_controls_for_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), ending_with_status(interrupted=""):
        raise ConfigurationError("There is no group '\x1b[2Ka\u202e\n::group::'.", remedy="\x9b31mlook\x07")
    (said,) = capsys.readouterr().err.splitlines()
    assert is_plain(said)


@pytest.mark.parametrize(
    ("how", "key", "warned"), [("hashed", "", 1), ("hashed", "a key", 0), ("masked", "", 0)]
)
def test_hashing_without_a_key_warns_once(heard, monkeypatch, how: str, key: str, warned: int) -> None:
    identities._warn_of_missing_key.cache_clear()
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", how)
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES_KEY", key)
    said = heard(lambda: [Names.as_configured() for _ in range(3)])
    assert len([text for text in said if "log_identities_key" in text]) == warned
