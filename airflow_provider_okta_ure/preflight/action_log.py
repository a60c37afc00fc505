# SPDX-License-Identifier: Apache-2.0
"""Whether the action log can be used, without which no task acts; looked at, never made or changed."""

from __future__ import annotations

from functools import cached_property

from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.health import is_shared_by_transaction, require_writable
from airflow_provider_okta_ure.action_log.migrating import known_versions, newest_version, version_of
from airflow_provider_okta_ure.hooks.action_log import Place, action_log_place
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.report import Verdict, ok, problem, skipped


class ActionLogChecks:
    """Checks of the action log: where it is, whether it answers, and whether a task can write it."""

    def checks(self) -> list[Check]:
        """Return the checks, from the connection to the right to write."""
        return [
            Check("action_log.place", self.place),
            Check("action_log.version", self.version, ("action_log.place",)),
            Check("action_log.write", self.write, ("action_log.version",)),
            Check("action_log.pooler", self.pooler, ("action_log.version",)),
        ]

    def place(self) -> Verdict:
        """Whether it is known where the log is, and the place is right for the executor."""
        _ = self._database
        return ok(str(self._place))

    def version(self) -> Verdict:
        """Whether the log answers, and is of a version that this package can use."""
        file = self._database.file
        if file is not None and not file.exists():
            return ok(f"There is no file {file} yet; the first task makes it.")
        version = version_of(self._database)
        if version is None:
            return ok("The action log has no tables yet; the first task makes them.")
        if version not in known_versions():
            return problem(
                f"The action log is of version {version}, which this version of the package does not know.",
                "Upgrade airflow-provider-okta-ure to the version that made it.",
            )
        more = "" if version == newest_version() else "; the next task brings it up to date"
        return ok(f"The action log answers, and is of version {version}{more}.")

    def write(self) -> Verdict:
        """Whether a task could write the log."""
        require_writable(self._database)
        return ok("The action log can be written.")

    def pooler(self) -> Verdict:
        """Whether a connection pooler stands before the database, and one that can be used."""
        if self._database.kind != "postgresql":
            return skipped("The action log is a file.")
        if is_shared_by_transaction(self._database):
            return ok("The database is behind a connection pooler in transaction mode, which can be used.")
        return ok("No connection pooler that shares connections between transactions was seen.")

    @cached_property
    def _place(self) -> Place:
        return action_log_place()

    @cached_property
    def _database(self) -> Database:
        return Database(self._place.url)
