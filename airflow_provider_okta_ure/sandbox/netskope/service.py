"""The pretend Netskope tenant as a service: token, rate limit, routing, headers."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.http import Answer, Handler, Request, Router
from airflow_provider_okta_ure.sandbox.limits import NetskopeLimiter, Standing
from airflow_provider_okta_ure.sandbox.netskope.changes import ChangeRoutes
from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError
from airflow_provider_okta_ure.sandbox.netskope.identities import IdentityRoutes
from airflow_provider_okta_ure.sandbox.netskope.listing import ListingRoutes
from airflow_provider_okta_ure.sandbox.netskope.series import SeriesRoutes
from airflow_provider_okta_ure.sandbox.service import PretendService

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.faults import Fault
    from airflow_provider_okta_ure.sandbox.journal import JournalEntry
    from airflow_provider_okta_ure.sandbox.netskope.state import NetskopeState
    from airflow_provider_okta_ure.sandbox.service import Shared


class NetskopeService(PretendService):
    """
    Checks a request the way Netskope's gateway does and hands it to a handler.

    :param shared: what both services share.
    :param state: the tenant.
    """

    name = "netskope"

    def __init__(self, shared: Shared, state: NetskopeState) -> None:
        super().__init__(shared)
        self.state = state
        self.limiter = NetskopeLimiter(shared.options)
        self._router = Router()
        for routes in (SeriesRoutes, ListingRoutes, IdentityRoutes, ChangeRoutes):
            routes(state, shared.options).register(self._router)

    @property
    def latency(self) -> float:
        """Real seconds every answer takes."""
        return self.shared.options.netskope_latency_seconds

    def count(self, request: Request, entry: JournalEntry) -> None:
        """Count the request against the endpoint's requests per second."""
        standing = self.limiter.take(request.path, request.at)
        request.extra["standing"] = standing
        entry.bucket = standing.bucket if standing else None

    async def execute(self, request: Request, entry: JournalEntry) -> Answer:
        """Check, execute and answer a request."""
        try:
            with self.shared.lock:
                return self._handler(request)(request)
        except NetskopeError as error:
            return self._refusal(request, error)

    def crash(self, request: Request) -> Answer:
        """Return what Netskope answers when something breaks inside."""
        return NetskopeError(500).answer()

    def faulty_answer(self, request: Request, entry: JournalEntry, fault: Fault) -> Answer:
        """Return Netskope's own error answer for a fault; its 403 has no body."""
        if fault.kind == "ok_with_error":
            return Answer.json({"status": "error", "message": "Internal error, please try again"})
        status = 429 if fault.kind in ("rate_limit_429", "concurrency_429") else fault.status
        if fault.body is not None:
            return Answer(status, fault.body.encode(), [("Content-Type", "application/json")])
        if status == 403:
            return Answer(403)
        if status == 429:
            limit = self.shared.options.netskope_rate_limit
            request.extra["standing"] = Standing(request.path, limit, 0, 1, allowed=False)
        return self._refusal(request, NetskopeError(status))

    def headers(self, request: Request) -> list[tuple[str, str]]:
        """Return the headers every answer carries; RateLimit-Reset is seconds to wait, not a moment."""
        headers = [("x-request-id", request.headers.get("x-request-id", request.request_id))]
        standing: Standing | None = request.extra.get("standing")
        if standing is not None:
            headers += [
                ("RateLimit-Limit", str(standing.limit)),
                ("RateLimit-Remaining", str(standing.remaining)),
                ("RateLimit-Reset", str(standing.reset)),
            ]
        return headers

    def clear(self) -> None:
        """Forget what was counted."""
        super().clear()
        self.limiter.clear()

    def _authenticate(self, request: Request) -> None:
        token = request.headers.get("netskope-api-token", "")
        credential = request.headers.get("authorization", "")
        if not token and credential[:7].lower() == "bearer ":
            token = credential[7:].strip()
        if not hmac.compare_digest(token.encode(), self.state.token.encode()):
            raise NetskopeError(401)

    def _handler(self, request: Request) -> Handler:
        self._authenticate(request)
        standing: Standing | None = request.extra.get("standing")
        if standing is not None and not standing.allowed:
            raise NetskopeError(429)
        route, request.arguments, allowed = self._router.find(request.method, request.path)
        if route is None or route.handler is None:
            raise NetskopeError(405 if allowed else 404)
        return route.handler

    @staticmethod
    def _refusal(request: Request, error: NetskopeError) -> Answer:
        answer = error.answer()
        standing: Standing | None = request.extra.get("standing")
        if error.status == 429 and standing is not None:
            answer.headers.append(("Retry-After", str(standing.reset)))
        return answer
