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
    "fec0::1",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "240.0.0.1",
    "255.255.255.255",
    "0.1.2.3",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "::8.8.8.8",
    "::ffff:0:8.8.8.8",
    "2002:808:808::1",
    "2001:db8::1",
    "2001::1",
    "100::1",
    "5f00::1",
]

NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",  # noqa: S104  # not to listen on
    "::",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
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
    ],
)
def test_the_reason_is_named(address: str, kind: str) -> None:
    assert why_not(address, allow_private=False) == kind


def test_loopback_is_seen_by_all_its_names() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("10.0.0.1", "::2", "localhost", "")))


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
