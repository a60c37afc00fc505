"""Fetches documents a security events provider publishes: signing keys and the well-known document."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox.clock import SandboxClock
    from airflow_provider_okta_ure.sandbox.options import Options

_MAX_BYTES = 262_144


class FetchError(Exception):
    """A document could not be fetched, or is not what it should be."""


@dataclass(slots=True)
class _Cached:
    keys: list[dict[str, Any]] = field(default_factory=list)
    fetched_at: float = 0.0
    error: str = ""


class KeyFetcher:
    """
    The keys behind every JWKS address, fetched over HTTP and kept as long as the switches say.

    :param clock: the sandbox clock, by which cached keys grow old.
    :param options: the switches for caching and time-out.
    :param trust: says by which certificates an address is checked (a file, or True for the usual ones).
    """

    def __init__(self, clock: SandboxClock, options: Options, trust: Callable[[str], str | bool]) -> None:
        self._clock = clock
        self._options = options
        self._trust = trust
        self._cache: dict[str, _Cached] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.fetches = 0

    def clear(self) -> None:
        """Forget all keys."""
        self._cache.clear()
        self._locks.clear()
        self.fetches = 0

    async def key(self, address: str, kid: str) -> dict[str, Any]:
        """
        Return the key with this id.

        :raises FetchError: when the address cannot be read or holds no such key.
        """
        async with self._locks.setdefault(address, asyncio.Lock()):
            cached = self._cache.get(address)
            if cached is None or self._is_due(cached, kid):
                cached = self._cache[address] = await self._fetch(address)
        if cached.error:
            raise FetchError(cached.error)
        for key in cached.keys:
            if key.get("kid") == kid:
                return key
        raise FetchError(f"the JWKS holds no key with the kid '{kid}'")

    async def well_known(self, address: str) -> tuple[str, str]:
        """
        Return issuer and jwks_uri from a well-known document.

        :raises FetchError: when it cannot be read or lacks one of them.
        """
        timeout = self._options.jwks_timeout_seconds
        document = await asyncio.to_thread(fetch_json, address, timeout, self._trust(address))
        issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
        if not isinstance(issuer, str) or not isinstance(jwks_uri, str):
            raise FetchError("the document lacks issuer or jwks_uri")
        return issuer, jwks_uri

    def _is_due(self, cached: _Cached, kid: str) -> bool:
        age = self._clock.timestamp() - cached.fetched_at
        if age < 0 or age >= self._options.jwks_cache_seconds:
            return True
        is_missing = not any(key.get("kid") == kid for key in cached.keys)
        return is_missing and age >= self._options.jwks_refetch_seconds

    async def _fetch(self, address: str) -> _Cached:
        self.fetches += 1
        cached = _Cached(fetched_at=self._clock.timestamp())
        try:
            timeout = self._options.jwks_timeout_seconds
            document = await asyncio.to_thread(fetch_json, address, timeout, self._trust(address))
        except FetchError as error:
            cached.error = str(error)
            return cached
        keys = document.get("keys")
        if isinstance(keys, list):
            cached.keys = [key for key in keys if isinstance(key, dict)]
        else:
            cached.error = "the JWKS has no list of keys"
        return cached


def fetch_json(address: str, timeout: float, trust: str | bool = True) -> dict[str, Any]:
    """
    Return the JSON object at an address: no redirects, bounded in time and size, application/json only.

    :raises FetchError: saying what went wrong.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.get(
                address, timeout=timeout, allow_redirects=False, stream=True, verify=trust
            ) as response:
                if response.status_code != 200:
                    raise FetchError(f"the address answered {response.status_code}")
                media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if media_type != "application/json":
                    raise FetchError(f"the address answered with the content type '{media_type}'")
                document = json.loads(_bounded(response, time.monotonic() + timeout))
    except (requests.RequestException, ValueError) as error:
        raise FetchError("the address could not be read") from error
    if not isinstance(document, dict):
        raise FetchError("the document is no JSON object")
    return document


def _bounded(response: requests.Response, deadline: float) -> bytes:
    body = b""
    for chunk in response.iter_content(16_384):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise FetchError("the document is too large")
        if time.monotonic() > deadline:
            raise FetchError("the document took too long")
    return body
