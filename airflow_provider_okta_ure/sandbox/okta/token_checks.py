"""Checks a security event token step by step, with nothing but the specification and plain RSA."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from airflow_provider_okta_ure.sandbox.okta.jose import JoseError, decode, public_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.options import Options

_OKTA = "https://schemas.okta.com/secevent/okta/event-type/"
_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"

USER_RISK_CHANGE = _OKTA + "user-risk-change"

_LEVELS = ("low", "medium", "high", "secure", "none")
_COMPLIANCE = ("compliant", "not-compliant")
_ENTITIES = ("admin", "user", "policy", "system")

#: Event type: Okta's internal name for it, and its required fields with their allowed values (None: any
#: text). The second name of a field is the one that Okta's error descriptions use.
_EVENTS: dict[str, tuple[str, dict[str, tuple[str, tuple[str, ...] | None]]]] = {
    USER_RISK_CHANGE: (
        "mediationUserRiskChangeEvent",
        {"current_level": ("currentRiskLevel", _LEVELS), "previous_level": ("previousRiskLevel", _LEVELS)},
    ),
    _OKTA + "device-risk-change": (
        "mediationDeviceRiskChangeEvent",
        {"current_level": ("currentRiskLevel", _LEVELS), "previous_level": ("previousRiskLevel", _LEVELS)},
    ),
    _OKTA + "ip-change": (
        "mediationIpChangeEvent",
        {
            "current_ip_address": ("currentIpAddress", None),
            "previous_ip_address": ("previousIpAddress", None),
        },
    ),
    _CAEP + "session-revoked": ("caepSessionRevokedEvent", {}),
    _CAEP + "device-compliance-change": (
        "mediationDeviceComplianceChangeEvent",
        {
            "current_status": ("currentStatus", _COMPLIANCE),
            "previous_status": ("previousStatus", _COMPLIANCE),
        },
    ),
    _RISC + "identifier-changed": ("riscIdentifierChangedEvent", {"new-value": ("newValue", None)}),
}

_BLANK = "The field cannot be left blank"
_NOT_ALLOWED = "Not one of the allowed values."


class RejectedTokenError(Exception):
    """A token that is refused, with the two texts of the answer."""

    def __init__(self, err: str, description: str) -> None:
        super().__init__(f"{err}: {description}")
        self.err = err
        self.description = description


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart but not yet trusted."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read_token(media_type: str, body: bytes, options: Options) -> Token:
    """
    Return the parts of a token, whose header is checked: typ, alg and kid.

    :raises RejectedTokenError: when the body is no raw compact JWS.
    """
    text = _raw_text(media_type, body, options)
    parts = text.split(".")
    if len(parts) != 3 or not all(parts[:2]):
        raise RejectedTokenError("invalid_request", "The request body is not a security event token.")
    header = _object(parts[0], "invalid_request", "The header of the security event token is not valid.")
    if header.get("typ") != "secevent+jwt":
        raise RejectedTokenError(
            "invalid_request", "The 'typ' of the security event token must be secevent+jwt."
        )
    if header.get("alg") != "RS256":
        raise RejectedTokenError("invalid_request", "The 'alg' of the security event token must be RS256.")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise RejectedTokenError("invalid_request", "The 'kid' of the security event token is missing.")
    unreadable = "Invalid payload in security event token, cannot convert to json"
    claims = _object(parts[1], "authentication_failed", unreadable)
    return Token(
        header, claims, f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2], "authentication_failed")
    )


def check_audience(token: Token, org_url: str, options: Options) -> list[str]:
    """Return remarks about the audience, which must be the org's URL as a text."""
    audience = token.claims.get("aud")
    if audience == org_url:
        return []
    if audience == org_url + "/" and not options.set_audience_strict:
        return ["the audience has a slash at the end"]
    raise RejectedTokenError("invalid_audience", "The audience of the security event token is not this org.")


def check_signature(token: Token, key: dict[str, Any]) -> None:
    """Refuse a key that cannot be used for RS256, and a signature that it did not make."""
    unusable = RejectedTokenError("invalid_key", "The key is not an RSA signing key for RS256.")
    if (
        key.get("kty") != "RSA"
        or key.get("use") not in (None, "sig")
        or key.get("alg") not in (None, "RS256")
    ):
        raise unusable
    try:
        signer = public_key(key)
    except JoseError as error:
        raise RejectedTokenError("invalid_key", "The key cannot be read.") from error
    if not isinstance(signer, RSAPublicKey):
        raise unusable
    if signer.key_size < 2048:
        raise RejectedTokenError("invalid_key", "The key has less than 2048 bits.")
    try:
        signer.verify(token.signature, token.signed, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        failed = "Could not verify message signature of the security event token."
        raise RejectedTokenError("authentication_failed", failed) from error


def check_claims(token: Token, now: float, options: Options) -> list[str]:
    """Return remarks about claims that are unusual but accepted; refuse those that are not."""
    problems = []
    claims, remarks = token.claims, []
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        problems.append(("jti", _BLANK))
    issued_at = claims.get("iat")
    if not isinstance(issued_at, int) or isinstance(issued_at, bool):
        problems.append(("iat", _BLANK if issued_at is None else "Must be whole seconds as an integer."))
    elif issued_at > now + 300:
        ahead = int(issued_at - now)
        remarks.append(f"iat is {ahead} seconds in the future")
        most = options.set_iat_max_future_seconds
        if most is not None and ahead > most:
            problems.append(("iat", "The time is in the future."))
    problems += [(name, "The claim is not allowed.") for name in ("exp", "sub") if name in claims]
    _refuse(problems)
    return remarks


def check_event(token: Token, options: Options) -> tuple[str, dict[str, Any]]:
    """Return the one event of a token: its type, and what it says."""
    events = token.claims.get("events")
    if not isinstance(events, dict) or not events:
        raise _refusal([("events", _BLANK)])
    if len(events) != 1:
        raise _refusal([("events", "Exactly one event is expected.")])
    event_type, event = next(iter(events.items()))
    if event_type not in _EVENTS:
        raise _refusal([("events", "The event type is not supported.")])
    if not isinstance(event, dict):
        raise _refusal([("events", _BLANK)])
    name, fields = _EVENTS[event_type]
    problems = _field_problems(event, fields) + _common_problems(event, options)
    if event_type == USER_RISK_CHANGE:
        problems += _subject_problems(event)
    _refuse([(f"events.{name}.{field}", text) for field, text in problems])
    return event_type, event


def _field_problems(
    event: dict[str, Any], fields: dict[str, tuple[str, tuple[str, ...] | None]]
) -> list[tuple[str, str]]:
    problems = []
    for field, (shown, allowed) in fields.items():
        value = event.get(field)
        if value is None or value == "":
            problems.append((shown, _BLANK))
        elif not isinstance(value, str) or (allowed and value not in allowed):
            problems.append((shown, _NOT_ALLOWED))
    return problems


def _common_problems(event: dict[str, Any], options: Options) -> list[tuple[str, str]]:
    problems = []
    if not isinstance(event.get("subject"), dict) or not event["subject"]:
        problems.append(("subject", _BLANK))
    problem = _timestamp_problem(event.get("event_timestamp"), options)
    if problem:
        problems.append(("eventTimestamp", problem))
    if "initiating_entity" in event and event["initiating_entity"] not in _ENTITIES:
        problems.append(("initiatingEntity", _NOT_ALLOWED))
    for name, shown in (("reason_admin", "reasonAdmin"), ("reason_user", "reasonUser")):
        if name in event and not _is_reason(event[name]):
            problems.append((f"{shown}.en", _BLANK))
    if options.set_reason_required and "reason_admin" not in event and "reason_user" not in event:
        problems.append(("reasonAdmin", _BLANK))
    return problems


def _subject_problems(event: dict[str, Any]) -> list[tuple[str, str]]:
    subject = event.get("subject")
    if not isinstance(subject, dict) or not subject:
        return []
    user = subject.get("user")
    if not isinstance(user, dict):
        return [("subject.user", _BLANK)]
    if user.get("format") != "email":
        return [("subject.user.format", _NOT_ALLOWED)]
    if not isinstance(user.get("email"), str) or not user["email"]:
        return [("subject.user.email", _BLANK)]
    return []


def _timestamp_problem(value: Any, options: Options) -> str | None:
    if value is None:
        return _BLANK
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "Must be a number."
    if options.set_timestamp_strict and (not _is_int(value) or value > 100_000_000_000):
        return "Must be whole seconds as an integer."
    return None


def _refuse(problems: list[tuple[str, str]]) -> None:
    if problems:
        raise _refusal(problems)


def _refusal(problems: list[tuple[str, str]]) -> RejectedTokenError:
    texts = ", ".join(f"'{name}': {text}" for name, text in problems)
    return RejectedTokenError("invalid_request", f"Failed claim validation in security event token. {texts}")


def _is_reason(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("en"), str) and bool(value["en"])


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _raw_text(media_type: str, body: bytes, options: Options) -> str:
    allowed = ("application/secevent+jwt", "application/json")
    if media_type not in (allowed if options.set_body_lenient else allowed[:1]):
        wrong_type = "The Content-Type must be application/secevent+jwt."
        raise RejectedTokenError("invalid_request", wrong_type)
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError as error:
        raise RejectedTokenError(
            "invalid_request", "The request body is not a security event token."
        ) from error
    if options.set_body_lenient and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    return text


def _object(part: str, err: str, description: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part, err))
    except (ValueError, RecursionError) as error:
        raise RejectedTokenError(err, description) from error
    if not isinstance(value, dict):
        raise RejectedTokenError(err, description)
    return value


def _decoded(part: str, err: str) -> bytes:
    """Return the bytes of base64url text, which must be without padding, white space or other alphabets."""
    try:
        return decode(part)
    except JoseError as error:
        raise RejectedTokenError(err, "The security event token is not base64url encoded.") from error
