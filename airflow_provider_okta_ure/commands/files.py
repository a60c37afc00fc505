# SPDX-License-Identifier: Apache-2.0
"""Files that commands read and write: a private one is its owner's alone from its first byte on."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from airflow_provider_okta_ure.errors import ConfigurationError

LONGEST_FILE = 64 * 1024
PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644


def read_text(name: str) -> str:
    """
    Return a small text file.

    :param name: its path; ``-`` is the standard input.
    :raises ConfigurationError: it cannot be read, or is no key file.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(LONGEST_FILE + 1)
        else:
            with Path(name).expanduser().open("rb") as file:
                content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{name} cannot be read: {error.strerror}.", remedy="Check path and permissions."
        ) from None
    if len(content) > LONGEST_FILE:
        raise ConfigurationError(
            f"{name} is longer than {LONGEST_FILE // 1024} KiB.", remedy="Give the file with the key alone."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{name} is not a text file.", remedy="Give the key as PEM or JWK; DER is not read."
        ) from None


def write_file(path: Path, text: str, *, mode: int, replace: bool) -> None:
    """
    Write a whole file or nothing, with this mode from the beginning.

    :param replace: whether a file that is there may be replaced; a link is replaced, not followed.
    :raises ConfigurationError: the file is there and may not be replaced, or cannot be written.
    """
    with new_file(path, mode=mode, replace=replace, encoding="ascii") as file:
        file.write(text)


@contextlib.contextmanager
def new_file(path: Path, *, mode: int, replace: bool, encoding: str = "utf-8") -> Iterator[TextIO]:
    """
    Yield a file to write to, which is there as a whole afterwards, or not at all after an error.

    :param mode: what it may be read by, from the beginning.
    :param replace: whether a file that is there may be replaced; a link is replaced, not followed.
    :raises ConfigurationError: the file is there and may not be replaced, or cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}") if replace else path
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already, and was not touched.", remedy="Choose another name, or add --force."
        ) from None
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        if replace:
            fresh.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        if isinstance(error, OSError):
            raise _not_written(path, error) from None
        raise


def _not_written(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}.", remedy="Check the folder and its permissions."
    )
