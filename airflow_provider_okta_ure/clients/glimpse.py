# SPDX-License-Identifier: Apache-2.0
"""A first look at a service, without a token: its answer, its certificate and its clock."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from cryptography import x509

from airflow_provider_okta_ure.clients.answers import is_html
from airflow_provider_okta_ure.clients.dialects import server_time

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.retries import Timing

_WHY_UNTRUSTED = {
    # OpenSSL's own numbers (X509_V_ERR_*); its texts differ from version to version.
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself",
    19: "an authority that signed itself stands behind it",
    20: "its authority is not known here",
    21: "its authority is not known here",
    62: "it is for another host",
    64: "it is for another address",
}


class Glimpse(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one answer shows before anybody has signed in.

    :param status: the HTTP status; 0 = there is no answer, because the certificate is not trusted.
    :param is_page: the answer is a page for people, or sends us to one.
    :param seconds: how long it took.
    :param our_time: our clock when the answer came, seconds since 1970.
    :param server_time: the server's clock as its ``Date`` says, to the second; None = it says nothing.
    :param certificate_ends: when the certificate expires, seconds since 1970; None = no TLS, or not known.
    :param untrusted: why the certificate is not trusted; empty = it is trusted, or was not looked at.
    """

    status: int
    is_page: bool = False
    seconds: float = 0.0
    our_time: float = 0.0
    server_time: float | None = None
    certificate_ends: float | None = None
    untrusted: str = ""

    @property
    def skew(self) -> float | None:
        """Seconds that our clock is ahead of the server's, less than none = behind; None = not known."""
        if self.server_time is None:
            return None
        # The header names a whole second, so the true time is half a second later on average.
        return self.our_time - (self.server_time + 0.5)


def take_glimpse(
    session: requests.Session,
    url: str,
    *,
    timeout: tuple[float, float],
    settings: Mapping[str, Any],
    headers: Mapping[str, str],
    timing: Timing,
) -> Glimpse:
    """
    Return what one ``GET`` without a token shows.

    :raises OSError: as ``requests`` raises it, except when the certificate is not trusted.
    """
    # An auth that does nothing keeps requests from taking a password out of a .netrc file.
    prepared = session.prepare_request(
        requests.Request("GET", url, headers=dict(headers), auth=lambda request: request)
    )
    started, started_at = timing.monotonic(), timing.now()
    try:
        # stream, because the connection and with it the certificate are out of reach once the body is read.
        options = {**settings, "stream": True, "timeout": timeout, "allow_redirects": False}
        with session.send(prepared, **options) as response:
            seconds = timing.monotonic() - started
            certificate_ends = _certificate_end(response)
            start = next(response.iter_content(256), b"")
    except requests.exceptions.SSLError as error:
        why = _why_untrusted(error)
        if not why:
            raise
        return Glimpse(status=0, untrusted=why)
    return Glimpse(
        status=response.status_code,
        is_page=300 <= response.status_code < 400 or is_html(response.headers.get("Content-Type", ""), start),
        seconds=seconds,
        our_time=started_at + seconds / 2,
        server_time=server_time(response.headers),
        certificate_ends=certificate_ends,
    )


def _certificate_end(response: requests.Response) -> float | None:
    connection = getattr(response.raw, "connection", None)
    sock = getattr(connection, "sock", None)
    if not isinstance(sock, ssl.SSLSocket):
        return None
    # The binary form is there also when the certificate was not checked.
    certificate = sock.getpeercert(binary_form=True)
    if not certificate:
        return None
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()


def _why_untrusted(error: BaseException) -> str:
    """Return why a certificate is not trusted; empty when the trouble is another one."""
    seen: list[object] = [error]
    for one in seen:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _WHY_UNTRUSTED.get(one.verify_code, "it cannot be verified")
        inner = [getattr(one, name, None) for name in ("reason", "__cause__", "__context__")]
        inner += getattr(one, "args", ())
        seen += [each for each in inner if isinstance(each, BaseException) and each not in seen]
    return ""
