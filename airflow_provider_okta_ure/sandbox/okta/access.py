"""Lets a request in, or not: API token, access token, DPoP proof, scope, administrator role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.sandbox.http import Answer, HttpError
from airflow_provider_okta_ure.sandbox.okta.dpop import check_proof
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError
from airflow_provider_okta_ure.sandbox.okta.oauth_errors import OAuthError
from airflow_provider_okta_ure.sandbox.okta.scopes import covers, needed_scope

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.http import Request, Route
    from airflow_provider_okta_ure.sandbox.okta.callers import AccessToken
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

#: Endpoints that are part of Identity Threat Protection.
_ITP_FAMILIES = ("okta.userRisk.", "okta.securityEventsProviders.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: an app with the scopes of its access token, or an API token (no scopes: None)."""

    scopes: tuple[str, ...] | None
    permissions: frozenset[str] | None
    scheme: str = "SSWS"


class Gate:
    """
    Checks who sent a request and whether he may do what he asks for.

    :param context: the state, the switches and the org's address.
    """

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def caller(self, request: Request) -> Caller:
        """
        Return who sent a request.

        :raises OktaError: 401 for a token that is not accepted.
        :raises HttpError: 400 or 401 in the shape of OAuth for an access token that is used the wrong way.
        """
        credential = request.headers.get("authorization", "")
        # Okta's own Python SDK sends "SSWS<token>" and "Bearer<token>", and the service takes it.
        for scheme in ("SSWS", "Bearer", "DPoP"):
            if credential[: len(scheme)].lower() == scheme.lower():
                text = credential[len(scheme) :].strip()
                return self._administrator(text) if scheme == "SSWS" else self._app(request, scheme, text)
        raise OktaError(401, "E0000011")

    def admit(self, request: Request, route: Route, caller: Caller) -> None:
        """
        Refuse a caller who may not use a route.

        :raises OktaError: 403 without the scope or the role, 401 without the feature.
        """
        scope = needed_scope(request.method, route.label)
        if caller.scopes is not None and not covers(caller.scopes, scope):
            text = "The access token provided does not contain the required scopes."
            challenge = self._challenge(request, caller.scheme, "insufficient_scope", text, scope)
            raise OktaError(403, "E0000006", headers=[challenge])
        if caller.permissions is not None and not covers(caller.permissions, scope):
            raise OktaError(403, "E0000006")
        if not self._context.options.has_itp and scope.startswith(_ITP_FAMILIES):
            raise OktaError(401, "E0000015")

    def _administrator(self, text: str) -> Caller:
        token = self._state.find_token(text)
        if token is None:
            raise OktaError(401, "E0000011")
        return Caller(None, token.permissions)

    def _app(self, request: Request, scheme: str, text: str) -> Caller:
        token = self._state.find_access_token(text)
        app = None if token is None else self._state.apps.get(token.client_id)
        if token is None or app is None or app.status != "ACTIVE":
            raise self._unauthorized(request, scheme, "The access token is invalid.")
        if token.is_revoked:
            raise self._unauthorized(request, scheme, "The access token has been revoked.")
        if token.expires_at <= request.at:
            raise self._unauthorized(request, scheme, "The token has expired.")
        if token.jkt is not None:
            self._check_binding(request, scheme, text, token)
        elif scheme == "DPoP":
            raise self._unauthorized(request, scheme, "The presented access_token is not DPoP bound.")
        return Caller(token.scopes, app.role_permissions, scheme)

    def _check_binding(self, request: Request, scheme: str, text: str, token: AccessToken) -> None:
        try:
            jkt = self._proven(request, scheme, text)
        except OAuthError as error:
            raise self._misused(request, scheme, error) from error
        if jkt != token.jkt:
            unbound = "The access_token is not bound to the provided DPoP proof."
            raise self._misused(request, scheme, OAuthError(400, "invalid_dpop_proof", unbound))

    def _proven(self, request: Request, scheme: str, text: str) -> str:
        if "dpop" not in request.headers:
            raise OAuthError(400, "invalid_request", "The resource request requires a DPoP proof.")
        if scheme != "DPoP":
            wrong = "The resource request must use the DPoP authentication scheme"
            raise OAuthError(400, "invalid_request", f"{wrong} when using a DPoP bound token.")
        return check_proof(
            request.headers["dpop"],
            self._state,
            method=request.method,
            url=self._context.base_url() + request.path,
            now=request.at,
            tolerance=self._context.options.oauth_iat_max_future_seconds,
            access_token=text,
        )

    def _misused(self, request: Request, scheme: str, error: OAuthError) -> HttpError:
        answer = error.answer()
        answer.headers.append(self._challenge(request, scheme, error.error, error.description))
        return HttpError(answer)

    def _unauthorized(self, request: Request, scheme: str, description: str) -> Exception:
        """Return the 401; Okta does not document its body, so a switch says which one it is."""
        challenge = self._challenge(request, scheme, "invalid_token", description)
        kind = self._context.options.invalid_token_body
        if kind == "management":
            return OktaError(401, "E0000011", headers=[challenge])
        body = {"error": "invalid_token", "error_description": description} if kind == "oauth" else None
        content = b"" if body is None else msgspec.json.encode(body)
        media_type = [] if body is None else [("Content-Type", "application/json")]
        return HttpError(Answer(401, content, [challenge, *media_type]))

    def _challenge(
        self, request: Request, scheme: str, error: str, description: str, scope: str | None = None
    ) -> tuple[str, str]:
        """Return the ``WWW-Authenticate`` header; in it Okta writes its own address with http."""
        org = "http://" + self._context.base_url().partition("://")[2]
        parts = {
            "authorization_uri": f"{org}/oauth2/v1/authorize",
            "realm": org,
            "scope": scope,
            "error": error,
            "error_description": description,
            "resource": request.path,
        }
        shown = ", ".join(f'{name}="{value}"' for name, value in parts.items() if value is not None)
        return "WWW-Authenticate", f"{scheme} {shown}"
