# SPDX-License-Identifier: Apache-2.0
"""Who runs a command, and its record in Airflow's audit log."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from airflow.utils.cli import action_cli

CommandT = TypeVar("CommandT", bound=Callable[..., None])


def audited(command: CommandT) -> CommandT:
    """Return the command, which Airflow's audit log then has with who ran it and its options."""
    found: CommandT = cast("Any", action_cli)(check_db=False)(command)  # Airflow's own has no types
    return found


def who() -> str:
    """Return the user of the operating system who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without such a user
        return f"uid {os.getuid()}"
