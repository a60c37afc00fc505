# SPDX-License-Identifier: Apache-2.0
"""What tasks decided in numbers, and who is tracked; indexes for questions about what is open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "okta_ure_action_log"


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
        "action = 'remove_from_group' AND status IN ('done', 'unchanged') AND reason <> 'expired'",
    )
    op.create_index("ix_okta_ure_names_okta_id", "okta_ure_names", ["org", "okta_id"])


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
        sa.Column("is_member", sa.Boolean, nullable=False),
    )
    op.create_index("ix_okta_ure_tracked_user", "okta_ure_tracked", ["user_key"])
    op.create_table(
        "okta_ure_known_as",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("user_key", sa.String(255), primary_key=True),
        sa.Column("name_key", sa.String(255), primary_key=True),
    )
    op.create_index("ix_okta_ure_known_as_name", "okta_ure_known_as", ["org", "name_key"])


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
