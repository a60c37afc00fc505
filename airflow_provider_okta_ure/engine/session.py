# SPDX-License-Identifier: Apache-2.0
"""What every action works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.engine.run import Run
    from airflow_provider_okta_ure.engine.turns import Turns


class Mode(Enum):
    """How much of an action is carried out."""

    APPLY = "apply"
    """All of it."""
    PLAN_ONLY = "plan_only"
    """Nothing in Okta: the interval is past, or writes were paused meanwhile. What is decided is recorded."""
    PREVIEW = "preview"
    """Nothing in Okta, and no decisions: a dry run."""


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(tz=timezone.utc)


@dataclass(frozen=True)
class Session:
    """
    What one task acts with.

    :param connect: returns the client of the Okta org, always the same.
    :param log: the action log.
    :param org: what the org is called in the action log.
    :param turns: the locks that the task holds.
    :param warn: says in the task log and in the report what people should look at.
    :param info: writes a line of the task log.
    :param now: the clock, for the record.
    :param is_preview: whether nothing is going to be written, so that the task does not wait for others.
    """

    connect: Callable[[], OktaClient]
    log: ActionLog
    run: Run
    org: str
    turns: Turns
    warn: Callable[[str], None]
    info: Callable[..., object]
    is_preview: bool = False
    now: Callable[[], datetime] = field(default_factory=lambda: utc_now)

    @property
    def client(self) -> OktaClient:
        """The client of the Okta org; who only records never asks for it."""
        return self.connect()

    def take_turn(self, what: str) -> None:
        """
        Wait until no other task acts on the same; a preview does not wait.

        :param what: two tasks that say the same take turns; to say it twice is no harm.
        :raises LockedError: another task kept it for too long.
        """
        if not self.is_preview:
            self.turns.take(f"{self.org} {what}")
