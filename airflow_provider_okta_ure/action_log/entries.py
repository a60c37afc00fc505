# SPDX-License-Identifier: Apache-2.0
"""One row of the action log as a type."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.lifecycle import LogAction, LogStatus

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


__all__ = ["Confirmation", "Entry", "LogAction", "LogStatus"]

Confirmation: TypeAlias = Literal["", "confirmed", "missing"]
"""What Okta's System Log says of a pushed event; empty = nobody looked."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was done to one user, or was going to be.

    An entry is identified by (org, action, target, user_key, as_of, revision): the same action as of the same
    time is one entry, however often it is tried.

    :param org: the Okta org's URL; of ``fetch_scores`` the Netskope tenant's.
    :param target: the group's id, or the issuer of a risk signal; empty when there is none.
    :param target_name: the group's name, for people.
    :param user_key: the Okta user's id; of a user that was not looked up or that Okta does not know, the name
        in lower case; of ``fetch_scores`` the Airflow connection.
    :param as_of: the moment that the action speaks for (aware).
    :param revision: 0, and one more each time that the same action as of the same time has to have another
        effect: the level was corrected, or Okta's System Log shows that the signal did not arrive.
    :param user_name: the name in the source.
    :param started_at: when it was first tried (aware); the ``iat`` of a risk signal, so that it can be made
        again byte for byte.
    :param recorded_at: when the row was written last (aware).
    :param source: the Airflow connection that the score came from.
    :param score: 0..1000, **higher is safer**.
    :param risk_level: Okta's level, **up is risk**.
    :param reason: the reason code of the outcome.
    :param expires_at: when a membership that we gave ends.
    :param approved_by: who approved the plan that this is part of.
    :param confirmation: what Okta's System Log says of it.
    :param calls: how many calls of the service the task made; of ``fetch_scores`` only.
    :param users: how many users were read; of ``fetch_scores`` only.
    """

    org: str
    action: LogAction
    target: str = ""
    target_name: str = ""
    user_key: str
    as_of: datetime
    revision: int = 0
    user_name: str = ""
    user_id: str = ""
    login: str = ""
    started_at: datetime
    recorded_at: datetime
    dag_id: str = ""
    run_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    source: str = ""
    rule: str = ""
    score: int | None = None
    score_level: str = ""
    risk_level: str = ""
    previous_risk_level: str = ""
    status: LogStatus
    reason: str = ""
    message: str = ""
    http_status: int | None = None
    request_id: str = ""
    jti: str = ""
    expires_at: datetime | None = None
    approved_by: str = ""
    confirmation: Confirmation = ""
    confirmed_at: datetime | None = None
    log_event_id: str = ""
    calls: int | None = None
    users: int | None = None
    id: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether a risk signal was taken in, as far as is known: 202 alone is not proof."""
        return self in lifecycle.DELIVERED

    @property
    def is_in_doubt(self) -> bool:
        """
        Whether the effect was tried and may have happened, because no answer tells.

        Without an answer, and after a failure inside Okta, nobody knows; a refusal had no effect.
        """
        return self in lifecycle.IN_DOUBT

    def to_row(self) -> dict[str, Any]:
        """Return the columns of a new row, over-long text cut to what the table holds."""
        row = msgspec.structs.asdict(self)
        del row["id"]
        for name, length in _LENGTHS.items():
            row[name] = row[name][:length]
        return row

    @classmethod
    def from_row(cls, row: RowMapping) -> Entry:
        """Return the entry in a row of the table."""
        return cls(**row)


# What comes from elsewhere and has no length of its own; PostgreSQL refuses what is too long.
_LENGTHS = {
    "target_name": 255,
    "user_name": 255,
    "login": 255,
    "message": 1000,
    "request_id": 128,
    "rule": 10_000,
    "approved_by": 255,
}
