# SPDX-License-Identifier: Apache-2.0
"""How far rate limits are used, so that all machines count together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "okta_ure_limits",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("okta_ure_limits")
