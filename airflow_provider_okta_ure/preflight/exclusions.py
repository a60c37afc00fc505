# SPDX-License-Identifier: Apache-2.0
"""Whether it is known who must not be touched: without that, no task touches anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta_exclusions import find_excluded
from airflow_provider_okta_ure.clients.scopes import ROLES_READ
from airflow_provider_okta_ure.preflight.attempt import attempt
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.report import Verdict, ok, skipped, warning

if TYPE_CHECKING:
    from airflow_provider_okta_ure.hooks.okta import OktaHook
    from airflow_provider_okta_ure.preflight.okta import OktaChecks
    from airflow_provider_okta_ure.preflight.wanted import Wanted

NOT_EXCLUDED = "Administrators are not excluded."


class ExclusionChecks:
    """
    Checks of who is excluded, by the connection and by the work.

    :param okta: the checks of the org.
    :param hook: reads the connection.
    :param wanted: what is going to be done.
    :param shown: returns a person's name as it may stand in a message.
    """

    def __init__(self, okta: OktaChecks, hook: OktaHook, wanted: Wanted, shown: Callable[[str], str]) -> None:
        self._okta = okta
        self._hook = hook
        self._wanted = wanted
        self._shown = shown

    def checks(self) -> list[Check]:
        """Return the checks."""
        no_administrators = NOT_EXCLUDED if self._wanted.exclude_administrators == "never" else ""
        return [
            Check("okta.exclusions", self.exclusions, ("okta.users",)),
            Check("okta.administrators", self.administrators, ("okta.credentials",), no_administrators),
        ]

    def exclusions(self) -> Verdict:
        """Whether the lists can be understood and read, and each name on them is somebody's."""
        settings = self._hook.settings
        users = [one for one in (settings.exclude_users, *self._wanted.exclude_users) if one]
        groups = [one for one in (settings.exclude_groups, *self._wanted.exclude_groups) if one]
        if not users and not groups:
            return skipped("No user and no group is excluded.")
        found = find_excluded(self._hook.client, users=users, groups=groups, shown=self._shown)
        if found.warnings:
            return warning(
                " ".join(found.warnings),
                "Correct exclude_users and exclude_groups in the Okta connection and in the DAG.",
            )
        return ok(f"{len(found.user_ids)} users are excluded by name or by group.")

    def administrators(self) -> Verdict:
        """Whether it can be read who is an administrator; it must be where they are excluded for certain."""
        error = attempt(
            lambda: next(iter(self._hook.client_for(ROLES_READ).list_administrators()), None)
        ).error
        return self._okta.judged(
            error,
            "see who is an administrator",
            ROLES_READ,
            "Administrators can be read.",
            status="problem" if self._wanted.exclude_administrators == "always" else "warning",
        )
