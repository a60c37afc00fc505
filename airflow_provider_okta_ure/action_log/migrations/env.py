# SPDX-License-Identifier: Apache-2.0
"""Alembic runs this to connect: on the connection, and in the transaction, of ``migrating.upgrade``."""

from __future__ import annotations

from alembic import context

from airflow_provider_okta_ure.action_log.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
