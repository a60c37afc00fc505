from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_okta_ure.errors import ConfigurationError, PermissionDeniedError, TransportError
from airflow_provider_okta_ure.preflight.checks import Check, run_checks
from airflow_provider_okta_ure.preflight.pace import netskope_pace, okta_calls, okta_pace, ours
from airflow_provider_okta_ure.preflight.report import (
    Finding,
    PreflightReport,
    Status,
    Verdict,
    ok,
    problem,
    refused,
    skipped,
    warning,
)
from airflow_provider_okta_ure.preflight.table import WIDTH, to_line, to_summary, to_table
from airflow_provider_okta_ure.preflight.wanted import Wanted, needed_scopes, to_actions

LIMITS = {"/api/v1/users": 300, "/api/v1/groups": 250}


def finding(name: str, status: Status, **more: object) -> Finding:
    return Finding(name=name, status=status, message=f"{name} is {status}.", **more)  # type: ignore[arg-type]  # texts and flags


def report(*findings: Finding) -> PreflightReport:
    return PreflightReport(findings=list(findings))


def statuses(*checks: Check) -> dict[str, str]:
    return {one.name: one.status for one in run_checks(checks)}


# --- running


def test_what_needs_a_failed_check_is_skipped_and_so_is_what_needs_that() -> None:
    def never() -> Verdict:
        raise AssertionError("must not be tried")

    found = statuses(
        Check("a", lambda: problem("No.", "Mend it.")),
        Check("b", never, ("a",)),
        Check("c", never, ("b",)),
        Check("d", lambda: ok("Yes.")),
    )
    assert found == {"a": "problem", "b": "skipped", "c": "skipped", "d": "ok"}


def test_a_warning_stops_nothing() -> None:
    assert statuses(Check("a", lambda: warning("Hm.", "Look.")), Check("b", lambda: ok("Yes."), ("a",))) == {
        "a": "warning",
        "b": "ok",
    }


def test_what_is_unneeded_is_skipped_with_its_reason_and_not_tried() -> None:
    (found,) = run_checks([Check("a", lambda: 1 / 0, unneeded="Nobody wants it.")])  # type: ignore[arg-type, return-value]  # is not called
    assert (found.status, found.message) == ("skipped", "Nobody wants it.")


def test_an_error_of_ours_is_a_problem_with_its_remedy() -> None:
    def broken() -> Verdict:
        raise ConfigurationError("It is wrong.", remedy="Put it right.")

    (found,) = run_checks([Check("a", broken)])
    assert (found.status, found.message, found.remedy) == ("problem", "It is wrong.", "Put it right.")


def test_an_error_of_another_kind_is_a_bug_and_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        list(run_checks([Check("a", lambda: 1 / 0)]))  # type: ignore[arg-type, return-value]  # is to fail


# --- verdicts


def test_the_remedy_of_a_refusal_is_not_said_twice() -> None:
    error = PermissionDeniedError("No", service="Okta", status=403, remedy="Ask.")
    verdict = refused(error)
    assert verdict.remedy == "Ask."
    assert "Ask." not in verdict.message
    assert "403" in verdict.message


def test_a_check_may_know_better_what_to_do() -> None:
    assert refused(TransportError("Cut."), remedy="Look at the cable.").remedy == "Look at the cable."
    assert refused(TransportError("Cut.")).retryable
    assert refused(TransportError("Cut.")).remedy
    assert refused(ConfigurationError("Odd.")).remedy


# --- the report


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([finding("a", "ok"), finding("b", "skipped")], "ok", id="skipped-does-not-count"),
        pytest.param([finding("a", "ok"), finding("b", "warning")], "warning", id="warning"),
        pytest.param([finding("a", "problem"), finding("b", "warning")], "problem", id="problem"),
        pytest.param([], "ok", id="nothing"),
    ],
)
def test_the_status_is_the_worst_one(found: list[Finding], expected: str) -> None:
    assert report(*found).status == expected


def test_everything_ok_is_no_error() -> None:
    assert report(finding("a", "ok"), finding("b", "warning")).error() is None
    assert report(finding("a", "ok"), finding("b", "skipped")).error(fail_on_warning=True) is None


def test_the_error_names_the_first_problem_and_counts_the_others() -> None:
    error = report(
        finding("w", "warning"), finding("a", "problem", remedy="Mend a."), finding("b", "problem")
    ).error(fail_on_warning=True)
    assert error is not None
    assert "a: a is problem. (2 more" in error.message
    assert error.remedy == "Mend a."


@pytest.mark.parametrize(
    ("findings", "fail_on_warning", "retryable"),
    [
        pytest.param([("problem", True), ("problem", True)], False, True, id="all-may-pass"),
        pytest.param([("problem", True), ("problem", False)], False, False, id="one-for-good"),
        pytest.param([("problem", True), ("warning", False)], False, True, id="warning-does-not-count"),
        pytest.param([("problem", True), ("warning", False)], True, False, id="warning-counts"),
    ],
)
def test_it_is_retryable_when_all_that_is_wrong_may_pass(
    findings: list[tuple[Status, bool]], fail_on_warning: bool, retryable: bool
) -> None:
    found = [finding(str(number), status, retryable=one) for number, (status, one) in enumerate(findings)]
    error = report(*found).error(fail_on_warning=fail_on_warning)
    assert error is not None
    assert error.retryable is retryable


def test_an_unknown_check_is_not_found() -> None:
    with pytest.raises(KeyError):
        report(finding("a", "ok")).finding("b")


# --- what is wanted


@pytest.mark.parametrize("given", ["push,groups", "groups, push", ["push", "groups"], "['groups', 'push']"])
def test_actions_can_be_given_as_text_or_list(given: object) -> None:
    assert to_actions(given) == ("groups", "push")


@pytest.mark.parametrize("given", ["pusch", ["groups", "foo"], ",", [], 7])
def test_wrong_actions_are_refused_by_name(given: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        to_actions(given)
    assert "groups" in caught.value.remedy or "push" in caught.value.remedy


def test_no_actions_is_left_to_the_connection() -> None:
    assert to_actions(None) is None
    assert to_actions("") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_name": "a", "group_id": "b"},
        {"strategy": "guess"},
        {"users": -1},
        {"max_minutes": 0},
        {"max_minutes": float("nan")},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Wanted(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_no_scope_is_needed_that_the_work_does_not_use() -> None:
    assert needed_scopes(("groups",), ensure_provider=True) == ("okta.groups.manage", "okta.users.read")
    assert needed_scopes(("push",), ensure_provider=False) == ("okta.users.read",)
    assert "okta.securityEventsProviders.manage" in needed_scopes(("push",), ensure_provider=True)
    assert needed_scopes(("push",), ensure_provider=False, confirm=True) == (
        "okta.logs.read",
        "okta.users.read",
    )
    assert "okta.logs.read" not in needed_scopes(("groups",), ensure_provider=False, confirm=True)
    assert "okta.userRisk.manage" in needed_scopes(("upsert",), ensure_provider=False)


# --- pace


def test_the_time_is_that_of_our_share_of_the_limits() -> None:
    # 1000 users: 40 searches of 25 names at 240 a minute, 1000 additions at 200 a minute.
    wanted = Wanted(users=1000, max_minutes=6)
    assert okta_calls(1000, ("groups",)) == {"/api/v1/users": 40, "/api/v1/groups": 1000}
    assert okta_pace(LIMITS, 0.8, wanted, ("groups",)).status == "ok"
    assert okta_pace(LIMITS, 0.7, wanted, ("groups",)).status == "ok"
    assert okta_pace(LIMITS, 0.5, wanted, ("groups",)).status == "warning"
    assert "at most 9 minutes" in okta_pace(LIMITS, 0.5, wanted, ("groups",)).message


def test_setting_risk_reads_and_writes_each_user() -> None:
    assert okta_calls(100, ("upsert",))["/api/v1/users"] == 4 + 200


def test_without_a_number_of_users_the_share_is_said() -> None:
    verdict = okta_pace(LIMITS, 0.5, Wanted(), ("groups",))
    assert (verdict.status, "150 user calls and 125 group calls" in verdict.message) == ("ok", True)


def test_unknown_limits_are_not_judged() -> None:
    assert okta_pace({}, 0.8, Wanted(users=10**9), ("groups",)).status == "skipped"


def test_reading_netskope_is_bound_by_its_limit_and_by_our_own() -> None:
    wanted = Wanted(users=540_000, max_minutes=6)
    assert netskope_pace(4, 0.8, wanted).status == "ok"  # 1080 calls at three a second
    assert netskope_pace(4, 0.5, wanted).status == "warning"  # at two a second
    assert netskope_pace(None, 0.8, wanted).status == "ok"
    assert netskope_pace(100, 1.0, wanted).status == "ok"  # never more than three a second


def test_at_least_one_request_of_a_window_is_ours() -> None:
    assert (ours(1, 0.1), ours(100, 0.5)) == (1, 50)


# --- the table


def test_no_line_is_wider_than_a_terminal_and_nothing_is_lost() -> None:
    long = "https://acme.okta.com has a certificate that nobody trusts " * 4
    text = to_table(report(Finding(name="okta.tls", status="problem", message=long, remedy=long)))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert " ".join(text.split()).count("nobody trusts") == 8


def test_a_text_without_spaces_is_broken_rather_than_lost() -> None:
    text = to_table(report(Finding(name="a", status="ok", message="x" * 300)))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("x") == 300


def test_colours_only_where_they_are_wanted() -> None:
    found = report(*(finding(status, status) for status in ("ok", "warning", "problem", "skipped")))
    plain, coloured = to_table(found), to_table(found, colours=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_control_characters_of_a_service_cannot_reach_the_terminal() -> None:
    text = to_table(report(Finding(name="a", status="ok", message="red \x1b[31m alert\x07")))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_the_remedy_and_the_place_that_says_more_are_shown() -> None:
    shown = finding("a", "problem", remedy="Mend it.", topic="okta-api-token")
    assert "-> Mend it. More: `airflow okta-ure explain okta-api-token`" in to_table(report(shown))
    assert to_line(shown).endswith("-> Mend it. More: `airflow okta-ure explain okta-api-token`")


def test_one_problem_is_not_many() -> None:
    assert to_summary(report(finding("a", "problem"))) == "1 problem, 0 warnings, 0 ok, 0 skipped"


def test_every_check_is_described() -> None:
    folder = Path(__file__).parents[2]
    sources = (folder / "airflow_provider_okta_ure" / "preflight").glob("*.py")
    names = {name for path in sources for name in re.findall(r'Check\(f?"([\w.{}]+)"', path.read_text())}
    document = (folder / "docs" / "preflight.md").read_text()
    assert len(names) > 15
    described = set(re.findall(r"`([\w.]+)`", document))
    for name in names:
        service, _, rest = name.partition(".")
        assert (f"okta.{rest}" if service == "{part}" else name) in described, name


def test_skipped_with_a_remedy_is_still_skipped() -> None:
    assert skipped("Not provable.", "Ask.").status == "skipped"
