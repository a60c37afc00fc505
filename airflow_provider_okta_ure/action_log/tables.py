# SPDX-License-Identifier: Apache-2.0
"""The one table. Its history is in ``migrations``; a test keeps both equal."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

TABLE_NAME = "okta_ure_action_log"
VERSION_TABLE = "okta_ure_alembic_version"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, in UTC whatever the database keeps; SQLite keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value.isoformat()} has no UTC offset")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


# Written out, without parameters: only so do databases see that an index of just these rows will do.
IS_EFFECT = text("status IN ('done', 'started')")
"""A row about an effect that happened, or may have; most rows only say that everything was right already."""
IS_READING = text("action = 'fetch_scores'")
"""A row about reading a source; few among many."""

metadata = MetaData()

actions = Table(
    TABLE_NAME,
    metadata,
    # SQLite numbers rows by itself only for INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("org", String(255), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", String(255), nullable=False),
    Column("target_name", String(255), nullable=False),
    Column("user_key", String(255), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("user_name", String(255), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("login", String(255), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("dag_id", String(250), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("task_id", String(250), nullable=False),
    Column("map_index", Integer, nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("source", String(250), nullable=False),
    Column("rule", Text, nullable=False),
    Column("score", SmallInteger),
    Column("score_level", String(16), nullable=False),
    Column("risk_level", String(16), nullable=False),
    Column("previous_risk_level", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("http_status", SmallInteger),
    Column("request_id", String(128), nullable=False),
    Column("jti", String(128), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("approved_by", String(255), nullable=False),
    Column("confirmation", String(32), nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("log_event_id", String(64), nullable=False),
    Column("calls", Integer),
    Column("users", Integer),
    # The moment before the user: rows of one run are written side by side, and the newest is found at once.
    UniqueConstraint("org", "action", "target", "as_of", "user_key", name="uq_okta_ure_action_log"),
    Index("ix_okta_ure_action_log_as_of", "as_of", "id"),
    Index("ix_okta_ure_action_log_user", "user_key", "as_of"),
    Index("ix_okta_ure_action_log_run", "dag_id", "run_id", "task_id"),
    Index(
        "ix_okta_ure_action_log_effect",
        "org",
        "target",
        "user_key",
        "as_of",
        postgresql_where=IS_EFFECT,
        sqlite_where=IS_EFFECT,
    ),
    Index(
        "ix_okta_ure_action_log_reading",
        "source",
        "as_of",
        postgresql_where=IS_READING,
        sqlite_where=IS_READING,
    ),
)
