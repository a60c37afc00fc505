# SPDX-License-Identifier: Apache-2.0
"""What is decided about one row, and rules that settle decisions one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from airflow_provider_okta_ure.core.models import OktaUser, Outcome, Row

_EXPLANATIONS = {
    "ambiguous_user": "several Okta users have this e-mail address, or a login that differs only in its "
    "spelling, and none has just this login",
    "user_not_in_okta": "no Okta user has this login or e-mail address",
    "user_deprovisioned": "the Okta user is deprovisioned",
    "duplicate_user": "another row is about the same Okta user",
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is decided about one row, and later what came of it.

    :param user: the Okta user that the row is about.
    :param outcome: how it ended; None = the action has to be carried out on ``user``.
    :param reason: the reason code of the outcome when it is carried out; empty = the row is reason enough.
    """

    row: Row
    user: OktaUser | None = None
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def to_act_on(self) -> OktaUser | None:
        """The user to carry the action out on; None when the row is settled."""
        return self.user if self.outcome is None else None

    @property
    def user_id(self) -> str:
        """The Okta id of the user; empty when nobody was found or looked for."""
        return self.user.user_id if self.user is not None else ""

    def settled(self, outcome: Outcome) -> Decision:
        """Return the decision with its outcome."""
        return msgspec.structs.replace(self, outcome=outcome)

    def skipped(self, reason: str, message: str = "") -> Decision:
        """Return the decision to leave the user alone on purpose."""
        text = message or _EXPLANATIONS.get(reason, "")
        return self.settled(Outcome(status="skipped", reason=reason, message=text))

    def unchanged(self, reason: str) -> Decision:
        """Return the decision that the user is in the desired state already."""
        return self.settled(Outcome(status="unchanged", reason=reason))


Rule: TypeAlias = Callable[[Decision], Decision]
"""Settles a decision for one reason, or returns it as it is."""


def settle(decisions: Iterable[Decision], *rules: Rule) -> list[Decision]:
    """Return the decisions after all rules, in this order."""
    settled = list(decisions)
    for rule in rules:
        settled = [rule(decision) for decision in settled]
    return settled
