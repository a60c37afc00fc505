# SPDX-License-Identifier: Apache-2.0
"""One request, as often as it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_provider_okta_ure.clients.auth import NoAuth, OriginAuth

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Call:
    """
    What is asked for, and what may be done about it when there is no answer.

    :param bucket: the rate limit it counts against.
    :param repeatable: whether sending it twice does no more than sending it once.
    :param expect: the type of the body of a success; None = there is none, or it does not matter.
    :param accepts: the statuses that mean success.
    :param secrets: what messages about it must not repeat, besides what authorises it.
    """

    method: str
    url: str = field(repr=False)
    bucket: str
    repeatable: bool
    expect: Any
    accepts: tuple[int, ...] = (200,)
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: OriginAuth = field(default_factory=NoAuth)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def path(self) -> str:
        """The path for messages: without the query, and without segments that name a person."""
        segments = urlsplit(self.url).path.split("/")
        return "/".join("{login}" if "@" in unquote(segment) else segment for segment in segments)

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}"
