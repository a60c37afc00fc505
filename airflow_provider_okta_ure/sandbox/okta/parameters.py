"""Reads query parameters and JSON bodies the way Okta does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.okta.errors import OktaError, invalid, malformed

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.http import Request

_FIELDS = re.compile(r"\s*(?:profile:\(([^)]*)\)|([^,()]+))\s*(?:,|$)")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def page_limit(text: str | None, default: int, maximum: int) -> int:
    """Return how many rows a page holds; more than the maximum is cut down to it."""
    if text is None or text == "":
        return default
    if not text.lstrip("-").isdecimal():
        raise invalid("limit", f"limit: '{text}' is not a number")
    if int(text) < 1:
        raise invalid("limit", "limit: must be greater than or equal to 1")
    return min(int(text), maximum)


def json_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; otherwise 400, and so are characters beyond the BMP."""
    if request.media_type != "application/json":
        raise OktaError(400, "E0000021")
    try:
        value = request.json()
    except (ValueError, RecursionError) as error:
        raise malformed() from error
    if not isinstance(value, dict):
        raise malformed()
    name = _beyond_bmp(value, "")
    if name is not None:
        raise invalid(name, f"{name}: characters outside of the Basic Multilingual Plane are not supported")
    return value


def refuse_beyond_bmp(query: dict[str, str]) -> None:
    """Answer 400 when a query parameter holds characters that need four bytes in UTF-8."""
    for name, value in query.items():
        if _BEYOND_BMP.search(value):
            cause = f"{name}: characters outside of the Basic Multilingual Plane are not supported"
            raise invalid(name, cause)


def omitted_parts(content_type: str) -> frozenset[str]:
    """Return what the Content-Type parameter ``okta-response`` asks to leave out."""
    match = re.search(r'okta-response\s*=\s*"?([^";]*)', content_type, re.IGNORECASE)
    return frozenset(re.split(r"[,\s]+", match[1].strip())) if match else frozenset()


def requested_fields(text: str) -> tuple[list[str], list[str] | None]:
    """Return the top-level and the profile fields that ``fields`` asks for; None stands for no profile."""
    fields: list[str] = []
    profile: list[str] | None = None
    for inside, name in _FIELDS.findall(text):
        if name:
            fields.append(name.strip())
        else:
            profile = [part.strip() for part in inside.split(",")]
    return fields, profile


def _beyond_bmp(value: Any, name: str) -> str | None:
    if isinstance(value, str):
        return name if _BEYOND_BMP.search(value) else None
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        found = _beyond_bmp(part, key if isinstance(key, str) else name)
        if found is not None:
            return found
    return None
