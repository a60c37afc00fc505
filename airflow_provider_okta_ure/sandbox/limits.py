"""Rate limits: Okta's per-minute buckets and Netskope's requests per second, both by the sandbox clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from airflow_provider_okta_ure.sandbox.options import RATE_LIMIT_PROFILES, Options

PUSH_BUCKET = "/security/api/v1/security-events"
OAUTH_BUCKET = "/oauth2/v1/token"


@dataclass(slots=True)
class Standing:
    """How a bucket stands after a request: what the three headers say, and whether the request fits in."""

    bucket: str
    limit: int
    remaining: int
    reset: int
    allowed: bool


@dataclass(slots=True)
class _Window:
    ends_at: int = 0
    used: int = 0


class OktaBuckets:
    """
    Counts requests per bucket; a window starts at the bucket's first request and lasts a minute.

    :param options: the switches that say how large the buckets are.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._windows: dict[str, _Window] = {}
        self._fixed: dict[str, int] = {}

    def set_limit(self, bucket: str, limit: int | None) -> None:
        """Fix the effective limit of a bucket; None goes back to the profile's."""
        if bucket not in self.names():
            raise ValueError(f"There is no bucket {bucket!r}. Known: {', '.join(self.names())}.")
        if limit is None:
            self._fixed.pop(bucket, None)
        else:
            self._fixed[bucket] = limit

    def names(self) -> list[str]:
        """Return the names of all buckets."""
        return [*RATE_LIMIT_PROFILES[self._options.rate_limit_profile], PUSH_BUCKET]

    def limit(self, bucket: str) -> int:
        """Return the effective limit: the org's, times the share a token may use."""
        if bucket in self._fixed:
            return self._fixed[bucket]
        if bucket == PUSH_BUCKET:
            return self._options.push_rate_limit
        org_wide = RATE_LIMIT_PROFILES[self._options.rate_limit_profile][bucket]
        return max(1, math.floor(org_wide * self._options.token_rate_share))

    def take(self, bucket: str, now: float, count: int = 1) -> Standing:
        """Count a request (or several, as another client's) and return how the bucket stands."""
        window = self._windows.setdefault(bucket, _Window())
        if now >= window.ends_at:
            window.ends_at = math.floor(now) + self._options.rate_limit_window_seconds
            window.used = 0
        limit = self.limit(bucket)
        allowed = window.used + count <= limit
        window.used = min(limit, window.used + count)
        return Standing(bucket, limit, limit - window.used, window.ends_at, allowed)

    def clear(self) -> None:
        """Empty all windows and forget fixed limits."""
        self._windows.clear()
        self._fixed.clear()

    def to_dict(self) -> dict[str, Any]:
        """Return limit, use and end of window of every bucket."""
        return {
            name: {
                "limit": self.limit(name),
                "used": self._windows[name].used if name in self._windows else 0,
                "reset": self._windows[name].ends_at if name in self._windows else None,
            }
            for name in self.names()
        }


class NetskopeLimiter:
    """
    Requests a second, per endpoint or shared by all.

    :param options: the switches that hold the number and the scope.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._windows: dict[str, _Window] = {}

    def take(self, endpoint: str, now: float) -> Standing | None:
        """Count a request and return how things stand; None when the limit is switched off."""
        limit = self._options.netskope_rate_limit
        if not limit:
            return None
        name = endpoint if self._options.netskope_rate_limit_scope == "endpoint" else "shared"
        window = self._windows.setdefault(name, _Window())
        second = math.floor(now) + 1
        if window.ends_at != second:
            window.ends_at, window.used = second, 0
        allowed = window.used < limit
        window.used = min(limit, window.used + 1)
        return Standing(name, limit, limit - window.used, 1, allowed)

    def clear(self) -> None:
        """Forget what was counted."""
        self._windows.clear()


def okta_bucket(method: str, path: str, options: Options) -> str | None:
    """Return the bucket a request counts against: the exact path first, then the longest prefix."""
    if path in (PUSH_BUCKET, OAUTH_BUCKET):
        return path
    if not path.startswith("/api/v1"):
        return None
    parts = path.strip("/").split("/")[2:]
    if parts[:1] == ["users"]:
        return _users_bucket(method, parts, options)
    if parts[:1] == ["groups"]:
        return "/api/v1/groups/{id}" if len(parts) == 2 else "/api/v1/groups"
    if parts[:1] == ["logs"]:
        return "/api/v1/logs"
    return "/api/v1"


def _users_bucket(method: str, parts: list[str], options: Options) -> str:
    if len(parts) == 2:
        return "/api/v1/users/{idOrLogin}" if method == "GET" else "/api/v1/users/{id}"
    if len(parts) == 3 and parts[2] == "risk":
        return options.risk_bucket
    return "/api/v1/users"
