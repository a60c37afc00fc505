# SPDX-License-Identifier: Apache-2.0
"""Who is an administrator of an Okta org."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from airflow_provider_okta_ure.clients.links import checked_next
from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.http import ApiClient

PATH = "/api/v1/iam/assignees/users"
BUCKET = "/api/v1"


class OktaAdministratorCalls:
    """Users with a role assignment; needs ``okta.roles.read`` or the matching right of an admin."""

    _api: ApiClient

    def list_administrators(self) -> Iterator[str]:
        """
        Yield the Okta ids of the users who have an admin role.

        Okta's documents do not say whether those are listed who have it through a group.

        :raises PermissionDeniedError: the credential may not read this.
        """
        url, seen = PATH, set[str]()
        params: dict[str, str] | None = {"limit": "200"}
        while True:
            reply = self._api.call("GET", url, bucket=BUCKET, params=params, expect=dict[str, Any])
            yield from _ids(reply.body)
            target = ((reply.body.get("_links") or {}).get("next") or {}).get("href")
            if not target:
                return
            seen.add(reply.url)
            # The next page stands in the body here, not in a header.
            url = checked_next(urljoin(reply.url, target), seen, base_url=self._api.base_url, service="Okta")
            params = None


def _ids(body: dict[str, Any]) -> Iterator[str]:
    users = body.get("value")
    if not isinstance(users, list):
        raise UnexpectedAnswerError("Okta's list of administrators has another form.")
    for user in users:
        if isinstance(user, dict) and isinstance(user.get("id"), str):
            yield user["id"]
