# SPDX-License-Identifier: Apache-2.0
"""Reads from Okta and the action log who is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.clients.okta_exclusions import find_excluded, unreadable
from airflow_provider_okta_ure.clients.okta_features import is_denial
from airflow_provider_okta_ure.clients.scopes import ROLES_READ
from airflow_provider_okta_ure.errors import NotFoundError, OktaUreError, PermissionDeniedError
from airflow_provider_okta_ure.operators.identities import name_shower

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.guardrails.exclusions import AdministratorsExcluded, Exclusions
    from airflow_provider_okta_ure.hooks.okta import OktaHook


def read_exclusions(
    hook: OktaHook,
    *,
    users: Sequence[object],
    groups: Sequence[object],
    administrators: AdministratorsExcluded,
    log: ActionLog,
    org: str,
) -> Exclusions:
    """
    Return who must not be touched, and log what excludes nobody.

    :param users: lists of names, from the operator and from the connection.
    :param groups: lists of group names or ids.
    :param log: knows whom the names stood for before, and remembers whom they stand for now: users are
        renamed.
    :param org: what the org is called in the action log.
    :raises OktaUreError: they cannot be read, so nobody may be touched.
    """
    found = find_excluded(
        hook.client,
        users=users,
        groups=groups,
        shown=name_shower(),
        known_before=lambda names: log.ids_of_names(org=org, kind="user", known_as=names),
    )
    if found.ids:
        log.remember_users(org=org, ids=found.ids, now=datetime.now(tz=timezone.utc))
    if administrators != "never":
        found = _with_administrators(found, hook, administrators)
    for warning in found.warnings:
        hook.log.warning("%s", warning)
    return found


def _with_administrators(
    exclusions: Exclusions, hook: OktaHook, administrators: AdministratorsExcluded
) -> Exclusions:
    try:
        # A service app signs in for it separately: it may not have been granted the scope.
        listed = dict.fromkeys(hook.client_for(ROLES_READ).list_administrators(), "is an Okta administrator")
    except OktaUreError as error:
        may_go_on = is_denial(error) or isinstance(error, (PermissionDeniedError, NotFoundError))
        if administrators == "always" or not may_go_on:
            raise unreadable("list of administrators", error) from error
        warning = (
            "It cannot be read who is an Okta administrator, so administrators are not excluded: "
            f"{error.explanation} {hook.how_to_permit('see who is an administrator', ROLES_READ)}"
        )
        return msgspec.structs.replace(exclusions, warnings=(*exclusions.warnings, warning))
    return msgspec.structs.replace(exclusions, user_ids={**listed, **exclusions.user_ids})
