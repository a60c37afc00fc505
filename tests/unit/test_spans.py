"""Spans of time as text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("14d", timedelta(days=14)),
        (" 12 h ", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("5s", timedelta(seconds=5)),
        (timedelta(hours=1), timedelta(hours=1)),
        (None, None),
        ("", None),
    ],
)
def test_a_span_is_read(text: Any, span: timedelta | None) -> None:
    assert to_span(text, "x") == span


@pytest.mark.parametrize("text", ["14", "0d", "-1d", "d", "1w", "1.5d", "999999d", timedelta(0), 5, True])
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="expires_after is"):
        to_span(text, "expires_after")
