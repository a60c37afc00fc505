# SPDX-License-Identifier: Apache-2.0
"""Rows that have to have a risk level, because the level is what Okta is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import RowError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row


def require_risk_levels(rows: Iterable[Row]) -> None:
    """
    Refuse rows that no task has mapped to a level.

    :raises RowError: one has no ``risk_level``.
    """
    for index, row in enumerate(rows):
        if row.risk_level is None:
            raise RowError(
                f"Row {index} ({row.user}) has no risk_level.",
                index=index,
                field="risk_level",
                remedy="Put RiskMapLevelsOperator before this task, or set it to none, low, medium or high.",
            )
