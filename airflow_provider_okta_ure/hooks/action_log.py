# SPDX-License-Identifier: Apache-2.0
"""
Where the action log is: the database of the Airflow connection ``okta_ure_action_log``.

Without that connection it is an SQLite file under AIRFLOW_HOME, which is right for one machine only. A
connection that may exist and cannot be read is never taken for one that does not: a new, empty log knows of
nobody who was added to a group or of whom Okta was told.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseHook, conf
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from airflow_provider_okta_ure.errors import ActionLogError, ConfigurationError
from airflow_provider_okta_ure.hooks.asking import may_be_there
from airflow_provider_okta_ure.hooks.extras import extra_of

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import URL

    from airflow_provider_okta_ure.action_log.locks import Waiting
    from airflow_provider_okta_ure.action_log.log import ActionLog

log = logging.getLogger(__name__)

CONN_ID = "okta_ure_action_log"
FILE_NAME = "okta_ure_action_log.db"

_ON_ONE_MACHINE = ("LocalExecutor", "airflow.executors.local_executor.LocalExecutor")
_POSTGRES_DRIVERS = ("psycopg2", "psycopg")
# What libpq calls them; nothing else of a connection's extra is handed to the driver.
_POSTGRES_OPTIONS = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "connect_timeout",
    "application_name",
)


def open_action_log(waiting: Waiting | None = None) -> ActionLog:
    """
    Return the action log, its table made or brought up to date.

    :param waiting: how to wait for another run that acts on the same target.
    :raises ConfigurationError: there is no connection and this Airflow runs on several machines, or the
        connection cannot be used.
    :raises ActionLogError: the database cannot be used, or it is not known which one it is.
    """
    from airflow_provider_okta_ure.action_log.log import ActionLog

    place = action_log_place()
    _say_once(str(place))
    return ActionLog.open(place.url, waiting)


class Place(NamedTuple):
    """
    Where the action log is.

    :param url: the SQLAlchemy URL of its database.
    :param is_chosen: it is that of the connection, and not the file that is used without one.
    """

    url: URL
    is_chosen: bool

    def __str__(self) -> str:
        why = "of the connection" if self.is_chosen else "as there is no connection"
        return f"Action log: {self.url.render_as_string(hide_password=True)}, {why} {CONN_ID!r}."


def action_log_place() -> Place:
    """
    Return where the action log is.

    :raises ConfigurationError: see :func:`open_action_log`.
    :raises ActionLogError: whether there is a connection cannot be found out.
    """
    connection = _connection()
    if connection is not None:
        return Place(_url_of(connection), is_chosen=True)
    return Place(_url_of_file(str(_default_file())), is_chosen=False)


def action_log_url() -> URL:
    """
    Return the SQLAlchemy URL of the action log's database.

    :raises OktaUreError: see :func:`action_log_place`.
    """
    return action_log_place().url


@cache
def _say_once(text: str) -> None:
    # Once per process, which is once per task: several parts of a task open the log.
    log.info("%s", text)


def _connection() -> Connection | None:
    """
    Return the connection; None = there certainly is none.

    :raises ConfigurationError: the environment has one that Airflow cannot read.
    :raises ActionLogError: a secrets backend may have one.
    """
    try:
        return BaseHook.get_connection(CONN_ID)
    except AirflowNotFoundException:
        pass
    except Exception as error:  # noqa: BLE001  # a secrets backend is anybody's code, and is made here
        # It denies access or cannot be imported. Its words may hold a secret.
        raise ActionLogError(
            f"The connection {CONN_ID!r} cannot be read: {type(error).__name__}.",
            remedy="Look at the secrets backend of this Airflow.",
            topic="action-log-unknown",
        ) from None
    # Airflow says "not defined" also of what it cannot read: it only logs that, at DEBUG.
    if f"AIRFLOW_CONN_{CONN_ID.upper()}" in os.environ:
        raise ConfigurationError(
            f"The environment variable AIRFLOW_CONN_{CONN_ID.upper()} holds no connection that can be read.",
            remedy="Write it as a URI or as JSON, or remove it.",
            topic="action-log-unknown",
        )
    backend = secrets_backend()
    if backend:
        raise ActionLogError(
            f"The secrets backend {backend} gave no connection {CONN_ID!r}; whether there is none, or it "
            "could not be asked, is not known here.",
            topic="action-log-unknown",
        )
    if may_be_there(CONN_ID):
        raise ActionLogError(
            f"Airflow's API server gave no connection {CONN_ID!r}, and did not say that there is none.",
            remedy="Try again; look at the API server if it stays so.",
            topic="action-log-unknown",
        )
    return None


def secrets_backend() -> str:
    """Return the class of the configured secrets backend; empty when there is none."""
    configured = (
        conf.get(section, key, fallback="")
        for section, key in (("workers", "secrets_backend"), ("secrets", "backend"))
    )
    return next((str(one).strip() for one in configured if str(one or "").strip()), "")


def _default_file() -> Path:
    several = [name for name in _executors() if name not in _ON_ONE_MACHINE]
    if several:
        raise ConfigurationError(
            f"The executor {several[0]} runs tasks on several machines, as far as is known here, and these "
            "cannot share an SQLite file.",
            topic="action-log-place",
        )
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return home.absolute() / FILE_NAME


def _executors() -> list[str]:
    """
    Return the configured executors, as a name of Airflow's or a path of a class.

    Airflow's own reader is no public interface. It takes ``LocalExecutor``, ``module.Class`` and
    ``alias:either``, with commas between them; of teams ``LocalExecutor;team=CeleryExecutor``, which it
    leaves out unless ``multi_team`` is on.
    """
    configured = str(conf.get("core", "executor", fallback="") or "")
    with_teams = conf.getboolean("core", "multi_team", fallback=False)
    groups = (part.rpartition("=") for part in configured.split(";"))
    listed = [names for team, _, names in groups if with_teams or not team.strip()]
    names = (name.strip().rpartition(":")[2].strip() for part in listed for name in part.split(","))
    return [name for name in names if name]


def _url_of_file(path: str) -> URL:
    from sqlalchemy import URL

    # In parts, because a path may hold what has a meaning in a URL.
    return URL.create("sqlite", database=path)


def _url_of(connection: Connection) -> URL:
    from sqlalchemy import URL

    kind = (connection.conn_type or "").lower()
    if kind == "sqlite":
        path = connection.host or connection.schema or ""
        if not path.startswith("/"):
            raise ConfigurationError(
                f"Connection {CONN_ID!r} has no absolute path of a file.", remedy="Put it into the host."
            )
        return _url_of_file(path)
    if kind not in ("postgres", "postgresql"):
        raise ConfigurationError(
            f"Connection {CONN_ID!r} is of type {connection.conn_type!r}.",
            remedy="Use postgres, or sqlite on one machine.",
        )
    if connection.password:
        mask_secret(connection.password)
    extra: dict[str, Any] = extra_of(connection)
    return URL.create(
        f"postgresql+{_postgres_driver()}",
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port or None,
        database=connection.schema or None,
        query={name: str(extra[name]) for name in _POSTGRES_OPTIONS if extra.get(name)},
    )


def _postgres_driver() -> str:
    for driver in _POSTGRES_DRIVERS:
        if find_spec(driver) is not None:
            return driver
    raise ConfigurationError(
        "No driver for PostgreSQL is installed.",
        remedy="Install apache-airflow-providers-postgres or psycopg2-binary.",
    )
