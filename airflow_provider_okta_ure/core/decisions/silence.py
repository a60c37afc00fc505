# SPDX-License-Identifier: Apache-2.0
"""Which decisions need no row in the action log, because a complete run says the same by its silence."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.signals import level_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision

_OF_NOBODY_AT_RISK = ("not_a_member", "never_told")
_OF_A_LEVEL = ("same_level", "already_delivered")
_SAFE = ("none", "low")


def may_be_silent(decision: Decision) -> bool:
    """
    Whether a decision says only that nothing had to be done for somebody who is not at risk.

    Everything else is on record: who is at risk, what was done, what failed, and what was skipped.
    """
    outcome = decision.outcome
    if outcome is None or outcome.status != "unchanged":
        return False
    if outcome.reason in _OF_A_LEVEL:
        return level_of(decision.row) in _SAFE
    return outcome.reason in _OF_NOBODY_AT_RISK


def split_silent(
    decisions: Iterable[Decision], tracked: Container[str]
) -> tuple[list[Decision], list[Decision]]:
    """
    Split decisions of a complete run into those that are on record, and those that need no row.

    :param tracked: Okta ids and names, folded, of users whom the action log holds something open for: their
        line of scores goes on.
    """
    recorded: list[Decision] = []
    silent: list[Decision] = []
    for one in decisions:
        names = (one.row.key, one.user_id)
        is_silent = may_be_silent(one) and not any(name in tracked for name in names)
        (silent if is_silent else recorded).append(one)
    return recorded, silent
