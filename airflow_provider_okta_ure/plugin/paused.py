# SPDX-License-Identifier: Apache-2.0
"""Whether all writes are paused, as the page shows it."""

from __future__ import annotations

from typing import Any

from airflow_provider_okta_ure.errors import PauseUnknownError
from airflow_provider_okta_ure.hooks.pause import read_pause


def paused_answer() -> dict[str, Any] | None:
    """
    Return who has paused all writes, since when and why; None = nobody has.

    That it is not known is an answer, too (``is_known``), because then nothing is written either.
    """
    try:
        pause = read_pause()
    except PauseUnknownError as error:
        return {
            "is_known": False,
            "since": None,
            "by": "",
            "reason": error.message,
            "remedy": error.remedy,
        }
    if pause is None:
        return None
    return {
        "is_known": True,
        "since": pause.since,
        "by": pause.by,
        "reason": pause.reason,
        "remedy": "",
    }
