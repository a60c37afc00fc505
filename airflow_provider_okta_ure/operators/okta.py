# SPDX-License-Identifier: Apache-2.0
"""Every operator that acts on an Okta org."""

from __future__ import annotations

from airflow_provider_okta_ure.operators.groups import OktaAddToGroupOperator, OktaRemoveFromGroupOperator
from airflow_provider_okta_ure.operators.preflight import OktaPreflightOperator
from airflow_provider_okta_ure.operators.push import OktaPushRiskOperator
from airflow_provider_okta_ure.operators.revert import OktaRevertRunOperator
from airflow_provider_okta_ure.operators.risk import OktaNoActionOperator, OktaUpsertUserRiskOperator
from airflow_provider_okta_ure.operators.security_events_provider import OktaSecurityEventsProviderOperator
from airflow_provider_okta_ure.operators.users import OktaFetchUsersOperator

__all__ = [
    "OktaAddToGroupOperator",
    "OktaFetchUsersOperator",
    "OktaNoActionOperator",
    "OktaPreflightOperator",
    "OktaPushRiskOperator",
    "OktaRemoveFromGroupOperator",
    "OktaRevertRunOperator",
    "OktaSecurityEventsProviderOperator",
    "OktaUpsertUserRiskOperator",
]
