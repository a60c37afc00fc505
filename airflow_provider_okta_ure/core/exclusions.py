# SPDX-License-Identifier: Apache-2.0
"""Users whom nothing may ever happen to: break-glass accounts, protected groups, administrators."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.matching import Decision, skip
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import OktaUser


class Exclusions(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who is excluded, and why.

    :param names: logins, e-mail addresses or Okta ids in lower case.
    :param user_ids: Okta ids, with the reason for people.
    """

    names: frozenset[str] = frozenset()
    user_ids: dict[str, str] = {}

    def why(self, user: OktaUser, name: str) -> str:
        """Return why a user is excluded; empty when he is not."""
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
        return skip(decision.row, "excluded", user=user, message=why) if why else decision


def to_names(value: object, argument: str) -> list[str]:
    """
    Return a list of names that may come from a template as text with commas.

    :raises ConfigurationError: it is no list of names.
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return [name.strip() for name in value.split(",") if name.strip()]
        # A list that a template made text of: as JSON, or as Python writes it.
        value = _list_in(value)
    if isinstance(value, Sequence) and all(isinstance(name, str) and name.strip() for name in value):
        return [name.strip() for name in value]
    raise ConfigurationError(
        f"{argument} is not a list of names, so it is not known who is meant.",
        remedy='Use a list such as ["ann@corp.example", "bob@corp.example"].',
    )


def _list_in(text: str) -> object:
    with suppress(ValueError):
        return json.loads(text)
    with suppress(ValueError, SyntaxError):
        return ast.literal_eval(text)
    return None
