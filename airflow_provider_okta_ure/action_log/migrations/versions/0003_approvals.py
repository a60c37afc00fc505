# SPDX-License-Identifier: Apache-2.0
"""Who answered which approval; users count as changed only when something changed in Okta."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and have everything counted again."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "okta_ure_approvals",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("as_of", moment, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("due_at", moment),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("answered_by", sa.String(255), nullable=False),
        sa.Column("answered_at", moment),
    )
    op.create_index("ix_okta_ure_approvals_as_of", "okta_ure_approvals", ["as_of"])
    _count_again()


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("okta_ure_approvals")
    _count_again()


def _count_again() -> None:
    # Derived from the actions, and what it means has changed.
    op.execute("UPDATE okta_ure_people SET last_done = NULL")
    op.execute(sa.text("UPDATE okta_ure_moments SET is_stale = :yes").bindparams(yes=True))
