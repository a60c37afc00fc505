"""What the demo starts ends with it, and one demo keeps out of another's way; no Airflow in here."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.folders import fresh_folder
from demo.ports import Wanted, require_free
from demo.processes import Children, DemoError, free_port

ROOT = Path(__file__).resolve().parents[2]

# A service that heeds no SIGTERM, with a child in a process group of its own, as Airflow's tasks are; both say
# that they live by holding the pipe open.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
os.write(int(sys.argv[1]), b"+")
time.sleep(600)
"""

DRIVER = """
import sys
from pathlib import Path
from demo.processes import Children
from demo.stop_signals import STOP_SIGNALS, Interrupted
import subprocess

STOP_SIGNALS.install()
pipe = int(sys.argv[1])
children = Children(Path(sys.argv[2]))
started = subprocess.Popen
subprocess.Popen = lambda *a, **k: started(*a, **k, pass_fds=(pipe,))
try:
    try:
        children.start("stubborn", [sys.executable, "-c", sys.argv[3], str(pipe)], {})
        import signal
        signal.pause()
    finally:
        STOP_SIGNALS.begin_stopping()
except Interrupted:
    print("stopping", flush=True)
finally:
    children.stop()
print("stopped", flush=True)
"""


@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM,) * 2, (signal.SIGINT,) * 3, (signal.SIGHUP, signal.SIGTERM)]
)
def test_a_second_signal_leaves_nothing_running(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-c", DRIVER, str(writing), str(tmp_path), STUBBORN]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        pass_fds=(writing,),
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        os.close(writing)
        alive = b""
        while len(alive) < 2:
            alive += os.read(reading, 2)
        assert driver.stdout is not None
        driver.send_signal(numbers[0])
        assert driver.stdout.readline() == "stopping\n"
        for number in numbers[1:]:
            driver.send_signal(number)
        assert driver.stdout.readline() == "stopped\n"
        assert driver.wait(timeout=10) == 0
    # The end of the pipe: nobody who could write to it lives.
    assert select.select([reading], [], [], 0)[0]
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_killed_process_takes_what_it_started_with_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    started = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started(*a, **k, pass_fds=(writing,)))
    children = Children(tmp_path)
    children.start("stubborn", [sys.executable, "-c", STUBBORN, str(writing)], {})
    children.start("other", [sys.executable, "-c", "import time; time.sleep(600)"], {})
    try:
        alive = b""
        while len(alive) < 2:
            alive += os.read(reading, 2)
        os.close(writing)
        assert children.kill(children._children["stubborn"].pid) == "stubborn"
        # The other one has the pipe, too.
        children.check()
    finally:
        children.stop()
    assert select.select([reading], [], [], 0)[0]
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_signal_while_a_process_is_started_is_not_lost(tmp_path: Path) -> None:
    code = """
import os, signal
from demo.stop_signals import STOP_SIGNALS, Interrupted
STOP_SIGNALS.install()
try:
    with STOP_SIGNALS.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        print("held back")
    print("lost")
except Interrupted as interrupted:
    print(interrupted)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.split("\n") == ["held back", "SIGTERM", ""]


def test_a_running_demo_keeps_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "8080"
    with fresh_folder(folder):
        (folder / "airflow.db").write_text("of the first")
        with (
            pytest.raises(DemoError, match=r"Another demo is running in .*make demo PORT="),
            fresh_folder(folder),
        ):
            pass
        assert (folder / "airflow.db").read_text() == "of the first"
        with fresh_folder(tmp_path / "8081") as other:
            assert other.is_dir()


def test_a_demo_begins_with_an_empty_folder(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "8080") as folder:
        (folder / "airflow.db").touch()
    with fresh_folder(tmp_path / "8080") as folder:
        assert not (folder / "airflow.db").exists()


def test_a_folder_with_other_files_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoError, match="not of a demo"), fresh_folder(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_all_busy_ports_are_named_with_one_command_that_works(tmp_path: Path) -> None:
    with socket.socket() as one, socket.socket() as two:
        for taken in (one, two):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        ports = [taken.getsockname()[1] for taken in (one, two)]
        wanted = {"PORT": Wanted(ports[0], "Airflow UI"), "OKTA_PORT": Wanted(ports[1], "pretend Okta")}
        with pytest.raises(DemoError) as refused:
            require_free(wanted)
    text = str(refused.value)
    assert all(f"Port {port}, which the" in text for port in ports)
    command = text.splitlines()[-1].partition("make demo ")[2]
    chosen = dict(setting.split("=") for setting in command.split())
    assert list(chosen) == ["PORT", "OKTA_PORT"]
    require_free({name: Wanted(int(port), name) for name, port in chosen.items()})


def test_one_port_for_two_services_is_refused() -> None:
    port = free_port()
    wanted = {"OKTA_PORT": Wanted(port, "pretend Okta"), "NETSKOPE_PORT": Wanted(port, "pretend Netskope")}
    with pytest.raises(
        DemoError, match=f"Port {port} cannot be for the pretend Okta and the pretend Netskope"
    ):
        require_free(wanted)
