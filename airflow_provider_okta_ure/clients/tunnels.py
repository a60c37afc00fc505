# SPDX-License-Identifier: Apache-2.0
"""A proxy that connects us through to a host (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from airflow_provider_okta_ure.clients.timed_sockets import TimedSocket
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.hosts import Origin
    from airflow_provider_okta_ure.clients.timed_sockets import Deadline


_LONGEST_ANSWER = 1024 * 1024
"""Bytes of the proxy's own answer."""


class TunnelError(OSError):
    """The proxy did not connect us; says what it did instead."""


@dataclass(frozen=True)
class Tunnel:
    """
    The way through an http proxy.

    :param authorization: the value of ``Proxy-Authorization``; empty = none is sent.
    """

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def through(cls, url: str) -> Tunnel:
        """
        Return the way through a proxy.

        :param url: ``http://proxy.example:3128``, with user info where the proxy wants it.
        :raises ConfigurationError: it is no http proxy. Its URL is not quoted: it may hold a password.
        """
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host, port, parts = None, 0, urlsplit("")
        if parts.scheme != "http" or not host:
            raise ConfigurationError(
                "The proxy cannot be used to read a published document: it is not an http proxy.",
                remedy="Write it like http://proxy.example:3128, or set check_jwks=False.",
            )
        if parts.username is None:
            return cls(host, port)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(host, port, f"Basic {base64.b64encode(login.encode()).decode()}")

    def dial(self, origin: Origin, deadline: Deadline) -> socket.socket:
        """
        Return a socket that leads to the origin.

        :raises TunnelError: the proxy cannot be reached, or does not connect us.
        """
        try:
            real = socket.create_connection((self.host, self.port), timeout=deadline.left())
        # UnicodeError: a name that no host can have.
        except (OSError, UnicodeError) as error:
            raise TunnelError(f"the proxy cannot be reached ({type(error).__name__})") from None
        try:
            self._ask(real, origin, deadline)
        except BaseException:
            real.close()
            raise
        return real

    def _ask(self, real: socket.socket, origin: Origin, deadline: Deadline) -> None:
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        # Nothing is read ahead, because what follows the empty line belongs to TLS.
        timed = TimedSocket(real, deadline, buffer_size=1, most=_LONGEST_ANSWER)
        timed.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = http.client.HTTPResponse(cast("Any", timed), method="CONNECT")
        try:
            answer.begin()
        except http.client.HTTPException:
            raise TunnelError("the proxy answered something that is not HTTP") from None
        if answer.status != http.client.OK:
            raise TunnelError(f"the proxy answered HTTP {answer.status}")
