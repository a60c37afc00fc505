# SPDX-License-Identifier: Apache-2.0
"""The standard output of a command, which is for its result alone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

_OUTPUT, _ERRORS = 1, 2  # descriptors
BROKEN_PIPE = 128 + 13
"""The status of a command whose reader went away, such as `head`."""


@contextlib.contextmanager
def output_kept_clean() -> Iterator[None]:
    """
    Send whatever is written meanwhile to the error stream: the output is the result alone.

    Airflow's log handlers hold the real output since the start, so its descriptor is what has to change.
    """
    sys.stdout.flush()
    kept = os.dup(_OUTPUT)
    os.dup2(_ERRORS, _OUTPUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, _OUTPUT)
        os.close(kept)


@contextlib.contextmanager
def output_in_bytes() -> Iterator[BinaryIO]:
    """
    Yield the standard output for text in UTF-8, whatever the language settings say.

    :raises SystemExit: the reader went away.
    """
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        # Else Python tries to write the rest once more at its end, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)
        raise SystemExit(BROKEN_PIPE) from None


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    sys.stderr.write(f"{text}\n")
