# SPDX-License-Identifier: Apache-2.0
"""The ports of a demo: all free, and each for one service only."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from demo.processes import DemoError, free_port

_HIGHEST = 65535


@dataclass(frozen=True)
class Wanted:
    """
    A port that is going to be listened on.

    :param purpose: what needs it.
    """

    port: int
    purpose: str


def require_free(wanted: Mapping[str, Wanted]) -> None:
    """
    Make sure that every port is free and wanted once.

    :param wanted: by ``make`` variable.
    :raises DemoError: with the command that uses other ports.
    """
    used: dict[int, str] = {}
    problems: list[str] = []
    others: dict[str, int] = {}
    for variable, one in wanted.items():
        if one.port in used:
            problems.append(f"Port {one.port} cannot be for the {used[one.port]} and the {one.purpose}.")
        elif not _is_free(one.port):
            problems.append(f"Port {one.port}, which the {one.purpose} needs, is taken by another program.")
        else:
            used[one.port] = one.purpose
            continue
        not_these = {*used, *others.values(), *(each.port for each in wanted.values())}
        others[variable] = _other_port(one.port, not_these)
    if problems:
        settings = " ".join(f"{variable}={port}" for variable, port in others.items())
        raise DemoError("\n".join([*problems, f"Choose other ports: make demo {settings}"]))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _other_port(port: int, not_these: set[int]) -> int:
    """Return a free port: some hundreds higher, when that is possible."""
    for candidate in range(port + 100, _HIGHEST, 100):
        if candidate not in not_these and _is_free(candidate):
            return candidate
    return free_port()
