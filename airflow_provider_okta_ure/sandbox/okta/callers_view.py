"""Shows who may call the pretend Okta, without a secret among it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.callers import AccessToken, Callers, ServiceApp


def callers_json(callers: Callers) -> dict[str, Any]:
    """Return everybody who may call, and every request for an access token."""
    return {
        "api_tokens": [{"permissions": _names(token.permissions)} for token in callers.more_tokens.values()],
        "apps": [app_json(app) for app in callers.apps.values()],
        "access_tokens": [_access_token_json(token) for token in callers.access_tokens.values()],
        "token_requests": list(callers.token_requests),
    }


def app_json(app: ServiceApp) -> dict[str, Any]:
    """Return an app without its keys."""
    return {
        "client_id": app.client_id,
        "name": app.name,
        "status": app.status,
        "scopes": sorted(app.scopes),
        "role_permissions": _names(app.role_permissions),
        "dpop_required": app.dpop_required,
    }


def _access_token_json(token: AccessToken) -> dict[str, Any]:
    return {
        "client_id": token.client_id,
        "scopes": list(token.scopes),
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "is_bound": token.jkt is not None,
        "is_revoked": token.is_revoked,
    }


def _names(permissions: frozenset[str] | None) -> list[str] | None:
    return None if permissions is None else sorted(permissions)
