# SPDX-License-Identifier: Apache-2.0
"""Users whom nothing may ever happen to: break-glass accounts, protected groups, administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import OktaUser


AdministratorsExcluded: TypeAlias = Literal["always", "if_readable", "never"]
"""``always``: nobody is touched when they cannot be read. ``if_readable``: then a warning says so."""


def to_administrators_excluded(value: object) -> AdministratorsExcluded:
    """
    Return what the argument ``exclude_administrators`` means.

    :raises ConfigurationError: it is none of True, False and ``"if_readable"``.
    """
    text = as_text(value).strip().lower()
    known: dict[str, AdministratorsExcluded] = {
        "true": "always",
        "false": "never",
        "if_readable": "if_readable",
    }
    if text in known:
        return known[text]
    raise ConfigurationError(
        f"exclude_administrators is {shown(value)}.", remedy='Use True, False or "if_readable".'
    )


class Exclusions(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who is excluded, and why.

    :param names: logins, e-mail addresses or Okta ids, folded.
    :param user_ids: Okta ids, with the reason for people.
    :param ids: the Okta id of each name that is one user's, folded.
    :param warnings: what was asked for and excludes nobody, for people.
    """

    names: frozenset[str] = frozenset()
    user_ids: dict[str, str] = {}
    ids: dict[str, str] = {}
    warnings: tuple[str, ...] = ()

    def why(self, user: OktaUser, name: str) -> str:
        """Return why a user is excluded; empty when they are not."""
        if self.names & {
            fold(name),
            fold(user.login),
            fold(user.email),
            fold(user.user_id),
        }:
            return "named in exclude_users"
        return self.user_ids.get(user.user_id, "")

    def apply(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return the decisions, those about excluded users settled as ``excluded``."""
        return [self._settle(decision) for decision in decisions]

    def _settle(self, decision: Decision) -> Decision:
        user = decision.to_act_on
        why = self.why(user, decision.row.user) if user is not None else ""
        return decision.skipped("excluded", why) if why else decision
