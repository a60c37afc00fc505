"""``/api/v1/org``: the org's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext


class OrgRoutes:
    """The handler for the org's settings."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context

    def register(self, router: Router) -> None:
        """Add the route."""
        router.add("GET", "/api/v1/org", self.get)

    def get(self, _request: Request) -> Answer:
        """Return the org."""
        base = self._context.base_url()
        return Answer.json(
            {
                "id": "00o" + text_of(17, self._context.state.seed, "org"),
                "subdomain": "sandbox",
                "companyName": "Pretend Corp (sandbox)",
                "status": "ACTIVE",
                "website": "https://corp.example",
                "phoneNumber": "",
                "address1": "",
                "city": "",
                "country": "",
                "postalCode": "",
                "created": "2020-01-06T09:00:00.000Z",
                "lastUpdated": "2020-01-06T09:00:00.000Z",
                "_links": {"preferences": {"href": f"{base}/v1/org/preferences"}},
            }
        )
