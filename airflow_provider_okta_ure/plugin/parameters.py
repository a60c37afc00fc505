# SPDX-License-Identifier: Apache-2.0
"""What a request may ask for, checked before anything is looked up."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated

import msgspec
from fastapi import Depends, HTTPException, Query
from pydantic import StringConstraints

from airflow_provider_okta_ure.action_log.searching import Cursor, Filter

# PostgreSQL refuses NUL, and no name that we ever write has control characters.
_CLEAN = r"^[^\x00-\x1f\x7f]*$"
_LARGEST_ID = 2**63 - 1

Text = Annotated[str, Query(max_length=255, pattern=_CLEAN)]
Texts = Annotated[
    list[Annotated[str, StringConstraints(max_length=255, pattern=_CLEAN)]], Query(max_length=50)
]
Moment = Annotated[
    str,
    Query(max_length=40, pattern=_CLEAN, description="ISO 8601 with an offset, such as 2026-11-23T00:00:00Z"),
]


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the times that entries are for; None is open."""

    since: datetime | None = None
    until: datetime | None = None


def period(since: Moment = "", until: Moment = "") -> Period:
    """
    Return the period that a request names.

    :raises HTTPException: 422; it is not one.
    """
    return Period(since=_moment(since, "since"), until=_moment(until, "until"))


PeriodDep = Annotated[Period, Depends(period)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    A filter as a request names it.

    :param dag_id: these DAGs; empty = all that the user may see.
    """

    filter: Filter
    dag_id: Sequence[str] = ()

    def within(self, readable: Sequence[str]) -> Filter:
        """Return the filter over those DAGs that the user may see and asks for."""
        chosen = [one for one in readable if not self.dag_id or one in self.dag_id]
        return msgspec.structs.replace(self.filter, dag_ids=chosen)


def wanted(
    period: PeriodDep,
    user: Text = "",
    user_key: Text = "",
    org: Text = "",
    group: Text = "",
    run_id: Text = "",
    task_id: Text = "",
    action: Texts = [],  # noqa: B006  # FastAPI copies it
    status: Texts = [],  # noqa: B006
    reason: Texts = [],  # noqa: B006
    risk_level: Texts = [],  # noqa: B006
    dag_id: Texts = [],  # noqa: B006
) -> Wanted:
    """Return the filter that a request names; several values of one field are alternatives."""
    return Wanted(
        filter=Filter(
            user=user.strip(),
            user_key=user_key,
            org=org,
            group=group,
            action=action,
            status=status,
            reason=reason,
            risk_level=risk_level,
            run_id=run_id,
            task_id=task_id,
            since=period.since,
            until=period.until,
        ),
        dag_id=dag_id,
    )


WantedDep = Annotated[Wanted, Depends(wanted)]


def to_text(cursor: Cursor) -> str:
    """Return a cursor as the next request names it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def to_cursor(text: str) -> Cursor | None:
    """
    Return the cursor that a request names; None = from the start.

    :raises HTTPException: 422; it is not one of ours.
    """
    if not text:
        return None
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(content, type=Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise HTTPException(422, "cursor is not one of ours.") from None
    moment = _in_utc(cursor.as_of)
    if moment is None or not 0 <= cursor.id <= _LARGEST_ID:
        raise HTTPException(422, "cursor is not one of ours.")
    return Cursor(moment, cursor.id)


def _moment(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = _in_utc(msgspec.convert(text, type=datetime))
    except msgspec.ValidationError:
        moment = None
    if moment is None:
        raise HTTPException(422, f"{name} is not a time with an offset, such as 2026-11-23T00:00:00Z.")
    return moment


def _in_utc(moment: datetime) -> datetime | None:
    if moment.utcoffset() is None:
        return None
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        return None
