"""With ``log_identities`` masked or hashed no task log and no error of any operator shows who somebody is."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.errors import ConfigurationError, InvalidRequestError, OktaUreError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.operators.identities import Names, hashed, masked
from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import (
    OktaAddToGroupOperator,
    OktaFetchUsersOperator,
    OktaNoActionOperator,
    OktaPushRiskOperator,
    OktaRemoveFromGroupOperator,
    OktaUpsertUserRiskOperator,
)
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator
from tests.integration.approving import answer, ask, carry_out, plan, questions
from tests.integration.conftest import context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["questions"]

# Parts that nothing else has: whatever form a name is shown in, these must not be in it.
CANARIES = ("zqcanary", "zqplain", "zqlong")
MAIL, OTHER, ABSENT, PLAIN = (
    "zqcanary.one@corp.example",
    "Zqcanary.Two@corp.example",
    "zqcanary.nobody@corp.example",
    "zqplain",
)
LONG = f"zqlong{'x' * 60}@corp.example"
EVERYBODY = (MAIL, OTHER, PLAIN, LONG)


@pytest.fixture(params=["masked", "hashed"])
def hidden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", request.param)
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES_KEY", "a key of ours")
    return str(request.param)


@pytest.fixture
def people(okta: Sandbox) -> Sandbox:
    for number, login in enumerate(EVERYBODY):
        okta.okta.add_user(login=login, email=f"zqcanary.mail{number}@corp.example")
    return okta


class Heard:
    """Everything that was logged, and the errors."""

    def __init__(self) -> None:
        self.text = ""
        self.error: BaseException | None = None


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[], Any]], Heard]]:
    """Run something, and return whatever it logged on any level, by any logger, and how it ended."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # The sandbox's own server: not in a task.
    logging.getLogger("uvicorn").propagate = False

    def listen(run: Callable[[], Any]) -> Heard:
        heard = Heard()
        with structlog.testing.capture_logs() as events:
            try:
                run()
            except Exception as error:  # noqa: BLE001  # looked at below
                heard.error = error
                stream.write("".join(traceback.format_exception(error)))
                # What Airflow 3.3 is told about the next try.
                stream.write(repr(error))
        heard.text = stream.getvalue() + "\n".join(map(repr, events))
        return heard

    yield listen
    logging.getLogger("uvicorn").propagate = True
    logging.getLogger("urllib3.connectionpool").setLevel(logging.NOTSET)
    root.removeHandler(handler)
    root.setLevel(level)


def rows(*names: str, **fields: Any) -> list[dict[str, Any]]:
    known = {"score": 100, "score_level": "critical", "risk_level": "high", **fields}
    return [{"user": name, **known} for name in names]


def act(kind: type[Any], given: Any, **arguments: Any) -> Callable[[], Any]:
    return lambda: kind(task_id="act", rows=given, **arguments).execute(context_of())


def names_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(canary in line.casefold() for canary in CANARIES)]


GROUP: dict[str, Any] = {"group_name": "At risk", "create_group": True}
ACTIONS = [
    pytest.param(OktaAddToGroupOperator, GROUP, id="add"),
    pytest.param(
        OktaRemoveFromGroupOperator, {"group_name": "At risk", "missing_group_ok": True}, id="remove"
    ),
    pytest.param(OktaPushRiskOperator, {"ensure_provider": True}, id="push"),
    pytest.param(OktaUpsertUserRiskOperator, {}, id="upsert"),
    pytest.param(OktaNoActionOperator, {}, id="none"),
]


@pytest.mark.parametrize(("kind", "arguments"), ACTIONS)
@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_done_is_told_without_names_and_remembered_with_them(
    people, hidden, listen, kind, arguments, dry_run
):
    heard = listen(act(kind, rows(*EVERYBODY, ABSENT), dry_run=dry_run, **arguments))
    assert heard.error is None
    assert names_in(heard.text) == []
    shown = masked(MAIL) if hidden == "masked" else hashed(MAIL, b"a key of ours")
    assert shown in heard.text or kind is OktaRemoveFromGroupOperator
    log = open_action_log()
    if not dry_run:
        assert {entry.user_name for entry in log.iterate(Filter())} == {*EVERYBODY, ABSENT}
    log.close()


@pytest.mark.parametrize(("kind", "arguments"), ACTIONS[:4])
def test_failures_are_told_without_names(people, hidden, listen, kind, arguments):
    group = people.okta.add_group("At risk")
    for login in EVERYBODY:
        if kind is OktaRemoveFromGroupOperator:
            people.okta.add_member(group.id, people.okta.find_user(login).id)
    arguments = {**arguments, "workers": 1}
    if kind is OktaRemoveFromGroupOperator:
        arguments["only_added_by_us"] = False
    for method in ("PUT", "DELETE", "POST"):
        people.fail_next(status=400, service="okta", times=10, method=method)
    heard = listen(act(kind, rows(*EVERYBODY), **arguments))
    assert heard.error is not None
    assert names_in(heard.text) == []


def test_what_okta_says_of_a_user_is_told_without_the_name(people, hidden, listen, monkeypatch):
    logins = {people.okta.find_user(login).id: login for login in EVERYBODY}

    def refuse(client: Any, group_id: str, user_id: str) -> Any:
        login = logins[user_id]
        raise InvalidRequestError(
            f"Okta refused PUT for {login}",
            service="Okta",
            status=400,
            summary=f"Resource not found: {login.upper()} (User), {login.replace('@', '%40')}, see {MAIL}",
        )

    monkeypatch.setattr("airflow_provider_okta_ure.clients.okta.OktaClient.add_member", refuse)
    heard = listen(act(OktaAddToGroupOperator, rows(*EVERYBODY), **GROUP))
    assert "Resource not found" in heard.text
    assert names_in(heard.text) == []


def test_a_refused_change_is_told_without_names(people, hidden, listen):
    users = [f"zqcanary.{number}@corp.example" for number in range(40)]
    for login in users:
        people.okta.add_user(login=login)
    heard = listen(act(OktaAddToGroupOperator, rows(*users), max_changes=30, **GROUP))
    assert "would change 40" in heard.text
    assert names_in(heard.text) == []


def test_a_changed_plan_is_told_without_names(people, hidden, listen):
    plan(OktaAddToGroupOperator, rows(MAIL), **GROUP)
    ask()
    answer()
    heard = listen(lambda: carry_out(OktaAddToGroupOperator, rows(OTHER, PLAIN), **GROUP))
    assert "is not the plan that was approved" in heard.text
    assert names_in(heard.text) == []


@pytest.mark.parametrize(
    "rule",
    [
        "score <= 500",
        'user.ends_with("@corp.example") or score <= 500',
        f'user == "{MAIL}" or score <= 500',
    ],
)
def test_samples_of_a_rule_are_told_without_names(hidden, listen, rule):
    heard = listen(act(RiskFilterOperator, rows(*EVERYBODY), rule=rule))
    assert heard.error is None
    assert "rows match" in heard.text
    assert names_in(heard.text) == []


def test_a_rule_that_cannot_be_used_is_told_without_names(hidden, listen):
    for rule in (f'usr == "{MAIL}"', f'user == "{MAIL}" and risk_level == "high"'):
        heard = listen(act(RiskFilterOperator, [{"user": MAIL, "score": 1}], rule=rule))
        assert heard.error is not None
        assert names_in(heard.text) == []


@pytest.mark.parametrize("how", ["clear", "masked"])
@pytest.mark.parametrize(
    "given",
    [
        pytest.param([{"user": f"{MAIL}\n"}], id="control-character"),
        pytest.param([{"user": MAIL * 20}], id="too-long"),
        pytest.param([{"user": [MAIL]}], id="list"),
        pytest.param([MAIL], id="names"),
        pytest.param(MAIL, id="text"),
        pytest.param(str([{"user": PLAIN}]), id="rendered"),
        pytest.param([{MAIL: 100}], id="name-as-field"),
        pytest.param([{"user": "x", "score": MAIL}], id="wrong-column"),
        pytest.param([{"user": "x", "risk_level": MAIL}], id="wrong-level"),
        pytest.param([{"user": "x", "score_at": MAIL}], id="wrong-time"),
        pytest.param([{"user": "x", "provisional": MAIL, "source": {"a": MAIL}}], id="wrong-flag"),
    ],
)
def test_a_malformed_row_is_told_by_its_number_whatever_is_configured(listen, monkeypatch, given, how):
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", how)
    for kind, arguments in ((RiskFilterOperator, {"rule": "score < 9"}), (RiskMapLevelsOperator, {})):
        heard = listen(act(kind, given, **arguments))
        assert isinstance(heard.error.__cause__, ConfigurationError)
        assert names_in(heard.text) == []


def test_users_that_okta_does_not_know_are_told_without_names(people, hidden, listen):
    context: Any = context_of()
    operator = OktaFetchUsersOperator(task_id="f", logins=[MAIL, ABSENT])
    heard = listen(lambda: operator.execute(context))
    assert "1 of 2 names are not in Okta" in heard.text
    assert names_in(heard.text) == []


def test_reading_scores_is_told_without_names(netskope, hidden, listen):
    def fetch(**arguments: Any) -> Callable[[], Any]:
        context: Any = context_of()
        return lambda: NetskopeFetchScoresOperator(task_id="f", **arguments).execute(context)

    assert names_in(listen(fetch(users=[MAIL, PLAIN])).text) == []
    netskope.fail_next(status=400, service="netskope", times=3)
    heard = listen(fetch(users=[MAIL, PLAIN]))
    assert heard.error is not None
    assert names_in(heard.text) == []


def test_in_the_clear_names_are_there(people, listen):
    heard = listen(act(OktaAddToGroupOperator, rows(*EVERYBODY), **GROUP))
    assert all(name in heard.text for name in EVERYBODY)


def test_a_setting_that_is_not_understood_shows_nobody(people, listen, monkeypatch):
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", "maskd")
    heard = listen(act(OktaAddToGroupOperator, rows(*EVERYBODY), **GROUP))
    assert "log_identities is 'maskd'" in str(heard.error)
    assert names_in(heard.text) == []


def test_the_causes_of_an_error_are_not_shown(hidden):
    error = OktaUreError(f"about {MAIL}", remedy=f"ask {PLAIN}")
    error.__cause__ = ValueError(MAIL)
    Names.as_configured().hide_in(error, [PLAIN])
    assert names_in("".join(traceback.format_exception(error))) == []


def test_hiding_leaves_everything_else_alone():
    names = Names(masked)
    said = "PUT /api/v1/groups/00g1 (HTTP 400: E0000001 Api validation failed: name) [request id abc-123]."
    assert names.hidden(said, "api", "ann") == said.replace("/api/", f"/{masked('api')}/").replace(
        "Api", masked("Api")
    )
    assert names.hidden("mail to <ann.lee@corp.example>.") == "mail to <a***@corp.example>."
    assert names.hidden("annex and ann", "ann") == "annex and a***"
