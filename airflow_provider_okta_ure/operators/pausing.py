# SPDX-License-Identifier: Apache-2.0
"""The pause switch as tasks see it: asked again and again, said once."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_okta_ure.errors import PauseUnknownError
from airflow_provider_okta_ure.hooks.pause import read_pause


class PauseSwitch:
    """
    Whether all writes are paused.

    A switch that cannot be read is on: the task only plans, as when somebody has paused.

    :param warn: is told once why nothing is written.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._is_said = False

    def is_on(self) -> bool:
        """Ask the switch, and return whether nothing may be written."""
        try:
            pause = read_pause()
        except PauseUnknownError as error:
            self._say(f"Nothing is written: {error}")
            return True
        if pause is None:
            return False
        self._say(f"Nothing is written, because all writes are {pause.in_words()}.")
        return True

    def _say(self, text: str) -> None:
        if not self._is_said:
            self._is_said = True
            self._warn(text)
