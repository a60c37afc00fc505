# SPDX-License-Identifier: Apache-2.0
"""Reading Okta's users, and on request the risk that Okta sees in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.okta_group_choice import find_group
from airflow_provider_okta_ure.clients.scopes import GROUPS_READ, USER_RISK_READ, USERS_READ
from airflow_provider_okta_ure.core import plain_text
from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.models import UserRisk
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.rows import is_usable_user
from airflow_provider_okta_ure.engine.facts.user_risks import read_risks
from airflow_provider_okta_ure.errors import ConfigurationError, GroupError, NotFoundError, OktaUreError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.identities import name_shower
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import failing_for_good, say_as_of, to_flag, to_text, to_workers

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import OktaUser
    from airflow_provider_okta_ure.engine.facts.user_risks import Reading

# Okta's own list; a user passes through ACTIVATING only.
STATUSES = (
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
    "ACTIVATING",
)

MANY_ROWS = 10_000
"""So many rows are about a megabyte of XCom; from there on the log says so."""


class OktaFetchUsersOperator(ServiceOperator):
    """
    Return the users of an Okta org, so that a DAG can compare them with what Netskope says.

    One row per user, sorted by login: ``{"user", "user_id", "email", "status"}``, where ``user`` is the
    login; with ``with_risk`` also ``risk_level`` (**up is risk**, ``none`` = nothing is recorded) and, if
    Okta has recorded one, ``risk_reason``. The rows can be handed to every operator that takes rows.

    Give at most one of ``logins``, ``group_id``, ``group_name`` and ``search``; without any of them all users
    are listed, without the deprovisioned ones, which Okta leaves out of that list.

    :param logins: logins or e-mail addresses, compared without regard to case; who is not in Okta is left
        out and counted in the log. (templated)
    :param group_id: only the members of the group with this id. (templated)
    :param group_name: only the members of the group with exactly this name. (templated)
    :param search: a search expression of Okta's, such as ``profile.department eq "Sales"``. (templated)
    :param statuses: only users in one of these statuses, such as ``["ACTIVE", "LOCKED_OUT"]``; None = in
        any. (templated)
    :param with_risk: also read everybody's current risk level, one call for each user; needs Identity Threat
        Protection. A deprovisioned user has none. (templated)
    :param workers: how many risk levels at the same time.
    :param okta_conn_id: the connection to the Okta org. (templated)
    :return: the rows, as a list of dicts.
    """

    scopes: ClassVar[tuple[str, ...]] = (USERS_READ,)
    """What a service app has to be granted; for a group and for the risk one more each."""
    template_fields: Sequence[str] = (
        "logins",
        "group_id",
        "group_name",
        "search",
        "statuses",
        "with_risk",
        "okta_conn_id",
    )

    def __init__(
        self,
        *,
        logins: Any = None,
        group_id: str | None = None,
        group_name: str | None = None,
        search: str | None = None,
        statuses: Any = None,
        with_risk: bool | str = False,
        workers: int = 4,
        okta_conn_id: str = OktaHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.logins = logins
        self.group_id = group_id
        self.group_name = group_name
        self.search = search
        self.statuses = statuses
        self.with_risk = with_risk
        self.workers = workers
        self.okta_conn_id = okta_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        with failing_for_good():
            say_as_of(self.log, context, only_reads=True)
            statuses = _statuses(self.statuses)
            with_risk = to_flag(self.with_risk, "with_risk")
            self._refuse_two_ways()
            client = OktaHook(self.okta_conn_id, scopes=self._scopes(with_risk=with_risk)).client
            found = self._found(client, statuses)
            users = self._usable({user.user_id: user for user in found if user.status in statuses}.values())
            readings: dict[str, Reading] = {}
            if with_risk:
                living = [user for user in users if not user.is_deprovisioned]
                self.log.info("Reading the risk of %d users, one call each.", len(living))
                readings = read_risks(client, living, workers=to_workers(self.workers))
            rows = [row for user in users for row in _rows_of(user, readings, with_risk=with_risk)]
            self._summarise(rows)
            return rows

    def _refuse_two_ways(self) -> None:
        ways = ("logins", "group_id", "group_name", "search")
        given = [name for name in ways if getattr(self, name) not in (None, "")]
        if len(given) > 1:
            raise ConfigurationError(
                f"{' and '.join(given)} are set.", remedy="Set at most one of them; statuses goes with each."
            )

    def _scopes(self, *, with_risk: bool) -> tuple[str, ...]:
        of_group = (GROUPS_READ,) if self.group_id or self.group_name else ()
        return (*self.scopes, *of_group, *((USER_RISK_READ,) if with_risk else ()))

    def _found(self, client: OktaClient, statuses: Sequence[str]) -> Iterable[OktaUser]:
        group_id, group_name = to_text(self.group_id, "group_id"), to_text(self.group_name, "group_name")
        if group_id or group_name:
            group = find_group(client, group_id, group_name)
            if group is None:
                raise GroupError(f"There is no group named {group_name!r}.", reason="group_not_found")
            return client.list_members(group.group_id)
        if self.logins not in (None, ""):
            return self._with_logins(client, _names(self.logins))
        search = to_text(self.search, "search")
        if search:
            return client.search_users(search)
        if self.statuses in (None, ""):
            return client.list_users()
        # Shorter than the list of everybody, and the list leaves deprovisioned users out.
        return client.search_users(" or ".join(f'status eq "{status}"' for status in statuses))

    def _with_logins(self, client: OktaClient, names: Sequence[str]) -> Iterator[OktaUser]:
        shown = name_shower()
        missing = {fold(name) for name in names}
        for user in client.find_users(names):
            missing -= {fold(user.login), fold(user.email)}
            yield user
        if missing:
            self.log.warning(
                "%d of %d names are not in Okta, such as %r.", len(missing), len(names), shown(min(missing))
            )

    def _usable(self, users: Iterable[OktaUser]) -> list[OktaUser]:
        found = list(users)
        usable = [user for user in found if is_usable_user(user.login)]
        if len(usable) < len(found):
            # One odd login in the org must not stop everybody else in the next task.
            self.log.warning(
                "Left out %d users whose login is empty, over-long or has control characters.",
                len(found) - len(usable),
            )
        return sorted(usable, key=lambda user: (fold(user.login), user.user_id))

    def _summarise(self, rows: Sequence[dict[str, Any]]) -> None:
        self.log.info("%d users.", len(rows))
        if len(rows) > MANY_ROWS:
            self.log.warning(
                "%d rows are a lot for XCom: choose fewer users, or keep XCom in an object store.", len(rows)
            )


def _rows_of(user: OktaUser, readings: dict[str, Reading], *, with_risk: bool) -> Iterator[dict[str, Any]]:
    """
    Yield the user's row, or nothing when he vanished while the others were read.

    :raises OktaUreError: his risk could not be read; half a list would look like a whole one.
    """
    row: dict[str, Any] = {
        "user": user.login,
        "user_id": user.user_id,
        "email": user.email,
        "status": user.status,
    }
    reading = readings.get(user.user_id)
    if isinstance(reading, NotFoundError) and reading.resource == "User":
        return
    if isinstance(reading, OktaUreError):
        raise reading
    if with_risk:
        row["risk_level"] = reading.level if isinstance(reading, UserRisk) else None
        if isinstance(reading, UserRisk) and reading.reason:
            row["risk_reason"] = reading.reason
    yield row


def _statuses(value: Any) -> Sequence[str]:
    """Return the statuses that are wanted, as Okta spells them."""
    if value in (None, ""):
        return STATUSES
    given = list(value) if _is_list(value) else []
    if not given or not all(isinstance(one, str) for one in given):
        raise ConfigurationError(
            f"statuses is {plain_text.shown(value)}.",
            remedy='Use a list such as ["ACTIVE", "LOCKED_OUT"], or None for all.',
        )
    wanted = sorted({one.strip().upper() for one in given})
    for one in wanted:
        if one not in STATUSES:
            close = difflib.get_close_matches(one, STATUSES, n=1)
            raise ConfigurationError(
                f"statuses names {plain_text.shown(one)}, which is no status of an Okta user.",
                remedy=f"Did you mean {close[0]!r}?" if close else f"The statuses are {', '.join(STATUSES)}.",
            )
    return wanted


def _names(value: Any) -> list[str]:
    """Return the names whose users are wanted; rows of another task will do as well."""
    if _is_list(value):
        value = [one.get("user") if isinstance(one, dict) else one for one in value]
    names = to_names(value, "logins", keep_odd_items=True)
    if not names and isinstance(value, str):
        raise ConfigurationError(
            f"logins is {plain_text.shown(value)}.",
            remedy="Use None for all users, and [] for nobody.",
            topic="list-of-names",
        )
    return names


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, dict))
