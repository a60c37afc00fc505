"""Which scope each endpoint needs, by Okta's own table, and what a granted scope covers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: The first part of the scopes of an endpoint, by its route; the longest beginning counts.
_FAMILIES = {
    "/api/v1/users": "okta.users",
    "/api/v1/users/{id}/risk": "okta.userRisk",
    "/api/v1/groups": "okta.groups",
    "/api/v1/security-events-providers": "okta.securityEventsProviders",
    "/api/v1/logs": "okta.logs",
    "/api/v1/org": "okta.orgs",
    "/api/v1/iam": "okta.roles",
}

#: Every scope the pretend org knows; the System Log can only be read.
SCOPES = tuple(
    f"{family}.{action}"
    for family in _FAMILIES.values()
    for action in ("read", "manage")
    if f"{family}.{action}" != "okta.logs.manage"
)


def needed_scope(method: str, route: str) -> str:
    """Return the scope that a request to a route such as ``/api/v1/groups/{id}`` needs."""
    family = _FAMILIES[max((path for path in _FAMILIES if route.startswith(path)), key=len)]
    return f"{family}.{'read' if method == 'GET' else 'manage'}"


def covers(granted: Collection[str], scope: str) -> bool:
    """Say whether a scope is among the granted ones; ``manage`` includes ``read``."""
    return scope in granted or (scope.endswith(".read") and f"{scope[:-4]}manage" in granted)


def checked(scopes: Iterable[str]) -> frozenset[str]:
    """
    Return scopes as a set.

    :raises ValueError: naming those the pretend org does not know.
    """
    if isinstance(scopes, str):
        raise TypeError("Give a list of scopes, not one text.")
    wanted = frozenset(scopes)
    unknown = wanted - frozenset(SCOPES)
    if unknown:
        raise ValueError(
            f"The pretend Okta does not know {', '.join(sorted(unknown))}. Known: {', '.join(SCOPES)}."
        )
    return wanted
