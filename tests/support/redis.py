"""A real Redis server of our own, where the program is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.processes import free_port
from tests.support.pgbouncer import wait_for


@contextmanager
def running() -> Iterator[str]:
    """Yield the URL of an empty server on loopback; skip the test, saying why, where there can be none."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed (Debian: apt-get install redis-server)")
    folder = Path(tempfile.mkdtemp(prefix="okta-ure-redis-"))
    port = free_port()
    # Nothing of it is kept on disk.
    options = {"--port": str(port), "--bind": "127.0.0.1", "--dir": str(folder), "--save": ""}
    process = subprocess.Popen(
        [program, *(word for option in options.items() for word in option)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
