# SPDX-License-Identifier: Apache-2.0
"""
How a request is authorised: which header carries the token, and to which origin alone it goes.

Each way is a ``requests`` auth object, because with one in place ``requests`` never puts a password
from a ``.netrc`` file where the token belongs.
"""

from __future__ import annotations

import copy
import hashlib
import re
import threading
from typing import TYPE_CHECKING, ClassVar, TypeVar

from requests.auth import AuthBase

from airflow_provider_okta_ure.clients.hosts import Origin, origin_of
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

AuthT = TypeVar("AuthT", bound="OriginAuth")


class OriginAuth(AuthBase):
    """
    Authorisation for one origin: a request to any other origin leaves without it.

    Until :meth:`bound_to` names that origin, no request is authorised.
    """

    _origin: Origin | None = None

    def bound_to(self: AuthT, base_url: str) -> AuthT:
        """Return the same authorisation, for this origin."""
        bound = copy.copy(self)
        bound._origin = origin_of(base_url)  # noqa: SLF001  # a copy of ourselves
        return bound

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be repeated in a message."""
        return ()

    @property
    def counted_as(self) -> str:
        """Whose requests a service counts together; no secret, though made from one. Empty = everybody's."""
        return ""

    def headers(self) -> dict[str, str]:
        """Return the headers that authorise a request."""
        return {}

    def authorise(self, request: requests.PreparedRequest) -> None:
        """Authorise a request to the right origin; asked anew each time the request is sent."""
        request.headers.update(self.headers())

    def learn(self, response: requests.Response) -> None:
        """Take from an answer, good or bad, what the next request needs."""

    def mend(self, error: ApiError, response: requests.Response, tried: set[str]) -> bool:
        """
        Whether the refused request can be authorised better now, so that it is worth sending once more.

        :param error: the refusal in our words.
        :param response: the refusal as it came.
        :param tried: what was mended for this call already; empty at first. What is mended is put in, and
            nothing is mended twice, so that a call ends.
        """
        return False

    def explained(self, error: ApiError) -> ApiError:
        """Return the error that a person is to see, with what only the credential knows about it."""
        return error

    def close(self) -> None:
        """Close connections of its own, if it has any; the next request opens new ones."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._origin is not None and origin_of(request.url or "") == self._origin:
            self.authorise(request)
        return request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class NoAuth(OriginAuth):
    """No authorisation at all, also none from a ``.netrc`` file."""


class _TokenAuth(OriginAuth):
    """
    A token that a person copied from somewhere.

    :param token: the token; white space, quotes and a header or scheme name around it are taken off.
    :raises ConfigurationError: it cannot be a token.
    """

    called: ClassVar[str]
    around_it: ClassVar[re.Pattern[str]]
    of_another_kind: ClassVar[dict[str, str]] = {}

    def __init__(self, token: str) -> None:
        self._token = self._cleaned(token)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._token,)

    @classmethod
    def _cleaned(cls, token: str) -> str:
        text = token.strip(" \t\r\n\v\f\ufeff\u200b\u00a0\"'") if isinstance(token, str) else ""
        text = cls.around_it.sub("", text).strip()
        if not text:
            raise ConfigurationError(
                f"The {cls.called} is empty.", remedy="Put it into the connection's password."
            )
        scheme = text.split(maxsplit=1)[0].rstrip(":").lower()
        if " " in text and scheme in cls.of_another_kind:
            raise ConfigurationError(
                f"This is not the {cls.called}: it starts with {scheme!r}.",
                remedy=cls.of_another_kind[scheme],
            )
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ConfigurationError(
                f"The {cls.called} contains characters that no token has."
                " They are spaces inside it, line ends or letters of another alphabet.",
                remedy="Copy it again, the token alone.",
            )
        return text


class SswsAuth(_TokenAuth):
    """An Okta API token, sent as ``Authorization: SSWS <token>``."""

    called = "Okta API token"
    around_it = re.compile(r"^(?:authorization\s*:\s*)?ssws(?:\s+|\s*:\s*|$)", re.IGNORECASE)
    of_another_kind = {
        "bearer": "Put an API token there, without a scheme; access tokens last one hour only.",
        "dpop": "Put an API token there, without a scheme; access tokens last one hour only.",
    }

    @property
    def counted_as(self) -> str:
        # Okta gives each token a part of each limit. The digest cannot be turned back: a token is long.
        return hashlib.blake2b(self._token.encode(), digest_size=16, person=b"okta-ure-token").hexdigest()

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"SSWS {self._token}"}


class NetskopeTokenAuth(_TokenAuth):
    """
    A token of Netskope's REST API v2, sent as ``Netskope-Api-Token: <token>``.

    :param reread: returns the token as it is stored now, empty when it cannot be read; asked when Netskope
        refuses ours, because regenerating a token ends the old one at once. None = the token is what it is.
    """

    called = "Netskope API token"
    around_it = re.compile(
        r"^(?:netskope-api-token\s*:\s*|(?:authorization\s*:\s*)?bearer\s+)", re.IGNORECASE
    )
    _HEADER = "Netskope-Api-Token"

    def __init__(self, token: str, *, reread: Callable[[], str] | None = None) -> None:
        super().__init__(token)
        self._reread = reread
        self._former: tuple[str, ...] = ()
        self._lock = threading.Lock()

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._token, *self._former)

    def headers(self) -> dict[str, str]:
        return {self._HEADER: self._token}

    def mend(self, error: ApiError, response: requests.Response, tried: set[str]) -> bool:
        # Netskope answers 403 to an unknown token, too.
        if not isinstance(error, (AuthenticationError, PermissionDeniedError)):
            return False
        if self._reread is None or "token" in tried:
            return False
        tried.add("token")
        refused = response.request.headers.get(self._HEADER)
        with self._lock:
            if self._token == refused:
                stored = self._reread().strip()
                self._former = (self._token,)
                self._token = self._cleaned(stored) if stored else self._token
            return self._token != refused

    def explained(self, error: ApiError) -> ApiError:
        if self._reread is not None and isinstance(error, AuthenticationError):
            error.remedy = f"{error.remedy} The connection was read again and holds no token that works."
        return error
