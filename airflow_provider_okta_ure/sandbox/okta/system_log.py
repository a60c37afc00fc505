"""The pretend System Log: events in the order they were written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import SandboxClock, iso_milliseconds
from airflow_provider_okta_ure.sandbox.hashing import text_of, uuid_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.models import OktaGroup, OktaUser, SecurityEventsProvider
    from airflow_provider_okta_ure.sandbox.options import Options

_DISPLAY = {
    "group.user_membership.add": "Add user to group membership",
    "group.user_membership.remove": "Remove user from group membership",
    "group.user_membership.rule.add_exclusion": "User added to exclusion list for group rule",
    "group.lifecycle.create": "Create Okta group",
    "security.events.provider.create": "Create security events provider",
    "security.events.provider.update": "Update security events provider",
    "security.events.provider.activate": "Activate security events provider",
    "security.events.provider.deactivate": "Deactivate security events provider",
    "security.events.provider.delete": "Delete security events provider",
    "security.events.provider.receive_event": "Security events provider reported risk",
    "user.risk.detect": "User risk detected",
}

Target = dict[str, Any]


class SystemLog:
    """
    Events, oldest first by the time they were written.

    :param seed: where event ids come from.
    :param clock: the sandbox clock.
    :param options: says how long an event takes to show up.
    """

    def __init__(self, seed: int, clock: SandboxClock, options: Options) -> None:
        self._seed = seed
        self._clock = clock
        self._options = options
        self.events: list[dict[str, Any]] = []
        self.times: list[float] = []

    def write(
        self,
        event_type: str,
        targets: list[Target],
        *,
        actor: dict[str, Any] | None = None,
        client_host: str = "127.0.0.1",
        request_id: str = "",
        request_uri: str = "",
        debug: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Append an event at the present moment and return it."""
        # Whole milliseconds, so that the time an event shows is the time it is found by.
        now = math.floor(self._clock.timestamp() * 1000) / 1000
        event = {
            "uuid": uuid_of(self._seed, "event", len(self.events)),
            "published": iso_milliseconds(now),
            "eventType": event_type,
            "version": "0",
            "severity": "INFO",
            "displayMessage": _DISPLAY[event_type],
            "actor": actor or _administrator(self._seed),
            "client": {"zone": "null", "device": "Unknown", "ipAddress": client_host},
            "authenticationContext": {"authenticationStep": 0, "externalSessionId": "unknown"},
            "outcome": {"result": "SUCCESS"},
            "securityContext": {},
            "debugContext": {
                "debugData": {
                    "requestId": request_id,
                    "requestUri": request_uri,
                    "url": request_uri,
                    **(debug or {}),
                }
            },
            "transaction": {"type": "WEB", "id": request_id, "detail": {}},
            "request": {"ipChain": [{"ip": client_host, "version": "V4"}]},
            "target": targets,
        }
        self.events.append(event)
        self.times.append(now)
        return event

    def visible(self) -> list[int]:
        """Return the places of the events that show up by now, in the order they were written."""
        latest = self._clock.timestamp() - self._options.log_delay_seconds
        return [place for place, written in enumerate(self.times) if written <= latest]


def user_target(user: OktaUser) -> Target:
    """Return a user as a log target."""
    return {
        "id": user.id,
        "type": "User",
        "alternateId": user.login,
        "displayName": f"{user.first_name} {user.last_name}",
    }


def group_target(group: OktaGroup) -> Target:
    """Return a group as a log target."""
    return {"id": group.id, "type": "UserGroup", "alternateId": "unknown", "displayName": group.name}


def provider_target(provider: SecurityEventsProvider) -> Target:
    """Return a security events provider as a log target."""
    return {
        "id": provider.id,
        "type": "SecurityEventsProvider",
        "alternateId": provider.issuer,
        "displayName": provider.name,
        "detailEntry": {
            "issuer": provider.issuer,
            "jwksUrl": provider.jwks_url,
            "name": provider.name,
            "type": provider.type,
        },
    }


def _administrator(seed: int) -> dict[str, Any]:
    return {
        "id": "00u" + text_of(17, seed, "administrator"),
        "type": "User",
        "alternateId": "svc-okta-ure@corp.example",
        "displayName": "Okta URE service account",
    }
