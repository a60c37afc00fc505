# SPDX-License-Identifier: Apache-2.0
"""A person is an Okta id in every action; holders of memberships; orgs and their URLs; scores of a run."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from airflow_provider_okta_ure.core.names import fold

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLE = "okta_ure_action_log"
_UNIQUE = "uq_okta_ure_action_log"
_KEY = ["org", "action", "target", "as_of", "user_key"]
_AT_ONCE = 1000


def upgrade() -> None:
    """Add what is new, and derive it from the actions that are there."""
    _widen_key([*_KEY, "revision"], sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("okta_ure_tasks", sa.Column("warnings", sa.Text, nullable=False, server_default="[]"))
    _create_holders()
    _create_names()
    _create_orgs()
    _create_run_scores()
    connection = op.get_bind()
    _name_people_by_id(connection)
    _derive_holders(connection)
    _derive_names(connection)


def _widen_key(key: list[str], column: sa.Column[Any] | None) -> None:
    # SQLite cannot change a constraint, so Alembic copies the table; elsewhere this is done in place.
    with op.batch_alter_table(_TABLE) as table:
        if column is not None:
            table.add_column(column)
        table.drop_constraint(_UNIQUE, type_="unique")
        table.create_unique_constraint(_UNIQUE, key)


def _create_holders() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "okta_ure_holders",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("target", sa.String(255), primary_key=True),
        sa.Column("user_key", sa.String(255), primary_key=True),
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("as_of", moment, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("expires_at", moment),
        sa.Column("score_level", sa.String(16), nullable=False),
        sa.Column("user_name", sa.String(255), nullable=False),
    )


def _create_names() -> None:
    op.create_table(
        "okta_ure_names",
        sa.Column("org", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name_key", sa.String(255), primary_key=True),
        sa.Column("okta_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    )


def _create_orgs() -> None:
    op.create_table(
        "okta_ure_orgs",
        sa.Column("url", sa.String(255), primary_key=True),
        sa.Column("org_id", sa.String(64), nullable=False),
        sa.Column("org", sa.String(255), nullable=False),
    )
    op.create_index("ix_okta_ure_orgs_org_id", "okta_ure_orgs", ["org_id"])


def _create_run_scores() -> None:
    op.create_table(
        "okta_ure_run_scores",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.String(250), primary_key=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scores", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_okta_ure_run_scores_recorded_at", "okta_ure_run_scores", ["recorded_at"])


def _name_people_by_id(connection: sa.Connection) -> None:
    """Let the entries of signals and of user risk be found by the Okta id, like those of groups."""
    # Of two names of one user as of the same time, the second entry keeps the name as its key.
    connection.execute(
        sa.text(
            f"""
            UPDATE {_TABLE} SET user_key = user_id
            WHERE action IN ('push_risk', 'upsert_risk') AND user_id <> '' AND user_key <> user_id
              AND id IN (
                SELECT MIN(id) FROM {_TABLE}
                WHERE action IN ('push_risk', 'upsert_risk') AND user_id <> ''
                GROUP BY org, action, target, as_of, user_id
              )
            """  # noqa: S608  # a constant
        )
    )


def _derive_holders(connection: sa.Connection) -> None:
    """Let the task that added a member hold the membership."""
    connection.execute(
        sa.text(
            f"""
            INSERT INTO okta_ure_holders
              (org, target, user_key, dag_id, task_id, as_of, held, expires_at, score_level, user_name)
            SELECT org, target, user_key, dag_id, task_id, as_of, {_true(connection)}, expires_at,
              score_level, user_name
            FROM (
              SELECT a.*, ROW_NUMBER() OVER (
                PARTITION BY org, target, user_key ORDER BY as_of DESC, id DESC
              ) AS place
              FROM {_TABLE} a
              WHERE (action IN ('add_to_group', 'remove_from_group') AND status = 'done')
                 OR (action = 'add_to_group' AND status = 'started')
            ) newest
            WHERE place = 1 AND action = 'add_to_group'
            """  # noqa: S608  # constants
        )
    )


def _true(connection: sa.Connection) -> str:
    return "TRUE" if connection.dialect.name == "postgresql" else "1"


def _derive_names(connection: sa.Connection) -> None:
    """Remember which user and which group each name stood for the last time."""
    _derive(connection, "user", "user_name", "user_id", "status IN ('done', 'started') AND user_id <> ''")
    _derive(
        connection,
        "group",
        "target_name",
        "target",
        "action IN ('add_to_group', 'remove_from_group') AND target NOT LIKE 'name:%'",
    )


def _derive(connection: sa.Connection, kind: str, name: str, okta_id: str, condition: str) -> None:
    found = connection.execute(
        sa.text(
            f"SELECT org, {name}, {okta_id}, MAX(recorded_at) FROM {_TABLE} "  # noqa: S608  # constants
            f"WHERE {condition} AND {name} <> '' GROUP BY org, {name}, {okta_id} ORDER BY MAX(recorded_at)"
        )
    )
    newest = {(row[0], kind, fold(row[1])[:255]): (row[2], row[3]) for row in found}
    rows = [
        {"org": org, "kind": what, "name_key": key, "okta_id": number, "recorded_at": moment}
        for (org, what, key), (number, moment) in newest.items()
    ]
    insert = sa.text(
        "INSERT INTO okta_ure_names (org, kind, name_key, okta_id, recorded_at) "
        "VALUES (:org, :kind, :name_key, :okta_id, :recorded_at)"
    )
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert, rows[start : start + _AT_ONCE])


def downgrade() -> None:
    """Remove what is new; entries of later revisions go with it."""
    for name in ("run_scores", "orgs", "names", "holders"):
        op.drop_table(f"okta_ure_{name}")
    with op.batch_alter_table("okta_ure_tasks") as table:
        table.drop_column("warnings")
    op.execute(f"DELETE FROM {_TABLE} WHERE revision > 0")  # noqa: S608  # a constant
    _widen_key(_KEY, None)
    with op.batch_alter_table(_TABLE) as table:
        table.drop_column("revision")
