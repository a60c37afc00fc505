# SPDX-License-Identifier: Apache-2.0
"""Security event tokens (RFC 8417) that tell Okta about a change of a user's risk."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from airflow_provider_okta_ure.clients.hosts import okta_base_url
from airflow_provider_okta_ure.core.models import RiskLevel
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.keys import SigningKey

EVENT_TYPE = "https://schemas.okta.com/secevent/okta/event-type/user-risk-change"
TOKEN_TYPE = "secevent+jwt"  # noqa: S105  # a media type
INITIATING_ENTITIES = ("admin", "user", "policy", "system")


def derive_jti(
    *,
    issuer: str,
    audience: str,
    user: str,
    as_of: datetime,
    previous: RiskLevel,
    current: RiskLevel,
    after: datetime | None = None,
    revision: int = 0,
) -> str:
    """
    Return the id of the token for a change: the same for the same change, whoever sends it and when.

    Okta ignores a token whose id it has seen, so the same change has no second effect.

    :param user: whose risk changed; compared without regard to case.
    :param as_of: the moment that the change speaks for (aware).
    :param previous: the level before; up is risk.
    :param current: the level now; up is risk.
    :param after: the moment of an old change that was pushed late, when this one only puts the newest level
        back; None = it is a change of its own.
    :param revision: above 0, a level for the same time was sent before: it was corrected since, or the System
        Log does not have the signal. Okta ignores an id that it has seen.
    """
    # JSON keeps the parts apart: ("ab", "c") and ("a", "bc") are two different texts.
    parts = ["risk-change-1", issuer, audience, fold(user), _moment(as_of), previous, current]
    if after is not None:
        parts.append(_moment(after))
    if revision:
        parts.append(f"revision {revision}")
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _moment(moment: datetime) -> str:
    if moment.utcoffset() is None:
        raise ConfigurationError(
            f"The moment {moment.isoformat()} has no UTC offset.", remedy="Use an aware datetime."
        )
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")


def build_risk_change(
    key: SigningKey,
    *,
    issuer: str,
    audience: str,
    subject: str,
    current_level: RiskLevel,
    previous_level: RiskLevel,
    event_timestamp: int,
    issued_at: int,
    reason_admin: str,
    reason_user: str | None = None,
    initiating_entity: str = "policy",
    jti: str,
) -> str:
    """
    Return the signed token, a compact JWS.

    :param key: signs it; Okta finds the public half by its ``key_id``.
    :param issuer: ours, exactly as the security events provider has it.
    :param audience: the org's URL, without a slash at the end.
    :param subject: the user's login, in the form of an e-mail address.
    :param current_level: the level now; up is risk.
    :param previous_level: the level before; up is risk.
    :param event_timestamp: when it changed, in whole seconds since 1970.
    :param issued_at: when the token is made, in whole seconds since 1970.
    :param reason_admin: why, for Okta's administrators.
    :param reason_user: why, for the user.
    :param initiating_entity: who made it change: admin, user, policy or system.
    :param jti: the id of the token, from :func:`derive_jti`.
    :raises ConfigurationError: one of the parts cannot be right.
    """
    if not issuer or not jti:
        raise ConfigurationError("A security event needs an issuer and an id.", remedy="Set `issuer`.")
    event: dict[str, Any] = {
        "subject": {"user": {"format": "email", "email": _subject(subject)}},
        "event_timestamp": _seconds("event_timestamp", event_timestamp),
        "current_level": _level("current_level", current_level),
        "previous_level": _level("previous_level", previous_level),
        "initiating_entity": _one_of("initiating_entity", initiating_entity, INITIATING_ENTITIES),
        # Okta: one of the two reasons is required.
        "reason_admin": {"en": _reason(reason_admin)},
    }
    if reason_user is not None:
        event["reason_user"] = {"en": _reason(reason_user)}
    claims = {
        "iss": issuer,
        "jti": jti,
        "iat": _seconds("issued_at", issued_at),
        "aud": _audience(audience),
        "events": {EVENT_TYPE: event},
    }
    return key.sign(msgspec.json.encode(claims), typ=TOKEN_TYPE)


@lru_cache(maxsize=64)
def _audience(audience: str) -> str:
    spelled = okta_base_url(audience, allow_custom_domain=True)
    if spelled != audience:
        raise ConfigurationError(
            f"The audience is {audience!r}.", remedy=f"Use the org's URL as it is: {spelled}."
        )
    return audience


def _subject(subject: str) -> str:
    local, at, domain = subject.rpartition("@")
    if not (at and local and domain) or any(character.isspace() for character in subject):
        raise ConfigurationError(
            "Okta wants the user's login as an e-mail address, and this is none.",
            remedy="Use the user's e-mail address, if the login is not one.",
        )
    return subject


def _seconds(name: str, value: object) -> int:
    # A bool is an int to Python, and milliseconds are ints as well: the year 5138 starts at 1e11 seconds.
    if type(value) is not int or not 0 <= value < 100_000_000_000:
        raise ConfigurationError(
            f"{name} is not a number of whole seconds since 1970.", remedy="Use int(moment.timestamp())."
        )
    return value


def _level(name: str, value: str) -> str:
    return _one_of(name, value, get_args(RiskLevel))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{name} is {value!r}.", remedy=f"Use one of {', '.join(allowed)}.")
    return value


def _reason(text: str) -> str:
    cleaned = " ".join(text.split())
    if not cleaned:
        raise ConfigurationError(
            "The reason of a security event is empty.", remedy="Say why, in a few words."
        )
    return cleaned
