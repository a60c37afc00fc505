# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure action-log``: make its table, bring it up to date, prune it, export from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log.database import Database
from airflow_provider_okta_ure.action_log.exporting import to_text
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.migrating import newest_version, version_of
from airflow_provider_okta_ure.action_log.migrating import upgrade as upgrade_table
from airflow_provider_okta_ure.commands.connections import reading_the_database
from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.files import PRIVATE_MODE, new_file
from airflow_provider_okta_ure.commands.log_filters import to_filter
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_in_bytes, output_kept_clean, say
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ActionLogError, ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import action_log_url

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_okta_ure.action_log.entries import Entry

LEAST_AGE = timedelta(days=1)
"""What is younger is not pruned: the tasks of today may still be tried again."""


def init(args: Namespace) -> None:
    """Make the table where there is none, and change nothing where there is one."""
    with _ending("Interrupted; the table is there as a whole or not at all."), _database() as database:
        version = version_of(database)
        if version is None:
            _, version = upgrade_table(database)
            say(f"Made the action log, version {version}, at {database.where}.")
            return
        _require_newest(database, version)
        say(f"The action log, version {version}, is there already at {database.where}; nothing to do.")


def upgrade(args: Namespace) -> None:
    """Bring the table up to date, or make it."""
    with _ending("Interrupted; the table is as it was."), _database() as database:
        before, after = upgrade_table(database)
        if before is None:
            say(f"Made the action log, version {after}, at {database.where}.")
        elif before == after:
            say(f"The action log at {database.where} is up to date, version {after}.")
        else:
            say(f"Upgraded the action log at {database.where} from version {before} to {after}.")


def prune(args: Namespace) -> None:
    """Delete what is old and not needed any more, or say how much that would be."""
    with _ending("Interrupted; some old entries may be deleted already, the rest is as it was."):
        refuse_empty(args)
        moment = datetime.now(tz=timezone.utc) - _age(args.older_than)
        with _log() as log:
            number = log.prunable(moment) if args.dry_run else log.prune(moment)
            did = "Would delete" if args.dry_run else "Deleted"
            say(
                f"{did} {number:,} entries from before {moment:%Y-%m-%d %H:%M} UTC at {log.database.where}; "
                "what later runs have to know is kept."
            )


def export(args: Namespace) -> None:
    """Write the entries that the options choose, the oldest first, to a file or the standard output."""
    with _ending("Interrupted; the export is not complete."):
        refuse_empty(args)
        wanted = to_filter(args, datetime.now(tz=timezone.utc))
        with _log() as log, _destination(args) as write:
            written = 0

            def counted() -> Iterator[Entry]:
                nonlocal written
                for entry in log.iterate(wanted):
                    written += 1
                    yield entry

            for piece in to_text(counted(), args.format):
                write(piece)
        say(f"{written:,} entries.")


def _ending(interrupted: str) -> AbstractContextManager[None]:
    return ending_with_status(interrupted=interrupted)


@contextmanager
def _database() -> Iterator[Database]:
    with output_kept_clean(), reading_the_database():
        database = Database(action_log_url())
        with closing(database):
            yield database


@contextmanager
def _log() -> Iterator[ActionLog]:
    """
    Yield the action log that is there; these commands make none, an empty result would hide a wrong place.

    :raises ActionLogError: there is none, or it is not up to date.
    """
    with output_kept_clean(), reading_the_database():
        database = Database(action_log_url())
        missing = database.file is not None and not database.file.exists()
        version = None if missing else version_of(database)
        if version is None:
            raise ActionLogError(
                f"There is no action log at {database.where}.",
                remedy="The first run makes it, or `airflow okta-ure action-log init`; if there should be "
                "one, look at the connection okta_ure_action_log.",
                retryable=False,
            )
        _require_newest(database, version)
    with closing(ActionLog(database)) as log:
        yield log


def _require_newest(database: Database, version: str) -> None:
    if version != newest_version():
        raise ActionLogError(
            f"The action log at {database.where} is of version {version}, and this is for version "
            f"{newest_version()}.",
            remedy="Run `airflow okta-ure action-log upgrade`.",
            retryable=False,
        )


def _age(text: str) -> timedelta:
    age = to_span(text, "--older-than")
    if age is None or age < LEAST_AGE:
        raise ConfigurationError(
            f"--older-than is {text!r}, and a day is the least: what is younger may be tried again.",
            remedy="Use for example 90d.",
        )
    return age


@contextmanager
def _destination(args: Namespace) -> Iterator[Callable[[str], object]]:
    if args.output in (None, "-"):
        with output_in_bytes() as output:
            yield lambda text: output.write(text.encode())
    else:
        path = Path(args.output).expanduser()
        with new_file(path, mode=PRIVATE_MODE, replace=args.force) as file:
            yield file.write
