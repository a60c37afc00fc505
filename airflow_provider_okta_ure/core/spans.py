# SPDX-License-Identifier: Apache-2.0
"""Spans of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

_SPAN = re.compile(r"(\d{1,5})\s*([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def to_span(value: object, argument: str) -> timedelta | None:
    """
    Return a span of time: a timedelta, or text such as ``14d``, ``12h``, ``30m`` or ``45s``; None stays None.

    :raises ConfigurationError: it is none of these, or not more than nothing.
    """
    if value is None or value == "":
        return None
    span = value if isinstance(value, timedelta) else None
    match = _SPAN.fullmatch(as_text(value).strip())
    if span is None and match is not None:
        span = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if span is None or span <= timedelta(0):
        raise ConfigurationError(
            f"{argument} is {shown(value)}.", remedy="Use a timedelta, or text such as 14d or 12h."
        )
    return span
