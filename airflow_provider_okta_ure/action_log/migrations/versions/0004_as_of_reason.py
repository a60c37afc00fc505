# SPDX-License-Identifier: Apache-2.0
"""Why the run of a task is for its time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of tasks that ran before it is not known."""
    op.add_column(
        "okta_ure_tasks", sa.Column("as_of_reason", sa.String(16), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Remove the column."""
    with op.batch_alter_table("okta_ure_tasks") as table:
        table.drop_column("as_of_reason")
