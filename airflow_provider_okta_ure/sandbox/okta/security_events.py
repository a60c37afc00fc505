"""``POST /security/api/v1/security-events``: takes in security event tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.jwks import FetchError
from airflow_provider_okta_ure.sandbox.okta.models import OktaUser, SecurityEventsProvider, UserRisk
from airflow_provider_okta_ure.sandbox.okta.system_log import user_target
from airflow_provider_okta_ure.sandbox.okta.token_checks import (
    USER_RISK_CHANGE,
    RejectedTokenError,
    Token,
    check_audience,
    check_claims,
    check_event,
    check_signature,
    read_token,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext


class SecurityEventRoutes:
    """The handler; it takes the state's lock itself, because it waits for keys in between."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the route."""
        router.add("POST", "/security/api/v1/security-events", async_handler=self.publish)

    async def publish(self, request: Request) -> Answer:
        """Answer 202 to a good token, also when it is ignored, and 400 with the reason to a bad one."""
        try:
            token, provider, remarks = await self._verified(request)
            with self._state.lock:
                remarks += check_claims(token, request.at, self._context.options)
                event_type, event = check_event(token, self._context.options)
                self._take_in(request, token, provider, event_type, event, remarks)
        except RejectedTokenError as error:
            self._note_rejected(request, error)
            return Answer.json({"err": error.err, "description": error.description}, 400)
        return Answer(202)

    async def _verified(self, request: Request) -> tuple[Token, SecurityEventsProvider, list[str]]:
        options = self._context.options
        token = read_token(request.media_type, request.body, options)
        with self._state.lock:
            provider = self._sender(token)
        remarks = check_audience(token, self._context.base_url(), options)
        try:
            key = await self._context.keys.key(provider.jwks_url, token.header["kid"])
        except FetchError as error:
            raise RejectedTokenError("invalid_key", f"No usable key: {error}.") from error
        check_signature(token, key)
        return token, provider, remarks

    def _sender(self, token: Token) -> SecurityEventsProvider:
        issuer = token.claims.get("iss")
        for provider in self._state.providers:
            if provider.issuer == issuer and provider.status == "ACTIVE":
                return provider
        raise RejectedTokenError("invalid_issuer", "The issuer of the security event token is not accepted.")

    def _take_in(
        self,
        request: Request,
        token: Token,
        provider: SecurityEventsProvider,
        event_type: str,
        event: dict[str, Any],
        remarks: list[str],
    ) -> None:
        user, why_not = self._subject(event)
        seen = (provider.issuer, token.claims["jti"])
        if seen in self._state.seen_jtis:
            why_not = "the jti was seen before"
        self._state.seen_jtis.add(seen)
        if user is None or why_not:
            noted = _noted(request, token, event_type, event)
            self._state.ignored_events.append({**noted, "why": why_not})
            return
        accepted = {**_noted(request, token, event_type, event), "user_id": user.id, "remarks": remarks}
        self._state.accepted_events.append(accepted)
        self._write(request, token, provider, event_type, event, user)
        if event_type == USER_RISK_CHANGE:
            self._change_risk(request, provider, event, user)

    def _subject(self, event: dict[str, Any]) -> tuple[OktaUser | None, str]:
        subject = event["subject"].get("user")
        name = subject.get("email") if isinstance(subject, dict) else None
        if not isinstance(name, str):
            return None, "the subject names no user"
        user = self._state.find_user(name)
        if user is None and self._context.options.set_subject_matching == "login_then_email":
            sharing = self._state.users_with_email(name)
            if len(sharing) > 1:
                return None, "several users share the e-mail"
            user = sharing[0] if sharing else None
        if user is None:
            return None, "the user is unknown"
        return (None, "the user is DEPROVISIONED") if user.status == "DEPROVISIONED" else (user, "")

    def _write(
        self,
        request: Request,
        token: Token,
        provider: SecurityEventsProvider,
        event_type: str,
        event: dict[str, Any],
        user: OktaUser,
    ) -> None:
        report = json.dumps({"issuer": token.claims["iss"], event_type: event}, separators=(",", ":"))
        actor = {
            "id": provider.id,
            "type": "SecurityEventProvider",
            "alternateId": "unknown",
            "displayName": provider.issuer,
        }
        self._state.log.write(
            "security.events.provider.receive_event",
            [user_target(user)],
            actor=actor,
            client_host=request.client_host,
            request_id=request.request_id,
            request_uri=request.path,
            debug={"partnerRiskReportData": report},
        )

    def _change_risk(
        self, request: Request, provider: SecurityEventsProvider, event: dict[str, Any], user: OktaUser
    ) -> None:
        level, before = event["current_level"].upper(), self._state.risk(user.id)
        if not self._context.options.set_changes_risk or level not in ("LOW", "MEDIUM", "HIGH"):
            return
        self._state.set_risk(
            user, UserRisk(level, "Security Events Provider Reported Risk", "security event")
        )
        risk = (
            f"{{previousLevel={before}, level={level}, detectionName=Security Events Provider Reported Risk, "
            f"reasons=Security Events Provider Reported Risk, issuer={provider.issuer}}}"
        )
        self._state.log.write(
            "user.risk.detect",
            [user_target(user)],
            client_host=request.client_host,
            request_id=request.request_id,
            request_uri=request.path,
            debug={"risk": risk, "traceId": request.request_id},
        )

    def _note_rejected(self, request: Request, error: RejectedTokenError) -> None:
        with self._state.lock:
            self._state.rejected_events.append(
                {
                    "at": request.at,
                    "request_id": request.request_id,
                    "err": error.err,
                    "why": error.description,
                }
            )


def _noted(request: Request, token: Token, event_type: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": request.at,
        "request_id": request.request_id,
        "kid": token.header["kid"],
        "claims": {name: value for name, value in token.claims.items() if name != "events"},
        "event_type": event_type,
        "event": event,
    }
