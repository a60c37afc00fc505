# SPDX-License-Identifier: Apache-2.0
"""The client of an Okta org."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.clients.answers import decoded_object
from airflow_provider_okta_ure.clients.http import ApiClient, Transport
from airflow_provider_okta_ure.clients.okta_administrators import OktaAdministratorCalls
from airflow_provider_okta_ure.clients.okta_errors import OktaDialect
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.clients.okta_log import OktaLogCalls
from airflow_provider_okta_ure.clients.okta_probe import OktaProbe
from airflow_provider_okta_ure.clients.okta_signals import OktaSignalCalls
from airflow_provider_okta_ure.clients.okta_users import USERS_BUCKET
from airflow_provider_okta_ure.clients.okta_wire import WireGroup, WireUser, org_id_of
from airflow_provider_okta_ure.errors import ApiError, UnexpectedAnswerError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_okta_ure.clients.auth import OriginAuth

ORG_BUCKET = "/api/v1"
ORGANIZATION_PATH = "/.well-known/okta-organization"


class OktaClient(OktaSignalCalls, OktaAdministratorCalls, OktaLogCalls):
    """
    Users, groups, risk and risk signals of one Okta org; safe to use from many threads.

    :param api: the way to the org; :meth:`connect` makes one.
    """

    @classmethod
    def connect(cls, base_url: str, auth: OriginAuth, **transport: Unpack[Transport]) -> OktaClient:
        """
        Return a client; nothing is sent yet.

        :param base_url: the org's URL, from :func:`hosts.okta_base_url`.
        :param auth: who we are, such as :class:`auth.SswsAuth`.
        :param transport: how to reach the org; see :class:`http.ApiClient`.
        """
        return cls(ApiClient(base_url, auth, OktaDialect(), **transport))

    @property
    def base_url(self) -> str:
        """The org's URL, without a slash at the end."""
        return self._api.base_url

    @property
    def calls_per_minute(self) -> dict[str, float]:
        """How many calls a minute of each rate limit are ours, as far as answers have told it."""
        share = self._api.rate_limit_share
        return {bucket: max(1, int(limit * share)) for bucket, limit in self._api.limits.items()}

    @property
    def calls(self) -> dict[str, int]:
        """How many calls were made so far, by rate limit."""
        return self._api.sent

    @property
    def limits(self) -> dict[str, int]:
        """How many calls a window of each rate limit allows, as far as answers have told it."""
        return self._api.limits

    @property
    def rate_limit_share(self) -> float:
        """How much of each window we use at most."""
        return self._api.rate_limit_share

    def give_back_after(self, seconds: float | None) -> None:
        """From now on, refuse a call that would have to wait longer than this for a rate limit's window."""
        self._api.give_back_after(seconds)

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self._api.close()

    def check(self) -> None:
        """
        Read one user and one group, which every use of this client needs.

        :raises OktaUreError: saying what is wrong: the host, the token, or what it may do.
        """
        params = {"limit": "1"}
        self._api.call("GET", "/api/v1/users", bucket=USERS_BUCKET, params=params, expect=list[WireUser])
        self._api.call("GET", "/api/v1/groups", bucket=GROUPS_BUCKET, params=params, expect=list[WireGroup])

    @property
    def probe(self) -> OktaProbe:
        """Small reads that show what the credential may do."""
        return OktaProbe(self._api)

    def get_org(self) -> dict[str, Any]:
        """Return the org's general settings, as Okta describes them."""
        return self._api.call("GET", "/api/v1/org", bucket=ORG_BUCKET, expect=dict[str, Any]).body

    def get_org_id(self) -> str | None:
        """
        Return the id of the org, which is the same by whatever host it is reached; None if it is not told.

        Every org tells it to everybody, without a token.

        :raises TransportError: there was no answer at all.
        """
        try:
            said = self._api.call(
                "GET", ORGANIZATION_PATH, bucket=ORGANIZATION_PATH, expect=bytes, authorised=False
            ).body
        except (ApiError, UnexpectedAnswerError):
            return None
        return org_id_of(decoded_object(said))
