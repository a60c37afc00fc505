# SPDX-License-Identifier: Apache-2.0
"""Who was changed on one day, found without reading the whole table, and who is about to be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index of effects by the clock, and the table of claims."""
    unapproved = sa.text(
        "status IN ('done', 'started') AND (approved_by = '' OR substr(approved_by, 1, 7) = 'plan id')"
    )
    op.create_index(
        "ix_okta_ure_action_log_day",
        "okta_ure_action_log",
        ["org", "recorded_at"],
        postgresql_where=unapproved,
        sqlite_where=unapproved,
    )
    op.create_table(
        "okta_ure_claims",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("try_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_okta_ure_claims_org", "okta_ure_claims", ["org", "recorded_at"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("okta_ure_claims")
    op.drop_index("ix_okta_ure_action_log_day", "okta_ure_action_log")
