# SPDX-License-Identifier: Apache-2.0
"""Which network addresses a published document may be read from, so that nobody can point us inwards."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int, float], Sequence[str]]
"""Host, port and the seconds it may take become the addresses of the host; raises OSError."""

# Where clouds hand out credentials to whoever asks from inside. RFC 3927 and each cloud's own manual.
_METADATA = tuple(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
# Packets to these go to the IPv4 address at their end: RFC 4291 section 2.5.5.2, RFC 6052 section 2.1.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# RFC 4291 section 2.4, without what leads elsewhere or nowhere: Teredo, ORCHID and other protocols
# (2001::/23), documentation (RFC 3849, RFC 9637), 6to4 (RFC 3056).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# What a machine of our own can have: RFC 1918, RFC 6598, RFC 4193, and loopback.
_OUR_OWN = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "127.0.0.0/8",
        "::1/128",
    )
)


def why_not(text: str, *, allow_private: bool) -> str | None:
    """
    Return what forbids to connect to an address; None = it may be connected to.

    Private and loopback addresses are forbidden unless ``allow_private``. Link-local, metadata, multicast,
    unspecified and reserved addresses are always forbidden, by all their names: no key set is published
    there.

    :param text: an IP address, as a resolver gives it.
    :param allow_private: what the connection's ``allow_private_jwks_url`` says.

    >>> why_not("93.184.215.14", allow_private=False)
    >>> why_not("::ffff:10.0.0.1", allow_private=False)
    'a private address'
    >>> why_not("240.0.0.1", allow_private=True)
    'a reserved address'
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no address"
    real = _real(address)
    kind = _never(address) or _never(real)
    if kind is not None:
        return kind
    if any(real in network for network in _OUR_OWN if network.version == real.version):
        if address in _NAT64:
            return "a reserved address"  # RFC 6052 section 3.1: it may stand for public addresses only
        kind = "a loopback address" if real.is_loopback else "a private address"
        return None if allow_private else kind
    return None if _is_public(real) else "a reserved address"


def is_loopback(text: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        address = ipaddress.ip_address(text)
        return address not in _NAT64 and _real(address).is_loopback
    except ValueError:
        return False


def look_up(host: str, port: int, seconds: float) -> list[str]:
    """
    Return the addresses of a host, each once.

    :param seconds: how long it may take; the system's resolver knows no limit, so it is left behind then.
    :raises OSError: the name is not known, or the time is over (``TimeoutError``).
    """
    box: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            box.put(list(dict.fromkeys(str(one[4][0]) for one in found)))
        except UnicodeError:
            box.put(OSError("not a host name"))
        except OSError as error:
            box.put(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = box.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise TimeoutError("the name service did not answer in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _real(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address is only another name of."""
    if isinstance(address, ipaddress.IPv6Address) and (address in _MAPPED or address in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _never(address: Address) -> str | None:
    if address in _METADATA:
        return "a cloud's metadata address"
    kinds = {
        "the unspecified address": address.is_unspecified,
        "a link-local address": address.is_link_local,
        "a multicast address": address.is_multicast,
    }
    return next((kind for kind, applies in kinds.items() if applies), None)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _GLOBAL_UNICAST or any(address in network for network in _NOT_GLOBAL)
    ):
        return False
    # is_global is False for all of IANA's special-purpose blocks.
    return address.is_global and not address.is_reserved
