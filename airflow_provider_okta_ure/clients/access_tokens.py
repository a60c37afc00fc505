# SPDX-License-Identifier: Apache-2.0
"""What a process remembers of signing in: access tokens, DPoP nonces, and how far its clock is off."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Scheme: TypeAlias = Literal["Bearer", "DPoP"]

SECRETS_KEPT = 8


@dataclass(frozen=True)
class AccessToken:
    """
    An access token, as long as it is of use.

    :param text: the token itself.
    :param scheme: how it is sent; ``DPoP`` means that each request needs a proof besides.
    :param scopes: what it was granted for.
    :param fresh_until: when to ask for the next one, some time before it expires, by the monotonic clock.
    """

    text: str = field(repr=False)
    scheme: Scheme
    scopes: tuple[str, ...]
    fresh_until: float


class SignIn:
    """One service app's sign-in for one set of scopes; shared by all clients and threads of the process."""

    def __init__(self) -> None:
        self.clock_offset = 0.0
        """Seconds that the server's clock is ahead of ours; 0 while the difference is small."""
        self.is_proving = False
        """Whether token requests carry a DPoP proof."""
        self.token_nonce = ""
        self.resource_nonce = ""
        self._secrets: deque[str] = deque(maxlen=SECRETS_KEPT)
        self._token: AccessToken | None = None
        self._flight: Future[AccessToken] | None = None
        self._lock = threading.Lock()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The last secrets of this sign-in; an answer can still speak of one that was replaced just now."""
        return tuple(self._secrets)

    def remember(self, secret: str) -> None:
        """Keep a secret for :attr:`secrets`."""
        if secret not in self._secrets:
            self._secrets.append(secret)

    def token(self, now: float, request: Callable[[], AccessToken]) -> AccessToken:
        """
        Return a token that is fresh, from memory if possible.

        Of many threads that need one, the first requests it; the others get what it gets, also its error.

        :param now: the time by the monotonic clock.
        :param request: requests a token.
        :raises OktaUreError: what ``request`` raised.
        """
        with self._lock:
            if self._token is not None and now < self._token.fresh_until:
                return self._token
            flight, leads = self._flight, self._flight is None
            if flight is None:
                flight = self._flight = Future()
        return self._lead(flight, request) if leads else flight.result()

    def forget(self, text: str) -> None:
        """Never return this token again; another one, which came in the meantime, stays."""
        with self._lock:
            if self._token is not None and self._token.text == text:
                self._token = None

    def _lead(self, flight: Future[AccessToken], request: Callable[[], AccessToken]) -> AccessToken:
        try:
            token = request()
        except BaseException as error:
            with self._lock:
                self._flight = None
            flight.set_exception(error)
            raise
        with self._lock:
            self._token, self._flight = token, None
        flight.set_result(token)
        return token

    def __repr__(self) -> str:
        return "SignIn(***)"


class SignIns:
    """The sign-ins of a process, by what makes them different."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sign_ins: dict[Hashable, SignIn] = {}

    def get(self, key: Hashable) -> SignIn:
        """Return the one sign-in with this key."""
        with self._lock:
            return self._sign_ins.setdefault(key, SignIn())

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._sign_ins.clear()


PROCESS = SignIns()
"""Shared by all clients of this process."""
