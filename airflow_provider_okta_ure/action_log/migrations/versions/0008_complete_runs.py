# SPDX-License-Identifier: Apache-2.0
"""What tasks decided in numbers, and who is tracked; indexes for questions about what is open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from airflow_provider_okta_ure.core.names import fold

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "okta_ure_action_log"


_AT_ONCE = 1000
_VALUES = {"yes": True, "no": False}

# An effect that happened or may have: see action_log/lifecycle.py, as it was for this version.
_IN_DOUBT = """(
  status = 'started' OR (
    status = 'failed' AND reason NOT IN ('not_attempted', 'interrupted', 'never_confirmed')
    AND (http_status IS NULL OR http_status >= 500)
  )
)"""

# The last signal above low about each user that no later one at or below it has ended.
_OPEN_LEVELS = f"""
INSERT INTO okta_ure_tracked (org, kind, target, user_key, entry_id, dag_id, is_open, is_member)
SELECT org, :kind, target, user_key, id, dag_id, :yes, :no
FROM (
  SELECT begun.*, ROW_NUMBER() OVER (
    PARTITION BY org, target, user_key ORDER BY as_of DESC, revision DESC, id DESC
  ) AS place
  FROM {_TABLE} begun
  WHERE action = :kind AND risk_level NOT IN ('', 'none', 'low')
    AND ((status = 'done' AND confirmation <> 'missing') OR {_IN_DOUBT})
    AND NOT EXISTS (
      SELECT 1 FROM {_TABLE} ended
      WHERE ended.org = begun.org AND ended.target = begun.target AND ended.user_key = begun.user_key
        AND ended.action = :kind AND ended.status IN ('done', 'started') AND ended.status = 'done'
        AND ended.confirmation <> 'missing' AND ended.risk_level IN ('', 'none', 'low')
        AND (ended.as_of > begun.as_of OR (ended.as_of = begun.as_of AND ended.revision > begun.revision))
        AND (begun.status = 'done' OR ended.recorded_at > begun.recorded_at)
    )
) newest
WHERE place = 1
"""  # noqa: S608  # constants

# Additions of ours that no rule has released, and those that nothing done has ended.
_MEMBERSHIPS = f"""
INSERT INTO okta_ure_tracked (org, kind, target, user_key, entry_id, dag_id, is_open, is_member)
SELECT org, 'membership', target, user_key, entry_id, dag_id, is_open, is_member
FROM (
  SELECT begun.org, begun.target, begun.user_key,
    CASE WHEN last.reason IS NULL THEN begun.id ELSE last.id END AS entry_id,
    CASE WHEN last.reason IS NULL THEN begun.dag_id ELSE last.dag_id END AS dag_id,
    CASE WHEN released.as_of IS NULL OR released.as_of <= begun.as_of THEN :yes ELSE :no END AS is_open,
    CASE WHEN last.reason IS NULL THEN :no ELSE :yes END AS is_member
  FROM (
    SELECT a.*, ROW_NUMBER() OVER (
      PARTITION BY org, target, user_key ORDER BY as_of DESC, revision DESC, id DESC
    ) AS place
    FROM {_TABLE} a
    WHERE action = 'add_to_group' AND reason <> 'reverted_not_ours' AND (status = 'done' OR {_IN_DOUBT})
  ) begun
  LEFT JOIN (
    SELECT a.*, ROW_NUMBER() OVER (
      PARTITION BY org, target, user_key ORDER BY as_of DESC, revision DESC, id DESC
    ) AS place
    FROM {_TABLE} a
    WHERE action IN ('add_to_group', 'remove_from_group') AND confirmation <> 'missing'
      AND (status = 'done' OR (status = 'started' AND action = 'add_to_group'))
  ) last ON last.org = begun.org AND last.target = begun.target AND last.user_key = begun.user_key
    AND last.place = 1 AND last.action = 'add_to_group' AND last.reason <> 'reverted_not_ours'
  LEFT JOIN (
    SELECT org, target, user_key, MAX(as_of) AS as_of FROM {_TABLE}
    WHERE action = 'remove_from_group' AND status IN ('done', 'unchanged') AND reason <> 'expired'
    GROUP BY org, target, user_key
  ) released ON released.org = begun.org AND released.target = begun.target
    AND released.user_key = begun.user_key
  WHERE begun.place = 1
) states
WHERE is_open = :yes OR is_member = :yes
"""  # noqa: S608  # constants

_CALLED = f"""
SELECT DISTINCT org, CASE WHEN user_id = '' THEN user_key ELSE user_id END AS okta_id, user_name, login
FROM {_TABLE}
WHERE action IN ('add_to_group', 'remove_from_group', 'push_risk', 'upsert_risk')
  AND (status IN ('done', 'unchanged') OR {_IN_DOUBT})
"""  # noqa: S608  # constants


def upgrade() -> None:
    """Add what is new, and derive it from the actions that are there."""
    _widen_tasks()
    _create_tracked()
    _create_partial_index(
        "uncertain", ["org", "action", "target", "user_key"], "status IN ('started', 'failed')"
    )
    _create_partial_index(
        "release",
        ["org", "target", "user_key", "as_of"],
        "action = 'remove_from_group' AND status IN ('done', 'unchanged') AND reason != 'expired'",
    )
    op.create_index("ix_okta_ure_names_okta_id", "okta_ure_names", ["org", "okta_id"])
    connection = op.get_bind()
    for kind in ("push_risk", "upsert_risk"):
        connection.execute(sa.text(_OPEN_LEVELS), {"kind": kind, **_VALUES})
    connection.execute(sa.text(_MEMBERSHIPS), _VALUES)
    _derive_known_names(connection)


def _widen_tasks() -> None:
    """Of tasks that ran before, nobody knows whether they were complete; their rows stand for themselves."""
    for column in (
        sa.Column("target", sa.String(255), nullable=False, server_default=""),
        sa.Column("target_name", sa.String(255), nullable=False, server_default=""),
        sa.Column("counts", sa.Text, nullable=False, server_default="{}"),
        sa.Column("silent", sa.Text, nullable=False, server_default="[]"),
        sa.Column("is_complete", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("parts", sa.Integer, nullable=False, server_default="1"),
        sa.Column("source", sa.String(250), nullable=False, server_default=""),
    ):
        op.add_column("okta_ure_tasks", column)
    is_complete = sa.text("is_complete")
    op.create_index(
        "ix_okta_ure_tasks_complete",
        "okta_ure_tasks",
        ["dag_id", "task_id", "as_of"],
        postgresql_where=is_complete,
        sqlite_where=is_complete,
    )


def _create_tracked() -> None:
    op.create_table(
        "okta_ure_tracked",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("target", sa.String(255), primary_key=True),
        sa.Column("user_key", sa.String(255), primary_key=True),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("is_member", sa.Boolean, nullable=False),
    )
    op.create_index("ix_okta_ure_tracked_user", "okta_ure_tracked", ["user_key"])
    op.create_index("ix_okta_ure_tracked_entry", "okta_ure_tracked", ["entry_id"])
    op.create_table(
        "okta_ure_known_as",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("user_key", sa.String(255), primary_key=True),
        sa.Column("name_key", sa.String(255), primary_key=True),
    )
    op.create_index("ix_okta_ure_known_as_name", "okta_ure_known_as", ["org", "name_key", "user_key"])


def _derive_known_names(connection: sa.Connection) -> None:
    """Remember every name of the users that were acted on."""
    found = connection.execute(sa.text(_CALLED))
    rows = sorted(
        {
            (row.org, row.okta_id, fold(name)[:255])
            for row in found
            for name in (row.user_name, row.login)
            if name
        }
    )
    insert = sa.text(
        "INSERT INTO okta_ure_known_as (org, user_key, name_key) VALUES (:org, :user_key, :name_key)"
    )
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        connection.execute(
            insert, [{"org": org, "user_key": user, "name_key": name} for org, user, name in some]
        )


def _create_partial_index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"ix_{_TABLE}_{name}", _TABLE, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_okta_ure_names_okta_id", "okta_ure_names")
    for name in ("release", "uncertain"):
        op.drop_index(f"ix_{_TABLE}_{name}", _TABLE)
    for table in ("known_as", "tracked"):
        op.drop_table(f"okta_ure_{table}")
    op.drop_index("ix_okta_ure_tasks_complete", "okta_ure_tasks")
    with op.batch_alter_table("okta_ure_tasks") as tasks:
        for name in ("target", "target_name", "counts", "silent", "is_complete", "parts", "source"):
            tasks.drop_column(name)
