"""What a pretend Okta org holds: users, groups, group rules, providers, risk levels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

USER_STATUSES = (
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
)
GROUP_TYPES = ("OKTA_GROUP", "APP_GROUP", "BUILT_IN")

_PROFILE = """
login email secondEmail firstName lastName middleName honorificPrefix honorificSuffix title
displayName nickName profileUrl primaryPhone mobilePhone streetAddress city state zipCode
countryCode postalAddress preferredLanguage locale timezone userType employeeNumber costCenter
organization division department managerId manager
"""
#: Attributes of a user profile that can be searched for.
PROFILE_ATTRIBUTES = frozenset(_PROFILE.split())


@dataclass(slots=True)
class OktaUser:
    """A user; times are ISO texts, ``number`` is the place in order of creation."""

    number: int
    id: str
    status: str
    login: str
    email: str
    first_name: str
    last_name: str
    created: str
    last_updated: str
    activated: str | None = None
    status_changed: str | None = None
    last_login: str | None = None
    password_changed: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    rendered: bytes | None = field(default=None, repr=False, compare=False)

    def values_of(self, attribute: str) -> list[Any]:
        """Return what an attribute of a search expression stands for."""
        if attribute.startswith("profile."):
            return [self.profile().get(attribute[8:])]
        if attribute == "type.id":
            return [USER_TYPE_ID]
        return [getattr(self, _USER_FIELDS[attribute])]

    def profile(self) -> dict[str, str | None]:
        """Return the profile as Okta shows it."""
        return {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "mobilePhone": None,
            "secondEmail": None,
            "login": self.login,
            "email": self.email,
            **self.attributes,
        }


@dataclass(slots=True)
class OktaGroup:
    """A group; ``members`` holds the numbers of users and is unused for Everyone, which has all of them."""

    number: int
    id: str
    type: str
    name: str
    description: str | None
    created: str
    last_updated: str
    last_membership_updated: str
    source_id: str | None = None
    members: set[int] = field(default_factory=set)

    def values_of(self, attribute: str) -> list[Any]:
        """Return what an attribute of a search expression stands for."""
        return [getattr(self, _GROUP_FIELDS[attribute])]


@dataclass(slots=True)
class GroupRule:
    """Puts everybody of a department into a group, except those on its exclusion list."""

    id: str
    name: str
    group_id: str
    department: str
    excluded: set[int] = field(default_factory=set)


@dataclass(slots=True)
class SecurityEventsProvider:
    """Somebody whose security event tokens the org accepts while it is ACTIVE."""

    id: str
    name: str
    type: str
    status: str
    issuer: str
    jwks_url: str
    well_known_url: str | None = None


@dataclass(slots=True)
class UserRisk:
    """The risk level recorded for a user; ``source`` is ``admin`` or ``security event``."""

    level: str
    reason: str
    source: str


USER_TYPE_ID = "oty1sandbox0default7"

_USER_FIELDS = {
    "id": "id",
    "status": "status",
    "created": "created",
    "activated": "activated",
    "statusChanged": "status_changed",
    "lastUpdated": "last_updated",
}
_GROUP_FIELDS = {
    "id": "id",
    "type": "type",
    "created": "created",
    "lastUpdated": "last_updated",
    "lastMembershipUpdated": "last_membership_updated",
    "source.id": "source_id",
    "profile.name": "name",
    "profile.description": "description",
}
USER_TOP_LEVEL = frozenset(_USER_FIELDS)
GROUP_ATTRIBUTES = frozenset(_GROUP_FIELDS)
