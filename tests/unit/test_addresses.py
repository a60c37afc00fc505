# SPDX-License-Identifier: Apache-2.0
"""Which addresses a published document may be read from."""

from __future__ import annotations

import socket
import threading

import pytest

from airflow_provider_okta_ure.clients.addresses import is_loopback, look_up, why_not

PUBLIC = [
    "93.184.215.14",
    "8.8.8.8",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]

PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "fd12:3456::1",
    "fc00::1",
    "100.64.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
]

NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd00:ec2::254%eth0",
    "fd00:0ec2:0:0:0:0:0:0254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",  # noqa: S104  # not to listen on
    "::",
    "::ffff:169.254.169.254",
    "::ffff:100.100.100.200",
    "::ffff:168.63.129.16",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
    # reserved: RFC 1122, RFC 1112, RFC 6890, RFC 5737, RFC 2544, RFC 3879, RFC 8215, RFC 6666, RFC 9602
    "0.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::ffff:240.0.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.9",
    "198.18.0.1",
    "fec0::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
    # names of IPv4 addresses: NAT64, 6to4, Teredo, IPv4-compatible, IPv4-translated
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1::808:808",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "2001::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:808:808:0:0:5601:5601",
    "::a9fe:a9fe",
    "::8.8.8.8",
    "::ffff:0:8.8.8.8",
    "::ffff:0:a9fe:a9fe",
    # what other programs take for an address
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.169.254.",
    "0x7f.1",
    "not-an-address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_read_from(address: str) -> None:
    assert why_not(address, allow_private=False) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_may_be_read_from_only_when_it_is_allowed(address: str) -> None:
    assert why_not(address, allow_private=False)
    assert why_not(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_nothing_allows_link_local_metadata_and_what_is_no_host(address: str) -> None:
    assert why_not(address, allow_private=False)
    assert why_not(address, allow_private=True)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "a cloud's metadata address"),
        ("169.254.0.7", "a link-local address"),
        ("224.0.0.1", "a multicast address"),
        ("0.0.0.0", "the unspecified address"),  # noqa: S104  # not to listen on
        ("::ffff:127.0.0.1", "a loopback address"),
        ("10.0.0.1", "a private address"),
        ("240.0.0.1", "a reserved address"),
        ("2002:a9fe:a9fe::1", "a reserved address"),
    ],
)
def test_the_reason_is_named(address: str, kind: str) -> None:
    assert why_not(address, allow_private=False) == kind


def test_loopback_is_seen_by_all_its_names() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("10.0.0.1", "::2", "localhost", "", "64:ff9b::7f00:1")))


def test_a_name_is_looked_up_once_per_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("1.1.1.1", "1.1.1.1", "8.8.8.8")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert look_up("corp.example", 443, 5) == ["1.1.1.1", "8.8.8.8"]


def test_a_name_that_is_not_known_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        look_up("corp.example", 443, 5)


def test_a_name_service_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: goes_on.wait(10) and [])
    with pytest.raises(TimeoutError):
        look_up("corp.example", 443, 0.01)
    goes_on.set()
