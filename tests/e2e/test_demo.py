"""`make demo` tells the truth, ends by itself, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.ports import Wanted, require_free
from demo.processes import free_port

REPOSITORY = Path(__file__).resolve().parents[2]


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", "--once", "--folder", str(folder), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_the_demo_syncs_some_days_and_leaves_no_process_behind(tmp_path):
    ports = [str(free_port()) for _ in range(3)]
    where = ("--port", ports[0], "--okta-port", ports[1], "--netskope-port", ports[2])
    done = run_demo(tmp_path / "demo", *where, "--days", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Checked against both services" in done.stdout
    row = r"^  (\d{4}-\d{2}-\d{2}|today) +(\d+) +(\d+) +(\d+)"
    days = re.findall(row, done.stdout, re.MULTILINE)
    assert len(days) == 2
    assert days[-1][0] == "today"
    # Okta had been told nothing about anybody, so whoever is at risk on the first day is signaled.
    _, added, _, pushed = days[0]
    assert int(added) == int(pushed) > 0
    assert re.search(r"Okta has the risk level of each of the \d+ members", done.stdout)
    assert "risk signals pushed, all confirmed in Okta's System Log" in done.stdout
    assert f"http://127.0.0.1:{ports[0]}/dags/okta_risk_sync" in done.stdout
    assert done.stdout.rstrip().endswith(f"http://127.0.0.1:{ports[0]}/plugin/risk-exchange")
    assert [name for name in _commands() if str(tmp_path) in name] == []


def test_a_busy_port_is_named_with_what_to_do(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_demo(tmp_path / "demo", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert re.search(r"make demo PORT=\d+$", done.stderr, re.MULTILINE)


def test_two_signals_leave_no_process_and_no_busy_port(tmp_path):
    ports = [free_port() for _ in range(3)]
    names = ("--port", "--okta-port", "--netskope-port")
    where = [text for name, port in zip(names, ports, strict=True) for text in (name, str(port))]
    command = [sys.executable, "-m", "demo", "--folder", str(tmp_path / "demo"), *where]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        # Everything runs once the connections are stored.
        assert any("storing the connections" in line for line in demo.stdout)
        demo.send_signal(signal.SIGTERM)
        assert any(line.startswith("Ending") for line in demo.stdout)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(timeout=30) == 128 + signal.SIGTERM
    assert [name for name in _commands() if str(tmp_path) in name] == []
    require_free({str(port): Wanted(port, "next demo") for port in ports})


def _commands() -> list[str]:
    """Return command line and environment of every process but this one."""
    if not Path("/proc/self").exists():
        pytest.skip("this system has no /proc to look for processes in")
    return [_told(process) for process in Path("/proc").glob("[0-9]*") if int(process.name) != os.getpid()]


def _told(process: Path) -> str:
    try:
        return (process / "cmdline").read_text() + (process / "environ").read_text()
    except OSError:  # it has ended meanwhile
        return ""
