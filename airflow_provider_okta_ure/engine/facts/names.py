# SPDX-License-Identifier: Apache-2.0
"""What a user may be called in the action log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import OktaUser, Row


def names_of(row: Row, user: OktaUser) -> frozenset[str]:
    """Return what a user is called, in lower case: in this row, and in others by login or e-mail address."""
    return frozenset((row.key, fold(user.login), fold(user.email))) - {""}
