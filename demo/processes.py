# SPDX-License-Identifier: Apache-2.0
"""Child processes that never outlive us, and free ports for them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 15.0


class DemoError(Exception):
    """Something that a person has to put right; the text says what and how."""


class Children:
    """
    Child processes, each in a process group of its own, with their output in files.

    :param logs: the folder for the output.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process; its output goes to ``<logs>/<name>.log``."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as output:
            self._children[name] = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Return the file with a process's output."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """
        Make sure that all are alive.

        :raises DemoError: one has ended; with the end of its output.
        """
        for name, child in self._children.items():
            if child.poll() is not None:
                tail = self.log(name).read_text(errors="replace").splitlines()[-12:]
                raise DemoError(
                    f"{name} ended with status {child.returncode}. The end of {self.log(name)}:\n  "
                    + "\n  ".join(tail)
                )

    def stop(self) -> None:
        """End all of them with everything they started; the last resort is SIGKILL."""
        for child in self._children.values():
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            # Also when the leader has ended: its own children may not have.
            _signal_group(child, signal.SIGKILL)
            child.wait()
        self._children.clear()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, purpose: str, variable: str) -> None:
    """
    Make sure that nobody listens on a port.

    :raises DemoError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(
                f"Port {port}, which the {purpose} needs, is taken by another program. "
                f"Stop that program or choose another port: make demo {variable}={port + 100}"
            ) from None
