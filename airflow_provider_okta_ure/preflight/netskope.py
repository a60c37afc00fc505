# SPDX-License-Identifier: Apache-2.0
"""What the token may do in the Netskope tenant; read, never written."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.auth import NoAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.netskope_probe import DAYS_READ, USERS_READ
from airflow_provider_okta_ure.clients.netskope_wire import BUCKET, LIST_PATH, SCIM_PATH, SERIES_PATH
from airflow_provider_okta_ure.errors import OktaUreError, PermissionDeniedError
from airflow_provider_okta_ure.preflight.attempt import Attempt, attempt
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.pace import netskope_pace
from airflow_provider_okta_ure.preflight.report import Verdict, ok, problem, refused, warning
from airflow_provider_okta_ure.preflight.transport import TransportChecks

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.clients.netskope_probe import NetskopeProbe
    from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
    from airflow_provider_okta_ure.preflight.wanted import Wanted

OLDEST_NEW_SCORE = timedelta(hours=36)
"""As the fetch has it: yesterday's scores are 24 hours old."""


class NetskopeChecks:
    """
    Checks of a Netskope tenant.

    :param hook: reads the connection.
    :param wanted: what is going to be done.
    """

    def __init__(self, hook: NetskopeHook, wanted: Wanted) -> None:
        self._hook = hook
        self._wanted = wanted
        self._transport = TransportChecks("netskope", "Netskope", hook.netskope_conn_id, hook, self._look)

    def checks(self) -> list[Check]:
        """Return the checks, from the address to the endpoints that the strategy reads."""
        signed_in = ("netskope.credentials",)
        strategy = self._wanted.strategy
        not_read = f"Not read with strategy {strategy!r}."
        by_list, by_series = (not_read, "") if strategy == "series" else ("", not_read)
        return [
            *self._transport.checks(),
            Check("netskope.credentials", self.credentials, ("netskope.tls",)),
            Check("netskope.users", self.users, signed_in, by_series),
            Check("netskope.daily_scores", self.daily_scores, signed_in, by_series),
            Check("netskope.score_list", self.score_list, signed_in, by_list),
            Check("netskope.rate_limits", self.rate_limits, signed_in),
        ]

    def credentials(self) -> Verdict:
        """Whether Netskope knows the token; it answers 403 to an unknown one, too."""
        errors = self._errors
        if None in errors:
            return ok("Netskope accepts the token.")
        for error in errors:
            if error is not None and not isinstance(error, PermissionDeniedError):
                return refused(error)
        return problem(
            "Netskope refuses everything that we ask for with 403: the token is unknown, or may do nothing.",
            "Put a valid REST API v2 token into the password of the connection, and give it the endpoints "
            f"{self._endpoints}, with read and write where Netskope asks for it.",
        )

    def users(self) -> Verdict:
        """Whether the list of users can be read."""
        return _judged(self._users.error, SCIM_PATH, "Users can be read.")

    def daily_scores(self) -> Verdict:
        """Whether the users' daily scores can be read, and keep coming."""
        return self._judged_scores(self._series, SERIES_PATH, "Daily scores can be read")

    def score_list(self) -> Verdict:
        """Whether the list of newest scores can be read, and whether they keep coming."""
        return self._judged_scores(self._list, LIST_PATH, "The list of newest scores can be read")

    def rate_limits(self) -> Verdict:
        """Whether our share of Netskope's limits is enough for the work."""
        return netskope_pace(self.probe.limits.get(BUCKET), self.probe.rate_limit_share, self._wanted)

    @cached_property
    def probe(self) -> NetskopeProbe:
        """The client that reads a little of each kind."""
        return self._hook.client.probe

    def _judged_scores(self, read: Attempt[datetime | None], path: str, fine: str) -> Verdict:
        if read.error is not None:
            return _judged(read.error, path, fine)
        newest = read.value
        if newest is not None and self.probe.age_of(newest) <= OLDEST_NEW_SCORE:
            return ok(f"{fine}; the newest one is of {newest:%Y-%m-%d} (UTC).")
        seen = (
            f"the newest one is of {newest:%Y-%m-%d} (UTC)"
            if newest
            else f"none is of the last {DAYS_READ} days"
        )
        return warning(
            f"{fine}, but no new ones come: of the first {USERS_READ} users, {seen}.",
            "Look at User Confidence in the Netskope tenant: is there a score of yesterday? If these users "
            "have none on purpose, nothing is to be done.",
        )

    @cached_property
    def _users(self) -> Attempt[list[str]]:
        return attempt(lambda: self.probe.read_users())

    @cached_property
    def _series(self) -> Attempt[datetime | None]:
        return attempt(lambda: self.probe.read_series([] if self._users.error else self._users.value))

    @cached_property
    def _list(self) -> Attempt[datetime | None]:
        return attempt(lambda: self.probe.read_list())

    @property
    def _errors(self) -> list[OktaUreError | None]:
        if self._wanted.strategy == "list":
            return [self._list.error]
        # A token that is refused once is not shown around.
        first = self._users.error
        if first is not None and not isinstance(first, PermissionDeniedError):
            return [first]
        return [first, self._series.error]

    @property
    def _endpoints(self) -> str:
        return LIST_PATH if self._wanted.strategy == "list" else f"{SCIM_PATH} and {SERIES_PATH}"

    def _look(self) -> Glimpse:
        # Nobody has to be signed in for it, and a missing token must not hide what else is wrong.
        client = NetskopeClient.connect(self._hook.base_url, NoAuth(), **self._hook.settings.transport)
        try:
            return client.probe.glimpse()
        finally:
            client.close()


def _judged(error: OktaUreError | None, path: str, fine: str) -> Verdict:
    if error is None:
        return ok(fine)
    if isinstance(error, PermissionDeniedError):
        return refused(
            error,
            remedy=f"Give the token the endpoint {path}, with read and write where Netskope asks for it, "
            "or its service account a role that covers it.",
        )
    return refused(error)
