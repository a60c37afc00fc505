# SPDX-License-Identifier: Apache-2.0
"""By which address a risk signal names a user: one that Okta cannot take for anybody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import OktaUser


def is_address(text: str) -> bool:
    """
    Whether a text can stand in a signal as an e-mail address.

    >>> is_address("ann@corp.example"), is_address("ann"), is_address("front desk@corp.example")
    (True, False, False)
    """
    local, at, domain = text.rpartition("@")
    return bool(at and local and domain) and not any(char.isspace() for char in text) and text.isprintable()


def subject_of(user: OktaUser) -> str:
    """Return the address that a signal names a user by: the login, or else the e-mail address; or nothing."""
    return next((one for one in (user.login, user.email) if is_address(one)), "")


def addresses_to_look_up(users: Iterable[OktaUser]) -> list[str]:
    """Return the addresses that are no login of the user's own, so that they could be somebody else's."""
    return [user.email for user in users if not is_address(user.login) and is_address(user.email)]


class AddressBook:
    """
    Who answers to which address.

    :param users: everybody in Okta who has one of the addresses as login or as e-mail address.
    """

    def __init__(self, users: Iterable[OktaUser]) -> None:
        self._ids: defaultdict[str, set[str]] = defaultdict(set)
        for user in users:
            for name in (user.login, user.email):
                self._ids[fold(name)].add(user.user_id)

    def settle(self, decision: Decision) -> Decision:
        """
        Return the decision, skipped where a signal could reach somebody else, or has no address to name.

        Okta takes an address for a login first. So of an account whose login is none, the signal would reach
        the owner of the login that is this account's e-mail address.
        """
        user = decision.to_act_on
        if user is None or is_address(user.login):
            return decision
        if not is_address(user.email):
            text = "neither the login nor the e-mail address can stand in a signal as an address"
        elif self._ids[fold(user.email)] - {user.user_id}:
            text = "somebody else has this user's e-mail address as login or as e-mail address, too"
        else:
            return decision
        return decision.skipped("no_unique_address", text)
