"""``/api/v1/users/{id}/risk``: an administrator's override of a user's risk (higher is riskier)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import invalid, malformed, not_found
from airflow_provider_okta_ure.sandbox.okta.models import OktaUser, UserRisk
from airflow_provider_okta_ure.sandbox.okta.parameters import json_object
from airflow_provider_okta_ure.sandbox.okta.wire import risk_json

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/users/{id}/risk"
_REASON = re.compile(r"[a-zA-Z0-9\s\-,.]*")
_DEFAULT_REASON = "override.by.admin"


class RiskRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", _PATH, self.get)
        router.add("PUT", _PATH, self.put)

    def get(self, request: Request) -> Answer:
        """Return what is recorded; NONE when nothing is."""
        user = self._user(request)
        return Answer.json(risk_json(user, self._state.risks.get(user.number), self._context.base_url()))

    def put(self, request: Request) -> Answer:
        """Record a level: 201 the first time, 200 afterwards. NONE cannot be set."""
        user = self._user(request)
        body = json_object(request)
        level, reason = body.get("riskLevel"), body.get("riskReason")
        if level is None:
            raise invalid("riskLevel", "riskLevel: The field cannot be left blank")
        if not isinstance(level, str) or not isinstance(reason, str | None):
            raise malformed()
        if level not in ("HIGH", "MEDIUM", "LOW"):
            raise invalid("riskLevel", "riskLevel: Not one of the allowed values.")
        if reason is not None and len(reason) > 500:
            raise invalid("riskReason", "riskReason: The field is too long. The maximum length is 500.")
        if reason is not None and not _REASON.fullmatch(reason):
            raise invalid("riskReason", "riskReason: Does not match required pattern")
        risk = UserRisk(level, reason or _DEFAULT_REASON, "admin")
        first = self._state.set_risk(user, risk)
        return Answer.json(risk_json(user, risk, self._context.base_url()), 201 if first else 200)

    def _user(self, request: Request) -> OktaUser:
        user = self._state.find_user_by_id(request.arguments[0])
        if user is None:
            raise not_found(request.arguments[0], "User")
        return user
