"""A real PgBouncer before a PostgreSQL of our own, where the program is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tenacity
from sqlalchemy import make_url

TRIES = 200


def find_program() -> str:
    """Return the path of PgBouncer; skip the test, saying why, where there is none."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    return program


@contextmanager
def pooled(url: str, mode: str) -> Iterator[str]:
    """
    Yield the URL of a database behind a connection pooler; skip the test where there is none.

    :param url: the database.
    :param mode: ``session``, ``transaction`` or ``statement``.
    """
    program = find_program()
    at = make_url(url)
    folder = Path(tempfile.mkdtemp(prefix="okta-ure-pgbouncer-"))
    as_somebody = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n{at.database} = host={at.host} port={at.port} dbname={at.database} user={at.username}\n"
        f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nauth_type=any\nunix_socket_dir=\n"
        f"pool_mode={mode}\nlogfile={folder}/log\n"
    )
    if as_somebody:
        shutil.chown(folder, "postgres", "postgres")
    process = subprocess.Popen(
        [*as_somebody, program, "-q", str(settings)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    through = at.set(port=port)
    try:
        wait_for(port)
        yield through.render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(port: int) -> None:
    """Return as soon as a port on loopback accepts connections."""
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(OSError),
        wait=tenacity.wait_fixed(0.05),
        stop=tenacity.stop_after_attempt(TRIES),
        reraise=True,
    )
    tries(socket.create_connection, ("127.0.0.1", port)).close()
