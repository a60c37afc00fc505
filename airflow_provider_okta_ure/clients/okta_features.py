# SPDX-License-Identifier: Apache-2.0
"""What an error of Okta says about the org and the credential: a missing feature, or a missing right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    OktaUreError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.clients.okta_probe import OktaProbe

FEATURE_MISSING = "E0000015"
"""Okta: the org does not have the feature; it comes with 401."""


def is_denial(error: OktaUreError | None) -> bool:
    """Whether an error says that the credential may not do this; a missing feature is something else."""
    if isinstance(error, AuthenticationError):
        # The app cannot sign in for a scope that it was not granted.
        return error.code in ("consent_required", "invalid_scope")
    return isinstance(error, PermissionDeniedError) and error.code != FEATURE_MISSING


def lacks_feature(error: OktaUreError | None) -> bool:
    """Whether an error says that the org does not have a feature."""
    return isinstance(error, ApiError) and error.code == FEATURE_MISSING


def has_threat_protection(
    *, users: OktaProbe, risk: Callable[[], OktaProbe], providers: Callable[[], OktaProbe]
) -> bool | None:
    """
    Return whether the org has Identity Threat Protection; None when the credential may not see it.

    :param users: reads users.
    :param risk: returns what reads users' risk.
    :param providers: returns what reads security events providers.
    :raises OktaUreError: Okta cannot be asked now, or does not accept the credential.
    """
    try:
        providers().read_security_events_providers()
    except OktaUreError as error:
        if lacks_feature(error):
            return False
        if _ends_the_question(error):
            raise
    user = users.read_user()
    if user is None:
        return None
    try:
        risk().read_risk(user.user_id)
    except OktaUreError as error:
        if lacks_feature(error):
            return False
        if _ends_the_question(error):
            raise
        return None
    return True


def _ends_the_question(error: OktaUreError) -> bool:
    return error.retryable or (isinstance(error, AuthenticationError) and not is_denial(error))
