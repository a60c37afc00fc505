"""A real PostgreSQL server of our own, for as long as the tests run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

_numbers = count(1)


class Server:
    """
    A server on loopback.

    :param port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self._base = f"postgresql+psycopg2://postgres@127.0.0.1:{port}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(_numbers)}"
        engine = create_engine(f"{self._base}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return f"{self._base}/{name}"


@contextmanager
def running() -> Iterator[Server]:
    """Yield a server; skip the test, saying why, where there can be none."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="okta-ure-pg-"))
    # PostgreSQL refuses to run as root.
    as_somebody = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_somebody:
        shutil.chown(folder, "postgres", "postgres")
    port = _free_port()
    try:
        made = [str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-N"]
        subprocess.run([*as_somebody, *made], check=True, capture_output=True, cwd=folder)
        control = [*as_somebody, str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w"]
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        subprocess.run(
            [*control, "-l", str(folder / "log"), "-o", options, "start"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        try:
            yield Server(port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: apt-get install postgresql)")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user named postgres")
    return places[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
