# SPDX-License-Identifier: Apache-2.0
"""Reading a small JSON document that is published for everybody: guarded, short, without any credential."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import requests.utils

from airflow_provider_okta_ure.clients.addresses import Resolver, is_loopback, look_up, why_not
from airflow_provider_okta_ure.clients.answers import clean_text
from airflow_provider_okta_ure.clients.hosts import Origin, origin_of
from airflow_provider_okta_ure.clients.http import USER_AGENT
from airflow_provider_okta_ure.clients.links import joined
from airflow_provider_okta_ure.clients.nesting import is_too_nested
from airflow_provider_okta_ure.clients.retries import Again, Patience, RetryPolicy, Timing, repeat
from airflow_provider_okta_ure.clients.timed_sockets import Deadline, TimedSocket
from airflow_provider_okta_ure.clients.tunnels import Tunnel, TunnelError
from airflow_provider_okta_ure.clients.unpacking import AnswerLimitError
from airflow_provider_okta_ure.errors import ConfigurationError, JwksError, OktaUreError

LONGEST_DOCUMENT = 64 * 1024
"""Bytes; a key set of ten keys has 5 KiB."""

CONTENT_TYPE = "application/json"

_MOST_ON_THE_WIRE = 1024 * 1024
"""Bytes, headers included: http.client takes a hundred header lines of 64 KiB, and chunks of any length."""

_METADATA_NAMES = ("metadata.google.internal", "metadata.goog", "metadata", "instance-data")
"""By which a proxy in a cloud would find the cloud's metadata; there is no public list of all such names."""

_PATIENCE = RetryPolicy(attempts=3, first_wait=1.0, longest_wait=5.0, total_wait=10.0)
_ASK = {
    "Accept": CONTENT_TYPE,
    "Accept-Encoding": "identity",
    "User-Agent": USER_AGENT,
    "Connection": "close",
}


@dataclass(frozen=True)
class DocumentReader:
    """
    Reads JSON documents by https, as a stranger would: no token, no cookie, no password file.

    The host's name is resolved first and every address checked; the connection goes to an address that
    was checked, so that a name which means something else a moment later changes nothing. Through a proxy
    it is the proxy that resolves names: then only hosts written as addresses and names of this machine are
    checked here, and what else the proxy may reach is the proxy's decision.

    :param allow_private: also read from private and loopback addresses, and by http from loopback.
    :param verify: check the server's certificate; or the path of a file with the authorities to trust.
    :param proxy: URL of an http proxy; None = what the environment says.
    :param seconds: how long one attempt may take, from the name to the last byte.
    :param retry: how patient we are with a host that does not answer.
    :param timing: where time and chance come from.
    :param resolve: turns a name into addresses.
    """

    allow_private: bool = False
    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)
    seconds: float = 10.0
    retry: RetryPolicy = _PATIENCE
    timing: Timing = field(default_factory=Timing, repr=False)
    resolve: Resolver = field(default=look_up, repr=False)

    def read(self, url: str) -> dict[str, Any]:
        """
        Return the JSON object at a URL.

        :raises JwksError: it cannot be read, or is none; ``retryable`` when the trouble may pass.
        :raises ConfigurationError: the URL, the proxy or the file with the authorities cannot be used.
        """
        target = _Target.of(url)
        self._check_scheme(target)
        patience = Patience(self.retry, lambda _seconds: _no_answer(target, "did not answer in time"))

        def attempt() -> dict[str, Any]:
            try:
                return self._read_once(target)
            except JwksError as error:
                if error.retryable:
                    raise Again(error) from None
                raise

        return repeat(attempt, f"GET {target.shown}", self.retry, patience, self.timing)

    def _check_scheme(self, target: _Target) -> None:
        if target.origin.scheme == "https" or (self.allow_private and target.origin.is_loopback):
            return
        raise JwksError(
            f"{target.shown} is not https: anybody on the way could put another key there.",
            url=target.shown,
            reason="not_https",
            remedy="Publish it by https. Plain http is for a sandbox on this machine, with "
            "`allow_private_jwks_url` in the connection.",
        )

    def _read_once(self, target: _Target) -> dict[str, Any]:
        deadline = Deadline.after(self.seconds, self.timing.monotonic)
        try:
            plain = self._dial(target, deadline)
            with plain, self._secured(target, plain, deadline) as real:
                return _ask(target, TimedSocket(real, deadline, most=_MOST_ON_THE_WIRE))
        except OktaUreError:
            raise  # some of ours are ValueErrors as well
        except AnswerLimitError:
            raise _too_large(target) from None
        except ssl.SSLCertVerificationError as error:
            raise _not_trusted(target, error) from None
        except TimeoutError:
            raise _no_answer(target, f"did not answer completely within {self.seconds:.0f} s") from None
        # A ValueError: what http.client cannot take, such as a chunk of less than no bytes.
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _no_answer(target, _in_words(error)) from None

    def _dial(self, target: _Target, deadline: Deadline) -> socket.socket:
        """Return a connection to an address that was checked, or through the proxy."""
        tunnel = self._tunnel_for(target)
        if tunnel is not None:
            self._check_before_proxy(target)
            return tunnel.dial(target.origin, deadline)
        _, host, port = target.origin
        addresses = self.resolve(host, port, deadline.left())
        for address in addresses:
            self._check_address(target, address)
        trouble = OSError("the name has no address")
        for address in addresses:
            try:
                return socket.create_connection((address, port), timeout=deadline.left())
            except OSError as error:  # noqa: PERF203  # the next address may answer
                trouble = error
        raise trouble

    def _secured(self, target: _Target, plain: socket.socket, deadline: Deadline) -> socket.socket:
        if target.origin.scheme == "http":
            return plain
        context = self._tls(target)
        plain.settimeout(deadline.left())
        return context.wrap_socket(plain, server_hostname=target.origin.host)

    def _check_address(self, target: _Target, address: str) -> None:
        kind = why_not(address, allow_private=self.allow_private)
        if kind is None and target.origin.scheme == "http" and not is_loopback(address):
            kind = "not this machine, and plain http"
        if kind is None:
            return
        remedy = "Okta reads it from the internet: publish it at a public address."
        if why_not(address, allow_private=True) is None:
            remedy += " If Okta can reach it all the same, set `allow_private_jwks_url` in the connection."
        raise JwksError(
            f"{target.shown} leads to {address}, which is {kind}. It was not read.",
            url=target.shown,
            reason="address_forbidden",
            remedy=remedy,
        )

    def _check_before_proxy(self, target: _Target) -> None:
        host = target.origin.host
        if host in _METADATA_NAMES:
            self._check_address(target, "169.254.169.254")
        if host == "localhost" or host.endswith(".localhost"):
            self._check_address(target, "127.0.0.1")
        elif why_not(host, allow_private=True) != "no address":
            self._check_address(target, host)

    def _tunnel_for(self, target: _Target) -> Tunnel | None:
        # A proxy would look for the sandbox on its own machine.
        if target.origin.is_loopback and not self.proxy:
            return None
        around = requests.utils.get_environ_proxies(target.url, no_proxy=None)
        chosen = self.proxy or requests.utils.select_proxy(target.url, around)
        return Tunnel.through(chosen) if chosen else None

    def _tls(self, target: _Target) -> ssl.SSLContext:
        bundle = self.verify
        if bundle is True:
            # The same places where the clients of Okta and Netskope look.
            bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        path = Path(requests.utils.DEFAULT_CA_BUNDLE_PATH if isinstance(bundle, bool) else bundle)
        try:
            context = ssl.create_default_context(
                cafile=None if path.is_dir() else str(path), capath=str(path) if path.is_dir() else None
            )
        except OSError:
            raise ConfigurationError(
                f"The file with the certificate authorities cannot be read, so {target.shown} was not read.",
                remedy="Check the path in `ca_bundle`.",
            ) from None
        if self.verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _Target:
    """A URL, taken apart once, after it was checked that there is one way only to read it."""

    def __init__(self, url: str, origin: Origin) -> None:
        parts = urlsplit(url)
        self.url = url
        self.origin = origin
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.shown = f"{origin}{parts.path}"
        """For messages: a query can hold a password."""

    @classmethod
    def of(cls, url: str) -> _Target:
        """:raises ConfigurationError: it is no URL, or one that two programs may read in two ways."""
        url = url.strip().partition("#")[0] if isinstance(url, str) else ""
        origin = origin_of(url)
        if origin is None:
            raise ConfigurationError(
                "The address of a published document is not an https URL, or leaves doubt about the host.",
                remedy="Write it like https://risk.corp.example/jwks.json: a host name, no user info, "
                "no address in unusual spelling.",
            )
        return cls(url, origin)


def _ask(target: _Target, timed: TimedSocket) -> dict[str, Any]:
    connection = http.client.HTTPConnection(target.origin.host, target.origin.port)
    # The connection stands already; http.client only speaks over it.
    connection.sock = cast("Any", timed)
    connection.default_port = 443 if target.origin.scheme == "https" else 80
    connection.request("GET", target.path, headers=_ASK)
    with connection.getresponse() as response:
        _check_status(target, response)
        _check_content_type(target, response)
        content = response.read(LONGEST_DOCUMENT + 1)
        is_whole = not response.length
    if len(content) > LONGEST_DOCUMENT:
        raise _too_large(target)
    if not is_whole:
        raise http.client.IncompleteRead(b"")
    return _decoded(target, content)


def _check_status(target: _Target, response: http.client.HTTPResponse) -> None:
    status = response.status
    if status == http.client.OK:
        return
    if 300 <= status < 400:
        origin = origin_of(joined(target.url, response.getheader("Location", "")))
        raise JwksError(
            f"{target.shown} sends us on to {origin or 'an address that makes no sense'} (HTTP {status}). "
            "It was not followed.",
            url=target.shown,
            reason="redirected",
            remedy="Give Okta and the connection the address where the document itself is.",
        )
    raise JwksError(
        f"{target.shown} answers HTTP {status}.",
        url=target.shown,
        reason="refused",
        retryable=status == 429 or status >= 500,
        remedy="It has to be there for everybody, without signing in. Look at the site that publishes it.",
    )


def _check_content_type(target: _Target, response: http.client.HTTPResponse) -> None:
    found = clean_text(response.getheader("Content-Type", ""))
    if found.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise JwksError(
            f"{target.shown} has the content type {found or '(none)'!r}, and Okta wants {CONTENT_TYPE!r}.",
            url=target.shown,
            reason="content_type",
            remedy=f"Make the site send `Content-Type: {CONTENT_TYPE}`; docs/keys.md shows how.",
        )
    encoding = clean_text(response.getheader("Content-Encoding", "")).lower()
    if encoding not in ("", "identity"):
        raise JwksError(
            f"{target.shown} comes encoded as {encoding!r}, which was not asked for.",
            url=target.shown,
            reason="malformed",
            remedy="Make the site send it as it is.",
        )


def _decoded(target: _Target, content: bytes) -> dict[str, Any]:
    try:
        # Strictly, unlike answers of the services: Okta has to understand it as well.
        if not is_too_nested(content):
            return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise JwksError(
        f"What {target.shown} answers is not a JSON object.",
        url=target.shown,
        reason="malformed",
        remedy="Open it in a browser, and compare it with what `airflow okta-ure keys jwks` prints.",
    )


def _in_words(error: Exception) -> str:
    if isinstance(error, TunnelError):
        return f"cannot be reached: {error}"
    if isinstance(error, socket.gaierror):
        return "cannot be reached: the name of the host is not known"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    # The text of other errors can quote what was received.
    return f"gave no whole answer ({type(error).__name__})"


def _too_large(target: _Target) -> JwksError:
    return JwksError(
        f"What {target.shown} answers is longer than {LONGEST_DOCUMENT // 1024} KiB.",
        url=target.shown,
        reason="too_large",
        remedy="Publish the public keys alone.",
    )


def _no_answer(target: _Target, what: str) -> JwksError:
    return JwksError(
        f"{target.shown} {what}.",
        url=target.shown,
        reason="no_answer",
        retryable=True,
        remedy="Look at the site that publishes it. If Okta reaches it and this machine cannot, "
        "set check_jwks=False.",
    )


def _not_trusted(target: _Target, error: ssl.SSLCertVerificationError) -> JwksError:
    return JwksError(
        f"The certificate of {target.shown} is not trusted: {clean_text(error.verify_message)}.",
        url=target.shown,
        reason="not_trusted",
        remedy="Okta does not trust it either, unless a proxy on the way from here opens TLS: "
        "then give the path of the proxy's authority in `ca_bundle`.",
    )
