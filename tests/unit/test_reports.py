"""A report stays small, counts everybody, and decides whether so many failures are acceptable."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.models import Outcome, Row, Status
from airflow_provider_okta_ure.core.reports import FailOn, build_report
from airflow_provider_okta_ure.errors import ConfigurationError

AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)


def outcomes(status: Status, number: int, reason: str = "") -> list[Decision]:
    outcome = Outcome(status=status, reason=reason)
    return [Decision(row=Row(user=f"{status}{index}@x.example"), outcome=outcome) for index in range(number)]


def test_a_report_counts_everybody_and_names_a_few():
    all_of_them = [*outcomes("done", 500), *outcomes("failed", 30, "no_answer"), *outcomes("unchanged", 9000)]
    report = build_report("add_to_group", all_of_them, as_of=AS_OF, dry_run=False)
    assert report.total == 9530
    assert report.counts == {"done": 500, "planned": 0, "unchanged": 9000, "skipped": 0, "failed": 30}
    assert report.reasons == {"failed:no_answer": 30}
    assert [len(report.failures), len(report.examples)] == [20, 10]


def test_the_size_of_a_report_does_not_grow_with_the_number_of_users():
    small = build_report("push_risk", outcomes("skipped", 100, "no_score"), as_of=AS_OF, dry_run=True)
    large = build_report("push_risk", outcomes("skipped", 100_000, "no_score"), as_of=AS_OF, dry_run=True)
    assert abs(len(json.dumps(large.to_dict())) - len(json.dumps(small.to_dict()))) < 20


@pytest.mark.parametrize(
    ("fail_on", "failed", "reached"),
    [
        pytest.param(1, 0, False, id="no-failure"),
        pytest.param(1, 1, True, id="one"),
        pytest.param("3", 2, False, id="below-the-number"),
        pytest.param("3", 3, True, id="the-number"),
        pytest.param("10%", 9, False, id="below-the-share"),
        pytest.param("10 %", 10, True, id="the-share"),
        pytest.param("never", 100, False, id="never"),
    ],
)
def test_fail_on_says_how_many_failures_fail_the_task(fail_on, failed, reached):
    assert FailOn.parse(fail_on).is_reached(failed=failed, total=100) is reached


@pytest.mark.parametrize("wrong", [0, -1, True, "0%", "101%", "some", "", None, 1.5])
def test_a_fail_on_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="fail_on is"):
        FailOn.parse(wrong)
