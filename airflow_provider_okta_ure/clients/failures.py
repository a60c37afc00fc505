# SPDX-License-Identifier: Apache-2.0
"""Why there was no answer, in words without URLs, and whether the request may have arrived all the same."""

from __future__ import annotations

import requests
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from airflow_provider_okta_ure.errors import (
    ConfigurationError,
    OktaUreError,
    TransportError,
    UnexpectedAnswerError,
)


def no_answer(error: OSError | ValueError | HTTPError, service: str, base_url: str) -> OktaUreError:
    """
    Return our error for one that ``requests`` raised.

    Its own text is not repeated, because it holds the URL, and a URL can hold names of people.

    :param error: what ``requests`` raised.
    :param service: ``Okta`` or ``Netskope``.
    :param base_url: where we tried.
    """
    if isinstance(error, requests.exceptions.SSLError):
        return _no_trust(error, service, base_url)
    # The service's own URL was checked before, so it is the proxy's that makes no sense.
    if isinstance(
        error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, LocationParseError)
    ):
        return ConfigurationError(
            "The proxy URL cannot be used: it is no http URL with a host and a port.", topic="proxy-trouble"
        )
    if isinstance(error, (TimeoutError, requests.exceptions.Timeout)):
        return _too_late(error, service, base_url)
    if isinstance(error, requests.exceptions.ConnectionError):
        return _not_connected(error, service, base_url)
    if isinstance(error, (requests.exceptions.RequestException, HTTPError)):
        return TransportError(
            f"The answer of {service} at {base_url} was cut off or garbled ({type(error).__name__})."
        )
    if isinstance(error, OSError):
        return ConfigurationError(
            "The file with the certificate authorities cannot be read.", topic="ca-bundle-unreadable"
        )
    return UnexpectedAnswerError(f"The answer of {service} at {base_url} has headers that make no sense.")


def _too_late(error: OSError, service: str, base_url: str) -> TransportError:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TransportError(f"{service} at {base_url} did not accept a connection in time.", sent=False)
    # What the deadline raises comes while an answer is read.
    completely = "completely " if isinstance(error, TimeoutError) else ""
    return TransportError(f"{service} at {base_url} did not answer {completely}in time.")


def _not_connected(error: requests.exceptions.ConnectionError, service: str, base_url: str) -> TransportError:
    reason = _reason_of(error)
    if isinstance(reason, ProxyError):
        unreached = isinstance(reason.original_error, NewConnectionError)
        what = "is not reachable" if unreached else "refused to connect us"
        return TransportError(
            f"The proxy on the way to {service} at {base_url} {what}.",
            sent=False,
            topic="proxy-trouble",
        )
    if isinstance(reason, NameResolutionError):
        return TransportError(
            f"The name of {service}'s host in {base_url} is not known.",
            sent=False,
            topic="name-not-known",
        )
    if isinstance(reason, NewConnectionError):
        return TransportError(
            f"{service} at {base_url} refused the connection or is not reachable.",
            sent=False,
            topic="connection-refused",
        )
    if isinstance(reason, ReadTimeoutError):
        # What requests calls a ReadTimeout only while there is no answer at all.
        return TransportError(f"{service} at {base_url} did not answer completely in time.")
    return TransportError(f"The connection to {service} at {base_url} was cut.")


def _no_trust(error: requests.exceptions.SSLError, service: str, base_url: str) -> OktaUreError:
    reason = _reason_of(error)
    cause = reason.args[0] if isinstance(reason, SSLError) and reason.args else reason
    if "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return ConfigurationError(
            f"The certificate of {service} at {base_url} is not trusted.", topic="certificate-not-trusted"
        )
    return TransportError(
        f"No secure connection to {service} at {base_url} could be kept.", topic="tls-failed"
    )


def _reason_of(error: Exception) -> object:
    """Return what urllib3 says underneath."""
    inner = error.args[0] if error.args else None
    return getattr(inner, "reason", inner)
