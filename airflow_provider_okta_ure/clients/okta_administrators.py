# SPDX-License-Identifier: Apache-2.0
"""Who is an administrator of an Okta org."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.http import ApiClient

PATH = "/api/v1/iam/assignees/users"
BUCKET = "/api/v1"
PAGE_SIZE = 200


class OktaAdministratorCalls:
    """Users with a role assignment; needs ``okta.roles.read`` or the matching right of an admin."""

    _api: ApiClient

    def list_administrators(self) -> Iterator[str]:
        """
        Yield the Okta ids of the users who have an admin role.

        Okta's documents do not say whether those are listed who have it through a group.

        :raises PermissionDeniedError: the credential may not read this.
        """
        url = PATH
        params: dict[str, str] | None = {"limit": str(PAGE_SIZE)}
        listing = self._api.listing(PAGE_SIZE)
        while True:
            reply = listing.page("GET", url, bucket=BUCKET, params=params, expect=dict[str, Any])
            yield from _ids(reply.body)
            # The next page stands in the body here, not in a header.
            target = _next(reply.body)
            if not target:
                return
            url = listing.after(reply, target)
            params = None


def _ids(body: dict[str, Any]) -> Iterator[str]:
    users = body.get("value")
    if not isinstance(users, list):
        raise UnexpectedAnswerError("Okta's list of administrators has another form.")
    for user in users:
        if user is None:
            continue
        # Whoever is left out here would not be protected, so one that cannot be read is an error.
        if not isinstance(user, dict) or not isinstance(user.get("id"), str) or not user["id"]:
            raise UnexpectedAnswerError("Okta's list of administrators names one without an id.")
        yield user["id"]


def _next(body: dict[str, Any]) -> str:
    """Return where the next page is; empty when this one is the last."""
    place: Any = body
    for step in ("_links", "next", "href"):
        place = place.get(step) if isinstance(place, dict) else None
    return place if isinstance(place, str) else ""
