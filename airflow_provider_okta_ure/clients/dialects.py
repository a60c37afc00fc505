# SPDX-License-Identifier: Apache-2.0
"""What the HTTP layer has to know of a service: its name, its rate limit headers, its way to say no."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_okta_ure.clients.answers import Refusal
    from airflow_provider_okta_ure.clients.limits import Window
    from airflow_provider_okta_ure.errors import ApiError


class Dialect(Protocol):
    """One service's way to speak HTTP."""

    @property
    def service(self) -> str:
        """Its name for messages."""

    @property
    def request_id_header(self) -> str:
        """The header with the id that its support asks for."""

    def window(self, headers: Mapping[str, str]) -> Window | None:
        """Return the rate limit that an answer describes; None when it describes none."""

    def wait_after_429(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that a 429 asks to wait; None when it names no time that makes sense."""

    def repeat_headers(self, first_request_id: str, count: int) -> Mapping[str, str]:
        """Return what the service wants to hear when a request is repeated."""

    def is_refusal(self, said: Mapping[str, Any]) -> bool:
        """Whether a body that came with a status of success is a refusal after all."""

    def error(self, refusal: Refusal) -> ApiError:
        """Put a refusal into words."""


def number_in(headers: Mapping[str, str], name: str) -> float | None:
    """Return the number of 0 or more in a header; None when there is none."""
    text = headers.get(name, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that ``Retry-After`` asks to wait; None when it is missing or makes no sense.

    It is a number of seconds or a moment (RFC 9110 section 10.2.3); the moment is by the server's clock.
    """
    text = headers.get("Retry-After", "")
    seconds = number_in(headers, "Retry-After")
    if seconds is not None or not text:
        return seconds
    moment, now = server_time({"Date": text}), server_time(headers)
    return max(0.0, moment - now) if moment is not None and now is not None else None


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return the ``Date`` of an answer as seconds since 1970; None when it has none."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
