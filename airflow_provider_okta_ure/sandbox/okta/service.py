"""The pretend Okta org as a service: limits, authorization, routing and the headers every answer carries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.http import Answer, HttpError, Request, Router
from airflow_provider_okta_ure.sandbox.limits import (
    OAUTH_BUCKET,
    PUSH_BUCKET,
    OktaBuckets,
    Standing,
    okta_bucket,
)
from airflow_provider_okta_ure.sandbox.okta.access import Gate
from airflow_provider_okta_ure.sandbox.okta.administrators import AdministratorRoutes
from airflow_provider_okta_ure.sandbox.okta.context import OktaContext
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError, edge_not_found
from airflow_provider_okta_ure.sandbox.okta.groups import GroupRoutes
from airflow_provider_okta_ure.sandbox.okta.jwks import KeyFetcher
from airflow_provider_okta_ure.sandbox.okta.logs import LogRoutes
from airflow_provider_okta_ure.sandbox.okta.oauth import TokenRoutes
from airflow_provider_okta_ure.sandbox.okta.oauth_errors import OAuthError
from airflow_provider_okta_ure.sandbox.okta.org import WELL_KNOWN, OrgRoutes
from airflow_provider_okta_ure.sandbox.okta.parameters import refuse_beyond_bmp
from airflow_provider_okta_ure.sandbox.okta.providers import ProviderRoutes
from airflow_provider_okta_ure.sandbox.okta.risk import RiskRoutes
from airflow_provider_okta_ure.sandbox.okta.security_events import SecurityEventRoutes
from airflow_provider_okta_ure.sandbox.okta.users import UserRoutes
from airflow_provider_okta_ure.sandbox.service import PretendService

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.faults import Fault
    from airflow_provider_okta_ure.sandbox.http import Route
    from airflow_provider_okta_ure.sandbox.journal import JournalEntry
    from airflow_provider_okta_ure.sandbox.okta.state import OktaState
    from airflow_provider_okta_ure.sandbox.service import Shared

_FAULTS: dict[int, tuple[str, str | None]] = {
    400: ("E0000001", "Api validation failed: sandbox"),
    401: ("E0000011", None),
    403: ("E0000006", None),
    404: ("E0000008", None),
    429: ("E0000047", None),
    503: ("E0000010", None),
}
#: What the token endpoint says instead; its other refusals look like those of the API.
_OAUTH_FAULTS = {
    400: ("invalid_request", "A fault of the sandbox."),
    401: (
        "invalid_client",
        "Client authentication failed. Either the client or the client credentials are invalid.",
    ),
    403: ("access_denied", "The resource owner or authorization server denied the request."),
    500: (
        "server_error",
        "The authorization server encountered an unexpected condition that prevented it from fulfilling the "
        "request.",
    ),
}
_STANDING_HEADERS = [
    ("Server", "nginx"),
    ("Cache-Control", "no-cache, no-store"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Content-Type-Options", "nosniff"),
]


class OktaService(PretendService):
    """
    Checks a request the way Okta's front does and hands it to a handler.

    :param shared: what both services share.
    :param state: the org.
    """

    name = "okta"

    def __init__(self, shared: Shared, state: OktaState) -> None:
        super().__init__(shared)
        self.state = state
        self.buckets = OktaBuckets(shared.options)
        self.keys = KeyFetcher(shared.clock, shared.options, shared.trust)
        context = OktaContext(state, shared.options, lambda: shared.okta_url, self.keys)
        self._gate = Gate(context)
        self._router = Router()
        for routes in (
            UserRoutes,
            GroupRoutes,
            RiskRoutes,
            ProviderRoutes,
            LogRoutes,
            OrgRoutes,
            AdministratorRoutes,
            SecurityEventRoutes,
            TokenRoutes,
        ):
            routes(context).register(self._router)

    @property
    def latency(self) -> float:
        """Real seconds every answer takes."""
        return self.shared.options.okta_latency_seconds

    def count(self, request: Request, entry: JournalEntry) -> None:
        """Count the request against its rate limit bucket."""
        bucket = okta_bucket(request.method, request.path, self.shared.options)
        if bucket is not None:
            request.extra["standing"] = self.buckets.take(bucket, request.at)
            entry.bucket = bucket

    async def execute(self, request: Request, entry: JournalEntry) -> Answer:
        """Check, execute and answer a request."""
        try:
            with self.shared.lock:
                self._refuse_overload(request)
                route = self._checked_route(request)
                if route.async_handler is None:
                    return route.run(request)
            return await route.async_handler(request)
        except OktaError as error:
            return error.answer(request.request_id)
        except HttpError as refusal:
            return refusal.answer

    def crash(self, request: Request) -> Answer:
        """Return what Okta answers when something breaks inside."""
        return OktaError(500, "E0000009").answer(request.request_id)

    def faulty_answer(self, request: Request, entry: JournalEntry, fault: Fault) -> Answer:
        """Return Okta's own error answer for a fault."""
        status = 429 if fault.kind in ("rate_limit_429", "concurrency_429") else fault.status
        if fault.kind == "concurrency_429":
            self._mark_concurrency(request)
        elif status == 429:
            self._mark_empty(request)
        if fault.kind == "ok_with_error":
            status = 500
        if fault.body is not None:
            return Answer(status, fault.body.encode(), [("Content-Type", "application/json")])
        if request.path == PUSH_BUCKET and status == 400:
            return Answer.json({"err": "invalid_request", "description": "A fault of the sandbox."}, 400)
        if request.path == OAUTH_BUCKET and status in _OAUTH_FAULTS:
            return OAuthError(status, *_OAUTH_FAULTS[status]).answer()
        code, summary = _FAULTS.get(status, ("E0000009", None))
        return OktaError(status, code, summary).answer(request.request_id)

    def headers(self, request: Request) -> list[tuple[str, str]]:
        """Return the headers every answer carries."""
        headers = [*_STANDING_HEADERS, ("X-Okta-Request-Id", request.request_id)]
        standing: Standing | None = request.extra.get("standing")
        if standing is not None:
            headers += [
                ("X-Rate-Limit-Limit", str(standing.limit)),
                ("X-Rate-Limit-Remaining", str(standing.remaining)),
                ("X-Rate-Limit-Reset", str(standing.reset)),
            ]
        return headers

    def clear(self) -> None:
        """Forget limits and fetched keys."""
        super().clear()
        self.buckets.clear()
        self.keys.clear()

    def _refuse_overload(self, request: Request) -> None:
        if request.in_flight > self.shared.options.okta_concurrency_limit:
            self._mark_concurrency(request)
            raise OktaError(429, "E0000047")
        standing: Standing | None = request.extra.get("standing")
        if standing is not None and not standing.allowed:
            raise OktaError(429, "E0000047")

    def _checked_route(self, request: Request) -> Route:
        target = len(request.path) + len(request.raw_query) + 1
        if target > self.shared.options.max_url_bytes:
            raise HttpError(Answer(414, b"Request-URI Too Large", [("Content-Type", "text/plain")]))
        if request.method in ("POST", "PUT") and not request.headers.keys() & {
            "content-length",
            "transfer-encoding",
        }:
            raise HttpError(Answer(411, b"Length Required", [("Content-Type", "text/plain")]))
        if not request.path.startswith(("/api/", "/security/", "/oauth2/")) and request.path != WELL_KNOWN:
            raise HttpError(edge_not_found())
        route, request.arguments, allowed = self._router.find(request.method, request.path)
        # Two of these authenticate by what is in the body, a signed token each; the third is for everybody.
        is_open = request.path in (PUSH_BUCKET, OAUTH_BUCKET, WELL_KNOWN)
        caller = None if is_open else self._gate.caller(request)
        if route is None:
            raise OktaError(405, "E0000022") if allowed else OktaError(404, "E0000008")
        if caller is not None:
            self._gate.admit(request, route, caller)
            request.extra["caller"] = caller
        refuse_beyond_bmp(request.query)
        return route

    def _mark_concurrency(self, request: Request) -> None:
        bucket = request.extra["standing"].bucket if "standing" in request.extra else "concurrency"
        request.extra["standing"] = Standing(bucket, 0, 0, math.floor(request.at) + 60, allowed=False)

    def _mark_empty(self, request: Request) -> None:
        standing: Standing | None = request.extra.get("standing")
        if standing is not None:
            standing.remaining = 0
