# SPDX-License-Identifier: Apache-2.0
"""What the HTTP layer has to know of a service: its name, its rate limit headers, its way to say no."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_okta_ure.clients.answers import Refusal
    from airflow_provider_okta_ure.clients.limits import Window
    from airflow_provider_okta_ure.errors import ApiError

# What is said twice is joined by a comma, and a date has one itself: RFC 9110 section 5.6.7.
_DATE = re.compile(r"[A-Za-z]{3,9}, [^,]+|[A-Za-z]{3} [A-Za-z]{3} [^,]+")


_LAST_MOMENT = 253_370_764_800.0  # the beginning of the year 9999


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


def number_in(
    headers: Mapping[str, str], name: str, *, of_several: Callable[[Iterable[float]], float] = max
) -> float | None:
    """
    Return the number of 0 or more in a header; None when there is none.

    Gateways write some headers twice; they come as one, joined by commas.

    :param of_several: which one counts if they differ.

    >>> number_in({"Retry-After": "40"}, "Retry-After"), number_in({"Retry-After": "soon"}, "Retry-After")
    (40.0, None)
    >>> number_in({"X-Rate-Limit-Limit": "600, 600"}, "X-Rate-Limit-Limit")
    600.0
    """
    texts = [text.strip() for text in headers.get(name, "").split(",")]
    if not all(text.isascii() and text.isdigit() and len(text) < 16 for text in texts):
        return None
    return of_several(float(text) for text in texts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that ``Retry-After`` asks to wait; None when it is missing or makes no sense.

    It is a number of seconds or a moment (RFC 9110 section 10.2.3); the moment is by the server's clock.
    """
    text = headers.get("Retry-After", "")
    seconds = number_in(headers, "Retry-After")
    if seconds is not None or not text:
        return seconds
    moments = [moment for moment in map(_moment, _DATE.findall(text)) if moment is not None]
    now = server_time(headers)
    return max(0.0, max(moments) - now) if moments and now is not None else None


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return the ``Date`` of an answer as seconds since 1970; None when it has none."""
    found = _DATE.search(headers.get("Date", ""))
    return _moment(found[0]) if found else None


def _moment(text: str) -> float | None:
    try:
        seconds = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError, OSError):
        return None
    # A time zone can carry a moment beyond what a datetime can hold again.
    return seconds if 0 <= seconds <= _LAST_MOMENT else None
