"""What the org says about itself: its settings, and, to everybody, which org it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext


WELL_KNOWN = "/.well-known/okta-organization"


class OrgRoutes:
    """The handlers for what the org says about itself."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", "/api/v1/org", self.get)
        router.add("GET", WELL_KNOWN, self.identify)

    def get(self, _request: Request) -> Answer:
        """Return the org."""
        base = self._context.base_url()
        return Answer.json(
            {
                "id": self._id(),
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

    def identify(self, _request: Request) -> Answer:
        """Return which org this is; the same one whatever host it was asked by."""
        base = self._context.base_url()
        return Answer.json(
            {"id": self._id(), "pipeline": "idx", "_links": {"organization": {"href": base}}},
        )

    def _id(self) -> str:
        return "00o" + text_of(17, self._context.state.seed, "org")
