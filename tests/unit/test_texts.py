"""Reason texts take fields of a row and nothing else."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.errors import ConfigurationError


def test_the_fields_of_a_row_are_filled_in():
    row = Row(user="ann@x.example", score=312, score_level="high")
    assert (
        ReasonText("{score} ({score_level}) {{x}}, was {previous_score}").fill(row)
        == "312 (high) {x}, was none"
    )


@pytest.mark.parametrize(
    "template",
    ["{scor}", "{user.__class__}", "{user[0]}", "{0}", "{}", "{score!r}", "{score:>10000000}", "{score", "}"],
)
def test_a_text_that_reaches_for_anything_else_is_refused(template):
    with pytest.raises(ConfigurationError, match="reason_admin"):
        ReasonText(template, argument="reason_admin")
