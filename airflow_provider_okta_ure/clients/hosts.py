# SPDX-License-Identifier: Apache-2.0
"""Which hosts may receive a token: addresses of Okta orgs and Netskope tenants, checked, spelled one way."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from airflow_provider_okta_ure.errors import ConfigurationError

OKTA_DOMAINS = ("okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil")
"""An org of Okta's own is a subdomain of one of these."""

NETSKOPE_DOMAINS = ("goskope.com", "netskope.com", "boomskope.com")
"""
A tenant is a subdomain of one of these, the ones that Netskope's own SDK accepts.

No list of the domains of tenants for governments is public, so those need ``allow_custom_domain``.
"""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NOT_A_HOST = {"/": "a path", "?": "a query", "#": "a fragment", "\\": "a backslash", "%": "a percent sign"}


class Origin(NamedTuple):
    """Scheme, host and port: what must be equal for a token to be sent."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def is_loopback(self) -> bool:
        address = _address_of(self.host)
        if isinstance(address, ipaddress.IPv4Address):
            return address in ipaddress.ip_network("127.0.0.0/8")
        return self.host in ("localhost", "::1")


def okta_base_url(host: str, *, allow_custom_domain: bool = False) -> str:
    """
    Return the one spelling of an Okta org's URL: scheme, host, port if unusual, no slash at the end.

    :param host: what a person typed: ``acme.okta.com``, ``https://Acme.Okta.com/``, ``http://127.0.0.1:8091``.
    :param allow_custom_domain: accept a host that is not on one of Okta's domains.
    :raises ConfigurationError: the host is not one that may receive an Okta token.
    """
    origin = _origin_typed(host, "Okta", "https://acme.okta.com", topic="okta-domain")
    if origin.is_loopback:
        return str(origin)
    if _is_below(origin.host, OKTA_DOMAINS):
        _refuse_admin_host(origin)
    elif not allow_custom_domain:
        raise ConfigurationError(
            f"{_quoted(origin.host)} is not an Okta org: those are below {', '.join(OKTA_DOMAINS)}.",
            remedy="Correct the host, or set `allow_custom_domain` if the org really has its own domain: "
            "the token is sent there.",
            topic="okta-domain",
        )
    return str(origin)


def netskope_base_url(host: str, *, allow_custom_domain: bool = False) -> str:
    """
    Return the one spelling of a Netskope tenant's URL.

    :param host: what a person typed: ``acme.goskope.com``, ``https://acme.eu.goskope.com/``.
    :param allow_custom_domain: accept a host that is not on one of Netskope's domains.
    :raises ConfigurationError: the host is not one that may receive a token.
    """
    origin = _origin_typed(host, "Netskope", "https://acme.goskope.com", topic="netskope-domain")
    if not (origin.is_loopback or allow_custom_domain or _is_below(origin.host, NETSKOPE_DOMAINS)):
        raise ConfigurationError(
            f"The Netskope host {_quoted(origin.host)} is not a tenant: those are below "
            f"{', '.join(NETSKOPE_DOMAINS)}.",
            remedy="Correct the host, or set `allow_custom_domain` if the tenant really is there: the token "
            "is sent there.",
            topic="netskope-domain",
        )
    return str(origin)


def origin_of(url: str) -> Origin | None:
    """
    Return the origin of an absolute URL; None when it has none, or leaves doubt about it.

    User info, backslashes, control characters and anything else that two parsers could read in two ways
    leave doubt.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme.lower() not in _DEFAULT_PORTS or not _is_plain(url) or "\\" in url:
        return None
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    try:
        return _origin(scheme.lower(), authority)
    except ValueError:
        return None


def admin_console_of(base_url: str) -> str | None:
    """
    Return the address of an org's admin console; None when it cannot be told from the org's own.

    >>> admin_console_of("https://acme.okta.com")
    'https://acme-admin.okta.com'
    """
    origin = origin_of(base_url)
    if origin is None or origin.scheme != "https":
        return None
    name, _, domain = origin.host.partition(".")
    return f"https://{name}-admin.{domain}" if domain in OKTA_DOMAINS else None


def is_same_origin(url: str, base_url: str) -> bool:
    """Whether both URLs have the same scheme, host and port, beyond doubt."""
    origin = origin_of(url)
    return origin is not None and origin == origin_of(base_url)


def is_seen_by(proxy: str, base_url: str) -> bool:
    """
    Whether a proxy on another machine would see requests to a URL in clear text.

    >>> is_seen_by("http://proxy.corp.example:3128", "https://acme.okta.com")
    False
    >>> is_seen_by("http://proxy.corp.example:3128", "http://127.0.0.1:8091")
    True
    """
    origin = origin_of(base_url)
    if origin is None or origin.scheme == "https":
        return False  # through a proxy, too, TLS leads to the service itself
    try:
        host = urlsplit(proxy if "://" in proxy else f"http://{proxy}").hostname or ""
    except ValueError:
        return True
    return not Origin("http", host, 0).is_loopback


def _origin_typed(host: str, service: str, example: str, *, topic: str) -> Origin:
    text = host.strip() if isinstance(host, str) else ""
    if not text:
        raise ConfigurationError(
            f"The {service} host is empty.", remedy=f"Set it to the URL, such as {example}.", topic=topic
        )
    if not _is_plain(text):
        raise ConfigurationError(
            f"The {service} host contains characters that no host name has.",
            remedy=f"Write it in plain letters, such as {example}; an international name in its xn-- form.",
            topic=topic,
        )
    match = _SCHEME.fullmatch(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("https", text)
    rest = rest[:-1] if rest.endswith("/") else rest
    _refuse_extras(rest, service, example, topic)
    try:
        origin = _origin(scheme, rest)
    except ValueError as error:
        raise ConfigurationError(
            f"The {service} host {_quoted(rest)} cannot be used: {error}.",
            remedy=f"Write it like {example}.",
            topic=topic,
        ) from None
    if "." not in origin.host and not origin.is_loopback:
        raise ConfigurationError(
            f"The {service} host is not a whole host name.",
            remedy=f"Write it like {example}.",
            topic=topic,
        )
    if scheme == "http" and not origin.is_loopback:
        raise ConfigurationError(
            f"The {service} host {_quoted(rest)} has plain http, which shows the token to others.",
            remedy=f"Use https://{rest}; http is for a sandbox on 127.0.0.1 only.",
            topic=topic,
        )
    return origin


def _refuse_extras(rest: str, service: str, example: str, topic: str) -> None:
    # Nothing is quoted here: what stands before an @ is often a password.
    if "@" in rest:
        raise ConfigurationError(
            f"The {service} host contains user info (something before an @).",
            remedy=f"Write the host alone, such as {example}; the token belongs into the password field.",
            topic=topic,
        )
    for character, called in _NOT_A_HOST.items():
        if character in rest:
            raise ConfigurationError(
                f"The {service} host contains {called}.",
                remedy=f"Write the host alone, such as {example}.",
                topic=topic,
            )


@lru_cache(maxsize=64)
def _origin(scheme: str, authority: str) -> Origin:
    """
    Return the origin of a scheme and ``host:port``.

    :raises ValueError: saying what is wrong.
    """
    if scheme not in _DEFAULT_PORTS:
        raise ValueError("only https is spoken there")
    match = _HOST_AND_PORT.fullmatch(authority)
    if not match:
        raise ValueError("it is not a host name with an optional port")
    port = int(match[2]) if match[2] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65535:
        raise ValueError("the port is not between 1 and 65535")
    return Origin(scheme, _host(match[1].lower()), port)


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("it is not an IPv6 address") from None
    name = text[:-1] if text.endswith(".") else text
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("it is not a host name")
    # Other programs read 127.1, 2130706433 and 0x7f000001 as addresses, too.
    looks_like_address = labels[-1].isdigit() or labels[-1].startswith("0x")
    if looks_like_address and _address_of(name) is None:
        raise ValueError("it is neither a name nor a complete IPv4 address")
    return name


def _address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host.endswith(f".{domain}") for domain in domains)


def _refuse_admin_host(origin: Origin) -> None:
    first, _, rest = origin.host.partition(".")
    if first.endswith("-admin"):
        org = origin._replace(host=f"{first.removesuffix('-admin')}.{rest}")
        raise ConfigurationError(
            f"{origin.host} is the org's admin console, which is not where its API lives.",
            remedy=f"Use {org}.",
            topic="okta-domain",
        )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _quoted(host: str) -> str:
    """Return the host for a message, but not something that may be a token in the wrong field."""
    return repr(host) if "." in host and len(host) <= 253 else "(not shown)"
