# SPDX-License-Identifier: Apache-2.0
"""Okta's JSON and our models, one turned into the other; camelCase and upper-case levels live only here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, get_args
from urllib.parse import quote

import msgspec

from airflow_provider_okta_ure.clients.answers import clean_text
from airflow_provider_okta_ure.core.models import (
    OktaGroup,
    OktaUser,
    RiskLevel,
    SecurityEventsProvider,
    UserRisk,
)
from airflow_provider_okta_ure.core.names import is_text
from airflow_provider_okta_ure.errors import ConfigurationError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_REASON = 500

_ORG_ID = re.compile(r"\w{1,100}", re.ASCII)
# Okta: the only characters that the reason of a user's risk may have; \s would let line breaks pass.
_NOT_IN_A_REASON = re.compile(r"[^a-zA-Z0-9 \-,.]")


class WireUserProfile(msgspec.Struct):
    login: str | None = None
    email: str | None = None


_Id = Annotated[str, msgspec.Meta(min_length=1)]


class WireUser(msgspec.Struct):
    """What we read of a user; who has an id is somebody, whatever else is missing."""

    id: _Id
    status: str | None = None
    profile: WireUserProfile | None = None

    def to_user(self) -> OktaUser:
        profile = self.profile or WireUserProfile()
        return OktaUser(
            user_id=self.id,
            login=profile.login or "",
            email=profile.email or "",
            status=self.status or "",
        )


class WireGroupProfile(msgspec.Struct):
    name: str
    description: str | None = None


class WireGroup(msgspec.Struct):
    """What we read of a group; one whose type is not told is not ours to write."""

    id: _Id
    profile: WireGroupProfile
    type: str | None = None
    embedded: dict[str, Any] = msgspec.field(name="_embedded", default_factory=dict)

    def to_group(self) -> OktaGroup:
        return OktaGroup(
            group_id=self.id,
            name=self.profile.name,
            type=self.type or "",
            description=self.profile.description or "",
            member_count=self._member_count(),
        )

    def _member_count(self) -> int | None:
        stats = self.embedded.get("stats")
        count = stats.get("usersCount") if isinstance(stats, dict) else None
        try:
            number = msgspec.convert(count, int, strict=False)  # a number may come as text
        except msgspec.ValidationError:
            return None
        return number if number >= 0 else None


class WireRisk(msgspec.Struct, rename="camel"):
    """What we read of a user's risk."""

    risk_level: str
    reason: str | None = None

    def to_risk(self) -> UserRisk:
        return UserRisk(level=self.to_level(), reason=clean_text(self.reason))

    def to_level(self) -> RiskLevel:
        level = self.risk_level.lower()
        for known in get_args(RiskLevel):
            if level == known:
                return known  # type: ignore[no-any-return]
        raise UnexpectedAnswerError(f"Okta names a risk level that is not known here: {level[:20]!r}.")


class WireSettings(msgspec.Struct):
    issuer: str | None = None
    jwks_url: str | None = None
    well_known_url: str | None = None


class WireProvider(msgspec.Struct):
    """What we read of a security events provider."""

    id: _Id
    name: str
    status: str
    type: str | None = None
    settings: WireSettings | None = None

    def to_provider(self) -> SecurityEventsProvider:
        settings = self.settings or WireSettings()
        return SecurityEventsProvider(
            provider_id=self.id,
            name=self.name,
            type=self.type or "",
            status=self.status,
            issuer=settings.issuer or "",
            jwks_url=settings.jwks_url or "",
            well_known_url=settings.well_known_url or "",
        )


def org_id_of(said: Mapping[str, Any]) -> str | None:
    """Return the id in what an org says about itself to everybody; None when there is none."""
    org_id = said.get("id")
    return org_id if isinstance(org_id, str) and _ORG_ID.fullmatch(org_id) else None


def group_body(name: str, description: str) -> dict[str, Any]:
    """Return the JSON of a new group."""
    return {"profile": {"name": name, "description": description}}


def risk_body(level: RiskLevel, reason: str) -> dict[str, str]:
    """
    Return the JSON that sets a user's risk.

    :raises ConfigurationError: the level cannot be set; ``none`` is what Okta says when nothing is recorded.
    """
    if level not in ("low", "medium", "high"):
        raise ConfigurationError(
            f"A user's risk cannot be set to {level!r}.", remedy="Okta takes low, medium and high."
        )
    body = {"riskLevel": level.upper()}
    if reason.strip():
        body["riskReason"] = clean_reason(reason)
    return body


def clean_reason(reason: str) -> str:
    """
    Return the reason with what Okta refuses replaced by ``-``, at most 500 characters long.

    One that is longer ends with ``...``, so that nobody takes the rest of it for the whole.

    >>> clean_reason("UCI=480 (ann@corp.example)")
    'UCI-480 -ann-corp.example-'
    """
    text = _NOT_IN_A_REASON.sub("-", " ".join(reason.split()))
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 3]}..."


def provider_body(
    name: str, provider_type: str, *, issuer: str = "", jwks_url: str = "", well_known_url: str = ""
) -> dict[str, Any]:
    """
    Return the JSON of a security events provider.

    :raises ConfigurationError: it is not clear where Okta is to find the public key.
    """
    if well_known_url and not jwks_url:
        settings = {"well_known_url": well_known_url}
    elif issuer and jwks_url and not well_known_url:
        settings = {"issuer": issuer, "jwks_url": jwks_url}
    else:
        raise ConfigurationError(
            "Okta is told either issuer and JWKS URL, or a well-known URL.",
            remedy="Set `issuer` and `jwks_url`, or `well_known_url` alone.",
        )
    return {"name": name, "type": provider_type, "settings": settings}


def segment(value: str, what: str) -> str:
    """
    Return an id or a login as one segment of a path, where it cannot become anything else.

    :raises ConfigurationError: it is empty or cannot be a segment.
    """
    if not value or value in (".", "..") or "/" in value or not is_text(value):
        raise ConfigurationError(f"{value!r} is not {what}.", remedy="Give its id, as Okta shows it.")
    return quote(value, safe="")


def text_literal(value: str) -> str:
    r"""
    Return a text as it stands in a search expression.

    >>> print(text_literal('a"b'))
    "a\"b"
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
