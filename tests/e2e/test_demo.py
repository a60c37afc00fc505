"""`make demo` tells the truth, ends by itself, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo import story
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
    days = re.findall(r"^  (\d{4}-\d{2}-\d{2}|today) +\d", done.stdout, re.MULTILINE)
    assert len(days) == 2
    assert days[-1] == "today"
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
    assert f"make demo PORT={port + 100}" in done.stderr


REPORT = {
    name: {"counts": {"done": number, "failed": 0, "skipped": 0}}
    for name, number in (
        ("add_to_group", 2),
        ("remove_from_group", 0),
        ("push_risk", 1),
        ("push_improved", 0),
    )
} | {"confirm_ingested": {"counts": {"confirmed": 1, "missing": 0}}}
LOG = {
    "group.user_membership.add": 2,
    "group.user_membership.remove": 0,
    "security.events.provider.receive_event": 1,
}


def test_the_demo_notices_when_okta_is_not_as_it_says():
    users = [
        {"id": name, "profile": {"login": f"{name}@x.example", "email": f"{name}@x.example"}}
        for name in "abc"
    ]
    expected = story.expected_members({"a@x.example": 100, "b@x.example": 500, "c@x.example": 700}, users)
    assert story.differences(expected, {"a", "b"}, [REPORT], LOG) == []
    assert "1 users at risk are not in the group." in story.differences(expected, {"a"}, [REPORT], LOG)
    assert "1 recovered users are still in the group." in story.differences(
        expected, {"a", "b", "c"}, [REPORT], LOG
    )
    unproven = {**REPORT, "confirm_ingested": {"counts": {"confirmed": 0, "missing": 1}}}
    assert story.differences(expected, {"a", "b"}, [unproven], LOG) == [
        "1 risk signals were pushed, confirm_ingested found 0, 1 not."
    ]
    wrong_log = {**LOG, "group.user_membership.add": 1}
    assert any(
        "System Log has 1" in one for one in story.differences(expected, {"a", "b"}, [REPORT], wrong_log)
    )
    assert story.differences(expected, {"a", "b"}, [], dict.fromkeys(LOG, 0))


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
