# SPDX-License-Identifier: Apache-2.0
"""Whether somebody has paused all writes."""

from __future__ import annotations

from airflow_provider_okta_ure.errors import PauseUnknownError
from airflow_provider_okta_ure.hooks.pause import read_pause
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.report import Verdict, ok, refused, skipped, warning


class PauseChecks:
    """
    Checks of the pause switch.

    :param is_task: it is a task that asks, so that the tasks after it will find the same; a command may run
        where Airflow's database cannot be reached.
    """

    def __init__(self, *, is_task: bool) -> None:
        self._is_task = is_task

    def checks(self) -> list[Check]:
        """Return the checks."""
        return [Check("pause.switch", self.switch)]

    def switch(self) -> Verdict:
        """Whether tasks may write, as far as the switch is concerned."""
        try:
            pause = read_pause()
        except PauseUnknownError as error:
            return refused(error) if self._is_task else skipped(f"{error.message} {error.remedy}")
        if pause is None:
            return ok("Writes to Okta are not paused.")
        return warning(
            f"All writes to Okta are {pause.in_words()}.",
            "The tasks only plan. `airflow okta-ure resume` ends it, when the reason does not hold any more.",
        )
