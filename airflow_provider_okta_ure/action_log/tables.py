# SPDX-License-Identifier: Apache-2.0
"""
The table of actions, and what is derived from it or stands beside it.

Their history is in ``migrations``; a test keeps both equal.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from airflow_provider_okta_ure.action_log import lifecycle

TABLE_NAME = "okta_ure_action_log"
VERSION_TABLE = "okta_ure_alembic_version"


def to_utc(value: datetime) -> datetime:
    """
    Return the same moment in UTC.

    :raises ValueError: it has no offset.
    """
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no UTC offset")
    return value.astimezone(timezone.utc)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, in UTC whatever the database keeps; SQLite keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else to_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


# Written out, without parameters: only so do databases see that an index of just these rows will do.
IS_EFFECT = text(lifecycle.EFFECT.in_words)
"""A row about an effect that happened, or may have; most rows only say that everything was right already."""
ACCEPTED = "plan id"
"""How ``approved_by`` begins where only the id of a plan allowed the change."""
IS_UNAPPROVED_EFFECT = text(
    f"{lifecycle.EFFECT.in_words} "
    f"AND (approved_by = '' OR substr(approved_by, 1, {len(ACCEPTED)}) = '{ACCEPTED}')"
)
"""A row about an effect that no person approved: what the limits of a day count."""
IS_READING = text("action = 'fetch_scores'")
"""A row about reading a source; few among many."""
IS_NOTABLE = text("status <> 'unchanged'")
"""A row that somebody may want to read about."""
IS_UNCERTAIN = text(lifecycle.UNCERTAIN.in_words)
"""A row about an effect that may have happened although no answer says so; few among many."""
IS_RELEASE = text(lifecycle.RELEASE.in_words)
"""A row that says that a rule released a user from a group, member or not."""
IS_COMPLETE = text("is_complete")
"""A task that has decided about everybody in its source."""

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
    Column("revision", Integer, nullable=False),
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
    UniqueConstraint(
        "org", "action", "target", "as_of", "user_key", "revision", name="uq_okta_ure_action_log"
    ),
    Index("ix_okta_ure_action_log_as_of", "as_of", "id"),
    Index("ix_okta_ure_action_log_user", "user_key", "as_of"),
    Index("ix_okta_ure_action_log_run", "dag_id", "run_id", "task_id"),
    Index(
        "ix_okta_ure_action_log_effect",
        "org",
        "target",
        "user_key",
        "as_of",
        # Not to find rows by, but to count memberships without looking at the rows.
        "id",
        "action",
        "status",
        "dag_id",
        postgresql_where=IS_EFFECT,
        sqlite_where=IS_EFFECT,
    ),
    Index(
        "ix_okta_ure_action_log_day",
        "org",
        "recorded_at",
        postgresql_where=IS_UNAPPROVED_EFFECT,
        sqlite_where=IS_UNAPPROVED_EFFECT,
    ),
    Index(
        "ix_okta_ure_action_log_reading",
        "source",
        "as_of",
        postgresql_where=IS_READING,
        sqlite_where=IS_READING,
    ),
    Index(
        "ix_okta_ure_action_log_notable",
        "as_of",
        "id",
        # So that the rare ones are found without looking at the others' rows.
        "status",
        "reason",
        postgresql_where=IS_NOTABLE,
        sqlite_where=IS_NOTABLE,
    ),
    Index(
        "ix_okta_ure_action_log_uncertain",
        "org",
        "action",
        "target",
        "user_key",
        postgresql_where=IS_UNCERTAIN,
        sqlite_where=IS_UNCERTAIN,
    ),
    Index(
        "ix_okta_ure_action_log_release",
        "org",
        "target",
        "user_key",
        "as_of",
        postgresql_where=IS_RELEASE,
        sqlite_where=IS_RELEASE,
    ),
)

tasks = Table(
    "okta_ure_tasks",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("try_number", Integer, nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("org", String(255), nullable=False),
    Column("action", String(32), nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("calls", Text, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("as_of_reason", String(16), nullable=False),
    Column("target", String(255), nullable=False),
    Column("target_name", String(255), nullable=False),
    Column("counts", Text, nullable=False),
    Column("silent", Text, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("source", String(250), nullable=False),
    Index("ix_okta_ure_tasks_as_of", "as_of"),
    Index(
        "ix_okta_ure_tasks_complete",
        "dag_id",
        "task_id",
        "as_of",
        postgresql_where=IS_COMPLETE,
        sqlite_where=IS_COMPLETE,
    ),
)
"""What each task decided, how long it took, what it called, and what it warned of, in its last try."""

holders = Table(
    "okta_ure_holders",
    metadata,
    Column("org", String(255), primary_key=True),
    Column("target", String(255), primary_key=True),
    Column("user_key", String(255), primary_key=True),
    Column("dag_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("score_level", String(16), nullable=False),
    Column("user_name", String(255), nullable=False),
)
"""Which DAG's task wants whom in a group, as of the last time that it decided about them."""

tracked = Table(
    "okta_ure_tracked",
    metadata,
    Column("org", String(255), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("target", String(255), primary_key=True),
    Column("user_key", String(255), primary_key=True),
    Column("entry_id", BigInteger, nullable=False),
    Column("dag_id", String(250), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("is_member", Boolean, nullable=False),
    Index("ix_okta_ure_tracked_user", "user_key"),
    Index("ix_okta_ure_tracked_entry", "entry_id"),
)
"""
What is open: memberships that we gave, and levels above low that were delivered, or may have been.

``is_open`` = a rule has yet to end it; ``is_member`` = of memberships, the last thing done was the addition.
"""

known_as = Table(
    "okta_ure_known_as",
    metadata,
    Column("org", String(255), primary_key=True),
    Column("user_key", String(255), primary_key=True),
    Column("name_key", String(255), primary_key=True),
    Index("ix_okta_ure_known_as_name", "org", "name_key", "user_key"),
)
"""Every name of a user in Okta that was acted on: in the source, logins, e-mail addresses."""

names = Table(
    "okta_ure_names",
    metadata,
    Column("org", String(255), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name_key", String(255), primary_key=True),
    Column("okta_id", String(64), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index("ix_okta_ure_names_okta_id", "org", "okta_id"),
)
"""Which Okta id a name of a user or a group stood for the last time; people and groups are renamed."""

orgs = Table(
    "okta_ure_orgs",
    metadata,
    Column("url", String(255), primary_key=True),
    Column("org_id", String(64), nullable=False),
    Column("org", String(255), nullable=False),
    Index("ix_okta_ure_orgs_org_id", "org_id"),
)
"""The org behind each URL; ``org`` is what it is called in the other tables: the first URL it was seen at."""

run_scores = Table(
    "okta_ure_run_scores",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("source", String(250), primary_key=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("scores", LargeBinary, nullable=False),
    Index("ix_okta_ure_run_scores_recorded_at", "recorded_at"),
)
"""What a run read, for the other tasks of the same run: compressed JSON, a score for each name."""

claims = Table(
    "okta_ure_claims",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("org", String(255), primary_key=True),
    Column("try_id", String(64), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("people", LargeBinary, nullable=False),
    Index("ix_okta_ure_claims_org", "org", "recorded_at"),
)
"""Whom running tasks are about to change: compressed JSON, a list of Okta ids."""

approvals = Table(
    "okta_ure_approvals",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("subject", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("answer", String(16), nullable=False),
    Column("answered_by", String(255), nullable=False),
    Column("answered_at", UtcDateTime),
    Column("org", String(255), nullable=False),
    Column("answered_by_id", String(255), nullable=False),
    Column("plans", Text, nullable=False),
    Column("seal", String(128), nullable=False),
    Index("ix_okta_ure_approvals_as_of", "as_of"),
)
"""Which tasks asked a person about which plans, and who answered what."""

plans = Table(
    "okta_ure_plans",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("action", String(32), primary_key=True),
    Column("target", String(255), primary_key=True),
    Column("org", String(255), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("plan_id", String(64), nullable=False),
    Column("try_id", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("triggered_by", String(255), nullable=False),
    Column("plan", Text, nullable=False),
    Index("ix_okta_ure_plans_as_of", "as_of"),
    Index("ix_okta_ure_plans_plan_id", "plan_id"),
)
"""What each task last planned to change, as JSON: dry runs, and plans that were refused for their size."""

reverts = Table(
    "okta_ure_reverts",
    metadata,
    Column("org", String(255), primary_key=True),
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("action", String(32), primary_key=True),
    Column("user_key", String(255), primary_key=True),
    Column("by_dag_id", String(250), primary_key=True),
    Column("by_run_id", String(250), primary_key=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("asked_by", String(255), nullable=False),
    Index("ix_okta_ure_reverts_by", "by_dag_id", "by_run_id"),
    Index("ix_okta_ure_reverts_as_of", "as_of"),
)
"""Which runs were reverted, and by which: such a run does nothing again by a retry or a clear."""

# What follows is derived from the actions, moment by moment, so that long periods are read at once. A moment
# that is written to is stale until it is counted again, and is read from the actions themselves until then.

moments = Table(
    "okta_ure_moments",
    metadata,
    Column("as_of", UtcDateTime, primary_key=True),
    Column("is_stale", Boolean, nullable=False),
)

counts = Table(
    "okta_ure_counts",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("dag_id", String(250), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("task_id", String(250), nullable=False),
    Column("org", String(255), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", String(255), nullable=False),
    Column("target_name", String(255), nullable=False),
    Column("source", String(250), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("risk_level", String(16), nullable=False),
    Column("confirmation", String(32), nullable=False),
    Column("entries", Integer, nullable=False),
    Index("ix_okta_ure_counts_as_of", "as_of"),
)
"""How many entries are alike in everything that can be filtered by, but for the person."""

levels = Table(
    "okta_ure_levels",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("org", String(255), nullable=False),
    Column("dag_id", String(250), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("risk_level", String(16), nullable=False),
    Column("people", Integer, nullable=False),
    Index("ix_okta_ure_levels_as_of", "as_of"),
)
"""How many people had which level, per run; rows without org, DAG and run are of all runs of the moment."""

people = Table(
    "okta_ure_people",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("user_name", String(255), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("login", String(255), nullable=False),
    Column("risk_level", String(16), nullable=False),
    Column("last_as_of", UtcDateTime, nullable=False),
    Column("last_done", UtcDateTime),
    Index("ix_okta_ure_people_user_id", "user_id"),
)
"""Who occurs in the log, under which names and Okta ids."""

limits = Table(
    "okta_ure_limits",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("record", LargeBinary, nullable=False),
)
"""How far rate limits are used now, for all machines; nothing is lost with it."""
