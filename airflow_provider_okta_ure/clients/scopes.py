# SPDX-License-Identifier: Apache-2.0
"""The OAuth scopes of the calls that this package makes to Okta; ``manage`` covers reading as well."""

from __future__ import annotations

from collections.abc import Collection

USERS_READ = "okta.users.read"
GROUPS_READ = "okta.groups.read"
GROUPS_MANAGE = "okta.groups.manage"
USER_RISK_READ = "okta.userRisk.read"
USER_RISK_MANAGE = "okta.userRisk.manage"
PROVIDERS_READ = "okta.securityEventsProviders.read"
PROVIDERS_MANAGE = "okta.securityEventsProviders.manage"
LOGS_READ = "okta.logs.read"
ORGS_READ = "okta.orgs.read"
ROLES_READ = "okta.roles.read"

CHECK_SCOPES = (USERS_READ, GROUPS_READ)
"""What :meth:`OktaClient.check` needs."""

ALL_SCOPES = (USERS_READ, GROUPS_MANAGE, USER_RISK_MANAGE, PROVIDERS_MANAGE, LOGS_READ, ORGS_READ)
"""What the whole client can make use of; Okta grants those among them that the app was given."""


def covers(granted: Collection[str], scope: str) -> bool:
    """Return whether scopes allow what one scope stands for; ``manage`` includes ``read``."""
    return scope in granted or (scope.endswith(".read") and f"{scope.removesuffix('read')}manage" in granted)
