# SPDX-License-Identifier: Apache-2.0
"""Small reads that show what a credential may do in an Okta org; nothing here writes, or waits for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.clients.okta_group_choice import find_group
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET, OktaGroupCalls
from airflow_provider_okta_ure.clients.okta_log import LOGS_BUCKET, LOGS_PATH
from airflow_provider_okta_ure.clients.okta_signals import PROVIDERS_BUCKET, PROVIDERS_PATH
from airflow_provider_okta_ure.clients.okta_users import USERS_BUCKET
from airflow_provider_okta_ure.clients.okta_wire import (
    WireGroup,
    WireProvider,
    WireRisk,
    WireUser,
    segment,
)
from airflow_provider_okta_ure.clients.retries import BRIEF

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.clients.http import ApiClient
    from airflow_provider_okta_ure.core.models import OktaGroup, OktaUser, RiskLevel, SecurityEventsProvider

_ONE = {"limit": "1"}


class OktaProbe:
    """
    Reads one thing of each kind.

    :param api: the way to the org.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api.with_patience(BRIEF)

    @property
    def limits(self) -> dict[str, int]:
        """Requests per minute that the credential has, by bucket, as far as answers said so."""
        return self._api.limits

    @property
    def rate_limit_share(self) -> float:
        """How much of them we use at most."""
        return self._api.rate_limit_share

    @property
    def now(self) -> float:
        """Our clock, seconds since 1970."""
        return self._api.timing.now()

    def glimpse(self) -> Glimpse:
        """Return what the org shows to somebody without a token."""
        return self._api.glimpse("/api/v1/users?limit=1")

    def read_user(self) -> OktaUser | None:
        """Return some user; None when the org shows none."""
        page = self._api.call("GET", "/api/v1/users", bucket=USERS_BUCKET, params=_ONE, expect=list[WireUser])
        return page.body[0].to_user() if page.body else None

    def read_groups(self) -> None:
        """Read some group."""
        self._api.call("GET", "/api/v1/groups", bucket=GROUPS_BUCKET, params=_ONE, expect=list[WireGroup])

    def find_group(self, group_id: str | None, group_name: str | None) -> OktaGroup | None:
        """Return the group with this id or this exact name; see :func:`okta_group_choice.find_group`."""
        return find_group(OktaGroupCalls(self._api), group_id, group_name)

    def read_members(self, group_id: str) -> None:
        """
        Read some member of a group.

        :raises NotFoundError: there is no such group.
        """
        path = f"/api/v1/groups/{segment(group_id, 'a group id')}/users"
        self._api.call("GET", path, bucket=GROUPS_BUCKET, params=_ONE, expect=list[WireUser])

    def read_security_events_providers(self) -> list[SecurityEventsProvider]:
        """Return all security events providers; Okta's list of them has no pages."""
        page = self._api.call("GET", PROVIDERS_PATH, bucket=PROVIDERS_BUCKET, expect=list[WireProvider])
        return [provider.to_provider() for provider in page.body]

    def read_risk(self, user_id: str) -> RiskLevel:
        """Return a user's risk level; up is risk."""
        path = f"/api/v1/users/{segment(user_id, 'a user id')}/risk"
        return self._api.call("GET", path, bucket=USERS_BUCKET, expect=WireRisk).body.to_level()

    def read_log(self) -> None:
        """Read some event of the System Log."""
        self._api.call("GET", LOGS_PATH, bucket=LOGS_BUCKET, params=_ONE, expect=list[dict[str, Any]])
