"""How users, groups and risk levels look on the wire."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_okta_ure.sandbox.okta.models import (
    USER_TYPE_ID,
    OktaGroup,
    OktaUser,
    SecurityEventsProvider,
    UserRisk,
)

#: What the Content-Type parameter ``okta-response`` can leave out.
OMIT_CREDENTIALS, OMIT_LINKS = "omitCredentials", "omitCredentialsLinks"

_LIFECYCLE = {
    "STAGED": ("activate",),
    "ACTIVE": ("suspend", "resetPassword", "expirePassword", "forgotPassword", "deactivate"),
    "SUSPENDED": ("unsuspend", "deactivate"),
    "LOCKED_OUT": ("unlock", "resetPassword", "deactivate"),
    "DEPROVISIONED": ("activate",),
}


def user_bytes(user: OktaUser, base: str) -> bytes:
    """Return a user as lists show it; the bytes are kept until the user changes."""
    if user.rendered is None:
        user.rendered = msgspec.json.encode(user_json(user, base))
    return user.rendered


def user_json(user: OktaUser, base: str, omit: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a user as lists show it."""
    shown: dict[str, Any] = {
        "id": user.id,
        "status": user.status,
        "created": user.created,
        "activated": user.activated,
        "statusChanged": user.status_changed,
        "lastLogin": user.last_login,
        "lastUpdated": user.last_updated,
        "passwordChanged": user.password_changed,
        "type": {"id": USER_TYPE_ID},
        "profile": user.profile(),
        "credentials": {
            "password": {},
            "emails": [{"value": user.email, "status": "VERIFIED", "type": "PRIMARY"}],
            "provider": {"type": "OKTA", "name": "OKTA"},
        },
        "_links": {"self": {"href": f"{base}/api/v1/users/{user.id}"}},
    }
    if OMIT_CREDENTIALS in omit:
        del shown["credentials"]
    return shown


def single_user_json(user: OktaUser, base: str, omit: frozenset[str]) -> dict[str, Any]:
    """Return a user as it is shown alone: with the links of its lifecycle."""
    shown = user_json(user, base, omit)
    if OMIT_LINKS not in omit:
        for name in _LIFECYCLE.get(user.status, ("deactivate",)):
            href = f"{base}/api/v1/users/{user.id}/lifecycle/{_snake(name)}"
            shown["_links"][name] = {"href": href, "method": "POST"}
    return shown


def projected(shown: dict[str, Any], fields: list[str], profile_fields: list[str] | None) -> dict[str, Any]:
    """Return only the requested parts of a user; ``id`` always stays."""
    kept = {name: value for name, value in shown.items() if name == "id" or name in fields}
    if profile_fields is not None:
        profile = shown["profile"]
        kept["profile"] = {name: profile[name] for name in profile_fields if name in profile}
    return kept


def group_json(group: OktaGroup, base: str, users_count: int | None = None) -> dict[str, Any]:
    """Return a group; with ``users_count`` also the statistics."""
    here = f"{base}/api/v1/groups/{group.id}"
    shown: dict[str, Any] = {
        "id": group.id,
        "created": group.created,
        "lastUpdated": group.last_updated,
        "lastMembershipUpdated": group.last_membership_updated,
        "objectClass": [_OBJECT_CLASS[group.type]],
        "type": group.type,
        "profile": {"name": group.name, "description": group.description or ""},
        "_links": {
            "logo": [
                {"name": size, "href": f"{base}/assets/img/logos/groups/okta-{size}.png", "type": "image/png"}
                for size in ("medium", "large")
            ],
            "users": {"href": f"{here}/users"},
            "apps": {"href": f"{here}/apps"},
        },
    }
    if group.source_id:
        shown["source"] = {"id": group.source_id}
        shown["_links"]["source"] = {"href": f"{base}/api/v1/apps/{group.source_id}"}
    if users_count is not None:
        shown["_embedded"] = {
            "stats": {
                "usersCount": users_count,
                "appsCount": 0,
                "groupPushMappingsCount": 0,
                "hasAdminPrivilege": False,
                "_links": {},
            }
        }
    return shown


def provider_json(provider: SecurityEventsProvider, base: str) -> dict[str, Any]:
    """Return a security events provider."""
    here = f"{base}/api/v1/security-events-providers/{provider.id}"
    settings = {"issuer": provider.issuer, "jwks_url": provider.jwks_url}
    if provider.well_known_url:
        settings["well_known_url"] = provider.well_known_url
    turn = "deactivate" if provider.status == "ACTIVE" else "activate"
    return {
        "id": provider.id,
        "name": provider.name,
        "type": provider.type,
        "status": provider.status,
        "settings": settings,
        "_links": {
            "self": {"href": here, "hints": {"allow": ["GET", "PUT", "DELETE"]}},
            turn: {"href": f"{here}/lifecycle/{turn}", "hints": {"allow": ["POST"]}},
        },
    }


def risk_json(user: OktaUser, risk: UserRisk | None, base: str) -> dict[str, Any]:
    """Return a user's risk (higher is riskier); without a recorded one it is NONE and has no reason."""
    here = f"{base}/api/v1/users/{user.id}"
    shown: dict[str, Any] = {"riskLevel": risk.level if risk else "NONE"}
    if risk:
        shown["reason"] = risk.reason
    shown["_links"] = {
        "self": {"href": f"{here}/risk", "hints": {"allow": ["GET", "PUT"]}},
        "user": {"href": here, "hints": {"allow": ["GET"]}},
    }
    return shown


_OBJECT_CLASS = {
    "OKTA_GROUP": "okta:user_group",
    "BUILT_IN": "okta:user_group",
    "APP_GROUP": "okta:windows_security_principal",
}


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
