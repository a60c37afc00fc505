# SPDX-License-Identifier: Apache-2.0
"""The folder of a demo: emptied at the start, unless another demo uses it or it is not a demo's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from demo.processes import DemoError

_MARK = "made-by-the-demo"


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """
    Yield the folder, empty, and keep other demos out of it meanwhile.

    What this process and its children make meanwhile, only the user who runs them can read: there are keys,
    tokens and names of people among it.

    :raises DemoError: another demo uses it, or what is in it was not made by a demo.
    """
    with _for_us_alone(), _lock_file(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"Another demo is running in {folder}. Stop it (Ctrl-C), or run this one on other ports, "
                "which gives it a folder of its own: make demo PORT=8180 OKTA_PORT=8191 NETSKOPE_PORT=8192"
            ) from None
        _empty(folder)
        yield folder


@contextlib.contextmanager
def _lock_file(folder: Path) -> Iterator[IO[str]]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, because the folder is removed.
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        yield lock


@contextlib.contextmanager
def _for_us_alone() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _empty(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise DemoError(
                f"{folder} holds files that are not of a demo, which empties its folder. Choose another one."
            )
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    (folder / _MARK).touch()
