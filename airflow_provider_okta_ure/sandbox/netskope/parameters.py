"""Reads bodies and query parameters of Netskope requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.http import Request
    from airflow_provider_okta_ure.sandbox.options import Options


def json_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty object."""
    if not request.body:
        return {}
    try:
        value = request.json()
    except (ValueError, RecursionError) as error:
        raise NetskopeError(400, "The request body is not valid JSON") from error
    if not isinstance(value, dict):
        raise NetskopeError(400, "The request body must be a JSON object")
    return value


def whole_number(value: Any, name: str, default: int, least: int = 0) -> int:
    """Return a number given as JSON or in a query string."""
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise NetskopeError(400, f"{name} must be an integer of at least {least}")
    return value


def spelled(name: str, options: Options) -> str:
    """Return a user name in the letter case the switch asks for."""
    if options.netskope_case == "lower":
        return name.lower()
    if options.netskope_case == "upper":
        return name.upper()
    if options.netskope_case == "mixed":
        return "".join(letter.upper() if place % 2 else letter.lower() for place, letter in enumerate(name))
    return name
