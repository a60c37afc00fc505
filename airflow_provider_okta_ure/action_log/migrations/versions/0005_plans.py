# SPDX-License-Identifier: Apache-2.0
"""Plans as they were made, and approvals that say for which plans they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns; of approvals from before it is not known which plans they were for."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "okta_ure_plans",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("action", sa.String(32), primary_key=True),
        sa.Column("target", sa.String(255), primary_key=True),
        sa.Column("org", sa.String(255), nullable=False),
        sa.Column("as_of", moment, nullable=False),
        sa.Column("plan_id", sa.String(64), nullable=False),
        sa.Column("try_id", sa.String(64), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("triggered_by", sa.String(255), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
    )
    op.create_index("ix_okta_ure_plans_as_of", "okta_ure_plans", ["as_of"])
    op.create_index("ix_okta_ure_plans_plan_id", "okta_ure_plans", ["plan_id"])
    with op.batch_alter_table("okta_ure_approvals") as table:
        table.add_column(sa.Column("org", sa.String(255), nullable=False, server_default=""))
        table.add_column(sa.Column("answered_by_id", sa.String(255), nullable=False, server_default=""))
        table.add_column(sa.Column("plans", sa.Text, nullable=False, server_default="[]"))
        table.add_column(sa.Column("seal", sa.String(128), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("okta_ure_approvals") as table:
        for name in ("org", "answered_by_id", "plans", "seal"):
            table.drop_column(name)
    op.drop_table("okta_ure_plans")
