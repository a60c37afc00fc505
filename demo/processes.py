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

from demo.stop_signals import STOP_SIGNALS

STOP_SECONDS = 15.0


class DemoError(Exception):
    """Something that a person has to put right; the text says what and how."""


class Children:
    """
    Child processes, each in a session of its own, with their output in files.

    :param logs: the folder for the output.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process; its output goes to ``<logs>/<name>.log``."""
        self._logs.mkdir(parents=True, exist_ok=True)
        # A signal between the start and the entry would leave a process that nobody knows of.
        with self.log(name).open("wb") as output, STOP_SIGNALS.deferred():
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

    def kill(self, process: int) -> str:
        """
        Kill whichever of them this process belongs to, with everything it started, and return its name.

        Nobody can catch that: it is as if the machine were gone.
        """
        session = os.getsid(process)
        name = next(name for name, child in self._children.items() if child.pid == session)
        child = self._children.pop(name)
        _signal_group(child, signal.SIGKILL)
        child.wait()
        _kill_session(session)
        return name

    def stop(self) -> None:
        """
        End all of them with everything they started.

        They have some seconds for it, or none when somebody asks for a second time; then comes SIGKILL.
        """
        for child in self._children.values():
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            while child.poll() is None and time.monotonic() < deadline and not STOP_SIGNALS.is_second:
                time.sleep(0.05)
            # Also when the leader has ended: its own children may not have.
            _signal_group(child, signal.SIGKILL)
            child.wait()
            _kill_session(child.pid)
        self._children.clear()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _kill_session(session: int) -> None:
    """Kill who is left of a session: Airflow gives each task a process group of its own."""
    while left := [process for process in _processes() if _session_of(process) == session]:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def _processes() -> list[int]:
    """Return the ids of all running processes."""
    if Path("/proc/self/stat").exists():
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _runs(path)]
    listed = subprocess.run(("/bin/ps", "-A", "-o", "pid=,stat="), capture_output=True, text=True, check=True)
    lines = [line.split() for line in listed.stdout.splitlines()]
    return [int(number) for number, state in lines if not state.startswith("Z")]


def _runs(process: Path) -> bool:
    """Whether a process is more than an entry that its parent has not collected yet."""
    try:
        # The name stands in brackets and may hold anything; the state follows it.
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except OSError:
        return None


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
