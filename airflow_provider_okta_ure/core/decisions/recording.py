# SPDX-License-Identifier: Apache-2.0
"""Who is only recorded: everybody whom a rule picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.models import Outcome

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row


def decide_records(rows: Sequence[Row]) -> list[Decision]:
    """Return one decision per row, all settled: to record a user changes nothing."""
    return [Decision(row=row, outcome=Outcome(status="done", reason="recorded")) for row in rows]
