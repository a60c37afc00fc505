# SPDX-License-Identifier: Apache-2.0
"""The tables as first published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLE = "okta_ure_action_log"


def upgrade() -> None:
    """Make the table."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("org", sa.String(255), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("target_name", sa.String(255), nullable=False),
        sa.Column("user_key", sa.String(255), nullable=False),
        sa.Column("as_of", moment, nullable=False),
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("login", sa.String(255), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("task_id", sa.String(250), nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("source", sa.String(250), nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("score", sa.SmallInteger),
        sa.Column("score_level", sa.String(16), nullable=False),
        sa.Column("risk_level", sa.String(16), nullable=False),
        sa.Column("previous_risk_level", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("http_status", sa.SmallInteger),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("jti", sa.String(128), nullable=False),
        sa.Column("expires_at", moment),
        sa.Column("approved_by", sa.String(255), nullable=False),
        sa.Column("confirmation", sa.String(32), nullable=False),
        sa.Column("confirmed_at", moment),
        sa.Column("log_event_id", sa.String(64), nullable=False),
        sa.Column("calls", sa.Integer),
        sa.Column("users", sa.Integer),
        sa.UniqueConstraint("org", "action", "target", "as_of", "user_key", name="uq_okta_ure_action_log"),
    )
    op.create_index("ix_okta_ure_action_log_as_of", _TABLE, ["as_of", "id"])
    op.create_index("ix_okta_ure_action_log_user", _TABLE, ["user_key", "as_of"])
    op.create_index("ix_okta_ure_action_log_run", _TABLE, ["dag_id", "run_id", "task_id"])
    effect = ["org", "target", "user_key", "as_of", "id", "action", "status", "dag_id"]
    _create_partial_index("effect", effect, "status IN ('done', 'started')")
    _create_partial_index("reading", ["source", "as_of"], "action = 'fetch_scores'")
    _create_partial_index("notable", ["as_of", "id", "status", "reason"], "status <> 'unchanged'")
    _create_tasks()
    _create_derived()


def _create_partial_index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"ix_{_TABLE}_{name}", _TABLE, columns, postgresql_where=where, sqlite_where=where)


def _create_tasks() -> None:
    op.create_table(
        "okta_ure_tasks",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("org", sa.String(255), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("calls", sa.Text, nullable=False),
    )
    op.create_index("ix_okta_ure_tasks_as_of", "okta_ure_tasks", ["as_of"])


def _create_derived() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "okta_ure_moments",
        sa.Column("as_of", moment, primary_key=True),
        sa.Column("is_stale", sa.Boolean, nullable=False),
    )
    op.create_table(
        "okta_ure_counts",
        sa.Column("as_of", moment, nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("task_id", sa.String(250), nullable=False),
        sa.Column("org", sa.String(255), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("target_name", sa.String(255), nullable=False),
        sa.Column("source", sa.String(250), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("risk_level", sa.String(16), nullable=False),
        sa.Column("confirmation", sa.String(32), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
    )
    op.create_index("ix_okta_ure_counts_as_of", "okta_ure_counts", ["as_of"])
    op.create_table(
        "okta_ure_levels",
        sa.Column("as_of", moment, nullable=False),
        sa.Column("org", sa.String(255), nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("risk_level", sa.String(16), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
    )
    op.create_index("ix_okta_ure_levels_as_of", "okta_ure_levels", ["as_of"])
    op.create_table(
        "okta_ure_people",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("user_name", sa.String(255), primary_key=True),
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("login", sa.String(255), nullable=False),
        sa.Column("risk_level", sa.String(16), nullable=False),
        sa.Column("last_as_of", moment, nullable=False),
        sa.Column("last_done", moment),
    )
    op.create_index("ix_okta_ure_people_user_id", "okta_ure_people", ["user_id"])


def downgrade() -> None:
    """Remove the tables."""
    for name in ("people", "levels", "counts", "moments", "tasks", "action_log"):
        op.drop_table(f"okta_ure_{name}")
