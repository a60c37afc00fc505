# SPDX-License-Identifier: Apache-2.0
"""Which runs were reverted, and by which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "okta_ure_reverts",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("action", sa.String(32), primary_key=True),
        sa.Column("user_key", sa.String(255), primary_key=True),
        sa.Column("by_dag_id", sa.String(250), primary_key=True),
        sa.Column("by_run_id", sa.String(250), primary_key=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
    )
    op.create_index("ix_okta_ure_reverts_by", "okta_ure_reverts", ["by_dag_id", "by_run_id"])
    op.create_index("ix_okta_ure_reverts_as_of", "okta_ure_reverts", ["as_of"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("okta_ure_reverts")
